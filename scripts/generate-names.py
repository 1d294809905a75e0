#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Print C tables with the names and the texts of the enumerations of a netlink spec."""
import sys
import yaml


def text(entry):
    return " ".join(entry.get("doc", "").split()).replace('"', '\\"')


def main(path):
    with open(path, encoding="utf-8") as stream:
        spec = yaml.safe_load(stream)
    print("// SPDX-License-Identifier: GPL-2.0")
    print(f"/* Made by scripts/generate from {path}: edit that. */")
    print('\n#include "names.h"')
    for enum in spec["definitions"]:
        if enum["type"] != "enum":
            continue
        name = enum["name"].replace("-", "_")
        print(f"\nconst struct rw_name rw_{name}_names[] = {{")
        for entry in enum["entries"]:
            print(f'\t{{ "{entry["name"]}", "{text(entry)}" }},')
        print("\t{ NULL, NULL }\n};")


main(sys.argv[1])

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Print C tables with the names and the texts of the enumerations of a netlink spec, or with
--kernel a header with the names that its tracepoints print."""
import sys
import yaml


def text(entry):
    return " ".join(entry.get("doc", "").split()).replace('"', '\\"')


def kernel(spec, path):
    print("/* SPDX-License-Identifier: GPL-2.0 */")
    print(f"/* Made by scripts/generate from {path}: edit that. */")
    print("#ifndef REWIRE_NAMES_GEN_H\n#define REWIRE_NAMES_GEN_H")
    for enum in spec["definitions"]:
        if enum["type"] != "enum":
            continue
        name = enum["name"].replace("-", "_").upper()
        entries = [f'\t{{ {value}, "{entry["name"]}" }}' for value, entry in enumerate(enum["entries"])]
        print(f"\n#define REWIRE_{name}_NAMES \\")
        print(", \\\n".join(entries))
    print("\n#endif /* REWIRE_NAMES_GEN_H */")


def main(path, for_kernel):
    with open(path, encoding="utf-8") as stream:
        spec = yaml.safe_load(stream)
    if for_kernel:
        return kernel(spec, path)
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


main(sys.argv[-1], sys.argv[1] == "--kernel")

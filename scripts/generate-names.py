#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Print C tables with the names and the texts of the enumerations of a netlink spec, or with
--kernel functions that give the names which its tracepoints print."""
import sys
import yaml

TRACED = "reason", "punt-reason", "verdict-action"


def text(entry):
    return " ".join(entry.get("doc", "").split()).replace('"', '\\"')


def kernel(spec, path):
    print("// SPDX-License-Identifier: GPL-2.0")
    print(f"/* Made by scripts/generate from {path}: edit that. */")
    print("#include <linux/kernel.h>\n#include <linux/types.h>\n\n#include \"names.h\"")
    for enum in spec["definitions"]:
        if enum["name"] not in TRACED:
            continue
        name = enum["name"].replace("-", "_")
        print(f"\nconst char *rewire_{name}_name(u32 value)\n{{")
        print("\tstatic const char *const names[] = {")
        for entry in enum["entries"]:
            print(f'\t\t"{entry["name"]}",')
        print("\t};\n\n\treturn value < ARRAY_SIZE(names) ? names[value] : \"none\";\n}")


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

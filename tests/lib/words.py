#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""words.py TEXT JSON: print the words of a file of text that no key and no value of
a JSON file stands for; fail if there are any, or no words at all.

A word may be several values: an address with its port, a range, a prefix.  NOISE
are words between values.
"""
import json
import re
import sys

NOISE = {"summary", ">", "as", "dev", "outdev", "flow", "attach", "rule", "target"}


def walk(value, known):
    if isinstance(value, dict):
        for key, member in value.items():
            known.add(key)
            walk(member, known)
    elif isinstance(value, list):
        for member in value:
            walk(member, known)
    elif value is not None:
        known.add(str(value))


def has(known, word):
    if word in known or word in NOISE:
        return True
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?s", word):
        return True     # a duration, which is another a moment later
    for pattern in r"\[?(.*?)\]?:([0-9]+)", r"([0-9]+)-([0-9]+)", r"(.*)/([0-9]+)":
        parts = re.fullmatch(pattern, word)
        if parts and all(part in known for part in parts.groups()):
            return True
    return False


def main():
    known = set()
    with open(sys.argv[2], encoding="utf-8") as file:
        walk(json.load(file), known)
    with open(sys.argv[1], encoding="utf-8") as file:
        # Each summary has another number
        words = set(re.sub(r"(?m)^summary \d+", "summary", file.read()).split())
    missing = sorted(word for word in words if not has(known, word))
    print("words without a value in JSON:", *missing)
    sys.exit(bool(missing) or not words)


main()

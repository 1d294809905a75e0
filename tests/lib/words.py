#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""words.py TEXT JSON: print the words of a file of text that JSON has no key or value for.

Each line of text is compared with its own object of a list; what is no list has all the
lines.  A word may be several values: an address with its port, a range, a prefix.  Where
a word is the key of a value, the next one has to be that.  NOISE are words between values.
Fails if there are such words, or no words at all.
"""
import json
import re
import sys

NOISE = {"summary", ">", "as", "dev", "outdev", "flow", "attach", "rule", "target", "copy", "from", "through"}
DURATION = r"[0-9]+(\.[0-9]+)?s"       # another a moment later
COMPOSED = r"\[?(.*?)\]?:([0-9]+)", r"([0-9]+)-([0-9]+)", r"(.*)/([0-9]+)"


class Object:
    """What a line of text may say."""

    def __init__(self, value):
        self.known = set()
        self.values = {}        # of each key
        self.walk(None, value)

    def walk(self, key, value):
        if isinstance(value, dict):
            for name, member in value.items():
                self.known.add(name)
                self.walk(name, member)
        elif isinstance(value, list):
            for member in value:
                self.walk(key, member)
        elif value is not None:
            self.known.add(str(value))
            self.values.setdefault(key, set()).add(str(value))

    def has(self, word):
        if word in self.known or word in NOISE or re.fullmatch(DURATION, word):
            return True
        return any(parts and all(part in self.known for part in parts.groups())
                   for parts in (re.fullmatch(pattern, word) for pattern in COMPOSED))

    def belongs(self, key, word):
        """Whether a word is what this key has, or begins with it."""
        if re.fullmatch(DURATION, word):
            return True
        return any(word == value or word.startswith((value + ":", f"[{value}]:", value + "-", value + "/"))
                   for value in self.values[key])

    def missing(self, line):
        words = line.split()
        for word, following in zip(words, words[1:] + [""]):
            if not self.has(word):
                yield word
            elif word in self.values and word not in NOISE and self.has(following) and \
                    following not in self.known - set().union(*self.values.values()) and \
                    not self.belongs(word, following):
                yield f"{word} {following}"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        lines = [re.sub(r"^summary \d+", "summary", line.replace("\\", " "))    # each has another number
                 for line in file]
    with open(sys.argv[2], encoding="utf-8") as file:
        value = json.load(file)
    if isinstance(value, list) and len(value) != len(lines):
        sys.exit(f"{len(lines)} lines of text, and {len(value)} objects")
    lines = [re.sub(r"-ns \d+", "-ns 0s", line) for line in lines]           # another a moment later
    pairs = zip(lines, value) if isinstance(value, list) else [(line, value) for line in lines]
    missing = sorted({word for line, member in pairs for word in Object(member).missing(line)})
    print("words without a value in JSON:", *missing, sep="\n")
    sys.exit(bool(missing) or not lines)


main()

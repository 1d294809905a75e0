#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""join.py OUTPUT START.json...: rounds that were starts of the guest, as those of one run.

Where the memory of packets and flows has come to lie is another in each start, and the same in all
bursts of one. A system that had too little time for its flows in one of them is left out.
"""
import json
import sys

LOAD = "family", "flows", "size", "slot", "system"
OUT = "family", "flows", "system"


def join(starts):
    rounds = {}
    for start in starts:
        for one in start["measurements"]:
            rounds.setdefault(tuple(one[name] for name in LOAD), []).extend(one["rounds"])
    all_rounds = sum(start["rounds"] for start in starts)
    left_out = dict.fromkeys(tuple(one[name] for name in OUT) for start in starts for one in start["left_out"])
    return starts[0] | {
        "starts": len(starts), "rounds": all_rounds,
        "measurements": [dict(zip(LOAD, load), rounds=found) for load, found in rounds.items() if len(found) == all_rounds],
        "left_out": [dict(zip(OUT, one)) for one in left_out]}


def main():
    starts = []
    for path in sys.argv[2:]:
        with open(path, encoding="ascii") as file:
            starts.append(json.load(file))
    with open(sys.argv[1], "w", encoding="ascii") as file:
        json.dump(join(starts), file)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""How the first packets of a quiet virtual network fare while another one floods with new flows.

Runs in a virtual machine; writes JSON. Both have the same addresses, each a device of its own:

    client      ─ gen ────  in   the system  out ──── sink ─ server
    its double  ─ gen2 ───  in2

The generator sends the flood by the first, each packet a new flow, and a program a few new flows
by the second, to another port than the flood's. It tells how many of those come through, and
after what time (who does not has waited for ever); without a flood, too.
"""
import argparse
import json
import time
from math import inf

from daemons import Delegated, Rewired, Vswitchd
from first_packets import delays, parts_of
from generator import FIRST
from measure import guest, prepare_machine
from new_flows import DESTINATIONS, SIZE, SOURCES
from systems import Nftables, System


def with_double(kind, **more):
    """The same system with a second client"""
    return type(kind.__name__ + "WithDouble", (kind,), {"pairs": System.pairs + (("in2", "gen2"),)} | more)


SYSTEMS = [with_double(Rewired, inside={"in": 1, "in2": 3}), with_double(Delegated, inside={"in": 1, "in2": 3}),
           with_double(Vswitchd, inside={"in": 1, "in2": 3}), with_double(Nftables)]


def flood(system, options):
    """Begins; as long as the quiet one's flows last"""
    system.prepare(SIZE[system.family])
    system.forward.ports((1024, SOURCES), (FIRST + 1, DESTINATIONS))
    process = system.forward.begin(int(options.flood * (options.count / options.rate + 1)), options.flood)
    time.sleep(0.5)
    return process


def fared(kind, family, options, flooded):
    """What part of the quiet one's new flows came through, and their waits: none, for ever"""
    system, process, told = kind(family), None, {}
    try:
        if flooded:
            process = flood(system, options)
        found = delays(system, options.rate, options.count, "gen2", "in2")
    finally:
        if process:
            process.wait()
            told["flood"] = system.forward.rate()
        system.delete()
    told["came"] = sum(wait < inf for wait in found) / len(found)
    return told | {part: wait if wait < inf else None for part, wait in parts_of(found).items()}


def measure(family, options):
    found = {kind.name: {"alone": [], "flooded": []} for kind in SYSTEMS}
    for number in range(options.rounds):
        turn = number % len(SYSTEMS)
        for kind in SYSTEMS[turn:] + SYSTEMS[:turn]:
            for how, rounds in found[kind.name].items():
                rounds.append(fared(kind, family, options, how == "flooded"))
                print(f"# IPv{family} round {number + 1}: {kind.title}, {how}: {rounds[-1]}", flush=True)
    return {"family": family, "fared": found}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--family", type=int, nargs="+", default=[4])
    parser.add_argument("--flood", type=int, default=200000, help="new flows a second")
    parser.add_argument("--rate", type=int, default=200, help="new flows a second of the quiet one")
    parser.add_argument("--count", type=int, default=600)
    options = parser.parse_args()
    prepare_machine()
    results = {"guest": guest(), "rounds": options.rounds, "flood": options.flood, "rate": options.rate,
               "titles": {kind.name: kind.title for kind in SYSTEMS},
               "fairness": [measure(family, options) for family in options.family]}
    with open(options.output, "w", encoding="ascii") as file:
        json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""How many new flows a second each system takes, and how long their first packets wait.

Runs in a virtual machine; writes JSON and prints it. The rate is RFC 9693's maximum connection
establishment rate: the highest at which every first packet arrives and the generator, in whose
time some systems set flows up, keeps its pace. It is found by trials of a second each, of a
system that is made for each of them. First packets tell when they were sent, and the kernel when
they arrived (first_packets.py). A round's wait is the median of its trials, in which systems take turns.
"""
import argparse
import json
import statistics
import time

from daemons import Delegated, Rewired, Vswitchd
from first_packets import PARTS, delays, parts_of
from generator import FIRST, Lost
from measure import guest, prepare_machine
from systems import Ipvs, Nftables, System

SYSTEMS = [Rewired, Delegated, Vswitchd, Nftables, Ipvs]
SOURCES, DESTINATIONS = 62501, 16       # a million flows, each seen once in a cycle
SIZE = {4: 60, 6: 80}
SECONDS, LAG = 1, 1.05
SETTLE = 0.5            # seconds in which the kernel clears away the namespaces of the last system
LOWEST, HIGHEST, STEP = 500, 900000, 1.1


def offered(system, rate, seconds):
    """Whether all new flows at this rate were sent in time, and arrived."""
    system.prepare(SIZE[system.family])
    system.forward.ports((1024, SOURCES), (FIRST, DESTINATIONS))
    count = int(rate * seconds)
    try:
        return system.forward.offer(count, rate) <= LAG * seconds
    except Lost:
        return False


def passes(kind, family, rate):
    """By the better of two trials, since the machine has other work."""
    for _ in range(2):
        system = kind(family)
        try:
            if offered(system, rate, SECONDS):
                return True
        finally:
            system.delete()
    return False


def highest_rate(kind, family, guess):
    """By steps of a tenth around a guess; without one, by doubling first."""
    rate, step = guess or LOWEST, STEP if guess else 2
    up = passes(kind, family, rate)
    while LOWEST <= rate < HIGHEST:
        after = rate * step if up else rate / step
        if passes(kind, family, after) != up:
            if step == STEP:
                return rate if up else after
            step, up, after = STEP, True, rate if up else after
        rate = after
    return rate


def waits_of(kind, family, options):
    """Of one trial"""
    system = kind(family)
    time.sleep(SETTLE)
    try:
        return parts_of(delays(system, options.rate, options.count))
    finally:
        system.delete()


def trials_of(systems, family, options):
    """Of one round, by system; each comes after each other one"""
    trials = {kind.name: [] for kind in systems}
    for number in range(options.trials):
        step = 1 + number % (len(systems) - 1) if len(systems) > 1 else 1
        for kind in in_steps(systems, step):
            trials[kind.name].append(waits_of(kind, family, options))
    return trials


def in_steps(systems, step):
    """All of them, every STEPth first"""
    return [kind for start in range(step) for kind in systems[start::step]]


def middle(trials):
    return {part: statistics.median(trial[part] for trial in trials) for part in PARTS}


def rate_of(kind, family, rates):
    return highest_rate(kind, family, statistics.median(rates) if rates else None)


def measure(systems, family, options):
    rates, waits, trials = ({kind.name: [] for kind in systems} for _ in range(3))
    for number in range(options.rounds):
        turn = number % len(systems)
        order = systems[turn:] + systems[:turn]
        for name, found in trials_of(order, family, options).items():
            trials[name].append(found)
            waits[name].append(middle(found))
        for kind in order:
            if not options.waits_only:
                rates[kind.name].append(rate_of(kind, family, rates[kind.name]))
            print(f"# IPv{family} round {number + 1}: {kind.title}: waits {waits[kind.name][-1]}, "
                  f"new flows a second {rates[kind.name][-1:]}", flush=True)
    return {"family": family, "rates": rates, "waits": waits, "trials": trials}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--family", type=int, nargs="+", default=[4, 6])
    parser.add_argument("--systems", nargs="+", default=[kind.name for kind in SYSTEMS])
    parser.add_argument("--rate", type=int, default=500, help="new flows a second, whose packets are timed")
    parser.add_argument("--count", type=int, default=1000, help="of one trial")
    parser.add_argument("--trials", type=int, default=7)
    parser.add_argument("--waits-only", action="store_true", help="do not look for rates, which takes long")
    options = parser.parse_args()
    prepare_machine()
    systems = [kind for kind in [System] + SYSTEMS if kind.name in options.systems]
    results = {"guest": guest(), "rounds": options.rounds, "titles": {kind.name: kind.title for kind in systems},
               "measurements": [measure(systems, family, options) for family in options.family]}
    with open(options.output, "w", encoding="ascii") as file:
        json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()

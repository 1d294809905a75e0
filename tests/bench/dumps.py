#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""How long it takes to list as many flows of Rewire and of nftables' NAT, one after the other.

Runs in a virtual machine; writes JSON and prints it. Seconds are those of the whole commands,
whose output nobody reads. Each round lists both, and a ratio is that of one round.
"""
import argparse
import json
import resource
import statistics
import subprocess
import time

from generator import FLOWS, enter
from measure import guest, prepare_machine
from systems import REWIRE, Nftables, RewireNat

COMMANDS = {RewireNat: [REWIRE, "flow", "show"],
            Nftables: ["conntrack", "-L"]}


def command_time(command):
    """Wall and processor seconds"""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return [wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime]


def lines(command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=True).stdout.count(b"\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output")
    parser.add_argument("--flows", default="1M")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    flows = next(one for one in FLOWS if one.name == options.flows)
    prepare_machine()
    machine = guest()
    systems = [kind(4) for kind in COMMANDS]
    for system in systems:
        enter(system.name)
        system.establish(flows)
        enter(system.name)
        listed = lines(COMMANDS[type(system)])
        if listed != flows.count:
            raise RuntimeError(f"{system.name} lists {listed} of {flows.count} flows")
    times = {system.name: [] for system in systems}
    for _ in range(options.rounds):
        for system in systems:
            enter(system.name)
            times[system.name].append(command_time(COMMANDS[type(system)]))
    ours, theirs = times.values()
    ratios = [b[0] / a[0] for a, b in zip(ours, theirs)]
    results = {"guest": machine, "flows": flows.count, "dump_seconds": times, "ratios": ratios,
               "median": statistics.median(ratios),
               "quartiles": statistics.quantiles(ratios, n=4, method="inclusive")[::2]}
    with open(options.output, "w", encoding="ascii") as file:
        json.dump(results, file, indent=1)
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()

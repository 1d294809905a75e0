#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""How much more two processors forward than one, of established flows.

Runs in a virtual machine with two processors; writes JSON and prints it. The generator sends on
one processor, and then on both, each its own half of the flows, into the same device. What two
forward is twice what one does, but for what a packet costs more then: the ratio is of processor
times, as the others are. Where there are none it is of the generator's own seconds.
"""
import argparse
import json
import os
import re
import statistics
import time

from figures import Figure
from generator import CPU_TIME, FLOWS, Flows, PROC, RANDOM, Lost, devices, enter, received, write
from measure import guest, prepare_machine
from systems import MAC, Flowtable, Nftables, RewireNat, System

PROCESSORS = 0, 1
SIZE = 60


def device(cpu):
    return f"gen@{cpu}"


def processor_times():
    """Nanoseconds of each"""
    with open(CPU_TIME, encoding="ascii") as file:
        return [int(line.split()[1]) for line in file]


def take_threads(system, cpus, flows, packets):
    """The generator's threads of these processors, each with its part of the source ports"""
    enter(system.ends)
    for cpu in PROCESSORS:
        thread = PROC + f"kpktgend_{cpu}"
        write(thread, "rem_device_all")
        while devices(thread):
            time.sleep(0.01)
    part = flows.sources // len(PROCESSORS)
    for cpu in cpus:
        write(PROC + f"kpktgend_{cpu}", "add_device " + device(cpu))
        first = Flows.SOURCE + cpu * part
        write(PROC + device(cpu), f"pkt_size {SIZE}", "clone_skb 0", "delay 0", "flag UDPCSUM", *RANDOM,
              "dst_mac " + MAC["in"], f"src_min {system.at.client}", f"src_max {system.at.client}",
              f"dst_min {system.at.service}", f"dst_max {system.at.service}",
              f"udp_src_min {first}", f"udp_src_max {first + part}",
              f"udp_dst_min {flows.first}", f"udp_dst_max {flows.first + flows.destinations}",
              f"count {packets}")


def took(cpu):
    """The generator's own: nanoseconds for all packets"""
    done = None
    while not done:
        with open(PROC + device(cpu), encoding="ascii") as file:
            done = re.search(r"Result: OK: (\d+)\(", file.read())
    return int(done[1]) * 1000


def forwarded(system, cpus, flows, packets):
    """Packets a second, of all these processors together"""
    take_threads(system, cpus, flows, packets)
    before = received("sink")
    began = processor_times() if os.path.exists(CPU_TIME) else None
    write(PROC + "pgctrl", "start")
    own = [took(cpu) for cpu in cpus]
    ended = processor_times() if began else None
    arrived = received("sink") - before
    if arrived != packets * len(cpus):
        raise Lost(f"{system.name}: of {packets * len(cpus)} packets {arrived} arrived")
    times = [ended[cpu] - began[cpu] for cpu in cpus] if began else own
    return sum(packets / nanoseconds * 1e9 for nanoseconds in times), max(own) / min(own)


def measure(systems, flows, options):
    rates = {system.name: [] for system in systems}
    for number in range(options.rounds):
        turn = number % len(systems)
        for system in systems[turn:] + systems[:turn]:
            one = [forwarded(system, (cpu,), flows, options.packets)[0] for cpu in PROCESSORS]
            both, apart = forwarded(system, PROCESSORS, flows, options.packets)
            # The first of them that ends leaves the other alone
            while apart > 1.1:
                both, apart = forwarded(system, PROCESSORS, flows, options.packets)
            rates[system.name].append([statistics.mean(one), both])
    return rates


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output")
    parser.add_argument("--flows", default="1k")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--packets", type=int, default=400000)
    options = parser.parse_args()
    flows = next(one for one in FLOWS if one.name == options.flows)
    prepare_machine()
    machine = guest()
    systems = [kind(4) for kind in (RewireNat, Flowtable, Nftables, System)]
    for system in systems:
        system.establish(flows)
        system.prepare(SIZE)
        system.check(flows)
    rates = measure(systems, flows, options)
    results = {"guest": machine, "flows": flows.count, "rounds": options.rounds, "rates": rates,
               "titles": {system.name: system.title for system in systems}, "ratios": {}}
    for name, found in rates.items():
        ratio = Figure([both / one for one, both in found])
        results["ratios"][name] = {"median": ratio.median, "low": ratio.low, "high": ratio.high}
        print(f"# {results['titles'][name]}: {ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})", flush=True)
    with open(options.output, "w", encoding="ascii") as file:
        json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()

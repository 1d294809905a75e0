#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Measure what a packet of an established flow costs each system, side by side.

Runs in a virtual machine. A round is some bursts through each system, each preceded by one
through a plain router; systems take turns, in an order that changes from round to round: burst by
burst, so that they share the machine's good and bad seconds, or, where flows would not be in the
processor's caches any more after a turn of the others, all bursts of one and then those of the next.
Prints JSON: for each measurement, by round and burst, nanoseconds a packet of the plain
router and of the system.
"""
import argparse
import json
import mmap
import os
import platform
import socket
import struct
import subprocess
import sys
import time

from generator import CPU_TIME, FLOWS, TooSlow, enter
from systems import SYSTEMS, RewireAlone, System, run

HERE = os.path.dirname(os.path.abspath(__file__))
ETH_P_ALL = 3
WARM = 3 << 30
FEW = 1000              # flows that stay in the processor's caches
SIZES = {64: (60, 78), 1500: (1514, 1514)}      # of frames without their check sum, by family


def guest():
    """What machine this is."""
    if os.path.exists(CPU_TIME):
        kind = "User Mode Linux, processor time"
    else:
        log = subprocess.run(["dmesg"], capture_output=True, text=True, check=False).stdout
        kind = "QEMU with KVM" if "Hypervisor detected: KVM" in log else "QEMU, emulated (TCG)"
        kind += ", wall time"
    with open("/proc/cpuinfo", encoding="ascii") as file:
        names = [line.split(":")[1].strip() for line in file
                 if line.startswith(("model name", "host"))]
    revision = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"],
                              capture_output=True, text=True, check=False).stdout.strip()
    return {"kind": kind, "kernel": platform.release(), "machine": names[0] if names else "",
            "revision": revision or "unknown",
            "processors": os.cpu_count(), "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())}


def warm_memory():
    """A guest gets its memory from the host when it first uses it, which costs whoever comes first."""
    size = min(WARM, os.sysconf("SC_AVPHYS_PAGES") * mmap.PAGESIZE // 2)
    mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE).close()


def prepare_machine():
    os.sched_setaffinity(0, {1})
    warm_memory()
    for module in ("pktgen",), ("nf_conntrack",), ("ip_vs", "conn_tab_bits=20"), ("openvswitch",):
        subprocess.run(["modprobe", "-q", *module], stderr=subprocess.DEVNULL, check=False)
    with open("/sys/module/nf_conntrack/parameters/hashsize", "w", encoding="ascii") as file:
        file.write(str(1 << 22))
    run("sysctl", "-qw", "net.netfilter.nf_conntrack_max=8000000")


def check_translation(system):
    """Let one packet through, and look at its addresses."""
    enter(system.ends)
    family = socket.AF_INET6 if system.family == 6 else socket.AF_INET
    first, length = (22, 16) if system.family == 6 else (26, 4)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as tap:
        tap.bind(("sink", 0))
        tap.settimeout(10)
        system.forward.ports((1024, 1), (FLOWS[0].first, 1))
        system.forward.send(1)
        frame = b""
        while struct.pack("!HH", 1024, FLOWS[0].first) not in frame:
            frame = tap.recv(2048)
    found = tuple(socket.inet_ntop(family, frame[at:at + length])
                  for at in (first, first + length))
    if found != system.expected():
        raise RuntimeError(f"behind {system.name} a packet has {found}")


class Bench:
    def __init__(self, options):
        self.options = options
        self.found, self.left_out = [], []

    def say(self, *words):
        print(*words, file=sys.stderr, flush=True)

    def family(self, family):
        plain = System(family)
        systems = [kind(family) for kind in SYSTEMS if kind.name in self.options.systems]
        for flows in FLOWS:
            if flows.name not in self.options.flows:
                continue
            present = [system for system in systems if self.takes(system, flows)]
            for size in self.options.sizes:
                if size == 64 or flows.name == "1k":
                    for slot in self.options.slots:
                        self.compare(plain, present, flows, size, slot)
        for system in systems + [plain]:
            system.delete()

    def takes(self, system, flows):
        """Whether a system has these flows now: one that would take too long is left out"""
        began = time.monotonic()
        try:
            system.establish(flows)
            system.prepare(SIZES[64][system.family == 6])
            if flows.count == 1:
                check_translation(system)
            system.check(flows)
        except TooSlow as error:
            self.left_out.append({"family": system.family, "flows": flows.name, "system": system.name})
            self.say(f"# left out: {error}")
            return False
        if system.flow_state:
            self.say(f"# {system.name} has {flows.name} flows of IPv{system.family}, after {time.monotonic() - began:.1f} s")
        return True

    def bursts(self, flows, slot):
        """How many turns of how many. More where costs, and so their differences, are small: of
        few flows, and of packets that come at once"""
        bursts = self.options.bursts * (1 + (slot > 0))
        return (2 * bursts, 1) if flows.count <= FEW else (1, bursts)

    def compare(self, plain, systems, flows, size, slot):
        rounds = {system.name: [] for system in systems}
        turns, bursts = self.bursts(flows, slot)
        for system in systems + [plain]:
            system.prepare(SIZES[size][system.family == 6])
            system.forward.deliver(slot)
        for number in range(self.options.rounds if systems else 0):
            first = (self.options.turn + number) % len(systems)
            for system in systems:
                rounds[system.name].append([])
            for system in turns * (systems[first:] + systems[:first]):
                system.turn()
                rounds[system.name][-1] += [
                    [round(which.forward.burst(flows), 1) for which in (plain, system)]
                    for _ in range(bursts)]
        for system in systems + [plain]:
            system.forward.deliver(0)
        for name, found in rounds.items():
            self.found.append({"family": plain.family, "flows": flows.name, "size": size,
                               "slot": slot, "system": name, "rounds": found})
            self.say(f"# IPv{plain.family} {flows.name} {size} {slot}: {name} done")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--turn", type=int, default=0, help="of systems: which is the first one")
    parser.add_argument("--bursts", type=int, default=6, help="at least, of a round")
    parser.add_argument("--family", type=int, nargs="+", default=[4, 6])
    parser.add_argument("--flows", nargs="+", default=[flows.name for flows in FLOWS])
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 1500])
    parser.add_argument("--slots", type=int, nargs="+", default=[0, 50],
                        help="microseconds whose packets arrive at once; 0: one by one")
    parser.add_argument("--systems", nargs="+", default=[kind.name for kind in SYSTEMS if kind != RewireAlone])
    options = parser.parse_args()
    prepare_machine()
    machine, bench = guest(), Bench(options)
    for family in options.family:
        bench.family(family)
    with open(options.output, "w", encoding="ascii") as file:
        json.dump({"guest": machine, "rounds": options.rounds, "bursts": options.bursts,
                   "titles": {kind.name: kind.title for kind in [System] + SYSTEMS},
                   "measurements": bench.found, "left_out": bench.left_out}, file)


if __name__ == "__main__":
    main()

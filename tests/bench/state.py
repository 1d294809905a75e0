#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What it costs to have flows: memory, scans for idle ones, dumps of changes; and to end them.

Runs in a virtual machine; prints JSON. Memory is what slabs and vmalloc have grown by, once the
flows are there. Processor time is that of all processors while nothing but the kernel's own
work is done. Flows are ended by one command for all of them: "rewire flow flush", "conntrack -F".
"""
import argparse
import json
import re
import subprocess
import sys
import time

from generator import CPU_TIME, FLOWS, enter
from measure import guest, prepare_machine
from netlink import DUMP, Rewire, u32
from systems import REWIRE, Flowtable, Ipvs, Nftables, OpenVswitch, RewireNat

c = Rewire.c


def memory():
    """Bytes of slabs and vmalloc, once nothing is freed any more"""
    used, before = 0, None
    while used != before:
        time.sleep(3)
        with open("/proc/meminfo", encoding="ascii") as file:
            found = dict(re.findall(r"^(\w+): +(\d+)", file.read(), re.M))
        used, before = int(found["Slab"]) + int(found["VmallocUsed"]), used
    return used * 1024


def cpu_times():
    with open(CPU_TIME, encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file)


def share(seconds, work=lambda: None, every=0.25):
    """Of one processor, while WORK is done again and again"""
    began, end, now = cpu_times(), time.monotonic() + seconds, time.monotonic()
    first = now
    while now < end:
        work()
        time.sleep(every)
        now = time.monotonic()
    return (cpu_times() - began) / 1e9 / (now - first)


def bytes_per_flow(system, flows):
    before = memory()
    system.establish(flows)
    return (memory() - before) / flows.count


def ended_per_second(command, flows):
    """By a command that returns when there are none any more"""
    began = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return flows.count / (time.monotonic() - began)


def rewire_state(flows, seconds):
    """Idle flows, and reading them"""
    found = {"idle_share_without_flows": share(seconds)}
    system = RewireNat(4)
    system.prepare(78)
    found["bytes"] = bytes_per_flow(system, flows)
    enter(system.name)
    found["idle_share"] = share(seconds)
    reader = Rewire()
    reader.command("CHANGE_GET", u32(c["A_CHANGE_VERSION"], 1))
    found["idle_share_with_delta_dumps"] = share(
        seconds, lambda: reader.command("CHANGE_GET", flags=DUMP))
    reader.close()
    found["ended_per_second"] = ended_per_second([REWIRE, "flow", "flush"], flows)
    system.delete()
    return found


def peer_state(kind, flows):
    system = kind(4)
    found = {"bytes": bytes_per_flow(system, flows)}
    if kind is Nftables:
        enter(system.name)
        found["ended_per_second"] = ended_per_second(["conntrack", "-F"], flows)
    system.delete()
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output")
    parser.add_argument("--flows", default="1M")
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    flows = next(one for one in FLOWS if one.name == options.flows)
    prepare_machine()
    results = {"guest": guest(), "flows": flows.count, "rewire": rewire_state(flows, options.seconds)}
    for kind in Nftables, Flowtable, Ipvs, OpenVswitch:
        results[kind.name] = peer_state(kind, flows)
        print(f"# {kind.name} done", file=sys.stderr, flush=True)
    with open(options.output, "w", encoding="ascii") as file:
        json.dump(results, file, indent=1)
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()

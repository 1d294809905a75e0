#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What it costs to have flows: memory, scans for idle ones, dumps of changes; and to end them.

Runs in a virtual machine; prints JSON. Memory is what slabs and vmalloc have grown by, once the
flows are there. The scan for idle flows is done by the kernel's workers, so what it takes is their
time; what a dump of changes takes is the time of this program, which asks for it. Flows are ended
by one command for all of them: "rewire flow flush", "conntrack -F".
"""
import argparse
import contextlib
import glob
import json
import re
import subprocess
import sys
import time

from generator import FLOWS, enter
from measure import guest, prepare_machine
from netlink import DUMP, Rewire, u32
from systems import REWIRE, Flowtable, Ipvs, Nftables, OpenVswitch, RewireNat

c = Rewire.c
ROUNDS = 5


def memory():
    """Bytes of slabs and vmalloc, once nothing is freed any more"""
    used, before = 0, None
    while used != before:
        time.sleep(3)
        with open("/proc/meminfo", encoding="ascii") as file:
            found = dict(re.findall(r"^(\w+): +(\d+)", file.read(), re.M))
        used, before = int(found["Slab"]) + int(found["VmallocUsed"]), used
    return used * 1024


def workers():
    """The time that each of the kernel's workers has run for, in seconds"""
    found = {}
    for path in glob.glob("/proc/[0-9]*/sched"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), \
             open(path, encoding="ascii") as file:
            text = file.read()
            if text.startswith("kworker"):
                found[path] = float(re.search(r"sum_exec_runtime *: *([0-9.]+)", text)[1]) / 1e3
    return found


def share_of_workers(seconds):
    """Of one processor"""
    before, began = workers(), time.monotonic()
    time.sleep(seconds)
    after = workers()
    return sum(after[path] - before.get(path, 0) for path in after) / (time.monotonic() - began)


def share_of_dumps(reader, seconds, every=0.25):
    """Of one processor, for a dump of the changes now and then"""
    before, began = time.thread_time(), time.monotonic()
    while time.monotonic() < began + seconds:
        reader.command("CHANGE_GET", flags=DUMP)
        time.sleep(every)
    return (time.thread_time() - before) / (time.monotonic() - began)


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
    """Idle flows, and reading them, in rounds"""
    found = {"scan_without_flows": [share_of_workers(seconds) for _ in range(ROUNDS)]}
    system = RewireNat(4)
    system.prepare(78)
    found["bytes"] = bytes_per_flow(system, flows)
    enter(system.name)
    reader = Rewire()
    reader.command("CHANGE_GET", u32(c["A_CHANGE_VERSION"], 1))
    reader.command("CHANGE_GET", flags=DUMP)
    found |= {"scan": [], "delta_dumps": []}
    for _ in range(ROUNDS):
        found["scan"].append(share_of_workers(seconds))
        found["delta_dumps"].append(share_of_dumps(reader, seconds))
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
    parser.add_argument("--seconds", type=float, default=5, help="of a round")
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

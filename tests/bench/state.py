#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What it costs to have flows: memory, scans for idle ones, dumps of changes; and to end them.

Runs in a virtual machine; prints JSON. Memory is what slabs and vmalloc have grown by, once the
flows are there. Scans are timed by the kernel's clock, and dumps by this program's, one right after
the other, with its own work: so they have of a processor no more than that. Flows are ended by one command for all of them: "rewire flow flush", "conntrack -F".
"""
import argparse
import json
import re
import subprocess
import sys
import time

from generator import FLOWS, TooSlow, enter
from measure import guest, prepare_machine
from netlink import DUMP, Rewire, u32
from systems import REWIRE, Flowtable, Ipvs, Nftables, OpenVswitch, RewireNat

c = Rewire.c
DUMPS, DUMPS_A_SECOND = 1000, 4


def memory():
    """Bytes of slabs and vmalloc, once nothing is freed any more"""
    used, before = 0, None
    while used != before:
        time.sleep(3)
        with open("/proc/meminfo", encoding="ascii") as file:
            found = dict(re.findall(r"^(\w+): +(\d+)", file.read(), re.M))
        used, before = int(found["Slab"]) + int(found["VmallocUsed"]), used
    return used * 1024


def expiry_seconds():
    """That the scan for idle flows has taken so far, by the clock"""
    found = subprocess.run([REWIRE, "-j", "stats"], stdout=subprocess.PIPE, check=True).stdout
    return json.loads(found)["expiry-ns"] / 1e9


def expiry_share(seconds):
    """Of one processor"""
    before, began = expiry_seconds(), time.monotonic()
    time.sleep(seconds)
    spent = expiry_seconds() - before
    if not spent:
        raise RuntimeError("the module does not count what its scan takes, or does not scan")
    return spent / (time.monotonic() - began)


def change_dump_share(reader):
    """Of one processor by dumps of changes, of which there are none; rewired asks every two seconds"""
    began = time.monotonic()
    for _ in range(DUMPS):
        if reader.command("CHANGE_GET", flags=DUMP):
            raise RuntimeError("idle flows have changed")
    return (time.monotonic() - began) / DUMPS * DUMPS_A_SECOND


def bytes_per_flow(system, flows):
    before = memory()
    system.establish(flows)
    return (memory() - before) / flows.count


def ended_per_second(command, flows):
    """By a command that returns when there are none any more"""
    began = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return flows.count / (time.monotonic() - began)


def rewire_state(flows, options):
    """Idle flows, and reading them"""
    system = RewireNat(4)
    system.prepare(78)
    found = {"bytes": bytes_per_flow(system, flows), "expiry_share": [], "change_dump_share": []}
    enter(system.name)
    reader = Rewire()
    reader.command("CHANGE_GET", u32(c["A_CHANGE_VERSION"], 1))
    while reader.command("CHANGE_GET", flags=DUMP):
        pass
    for _ in range(options.rounds):
        found["expiry_share"].append(expiry_share(options.seconds))
        found["change_dump_share"].append(change_dump_share(reader))
    if reader.stats()["flows"] != flows.count:
        raise RuntimeError("some have ended meanwhile")
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
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=34, help="of a round: a scan of many flows takes that long")
    options = parser.parse_args()
    flows = next(one for one in FLOWS if one.name == options.flows)
    prepare_machine()
    results = {"guest": guest(), "flows": flows.count, "rewire": rewire_state(flows, options)}
    for kind in Nftables, Flowtable, Ipvs, OpenVswitch:
        try:
            results[kind.name] = peer_state(kind, flows)
        except TooSlow as error:
            print(f"# left out: {error}", file=sys.stderr, flush=True)
        print(f"# {kind.name} done", file=sys.stderr, flush=True)
    with open(options.output, "w", encoding="ascii") as file:
        json.dump(results, file, indent=1)
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""How many flows a system holds: RFC 9693's connection tracking table capacity.

Runs in a virtual machine; writes JSON. A million flows is added at a time, up to four. Each time
a packet of every flow has to come through, and as many flows as were made have to be there.
What is told is the number at which that was so, and what memory they took.
"""
import argparse
import json

from generator import FIRST, Flows, Lost, enter
from measure import guest, prepare_machine
from state import memory
from systems import REWIRE, Ipvs, Nftables, OpenVswitch, RewireNat, connections, run

MOST, DESTINATIONS = 4, 16              # millions, and ports that a million flows go to


class Roomy(RewireNat):
    """May have as many"""

    def set_up(self):
        super().set_up()
        run(REWIRE, "limit", "set", "all", "flows", f"{MOST + 1}000000:{MOST + 2}000000")

    def count(self):
        return self.socket.stats()["flows"]


class Tracked:
    """By the kernel's connection tracking"""

    def count(self):
        enter(self.name)
        return connections()


class TrackedNftables(Tracked, Nftables):
    pass


class TrackedOpenVswitch(Tracked, OpenVswitch):
    pass


class CountedIpvs(Ipvs):
    def count(self):
        enter(self.name)
        with open("/proc/thread-self/net/ip_vs_conn", encoding="ascii") as file:
            return sum(1 for _ in file) - 1


def capacity(kind, millions):
    system, held, before, used = kind(4), [], memory(), 0
    try:
        for number in range(millions):
            flows = Flows(str(number), 62501, DESTINATIONS, FIRST + number * DESTINATIONS, 0)
            system.establish(flows)
            for one in held + [flows]:
                system.forward.establish(one)
            if system.count() < sum(one.count for one in held + [flows]):
                break
            held.append(flows)
            used = memory() - before
    except (Lost, RuntimeError) as error:
        print(f"# {system.title}: {error}", flush=True)
    count = sum(one.count for one in held)
    found = {"flows": count, "bytes": used / count if count else None}
    system.delete()
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output")
    parser.add_argument("--millions", type=int, default=MOST, choices=range(1, MOST + 1))
    options = parser.parse_args()
    prepare_machine()
    results = {"guest": guest(), "tried": options.millions * 62501 * DESTINATIONS, "capacity": {}}
    for kind in Roomy, TrackedNftables, CountedIpvs, TrackedOpenVswitch:
        results["capacity"][kind.title] = capacity(kind, options.millions)
        print(f"# {kind.title}: {results['capacity'][kind.title]}", flush=True)
    with open(options.output, "w", encoding="ascii") as file:
        json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()

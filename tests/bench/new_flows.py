#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""How many new flows a second each system takes, and how long their first packets wait.

Runs in a virtual machine; writes JSON and prints it. The rate is RFC 9693's maximum connection
establishment rate: the highest at which every first packet arrives and the generator, in whose
time some systems set flows up, keeps its pace. It is found by trials of a second each, of a
system that is made for each of them. First packets tell when they were sent, and the kernel when
they arrived. A round's wait is the median of its trials, in which systems take turns.
"""
import argparse
import json
import socket
import statistics
import struct
import time

from daemons import Delegated, Rewired, Vswitchd
from generator import FIRST, Lost, enter
from measure import ETH_P_ALL, guest, prepare_machine
from systems import MAC, Ipvs, Nftables, System

SYSTEMS = [Rewired, Delegated, Vswitchd, Nftables, Ipvs]
SOURCES, DESTINATIONS = 62501, 16       # a million flows, each seen once in a cycle
SIZE = {4: 60, 6: 80}
SECONDS, LAG = 1, 1.05
LOWEST, HIGHEST, STEP = 500, 900000, 1.1
PAYLOAD = 12
PARTS = {"p50": 0.5, "p99": 0.99}
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35


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


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def first_packet(system, number):
    """A frame of a new flow, with a number and the time in it."""
    at, six = system.at, system.family == 6
    udp = struct.pack("!HHHHIQ", 1024 + number, FIRST, 8 + PAYLOAD, 0, number, time.clock_gettime_ns(time.CLOCK_REALTIME))
    family = socket.AF_INET6 if six else socket.AF_INET
    ends = socket.inet_pton(family, at.client) + socket.inet_pton(family, at.service)
    udp = udp[:6] + struct.pack("!H", checksum(ends + struct.pack("!HH", 17, len(udp)) + udp) or 0xffff) + udp[8:]
    if six:
        header = struct.pack("!IHBB", 6 << 28, len(udp), 17, 64) + ends
    else:
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), number, 0, 64, 17, 0) + ends
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    macs = bytes.fromhex((MAC["in"] + MAC["gen"]).replace(":", ""))
    return macs + (b"\x86\xdd" if six else b"\x08\0") + header + udp


def arrivals(tap, headers):
    """Nanoseconds on the way, of all packets that have come"""
    found = []
    while True:
        try:
            frame, control, _, _ = tap.recvmsg(2048, 64)
        except BlockingIOError:
            return found
        if frame[headers - 6:headers - 4] == struct.pack("!H", FIRST):
            second, nanos = struct.unpack("qq", control[0][2])
            found.append(second * 10 ** 9 + nanos - struct.unpack_from("!Q", frame, headers + 4)[0])


def delays(system, rate, count):
    """What first packets at this rate take, from a program that sends them to where they are dropped.

    Not by the kernel's generator, which makes a packet long before it sends it.
    """
    enter(system.ends)
    with (socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as tap,
          socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as client):
        tap.bind(("sink", 0))
        tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
        tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        tap.setblocking(False)
        client.bind(("gen", 0))
        began = time.monotonic()
        for number in range(count):
            time.sleep(max(0, began + number / rate - time.monotonic()))
            client.send(first_packet(system, number))
        found, end = [], time.monotonic() + 2
        while len(found) < count and time.monotonic() < end:
            time.sleep(0.02)
            found += arrivals(tap, 14 + (20, 40)[system.family == 6] + 8)
    if len(found) < count:
        raise Lost(f"{system.name}: of {count} new flows at {rate} a second {len(found)} came")
    return found


def delays_of(kind, family, options):
    system = kind(family)
    try:
        found = sorted(delays(system, options.rate, options.count))
    finally:
        system.delete()
    return {name: found[int(len(found) * part)] / 1000 for name, part in PARTS.items()}


def waits_of(systems, family, options):
    """Of one round, by system"""
    trials = {kind.name: [] for kind in systems}
    for _ in range(options.trials):
        for kind in systems:
            trials[kind.name].append(delays_of(kind, family, options))
    return {name: {part: statistics.median(trial[part] for trial in found) for part in PARTS}
            for name, found in trials.items()}


def rate_of(kind, family, rates):
    return highest_rate(kind, family, statistics.median(rates) if rates else None)


def measure(systems, family, options):
    rates, waits = ({kind.name: [] for kind in systems} for _ in range(2))
    for number in range(options.rounds):
        turn = number % len(systems)
        order = systems[turn:] + systems[:turn]
        for name, found in waits_of(order, family, options).items():
            waits[name].append(found)
        for kind in order:
            rates[kind.name].append(rate_of(kind, family, rates[kind.name]))
            print(f"# IPv{family} round {number + 1}: {kind.title}: {rates[kind.name][-1]:.0f} a second, "
                  f"waits {waits[kind.name][-1]}", flush=True)
    return {"family": family, "rates": rates, "waits": waits}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--family", type=int, nargs="+", default=[4, 6])
    parser.add_argument("--systems", nargs="+", default=[kind.name for kind in SYSTEMS])
    parser.add_argument("--rate", type=int, default=500, help="new flows a second, whose packets are timed")
    parser.add_argument("--count", type=int, default=1000, help="of one trial")
    parser.add_argument("--trials", type=int, default=7)
    options = parser.parse_args()
    prepare_machine()
    systems = [kind for kind in [System] + SYSTEMS if kind.name in options.systems]
    results = {"guest": guest(), "rounds": options.rounds, "titles": {kind.name: kind.title for kind in systems},
               "measurements": [measure(systems, family, options) for family in options.family]}
    with open(options.output, "w", encoding="ascii") as file:
        json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()

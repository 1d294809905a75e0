#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A thousand network namespaces with flows and held packets, destroyed at once.

In each, device b is attached to VNI 5 and the host's own output to VNI 7.  A
flow translates what the host sends, and leaves by b.  Nobody answers there, so a
packet of it waits for a neighbour, too.  The other end of b is at home: packets
of a namespace's own sockets would keep it alive while they are held.
"""
import ctypes
import itertools
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import tap
from netlink import Rewire, Route, attr, nest, u32, u8

COUNT = int(os.environ.get("REWIRE_TEST_NAMESPACES", 1000))
GROUP = 10
HOLD_TIME = 1	# seconds, of the module
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
home = open("/proc/self/ns/net", encoding="ascii")
# Of the home namespace; to close one waits for all packets that are under way
frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
sent = {}
namespaces = []
c = Rewire.c
ports = itertools.cycle(range(1024, 65536))


def enter(namespace):
    if libc.setns(namespace.fileno(), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def create(number):
    """A namespace, which is then the current one; returns its device b."""
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    namespace = open("/proc/self/ns/net", encoding="ascii")
    namespaces.append(namespace)
    enter(home)
    route = Route()
    route.pair(f"a{number}", "b", namespace, mac(number))
    route.close()
    enter(namespace)
    b = socket.if_nametoindex("b")
    route = Route()
    route.up(b)
    route.address(b, "10.9.0.1", 24)
    route.address(b, "fd00:9::1", 64)
    route.close()
    return b


def add_objects(b):
    rewire = Rewire()
    rewire.command("ATTACH_ADD", u32(c["A_ATTACH_IFINDEX"], b) + u32(c["A_ATTACH_VNI"], 5))
    rewire.command("ATTACH_ADD", attr(c["A_ATTACH_LOCAL"]) + u32(c["A_ATTACH_VNI"], 7))
    rewire.command("TARGET_SET", u32(c["A_TARGET_ID"], 1) +
                   u32(c["A_TARGET_STATE"], c["TARGET_STATE_ACTIVE"]))
    for vni in 5, 7:
        rewire.command("RULE_ADD", u32(c["A_RULE_VNI"], vni) +
                       u8(c["A_RULE_PROTOCOL"], 17) +
                       u32(c["A_RULE_ACTION"], c["RULE_ACTION_PUNT"]) +
                       u32(c["A_RULE_ORPHAN"], c["ORPHAN_MODE_HOLD"]))
    for orig, reply in (("10.9.0.1", "10.9.0.2"), ("10.9.0.4", "10.9.0.3")), \
                       (("fd00:9::1", "fd00:9::2"), ("fd00:9::4", "fd00:9::3")):
        rewire.command("FLOW_ADD", nest(
            c["A_FLOW_MESSAGE_SPEC"],
            rewire.tuple(c["A_FLOW_ORIG"], 7, 17, orig[0], 1000, orig[1], 53),
            rewire.tuple(c["A_FLOW_REPLY"], 5, 17, reply[1], 53, reply[0], 2000),
            u32(c["A_FLOW_TARGET"], 1), u32(c["A_FLOW_TIMEOUT"], 3600000)))
    rewire.close()


def send(sport, dport):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("10.9.0.1", sport))
        sender.sendto(b"x", ("10.9.0.2", dport))


def mac(number):
    return bytes((2, 0, 0, 0, number >> 8, number & 0xff))


def send_frame(number):
    """To a namespace's device b, which has the address made for it. Each is a flow of its own."""
    udp = struct.pack(">HHHH", next(ports), 9, 8, 0)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, 64, 17, 0,
                     socket.inet_aton("10.9.0.7"), socket.inet_aton("10.9.0.8"))
    words = sum(struct.unpack(">10H", ip))
    words = (words & 0xffff) + (words >> 16)
    ip = ip[:10] + struct.pack(">H", ~words & 0xffff) + ip[12:]
    frames.sendto(mac(number) + bytes(6) + b"\x08\0" + ip + udp, (f"a{number}", 0x0800))
    sent[number] = time.monotonic()


def stats():
    rewire = Rewire()
    try:
        return rewire.stats()
    finally:
        rewire.close()


def objects():
    return stats()["objects"]


def populate():
    """Each has two flows, one of them used, and holds a packet of the host's own."""
    complete = 0
    for number in range(COUNT):
        add_objects(create(number))
        send(1000, 53)
        send(1001, 54)
        found = stats()
        complete += [found[name] for name in ("attaches", "rules", "targets", "flows",
                                              "translated", "holds", "held_packets")] == \
            [2, 2, 1, 2, 1, 1, 1]
        if number == 0 and not complete:
            print("# the first one has", found, flush=True)
        if number % 100 == 99:
            print(f"# {number + 1} namespaces", flush=True)
    enter(home)
    tap.equal(f"{COUNT} namespaces have attaches, rules, a target, flows, traffic and a held packet",
              complete, COUNT)
    tap.point(objects() >= 7 * COUNT, "all of it is counted", objects())


def holds(number):
    """Make it hold a packet that came in by a device."""
    enter(namespaces[number])
    # What it held of its own is gone within a second
    tap.wait_for(5, lambda: stats()["held_packets"] == 0)
    enter(home)
    send_frame(number)
    enter(namespaces[number])
    held = stats()["held_packets"]
    enter(home)
    return held == 1


def is_there(number):
    """Asked of a device that is not there, a socket would have the kernel look for its module."""
    return os.path.exists(f"/sys/class/net/a{number}")


def outlast(group):
    """
    Send to them until they go; how many held what came last, of how many. Of those that
    went while the machine did not let this go on, nobody knows.
    """
    looked = dict.fromkeys(group, time.monotonic())
    going = set()
    in_time = known = 0
    deadline = time.monotonic() + 120
    while len(going) < len(group) and time.monotonic() < deadline:
        for number in set(group) - going:
            try:
                if is_there(number):
                    send_frame(number)
                    looked[number] = time.monotonic()
                    continue
            except OSError:
                pass        # its device is down, which it is when it begins to go
            now = time.monotonic()
            going.add(number)
            in_time += now - sent[number] < HOLD_TIME
            known += now - looked[number] < HOLD_TIME
        time.sleep(0.05)
    for number in group:
        tap.wait_for(max(deadline - time.monotonic(), 0), lambda: not is_there(number))
    return in_time, known


def destroy():
    """In groups, each of which gets packets until its devices are gone."""
    holding = in_time = known = 0
    for first in range(0, COUNT, GROUP):
        group = range(first, min(first + GROUP, COUNT))
        holding += sum(holds(number) for number in group)
        for number in group:
            namespaces[number].close()
        gone = outlast(group)
        in_time += gone[0]
        known += gone[1]
    tap.point(holding >= COUNT * 9 // 10, "nine of ten hold a packet before they are destroyed", holding)
    tap.point(2 * in_time > known > COUNT / 10, "most are destroyed while they hold a packet", in_time, known)
    tap.point(tap.wait_for(240, lambda: objects() == 0), "nothing is left of them", objects())


tap.run(populate, destroy)

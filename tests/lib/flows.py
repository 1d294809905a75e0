# SPDX-License-Identifier: GPL-2.0
"""Flows by the thousand, made by verdicts, in a network namespace of the caller's own."""
import ctypes
import os
import socket
import struct
import subprocess

from netlink import DUMP, Rewire, address, attr, attributes, nest, u8, u32, u64

CLONE_NEWNET = 0x40000000
VNI, OUTER = 5, 6       # flows begin in VNI, and are translated into OUTER
UDP = 17
libc = ctypes.CDLL(None, use_errno=True)
c = Rewire.c


def enter_new():
    """Go into a new namespace, with device in5 attached to VNI, and in6 to OUTER."""
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["ip", "-batch", "-"], check=True, input=b"""
        link add in5 type veth peer name in6
        link set in5 up
        link set in6 up
        """)
    rewire = Rewire()
    for name, vni in ("in5", VNI), ("in6", OUTER):
        rewire.command("ATTACH_ADD", u32(c["A_ATTACH_IFINDEX"], socket.if_nametoindex(name)) +
                       u32(c["A_ATTACH_VNI"], vni))
    return rewire


class Maker:
    """Flow number N goes from 10.N.N.N, where N is in three bytes, port 1000, to 192.0.2.1, port
    53, and has decision N; its reply goes to 100.N.N.N."""

    def __init__(self, rewire, *more):
        self.rewire = rewire
        self.one = nest(
            c["A_VERDICT_BATCH_VERDICT"],
            u32(c["A_VERDICT_ACTION"], c["VERDICT_ACTION_FLOW"]),
            nest(c["A_VERDICT_FLOW"],
                 rewire.tuple(c["A_FLOW_ORIG"], VNI, UDP, "10.250.251.252", 1000, "192.0.2.1", 53),
                 rewire.tuple(c["A_FLOW_REPLY"], OUTER, UDP, "192.0.2.1", 53, "100.250.251.252", 1000),
                 u64(c["A_FLOW_DECISION"], 0xfafbfc), *more))
        self.places = [self.one.index(bytes((10, 250, 251, 252))) + 1,
                       self.one.index(bytes((100, 250, 251, 252))) + 1]
        self.decision = self.one.index(struct.pack("=Q", 0xfafbfc))

    def verdict(self, number):
        one = bytearray(self.one)
        for place in self.places:
            one[place:place + 3] = number.to_bytes(3, "big")
        struct.pack_into("=Q", one, self.decision, number)
        return bytes(one)

    def make(self, numbers, batch=256):
        """Returns how many were accepted."""
        numbers, accepted = list(numbers), 0
        for start in range(0, len(numbers), batch):
            answer = self.rewire.command("VERDICT_ADD", b"".join(
                self.verdict(number) for number in numbers[start:start + batch]))
            accepted += int.from_bytes(dict(answer[0])[c["A_VERDICT_BATCH_ACCEPTED"]], "little")
        return accepted

    def delete(self, number):
        self.rewire.command("FLOW_DEL", key(number))


def source(number):
    return "10." + ".".join(str(byte) for byte in number.to_bytes(3, "big"))


def key(number, kind="A_FLOW_MESSAGE_KEY"):
    return Rewire.tuple(Rewire, c[kind], VNI, UDP, source(number), 1000, "192.0.2.1", 53)


def number_of(flow):
    """A flow's number, given its attributes."""
    return int.from_bytes(flow[c["A_FLOW_DECISION"]], "little")


def flow_in(answer, kind="A_FLOW_MESSAGE_FLOW"):
    """The attributes of the flow in an answer's."""
    return dict(attributes(dict(answer)[c[kind]]))


def dump(rewire, payload=b"", **more):
    """The numbers of the flows that a dump shows, in its order."""
    return [number_of(flow_in(answer)) for answer in rewire.command("FLOW_GET", payload, DUMP, **more)]

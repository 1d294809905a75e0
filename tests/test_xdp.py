#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Programs of generic XDP see each packet once, whether it was held or not."""
import ctypes
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import tap
from netlink import Rewire, nest, u32
from packets import IP, UDP, Raw, Stage, libc

SYS_BPF = 321
MAP_CREATE, MAP_LOOKUP, PROG_LOAD = 0, 1, 5
MAP_TYPE_ARRAY, PROG_TYPE_XDP = 2, 6
IFLA_XDP, IFLA_XDP_FD, IFLA_XDP_FLAGS, SKB_MODE = 43, 1, 3, 2
c = Rewire.c


def bpf(command, *parts):
    attributes = ctypes.create_string_buffer(b"".join(parts), 128)
    result = libc.syscall(SYS_BPF, command, attributes, 128)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf command {command}")
    return result


def instruction(code, dst=0, src=0, offset=0, value=0):
    return struct.pack("=BBhi", code, src << 4 | dst, offset, value)


class Counter:
    """A program that counts packets and passes them on, at a device."""

    def __init__(self, route, index):
        self.map = bpf(MAP_CREATE, struct.pack("=IIII", MAP_TYPE_ARRAY, 4, 8, 1))
        code = ctypes.create_string_buffer(b"".join((
            instruction(0x62, 10, offset=-4),           # the key, on the stack: 0
            instruction(0x18, 1, 1, value=self.map), instruction(0),
            instruction(0xbf, 2, 10), instruction(0x07, 2, value=-4),
            instruction(0x85, value=1),                 # r0: the value's place
            instruction(0x15, 0, offset=2),
            instruction(0xb7, 1, value=1), instruction(0xdb, 0, 1),
            instruction(0xb7, 0, value=2), instruction(0x95))))         # XDP_PASS
        licence = ctypes.create_string_buffer(b"GPL")
        program = bpf(PROG_LOAD, struct.pack("=IIQQ", PROG_TYPE_XDP, (len(code) - 1) // 8,
                                             ctypes.addressof(code), ctypes.addressof(licence)))
        route.ask(16, struct.pack("=BxHiII", 0, 0, index, 0, 0) +
                  nest(IFLA_XDP, u32(IFLA_XDP_FD, program), u32(IFLA_XDP_FLAGS, SKB_MODE)))

    def packets(self):
        key, value = ctypes.create_string_buffer(4), ctypes.create_string_buffer(8)
        bpf(MAP_LOOKUP, struct.pack("=I4xQQQ", self.map, ctypes.addressof(key), ctypes.addressof(value), 0))
        return struct.unpack("=Q", value.raw)[0]


def once():
    stage = Stage()
    port = stage.port("a", 5, "10.5.0.1/24")
    counter = Counter(stage.route, port.index)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("10.5.0.1", 53))
    server.setblocking(False)
    packet = IP(src="10.5.0.2", dst="10.5.0.1") / UDP(sport=1000, dport=53) / Raw(b"hello")
    port.send(packet)
    tap.equal("a packet that no rule holds arrives", server.recv(100), b"hello")
    tap.equal("it is seen once", counter.packets(), 1)
    stage.rule(5, "punt", u32(c["A_RULE_ORPHAN"], c["ORPHAN_MODE_HOLD"]))
    port.send(packet)
    tap.equal("one that is held is seen, too", (stage.rewire.stats()["holds"], counter.packets()), (1, 2))
    stage.rewire.command("VERDICT_ADD", nest(
        c["A_VERDICT_BATCH_VERDICT"], u32(c["A_VERDICT_ACTION"], c["VERDICT_ACTION_PASS"]),
        stage.rewire.tuple(c["A_VERDICT_TUPLE"], 5, 17, "10.5.0.2", 1000, "10.5.0.1", 53)))
    tap.equal("when it may pass, it arrives", server.recv(100), b"hello")
    tap.equal("and is not seen again", counter.packets(), 2)
    port.send(packet)
    tap.equal("the next one is", (server.recv(100), counter.packets()), (b"hello", 3))
    stage.close()


tap.run(once)

# SPDX-License-Identifier: GPL-2.0
"""How long first packets of new flows take, from a program that sends them to where they are dropped.

Not by the kernel's generator, which makes a packet long before it sends it. Packets have the time
at which they were made in them, and the kernel tells when they arrived.
"""
import ctypes
import socket
import struct
import time
from math import inf

from generator import FIRST, enter
from measure import ETH_P_ALL
from systems import MAC

PAYLOAD = 12
PARTS = {"p50": 0.5, "p99": 0.99}
SO_ATTACH_FILTER, SO_RCVBUFFORCE, SO_TIMESTAMPNS = 26, 33, 35
LONGEST = 2                             # seconds that the last of them is waited for


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def first_packet(system, macs, number):
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
    return macs + (b"\x86\xdd" if six else b"\x08\0") + header + udp


def only_to_first_port(tap, headers):
    """What else arrives is left to the kernel: load the port, compare, accept or not."""
    steps = struct.pack("=" + "HBBI" * 4, 0x28, 0, 0, headers - 6, 0x15, 0, 1, FIRST, 0x06, 0, 0, 0xffff, 0x06, 0, 0, 0)
    buffer = ctypes.create_string_buffer(steps)
    tap.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 4, ctypes.addressof(buffer)))


def arrivals(tap, headers):
    """Nanoseconds on the way of all packets that have come, by their numbers"""
    found = {}
    while True:
        try:
            frame, control, _, _ = tap.recvmsg(2048, 64)
        except BlockingIOError:
            return found
        if frame[headers - 6:headers - 4] == struct.pack("!H", FIRST):
            second, nanos = struct.unpack("qq", control[0][2])
            number, sent = struct.unpack_from("!IQ", frame, headers)
            found.setdefault(number, second * 10 ** 9 + nanos - sent)


def delays(system, rate, count, client="gen", router="in"):
    """Of so many at this rate, sent by a device to the router's; who does not arrive has waited for ever"""
    headers = 14 + (20, 40)[system.family == 6] + 8
    macs = bytes.fromhex((MAC[router] + MAC[client]).replace(":", ""))
    enter(system.ends)
    with (socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as tap,
          socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender):
        only_to_first_port(tap, headers)
        tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
        tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        tap.setblocking(False)
        tap.bind(("sink", ETH_P_ALL))
        sender.bind((client, 0))
        began = time.monotonic()
        for number in range(count):
            time.sleep(max(0, began + number / rate - time.monotonic()))
            sender.send(first_packet(system, macs, number))
        found, end = {}, time.monotonic() + LONGEST
        while len(found) < count and time.monotonic() < end:
            time.sleep(0.02)
            found |= arrivals(tap, headers)
    return [found.get(number, inf) for number in range(count)]


def parts_of(found):
    """Microseconds"""
    found = sorted(found)
    return {name: found[int(len(found) * part)] / 1000 for name, part in PARTS.items()}

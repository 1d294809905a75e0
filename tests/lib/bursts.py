# SPDX-License-Identifier: GPL-2.0
"""Bursts of datagrams that count up, as a device would deliver them: without a pause.

bursts.py send SPORT ADDRESS PORT BURSTS: the kernel cuts one large datagram into a burst of 40.
bursts.py receive PORT MOST: until none has come for a second, and print what has come.
"""
import os
import socket
import struct
import sys

SEGMENTS = 40
SO_RCVBUFFORCE, UDP_SEGMENT = 33, 103
QUIET = 1       # seconds


def send(sport, address, port, bursts):
    """By one processor, as a queue of a device does: what two of them have is in no order"""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.bind(("", sport))
        size = struct.calcsize(">Q")
        for burst in range(bursts):
            first = burst * SEGMENTS
            data = b"".join(struct.pack(">Q", number) for number in range(first, first + SEGMENTS))
            out.sendmsg([data], [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("=H", size))], 0,
                        (address, port))


def receive(port, most):
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
        server.bind(("", port))
        server.settimeout(20)
        try:
            while len(found) < most:
                found.append(struct.unpack(">Q", server.recv(100))[0])
                server.settimeout(QUIET)
        except TimeoutError:
            pass
    in_order = all(one < next_one for one, next_one in zip(found, found[1:]))
    print(len(found), "in order" if in_order else "not in order")


if sys.argv[1] == "send":
    send(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
else:
    receive(int(sys.argv[2]), int(sys.argv[3]))

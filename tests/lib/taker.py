# SPDX-License-Identifier: GPL-2.0
"""taker.py SOCKET STEP...: begin to take the place of a daemon, and go no further.

ask METHOD     send a request, and print the answer
send METHOD    send a request
own            become the process that the handlers' sockets belong to
wait           until the daemon closes the connection
linger         until the standard input ends

At the end the connection is closed, as by a process that dies.
"""
import json
import socket
import struct
import sys

from netlink import ACK, REQUEST, Rewire, u32

daemon = socket.socket(socket.AF_UNIX)
daemon.connect(sys.argv[1])
sockets = []


def send(method):
    daemon.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method}).encode() + b"\n")


def ask(method):
    send(method)
    line, fds, _, _ = socket.recv_fds(daemon, 4096, 100)
    sockets.extend(fds)
    print(line.decode(), end="", flush=True)


def own():
    """As by PUNT_LISTEN of each, but for the last, which has another purpose."""
    family, c = Rewire().family, Rewire.c
    payload = struct.pack("=BBH", c["CMD_PUNT_LISTEN"], 1, 0) + u32(c["A_PUNT_BATCH_VERSION"], 1)
    for fd in sockets[:-1]:
        socket.socket(fileno=fd).send(struct.pack("=IHHII", 16 + len(payload), family,
                                                  REQUEST | ACK, 1, 0) + payload)


words = iter(sys.argv[2:])
for word in words:
    if word == "ask":
        ask(next(words))
    elif word == "send":
        send(next(words))
    elif word == "own":
        own()
    elif word == "linger":
        sys.stdin.read()
    else:
        while daemon.recv(4096):
            pass

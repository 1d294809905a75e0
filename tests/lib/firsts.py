# SPDX-License-Identifier: GPL-2.0
"""firsts.py ADDRESS PORT FLOWS RATE: one datagram by each of FLOWS new source ports, RATE a second.

Prints how many of them were echoed, each at most once and within five seconds of the last. With
SIGTERM no more are sent; then it prints "ECHOED of SENT".
"""
import resource
import selectors
import signal
import socket
import sys
import time

address, port, flows, rate = sys.argv[1], *map(int, sys.argv[2:])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
selector = selectors.DefaultSelector()
echoed = set()
stopped = []
signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
resource.setrlimit(resource.RLIMIT_NOFILE, (flows + 100, flows + 100))


def receive(patience):
    for key, _ in selector.select(max(0, patience)):
        try:
            if key.fileobj.recv(100) == b"%d" % key.data:
                echoed.add(key.data)
        except OSError:
            pass


begin = time.monotonic()
sent = 0
while sent < flows and not stopped:
    number, sent = sent, sent + 1
    client = socket.socket(family, socket.SOCK_DGRAM)
    client.setblocking(False)
    client.connect((address, port))
    selector.register(client, selectors.EVENT_READ, number)
    client.send(b"%d" % number)
    while (left := begin + number / rate - time.monotonic()) > 0:
        receive(left)
end = time.monotonic() + 5
while len(echoed) < sent and time.monotonic() < end:
    receive(end - time.monotonic())
print(len(echoed), *(["of", sent] if stopped else []))

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Many connections of TCP, one after the other and side by side.

many.py serve PORT: an echo server.
many.py connect ADDRESS PORT RATE STAY REPORT SOURCE...: begin RATE connections a second
from the sources in turn, until REPORT.stop is there. Each says something when it is
established and once more before its end, after up to three seconds; the first STAY of
them live until all is over, and talk every second. What became of them goes to REPORT.
"""
import errno
import json
import os
import random
import select
import socket
import struct
import sys
import time

PATIENCE = 20       # seconds until an answer
SOON = 0.9          # a SYN that nobody answers is sent once more after a second
BATCH = 100         # connections that begin at a time

# At thousands of connections a second, each call to the kernel counts: a socket is registered once, and
# closing it ends that.


def serve(port):
    poll, connections = select.epoll(), {}
    listener = socket.create_server(("", port), backlog=4096)
    listener.setblocking(False)
    poll.register(listener, select.EPOLLIN)
    while True:
        for number, _ in poll.poll():
            if number == listener.fileno():
                accept(listener, poll, connections)
                continue
            try:
                data = connections[number].recv(4096)
                connections[number].send(data)
            except ConnectionError:
                data = b""
            if not data:
                connections.pop(number).close()


def accept(listener, poll, connections):
    try:
        for _ in range(BATCH):
            connection = listener.accept()[0]
            connections[connection.fileno()] = connection
            poll.register(connection, select.EPOLLIN)
    except BlockingIOError:
        pass


class Connection:
    def __init__(self, client, number):
        self.client, self.number = client, number
        self.stays = number < client.stay
        self.began = time.monotonic()
        self.established = False
        self.asked = None           # when, while an answer is awaited
        self.socket = socket.socket(type=socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.setsockopt(socket.IPPROTO_IP, 24, 1)    # IP_BIND_ADDRESS_NO_PORT
        self.socket.bind((client.sources[number % len(client.sources)], 0))
        code = self.socket.connect_ex(client.address)
        if code not in (0, errno.EINPROGRESS):
            raise OSError(code, os.strerror(code))
        client.poll.register(self.socket, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)

    def over(self, outcome):
        self.client.counts[outcome] += 1
        del self.client.connections[self.socket.fileno()]
        self.socket.close()

    def ask(self):
        self.asked = time.monotonic()
        try:
            self.socket.send(b"%d\n" % self.number)
        except OSError:
            self.over("broken")

    def ready(self, events):
        if not self.established:
            self.connected(events & select.EPOLLERR)
            return
        try:
            answer = self.socket.recv(100)
        except BlockingIOError:
            return
        except OSError:
            answer = b""
        if answer != b"%d\n" % self.number:
            self.over("broken")
            return
        self.asked = None
        if self.last:
            self.over("lived")

    def connected(self, failed):
        now = time.monotonic()
        if failed:
            self.over("failed")
            return
        self.established, self.last = True, False
        self.client.counts["retried"] += now - self.began > SOON
        self.next = now + (1 if self.stays else random.uniform(0.1, 3))
        self.ask()

    def tick(self, now):
        if not self.established:
            if now - self.began > PATIENCE:
                self.over("failed")
        elif self.asked:
            if now - self.asked > PATIENCE:
                self.over("broken")
        elif now > self.next or self.client.stopped:
            self.last = self.client.stopped or not self.stays
            self.next = now + 1
            self.ask()


class Client:
    def __init__(self, address, port, rate, stay, report, *sources):
        self.address, self.rate, self.stay = (address, int(port)), float(rate), int(stay)
        self.report, self.sources = report, sources
        self.poll = select.epoll()
        self.connections = {}       # by number of their socket
        self.counts = dict.fromkeys(("begun", "retried", "lived", "broken", "failed"), 0)
        self.stopped = False

    def begin(self, due):
        for _ in range(min(BATCH, due - self.counts["begun"])):
            connection = Connection(self, self.counts["begun"])
            self.connections[connection.socket.fileno()] = connection
            self.counts["begun"] += 1

    def run(self):
        started = look = time.monotonic()
        while self.connections or not self.stopped:
            for number, events in self.poll.poll(0.005):
                self.connections[number].ready(events)
            now = time.monotonic()
            if not self.stopped:
                self.begin(max(self.stay, int((now - started) * self.rate)))
            if now - look < 0.05:
                continue
            look = now
            for connection in list(self.connections.values()):
                connection.tick(now)
            if not self.stopped and os.path.exists(self.report + ".stop"):
                self.stopped, self.counts["seconds"] = True, round(now - started, 1)
        with open(self.report + ".new", "w", encoding="ascii") as file:
            json.dump(self.counts, file)
        os.rename(self.report + ".new", self.report)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        Client(*sys.argv[2:]).run()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""httpd.py NAME PORT FILE: serve FILE by HTTP over IPv4 and IPv6.

GET /data answers with the file, GET /whoami with a line: NAME, the client's
address and its port, GET /later with the same after three seconds, GET /held
with the same when there is a file FILE.open.  Connections
are kept, but not those of HTTP/1.0.

One thread serves them all, however many.  A connection is a generator: it yields what it
waits for, which is an event of its socket, or what is to be true of the time and the file.
"""
import os
import selectors
import socket
import sys
import time

LOOK = 0.1          # seconds between looks at the time and the file


def requests(connection):
    """The path of each request that comes, and None while none does."""
    buffer = b""
    keep = True
    while keep:
        while b"\r\n\r\n" not in buffer:
            try:
                data = connection.recv(4096)
            except BlockingIOError:
                yield None
                continue
            if not data:
                return
            buffer += data
        head, buffer = buffer.split(b"\r\n\r\n", 1)
        keep = b" HTTP/1.1\r\n" in head + b"\r\n"
        yield head.split(b" ")[1].decode()


def head(status, length):
    return (f"HTTP/1.1 {status}\r\nContent-Type: application/octet-stream\r\n"
            f"Content-Length: {length}\r\n\r\n").encode()


def send(connection, data):
    while data:
        try:
            data = data[connection.send(data):]
        except BlockingIOError:
            yield selectors.EVENT_WRITE


def send_file(connection, path):
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        yield from send(connection, head("200 OK", size))
        offset = 0
        while offset < size:
            try:
                offset += os.sendfile(connection.fileno(), file.fileno(), offset, size - offset)
            except BlockingIOError:
                yield selectors.EVENT_WRITE


def answer(connection, request, name, peer, path):
    if request == "/data":
        yield from send_file(connection, path)
        return
    if request not in ("/whoami", "/later", "/held"):
        yield from send(connection, head("404 Not Found", 0))
        return
    if request == "/later":
        due = time.monotonic() + 3
        yield lambda now, opened: now >= due
    elif request == "/held":
        yield lambda now, opened: opened
    address = peer[0].removeprefix("::ffff:")
    body = f"{name} {address} {peer[1]}\n".encode()
    yield from send(connection, head("200 OK", len(body)) + body)


def serve(connection, peer, name, path):
    try:
        for request in requests(connection):
            if request is None:
                yield selectors.EVENT_READ
            else:
                yield from answer(connection, request, name, peer, path)
    except OSError:
        pass
    finally:
        connection.close()


class Server:
    def __init__(self, name, port, path):
        self.name, self.path = name, path
        self.selector = selectors.DefaultSelector()
        self.waiting = []       # for what no socket tells: a condition, a connection, its generator
        self.go_on(*self.listen(port))

    def listen(self, port):
        listener = socket.create_server(("::", port), family=socket.AF_INET6,
                                        backlog=4096, dualstack_ipv6=True)
        listener.setblocking(False)
        return listener, self.accept(listener)

    def accept(self, listener):
        while True:
            try:
                connection, peer = listener.accept()
            except BlockingIOError:
                yield selectors.EVENT_READ
                continue
            connection.setblocking(False)
            self.go_on(connection, serve(connection, peer, self.name, self.path))

    def go_on(self, connection, generator):
        wanted = next(generator, None)
        if callable(wanted):
            self.waiting.append((wanted, connection, generator))
        elif wanted:
            self.selector.register(connection, wanted, generator)

    def look(self):
        now, opened = time.monotonic(), os.path.exists(self.path + ".open")
        waiting, self.waiting = self.waiting, []
        for one in waiting:
            if one[0](now, opened):
                self.go_on(*one[1:])
            else:
                self.waiting.append(one)

    def run(self):
        looked = 0
        while True:
            for key, _ in self.selector.select(LOOK if self.waiting else None):
                self.selector.unregister(key.fileobj)
                self.go_on(key.fileobj, key.data)
            if self.waiting and time.monotonic() - looked >= LOOK:
                looked = time.monotonic()
                self.look()


if __name__ == "__main__":
    Server(sys.argv[1], int(sys.argv[2]), sys.argv[3]).run()

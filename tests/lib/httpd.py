#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""httpd.py NAME PORT FILE: serve FILE by HTTP over IPv4 and IPv6.

GET /data answers with the file, GET /whoami with a line: NAME, the client's
address and its port, GET /later with the same after three seconds, GET /held
with the same when there is a file FILE.open.  Connections
are kept, but not those of HTTP/1.0.
"""
import os
import socket
import sys
import threading
import time


def requests(connection):
    """The path of each request that comes."""
    buffer = b""
    keep = True
    while keep:
        while b"\r\n\r\n" not in buffer:
            data = connection.recv(4096)
            if not data:
                return
            buffer += data
        head, buffer = buffer.split(b"\r\n\r\n", 1)
        keep = b" HTTP/1.1\r\n" in head + b"\r\n"
        yield head.split(b" ")[1].decode()


def head(status, length):
    return (f"HTTP/1.1 {status}\r\nContent-Type: application/octet-stream\r\n"
            f"Content-Length: {length}\r\n\r\n").encode()


def send_file(connection, path):
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        connection.sendall(head("200 OK", size))
        offset = 0
        while offset < size:
            offset += os.sendfile(connection.fileno(), file.fileno(), offset, size - offset)


def serve(connection, peer, name, path):
    address = peer[0].removeprefix("::ffff:")
    try:
        for request in requests(connection):
            if request == "/data":
                send_file(connection, path)
            elif request in ("/whoami", "/later", "/held"):
                time.sleep(3 * (request == "/later"))
                while request == "/held" and not os.path.exists(path + ".open"):
                    time.sleep(0.1)
                body = f"{name} {address} {peer[1]}\n".encode()
                connection.sendall(head("200 OK", len(body)) + body)
            else:
                connection.sendall(head("404 Not Found", 0))
    except OSError:
        pass
    finally:
        connection.close()


def main():
    name, port, path = sys.argv[1:]
    listener = socket.create_server(("::", int(port)), family=socket.AF_INET6,
                                    backlog=256, dualstack_ipv6=True)
    while True:
        connection, peer = listener.accept()
        threading.Thread(target=serve, args=(connection, peer, name, path), daemon=True).start()


main()

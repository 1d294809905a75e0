# SPDX-License-Identifier: GPL-2.0
"""Many clients of one host, each with an address of its own, and what becomes of them.

clients.py connect FIRST-LAST ADDRESS PORT    a TCP connection of each at once
clients.py send FIRST-LAST ADDRESS PORT       a datagram of each
clients.py ask ADDRESS PORT SPORT DATA        a datagram, and the answer that comes
clients.py serve PORT                         say to each datagram whom it came from

FIRST and LAST are last bytes of 10.0.0.x.  Connect and send print a JSON object: how many are
accepted, refused (by a reset, or nobody listens), prohibited (by an ICMP error) and silent, and
how many connections had to ask more than once. Connections
stay until standard input ends.
"""
import errno
import json
import select
import socket
import struct
import sys

PATIENCE = 3        # seconds for an answer
TCP_INFO, TOTAL_RETRANS = 11, 100
NAMES = {0: "accepted", errno.ECONNREFUSED: "refused", errno.EHOSTUNREACH: "prohibited",
         errno.EACCES: "prohibited"}


def make(kind, source, target):
    client = socket.socket(socket.AF_INET, kind)
    client.setblocking(False)
    client.setsockopt(socket.SOL_IP, 11, 1)     # IP_RECVERR: errors of ICMP at once
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset ends it
    client.bind((source, 4000))
    client.connect_ex(target)
    return client


def asked_again(client):
    if client.type != socket.SOCK_STREAM:
        return False
    info = client.getsockopt(socket.IPPROTO_TCP, TCP_INFO, 128)
    return struct.unpack_from("=I", info, TOTAL_RETRANS)[0] > 0


def outcomes(clients, ready):
    """Wait for an answer to each; their number by outcome."""
    counts = dict.fromkeys([*NAMES.values(), "silent", "again"], 0)
    poll = select.poll()
    waiting = {client.fileno(): client for client in clients}
    for number in waiting:
        poll.register(number, ready)
    while waiting:
        events = poll.poll(PATIENCE * 1000)
        if not events:
            break
        for number, _ in events:
            poll.unregister(number)
            client = waiting.pop(number)
            counts["again"] += asked_again(client)
            error = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            counts[NAMES.get(error, errno.errorcode.get(error, "?"))] += 1
    counts["silent"] = len(waiting)
    return counts


def connect(clients):
    print(json.dumps(outcomes(clients, select.POLLOUT)), flush=True)
    sys.stdin.read()


def send(clients):
    for client in clients:
        client.send(b"x")
    print(json.dumps(outcomes(clients, select.POLLIN)), flush=True)


def ask(address, port, sport, data):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.bind(("", sport))
    client.settimeout(PATIENCE)
    client.sendto(data.encode(), (address, port))
    try:
        answer, peer = client.recvfrom(2048)
        print(answer.decode(), *peer)
    except OSError as error:
        print(error)


def serve(port):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)    # others send from its port
    server.bind(("", port))
    while True:
        _, peer = server.recvfrom(2048)
        server.sendto("{}:{}".format(*peer).encode(), peer)


def main(action, *words):
    if action == "ask":
        ask(words[0], int(words[1]), int(words[2]), words[3])
    elif action == "serve":
        serve(int(words[0]))
    else:
        first, last = (int(word) for word in words[0].split("-"))
        kind = socket.SOCK_STREAM if action == "connect" else socket.SOCK_DGRAM
        target = (words[1], int(words[2]))
        clients = [make(kind, f"10.0.0.{n}", target) for n in range(first, last + 1)]
        (connect if action == "connect" else send)(clients)


main(*sys.argv[1:])

# SPDX-License-Identifier: GPL-2.0
"""Echo for datagrams and SCTP.

datagrams.py serve KIND PORT             answers everything with the same
datagrams.py ask KIND ADDRESS PORT SIZE  sends random bytes until they come back; and
                                         once more, when they have to

KIND is udp, sctp, or sctp-any-mtu, whose packets may be fragmented on the way; or
udp-SIZE: SIZE bytes a datagram, all given to the kernel in one piece, which is one
packet until somebody splits it.  Ends with 0 when the answer is right.
"""
import os
import select
import socket
import struct
import sys

SCTP, SCTP_PEER_ADDR_PARAMS, SPP_PMTUD_DISABLE = 132, 9, 16
UDP, UDP_SEGMENT = 17, 103


def serve(kind, port):
    if kind == "udp":
        server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        server.bind(("::", port))
        while True:
            data, peer = server.recvfrom(1 << 16)
            server.sendto(data, peer)
    server = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, SCTP)
    server.bind(("::", port))
    server.listen(5)
    while True:
        client, _ = server.accept()
        while data := client.recv(1 << 16):
            client.sendall(data)
        client.close()


def connect(kind, address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    if kind[:3] == "udp":
        client = socket.socket(family, socket.SOCK_DGRAM)
        if kind != "udp":
            client.setsockopt(UDP, UDP_SEGMENT, int(kind[4:]))
            client.setsockopt(*((41, 23) if ":" in address else (0, 10)), 0)     # MTU_DISCOVER: fragment
    else:
        client = socket.socket(family, socket.SOCK_STREAM, SCTP)
        client.settimeout(20)
        if kind == "sctp-any-mtu":      # struct sctp_paddrparams
            client.setsockopt(SCTP, SCTP_PEER_ADDR_PARAMS,
                              struct.pack("=i128sIHIII2x", 0, b"", 0, 0, 0, 0, SPP_PMTUD_DISABLE))
    client.connect((address, port))
    return client


def ask(kind, address, port, size):
    client = connect(kind, address, port)
    data = os.urandom(size)
    if kind[:3] != "udp":
        client.sendall(data)
        got = b""
        while len(got) < size:
            got += client.recv(1 << 16)
        return got == data
    each = int(kind[4:]) if kind != "udp" else size
    for _ in range(5):      # the first waits for a decision, which may come too late
        client.send(data)
        if select.select([client], [], [], 4)[0]:
            break
    if receive(client, each, size) != data:
        return False
    client.send(data[::-1])
    return receive(client, each, size) == data[::-1]


def receive(client, each, size):
    """Datagrams of so many bytes each."""
    got = b""
    while len(got) < size and select.select([client], [], [], 20)[0]:
        one = client.recv(1 << 16)
        if len(one) != min(each, size - len(got)):
            break
        got += one
    return got


if sys.argv[1] == "serve":
    serve(sys.argv[2], int(sys.argv[3]))
sys.exit(0 if ask(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])) else 1)

# SPDX-License-Identifier: GPL-2.0
"""Packets as bytes, by hand, with checksums computed as the standards define them."""
import socket
import struct

TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
DCCP, GRE, ESP, SCTP, UDPLITE = 33, 47, 50, 132, 136
NAMES = {TCP: "TCP", UDP: "UDP", ICMP: "ICMP echo", ICMPV6: "ICMPv6 echo", DCCP: "DCCP",
         GRE: "GRE", ESP: "ESP", SCTP: "SCTP", UDPLITE: "UDP-Lite"}
ECHO = {ICMP: (8, 0), ICMPV6: (128, 129)}


def checksum(data):
    """RFC 1071, over 16 bits at a time."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def is_ipv6(address):
    return ":" in address


def pack(address):
    return socket.inet_pton(socket.AF_INET6 if is_ipv6(address) else socket.AF_INET, address)


def put(data, offset, value):
    return data[:offset] + struct.pack(">H", value) + data[offset + 2:]


def transport_sum(src, dst, protocol, data):
    """Of a transport header with 0 in its checksum, and what follows it."""
    if protocol == ICMP:
        return checksum(data)
    length = struct.pack(">IHBB" if is_ipv6(src) else ">HBB",
                         *((len(data), 0, 0, protocol) if is_ipv6(src) else
                           (len(data), 0, protocol)))
    if not is_ipv6(src):
        length = struct.pack(">BBH", 0, protocol, len(data))
    return checksum(pack(src) + pack(dst) + length + data)


def ip(src, dst, protocol, payload, hops=64, options=b"", fragment=0, ident=7, tos=0):
    """An IPv4 or IPv6 packet; OPTIONS are IPv4 options, or IPv6 extension headers with PROTOCOL."""
    if is_ipv6(src):
        return struct.pack(">IHBB", 6 << 28 | tos << 20, len(options + payload),
                           protocol, hops) + pack(src) + pack(dst) + options + payload
    header = struct.pack(">BBHHHBBH", 0x45 + len(options) // 4, tos, 20 + len(options + payload),
                         ident, fragment, hops, protocol, 0) + pack(src) + pack(dst) + options
    return put(header, 10, checksum(header)) + payload


def tcp(src, dst, sport, dport, payload=b"", sequence=1, flags=0x10):
    data = struct.pack(">HHIIBBHHH", sport, dport, sequence, 0, 5 << 4, flags, 1000, 0, 0) + payload
    return put(data, 16, transport_sum(src, dst, TCP, data))


def udp(src, dst, sport, dport, payload=b"", sum_=True):
    data = struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload
    return put(data, 6, (transport_sum(src, dst, UDP, data) or 0xffff) if sum_ else 0)


def udplite(src, dst, sport, dport, payload=b""):
    """The checksum covers the header, and of what follows nothing (RFC 3828)."""
    header = struct.pack(">HHHH", sport, dport, 8, 0)
    pseudo = pack(src) + pack(dst) + struct.pack(">II", 8 + len(payload), UDPLITE)
    return put(header, 6, checksum(pseudo + header) or 0xffff) + payload


def dccp(src, dst, sport, dport, payload=b""):
    """A data packet whose checksum covers the header (RFC 4340)."""
    header = struct.pack(">HHBBHBBHI", sport, dport, 4, 1, 0, 2 << 1 | 1, 0, 0, 1)
    pseudo = pack(src) + pack(dst) + struct.pack(">II", len(header) + len(payload), DCCP)
    return put(header, 6, checksum(pseudo + header)) + payload


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def sctp(sport, dport, payload=b""):
    header = struct.pack(">HHI", sport, dport, 0x12345678)
    return header + struct.pack("<I", crc32c(header + bytes(4) + payload)) + payload


def icmp(src, dst, kind, code, rest, payload=b""):
    """An ICMP or ICMPv6 message; REST are the four bytes behind the checksum."""
    data = struct.pack(">BBH", kind, code, 0) + rest + payload
    return put(data, 2, transport_sum(src, dst, ICMPV6 if is_ipv6(src) else ICMP, data))


def echo(src, dst, ident, payload=b"", reply=False):
    protocol = ICMPV6 if is_ipv6(src) else ICMP
    return icmp(src, dst, ECHO[protocol][reply], 0, struct.pack(">HH", ident, 1), payload)

# SPDX-License-Identifier: GPL-2.0
"""Flows as both of their ends see them, and ICMP errors about their packets.

Clients are behind port a, in VNI 5, and servers behind port b, in VNI 6.
"""
from raw import (DCCP, ICMP, ICMPV6, NAMES, SCTP, TCP, UDP, UDPLITE, dccp, echo, icmp, ip, is_ipv6,
                 sctp, tcp, udp, udplite)

WITH_PORTS = {TCP: tcp, UDP: udp, UDPLITE: udplite, DCCP: dccp,
              SCTP: lambda src, dst, *more: sctp(*more)}

# Where in a header the checksum is that rewriting changes, and how long it is
CHECKS = {TCP: (16, 2), UDP: (6, 2), UDPLITE: (6, 2), DCCP: (6, 2), SCTP: (8, 4), ICMP: (2, 2),
          ICMPV6: (2, 2)}


class Ends:
    """A flow, and the addresses and ports of its packets on either side of the module."""

    def __init__(self, protocol, client, server, public, virtual=None, vnis=(5, 6)):
        self.protocol, self.vnis = protocol, vnis
        self.client, self.server, self.public = client, server, public
        self.virtual = virtual or server
        self.ipv6 = is_ipv6(client[0])
        self.echo = protocol in (ICMP, ICMPV6)
        self.ports = protocol in WITH_PORTS
        self.name = f"{'IPv6' if self.ipv6 else 'IPv4'} {NAMES[protocol]}"
        self.far, self.near = (("fd77::1", "fd77::2") if self.ipv6 else ("10.77.0.1", "10.77.0.2"))

    def packet(self, src, dst, payload=b"payload of it", reply=False, **more):
        """A packet between two ends, each an address and a port or identifier."""
        if self.echo:
            ident = dst[1] if reply else src[1]
            data = echo(src[0], dst[0], ident, payload, reply)
        elif self.ports:
            data = WITH_PORTS[self.protocol](src[0], dst[0], src[1], dst[1], payload)
        else:
            data = payload
        return ip(src[0], dst[0], self.protocol, data, **more)

    def forth(self, inside, **more):
        """The client's packet, as it is in its own network, or behind the module."""
        if inside:
            return self.packet(self.client, self.virtual, **more)
        return self.packet(self.public, self.server, **more)

    def back(self, inside, **more):
        if inside:
            return self.packet(self.virtual, self.client, reply=True, **more)
        return self.packet(self.server, self.public, reply=True, **more)

    def add(self, stage, *more):
        def key(vni, src, dst, reply):
            sport, dport = src[1], dst[1]
            if self.echo:
                sport, dport = (0, dport) if reply else (sport, 0)
            elif not self.ports:
                sport = dport = 0
            return vni, self.protocol, src[0], sport, dst[0], dport
        stage.flow(key(self.vnis[0], self.client, self.virtual, False),
                   key(self.vnis[1], self.server, self.public, True), *more)


def ends(protocol, ipv6, number, virtual=False):
    net = ("fd00:5::%x", "fd00:6::%x") if ipv6 else ("10.5.0.%d", "10.6.0.%d")
    return Ends(protocol, (net[0] % 2, 4000 + number), (net[1] % 9, 53),
                (net[1] % 64, 5000 + number), (net[0] % 99, 80) if virtual else None)


def hairpin(protocol, ipv6, number):
    """A flow between two clients, who know each other by public addresses."""
    near, public = ("fd00:5::%x", "2001:db8:f::%x") if ipv6 else ("10.5.0.%d", "203.0.113.%d")
    return Ends(protocol, (near % 2, 4000 + number), (near % 3, 53), (public % 64, 5000 + number),
                (public % 65, 80), (5, 5))


def send(stage, port, *packets):
    """Send packets into a port. All that comes out: (port, packet)."""
    for packet in packets:
        stage.ports["ab".index(port)].send(packet)
    return [(port.name, packet) for port, packet in stage.received()]


def error(flow, src, dst, kind, code, quote, rest=bytes(4), **more):
    """An ICMP error, or what it is called in IPv6; KIND and CODE are pairs for both."""
    if isinstance(kind, tuple):
        kind, code = kind[flow.ipv6], code[flow.ipv6]
    return ip(src, dst, ICMPV6 if flow.ipv6 else ICMP, icmp(src, dst, kind, code, rest, quote), **more)


def text(packet):
    return packet.hex(" ", 4) if packet else packet

# SPDX-License-Identifier: GPL-2.0
"""Flows between two ports, and the packets of their ends.

    guest 10.5.0.2 ── a ┌───────────┐ b ── server 10.6.0.9
          fd00:5::2     │ VNI 5   6 │             fd00:6::9
                        └───────────┘
The guest knows the server as 10.5.0.9, and the server knows the guest as 10.6.0.2;
for IPv6 likewise.  The guest's port 1000 becomes 4000, the service's 53 is 5353.
"""
import copy

from packets import (ICMP, IP, TCP, UDP, ICMPv6EchoReply, ICMPv6EchoRequest, IPv6, Stage,
                     translated)

PROTOCOLS = {TCP: 6, UDP: 17}
NETS = {4: ("10.5.0.", "10.6.0."), 6: ("fd00:5::", "fd00:6::")}
HEADERS = {4: IP, 6: IPv6}
PING = {4: (ICMP, 1, lambda **more: ICMP(type=8, **more), lambda **more: ICMP(type=0, **more)),
        6: (ICMPv6EchoRequest, 58, ICMPv6EchoRequest, ICMPv6EchoReply)}


def two_ports(**more):
    stage = Stage()
    stage.a = stage.port("a", 5, "10.5.0.1/24", "fd00:5::1/64", **more)
    stage.b = stage.port("b", 6, "10.6.0.1/24", "fd00:6::1/64", **more)
    # Flows may keep addresses: each subnet is in the other virtual network, too
    for net in "10.5.0.0/24", "fd00:5::/64":
        stage.route.to(net, stage.b.index, metric=2000)
    return stage


class Talk:
    """A flow from port a to port b."""

    def __init__(self, stage, family, protocol, *more, sport=1000, dport=53, new_sport=4000,
                 new_dport=5353, guest=None, service=None, new_guest=None, server=None):
        near, far = NETS[family]
        self.stage, self.family = stage, family
        self.guest, self.service = guest or near + "2", service or near + "9"
        self.new_guest, self.server = new_guest or far + "2", server or far + "9"
        self.ports = sport, dport, new_sport, new_dport
        stage.flow((5, protocol, self.guest, sport, self.service, dport),
                   (6, protocol, self.server, new_dport, self.new_guest, new_sport), *more)

    def there(self, layer, **fields):
        """A packet of the guest; FIELDS are of its IP header."""
        return HEADERS[self.family](src=self.guest, dst=self.service, **fields) / \
            with_ports(layer, *self.ports[:2])

    def back(self, layer, **fields):
        """A packet of the server."""
        return HEADERS[self.family](src=self.server, dst=self.new_guest, **fields) / \
            with_ports(layer, self.ports[3], self.ports[2])

    def across(self, packet, hops=1):
        """What becomes of a packet."""
        sport, dport, new_sport, new_dport = self.ports
        if packet.src == self.guest:
            return translated(packet, self.new_guest, self.server, new_sport, new_dport, hops=hops)
        return translated(packet, self.service, self.guest, dport, sport, hops=hops)

    def crosses(self, name, packet, out=None, **counts):
        """A point: the packet comes out at the other port, as it should."""
        ports = self.stage.a, self.stage.b
        come, go = ports if packet.src == self.guest else reversed(ports)
        out = [self.across(packet)] if out is None else out
        return self.stage.expect(name, come, packet, [(go, new) for new in out], **counts)

    def dropped(self, name, packet, reason):
        """A point: nothing comes out, and the reason is counted."""
        port = self.stage.a if packet.src == self.guest else self.stage.b
        return self.stage.expect(name, port, packet, [], reason)


class Ping(Talk):
    """A flow of echo requests and replies; the guest's identifier 1000 becomes 4000."""

    def __init__(self, stage, family, *more, ident=1000, new_ident=4000, **addresses):
        self.request, self.reply = PING[family][2:]
        super().__init__(stage, family, PING[family][1], *more, sport=ident, dport=0,
                         new_sport=new_ident, new_dport=0, **addresses)

    def there(self, layer=None, **fields):
        packet = HEADERS[self.family](src=self.guest, dst=self.service, **fields) / \
            self.request(id=self.ports[0], seq=7)
        return packet / layer if layer else packet

    def back(self, layer=None, **fields):
        packet = HEADERS[self.family](src=self.server, dst=self.new_guest, **fields) / \
            self.reply(id=self.ports[2], seq=7)
        return packet / layer if layer else packet

    def across(self, packet, hops=1):
        if packet.src == self.guest:
            return translated(packet, self.new_guest, self.server, ident=self.ports[2], hops=hops)
        return translated(packet, self.service, self.guest, ident=self.ports[0], hops=hops)


def with_ports(layer, sport, dport):
    """The layers with the ports of the first one that has some."""
    layer = copy.deepcopy(layer)
    for part in layer.iterpayloads():
        if "sport" in part.fieldtype:
            part.sport, part.dport = sport, dport
            break
    return layer


def talks(stage, **more):
    """A flow of each protocol and family, with its name and a layer to begin with."""
    for family in 4, 6:
        for kind, number in PROTOCOLS.items():
            yield f"{kind.__name__}/IPv{family}", Talk(stage, family, number, **more), kind()

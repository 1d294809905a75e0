# SPDX-License-Identifier: GPL-2.0
"""Tenants behind tunnels, which are told apart by the tunnels' keys alone.

    tenants 10.9.0.2, ── tunnels ── u 192.0.2.1     ┌─────────┐ a ── server 10.5.0.2
            fd00:9::2               2001:db8:1::1 ══│ xt0   5 │             fd00:5::2
                                                    └─────────┘
"""
import socket
import subprocess

import tap
from netlink import address, attr, nest, u32
from packets import IP, UDP, IPv6, Raw, Stage, c, translated
from scapy.contrib.geneve import GENEVE
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN
from talk import HEADERS, PROTOCOLS

OWN, GATEWAY = "02:00:00:00:09:02", "02:00:00:00:00:01"      # hardware addresses in tunnels
KINDS = {"vxlan": (4789, lambda vni: VXLAN(flags="Instance", vni=vni), VXLAN),
         "geneve": (6081, lambda vni: GENEVE(proto=0x6558, vni=vni), GENEVE)}
UNDERLAY = {4: "192.0.2.", 6: "2001:db8:1::"}
TENANTS = {9: "7", 10: "8"}                                   # virtual network, and its far end
INNER = {4: ("10.9.0.2", "10.9.0.9"), 6: ("fd00:9::2", "fd00:9::9")}
SERVER = {4: "10.5.0.2", 6: "fd00:5::2"}


def device(stage, kind):
    """A tunnel device of the kernel's, whose packets say themselves where they go."""
    port = ["dstport", "4789"] if kind == "vxlan" else []
    subprocess.run(["ip", "link", "add", "xt0", "address", GATEWAY, "type", kind, "external", *port],
                   check=True)
    subprocess.run(["ip", "link", "set", "xt0", "mtu", "1400", "up"], check=True)
    index = socket.if_nametoindex("xt0")
    stage.rewire.command("ATTACH_ADD", u32(c["A_ATTACH_IFINDEX"], index) + attr(c["A_ATTACH_TUNNEL"]))
    return index


class Tenant:
    """A flow from a tenant's network to the server, and its packets."""

    def __init__(self, stage, kind, outer, vni, family, number, index):
        self.kind, self.outer, self.vni, self.family = kind, outer, vni, family
        self.near, self.far = UNDERLAY[outer] + "1", UNDERLAY[outer] + TENANTS[vni]
        self.guest, self.service = INNER[family]
        self.server = SERVER[family]
        self.public = self.server[:-1] + TENANTS[vni] + "0"
        stage.flow((vni, number, self.guest, 1000, self.service, 53),
                   (5, number, self.server, 5353, self.public, 4000),
                   u32(c["A_FLOW_ORIG_IFINDEX"], index),
                   nest(c["A_FLOW_ORIG_TUNNEL"], address(c["A_TUNNEL_REMOTE"], self.far),
                        u32(c["A_TUNNEL_ID"], vni), attr(c["A_TUNNEL_LLADDR"], bytes.fromhex(OWN.replace(":", "")))))

    def there(self, layer):
        packet = HEADERS[self.family](src=self.guest, dst=self.service) / layer
        packet.sport, packet.dport = 1000, 53
        return packet

    def back(self, layer):
        packet = HEADERS[self.family](src=self.server, dst=self.public) / layer
        packet.sport, packet.dport = 5353, 4000
        return packet

    def wrapped(self, packet):
        """As it comes from the tenant's end of the tunnel."""
        port, header, _ = KINDS[self.kind]
        return HEADERS[self.outer](src=self.far, dst=self.near) / UDP(sport=54321, dport=port) / \
            header(self.vni) / Ether(src=OWN, dst=GATEWAY) / packet

    def unwrapped(self, data):
        """The packet within, if all around it is as it has to be for this tenant; or None."""
        port, _, kind = KINDS[self.kind]
        packet = (IP if self.outer == 4 else IPv6)(data)
        if kind not in packet or (packet.src, packet.dst, packet.dport, packet[kind].vni) != \
                (self.near, self.far, port, self.vni):
            return None
        frame = packet[kind].payload
        return bytes(frame.payload) if (frame.src, frame.dst) == (GATEWAY, OWN) else None


def ways(stage, kind, outer, index):
    for family in 4, 6:
        for layer, number in PROTOCOLS.items():
            tenants = [Tenant(stage, kind, outer, vni, family, number, index) for vni in TENANTS]
            for tenant in tenants:
                name = f"{kind} over IPv{outer}: {layer.__name__}/IPv{family} of network {tenant.vni}"
                sent = tenant.there(layer() / Raw(b"hello"))
                stage.expect(f"S2.8: {name}: comes out for its own flow", stage.u, tenant.wrapped(sent),
                             [(stage.a, translated(sent, tenant.public, tenant.server, 4000, 5353))])
                sent = tenant.back(layer() / Raw(b"answer"))
                stage.a.send(sent)
                got = [(port.name, tenant.unwrapped(data)) for port, data in stage.received()]
                tap.equal(f"S2.8: {name}: its answer goes to its own far end", got,
                          [("u", bytes(translated(sent, tenant.service, tenant.guest, 53, 1000)))])
                stage.moved()
            stage.flush()


def run():
    stage = Stage()
    stage.a = stage.port("a", 5, "10.5.0.1/24", "fd00:5::1/64")
    stage.u = stage.port("u", None, "192.0.2.1/24", "2001:db8:1::1/64")
    for kind in KINDS:
        index = device(stage, kind)
        for outer in 4, 6:
            ways(stage, kind, outer, index)
        subprocess.run(["ip", "link", "del", "xt0"], check=True)
    return stage

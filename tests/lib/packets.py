# SPDX-License-Identifier: GPL-2.0
"""Packets in, exact packets out.

A Stage is a network namespace of its own with ports: tap devices, each attached to
a virtual network.  The test plays everything beyond them, with nothing in between:
a packet that is sent into a port has gone through the module, and out of another
port, before the call that sends it returns.  So there is nothing to wait for, and
"nothing came out" is as certain as what did.

What has to come out is built by scapy, which computes every checksum anew.
"""
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys

# scapy looks for what it never needs here; that takes longer than all the rest
sys.modules["cryptography"] = None

from scapy.layers.inet import ICMP, IP, TCP, UDP  # noqa: E402
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, IPv6  # noqa: E402
from scapy.packet import Raw  # noqa: E402

import tap  # noqa: E402
from netlink import Rewire, Route, attr, nest, u32, u8  # noqa: E402

CLONE_NEWNET = 0x40000000
IFF_TAP, IFF_NAPI, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x0010, 0x1000, 0x4000
TUNSETIFF, TUNSETVNETHDRSZ, TUNSETOFFLOAD = 0x400454ca, 0x400454d8, 0x400454d0
SIOCGIFHWADDR = 0x8927
NEEDS_CSUM = 1
GSO_TCPV4, GSO_UDP, GSO_TCPV6, GSO_UDP_L4 = 1, 3, 4, 5
GUEST = bytes((2, 0, 0, 0, 0xff, 0xff))
libc = ctypes.CDLL(None, use_errno=True)
c = Rewire.c

REASONS = {value: key[len("REASON_"):].lower().replace("_", "-")
           for key, value in c.items() if key.startswith("REASON_")}
WATCHED = ("received", "translated", "passed")


class Port:
    """A tap device in a virtual network; the test is what is behind it."""

    def __init__(self, name, flags=0):
        self.name = name
        self.file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        request = struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | flags)
        fcntl.ioctl(self.file, TUNSETIFF, request)
        fcntl.ioctl(self.file, TUNSETVNETHDRSZ, struct.pack("=i", 10))
        self.index = socket.if_nametoindex(name)
        self.mac = fcntl.ioctl(self.file, SIOCGIFHWADDR, bytes(40))[18:24]

    def close(self):
        os.close(self.file)

    def send(self, packet, flags=0, gso=0, header=0, size=0, start=0, offset=0, frame=None):
        """A packet from its network header on, by a guest; FRAME: its Ethernet header.

        The others are of struct virtio_net_hdr: what the sender left to do.
        """
        data = bytes(packet)
        if frame is None:
            kind = b"\x86\xdd" if data[:1] and data[0] >> 4 == 6 else b"\x08\x00"
            frame = self.mac + GUEST + kind
        virtio = struct.pack("=BBHHHH", flags, gso, header, size, start, offset)
        os.write(self.file, virtio + frame + data)

    def receive(self):
        """The frames that have come out, without what the host says to its links."""
        frames = []
        while True:
            try:
                frame = os.read(self.file, 1 << 17)[10:]
            except BlockingIOError:
                return frames
            if not is_chatter(frame):
                frames.append(frame)


def sysctl(name, value):
    """Of the namespace, below net/."""
    with open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
        file.write(str(value))


def is_chatter(frame):
    """Neighbour and router discovery and reports of groups, which the host sends by itself."""
    if frame[:1] == b"\x33" and frame[12:14] == b"\x86\xdd":
        return frame[20] in (0, 58)
    return frame[:3] == b"\x01\x00\x5e" and frame[23] == 2


class Stage:
    """A network namespace with ports, and the module's objects in it."""

    def __init__(self):
        if not os.path.exists("/dev/net/tun"):
            subprocess.run(["modprobe", "tun"], check=True)
        if libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        self.route = Route()
        self.route.up(socket.if_nametoindex("lo"))
        self.rewire = Rewire()
        self.ports = []
        self.before = self.counters()

    def port(self, name, vni, *addresses, arp=False, flags=0):
        """A device in a virtual network (None: in none), with the host's own addresses there.

        Without ARP, packets leave for the device's own hardware address.  FLAGS are more of
        the tap device's.
        """
        port = Port(name, flags)
        self.ports.append(port)
        for key, value in ("disable_ipv6", 0), ("accept_dad", 0), ("router_solicitations", 0), \
                          ("addr_gen_mode", 1):
            sysctl(f"ipv6/conf/{name}/{key}", value)
        self.route.up(port.index, no_arp=not arp)
        for text in addresses:
            address, _, length = text.partition("/")
            self.route.address(port.index, address, int(length))
        if vni is not None:
            self.rewire.command("ATTACH_ADD", u32(c["A_ATTACH_IFINDEX"], port.index) +
                                u32(c["A_ATTACH_VNI"], vni))
        return port

    def close(self):
        """The namespace ends as soon as the process enters another one."""
        for port in self.ports:
            port.close()
        self.rewire.close()
        self.route.close()

    def flow(self, orig, reply, *more):
        """A flow of two keys, each (vni, protocol, src, sport, dst, dport), and attributes."""
        self.rewire.command("FLOW_ADD", nest(
            c["A_FLOW_MESSAGE_SPEC"], self.rewire.tuple(c["A_FLOW_ORIG"], *orig),
            self.rewire.tuple(c["A_FLOW_REPLY"], *reply), *more))

    def flush(self):
        self.rewire.command("FLOW_FLUSH")
        self.before = self.counters()

    def rule(self, vni, action, *more):
        """A rule; returns its number."""
        answer = self.rewire.command(
            "RULE_ADD", u32(c["A_RULE_VNI"], vni) +
            u32(c["A_RULE_ACTION"], c["RULE_ACTION_" + action.upper()]) + b"".join(more))
        return struct.unpack("=I", dict(answer[0])[c["A_RULE_ID"]])[0]

    def rule_delete(self, number):
        self.rewire.command("RULE_DEL", u32(c["A_RULE_ID"], number))

    def counters(self):
        """Packets received, translated and passed, and all reasons, by name."""
        self.stats = stats = self.rewire.stats(reasons=True)
        found = {REASONS[number]: value for number, value in stats.pop("reasons").items()}
        found.update((name, stats[name]) for name in WATCHED)
        self.held = stats["held_packets"]
        return found

    def moved(self):
        """What the counters have grown by since this was last asked."""
        now = self.counters()
        moved = {name: value - self.before.get(name, 0) for name, value in now.items()
                 if value != self.before.get(name, 0)}
        self.before = now
        return moved

    def received(self):
        """All that has come out of ports: (port, packet from its network header on)."""
        return [(port, frame[14:]) for port in self.ports for frame in port.receive()]

    def balanced(self):
        """Whether each packet that came, or was copied, has gone somewhere or is held."""
        now = self.counters()
        drops = sum(value for name, value in now.items() if name.startswith("drop-"))
        return now["received"] + self.stats["copied"] == now["translated"] + now["passed"] + \
            self.stats["forwarded"] + drops + self.held

    def check(self, name, out, **counts):
        """A point: just these packets have come out since, and just these counters moved.

        OUT is a list of (port, packet); COUNTS names counters, with _ for -.  In
        the order of the ports, and for each in that of sending.
        """
        got = [(port.name, packet) for port, packet in self.received()]
        wanted = sorted(((port.name, bytes(packet)) for port, packet in out),
                        key=lambda item: [port.name for port in self.ports].index(item[0]))
        counts = {key.replace("_", "-"): value for key, value in counts.items() if value}
        moved = self.moved()
        return tap.point(got == wanted and moved == counts, name,
                         *difference(got, wanted), f"counters moved:  {moved}",
                         f"should have been: {counts}")

    def expect(self, name, port, packet, out, drop=None, **counts):
        """Send a packet into a port; OUT and COUNTS as above.

        Without COUNTS: one packet is received, and translated if something comes
        out; else DROP counts it.
        """
        port.send(packet)
        return self.judge(name, out, drop, counts)

    def alone(self, name, port, packet, **counts):
        """A point: a packet is left to the host, whose own answer may come out again."""
        port.send(packet)
        got = [(other.name, new) for other, new in self.received() if other is not port]
        counts = {key.replace("_", "-"): value for key, value in counts.items()}
        moved = self.moved()
        return tap.point(not got and moved == counts, name, *difference(got, []),
                         f"counters moved:  {moved}", f"should have been: {counts}")

    def judge(self, name, out, drop, counts):
        if not counts:
            counts = {"received": 1, "translated": len(out)}
            if drop:
                counts[drop] = 1
        return self.check(name, out, **counts)


def difference(got, wanted):
    """What is not as it should be, as lines that somebody can read."""
    if got == wanted:
        return
    for title, packets in ("got", got), ("wanted", wanted):
        if not packets:
            yield f"{title}: nothing"
        for port, packet in packets:
            yield f"{title} at {port}: {describe(packet)}"
            yield f"{title} at {port}: {packet.hex()}"


def describe(packet):
    kind = IPv6 if packet[:1] and packet[0] >> 4 == 6 else IP
    try:
        return kind(packet).command()
    except Exception:           # scapy may not understand what a test makes up
        return "not a packet that scapy can read"


def translated(packet, src=None, dst=None, sport=None, dport=None, ident=None, hops=1):
    """A packet as it has to come out: other addresses and ports, hops fewer to go.

    Everything that scapy computed for the packet itself is computed anew.
    """
    new = packet.copy()
    ip = new.getlayer(IP) or new.getlayer(IPv6)
    if isinstance(ip, IP):
        ip.ttl -= hops
    else:
        ip.hlim -= hops
    ip.src, ip.dst = src or ip.src, dst or ip.dst
    for layer in new.iterpayloads():
        for field, value in ("sport", sport), ("dport", dport), ("id", ident):
            if value is not None and field in layer.fieldtype and not isinstance(layer, IP):
                setattr(layer, field, value)
    return new

# SPDX-License-Identifier: GPL-2.0
"""What is none of the module's business stays the host's, and is not even counted."""
import struct

from fragments import cut
from netlink import be16, u8, u32
from packets import ICMP, IP, TCP, UDP, IPv6, Raw, c
from scapy.layers.inet6 import (ICMPv6MLReport, ICMPv6ND_NA, ICMPv6ND_RA, ICMPv6ND_RS)
from talk import HEADERS, NETS, Talk, two_ports

FRAMES = {"for everybody": b"\xff" * 6, "for a group": b"\x01\x00\x5e\x00\x00\x05"}


def links(stage):
    """Frames of other hosts, for groups and of unknown kinds, even if a flow matches."""
    for family, kind in (4, b"\x08\x00"), (6, b"\x86\xdd"):
        talk = Talk(stage, family, 17)
        packet = bytes(talk.there(UDP() / Raw(b"x")))
        for title, frame in (
                ("for another host", b"\x02\xaa\xaa\xaa\xaa\xaa" + bytes(6) + kind),
                ("of an unknown kind", stage.a.mac + bytes(6) + b"\x88\xb5")):
            stage.a.send(packet, frame=frame)
            stage.check(f"S2.7: IPv{family}: a frame {title} is left alone", [])
        for title, address in FRAMES.items():
            stage.a.send(packet, frame=address + bytes(6) + kind)
            stage.check(f"RFC 1122 3.3.6: IPv{family}: a frame {title} is no way through a flow", [],
                        received=1, drop_broadcast=1)
    stage.flush()


def addresses(stage):
    """Groups, broadcast and addresses of the link cannot be translated."""
    for src, dst in (("10.5.0.2", "224.0.0.5"), ("10.5.0.2", "255.255.255.255"),
                     ("0.0.0.0", "10.5.0.9")):
        stage.alone(f"RFC 1812 5.3: from {src} to {dst} is left alone", stage.a,
                    IP(src=src, dst=dst) / UDP(sport=1000, dport=53))
    for dst in "ff02::1", "ff0e::1":
        stage.alone(f"RFC 4291 2.7: to {dst} is left alone", stage.a,
                    IPv6(src="fd00:5::2", dst=dst) / UDP(sport=1000, dport=53))
    stage.flush()


def of_the_link(stage):
    """Rules decide who reaches the host by addresses of the link, but nobody else does so."""
    def meets(name, src, dst, layer=UDP(sport=1000, dport=53), **counts):
        stage.alone(f"RFC 4291 2.5.6: from {src} to {dst} {name}", stage.a,
                    IPv6(src=src, dst=dst, hlim=255) / layer, **counts)

    ends = ("fe80::1", "fd00:5::1"), ("::", "fd00:5::1"), ("fd00:5::2", "fe80::1")
    for src, dst in ends:
        meets("is left to the host", src, dst, received=1, passed=1)
    rule = stage.rule(5, "drop")
    for src, dst in ends:
        meets("is dropped by a rule", src, dst, received=1, drop_rule=1)
    meets("may tell of a neighbour", "fe80::1", "fe80::2", ICMPv6ND_NA(tgt="fe80::1"))
    stage.rule_delete(rule)
    rule = stage.rule(5, "punt")
    for src, dst in ends[:2]:
        meets("cannot be translated", src, dst, received=1, drop_unsupported=1)
    meets("is for nobody else", *ends[2], received=1, passed=1)
    stage.rule_delete(rule)
    rule = stage.rule(5, "forward", u32(c["A_RULE_VIA_IFINDEX"], stage.b.index))
    for dst in "fd00:5::1", "fd00:6::9":
        for src in "fe80::1", "::":
            meets("is not forwarded", src, dst, received=1, drop_unsupported=1)
    meets("is not forwarded", "fd00:5::2", "fe80::1", received=1, passed=1)
    stage.rule_delete(rule)
    rule = stage.rule(5, "drop", u8(c["A_RULE_PROTOCOL"], 17), be16(c["A_RULE_DPORT_MIN"], 53))
    whole = IPv6(src="fe80::1", dst="fd00:5::1", hlim=255) / UDP(sport=1000, dport=53) / Raw(bytes(1600))
    for fragment in cut(whole, [800]):
        stage.a.send(fragment)
    stage.check("RFC 4291 2.5.6: fragments from fe80::1 meet a rule with ports", [], received=1, drop_rule=1)
    stage.rule_delete(rule)


def for_everybody(stage):
    """IP for one host is not sent to everybody; what is for a group or all is left alone."""
    for family, own, kind in (4, "10.5.0.1", b"\x08\x00"), (6, "fd00:5::1", b"\x86\xdd"):
        packet = HEADERS[family](src=NETS[family][0] + "2", dst=own) / UDP(sport=1000, dport=53)
        for title, address in FRAMES.items():
            stage.a.send(packet, frame=address + bytes(6) + kind)
            stage.check(f"RFC 1122 3.3.6: IPv{family}: in a frame {title}, what is for the host is dropped",
                        [], received=1, drop_broadcast=1)
    for title, address in FRAMES.items():
        for dst in "255.255.255.255", "0.0.0.0", "10.5.0.255", "224.0.0.5":
            stage.a.send(IP(src="10.5.0.2", dst=dst) / UDP(sport=1000, dport=53),
                         frame=address + bytes(6) + b"\x08\x00")
            stage.check(f"S2.7: in a frame {title}, what is for {dst} is left alone", [])
        stage.a.send(IPv6(src="fd00:5::2", dst="ff02::1") / UDP(sport=1000, dport=53),
                     frame=address + bytes(6) + b"\x86\xdd")
        stage.check(f"S2.7: in a frame {title}, what is for ff02::1 is left alone", [])


def discovery(stage):
    """Also between global addresses, as neighbour unreachability detection does it."""
    for message in ICMPv6ND_RS(), ICMPv6ND_RA(), ICMPv6ND_NA(tgt="fd00:5::2"):
        stage.alone(f"RFC 4861: {type(message).__name__} is left alone", stage.a,
                    IPv6(src="fd00:5::2", dst="fd00:5::1", hlim=255) / message)
    rule = stage.rule(5, "drop")
    for message in ICMPv6ND_RS(), ICMPv6ND_NA(tgt="fd00:5::2"), ICMPv6MLReport():
        stage.alone(f"RFC 4861, 2710: {type(message).__name__} that may have crossed a router meets rules",
                    stage.a, IPv6(src="fd00:5::2", dst="fd00:5::1", hlim=254) / message,
                    received=1, drop_rule=1)
    stage.rule_delete(rule)
    # What an ARP request asks for here is nobody's
    arp = struct.pack(">HHBBH6s4s6s4s", 1, 0x800, 6, 4, 1, b"\2" * 6, bytes((10, 5, 0, 2)), bytes(6),
                      bytes((10, 5, 0, 99)))
    stage.a.send(arp, frame=stage.a.mac + b"\2" * 6 + b"\x08\x06")
    stage.check("RFC 826: ARP is left alone", [])


def passed(stage):
    """Without a rule or a flow, a packet is the host's, and counted as passed."""
    for name, packet in (("TCP/IPv4", IP(src="10.5.0.2", dst="10.5.0.1") / TCP(flags="A")),
                         ("ICMP time stamp", IP(src="10.5.0.2", dst="10.5.0.9") / ICMP(type=13)),
                         ("GRE", IP(src="10.5.0.2", dst="10.5.0.9", proto=47) / Raw(bytes(8))),
                         ("no next header", IPv6(src="fd00:5::2", dst="fd00:5::9", nh=59))):
        stage.alone(f"G7: {name} without a rule is left to the host", stage.a, packet,
                    received=1, passed=1)


def everybody(stage):
    """A flow may be made with an address of all hosts of a link; nothing is sent there."""
    talk = Talk(stage, 4, 17, guest="10.5.0.255")
    talk.dropped("RFC 2644: a reply to all hosts of a subnet is not sent", talk.back(UDP() / Raw(b"x")),
                 "drop-no-route")
    stage.flush()


def run():
    stage = two_ports()
    for test in links, addresses, of_the_link, for_everybody, discovery, passed, everybody:
        test(stage)
    return stage

# SPDX-License-Identifier: GPL-2.0
"""What a packet without a flow meets."""
import socket

from netlink import address, be16, u32, u8
from packets import ICMP, IP, TCP, UDP, IPv6, Raw, c
from talk import Talk, two_ports

PROTOCOL, FAMILY = c["A_RULE_PROTOCOL"], c["A_RULE_FAMILY"]


def ports(kind, low, high=None):
    return be16(c[f"A_RULE_{kind}_MIN"], low) + be16(c[f"A_RULE_{kind}_MAX"], high or low)


def prefix(kind, text):
    place, _, length = text.partition("/")
    return address(c["A_RULE_" + kind], place) + u8(c[f"A_RULE_{kind}_LEN"], int(length))


def preference(value):
    return u32(c["A_RULE_PREFERENCE"], value)


UDP4 = IP(src="10.5.0.2", dst="10.5.0.9") / UDP(sport=1000, dport=53)
UDP6 = IPv6(src="fd00:5::2", dst="fd00:5::9") / UDP(sport=1000, dport=53)
TCP4 = IP(src="10.5.0.2", dst="10.5.0.9") / TCP(sport=1000, dport=53)
PING4 = IP(src="10.5.0.2", dst="10.5.0.9") / ICMP(id=5)
DROPPED = {"received": 1, "drop_rule": 1}
PASSED = {"received": 1, "passed": 1}


def matches(stage):
    """One rule that drops: which packets does it meet?"""
    for title, parts, hit, missed in (
            ("no match at all", b"", [UDP4, UDP6, TCP4, PING4], []),
            ("a family", u8(FAMILY, socket.AF_INET), [UDP4, PING4], [UDP6]),
            ("the other family", u8(FAMILY, socket.AF_INET6), [UDP6], [UDP4]),
            ("a protocol", u8(PROTOCOL, 17), [UDP4, UDP6], [TCP4, PING4]),
            ("a destination", prefix("DST", "10.5.0.9/32"), [UDP4, TCP4], [UDP6]),
            ("another destination", prefix("DST", "10.5.0.8/32"), [], [UDP4, UDP6]),
            ("a destination prefix", prefix("DST", "10.5.0.8/31"), [UDP4], [UDP6]),
            ("the prefix beside", prefix("DST", "10.5.0.10/31"), [], [UDP4]),
            ("all of IPv4", prefix("DST", "0.0.0.0/0"), [UDP4, PING4], [UDP6]),
            ("all of IPv6", prefix("DST", "::/0"), [UDP6], [UDP4]),
            ("an IPv6 prefix", prefix("DST", "fd00:5::8/125"), [UDP6], [UDP4]),
            ("an IPv6 prefix of 127 bits", prefix("DST", "fd00:5::8/127"), [UDP6], []),
            ("the IPv6 prefix beside", prefix("DST", "fd00:5::a/127"), [], [UDP6]),
            ("a source", prefix("SRC", "10.5.0.2/32"), [UDP4], [UDP6]),
            ("another source", prefix("SRC", "10.5.0.3/32"), [], [UDP4]),
            ("a port", u8(PROTOCOL, 17) + ports("DPORT", 53), [UDP4, UDP6], [TCP4]),
            ("another port", u8(PROTOCOL, 17) + ports("DPORT", 54), [], [UDP4]),
            ("a range that ends there", u8(PROTOCOL, 17) + ports("DPORT", 1, 53), [UDP4], []),
            ("a range that begins there", u8(PROTOCOL, 17) + ports("DPORT", 53, 60), [UDP4], []),
            ("the range below", u8(PROTOCOL, 17) + ports("DPORT", 1, 52), [], [UDP4]),
            ("a source port", u8(PROTOCOL, 17) + ports("SPORT", 1000), [UDP4], []),
            ("the source port above", u8(PROTOCOL, 17) + ports("SPORT", 1001, 65535), [], [UDP4])):
        number = stage.rule(5, "drop", parts)
        for packet in hit:
            stage.alone(f"S1.2: rules: {title}: {packet.summary()} meets it", stage.a, packet, **DROPPED)
        for packet in missed:
            stage.alone(f"S1.2: rules: {title}: {packet.summary()} does not", stage.a, packet, **PASSED)
        stage.rule_delete(number)


def order(stage):
    """Of two that match, one counts, whichever was made first."""
    port = u8(PROTOCOL, 17) + ports("DPORT", 53)
    for title, first, second in (
            ("the longer destination prefix", prefix("DST", "10.5.0.9/32"), prefix("DST", "10.5.0.0/24") + port),
            ("the destination before the source", prefix("DST", "10.5.0.0/24"), prefix("SRC", "10.5.0.2/32")),
            ("the longer source prefix", prefix("SRC", "10.5.0.2/32"), prefix("SRC", "10.5.0.0/24") + port),
            ("the one that names a protocol", u8(PROTOCOL, 17) + preference(9), preference(1)),
            ("the narrower range of ports", port, u8(PROTOCOL, 17) + ports("DPORT", 53, 54)),
            ("destination ports before source ports", port, u8(PROTOCOL, 17) + ports("SPORT", 1000)),
            ("the lower preference", preference(1), preference(2))):
        for earlier in "first", "last":
            rules = [("drop", first), ("pass", second)]
            if earlier == "last":
                rules.reverse()
            numbers = [stage.rule(5, action, parts) for action, parts in rules]
            stage.alone(f"S1.2: rules: {title} counts, made {earlier}", stage.a, UDP4, **DROPPED)
            for number in numbers:
                stage.rule_delete(number)


def bounds(stage):
    """Rules meet what has no flow, in their own virtual network."""
    number = stage.rule(5, "drop")
    talk = Talk(stage, 4, 17)
    talk.crosses("S1.2: rules: a flow is not met by any rule", talk.there(UDP() / Raw(b"x")))
    stage.alone("S2.8: a rule does not meet packets of another VNI", stage.b, UDP4, **PASSED)
    stage.rule_delete(number)
    stage.flush()


def orphans(stage):
    """Nobody listens for punts."""
    for orphan, counts in (("DROP", {"received": 1, "drop_no_daemon": 1}), ("PASS", PASSED)):
        number = stage.rule(5, "punt", u32(c["A_RULE_ORPHAN"], c["ORPHAN_MODE_" + orphan]))
        for name, packet in ("UDP/IPv4", UDP4), ("UDP/IPv6", UDP6), ("TCP/IPv4", TCP4), ("echo", PING4):
            stage.alone(f"G6: {name} without a daemon, orphan mode {orphan.lower()}", stage.a, packet,
                        **counts)
        stage.rule_delete(number)


def run():
    stage = two_ports()
    for test in matches, order, bounds, orphans:
        test(stage)
    return stage

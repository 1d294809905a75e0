# SPDX-License-Identifier: GPL-2.0
"""Fragments of one tenant that wait take nothing from the others, whatever they are.

    10.5.0.2 ── a: VNI 5     the others' packets meet a rule that drops them
    flood    ── x: VNI 9
    flood    ── y: VNI 10
"""
import itertools

import tap
from fragments import DATA, crosses, cut, piece, stays, sysctl
from packets import IP, UDP, IPv6, Raw
from talk import Talk, two_ports

MEMORY = 384 << 10
FLOOD = 200             # fragments: more than twice the memory
FROM = itertools.count()


def other(family, sport=9):
    """A packet of another tenant, from the address of the talk's guest to its service."""
    kind, net = (IP, "10.5.0.") if family == 4 else (IPv6, "fd00:5::")
    return kind(src=net + "2", dst=net + "9") / UDP(sport=sport, dport=9) / Raw(DATA[:256])


def between(stage):
    """The kernel counts fragments by their source, and gives up whom many others have overtaken."""
    for family in 4, 6:
        talk = Talk(stage, family, 17)
        packet = talk.there(UDP() / Raw(DATA))
        for own, ident in (0x1234, None), (0x4321, 0x4321):
            first, *rest = cut(packet, (1208, 2408), own)
            stage.a.send(first)
            for _ in range(70):
                for part in cut(other(family), (128,), ident):
                    stage.x.send(part)
            crosses(stage, f"S2.8: IPv{family}: 140 fragments of another tenant with the same addresses"
                    f"{' and identification' if ident else ''} change nothing", talk, packet, rest, limit=1280,
                    moved={"received": 71, "translated": 1, "drop-rule": 70})
    stage.flush()


def flood(family, port, count):
    """First fragments of so many packets."""
    for i in itertools.islice(FROM, count):
        head = bytes(other(family))[:20 if family == 4 else 40]
        port.send(piece(head, DATA[:1408], 0, True, i))


def limits():
    """Little memory, for longer than this takes anywhere."""
    for name, time in (("net/ipv4/ipfrag", "_time"), ("net/ipv6/ip6frag", "_time"),
                       ("net/netfilter/nf_conntrack_frag6", "_timeout")):
        sysctl(name + "_low_thresh", 0)
        sysctl(name + "_high_thresh", MEMORY)
        sysctl(name + time, 600)


def refused(stage, name, family, port):
    """A point: a flood ends by its share, before the kernel refuses anybody's."""
    flood(family, port, FLOOD)
    moved = stage.moved()
    count = moved.get("drop-fragment-share", 0)
    tap.point(0 < count < FLOOD and moved == {"received": count, "drop-fragment-share": count},
              name, moved)


def floods(stage):
    limits()
    for family in 4, 6:
        talk = Talk(stage, family, 17)
        packet = talk.there(UDP() / Raw(DATA))
        for who, port in ("a tenant", stage.x), ("a second one", stage.y):
            refused(stage, f"S2.10: IPv{family}: {who} that floods fills no more than its share", family, port)
            for _ in range(60):     # more than the memory
                flood(family, port, 2)
                for part in cut(packet, (1208, 2408)):
                    stage.a.send(part)
            moved, out = stage.moved(), stage.received()
            tap.point(moved.get("translated") == 60 and "drop-fragment" not in moved and
                      len(out) == 180 and {port for port, data in out} == {stage.b},
                      f"S2.10: IPv{family}: the packets of others all cross meanwhile", moved, len(out))
        crosses(stage, f"S2.10: IPv{family}: each as it should", talk, packet, cut(packet, (1208, 2408)))
        stays(stage, f"S2.10: IPv{family}: while who floods gets nothing in", stage.x,
              cut(other(family), (128,)), received=2, drop_fragment_share=2)
    stage.flush()


def run():
    stage = two_ports()
    stage.x = stage.port("x", 9, "10.9.0.1/24", "fd00:9::1/64")
    stage.y = stage.port("y", 10, "10.10.0.1/24", "fd00:10::1/64")
    for vni in 9, 10:
        stage.rule(vni, "drop")
    for test in between, floods:
        test(stage)
    return stage

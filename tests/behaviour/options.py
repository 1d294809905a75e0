# SPDX-License-Identifier: GPL-2.0
"""IPv4 options and IPv6 extension headers."""
from packets import IP, UDP, IPv6, Raw, u8
from scapy.layers.inet import (IPOption_LSRR, IPOption_NOP, IPOption_EOL, IPOption_RR,
                               IPOption_Router_Alert, IPOption_SSRR, IPOption_Timestamp)
from scapy.layers.inet6 import (IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                                IPv6ExtHdrRouting, Pad1, PadN, RouterAlert)
from talk import PING, Ping, Talk, talks, two_ports


def ipv4(stage):
    harmless = {
        "no operation and end": [IPOption_NOP(), IPOption_NOP(), IPOption_EOL()],
        "record route": [IPOption_RR(routers=["1.2.3.4", "0.0.0.0"])],
        "time stamp": [IPOption_Timestamp()],
        "router alert": [IPOption_Router_Alert()],
        "40 bytes": [IPOption_NOP()] * 40,
        "an end before garbage": b"\x00\xff\xff\xff",
    }
    for name, talk, layer in talks(stage):
        if talk.family != 4:
            continue
        for title, options in harmless.items():
            talk.crosses(f"RFC 791: {name}: {title}: the options cross untouched",
                         with_options(talk.there(layer / Raw(b"x")), options))
    ping = Ping(stage, 4)
    ping.crosses("RFC 791: echo/IPv4: with options", with_options(ping.there(), [IPOption_NOP()] * 4))
    stage.flush()


def with_options(packet, options):
    """Options as scapy's objects, or as bytes."""
    if isinstance(options, bytes):
        options = [Raw(options)]
    packet = packet.copy()
    packet[IP].options = options
    return packet


def source_routes(stage):
    """A destination that is but a stop on the way is none to look up (RFC 7126 4.3, 4.4)."""
    talk = Talk(stage, 4, 17)
    drop = stage.rule(5, "punt")
    for title, option in (("loose", IPOption_LSRR(routers=["10.5.0.7"])),
                          ("strict", IPOption_SSRR(routers=["10.5.0.7"]))):
        packet = with_options(talk.there(UDP() / Raw(b"x")), [option])
        talk.dropped(f"RFC 7126 4.3: a {title} source route is not translated", packet,
                     "drop-unsupported")
        behind = with_options(talk.there(UDP() / Raw(b"x")), [IPOption_NOP(), option])
        talk.dropped(f"RFC 7126 4.3: a {title} source route behind another option is not translated",
                     behind, "drop-unsupported")
    stage.rule_delete(drop)
    stage.flush()


def ipv6(stage):
    chains = {
        "hop-by-hop options": [IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)])],
        "a router alert": [IPv6ExtHdrHopByHop(options=[RouterAlert(), Pad1(), Pad1()])],
        "destination options": [IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 12)])],
        "a used up routing header": [IPv6ExtHdrRouting(addresses=["fd00:5::7"], segleft=0)],
        "an atomic fragment": [IPv6ExtHdrFragment(id=7)],
        "all in the recommended order": [
            IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)]),
            IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]),
            IPv6ExtHdrRouting(addresses=["fd00:5::7"], segleft=0),
            IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 20)])],
        "eight in a row": [IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)])] * 8,
    }
    for name, talk, layer in talks(stage):
        if talk.family != 6:
            continue
        for title, chain in chains.items():
            talk.crosses(f"RFC 8200 4: {name}: {title}: the headers cross untouched",
                         with_headers(talk.there(layer / Raw(b"x")), chain))
            talk.crosses(f"RFC 8200 4: {name}: {title}, back",
                         with_headers(talk.back(layer / Raw(b"x")), chain))
    ping = Ping(stage, 6)
    ping.crosses("RFC 8200 4: echo/IPv6: behind destination options",
                 with_headers(ping.there(), chains["destination options"]))
    stage.flush()


def with_headers(packet, chain):
    new = IPv6(src=packet.src, dst=packet.dst)
    for part in chain:
        new = new / part.copy()
    return new / packet.payload.copy()


def run():
    stage = two_ports()
    for test in ipv4, source_routes, ipv6:
        test(stage)
    return stage

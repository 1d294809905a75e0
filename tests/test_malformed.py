#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Headers that are cut off, or lie: dropped with a reason, and never leaked.

The host forwards here, and has routes for everything: a packet that the module does
not stop would come out of the other port as it went in, and that is looked for.
All that has no flow meets a rule that wants to punt, and nobody listens.
"""
import os
import socket
import struct
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), folder)
                for folder in ("lib", "behaviour")]
import tap
from netlink import attr, u32
from packets import (ICMP, IP, TCP, UDP, ICMPv6EchoRequest, IPv6, Raw, c, describe, sysctl)
from scapy.layers.inet import IPOption_NOP
from scapy.layers.inet6 import IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, PadN
from protocols import SCTP_NUMBER, UDPLITE_NUMBER, UDPLite
from scapy.layers.sctp import SCTP
from scapy.packet import bind_layers
from talk import Ping, Talk, two_ports

SERVICE = {4: "192.0.2.9", 6: "2001:db8::9"}
GUEST = {4: "203.0.113.2", 6: "2001:db8:f::2"}
OWN = {socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
       for text in ("10.5.0.1", "10.6.0.1", "fd00:5::1", "fd00:6::1")}
HEADER = {4: 20, 6: 40}
TRANSPORT = {"TCP": 20, "UDP": 8, "echo": 8, "SCTP": 12, "Lite": 8}
SOURCE_ROUTES = 131, 137


bind_layers(IP, UDPLite, proto=UDPLITE_NUMBER)
bind_layers(IPv6, UDPLite, nh=UDPLITE_NUMBER)


def set_up():
    """Talks whose untranslated packets the host would forward to the other port."""
    global stage, talks
    stage = two_ports()
    sysctl("ipv4/ip_forward", 1)
    sysctl("ipv6/conf/all/forwarding", 1)
    for device in "all", "a", "b":
        sysctl(f"ipv4/conf/{device}/rp_filter", 0)
    for subnet, port in (("192.0.2.0/24", stage.b), ("2001:db8::/48", stage.b),
                         ("203.0.113.0/24", stage.a), ("2001:db8:f::/48", stage.a)):
        stage.route.to(subnet, port.index)
    talks = []
    for family in 4, 6:
        where = {"service": SERVICE[family], "new_guest": GUEST[family]}
        talks += [("TCP", Talk(stage, family, 6, **where), TCP()),
                  ("UDP", Talk(stage, family, 17, **where), UDP()),
                  ("echo", Ping(stage, family, **where), Raw(b""))]
    for family in 4, 6:
        where = {"service": SERVICE[family], "new_guest": GUEST[family]}
        talks += [("SCTP", Talk(stage, family, SCTP_NUMBER, **where), SCTP()),
                  ("Lite", Talk(stage, family, UDPLITE_NUMBER, **where), UDPLite())]
    for vni in 5, 6:
        stage.rule(vni, "punt", u32(c["A_RULE_ORPHAN"], c["ORPHAN_MODE_DROP"]))


def addresses(packet):
    """Source and destination, as far as they are there."""
    ipv6 = packet[0] >> 4 == 6
    return (packet[8:24], packet[24:40]) if ipv6 else (packet[12:16], packet[16:20])


def leaks(got):
    """Of what came out, what is neither translated nor the host's own word."""
    fine = {socket.inet_pton(socket.AF_INET6 if ":" in talk.guest else socket.AF_INET, src):
            socket.inet_pton(socket.AF_INET6 if ":" in talk.guest else socket.AF_INET, dst)
            for _, talk, _ in talks
            for src, dst in ((talk.new_guest, talk.server), (talk.service, talk.guest))}
    for port, packet in got:
        src, dst = addresses(packet)
        if fine.get(src) != dst and src not in OWN:
            yield f"leaked at {port.name}: {describe(packet)} {packet.hex()}"


def sweep(name, packets, port=None, allowed=("drop-malformed",)):
    """Send packets; each is dropped for an allowed reason.  Returns what came out."""
    port = port or stage.a
    stage.moved()
    for packet in packets:
        port.send(packet, frame=port.mac + bytes(6) + kind_of(packet))
    got = stage.received()
    moved = stage.moved()
    dropped = sum(moved.get(reason, 0) for reason in allowed)
    others = {key: value for key, value in moved.items() if key not in ("received", *allowed)}
    wrong = [*leaks(got)]
    wrong += [f"came out: {describe(packet)}" for _, packet in got if not wrong]
    good = tap.point(dropped == moved.get("received", 0) == len(packets) and not others and not got,
                     f"{name}: {len(packets)} packets are dropped: "
                     f"{', '.join(allowed) if len(allowed) < 4 else 'for some reason'}",
                     f"counters: {moved}", *wrong[:5])
    if not good:
        find(packets, port, allowed)


def find(packets, port, allowed):
    """Which of the packets was not treated as it should be."""
    found = 0
    for packet in packets:
        port.send(packet, frame=port.mac + bytes(6) + kind_of(packet))
        stage.received()
        moved = stage.moved()
        if not any(moved == {"received": 1, reason: 1} for reason in allowed):
            print("#", moved, describe(bytes(packet)), bytes(packet).hex(), flush=True)
            found += 1
        if found == 5:
            return


families = {}


def kind_of(packet):
    """The Ethernet type under which a packet is sent, whatever its version says."""
    return families.get(bytes(packet), b"\x86\xdd" if bytes(packet)[:1] and
                        bytes(packet)[0] >> 4 == 6 else b"\x08\x00")


def as_family(family, data):
    data = bytes(data)
    families[data] = b"\x08\x00" if family == 4 else b"\x86\xdd"
    return data


def put(data, offset, value, size=2):
    data = bytearray(data)
    data[offset:offset + size] = value.to_bytes(size, "big")
    return bytes(data)


def sealed(data):
    """An IPv4 header with the right checksum, whatever else is wrong with it."""
    data = put(data, 10, 0)
    length = min(max(20, (data[0] & 15) * 4), len(data))
    total = sum(data[i] << 8 | data[i + 1] for i in range(0, length - 1, 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return put(data, 10, ~total & 0xffff)


def with_length(family, data):
    """The IP header says how long the packet really is."""
    if family == 4:
        return sealed(put(data, 2, len(data)))
    return put(data, 4, len(data) - 40)


def samples():
    """A packet of each protocol, family and way, plain and with more headers."""
    for name, talk, layer in talks:
        for way, make, port in ("there", talk.there, stage.a), ("back", talk.back, stage.b):
            title = f"{name}/IPv{talk.family} {way}"
            yield title, talk, make(layer / Raw(b"data")), port
            if talk.family == 4:
                packet = make(layer / Raw(b"data"))
                packet[IP].options = [IPOption_NOP()] * 8
                yield title + " with options", talk, packet, port
            else:
                packet = make(layer / Raw(b"data"))
                chain = IPv6ExtHdrHopByHop(options=[PadN(optdata=bytes(4))]) / \
                    IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(12))])
                yield title + " with extension headers", talk, \
                    IPv6(src=packet.src, dst=packet.dst) / chain / packet.payload, port


def controls():
    """The same packets whole: they cross, so what follows is about what is wrong with them."""
    for name, talk, packet, port in samples():
        talk.crosses(f"S1.4: {name}: whole, it crosses", packet)


def cut():
    for name, talk, packet, port in samples():
        raw = bytes(packet)
        sweep(f"RFC 791, 8200: {name}: the frame ends at each length before the packet's",
              [as_family(talk.family, raw[:length]) for length in range(len(raw))], port)


def cut_honestly():
    """The IP header says so: too short for the transport header, or what that says."""
    for name, talk, packet, port in samples():
        raw = bytes(packet)
        data = 4
        whole = len(raw) if name.startswith("UDP") else len(raw) - data
        first = whole - TRANSPORT[name.split("/")[0]] - (data if name.startswith("UDP") else 0)
        sweep(f"RFC 9293, 768, 792, 9260, 3828: {name}: the transport header or what it says is cut off",
              [with_length(talk.family, raw[:length]) for length in range(first, whole)], port)


def lying_ipv4():
    for name, talk, packet, port in samples():
        if talk.family != 4:
            continue
        raw = bytes(packet)
        ihl = raw[0] & 15
        sweep(f"RFC 791: {name}: other versions",
              [as_family(4, sealed(put(raw, 0, version << 4 | ihl, 1)))
               for version in range(16) if version != 4], port)
        sweep(f"RFC 791: {name}: header lengths that are too small or beyond the packet",
              [sealed(put(raw, 0, 0x40 | words, 1))
               for words in [*range(5), *range(len(raw) // 4 + 1, 16)]], port)
        sweep(f"RFC 791: {name}: total lengths smaller than the header or beyond the packet",
              [sealed(put(raw, 2, length))
               for length in [*range(ihl * 4), *range(len(raw) + 1, len(raw) + 60), 0x8000, 0xffff]], port)
        sweep(f"RFC 1812 4.2.2.5: {name}: header checksums wrong by one bit",
              [put(raw, 10, int.from_bytes(raw[10:12], "big") ^ 1 << bit) for bit in range(16)], port)


def lying_ipv6():
    for name, talk, packet, port in samples():
        if talk.family != 6:
            continue
        raw = bytes(packet)
        sweep(f"RFC 8200: {name}: other versions",
              [as_family(6, put(raw, 0, version << 4, 1)) for version in range(16) if version != 6], port)
        sweep(f"RFC 8200: {name}: payload lengths beyond the packet",
              [put(raw, 4, length) for length in [*range(len(raw) - 39, len(raw) + 30), 0x8000, 0xffff]],
              port)
        sweep(f"RFC 2675: {name}: a payload length of 0 without a jumbo payload option",
              [put(raw, 4, 0)], port, ("drop-malformed",))
    mapped = bytes(10) + b"\xff\xff\x0a\x05\x00\x02"
    raw = bytes(talks[4][1].there(UDP() / Raw(b"data")))
    sweep("RFC 4291 2.5.5.2: IPv4-mapped addresses on the wire",
          [raw[:8] + mapped + raw[24:], raw[:24] + mapped + raw[40:], raw[:8] + mapped * 2 + raw[40:]])


def lying_transport():
    for name, talk, packet, port in samples():
        raw, kind = bytes(packet), name[:3]
        transport = raw.rindex(bytes(packet.lastlayer().underlayer)[:8]) if kind != "ech" else None
        if kind == "TCP":
            room = (len(raw) - transport) // 4
            sweep(f"RFC 9293 3.1: {name}: data offsets too small or beyond the packet",
                  [put(raw, transport + 12, words << 4, 1)
                   for words in [*range(5), *range(room + 1, 16)]], port)
        elif kind == "UDP":
            true = len(raw) - transport
            sweep(f"RFC 768: {name}: lengths too small or beyond the packet",
                  [put(raw, transport + 4, length)
                   for length in [*range(8), *range(true + 1, true + 60), 0x8000, 0xffff]], port)


def chains():
    """IPv6 extension headers that run out of the packet, or never come to an end."""
    talk = talks[4][1]
    packet = talk.there(UDP() / Raw(b"data"))
    base, rest = bytes(packet)[:40], bytes(packet)[40:]

    def chain(first, headers):
        return with_length(6, put(base, 6, first, 1) + headers + rest)

    for title, kind in ("hop-by-hop", 0), ("routing", 43), ("destination options", 60):
        sweep(f"RFC 8200 4: {title} headers longer than the packet",
              [chain(kind, bytes((17, length, 1, 4, 0, 0, 0, 0))) for length in range(3, 256)])
    sweep("RFC 8200 4: a chain of options that ends within a header",
          [with_length(6, put(base, 6, 60, 1) + bytes((60, 0, 1, 4, 0, 0, 0, 0)) * count +
                       bytes((60, 0, 1, 4, 0, 0, 0, 0))[:part])
           for count in (0, 1, 2, 30) for part in range(1, 8)])
    sweep("RFC 8200 4: chains of headers without an end",
          [with_length(6, put(base, 6, kind, 1) + bytes((kind, 0, 1, 4, 0, 0, 0, 0)) * 170)
           for kind in (0, 43, 60)], allowed=("drop-malformed", "drop-unsupported"))
    sweep("RFC 8200 4.5: a fragment header that is cut off",
          [with_length(6, put(base, 6, 44, 1) + bytes((17, 0, 0, 0, 0, 0, 0, 1))[:part])
           for part in range(1, 8)])


def errors():
    """ICMP errors that quote what nobody sent, or less than there has to be."""
    for family in 4, 6:
        talk = talks[0 if family == 4 else 3][1]
        quoted = bytes(talk.across(talk.there(TCP() / Raw(b"data"))))
        garbage = bytes(range(255, 128, -1)) * 3
        quotes = [quoted[:length] for length in range(HEADER[family] + 8)]
        quotes += [garbage[:length] for length in range(0, 300, 7)]
        quotes += [put(quoted, 0, value, 1) for value in (0, 0x30, 0x4f, 0x70, 0xff)]
        for value in (3, 4, 5, 11, 12) if family == 4 else (1, 2, 3, 4):
            kind, number = (ICMP, 1) if family == 4 else (ICMPv6EchoRequest, 58)
            header = (IP if family == 4 else IPv6)(src=talk.server, dst=talk.new_guest)
            header = header / kind(type=value, id=0, seq=0)
            sweep(f"S4.9, RFC 5508 REQ-3: IPv{family} error {value} that quotes nothing of use",
                  [bytes(header / Raw(quote)) for quote in quotes], stage.b, tuple(errors_drop()))


def errors_drop():
    """Reasons that are about packets without a flow, and what they are made of."""
    return [name for name in stage.before if name.startswith("drop-") and name not in (
        "drop-memory", "drop-exit", "drop-detached", "drop-race", "drop-verdict", "drop-hold-full")]


def options():
    """IPv4 options are carried, not understood: no lie in them does harm."""
    talk = talks[1][1]
    lengths = 0, 1, 2, 3, 4, 39, 40, 41, 255
    for title, kinds, least in (
            ("source routes with lengths that lie are dropped", SOURCE_ROUTES, 0),
            ("every other kind of option with lengths that lie is translated or dropped",
             sorted({*range(256)} - {*SOURCE_ROUTES}), 1)):
        for kind in kinds:
            for length in lengths:
                packet = talk.there(UDP() / Raw(b"data"))
                packet[IP].options = [Raw(bytes((kind, length)) + bytes(38))]
                stage.a.send(packet)
        got = stage.received()
        moved = stage.moved()
        crossed = moved.get("translated", 0)
        dropped = moved.get("drop-malformed", 0) + moved.get("drop-unsupported", 0)
        tap.point(not [*leaks(got)] and moved["received"] == len(kinds) * len(lengths) == crossed + dropped and
                  bool(crossed) == bool(least) and dropped, f"RFC 791, 7126: {title}", moved, *[*leaks(got)][:5])


def own_output():
    """The host's own raw packets, by the hook of its output."""
    stage.rewire.command("ATTACH_ADD", attr(c["A_ATTACH_LOCAL"]) + u32(c["A_ATTACH_VNI"], 7))
    stage.rule(7, "punt", u32(c["A_RULE_ORPHAN"], c["ORPHAN_MODE_DROP"]))
    stage.moved()
    sent = 0
    for family, protocol, kind, least, whole in (
            (socket.AF_INET, 6, 0, 0, 20), (socket.AF_INET, 17, 0, 0, 8), (socket.AF_INET, 1, 8, 2, 8),
            (socket.AF_INET6, 6, 0, 1, 20), (socket.AF_INET6, 17, 0, 1, 8), (socket.AF_INET6, 58, 128, 4, 8)):
        with socket.socket(family, socket.SOCK_RAW, protocol) as raw:
            for length in range(least, whole):
                raw.sendto((bytes((kind,)) + bytes(20))[:length], (SERVICE[4 if family == socket.AF_INET else 6], 0))
                sent += 1
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        for kind in 6, 17:
            for words in [0, 1, 4, 15]:
                transport = struct.pack(">HHIIBBHHH", 1000, 53, 0, 0, words << 4, 2, 0, 0, 0) \
                    if kind == 6 else struct.pack(">HHHH", 1000, 53, words + 1000, 0)
                raw.sendto(struct.pack(">BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, kind, 0,
                                       socket.inet_aton("10.5.0.1"), socket.inet_aton("192.0.2.9")) +
                           transport, ("192.0.2.9", 0))
                sent += 1 if kind == 6 or words + 1000 > 8 else 0
    got = stage.received()
    moved = stage.moved()
    tap.point(not got and moved == {"received": sent, "drop-malformed": sent},
              f"S1.4: {sent} malformed packets of the host itself are dropped", moved,
              *[describe(packet) for _, packet in got[:5]])


def balance():
    tap.point(stage.balanced(), "G10: received = translated + passed + dropped + held", stage.counters())


tap.run(set_up, controls, cut, cut_honestly, lying_ipv4, lying_ipv6, lying_transport, chains, errors,
        options, own_output, balance)

# SPDX-License-Identifier: GPL-2.0
"""Protocols beyond TCP, UDP and echo: by ports where they have some, else by addresses."""
import struct

from packets import IP, TCP, UDP, Raw, Rewire, nest, tap, u8
from talk import HEADERS, NETS, Talk, two_ports
from netlink import Refused, be16
from scapy.fields import ByteField, ShortField, XShortField
from scapy.layers.inet import in4_chksum
from scapy.layers.inet6 import (IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting,
                                in6_chksum)
from scapy.layers.l2 import GRE
from scapy.layers.sctp import SCTP, SCTPChunkData, SCTPChunkInit
from scapy.packet import Packet

c = Rewire.c
SCTP_NUMBER, UDPLITE_NUMBER, DCCP_NUMBER = 132, 136, 33
IPIP, IPV6_IN, GRE_NUMBER, ESP_NUMBER, AH_NUMBER = 4, 41, 47, 50, 51


def pseudo_sum(under, protocol, covered, length):
    """The checksum over COVERED with a pseudo header that says LENGTH."""
    if isinstance(under, IP):
        head = IP(src=under.src, dst=under.dst, proto=protocol)
        found = in4_chksum(protocol, head, covered)
    else:
        found = in6_chksum(protocol, under, covered)
    # Both have taken the length of what is covered; say the other one instead
    total = (~found & 0xffff) + (~len(covered) & 0xffff) + length
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff or 0xffff


class Covered(Packet):
    """What UDP-Lite and DCCP have in common: a checksum over a part."""

    def post_build(self, header, payload):
        whole = header[:6] + b"\0\0" + header[8:] + payload
        if self.chksum is None:
            check = pseudo_sum(self.underlayer, self.number, whole[:self.reach(whole)], len(whole))
            header = header[:6] + struct.pack("!H", check) + header[8:]
        return header + payload


class UDPLite(Covered):
    name, number = "UDP-Lite", UDPLITE_NUMBER
    fields_desc = [ShortField("sport", 0), ShortField("dport", 0), ShortField("coverage", 0),
                   XShortField("chksum", None)]

    def reach(self, whole):
        return self.coverage or len(whole)


class DCCP(Covered):
    name, number = "DCCP", DCCP_NUMBER
    fields_desc = [ShortField("sport", 0), ShortField("dport", 0), ByteField("offset", 4),
                   ByteField("cover", 0), XShortField("chksum", None), ByteField("kind", 0x05),
                   ByteField("high", 0), ShortField("sequence", 7), ShortField("a", 0), ShortField("b", 0)]

    def reach(self, whole):
        return self.offset * 4 + (self.cover - 1) * 4 if self.cover else len(whole)


def with_protocol(packet, number):
    """Scapy does not know the number of what is made up here."""
    if isinstance(packet, IP):
        packet.proto = number
    else:
        last = packet
        while not isinstance(last.payload, (Covered, Raw, SCTP)) and "nh" in last.payload.fieldtype:
            last = last.payload
        last.nh = number
    return packet


class Line(Talk):
    """A flow of a protocol by its number."""

    def __init__(self, stage, family, protocol, *more, **change):
        self.protocol = protocol
        super().__init__(stage, family, protocol, *more, **change)

    def there(self, layer, **fields):
        return with_protocol(super().there(layer, **fields), self.protocol)

    def back(self, layer, **fields):
        return with_protocol(super().back(layer, **fields), self.protocol)


class Bare(Line):
    """A flow by addresses alone."""

    def __init__(self, stage, family, protocol, *more):
        super().__init__(stage, family, protocol, *more, sport=0, dport=0, new_sport=0, new_dport=0)

    def there(self, layer, **fields):
        head = HEADERS[self.family](src=self.guest, dst=self.service, **fields)
        return with_protocol(head / layer, self.protocol)

    def back(self, layer, **fields):
        head = HEADERS[self.family](src=self.server, dst=self.new_guest, **fields)
        return with_protocol(head / layer, self.protocol)

    def across(self, packet, hops=1):
        new = packet.copy()
        setattr(new, "ttl" if self.family == 4 else "hlim", 64 - hops)
        if packet.src == self.guest:
            new.src, new.dst = self.new_guest, self.server
        else:
            new.src, new.dst = self.service, self.guest
        return new


def sctp(stage):
    for family in 4, 6:
        line = Line(stage, family, SCTP_NUMBER)
        name = f"SCTP/IPv{family}"
        line.crosses(f"RFC 9260 A: {name} INIT there: ports and CRC32c",
                     line.there(SCTP(tag=0) / SCTPChunkInit(init_tag=5)))
        for length in 0, 1, 2, 3, 4, 100, 1000, 1400:
            data = SCTPChunkData(data=bytes(range(256)) * 5 if length > 1280 else b"d" * length)
            line.crosses(f"RFC 9260 A: {name} back: {length} bytes of data",
                         line.back(SCTP(tag=0x12345678) / data))
        bad = line.there(SCTP(tag=1, chksum=0xdeadbeef) / SCTPChunkInit())
        good = bytes(line.there(SCTP(tag=1) / SCTPChunkInit()))
        new = bytes(line.across(line.there(SCTP(tag=1) / SCTPChunkInit())))
        at = len(good) - len(bytes(SCTP() / SCTPChunkInit())) + 8
        error = int.from_bytes(good[at:at + 4], "big") ^ 0xdeadbeef
        wrong = (int.from_bytes(new[at:at + 4], "big") ^ error).to_bytes(4, "big")
        line.crosses(f"RFC 9260 A: {name}: a wrong checksum stays as wrong as it was", bad,
                     [new[:at] + wrong + new[at + 4:]])
        short = bytes(HEADERS[family](src=line.guest, dst=line.service, **(
            {"proto": SCTP_NUMBER} if family == 4 else {"nh": SCTP_NUMBER})) / Raw(b"\x03\xe8\x005"))
        stage.expect(f"RFC 9260: {name}: half a header is malformed", stage.a, short, [],
                     "drop_malformed")
    stage.flush()


def udplite(stage):
    for family in 4, 6:
        line = Line(stage, family, UDPLITE_NUMBER)
        name = f"UDP-Lite/IPv{family}"
        for coverage in 0, 8, 9, 12, 16:
            layer = UDPLite(coverage=coverage) / Raw(b"covered?")
            line.crosses(f"RFC 3828: {name} there: coverage {coverage} stays, the checksum agrees",
                         line.there(layer))
            line.crosses(f"RFC 3828: {name} back: coverage {coverage}", line.back(layer))
        for title, layer in (("coverage of less than the header", UDPLite(coverage=7, chksum=1)),
                             ("coverage of more than there is", UDPLite(coverage=17, chksum=1)),
                             ("no checksum", UDPLite(chksum=0))):
            line.dropped(f"RFC 3828 3.1: {name}: {title} is malformed",
                         line.there(layer / Raw(b"8 bytes.")), "drop_malformed")
    stage.flush()


def dccp(stage):
    for family in 4, 6:
        line = Line(stage, family, DCCP_NUMBER)
        name = f"DCCP/IPv{family}"
        for cover in 0, 1, 2:
            layer = DCCP(cover=cover) / Raw(b"12345678")
            line.crosses(f"RFC 4340 9: {name} there: checksum coverage {cover}", line.there(layer))
            line.crosses(f"RFC 4340 9: {name} back: checksum coverage {cover}", line.back(layer))
        for offset in 2, 7:
            line.dropped(f"RFC 4340 5.1: {name}: data at word {offset} is malformed",
                         line.there(DCCP(offset=offset, chksum=1) / Raw(b"12345678")), "drop_malformed")
    stage.flush()


def bare_protocols(family):
    inner4 = IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=1, dport=2) / Raw(b"inside")
    inner6 = IPv6(src="2001:db8::1", dst="2001:db8::2") / TCP(sport=1, dport=2)
    yield "GRE", GRE_NUMBER, GRE(chksum_present=1) / inner4
    yield "ESP", ESP_NUMBER, Raw(struct.pack("!II", 7, 1) + b"secret data 16 b")
    yield "IP in IP", IPIP, inner4
    yield "IPv6 in IP", IPV6_IN, inner6
    yield "an unknown protocol", 253, Raw(b"whatever")
    yield "an unknown protocol without data", 254, Raw(b"")


def by_address(stage):
    for family in 4, 6:
        for title, number, layer in bare_protocols(family):
            line = Bare(stage, family, number)
            payload = Raw(bytes(layer))
            line.crosses(f"G3: {title}/IPv{family} there: addresses change, nothing else",
                         line.there(payload))
            line.crosses(f"G3: {title}/IPv{family} back", line.back(payload))
    stage.flush()


def authentication(stage):
    """RFC 4302: the addresses are covered, so translation would spoil it."""
    stage.rule(5, "drop", u8(c["A_RULE_PROTOCOL"], 77))
    rule = stage.rule(5, "punt", u8(c["A_RULE_PROTOCOL"], AH_NUMBER))
    ah = Raw(struct.pack("!BBHII12x", 17, 4, 0, 7, 1) + bytes(UDP(sport=1000, dport=53, chksum=1)))
    packet = IP(src="10.5.0.2", dst="10.5.0.9", proto=AH_NUMBER) / ah
    stage.expect("RFC 4302: AH/IPv4 is not translated", stage.a, packet, [], "drop_unsupported")
    stage.rule_delete(rule)
    Talk(stage, 6, 17)
    rule = stage.rule(5, "punt")
    packet = IPv6(src="fd00:5::2", dst="fd00:5::9", nh=AH_NUMBER) / ah
    stage.expect("RFC 4302: AH/IPv6 is not translated, though a flow has the ports behind it",
                 stage.a, packet, [], "drop_unsupported")
    stage.rule_delete(rule)
    for number in 0, 43, 44, 51, 59, 60:
        try:
            stage.flow((5, number, "10.5.0.2", 0, "10.5.0.9", 0), (6, number, "10.6.0.9", 0, "10.6.0.2", 0))
            tap.point(False, f"G3: no flow of protocol {number}")
        except Refused as refusal:
            tap.equal(f"G3: no flow of protocol {number}", refusal.name, "EPROTONOSUPPORT")
    try:
        stage.flow((5, 47, "10.5.0.2", 1, "10.5.0.9", 0), (6, 47, "10.6.0.9", 0, "10.6.0.2", 1))
        tap.point(False, "G3: no flow of GRE with a port")
    except Refused as refusal:
        tap.equal("G3: no flow of GRE with a port", refusal.name, "EINVAL")
    stage.flush()


def rules(stage):
    """Rules find the ports of all protocols that have some."""
    for number in 6, 17, SCTP_NUMBER, UDPLITE_NUMBER, DCCP_NUMBER:
        stage.rule(5, "drop", u8(c["A_RULE_PROTOCOL"], number), be16(c["A_RULE_DPORT_MIN"], 9999))
    for number, layer in ((SCTP_NUMBER, SCTP(sport=5, dport=9999)),
                          (UDPLITE_NUMBER, UDPLite(sport=5, dport=9999)),
                          (DCCP_NUMBER, DCCP(sport=5, dport=9999) / Raw(b"x"))):
        for family in 4, 6:
            near = NETS[family][0]
            packet = with_protocol(HEADERS[family](src=near + "2", dst=near + "9") / layer, number)
            stage.expect(f"S1.9: protocol {number}/IPv{family}: a rule finds the destination port",
                         stage.a, packet, [], "drop_rule")
    try:
        stage.rule(5, "drop", u8(c["A_RULE_PROTOCOL"], 47), be16(c["A_RULE_DPORT_MIN"], 9999))
        tap.point(False, "S1.9: no rule about ports of GRE")
    except Refused as refusal:
        tap.equal("S1.9: no rule about ports of GRE", refusal.name, "EINVAL")


def extension_headers(stage):
    """RFC 8200, 4: what is on the way to the transport header is carried along."""
    talk = Talk(stage, 6, 17)
    head = {"src": talk.guest, "dst": talk.service}
    last = UDP(sport=1000, dport=53) / Raw(b"behind")
    for title, extension in (("hop-by-hop options", IPv6ExtHdrHopByHop()),
                             ("destination options", IPv6ExtHdrDestOpt()),
                             ("both", IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt()),
                             ("a routing header that is used up",
                              IPv6ExtHdrRouting(type=0, segleft=0, addresses=["fd00:7::1"]))):
        talk.crosses(f"RFC 8200: {title} before UDP", IPv6(**head) / extension / last)
    rule = stage.rule(5, "punt")
    routed = IPv6(**head) / IPv6ExtHdrRouting(type=0, segleft=1, addresses=["fd00:7::1"]) / last
    talk.dropped("RFC 5095: a routing header with stops to come is not translated", routed,
                 "drop_unsupported")
    stage.rule_delete(rule)
    jumbo = bytes(IPv6(**head, plen=0, nh=0)) + bytes.fromhex("1100c20400000030") + bytes(40)
    stage.expect("RFC 2675: a jumbogram is malformed here", stage.a, jumbo, [], "drop_malformed")
    stage.flush()


def options(stage):
    """RFC 791, 3.1: options are carried along, but for those that tell a way."""
    talk = Talk(stage, 4, 17)
    layer = UDP() / Raw(b"behind options")
    for title, text in (("record route", "070704000000000000"[:14]), ("time stamp", "440c0500000000000000000000"[:24]),
                        ("router alert (RFC 2113)", "94040000"), ("no operation", "01010101"),
                        ("an unknown option", "9e0400ff"), ("nothing behind the end", "00070000")):
        raw = bytes.fromhex(text)
        raw += bytes(-len(raw) % 4)
        packet = talk.there(layer, options=[])
        packet.ihl = 5 + len(raw) // 4
        talk.crosses(f"RFC 791: {title} crosses", with_options(packet, raw),
                     [with_options(talk.across(packet), raw)])
    rule = stage.rule(5, "punt")
    for title, text in ("loose source route", "830704c633640900"), ("strict source route", "890704c633640900"):
        packet = talk.there(layer)
        stage.expect(f"RFC 791: {title}: not translated", stage.a, with_options(packet, bytes.fromhex(text)),
                     [], "drop_unsupported")
    stage.rule_delete(rule)
    for title, text in ("an option of one byte", "07010000"), ("one longer than all", "07070400"):
        packet = talk.there(layer)
        stage.expect(f"RFC 791: {title} is malformed", stage.a,
                     with_options(packet, bytes.fromhex(text)), [], "drop_malformed")
    stage.flush()


def with_options(packet, raw):
    """The packet with these bytes of options, which scapy would make pretty."""
    packet = packet.copy()
    packet.ihl, packet.chksum, packet.len = None, None, None
    data = bytes(packet)
    head, rest = data[:20], data[20:]
    head = bytes([0x40 | (5 + len(raw) // 4)]) + head[1:2] + \
        struct.pack("!H", len(data) + len(raw)) + head[4:10] + b"\0\0" + head[12:] + raw
    total = sum(struct.unpack(f"!{len(head) // 2}H", head))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return Bytes(head[:10] + struct.pack("!H", ~total & 0xffff) + head[12:] + rest, packet.src)


class Bytes(bytes):
    """A packet that is sent as it is, and says whose it is."""

    def __new__(cls, data, src):
        self = super().__new__(cls, data)
        self.src = src
        return self


def run():
    stage = two_ports()
    for test in sctp, udplite, dccp, by_address, extension_headers, options, authentication, rules:
        test(stage)
    return stage

# SPDX-License-Identifier: GPL-2.0
"""Checksums of all kinds: right ones stay right, wrong ones wrong, absent ones absent."""
import os

from fragments import join, whole
from packets import (GSO_TCPV4, GSO_TCPV6, GSO_UDP, GSO_UDP_L4, ICMP, IP, NEEDS_CSUM, TCP, UDP, Raw, IPv6,
                     tap, translated)
from scapy.layers.inet6 import ICMPv6DestUnreach
from talk import Ping, Talk, talks, two_ports

CHECK = {"TCP": 16, "UDP": 6}           # offset of the checksum in its header


def header_length(family):
    return 20 if family == 4 else 40


def folded(data):
    """The one's complement sum of 16 bit words (RFC 1071), not complemented."""
    data = bytes(data) + bytes(len(data) % 2)
    total = sum(data[i] << 8 | data[i + 1] for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def put(data, offset, value):
    data = bytearray(data)
    data[offset:offset + 2] = value.to_bytes(2, "big")
    return bytes(data)


def pseudo(packet, length):
    """The sum over the pseudo header of a packet of scapy's."""
    raw = bytes(packet)
    if isinstance(packet, IP):
        return folded(raw[12:20] + bytes((0, raw[9])) + length.to_bytes(2, "big"))
    return folded(raw[8:40] + length.to_bytes(4, "big") + bytes((0, 0, 0, raw[6])))


def none(stage):
    for family in 4, 6:
        talk = Talk(stage, family, 17)
        rfc = "RFC 768" if family == 4 else "RFC 6936"
        for packet, way in (talk.there(UDP(chksum=0) / Raw(b"odd")), "there"), \
                           (talk.back(UDP(chksum=0) / Raw(b"even")), "back"):
            talk.crosses(f"{rfc}: UDP/IPv{family} without a checksum stays so, {way}", packet)
    stage.flush()


def zero(stage):
    """A sum that comes to 0 is sent as 0xffff by UDP, for 0 means none (RFC 768)."""
    for family in 4, 6:
        for name, kind, number in ("UDP", UDP, 17), ("TCP", TCP, 6):
            talk = Talk(stage, family, number)
            for way, make in ("there", talk.there), ("back", talk.back):
                # The last word makes the sum after the change 0xffff, before complement
                for wanted, side in ((0xffff, "after"), (0xffff, "before"), (0x0000, "after")):
                    word = solve(talk, make, kind, family, side, wanted)
                    packet = make(kind() / Raw(word.to_bytes(2, "big")))
                    talk.crosses(f"RFC 768, 1624: {name}/IPv{family} {way}: a checksum next to zero "
                                 f"{side} the change ({word:#06x}, {wanted:#x})", packet)
            stage.flush()


def solve(talk, make, kind, family, side, wanted):
    """The data word with which the checksum comes to all ones, or to one."""
    packet = make(kind() / Raw(b"\0\0"))
    if side == "after":
        packet = talk.across(packet)
    raw = bytes(packet)
    transport = raw[header_length(family):]
    check = CHECK[kind.__name__]
    bare = put(transport, check, 0)
    total = folded(pseudo(packet, len(transport)).to_bytes(2, "big") + bare)
    target = 0xffff if wanted else 0xfffe
    return (target - total) % 0xffff


def bad(stage):
    """An update keeps an error: what was broken before does not look whole (RFC 1624)."""
    for name, talk, layer in talks(stage):
        check = header_length(talk.family) + CHECK[name[:3]]
        for packet, way in (talk.there(layer / Raw(b"broken")), "there"), \
                           (talk.back(layer / Raw(b"broken!")), "back"):
            sent, right = bytes(packet), bytes(talk.across(packet))
            for error in 1, 0x8000, 0x1234:
                # Sums of 16 bits wrap round: the same error is added to both
                wrong_in = put(sent, check, plus(sent, check, error))
                wrong_out = put(right, check, plus(right, check, error))
                come, go = (stage.a, stage.b) if way == "there" else (stage.b, stage.a)
                stage.expect(f"RFC 1624: {name} {way}: a checksum wrong by {error:#x} stays so",
                             come, wrong_in, [(go, wrong_out)])
    stage.flush()


def plus(data, offset, error):
    value = int.from_bytes(data[offset:offset + 2], "big") + error
    return (value & 0xffff) + (value >> 16)


def header(stage):
    """The IPv4 header's own."""
    talk = Talk(stage, 4, 17)
    for ident in range(0, 0x10000, 0x0fff):
        packet = talk.there(UDP() / Raw(b"x"), id=ident)
        talk.crosses(f"RFC 1141, 1624: IPv4 header sum with identification {ident:#06x}", packet)
    raw = bytes(talk.there(UDP() / Raw(b"x")))
    for error in 1, 0x100, 0x8000:
        stage.expect(f"RFC 1812 4.2.2.5: an IPv4 header sum wrong by {error:#x} is dropped", stage.a,
                     put(raw, 10, plus(raw, 10, error)), [], "drop-malformed")
    # 0xffff and 0x0000 are the same sum; find an identification that gives it
    for ident in range(0x10000):
        packet = put(put(raw, 4, ident), 10, 0)
        if folded(packet[:20]) == 0xffff:
            break
    sent = put(put(raw, 4, ident), 10, 0)
    fields = talk.there(UDP() / Raw(b"x"), id=ident)
    talk.crosses("RFC 1624: an IPv4 header whose sum is 0", fields)
    stage.expect("RFC 1624: an IPv4 header whose sum is 0 and written 0xffff", stage.a,
                 put(sent, 10, 0xffff), [(stage.b, talk.across(fields))])
    stage.flush()


def echo(stage):
    """ICMPv6 covers the addresses, ICMP does not."""
    for family in 4, 6:
        ping = Ping(stage, family)
        for length in 0, 1, 2, 3, 55, 56, 1400, 1401:
            ping.crosses(f"RFC 792, 4443: echo/IPv{family} with {length} bytes",
                         ping.there(Raw(b"\xa5" * length)))
        check = header_length(family) + 2
        sent, right = bytes(ping.there(Raw(b"x"))), bytes(ping.across(ping.there(Raw(b"x"))))
        stage.expect(f"RFC 1624: echo/IPv{family}: a wrong checksum stays wrong", stage.a,
                     put(sent, check, plus(sent, check, 1)),
                     [(stage.b, put(right, check, plus(right, check, 1)))])
    stage.flush()


def partial(stage):
    """A checksum that its sender left to the device: it holds the pseudo header's sum."""
    for name, talk, layer in talks(stage):
        at, check = header_length(talk.family), CHECK[name[:3]]
        for length in 0, 1, 2, 99, 1000:
            for packet, way in (talk.there(layer / Raw(b"\x5a" * length)), "there"), \
                               (talk.back(layer / Raw(b"\x5a" * length)), "back"):
                come, go = (stage.a, stage.b) if way == "there" else (stage.b, stage.a)
                raw = bytes(packet)
                raw = put(raw, at + check, pseudo(packet, len(raw) - at))
                come.send(raw, flags=NEEDS_CSUM, start=14 + at, offset=check)
                stage.check(f"G2: {name} {way}: unfinished checksum over {length} bytes is finished right",
                            [(go, talk.across(packet))], received=1, translated=1)
    stage.flush()


def misplaced(stage):
    """A guest must not have its checksum written over what was rewritten."""
    for name, talk, layer in talks(stage):
        at, check = header_length(talk.family), CHECK[name[:3]]
        packet = talk.there(layer / Raw(bytes(64)))
        raw = bytes(packet)
        for title, start, offset in (("into the address", at - 12, 8), ("over the IP header's end", at - 12, 11),
                                     ("into the port", at, 2), ("into the port from behind the IP header", at + 1, 1),
                                     ("from before the header", at - 2, check + 2)):
            stage.a.send(raw, flags=NEEDS_CSUM, start=14 + start, offset=offset)
            stage.check(f"S1.4: {name}: a checksum that is to be written {title} is malformed", [],
                        received=1, drop_malformed=1)
        error = IP(src=talk.server, dst=talk.new_guest) / ICMP(type=3, code=1) if talk.family == 4 else \
            IPv6(src=talk.server, dst=talk.new_guest) / ICMPv6DestUnreach()
        stage.b.send(bytes(error / Raw(bytes(talk.across(packet)))), flags=NEEDS_CSUM, start=14 + at - 12,
                     offset=8)
        stage.check(f"S1.4: {name}: an ICMP error's that is to be written into the address is malformed", [],
                    received=1, drop_malformed=1)
        inner = at + (20 if name[:3] == "TCP" else 8) + 8
        stage.a.send(raw, flags=NEEDS_CSUM, start=14 + inner, offset=6)
        out = bytes(talk.across(packet))
        inside = ~folded(out[inner:]) & 0xffff
        stage.check(f"G2: {name}: a checksum of a packet inside is written there",
                    [(stage.b, put(out, inner + 6, inside))], received=1, translated=1)
    stage.flush()


def segments(stage):
    """A super-packet is split behind the translation: each part is right."""
    for name, talk, layer in talks(stage):
        tcp, at = name[:3] == "TCP", header_length(talk.family)
        own = 20 if tcp else 8
        gso = (GSO_TCPV4 if talk.family == 4 else GSO_TCPV6) if tcp else GSO_UDP_L4
        data = bytes(range(250)) * 20
        for size, total in ((1000, 3000), (1000, 2999), (536, 5000)):
            if tcp:
                layer = TCP(flags="A", seq=0xffffff00)
            packet = talk.there(layer / Raw(data[:total]), **({"flags": "DF"} if talk.family == 4 else {}))
            raw = put(bytes(packet), at + CHECK[name[:3]], pseudo(packet, own + total))
            try:
                stage.a.send(raw, flags=NEEDS_CSUM, gso=gso, header=14 + at + own, size=size,
                             start=14 + at, offset=CHECK[name[:3]])
            except OSError:
                # Linux 6.1 takes no super-packets of UDP from a tap device
                if tcp or os.environ.get("KERNEL") != "6.1":
                    raise
                continue
            stage.check(f"G2: {name}: a super-packet of {total} bytes leaves as segments of {size}",
                        [(stage.b, part) for part in split(talk, packet, data[:total], size, tcp)],
                        received=1, translated=1)
    stage.flush()


def datagrams(stage):
    """A datagram that leaves in fragments has an identification of the host's, for many share an address."""
    for name, talk, layer in talks(stage):
        if not name.startswith("UDP") or talk.family != 4:
            continue
        packet = talk.there(layer / Raw(bytes(range(250)) * 12), id=0x4242)
        raw = put(bytes(packet), 20 + CHECK["UDP"], pseudo(packet, 8 + 3000))
        stage.a.send(raw, flags=NEEDS_CSUM, gso=GSO_UDP, header=14 + 28, size=1480, start=14 + 20, offset=CHECK["UDP"])
        out = [data for port, data in stage.received() if port is stage.b]
        tap.equal(f"G2: {name}: a datagram that its device is to fragment leaves as fragments",
                  join(out) if out else "nothing", whole(talk.across(packet)))
        tap.point(all(IP(data).id != 0x4242 for data in out), "RFC 7857 9: and not with the guest's identification",
                  [hex(IP(data).id) for data in out])
        stage.moved()
    stage.flush()


def split(talk, packet, data, size, tcp):
    for number, start in enumerate(range(0, len(data), size)):
        part = talk.across(packet)
        transport = part[TCP] if tcp else part[UDP]
        transport.remove_payload()
        transport.add_payload(Raw(data[start:start + size]))
        if talk.family == 4:
            part.id = packet.id + number
        if tcp:
            transport.seq = (0xffffff00 + start) & 0xffffffff
        yield part


def run():
    stage = two_ports()
    for test in none, zero, bad, header, echo, partial, misplaced, segments, datagrams:
        test(stage)
    return stage

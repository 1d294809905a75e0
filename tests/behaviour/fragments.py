# SPDX-License-Identifier: GPL-2.0
"""Fragments are made whole, translated, and split again, never into larger ones."""
import itertools
import struct
import time

from netlink import u32
from packets import IP, TCP, UDP, IPv6, Raw, c, tap
from protocols import Bare, Line
from scapy.layers.inet6 import ICMPv6ND_NS
from scapy.layers.sctp import SCTP, SCTPChunkData
from talk import HEADERS, NETS, Ping, Talk, two_ports

DATA = bytes(range(256)) * 12
IDENT = itertools.count(0x1000)


def cut(packet, places, ident=None, flags=0):
    """The fragments of a packet, cut at these offsets of its payload."""
    data = bytes(packet)
    ident = next(IDENT) if ident is None else ident
    size = (data[0] & 15) * 4 if data[0] >> 4 == 4 else 40
    head, body = data[:size], data[size:]
    edges = [0, *places, len(body)]
    return [piece(head, body[start:end], start, end < len(body), ident, flags)
            for start, end in zip(edges, edges[1:])]


def piece(head, body, start, more, ident, flags=0):
    """One fragment, its first byte at START."""
    if head[0] >> 4 == 6:
        protocol = head[6:7]
        head = head[:4] + struct.pack("!HB", len(body) + 8, 44) + head[7:40]
        return head + protocol + b"\0" + struct.pack("!HI", start | more, ident) + body
    field = start // 8 | (0x2000 if more else 0) | flags
    if start:           # options that are not copied are not there (RFC 791, 3.1)
        head = bytes([0x45]) + head[1:20]
    head = head[:2] + struct.pack("!HHH", len(head) + len(body), ident, field) + head[8:10] + \
        b"\0\0" + head[12:]
    return head[:10] + struct.pack("!H", ~header_sum(head) & 0xffff) + head[12:] + body


def header_sum(head):
    total = sum(struct.unpack(f"!{len(head) // 2}H", head))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def join(fragments):
    """The packet of these fragments, or why they make none. Identifications become 0."""
    family = fragments[0][0] >> 4
    parts, idents, heads = {}, set(), set()
    for data in fragments:
        if family == 4:
            if header_sum(data[:(data[0] & 15) * 4]) != 0xffff:
                return "a bad header checksum"
            size = (data[0] & 15) * 4
            idents.add(data[4:6])
            field = int.from_bytes(data[6:8], "big")
            start, more = (field & 0x1fff) * 8, bool(field & 0x2000)
            heads.add(data[:2] + data[8:10] + data[12:20])
            parts[start] = data[size:int.from_bytes(data[2:4], "big")], more
        else:
            if data[6] != 44:
                return "not a fragment"
            idents.add(data[44:48])
            field = int.from_bytes(data[42:44], "big")
            start, more = field & ~7, bool(field & 1)
            heads.add(data[:4] + data[7:41])
            parts[start] = data[48:], more
    body, at = b"", 0
    while at in parts:
        part, more = parts.pop(at)
        body, at = body + part, at + len(part)
    if parts or more or len(idents) != 1 or len(heads) != 1:
        return f"no packet: rest {parts}, more {more}, identifications {idents}, headers {heads}"
    return heads.pop(), body


def whole(packet):
    """What join() has to return."""
    data = bytes(packet)
    if data[0] >> 4 == 4:
        size = (data[0] & 15) * 4
        return data[:2] + data[8:10] + data[12:20], data[size:]
    return data[:4] + data[7:40] + data[6:7], data[40:]


def crosses(stage, name, talk, packet, fragments, limit=None, moved=None):
    """A point: the fragments of a packet cross; none that come out is larger than LIMIT."""
    come, go = (stage.a, stage.b) if packet.src == talk.guest else (stage.b, stage.a)
    for fragment in fragments:
        come.send(fragment)
    out = stage.received()
    if limit is None:
        limit = max(map(len, fragments))
        if talk.family == 6:
            limit = max(limit, 1280)
    got = join([data for port, data in out]) if out else "nothing came out"
    counts, wanted = stage.moved(), moved or {"received": 1, "translated": 1}
    tap.point(got == whole(talk.across(packet)) and all(port is go for port, data in out) and
              max(len(data) for port, data in out) <= limit and counts == wanted, name,
              f"counters {counts}, wanted {wanted}", f"lengths {[len(data) for port, data in out]}, limit {limit}",
              f"got:    {got}", f"wanted: {whole(talk.across(packet))}")


def stays(stage, name, port, fragments, **moved):
    """A point: nothing comes out."""
    for fragment in fragments:
        port.send(fragment)
    stage.check(name, [], **moved)


def sysctl(name, value):
    """Set it, and return what it was."""
    with open(f"/proc/sys/{name}", "r+", encoding="ascii") as file:
        before = file.read().strip()
        file.seek(0)
        file.write(str(value))
    return before


def timeouts():
    """Packets that the kernel gave up to make whole, of both families."""
    with open("/proc/net/snmp", encoding="ascii") as file:
        names, values = (line.split() for line in file if line.startswith("Ip:"))
    with open("/proc/net/snmp6", encoding="ascii") as file:
        six = dict(line.split() for line in file)
    return int(values[names.index("ReasmTimeout")]) + int(six["Ip6ReasmTimeout"])


def kinds(stage):
    for family in 4, 6:
        yield f"UDP/IPv{family}", Talk(stage, family, 17), UDP() / Raw(DATA)
        yield f"TCP/IPv{family}", Talk(stage, family, 6), TCP() / Raw(DATA)
        yield f"SCTP/IPv{family}", Line(stage, family, 132), SCTP(tag=1) / SCTPChunkData(data=DATA[:2900])
        yield f"ESP/IPv{family}", Bare(stage, family, 50), Raw(DATA)
        yield f"echo/IPv{family}", Ping(stage, family), Raw(DATA)


def orders(stage):
    for name, talk, layer in kinds(stage):
        there, back = talk.there(layer), talk.back(layer)
        for order in itertools.permutations(range(3)):
            fragments = cut(there, (1208, 2408))
            crosses(stage, f"S4.9, RFC 791, 8200: {name}: fragments in the order {order}", talk, there,
                    [fragments[i] for i in order])
        crosses(stage, f"RFC 4787 REQ-14: {name}: the last one first, back", talk, back,
                cut(back, (1400, 2800))[::-1])
        if name != "echo/IPv6":
            tiny = cut(there, range(64, len(bytes(there)) - 64, 64))
            crosses(stage, f"RFC 791, 8200: {name}: {len(tiny)} of 64 bytes, the last first", talk,
                    there, tiny[::-1])
    stage.flush()


def largest(stage):
    for family in 4, 6:
        talk = Talk(stage, family, 17)
        for length in 60000, 65535 - 20 - 8 if family == 4 else 65535 - 8:
            packet = talk.there(UDP() / Raw((DATA * 22)[:length]))
            crosses(stage, f"S4.9: UDP/IPv{family} of {length} bytes", talk, packet,
                    cut(packet, range(1400, length, 1400)))
        packet = talk.there(UDP() / Raw(DATA))
        parts = cut(packet, (1208, 2408))
        head = bytes(packet)[:20 if family == 4 else 40]
        ident = next(IDENT)
        stays(stage, f"RFC 791, 8200: IPv{family}: one that reaches beyond the largest packet", stage.a,
              [piece(head, DATA[:1400], 65528, False, ident)],
              **({"received": 1, "drop_fragment": 1} if family == 6 else {}))
        crosses(stage, f"RFC 791, 8200: IPv{family}: which does the next no harm", talk, packet, parts)
    stage.flush()


def bad_ones(stage):
    for family in 4, 6:
        talk = Talk(stage, family, 17)
        packet = talk.there(UDP() / Raw(DATA))
        data = bytes(packet)
        head, body = (data[:20], data[20:]) if family == 4 else (data[:40], data[40:])
        name = f"IPv{family}"
        for title, first, second in (("the end of one before", (0, 1208), (1200, None)),
                                     ("all of one before", (8, 1208), (0, 1216))):
            ident = next(IDENT)
            made = [piece(head, body[start:end], start, end is not None, ident)
                    for start, end in (first, second)]
            stays(stage, f"RFC 5722, 8200 4.5: {name}: one that overlaps {title} ends its packet",
                  stage.a, made, received=1, drop_fragment=1)
        ident = next(IDENT)
        parts = cut(packet, (1208, 2408), ident)
        again = {"received": 2, "translated": 1, "drop-fragment": 1} if family == 4 else None
        crosses(stage, f"RFC 8200 4.5: {name}: one that comes twice does no harm", talk, packet,
                [parts[0], parts[1], parts[1], parts[2]], moved=again)
        ident = next(IDENT)
        stays(stage, f"RFC 791, 8200: {name}: another end than the one before", stage.a,
              [piece(head, body[2408:], 2408, False, ident), piece(head, body[2408:2808], 2408, False, ident)],
              received=1, drop_fragment=1)
        ident = next(IDENT)
        parts = cut(packet, (1208, 2408), ident)
        stays(stage, f"RFC 791, 8200: {name}: one that is missing", stage.a, [parts[0], parts[2]])
        stays(stage, f"RFC 791, 8200: {name}: the missing one of another packet", stage.a,
              cut(packet, (1208, 2408), ident + 0x5000)[1:2])
        crosses(stage, f"RFC 791, 8200: {name}: and the missing one at last", talk, packet, [parts[1]],
                limit=max(map(len, parts)) if family == 4 else 1280)
    stage.flush()


def first_headers(stage):
    """A first fragment that hides what filters look for."""
    talk = Talk(stage, 4, 6)
    packet = talk.there(TCP(options=[("MSS", 1400)]) / Raw(DATA[:64]))
    crosses(stage, "RFC 1858: TCP/IPv4: flags and checksum in the second fragment", talk, packet,
            cut(packet, (8, 16)))
    talk = Talk(stage, 6, 6)
    packet = talk.there(TCP() / Raw(DATA[:64]))
    stays(stage, "RFC 7112: TCP/IPv6: a first fragment without the whole header", stage.a,
          cut(packet, (16,))[:1], received=1, drop_fragment=1)
    body = bytes(ICMPv6ND_NS(tgt="fd00:5::1"))
    packet = IPv6(src="fd00:5::2", dst="fd00:5::1") / ICMPv6ND_NS(tgt="fd00:5::1")
    stays(stage, "RFC 6980: neighbour discovery in fragments is dropped", stage.a,
          cut(packet, (8,)), received=1, drop_fragment=1)
    stage.flush()


def apart(stage):
    """Halves of different virtual networks are not of one packet."""
    third = stage.port("f", 20, "10.5.0.1/24", "fd00:5::1/64")
    for family in 4, 6:
        talk = Talk(stage, family, 17)
        packet = talk.there(UDP() / Raw(DATA))
        parts = cut(packet, (1208, 2408))
        stage.a.send(parts[0])
        stage.a.send(parts[1])
        third.send(parts[2])
        stage.check(f"S2.8: IPv{family}: halves of two tenants, with the same addresses and identification", [])
        crosses(stage, f"S2.8: IPv{family}: each is made of its own", talk, packet, [parts[2]],
                limit=1280)
    stage.flush()


def sizes(stage):
    """What came in pieces leaves in pieces that are no larger, or not at all."""
    for family in 4, 6:
        talk = Talk(stage, family, 17)
        packet = talk.there(UDP() / Raw(DATA))
        for step in 1280 if family == 4 else 1232, 1448, 600:
            parts = cut(packet, range(step, len(DATA), step))
            crosses(stage, f"RFC 7915, 8900: IPv{family}: fragments of {step} bytes do not grow", talk,
                    packet, parts)
        small = talk.there(UDP() / Raw(DATA[:400]))
        if family == 4:
            crosses(stage, "RFC 791: IPv4: even of a packet that would fit", talk, small, cut(small, (200,)))
        stage.route.mtu(stage.b.index, 1300)
        parts = cut(packet, (1400, 2800))
        if family == 4:
            crosses(stage, "RFC 791: IPv4: fragments that do not fit are split", talk, packet, parts,
                    limit=1300)
            parts = cut(packet, (1400, 2800), flags=0x4000)
            told(stage, "RFC 1191: IPv4: unless they must not be, which the sender is told", parts,
                 lambda error: error[20:22] == b"\3\4" and error[26:28] == b"\5\x14")
        else:
            told(stage, "RFC 8201: IPv6: of fragments that do not fit, the sender is told", parts,
                 lambda error: error[40:42] == b"\2\0" and error[44:48] == b"\0\0\5\x14")
        stage.route.mtu(stage.b.index, 1500)
    stage.flush()


def told(stage, name, parts, is_right):
    """A point: nothing leaves, and one error comes back that says that 1300 bytes fit."""
    for part in parts:
        stage.a.send(part)
    got, moved = stage.received(), stage.moved()
    tap.point([port for port, _ in got] == [stage.a] and is_right(got[0][1]) and
              moved == {"received": 1, "drop-too-big": 1}, name,
              *(f"{port.name}: {packet.hex()}" for port, packet in got), moved)


def identification(stage):
    """Two guests behind one address must not choose for each other (RFC 6864, 5.3.1)."""
    one = Talk(stage, 4, 17)
    two = Talk(stage, 4, 17, sport=1001, new_sport=4001, guest="10.5.0.3")
    seen = []
    for talk in one, two:
        packet = talk.there(UDP() / Raw(DATA))
        for part in cut(packet, (1208, 2408), 0x7777):
            stage.a.send(part)
        seen.append({data[4:6] for port, data in stage.received()})
    tap.point(len(seen[0]) == len(seen[1]) == 1 and seen[0] != seen[1],
              "RFC 7857 9: two guests' packets with one identification leave with two", seen)
    stage.flush()


def options(stage):
    """RFC 791, 3.1: what is to be copied is in each fragment, the rest in the first."""
    talk = Talk(stage, 4, 17)
    packet = talk.there(UDP() / Raw(DATA))
    data = bytes(packet)
    stage.route.mtu(stage.b.index, 1300)
    record, alert = bytes.fromhex("07070400000000") + b"\x01", bytes.fromhex("94040000")
    head = bytes([0x48]) + data[1:20] + record + alert
    fragments = [piece(head, data[20:1220], 0, True, 0x99)]
    fragments[1:] = [piece(data[:20], data[20 + start:20 + end], start, end < len(data) - 20, 0x99)
                     for start, end in ((1200, 2400), (2400, len(data) - 20))]
    for fragment in fragments:
        stage.a.send(fragment)
    out = [data for port, data in stage.received()]
    tap.point(len(out) >= 3 and record in out[0][20:32] and alert in out[0][20:32] and
              not any(record in data[20:40] for data in out[1:]),
              "RFC 791: an option that is not copied is in the first fragment alone",
              *[data[:40].hex() for data in out])
    stage.route.mtu(stage.b.index, 1500)
    stage.flush()


def held(stage):
    """A packet that waits for its verdict is whole, and leaves in pieces."""
    rule = stage.rule(5, "punt", u32(c["A_RULE_ORPHAN"], c["ORPHAN_MODE_HOLD"]))
    for family in 4, 6:
        near, far = NETS[family]
        packet = HEADERS[family](src=near + "2", dst=near + "9") / UDP(sport=1000, dport=53) / Raw(DATA)
        for part in cut(packet, (1208, 2408)):
            stage.a.send(part)
        stage.check(f"S1.9: IPv{family}: a packet of three fragments is held", [], received=1)
        tap.equal(f"S1.9: IPv{family}: as one", stage.held, 1)
        talk = Talk(stage, family, 17)
        crosses(stage, f"S1.9: IPv{family}: its flow sends it, in pieces no larger", talk, packet, [],
                limit=1280, moved={"translated": 1})
    stage.rule_delete(rule)
    stage.flush()


def too_late(stage):
    """The kernel's limits of time and memory (RFC 4787 REQ-14)."""
    sysctl("net/ipv4/ipfrag_time", 1)
    sysctl("net/netfilter/nf_conntrack_frag6_timeout", 1)
    packets = {}
    for family in 4, 6:
        talk = Talk(stage, family, 17)
        packet = talk.there(UDP() / Raw(DATA))
        packets[family] = talk, packet, cut(packet, (1208, 2408))
        for part in packets[family][2][:2]:
            stage.a.send(part)
    before = timeouts()
    tap.point(tap.wait_for(10, lambda: timeouts() == before + 2),
              "RFC 4787 REQ-14: fragments do not wait for ever; the kernel counts",
              timeouts(), before)
    time.sleep(0.1)
    stage.check("S2.8: nobody is told by the host's routes, which know no tenants", [])
    for family, (talk, packet, parts) in packets.items():
        stays(stage, f"RFC 4787 REQ-14: IPv{family}: the last fragment alone is nothing", stage.a, parts[2:])
    for family, name in (4, "net/ipv4/ipfrag"), (6, "net/netfilter/nf_conntrack_frag6"):
        talk, packet, parts = packets[family]
        limit = sysctl(name + "_low_thresh", 0), sysctl(name + "_high_thresh", 1)
        other = talk.back(UDP() / Raw(DATA))
        stays(stage, f"RFC 4787 REQ-14: IPv{family}: beyond the limit of memory fragments are dropped",
              stage.b, cut(other, (1208, 2408))[:1], received=1, drop_fragment=1)
        sysctl(name + "_high_thresh", limit[1])
        sysctl(name + "_low_thresh", limit[0])
        crosses(stage, f"RFC 4787 REQ-14: IPv{family}: and then taken again", talk, packet,
                cut(packet, (1208, 2408)))
    stage.flush()


def run():
    stage = two_ports()
    for test in (orders, largest, bad_ones, first_headers, apart, sizes, identification, options,
                 held, too_late):
        test(stage)
    return stage

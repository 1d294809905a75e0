# SPDX-License-Identifier: GPL-2.0
"""One packet in, several out: X1 of the requirements.

    guest 10.5.0.2 ── a ┌──────────────┐ b ── 10.6.0.0/24, fd00:6::/64
                        │ VNI 5    6   │
                        │          7   │ d ── 10.7.0.0/24, fd00:7::/64
                        └──────────────┘
"""
import tap
from netlink import Refused, Rewire, attr, attributes, nest, u32
from packets import IP, TCP, UDP, IPv6, Raw, translated
from talk import two_ports
from tcp import policy

c = Rewire.c
ONE_WAY = attr(c["A_FLOW_ONE_WAY"])
KINDS = (UDP, 17), (TCP, 6)
NEAR, FAR, THIRD = ({4: f"10.{n}.0.", 6: f"fd00:{n}::"} for n in (5, 6, 7))
HEADERS = {4: IP, 6: IPv6}


def copy(stage, reply, *more):
    return nest(c["A_COPIES_COPY"], stage.rewire.tuple(c["A_FLOW_REPLY"], *reply), *more)


def copies(*all_):
    return nest(c["A_FLOW_COPIES"], *all_)


def talks():
    for family in 4, 6:
        for kind, number in KINDS:
            yield f"{kind.__name__}/IPv{family}", family, kind, number


def balanced(stage, name):
    stats = stage.counters()
    copied = stage.rewire.stats()["copied"]
    drops = sum(value for key, value in stats.items() if key.startswith("drop-"))
    tap.equal(f"G10: {name}: received + copied = translated + passed + dropped",
              stats["received"] + copied, stats["translated"] + stats["passed"] + drops)


def fan_out(stage):
    """Three destinations in two virtual networks, the source substituted."""
    for name, family, kind, number in talks():
        near, far, third = NEAR[family], FAR[family], THIRD[family]
        stage.flow((5, number, near + "2", 1000, near + "9", 53),
                   (6, number, far + "9", 5353, far + "2", 4000),
                   copies(copy(stage, (6, number, far + "10", 53, near + "2", 1000)),
                          copy(stage, (7, number, third + "11", 5354, third + "2", 4001))))
        for length in 0, 1, 700:
            packet = HEADERS[family](src=near + "2", dst=near + "9") / \
                kind(sport=1000, dport=53) / Raw((bytes(range(256)) * 3)[:length])
            stage.expect(f"X1.3: {name}: {length} bytes reach three destinations, each with its "
                         "source and checksums", stage.a, packet,
                         [(stage.b, translated(packet, None, far + "10")),
                          (stage.b, translated(packet, far + "2", far + "9", 4000, 5353)),
                          (stage.d, translated(packet, third + "2", third + "11", 4001, 5354))],
                         received=1, translated=3)
        answer = HEADERS[family](src=far + "9", dst=far + "2") / kind(sport=5353, dport=4000)
        stage.expect(f"X1.3: {name}: the first destination answers, once", stage.b, answer,
                     [(stage.a, translated(answer, near + "9", near + "2", 53, 1000))])
        answer = HEADERS[family](src=third + "11", dst=third + "2") / kind(sport=5354, dport=4001)
        stage.expect(f"X1.3: {name}: who got a copy has no flow", stage.d, answer, [],
                     received=1, passed=1)
    stage.flush()


def sixteen(stage):
    near, far = NEAR[4], FAR[4]
    all_ = [copy(stage, (6, 17, far + str(100 + i), 53, far + "2", 4000 + i)) for i in range(16)]
    orig, reply = (5, 17, near + "2", 1000, near + "9", 53), (6, 17, far + "9", 53, far + "2", 4100)
    stage.flow(orig, reply, ONE_WAY, copies(*all_))
    packet = IP(src=near + "2", dst=near + "9") / UDP(sport=1000, dport=53) / Raw(b"to all")
    out = [(stage.b, translated(packet, far + "2", far + str(100 + i), 4000 + i)) for i in range(16)]
    stage.expect("X1.3: 16 copies of one packet", stage.a, packet,
                 out + [(stage.b, translated(packet, far + "2", far + "9", 4100))],
                 received=1, translated=17)
    stage.flush()
    try:
        stage.flow(orig, reply, copies(*all_, all_[0]))
        tap.point(False, "G13: 17 are refused")
    except Refused as refused:
        tap.equal("G13: 17 are refused", refused.name, "E2BIG")


def partial_failure(stage):
    """A copy that cannot be sent is counted, and the others go."""
    near, far = NEAR[4], FAR[4]
    stage.flow((5, 17, near + "2", 1000, near + "9", 53), (6, 17, far + "9", 53, far + "2", 4100),
               copies(copy(stage, (7, 17, "192.0.2.1", 53, far + "2", 1)),
                      copy(stage, (6, 17, far + "10", 53, far + "2", 2)),
                      copy(stage, (6, 17, far + "11", 53, far + "2", 3), u32(c["A_FLOW_REPLY_IFINDEX"], stage.d.index))))
    packet = IP(src=near + "2", dst=near + "9") / UDP(sport=1000, dport=53) / Raw(b"x")
    stage.expect("X1.3: a copy into the wrong virtual network is dropped, the others go", stage.a, packet,
                 [(stage.b, translated(packet, far + "2", far + "10", 2)),
                  (stage.b, translated(packet, far + "2", far + "9", 4100)),
                  (stage.d, translated(packet, far + "2", "192.0.2.1", 1))],
                 received=1, translated=3, drop_no_route=1)
    stage.a.send(ttl_one(packet))
    got, moved = stage.received(), stage.moved()
    tap.point(moved == {"received": 1, "drop-no-route": 1, "drop-ttl": 3},
              "RFC 1812: nor does a copy of a packet without hops go", f"counters: {moved}")
    tap.point([(port.name, data[9], data[20]) for port, data in got] == [("a", 1, 11)],
              "RFC 1812: of which the sender is told once", *(f"{port.name}: {data.hex()}" for port, data in got))
    stage.flush()


def ttl_one(packet):
    packet = packet.copy()
    packet.ttl = 1
    return packet


def offloads(stage):
    """A checksum that is left to do is done for each copy by itself."""
    near, far = NEAR[4], FAR[4]
    stage.flow((5, 17, near + "2", 1000, near + "9", 53), (6, 17, far + "9", 53, far + "2", 4100),
               copies(copy(stage, (7, 17, THIRD[4] + "9", 54, THIRD[4] + "2", 1))))
    packet = IP(src=near + "2", dst=near + "9") / UDP(sport=1000, dport=53) / Raw(bytes(100))
    data = bytearray(bytes(packet))
    data[26:28] = pseudo(packet)
    stage.a.send(bytes(data), flags=1, start=14 + 20, offset=6)
    stage.check("X1.3: partial checksums are finished in each copy",
                [(stage.b, translated(packet, far + "2", far + "9", 4100, 53)),
                 (stage.d, translated(packet, THIRD[4] + "2", THIRD[4] + "9", 1, 54))],
                received=1, translated=2)
    stage.flush()


def policies(stage):
    """A copy is of its flow's policy: a SYN's segments have to fit there, too."""
    near, far, third = NEAR[4], FAR[4], THIRD[4]
    policy(stage, 9, mss=1000, tcp=c["TCP_MODE_OFF"])
    stage.flow((5, 6, near + "2", 1000, near + "9", 80), (6, 6, far + "9", 80, far + "2", 4100),
               u32(c["A_FLOW_POLICY"], 9), copies(copy(stage, (7, 6, third + "9", 80, third + "2", 1))))
    packet = IP(src=near + "2", dst=near + "9") / TCP(sport=1000, dport=80, flags="S", options=[("MSS", 1460)])
    clamped = packet.copy()
    clamped[TCP].options = [("MSS", 1000)]
    stage.expect("X1.3: a copy is of its flow's policy", stage.a, packet,
                 [(stage.b, translated(clamped, far + "2", far + "9", 4100)),
                  (stage.d, translated(clamped, third + "2", third + "9", 1))], received=1, translated=2)
    stage.flush()


def pseudo(packet):
    import socket
    import struct
    data = socket.inet_aton(packet.src) + socket.inet_aton(packet.dst) + \
        struct.pack(">HH", 17, len(packet) - 20)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return struct.pack(">H", (total & 0xffff) + (total >> 16))


def together(stage):
    """X1.2: fan-out with SNAT, anycast, 1:1 NAT and load balancing at once."""
    near, far, third = NEAR[4], FAR[4], THIRD[4]
    send = lambda src, dst, sport, dport: IP(src=near + src, dst=near + dst) / \
        UDP(sport=sport, dport=dport) / Raw(b"all at once")
    stage.flow((5, 17, near + "2", 1000, near + "9", 53), (6, 17, far + "9", 53, far + "2", 4000),
               copies(copy(stage, (7, 17, third + "9", 53, third + "2", 4000)),
                      copy(stage, (7, 17, third + "8", 53, third + "2", 4000))))
    stage.flow((5, 17, near + "3", 1, near + "50", 53), (7, 17, third + "50", 53, near + "3", 1))
    stage.flow((5, 17, near + "4", 2, near + "60", 80), (6, 17, near + "60", 80, far + "4", 2))
    stage.flow((5, 17, near + "5", 3, near + "70", 80), (6, 17, far + "71", 8080, far + "5", 3))
    stage.flow((5, 17, near + "6", 3, near + "70", 80), (7, 17, third + "72", 8080, third + "6", 3))
    packets = [send("2", "9", 1000, 53), send("3", "50", 1, 53), send("5", "70", 3, 80),
               send("6", "70", 3, 80)]
    for packet in packets:
        stage.a.send(packet)
    one, two, four, five = packets
    stage.check("X1.T: fan-out to 3 with SNAT, anycast and load balancing at once",
                [(stage.b, translated(one, far + "2", far + "9", 4000)),
                 (stage.b, translated(four, far + "5", far + "71", dport=8080)),
                 (stage.d, translated(one, third + "2", third + "9", 4000)),
                 (stage.d, translated(one, third + "2", third + "8", 4000)),
                 (stage.d, translated(two, None, third + "50")),
                 (stage.d, translated(five, third + "6", third + "72", dport=8080))],
                received=4, translated=6)
    packet = send("4", "60", 2, 80)
    stage.route.to(near + "60", stage.b.index)
    stage.expect("X1.T: 1:1 NAT besides", stage.a, packet, [(stage.b, translated(packet, far + "4"))])
    back = IP(src=near + "60", dst=far + "4") / UDP(sport=80, dport=2)
    stage.expect("X1.T: and its way back", stage.b, back,
                 [(stage.a, translated(back, None, near + "4"))])
    stage.flush()


def counters_and_ends(stage):
    near, far = NEAR[4], FAR[4]
    before = stage.rewire.stats()["objects"]
    stage.flow((5, 17, near + "2", 1000, near + "9", 53), (6, 17, far + "9", 53, far + "2", 4100),
               copies(copy(stage, (7, 17, THIRD[4] + "9", 54, THIRD[4] + "2", 1))))
    packet = IP(src=near + "2", dst=near + "9") / UDP(sport=1000, dport=53) / Raw(b"x")
    stage.a.send(packet)
    stage.received()
    key = stage.rewire.tuple(c["A_FLOW_MESSAGE_KEY"], 5, 17, near + "2", 1000, near + "9", 53)
    flow = dict(attributes(dict(stage.rewire.command("FLOW_GET", key)[0])[c["A_FLOW_MESSAGE_FLOW"]]))
    one = dict(attributes(attributes(flow[c["A_FLOW_COPIES"]])[0][1]))
    counters = dict(attributes(one[c["A_FLOW_ORIG_COUNTERS"]]))
    tap.equal("X1.3: a copy has counters of its own",
              int.from_bytes(counters[c["A_COUNTERS_PACKETS"]], "little"), 1)
    stage.rewire.command("ATTACH_DEL", u32(c["A_ATTACH_IFINDEX"], stage.d.index))
    tap.equal("G7: the device of a copy is detached: the flow ends", stage.rewire.stats()["flows"], 0)
    stage.rewire.command("ATTACH_ADD", u32(c["A_ATTACH_IFINDEX"], stage.d.index) +
                         u32(c["A_ATTACH_VNI"], 7))
    tap.point(tap.wait_for(10, lambda: stage.rewire.stats()["objects"] <= before),
              "G7: and nothing of it is left", stage.rewire.stats())
    stage.flush()


def lost_network(stage):
    """The last device of a copy's network goes before any packet went there."""
    near, far = NEAR[4], FAR[4]
    stage.flow((5, 17, near + "2", 1000, near + "9", 53), (6, 17, far + "9", 53, far + "2", 4100),
               copies(copy(stage, (7, 17, THIRD[4] + "9", 54, THIRD[4] + "2", 1))))
    stage.flow((5, 17, near + "2", 1001, near + "9", 53), (6, 17, far + "9", 53, far + "2", 4101))
    stage.rewire.command("ATTACH_DEL", u32(c["A_ATTACH_IFINDEX"], stage.d.index))
    tap.equal("G7: a flow whose copies have no network any more ends, and another one does not",
              stage.rewire.stats()["flows"], 1)
    stage.rewire.command("ATTACH_ADD", u32(c["A_ATTACH_IFINDEX"], stage.d.index) +
                         u32(c["A_ATTACH_VNI"], 7))
    local = attr(c["A_ATTACH_LOCAL"])
    stage.rewire.command("ATTACH_ADD", local + u32(c["A_ATTACH_VNI"], 7))
    stage.flow((5, 17, near + "2", 1000, near + "9", 53), (6, 17, far + "9", 53, far + "2", 4100),
               copies(copy(stage, (7, 17, THIRD[4] + "9", 54, THIRD[4] + "2", 1))))
    stage.rewire.command("ATTACH_DEL", local)
    tap.equal("G7: so does one whose copies may go to the host, when it leaves their network",
              stage.rewire.stats()["flows"], 1)
    stage.flush()


def bad_input(stage):
    near, far = NEAR[4], FAR[4]
    before = stage.rewire.stats()
    orig, reply = (5, 17, near + "2", 1000, near + "9", 53), (6, 17, far + "9", 53, far + "2", 4100)
    good = copy(stage, (7, 17, THIRD[4] + "9", 54, THIRD[4] + "2", 1))
    for name, error, bad in (
            ("no reply", "EINVAL", nest(c["A_COPIES_COPY"])),
            ("another protocol", "EINVAL", copy(stage, (7, 6, THIRD[4] + "9", 54, THIRD[4] + "2", 1))),
            ("another family", "EINVAL", copy(stage, (7, 17, "fd00::1", 54, "fd00::2", 1))),
            ("no such network", "ENOENT", copy(stage, (99, 17, THIRD[4] + "9", 54, THIRD[4] + "2", 1))),
            ("copies of its own", "EINVAL", nest(c["A_COPIES_COPY"], copies(good))),
            ("counters", "EINVAL", copy(stage, (7, 17, THIRD[4] + "9", 54, THIRD[4] + "2", 1),
                                        nest(c["A_FLOW_ORIG_COUNTERS"])))):
        try:
            stage.flow(orig, reply, copies(good, bad))
            tap.point(False, f"G13: a copy with {name}", "it was not refused")
        except Refused as refused:
            tap.equal(f"G13: a copy with {name}", refused.name, error)
    after = stage.rewire.stats()
    tap.equal("G13: nothing has changed", (after["flows"], after["created"]),
              (before["flows"], before["created"]))
    tap.point(tap.wait_for(10, lambda: stage.rewire.stats()["objects"] <= before["objects"]),
              "G13: and nothing leaked", stage.rewire.stats())


def run():
    stage = two_ports()
    stage.d = stage.port("d", 7, "10.7.0.1/24", "fd00:7::1/64")
    stage.route.to("192.0.2.0/24", stage.d.index)
    for part in (fan_out, sixteen, partial_failure, offloads, policies, together, counters_and_ends, lost_network, bad_input):
        part(stage)
        balanced(stage, part.__name__)
    return stage

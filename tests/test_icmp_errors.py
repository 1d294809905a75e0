#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""ICMP errors about packets of flows, byte by byte.

Clients are behind port a, in VNI 5, and servers behind port b, in VNI 6. Each flow is
a client's packets to a server, behind a public address; some go to a public address
of the server, too.
"""
import os
import random
import struct
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "lib"))
import tap
from ends import CHECKS, ends, error, hairpin, send, text
from netlink import DUMP, attributes, u32
from packets import Stage, c
from raw import DCCP, ESP, GRE, ICMP, ICMPV6, SCTP, TCP, UDP, UDPLITE, checksum, ip, put


def set_up():
    global stage, rewire, flows, hidden
    stage = Stage()
    rewire = stage.rewire
    stage.port("a", 5, "10.5.0.1/24", "fd00:5::1/64")
    stage.port("b", 6, "10.6.0.1/24", "fd00:6::1/64")
    flows = [ends(protocol, ipv6, 1) for ipv6 in (False, True)
             for protocol in (TCP, UDP, ICMPV6 if ipv6 else ICMP, SCTP, UDPLITE, DCCP, GRE, ESP)]
    hidden = [ends(protocol, ipv6, 2, True) for ipv6 in (False, True) for protocol in (TCP, UDP)]
    for flow in flows + hidden:
        flow.add(stage)


def becomes(name, source, sink, sent, wanted):
    """What is sent into SOURCE has to come out of SINK as WANTED, and nothing else."""
    got = send(stage, source, sent)
    tap.point(got == [(sink, wanted)], name, f"sent:   {text(sent)}",
              *(f"got:    {port} {text(packet)}" for port, packet in got),
              f"wanted: {sink} {text(wanted)}")


def dropped(name, reason, source, sent):
    stage.moved()
    got, moved = send(stage, source, sent), stage.moved()
    tap.point(not got and moved == {"received": 1, reason: 1}, name, f"sent: {text(sent)}",
              f"got: {got}", f"counters: {moved}", f"wanted: {reason}")


KINDS = [
    ("destination unreachable, port", (3, 1), (3, 4), bytes(4)),
    ("destination unreachable, prohibited", (3, 1), (13, 1), bytes(4)),
    ("packet too big", (3, 2), (4, 0), struct.pack(">I", 1300)),
    ("time exceeded", (11, 3), (0, 0), bytes(4)),
    ("parameter problem", (12, 4), (0, 1), b"\x09\0\0\0"),
]


def kinds():
    """Every kind of error, for the client and for the server, about every protocol."""
    for flow in flows:
        for what, kind, code, rest in KINDS + [("source quench", (4, 4), (0, 0), bytes(4))]:
            if what == "source quench" and flow.ipv6:
                continue
            label = f"about {flow.name}: {what}"
            becomes(f"RFC 5508 REQ-4: {label}, for the client", "b", "a",
                    error(flow, flow.far, flow.public[0], kind, code, flow.forth(False, hops=3), rest),
                    error(flow, flow.far, flow.client[0], kind, code, flow.forth(True, hops=3), rest,
                          hops=63))
            becomes(f"RFC 5508 REQ-5: {label}, for the server", "a", "b",
                    error(flow, flow.near, flow.virtual[0], kind, code, flow.back(True, hops=3), rest),
                    error(flow, flow.public[0], flow.server[0], kind, code,
                          flow.back(False, hops=3), rest, hops=63))


def senders():
    """Whose address the receiver sees."""
    for flow in hidden:
        label = flow.name
        for who, sender in (("the server", flow.server[0]), ("a router on its side", flow.far)):
            becomes(f"RFC 5508 REQ-5: {label}: {who} is seen as the public address", "b", "a",
                    error(flow, sender, flow.public[0], (3, 1), (1, 3), flow.forth(False)),
                    error(flow, flow.virtual[0], flow.client[0], (3, 1), (1, 3),
                          flow.forth(True), hops=63))
    for flow in flows:
        if flow.protocol != UDP:
            continue
        label = "IPv6" if flow.ipv6 else "IPv4"
        becomes(f"{label}: the server itself keeps an address that the flow keeps", "b", "a",
                error(flow, flow.server[0], flow.public[0], (3, 1), (3, 4), flow.forth(False)),
                error(flow, flow.server[0], flow.client[0], (3, 1), (3, 4), flow.forth(True),
                      hops=63))
        becomes(f"RFC 5508 REQ-5: {label}: the client is seen as its public address", "a", "b",
                error(flow, flow.client[0], flow.virtual[0], (3, 1), (3, 4), flow.back(True)),
                error(flow, flow.public[0], flow.server[0], (3, 1), (3, 4), flow.back(False),
                      hops=63))


def hairpinned():
    """Between two clients of one network: each knows the other's public address, and no other."""
    for flow in (hairpin(protocol, ipv6, 3) for ipv6 in (False, True)
                 for protocol in (TCP, UDP, ICMPV6 if ipv6 else ICMP)):
        flow.add(stage)
        for what, kind, code, rest in KINDS:
            label = f"about a hairpinned packet: {flow.name}: {what}"
            for who, sender in (("the other end", flow.server[0]), ("a router before it", flow.far)):
                becomes(f"RFC 5508 REQ-7: {label}, by {who}", "a", "a",
                        error(flow, sender, flow.public[0], kind, code, flow.forth(False, hops=3), rest),
                        error(flow, flow.virtual[0], flow.client[0], kind, code,
                              flow.forth(True, hops=3), rest, hops=63))
            becomes(f"RFC 5508 REQ-7: {label}, about an answer", "a", "a",
                    error(flow, flow.client[0], flow.virtual[0], kind, code, flow.back(True, hops=3), rest),
                    error(flow, flow.public[0], flow.server[0], kind, code,
                          flow.back(False, hops=3), rest, hops=63))


def quotes():
    """What else is in a quote."""
    for flow in flows:
        label = flow.name

        def both(name, change, tail=b"", rest=bytes(4), kind=(11, 3), **more):
            becomes(f"{name}: {label}", "b", "a",
                    error(flow, flow.far, flow.public[0], kind, (0, 0),
                          change(flow.forth(False, **more)) + tail, rest),
                    error(flow, flow.far, flow.client[0], kind, (0, 0),
                          change(flow.forth(True, **more)) + tail, rest, hops=63))

        extension = bytes.fromhex("2000d2f3 0008 0101 00064140")
        padded = lambda quote: quote[:128] + bytes(128 - len(quote[:128]))
        both("RFC 4884: extensions stay as they are", padded, extension,
             b"\x10\0\0\0" if flow.ipv6 else b"\0\x20\0\0")
        both("RFC 1812: a quote of 576 bytes and more", lambda quote: quote, payload=bytes(range(256)) * 3)
        if not flow.ipv6:
            both("RFC 5508 REQ-3: IP options in the quote", lambda quote: quote,
                 options=bytes.fromhex("44080500 00000000"))
            both("the quote of a first fragment", lambda quote: quote, fragment=0x2000)
        else:
            hop = bytes((flow.protocol, 0, 1, 4, 0, 0, 0, 0))
            becomes(f"extension headers in the quote: {label}", "b", "a",
                    error(flow, flow.far, flow.public[0], 1, 0, with_extension(flow.forth(False), hop)),
                    error(flow, flow.far, flow.client[0], 1, 0, with_extension(flow.forth(True), hop),
                          hops=63))
        if flow.protocol == UDP and not flow.ipv6:
            clear = lambda quote: put(quote, 26, 0)
            both("RFC 768: a quoted checksum that nobody computed stays 0", clear)


def with_extension(packet, header):
    """Put an extension header between an IPv6 header and what follows."""
    length = struct.unpack_from(">H", packet, 4)[0] + len(header)
    return put(packet[:6], 4, length) + b"\0" + packet[7:40] + header + packet[40:]


def truncations():
    """Errors that end anywhere: translated when the ports are there, RFC 792's 8 bytes."""
    for flow in flows:
        label = flow.name
        quote, network = flow.forth(False), 40 if flow.ipv6 else 20
        needs = 8 if flow.ports or flow.echo else 0
        stage.moved()
        got = send(stage, "b", *(error(flow, flow.far, flow.public[0], (11, 3), (0, 0), quote[:length])
                          for length in range(len(quote) + 1)))
        tap.equal(f"RFC 792: quotes of every length: {label}",
                  [(port, text(packet)) for port, packet in got],
                  [("a", text(error(flow, flow.far, flow.client[0], (11, 3), (0, 0),
                                       quoted(flow, length), hops=63)))
                   for length in range(network + needs, len(quote) + 1)])
        tap.equal(f"and those without ports are dropped: {label}",
                  stage.moved().get("drop-error-quote"), network + needs)
        data = error(flow, flow.far, flow.public[0], (11, 3), (0, 0), quote)
        for length in range(network + 8):
            dropped(f"an error of {length} bytes: {label}", "drop-malformed", "b",
                    shortened(data, length))


def quoted(flow, length):
    """What becomes of the first bytes of a quote: of a checksum, a part is not changed."""
    before, after = flow.forth(False)[:length], flow.forth(True)[:length]
    offset, size = CHECKS.get(flow.protocol, (0, 0))
    offset += 40 if flow.ipv6 else 20
    return after if length >= offset + size else after[:offset] + before[offset:]


def shortened(packet, length):
    """The first bytes of a packet, which says so itself as far as it goes."""
    if packet[0] >> 4 == 6:
        return put(packet, 4, max(length - 40, 0))[:length]
    packet = put(put(packet, 2, length), 10, 0)
    return put(packet, 10, checksum(packet[:20]))[:length]


class Punted:
    """Rules that would have every packet without a flow translated."""

    def __enter__(self):
        self.rules = [stage.rule(vni, "punt") for vni in (5, 6)]

    def __exit__(self, *_):
        for rule in self.rules:
            stage.rule_delete(rule)


def under_rules(test):
    def ruled():
        with Punted():
            test()
    ruled.__name__ = test.__name__
    return ruled


def refusals():
    """What no flow can have caused, or nobody can tell."""
    for flow in flows:
        label = flow.name
        quote = flow.forth(False)
        whole = error(flow, flow.far, flow.public[0], (11, 3), (0, 0), quote)
        check = 42 if flow.ipv6 else 22
        dropped(f"RFC 5508 REQ-3: a wrong checksum: {label}", "drop-error-quote", "b",
                put(whole, check, struct.unpack_from(">H", whole, check)[0] ^ 0x40))
        if not flow.ipv6:
            bad = put(quote, 10, struct.unpack_from(">H", quote, 10)[0] ^ 0x40)
            dropped(f"RFC 5508 REQ-3: a quoted header with a wrong checksum: {label}",
                    "drop-error-quote", "b",
                    error(flow, flow.far, flow.public[0], 11, 0, bad))
            dropped(f"a quoted later fragment: {label}", "drop-error-unsupported", "b",
                    error(flow, flow.far, flow.public[0], 11, 0, flow.forth(False, fragment=5)))
            dropped(f"a quoted source route: {label}", "drop-error-unsupported", "b",
                    error(flow, flow.far, flow.public[0], 11, 0, flow.forth(
                        False, options=bytes.fromhex("83070463 36640900"))))
        else:
            later = bytes((flow.protocol, 0, 0, 0x28, 0, 0, 0, 9))
            fragment = bytearray(with_extension(quote, later))
            fragment[6] = 44
            dropped(f"a quoted later fragment: {label}", "drop-error-unsupported", "b",
                    error(flow, flow.far, flow.public[0], 3, 0, bytes(fragment)))
        dropped(f"a quote of another sender's packet: {label}", "drop-error-quote", "b",
                error(flow, flow.far, "fd00:6::77" if flow.ipv6 else "10.6.0.77", (11, 3), (0, 0), quote))
        other = ends(flow.protocol, flow.ipv6, 77)
        other.server = flow.server[0] + "8", 53
        dropped(f"RFC 5508 REQ-4: a quote of no flow's packet: {label}", "drop-error-unknown", "b",
                error(other, flow.far, other.public[0], (11, 3), (0, 0), other.forth(False)))
        dropped(f"a quote of the flow's packet from the wrong network: {label}",
                "drop-error-unknown", "a",
                error(flow, flow.far, flow.public[0], (11, 3), (0, 0), quote))
    for flow in (flows[0], flows[3]):
        label = "IPv6" if flow.ipv6 else "IPv4"
        src, dst = flow.public[0], flow.server[0]
        about = error(flow, src, dst, (11, 3), (0, 0), flow.back(False))
        dropped(f"RFC 1122 3.2.2: {label}: an error about an error", "drop-error-unsupported", "b",
                error(flow, flow.far, src, (11, 3), (0, 0), about))
        tap.equal(f"{label}: no error about any protocol gets through without a flow of it",
                  send(stage, "b", *(error(flow, flow.far, src, (11, 3), (0, 0),
                                           ip(src, dst + "8", protocol, bytes(64)))
                              for protocol in range(256))), [])
        dropped(f"{label}: a redirect", "drop-unsupported", "b",
                error(flow, flow.far, src, 5, 1, flow.forth(False)) if not flow.ipv6 else
                error(flow, flow.far, src, 100, 0, flow.forth(False)))


def left_alone():
    """Without a rule."""
    flow = ends(UDP, False, 78)
    stage.moved()
    send(stage, "b", error(flow, "10.77.0.1", "10.6.0.1", 11, 0,
                    flow.packet(("10.6.0.1", 9), ("10.6.0.9", 9))))
    tap.equal("without a rule, an error about the host's own packet is left to the host",
              stage.moved(), {"received": 1, "passed": 1})


def dump_flows():
    """What packets change of each flow."""
    seen = []
    for answer in rewire.command("FLOW_GET", flags=DUMP):
        for _, value in answer:
            flow = dict(attributes(value))
            seen.append([flow.get(c["A_FLOW_" + name]) for name in
                         ("ID", "STATE", "PACKETS_ORIG", "PACKETS_REPLY") if "A_FLOW_" + name in c])
    return seen


def life():
    """RFC 5508 REQ-6, RFC 5382 REQ-10, RFC 4787 REQ-12: nothing of the flow changes."""
    before, counted = dump_flows(), rewire.stats()
    for flow in flows + hidden:
        for _, kind, code, rest in KINDS:
            send(stage, "b", error(flow, flow.far, flow.public[0], kind, code, flow.forth(False), rest))
    now = rewire.stats()
    wanted = len(KINDS) * len(flows + hidden)
    tap.equal("errors are counted", (now["icmp_translated"] - counted["icmp_translated"],
                                     now["translated"] - counted["translated"]), (wanted, wanted))
    tap.equal("RFC 5382 REQ-10, RFC 4787 REQ-12: no error ends a flow or changes its state or counters",
              (dump_flows(), now["flows"]), (before, counted["flows"]))
    for ipv6 in (False, True):
        flow = ends(UDP, ipv6, 3)
        flow.add(stage, u32(c["A_FLOW_TIMEOUT"], 2000))
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if not send(stage, "b", error(flow, flow.far, flow.public[0], (3, 1), (3, 4), flow.forth(False))):
                break
            time.sleep(0.05)
        tap.point(time.monotonic() < deadline,
                  f"RFC 5508 REQ-6: errors do not keep an {'IPv6' if ipv6 else 'IPv4'} flow alive")
        tap.wait_for(5, lambda: rewire.stats()["flows"] == now["flows"])


def garbage():
    """Errors with anything wrong: nobody falls over, and flows still work."""
    generator, packets = random.Random(5508), []
    errors = [error(flow, flow.far, flow.public[0], kind, code,
                    flow.forth(False), rest) for flow in flows for _, kind, code, rest in KINDS]
    for _ in range(int(os.environ.get("REWIRE_TEST_PACKETS", "3000"))):
        packet = bytearray(generator.choice(errors))
        network = 40 if packet[0] >> 4 == 6 else 20
        for _ in range(generator.choice((1, 1, 2, 4, 8))):
            packet[generator.randrange(network, len(packet))] = generator.choice(
                (0, 1, 4, 0x3c, 0x7f, 0xff, generator.randrange(256)))
        packet = put(packet, network + 2, 0)
        if network == 20:
            packet = put(packet, 22, checksum(packet[20:]))
        else:
            packet = put(packet, 42, checksum(packet[8:40] + struct.pack(">II", len(packet) - 40, 58) +
                                              packet[40:]))
        packets.append(bytes(packet))
    wrong, got = [], send(stage, "b", *packets)
    for _, packet in got:
        ipv6 = packet[0] >> 4 == 6
        pseudo = packet[8:40] + struct.pack(">II", len(packet) - 40, 58) if ipv6 else b""
        if checksum(pseudo + packet[40 if ipv6 else 20:]) or (not ipv6 and checksum(packet[:20])):
            wrong.append(text(packet))
    tap.point(got and not wrong, "what of errors with changed bytes gets through has right checksums", len(got), *wrong)
    for flow in flows:
        becomes(f"after them, {flow.name} still works",
                "b", "a", flow.back(False), flow.back(True, hops=63))
    tap.point(stage.balanced(), "each packet is translated, passed, dropped or held", stage.counters())


set_up()
tap.run(kinds, senders, hairpinned, quotes, under_rules(truncations), under_rules(refusals), left_alone, life,
        garbage)

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""ICMP errors that the module itself sends, byte by byte.

Clients are behind port a, in VNI 5, and servers behind port b, in VNI 6, where no more
than 1300 bytes fit.
"""
import contextlib
import os
import socket
import struct
import subprocess
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "lib"))
import tap
from ends import Ends, ends, error, send, text
from netlink import attr, u32
from packets import GSO_TCPV4, GSO_TCPV6, NEEDS_CSUM, Stage, c
from raw import (ESP, GRE, ICMP, ICMPV6, SCTP, TCP, UDP, checksum, icmp, ip, pack, put,
                 transport_sum, udp)

MTU = 1300
TOO_BIG = (3, 2), (4, 0), struct.pack(">I", MTU)
EXCEEDED = (11, 3), (0, 0), bytes(4)
NO_ROUTE = (3, 1), (0, 0), bytes(4)
PROHIBITED = (3, 1), (13, 1), bytes(4)
DF = 0x4000
BURST, RATE = 50, 500           # of a device, as in icmp_send.c


def set_up():
    global stage, flows
    stage = Stage()
    stage.port("a", 5, "10.5.0.1/24", "fd00:5::1/64")
    stage.port("b", 6, "10.6.0.1/24", "fd00:6::1/64")
    stage.route.mtu(stage.ports[1].index, MTU)
    flows = [ends(protocol, ipv6, 1) for ipv6 in (False, True)
             for protocol in (TCP, UDP, ICMPV6 if ipv6 else ICMP, SCTP, GRE, ESP)]
    for flow in flows:
        flow.add(stage)
    stage.moved()


def rest():
    """Let the bucket of tokens fill again."""
    time.sleep(BURST / RATE * 1.5)
    stage.moved()


def by_hand(flow, gateway, dst, kind, packet):
    """The error that a router of the standards would send."""
    size = 1280 - 40 - 8 if flow.ipv6 else 576 - 20 - 8
    return error(flow, gateway, dst, *kind[:2], packet[:size], kind[2],
                 **({} if flow.ipv6 else {"tos": 0xc0}))


def same(got, wanted):
    """Whether it is, but for the identification that the kernel has chosen."""
    if got[0] >> 4 == 4:
        if checksum(got[:20]):
            return False
        wanted = put(put(wanted, 4, struct.unpack_from(">H", got, 4)[0]), 10, 0)
        wanted = put(wanted, 10, checksum(wanted[:20]))
    return got == wanted


def told(name, port, packet, wanted, reason, flow=None, **more):
    """The packet is dropped for a reason, and its sender told."""
    stage.ports["ab".index(port)].send(packet, **more)
    got = [(out.name, data) for out, data in stage.received()]
    moved = stage.moved()
    good = len(got) == 1 and got[0][0] == port and same(got[0][1], wanted) and \
        moved == {"received": 1, reason: 1}
    tap.point(good, name, f"sent:   {text(packet)}", *(f"got:    {out} {text(data)}" for out, data in got),
              f"wanted: {port} {text(wanted)}", f"counters: {moved}")


def silent(name, port, packet, reason):
    out = send(stage, port, packet)
    moved = stage.moved()
    tap.point(not out and moved == {"received": 1, reason: 1}, name,
              f"sent: {text(packet)}", f"got: {out}", f"counters: {moved}")


def hosts(flow, vni):
    return f"fd00:{vni}::1" if flow.ipv6 else f"10.{vni}.0.1"


@contextlib.contextmanager
def routed(*route):
    """While the host has a route, as ip(8) names it."""
    subprocess.run(["ip", "route", "add", *route], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "route", "del", *route], check=True)


def crosses(name, flow):
    got = send(stage, "a", flow.forth(True))
    tap.equal(name, [(port, text(data)) for port, data in got], [("b", text(flow.forth(False, hops=63)))])
    stage.moved()


def exceeded():
    for flow in flows:
        rfc = "RFC 4443 3.3" if flow.ipv6 else "RFC 792, RFC 5508 REQ-10"
        for hops in (1, 0):
            packet = flow.forth(True, hops=hops)
            told(f"{rfc}: {flow.name}: {hops} hops left: the client is told", "a", packet,
                 by_hand(flow, hosts(flow, 5), flow.client[0], EXCEEDED, packet), "drop-ttl")
        packet = flow.back(False, hops=1, payload=bytes(range(256)) * 4)
        told(f"{rfc}: {flow.name}: 1 hop left: the server is told, by as much as fits", "b", packet,
             by_hand(flow, hosts(flow, 6), flow.server[0], EXCEEDED, packet), "drop-ttl")


def too_big():
    rest()
    for flow in flows:
        rfc = "RFC 4443 3.2" if flow.ipv6 else "RFC 1191, RFC 4787 REQ-13"
        more = {} if flow.ipv6 else {"fragment": DF}
        header = len(flow.forth(True, payload=b""))
        packet = flow.forth(True, payload=bytes(MTU - header + 1), **more)
        told(f"{rfc}: {flow.name}: {MTU + 1} bytes: the client is told the next MTU", "a", packet,
             by_hand(flow, hosts(flow, 5), flow.client[0], TOO_BIG, packet), "drop-too-big")
        packet = flow.forth(True, payload=bytes(MTU - header), **more)
        got = send(stage, "a", packet)
        tap.equal(f"{rfc}: {flow.name}: {MTU} bytes cross", [(port, text(data)) for port, data in got],
                  [("b", text(flow.forth(False, payload=bytes(MTU - header), hops=63, **more)))])
        stage.moved()
    flow = flows[0]
    packet = flow.forth(True, payload=bytes(1400), fragment=DF, hops=1)
    told("RFC 1812 5.3.1: hops come first", "a", packet,
         by_hand(flow, "10.5.0.1", flow.client[0], EXCEEDED, packet), "drop-ttl")


def refuses(kind, wanted, flow, port):
    vni, sender, packet = (5, flow.client, flow.forth(True)) if port == "a" else \
        (6, flow.server, flow.back(False))
    rfc = "RFC 4443 3.1" if flow.ipv6 else "RFC 1812 5.2.7.1, RFC 5508 REQ-10"
    name = f"{rfc}: {flow.name}: a route of type {kind}, from {port}"
    if wanted:
        told(f"{name}: the sender is told", port, packet,
             by_hand(flow, hosts(flow, vni), sender[0], wanted, packet), "drop-no-route")
    else:
        silent(f"{name}: nobody is told", port, packet, "drop-no-route")


def refused():
    """Routes that lead nowhere, of which the sender is told what their type says."""
    half = len(flows) // 2
    for kind, wanted in ("unreachable", NO_ROUTE), ("prohibit", PROHIBITED), ("blackhole", None):
        rest()
        for family in flows[:half], flows[half:]:
            for port, to in ("a", family[0].server[0]), ("b", family[0].client[0]):
                with routed(kind, to):
                    for flow in family:
                        refuses(kind, wanted, flow, port)
            for flow in family:
                crosses(f"{flow.name}: without a route of type {kind} it crosses", flow)
    figures = stage.rewire.stats()
    tap.equal("what a blackhole takes counts as no error that was not sent", figures["icmp_unsent"], 0)


def on_link():
    """Of routes that lead nowhere, the most exact one alone has its effect."""
    far = Ends(UDP, ("10.5.0.2", 4040), ("192.0.2.9", 53), ("10.6.0.64", 5040))
    far.add(stage)
    crosses("IPv4: the only device leads to what has no route", far)
    packet = far.forth(True)
    for default, flow in ("0.0.0.0/0", flows[1]), ("::/0", flows[len(flows) // 2 + 1]):
        with routed("unreachable", default, "metric", "4278198272"):
            crosses(f"{flow.name}: a route that refuses all else leaves a link's hosts alone", flow)
            if not flow.ipv6:
                told("IPv4: but not what has no route besides", "a", packet,
                     by_hand(far, "10.5.0.1", far.client[0], NO_ROUTE, packet), "drop-no-route")
    with routed("192.0.2.0/24", "dev", "b"), routed("unreachable", "192.0.0.0/16"):
        crosses("IPv4: nor what has a more exact one", far)


def no_route():
    """There are two devices to choose from, but no route that chooses."""
    rest()
    for name in "c", "d":
        stage.port(name, 9)
    for ipv6, address in (False, "192.0.2.10"), (True, "2001:db8::10"):
        flow = ends(UDP, ipv6, 50)
        flow.virtual = address, 53
        stage.flow((5, UDP, *flow.client, *flow.virtual), (9, UDP, *flow.virtual, *flow.public))
        stage.moved()
        packet = flow.forth(True)
        told(f"RFC 1812 4.3.3.1, RFC 4443 3.1: {flow.name}: no route: the client is told", "a", packet,
             by_hand(flow, hosts(flow, 5), flow.client[0], NO_ROUTE, packet), "drop-no-route")


def virtio(packet, network):
    """The packet as a guest leaves its TCP checksum to the device: of the pseudo header."""
    data = put(packet[network:], 16, 0)
    address = (lambda at, n: packet[at:at + n])
    pseudo = (address(12, 8) + struct.pack(">HH", TCP, len(data)) if network == 20 else
              address(8, 32) + struct.pack(">II", len(data), TCP))
    return packet[:network] + put(data, 16, checksum(pseudo) ^ 0xffff)


def offloads():
    """Packets whose sender left something to the device."""
    rest()
    for flow in flows:
        if flow.protocol != TCP:
            continue
        network = 40 if flow.ipv6 else 20
        packet = flow.forth(True, hops=1)
        told(f"{flow.name}: a checksum that was left to the device is right in the quote", "a",
             virtio(packet, network), by_hand(flow, hosts(flow, 5), flow.client[0], EXCEEDED, packet),
             "drop-ttl", flags=NEEDS_CSUM, start=14 + network, offset=16)
        more = {} if flow.ipv6 else {"fragment": DF}
        packet = virtio(flow.forth(True, payload=bytes(4000), **more), network)
        offload = {"flags": NEEDS_CSUM, "start": 14 + network, "offset": 16,
                   "gso": GSO_TCPV6 if flow.ipv6 else GSO_TCPV4, "header": 14 + network + 20}
        told(f"RFC 1191, 8201: {flow.name}: a super-packet whose segments do not fit", "a", packet,
             by_hand(flow, hosts(flow, 5), flow.client[0], TOO_BIG, packet), "drop-too-big",
             size=1400, **offload)
        if not flow.ipv6:
            super_fragments(flow, offload)


def super_fragments(flow, offload):
    """RFC 791: segments without DF are fragmented, and become what was sent."""
    payload = bytes(range(250)) * 16
    stage.moved()
    stage.ports[0].send(virtio(flow.forth(True, payload=payload), 20), size=1400, **offload)
    parts, whole = {}, b""
    for port, data in stage.received():
        length, ident, offset = struct.unpack_from(">HHH", data, 2)
        good = port is stage.ports[1] and len(data) == length <= MTU and not checksum(data[:20])
        tap.point(good, "RFC 791: a fragment of a segment fits", text(data))
        parts.setdefault(ident, {})[(offset & 0x1fff) * 8] = data[20:]
    for pieces in parts.values():
        segment = b"".join(pieces[at] for at in sorted(pieces))
        wanted = transport_sum(flow.public[0], flow.server[0], TCP, put(segment, 16, 0))
        tap.equal("RFC 791: the segment's checksum is right", struct.unpack_from(">H", segment, 16)[0],
                  wanted)
        whole += segment[20:]
    tap.point(whole == payload, "RFC 791: all that was sent arrives", len(whole), len(payload))
    tap.equal("and counts as one packet", stage.moved(), {"received": 1, "translated": 1})
    for _ in range(4):
        stage.ports[0].send(virtio(flow.forth(True, payload=payload), 20), size=1400, **offload)
    idents = {struct.unpack_from(">H", data, 4)[0] for _, data in stage.received()}
    tap.equal("RFC 6864 4.1: the next segments have other identifications", len(idents), 4 * len(parts))
    stage.moved()


def never():
    """About what, and to whom, nothing is sent (RFC 1812 4.3.2.7, RFC 4443 2.4)."""
    rest()
    for flow in (flows[1], flows[len(flows) // 2 + 1]):
        rfc = "RFC 4443 2.4 (e)" if flow.ipv6 else "RFC 1812 4.3.2.7"
        about = error(flow, flow.far, flow.public[0], (3, 1), (3, 4), flow.forth(False), hops=1)
        silent(f"{rfc}: no error about an error without hops", "b", about, "drop-ttl")
        about = error(flow, flow.far, flow.virtual[0], (3, 1), (3, 4),
                      flow.back(True, payload=bytes(1400)), fragment=0 if flow.ipv6 else DF)
        silent(f"{rfc}: no error about an error that does not fit", "a", about, "drop-too-big")
        about = error(flow, flow.far, flow.public[0], (3, 1), (3, 4), flow.forth(False))
        with routed("unreachable", flow.client[0]):
            silent(f"{rfc}: no error about an error without a route", "b", about, "drop-no-route")
    strange = [("RFC 1812 4.3.2.7", address) for address in
               ("224.0.0.9", "255.255.255.255", "127.0.0.9", "10.5.0.255")]
    strange += [("RFC 4443 2.4 (e)", "ff0e::9"), ("RFC 4443 2.4 (e)", "::1")]
    nobodys = "224.0.0.9", "255.255.255.255", "ff0e::9"     # no packet can come from them
    for number, (rfc, address) in enumerate(strange, 4010):
        ipv6 = ":" in address
        flow = Ends(UDP, (address, number), ("fd00:6::9" if ipv6 else "10.6.0.9", 53),
                    ("fd00:6::64" if ipv6 else "10.6.0.64", number))
        flow.add(stage)
        silent(f"{rfc}: no error for {address}", "a", flow.forth(True, hops=1),
               "drop-malformed" if address in nobodys else "drop-ttl")
    figures = stage.rewire.stats()
    tap.equal("what must not be sent counts as nothing", figures["icmp_unsent"], 0)


def forwarded():
    """Packets that a rule forwards untranslated: anything may be among them."""
    rest()
    rule = stage.rule(5, "forward", u32(c["A_RULE_VIA_VNI"], 6))
    for ipv6 in (False, True):
        flow = ends(UDP, ipv6, 9)
        label, df = ("IPv6", {}) if ipv6 else ("IPv4", {"fragment": DF})
        for kind, reason, more in ((EXCEEDED, "drop-ttl", {"hops": 1}),
                                   (TOO_BIG, "drop-too-big", {"payload": bytes(1400), **df})):
            packet = flow.forth(True, **more)
            told(f"{label}: of a packet that a rule forwards, {reason}", "a", packet,
                 by_hand(flow, hosts(flow, 5), flow.client[0], kind, packet), reason)
        packet = flow.forth(True)
        for kind, wanted in ("unreachable", NO_ROUTE), ("prohibit", PROHIBITED):
            with routed(kind, flow.server[0]):
                told(f"{label}: of a packet that a rule forwards, a route of type {kind}", "a", packet,
                     by_hand(flow, hosts(flow, 5), flow.client[0], wanted, packet), "drop-no-route")
        with routed("blackhole", flow.server[0]):
            silent(f"{label}: but nothing of a blackhole", "a", packet, "drop-no-route")
        rfc = "RFC 4443 2.4 (e)" if ipv6 else "RFC 1812 4.3.2.7"
        silent(f"{rfc}: no error about an error of no flow", "a",
               error(flow, flow.near, flow.server[0], (3, 1), (3, 4), flow.back(True), hops=1),
               "drop-ttl")
        silent(f"{rfc}: no error about a redirect, or an unknown error", "a",
               error(flow, flow.near, flow.server[0], (5, 100), (1, 0), flow.back(True), hops=1),
               "drop-ttl")
    about = icmp("10.5.0.99", "10.6.0.9", 3, 4, bytes(4), flows[1].back(True))
    silent("RFC 1812 4.3.2.7: no error about an error that was told its way", "a",
           ip("10.5.0.99", "10.6.0.9", ICMP, about, hops=1,
              options=bytes((131, 7, 4, 10, 5, 0, 98, 0))), "drop-ttl")
    about = icmp("fd00:5::99", "fd00:6::9", 1, 4, bytes(4), flows[len(flows) // 2 + 1].back(True))
    silent("RFC 4443 2.4 (e): no error about an error that was told its way", "a",
           ip("fd00:5::99", "fd00:6::9", 43, about, hops=1,
              options=bytes((ICMPV6, 2, 0, 1, 0, 0, 0, 0)) + pack("fd00:5::98")), "drop-ttl")
    stage.rule_delete(rule)


def in_anothers_name():
    """The host sends what a guest is to have sent, as a transparent proxy does."""
    rest()
    stage.rewire.command("ATTACH_ADD", attr(c["A_ATTACH_LOCAL"]) + u32(c["A_ATTACH_VNI"], 7))
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    stage.route.to("192.0.2.0/24", stage.ports[0].index)
    for number, (who, sent) in enumerate((("10.5.0.77", 0), ("10.5.0.1", 1)), 4100):
        stage.flow((7, UDP, who, number, "192.0.2.9", 53),
                   (6, UDP, "10.6.0.9", 53, "10.6.0.64", number))
        stage.moved()
        before = stage.rewire.stats()
        raw.sendto(ip(who, "192.0.2.9", UDP, udp(who, "192.0.2.9", number, 53, bytes(1400)),
                      fragment=DF), ("192.0.2.9", 0))
        out, after = stage.received(), stage.rewire.stats()
        tap.equal(f"what does not fit in the name of {who} is told to the host, or nobody",
                  (out, stage.moved(), after["icmp_sent"] - before["icmp_sent"],
                   after["icmp_unsent"] - before["icmp_unsent"]),
                  ([], {"received": 1, "drop-too-big": 1}, sent, 1 - sent))
    raw.close()
    stage.rewire.command("ATTACH_DEL", attr(c["A_ATTACH_LOCAL"]))


def counted():
    before = stage.rewire.stats()
    flow = flows[0]
    stage.ports[0].send(flow.forth(True, hops=1))
    stage.received()
    after = stage.rewire.stats()
    tap.equal("errors are counted as sent", after["icmp_sent"] - before["icmp_sent"], 1)
    stage.moved()
    # The way to the device's own address is not by the device
    flow = Ends(UDP, ("10.5.0.1", 4003), ("10.6.0.9", 53), ("10.6.0.64", 5003))
    flow.add(stage)
    silent("a forged address of the host is not answered", "a", flow.forth(True, hops=1), "drop-ttl")
    tap.equal("which is counted", stage.rewire.stats()["icmp_unsent"] - before["icmp_unsent"], 1)


def flood(name, packet):
    rest()
    before, started, n = stage.rewire.stats(), time.monotonic(), 1000
    out = send(stage, "a", *[packet] * n)
    most = BURST + (time.monotonic() - started) * RATE + RATE / 50
    after = stage.rewire.stats()
    sent = after["icmp_sent"] - before["icmp_sent"]
    # What comes faster than it is read may be lost behind the module
    tap.point(BURST <= len(out) <= sent <= most, f"RFC 1812 4.3.2.8: {name}: errors are limited",
              f"{sent} sent, {len(out)} came, {BURST} to {most} are right")
    tap.equal(f"{name}: those that are not sent are counted",
              after["icmp_limited"] - before["icmp_limited"], n - sent)


def limited():
    """S4.9: no flood of packets becomes a flood of errors."""
    for flow in (flows[0], flows[len(flows) // 2]):
        name = "IPv6" if flow.ipv6 else "IPv4"
        with routed("unreachable", flow.server[0]):
            flood(f"{name}: without a route", flow.forth(True))
        flood(f"{name}: without hops", flow.forth(True, hops=1))
        packet = flow.back(False, hops=1)
        stage.moved()
        told(f"RFC 1812 4.3.2.8: {name}: another device's senders are told still", "b", packet,
             by_hand(flow, hosts(flow, 6), flow.server[0], EXCEEDED, packet), "drop-ttl")


def homeless():
    """A namespace without an address to send from counts, and sends nothing."""
    stage.close()
    bare = Stage()
    bare.port("a", 5)
    bare.port("b", 6)
    flow = ends(UDP, False, 1)
    flow.add(bare)
    bare.moved()
    out = send(bare, "a", flow.forth(True, hops=1))
    tap.equal("RFC 1812 4.3.2.4: without an address nothing is sent",
              (out, bare.moved(), bare.rewire.stats()["icmp_unsent"]),
              ([], {"received": 1, "drop-ttl": 1}, 1))
    bare.close()


set_up()
tap.run(exceeded, too_big, refused, on_link, offloads, never, forwarded, in_anothers_name, counted, limited,
        no_route, homeless)

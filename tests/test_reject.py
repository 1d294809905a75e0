#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What senders of packets are told that a verdict drops, byte by byte.

Clients are behind port a, in VNI 5, where a rule punts everything; the test answers.
"""
import os
import struct
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "lib"))
import tap
from netlink import Rewire, attributes, nest, u32, u64
from packets import Stage, c
from raw import ICMP, ICMPV6, TCP, UDP, echo, icmp, ip, put, tcp, transport_sum, udp

FIN, SYN, RST, ACK = 1, 2, 4, 16
ENDS = {4: ("10.5.0.2", "192.0.2.9"), 6: ("fd00:5::2", "2001:db8::9")}
HOST = {4: "10.5.0.1", 6: "fd00:5::1"}


def set_up():
    global stage, daemon
    stage = Stage()
    stage.port("a", 5, "10.5.0.1/24", "fd00:5::1/64")
    stage.rule(5, "PUNT", u32(c["A_RULE_POLICY"], 42))
    daemon = Rewire()
    daemon.command("PUNT_LISTEN", u32(c["A_PUNT_BATCH_VERSION"], c.get("INTERFACE_VERSION", 1)))
    stage.moved()


def segment(version, flags, payload=b"", sequence=1000, ack=0):
    client, server = ENDS[version]
    data = put(tcp(client, server, 4000, 80, payload, sequence, flags), 8, ack >> 16)
    data = put(put(data, 10, ack & 0xffff), 16, 0)
    return ip(client, server, TCP, put(data, 16, transport_sum(client, server, TCP, data)))


def reset(version, flags, sequence, ack):
    """What a host answers where there is no connection (RFC 9293, 3.10.7.1)."""
    client, server = ENDS[version]
    data = struct.pack(">HHIIBBHHH", 80, 4000, sequence, ack, 5 << 4, flags, 0, 0, 0)
    return ip(server, client, TCP, put(data, 16, transport_sum(server, client, TCP, data)),
              ident=0, **({} if version == 6 else {"fragment": 0x4000}))


def prohibited(version, packet):
    client = ENDS[version][0]
    kind, protocol = ((3, 13), ICMP) if version == 4 else ((1, 1), ICMPV6)
    return ip(HOST[version], client, protocol, icmp(HOST[version], client, *kind, bytes(4), packet),
              **({"tos": 0xc0} if version == 4 else {}))


def same(got, wanted):
    """But for the identification that the kernel has chosen."""
    if len(got) < 20 or got[0] >> 4 == 6:
        return got == wanted
    return got[:4] + got[6:10] + got[12:] == wanted[:4] + wanted[6:10] + wanted[12:]


def answer(how, lifetime=0):
    """The verdict on the next punt."""
    punt = dict(attributes(attributes(daemon.notification()[4:])[0][1]))
    key = punt[c["A_PUNT_TUPLE"]]
    tuple_ = struct.pack("=HH", 4 + len(key), c["A_VERDICT_TUPLE"] | 0x8000) + key
    daemon.command("VERDICT_ADD", nest(
        c["A_VERDICT_BATCH_VERDICT"],
        u64(c["A_VERDICT_PUNT_ID"], int.from_bytes(punt[c["A_PUNT_ID"]], "little")),
        u32(c["A_VERDICT_ACTION"], c["VERDICT_ACTION_DROP"]), tuple_,
        u32(c["A_VERDICT_LIFETIME"], lifetime) if lifetime else b"",
        u32(c["A_VERDICT_REJECT"], c[f"REJECT_{how}"])))


def told(name, how, sent, wanted, reason="drop-rejected"):
    """Send packets of one flow; after the verdict, just one answer comes."""
    for packet in sent:
        stage.ports[0].send(packet)
    answer(how)
    got = [data for _, data in stage.received()]
    moved = stage.moved()
    good = len(got) == len(wanted) and all(map(same, got, wanted)) and moved.get(reason) == len(sent)
    tap.point(good, name, *(f"got:    {data.hex(' ', 4)}" for data in got),
              *(f"wanted: {data.hex(' ', 4)}" for data in wanted), f"counters: {moved}")


def resets():
    for v in 4, 6:
        told(f"RFC 9293 3.10.7.1: IPv{v}: a SYN is acknowledged by the reset", "RESET",
             [segment(v, SYN)], [reset(v, RST | ACK, 0, 1001)])
        told(f"RFC 9293 3.10.7.1: IPv{v}: so is its data, and a FIN", "RESET",
             [segment(v, SYN | FIN, b"data")], [reset(v, RST | ACK, 0, 1006)])
        told(f"RFC 9293 3.10.7.1: IPv{v}: what acknowledges something is believed", "RESET",
             [segment(v, ACK, b"data", ack=77777)], [reset(v, RST, 77777, 0)])
        told(f"RFC 9293 3.10.7.1: IPv{v}: a reset is not answered", "RESET", [segment(v, RST)], [])
        told(f"IPv{v}: of several packets that are held one is answered", "RESET",
             [segment(v, SYN), segment(v, SYN), segment(v, SYN)], [reset(v, RST | ACK, 0, 1001)])


def errors():
    for v in 4, 6:
        client, server = ENDS[v]
        ping = ip(client, server, ICMPV6 if v == 6 else ICMP, echo(client, server, 7, b"data", False))
        for packet, name in ((ip(client, server, UDP, udp(client, server, 4000, 53, b"data")), "UDP"),
                             (ping, "a ping")):
            for how in "PROHIBITED", "RESET":
                told(f"RFC 5508 REQ-8: IPv{v}: {name} is prohibited, by {how.lower()}", how, [packet],
                     [prohibited(v, packet)])
        syn = segment(v, SYN)
        told(f"RFC 5508 REQ-8: IPv{v}: and so is TCP, if that is wanted", "PROHIBITED", [syn],
             [prohibited(v, syn)])
        told(f"IPv{v}: nobody is told in silence", "SILENT", [syn], [], "drop-verdict")


def lifetime():
    packet = segment(4, SYN)
    stage.ports[0].send(packet)
    answer("RESET", lifetime=60000)
    first = [data for _, data in stage.received()]
    stage.moved()
    stage.ports[0].send(packet)
    moved = stage.moved()
    tap.point(len(first) == 1 and not stage.received() and moved == {"received": 1, "drop-verdict": 1},
              "within the verdict's lifetime the next one is dropped in silence", f"counters: {moved}")
    daemon.close()
    stage.close()


set_up()
tap.run(resets, errors, lifetime)

# SPDX-License-Identifier: GPL-2.0
"""Flows of other shapes than a two-way rewrite: one way, marked, limited."""
import time

import tap
from netlink import Refused, Rewire, attr, u32, u8
from packets import IP, TCP, UDP, Raw
from talk import NETS, Talk, talks, two_ports

c = Rewire.c
ONE_WAY = attr(c["A_FLOW_ONE_WAY"])


def dscp(value):
    return u8(c["A_FLOW_DSCP"], value)


def hops(mode, limit=None):
    return u32(c["A_FLOW_HOPS"], c["HOP_MODE_" + mode]) + \
        (b"" if limit is None else u8(c["A_FLOW_HOP_LIMIT"], limit))


def between_networks(stage):
    """The port of a pod in one virtual network, and its service in another."""
    for name, talk, layer in talks(stage):
        talk.crosses(f"X1.1: {name}: from one virtual network to another, there", talk.there(layer))
        talk.crosses(f"X1.1: {name}: and back", talk.back(layer))
    stage.flush()


def one_way(stage):
    for family in 4, 6:
        for layer, number in (UDP(), 17), (TCP(), 6):
            name = f"{type(layer).__name__}/IPv{family}"
            talk = Talk(stage, family, number, ONE_WAY)
            talk.crosses(f"X1.1: {name}: a one-way flow rewrites its direction", talk.there(layer))
            stage.expect(f"X1.1: {name}: an answer has no flow", stage.b, talk.back(layer), [],
                         received=1, passed=1)
    near, far = NETS[4]
    stage.flow((5, 17, near + "3", 1, near + "9", 53), (6, 17, far + "9", 5353, far + "2", 4000),
               ONE_WAY)
    tap.point(True, "X1.1: two one-way flows may become the same: direct server return")
    stage.flush()
    tap.equal("X1.1: no key of a one-way flow is left over", stage.rewire.stats()["flows"], 0)


def two_way_still_excludes(stage):
    near, far = NETS[4]
    Talk(stage, 4, 17)
    try:
        stage.flow((5, 17, near + "3", 1, near + "9", 53),
                   (6, 17, far + "9", 5353, far + "2", 4000))
        tap.point(False, "S1.1: two-way flows do not share a reply key")
    except Refused as refused:
        tap.equal("S1.1: two-way flows do not share a reply key", refused.name, "EADDRINUSE")
    stage.flush()


def field(packet, value):
    setattr(packet, "tos" if isinstance(packet, IP) else "tc", value)
    return packet


def marks(stage):
    for value in 0, 46, 63:
        for name, talk, layer in talks_with(stage, dscp(value)):
            for ecn in 0, 1, 3:
                sent = field(talk.there(layer / Raw(b"x")), 0x28 | ecn)
                talk.crosses(f"RFC 2474, 3168: {name}: DSCP becomes {value}, ECN {ecn} stays", sent,
                             [field(talk.across(sent), value << 2 | ecn)])
            sent = talk.back(layer / Raw(b"x"))
            talk.crosses(f"RFC 2474: {name}: and {value} on the way back", sent,
                         [field(talk.across(sent), value << 2)])
        stage.flush()


def talks_with(stage, *more):
    for family in 4, 6:
        for kind, number in (UDP, 17), (TCP, 6):
            yield f"{kind.__name__}/IPv{family}", Talk(stage, family, number, *more), kind()


def ttl(packet, value):
    setattr(packet, "ttl" if isinstance(packet, IP) else "hlim", value)
    return packet


def hop_limits(stage):
    for name, talk, layer in talks_with(stage, hops("KEEP")):
        for value in 1, 2, 64, 255:
            sent = ttl(talk.there(layer), value)
            talk.crosses(f"G6: {name}: hop limit {value} is kept", sent, [talk.across(sent, hops=0)])
    stage.flush()
    for name, talk, layer in talks_with(stage, hops("SET", 7)):
        for value in 1, 7, 255:
            sent = ttl(talk.there(layer), value)
            talk.crosses(f"G6: {name}: hop limit {value} becomes 7", sent,
                         [ttl(talk.across(sent), 7)])
    stage.flush()
    for name, talk, layer in talks_with(stage, hops("DECREMENT")):
        sent = ttl(talk.there(layer), 9)
        talk.crosses(f"G6: {name}: hop limit is decremented", sent)
    stage.flush()


def limits(stage):
    for name, talk, layer in talks_with(stage, u32(c["A_FLOW_PACKET_RATE"], 1),
                                        u32(c["A_FLOW_BURST"], 5)):
        sent = [talk.there(layer / Raw(bytes([i]))) for i in range(8)]
        for packet in sent:
            stage.a.send(packet)
        stage.check(f"X2.2: {name}: of 8 packets at once 5 go by",
                    [(stage.b, talk.across(packet)) for packet in sent[:5]],
                    received=8, translated=5, drop_flow_rate=3)
        talk.crosses(f"X2.2: {name}: the other direction has a limit of its own", talk.back(layer))
    stage.flush()
    for family in 4, 6:
        rates(stage, family)


def rates(stage, family):
    of = f"IPv{family}: "
    talk = Talk(stage, family, 17, u32(c["A_FLOW_PACKET_RATE"], 10), u32(c["A_FLOW_BURST"], 1))
    talk.crosses(of + "X2.2: 10 packets a second: the first goes by", talk.there(UDP()))
    talk.dropped(of + "X2.2: one at once does not", talk.there(UDP()), "drop-flow-rate")
    time.sleep(0.11)
    talk.crosses(of + "X2.2: one a tenth of a second later does", talk.there(UDP()))
    stage.flush()
    data = bytes(500 - len(bytes(talk.there(UDP()))))
    talk = Talk(stage, family, 17, u32(c["A_FLOW_BYTE_RATE"], 1000), u32(c["A_FLOW_BURST"], 1000))
    for i in range(2):
        talk.crosses(f"{of}X2.2: 1000 bytes a second: 500 bytes go by ({i})",
                     talk.there(UDP() / Raw(data)))
    talk.dropped(of + "X2.2: no more do", talk.there(UDP() / Raw(data)), "drop-flow-rate")
    stage.flush()
    talk = Talk(stage, family, 17, u32(c["A_FLOW_BYTE_RATE"], 1000), u32(c["A_FLOW_BURST"], 100))
    talk.crosses(of + "X2.2: a packet larger than the burst goes by when nothing did before",
                 talk.there(UDP() / Raw(data)))
    talk.dropped(of + "X2.2: but then nothing for its time", talk.there(UDP()), "drop-flow-rate")
    stage.flush()


def refused(stage, name, error, sentence, *more):
    near, far = NETS[4]
    try:
        stage.flow((5, 17, near + "2", 1, near + "9", 53), (6, 17, far + "9", 53, far + "2", 1), *more)
        tap.point(False, name, "it was not refused")
    except Refused as refusal:
        tap.point(refusal.name == error and sentence in (refusal.sentence or ""), name, refusal)


def bad_input(stage):
    before = stage.rewire.stats()
    refused(stage, "G13: a code point of more than 6 bits", "ERANGE", "", dscp(64))
    refused(stage, "G13: a mode of hops that there is not", "ERANGE", "", u32(c["A_FLOW_HOPS"], 3))
    refused(stage, "G13: a hop limit of 0", "ERANGE", "", hops("SET", 0))
    refused(stage, "G13: the mode set without a limit", "EINVAL", "hop limit", hops("SET"))
    refused(stage, "G13: a hop limit without the mode set", "EINVAL", "hop limit", hops("KEEP", 3))
    refused(stage, "G13: a rate of 0", "ERANGE", "", u32(c["A_FLOW_PACKET_RATE"], 0))
    refused(stage, "G13: a burst without a rate", "EINVAL", "burst", u32(c["A_FLOW_BURST"], 3))
    refused(stage, "G13: two rates", "EINVAL", "packets",
            u32(c["A_FLOW_PACKET_RATE"], 1), u32(c["A_FLOW_BYTE_RATE"], 1))
    after = stage.rewire.stats()
    tap.equal("G13: nothing has changed", (after["flows"], after["created"]),
              (before["flows"], before["created"]))


def run():
    stage = two_ports()
    for test in (between_networks, one_way, two_way_still_excludes, marks, hop_limits, limits,
                 bad_input):
        test(stage)
    return stage

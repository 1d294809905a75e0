# SPDX-License-Identifier: GPL-2.0
"""Which packets keep a flow alive: those that go by it, in either direction."""
import time

import tap
from netlink import u32
from packets import UDP, Raw, c
from talk import Talk, two_ports

TIMEOUT = 2     # seconds
LAYER = UDP() / Raw(b"x")


def refresh(stage):
    """A UDP flow for each kind of packet that may do so, and some of those every now and then."""
    timeout = u32(c["A_FLOW_TIMEOUT"], TIMEOUT * 1000)
    talks = {(family, who): Talk(stage, family, 17, timeout, sport=1000 + i, new_sport=4000 + i)
             for family in (4, 6) for i, who in enumerate(("inside", "outside", "strangers"))}
    rule = stage.rule(6, "drop")
    sent = []
    for (_, who), talk in talks.items():
        packet = talk.there(LAYER) if who == "inside" else talk.back(LAYER)
        if who == "strangers":
            packet["UDP"].sport += 1    # to the flow's public end, by somebody else
        sent.append((stage.a if who == "inside" else stage.b, bytes(packet)))
    end = time.monotonic() + 2.5 * TIMEOUT
    while time.monotonic() < end:
        for port, packet in sent:
            port.send(packet)
        time.sleep(0.1)
    stage.received()
    tap.point(stage.moved().get("drop-rule", 0) > 2, "RFC 7857: strangers' packets are dropped")
    for family in 4, 6:
        name = f"a UDP/IPv{family} flow"
        talk = talks[family, "inside"]
        talk.crosses(f"RFC 4787 REQ-6: packets from inside alone keep {name} alive", talk.there(LAYER))
        talk = talks[family, "outside"]
        talk.crosses(f"RFC 4787 REQ-6: so do packets from outside alone: {name}", talk.back(LAYER))
        talk = talks[family, "strangers"]
        talk.dropped(f"RFC 7857 refresh: packets from outside that are dropped do not: {name}",
                     talk.back(LAYER), "drop-rule")
    tap.point(tap.wait_for(10 * TIMEOUT, lambda: stage.rewire.stats()["flows"] == 0),
              "RFC 4787 REQ-6: without packets, all of them end", stage.counters())
    stage.rule_delete(rule)
    stage.flush()


def run():
    stage = two_ports()
    refresh(stage)
    return stage

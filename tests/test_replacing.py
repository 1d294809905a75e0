#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A flow is deleted and made anew with another translation, again and again, under traffic.

Each packet meets the one or the other, or no flow at all, and nothing in between.
"""
import os
import sys
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), folder)
                for folder in ("lib", "behaviour")]
import tap
from netlink import Rewire, u8
from packets import UDP, IP, Raw, c, describe, translated
from talk import two_ports

SECONDS = float(os.environ.get("REWIRE_TEST_SECONDS", 5))
GUEST, SERVICE = ("10.5.0.2", 1000), ("10.5.0.9", 53)
# Of each: the guest's and the server's new addresses and ports, and the DSCP
BOTH = (("10.6.0.2", 4000), ("10.6.0.9", 5353), 10), (("10.6.0.3", 4001), ("10.6.0.8", 5454), 46)


def make(stage, translation):
    (guest, sport), (server, dport), dscp = translation
    stage.flow((5, 17, *GUEST, *SERVICE), (6, 17, server, dport, guest, sport), u8(c["A_FLOW_DSCP"], dscp))


def replace(stage):
    """In a process of its own, and so by another socket, until it is ended."""
    stage.rewire = Rewire()
    key = stage.rewire.tuple(c["A_FLOW_MESSAGE_KEY"], 5, 17, *GUEST, *SERVICE)
    while True:
        for translation in BOTH:
            make(stage, translation)
            time.sleep(0.001)
            stage.rewire.command("FLOW_DEL", key)


def outcome(packet, translation):
    (guest, sport), (server, dport), dscp = translation
    packet = packet.copy()
    packet.tos = dscp << 2
    return bytes(translated(packet, guest, server, sport, dport))


def set_up():
    global stage, packet
    stage = two_ports()
    stage.rule(5, "drop")
    packet = IP(src=GUEST[0], dst=SERVICE[0]) / UDP(sport=GUEST[1], dport=SERVICE[1]) / Raw(b"data")
    for number, translation in enumerate(BOTH):
        make(stage, translation)
        stage.expect(f"G5: by translation {number + 1} alone, a packet comes out as it says", stage.a, packet,
                     [(stage.b, outcome(packet, translation))])
        stage.flush()


def race():
    met, strange = {outcome(packet, translation): 0 for translation in BOTH}, []
    child = os.fork()
    if not child:
        try:
            replace(stage)
        finally:                # whatever happens, the points are the parent's
            os._exit(1)
    end, sent = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        stage.a.send(packet)
        sent += 1
        for _, out in stage.received():
            if out in met:
                met[out] += 1
            else:
                strange.append(out)
    os.kill(child, 9)
    os.waitpid(child, 0)
    stage.rewire.command("FLOW_FLUSH")
    print(f"# {sent} packets; out by each translation: {[*met.values()]}", flush=True)
    tap.point(not strange, "G5: while they take turns, each packet comes out by the one or the other", len(strange),
              *map(describe, strange[:3]))
    tap.point(min(met.values()) > 20, "and both had their turns", met.values())
    tap.point(stage.balanced(), "G10: received = translated + passed + dropped + held", stage.counters())
    stage.close()


tap.run(set_up, race)

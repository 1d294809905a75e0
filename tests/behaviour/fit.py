# SPDX-License-Identifier: GPL-2.0
"""Packets that do not fit the device that they have to leave by."""
import tap
from packets import IP, Raw
from scapy.layers.inet import fragment
from talk import talks, two_ports

DATA = bytes(range(256)) * 12


def room(talk, layer, mtu):
    return mtu - len(bytes(talk.there(layer)))


def at_the_limit(stage):
    for name, talk, layer in talks(stage):
        flags = {"flags": "DF"} if talk.family == 4 else {}
        fits = room(talk, layer, 1300)
        talk.crosses(f"RFC 1191, 8201: {name}: 1300 bytes fit a device of 1300",
                     talk.there(layer / Raw(DATA[:fits]), **flags))
        stage.a.send(talk.there(layer / Raw(DATA[:fits + 1]), **flags))
        leaked = [packet for port, packet in stage.received() if port is stage.b]
        moved = stage.moved()
        tap.point(not leaked and moved.get("drop-too-big") == 1 and "translated" not in moved,
                  f"RFC 1191, 8201: {name}: 1301 bytes that must not be fragmented do not leave",
                  leaked, moved)
    stage.flush()


def fragmented(stage):
    """Without DF, IPv4 packets are fragmented behind the translation.

    With an identification that is the host's, for many share an address (RFC 7857, 9).
    """
    for name, talk, layer in talks(stage):
        if talk.family == 6:
            continue
        for size in room(talk, layer, 1300) + 1, room(talk, layer, 1500):
            packet = talk.there(layer / Raw(DATA[:size]), id=0x4242)
            parts = fragment(IP(bytes(talk.across(packet))), fragsize=1300 - 20)
            stage.a.send(packet)
            out = [data for port, data in stage.received() if port is stage.b]
            for part in parts:
                del part.chksum
                part.id = IP(out[0]).id if out else 0
            tap.equal(f"RFC 791: {name}: {size} bytes of data leave as {len(parts)} fragments",
                      [data.hex() for data in out], [bytes(part).hex() for part in parts])
            tap.equal(f"RFC 791: {name}: {size} bytes of data are one packet to the counters",
                      stage.moved(), {"received": 1, "translated": 1})
    stage.flush()


def run():
    stage = two_ports()
    stage.route.mtu(stage.b.index, 1300)
    for test in at_the_limit, fragmented:
        test(stage)
    return stage

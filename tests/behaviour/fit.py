# SPDX-License-Identifier: GPL-2.0
"""Packets that do not fit the device that they have to leave by."""
import tap
from packets import IP, UDP, Raw
from scapy.layers.inet import fragment
from talk import NETS, Talk, talks, two_ports

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


def tiny_routes(stage):
    """An administrator may give a route an MTU that is none (RFC 791, 3.2; RFC 8200, 5).

    Neither the packet nor the error about it, which has the way back, goes by such a route.
    """
    for family, sizes in (4, (1, 20, 27, 28, 36, 67)), (6, (1, 40, 47, 48, 56, 95)):
        near, far = NETS[family]
        for number, mtu in enumerate(sizes, 0x50):
            guest, server = f"{near}{number}", f"{far}{number}"
            stage.route.to(guest, stage.a.index, mtu=mtu)
            stage.route.to(server, stage.b.index, mtu=mtu)
            talk = Talk(stage, family, 17, guest=guest, server=server)
            for fields in ({}, {"flags": "DF"}) if family == 4 else ({},):
                stage.a.send(talk.there(UDP() / Raw(DATA[:200]), **fields))
                leaked = [packet for port, packet in stage.received() if port is stage.b]
                tap.point(not leaked and stage.moved() == {"received": 1, "drop-too-big": 1},
                          f"RFC 791, 8200: IPv{family}: nothing leaves by a route with an MTU of {mtu}"
                          f"{', nor with DF' * bool(fields)}", leaked)
    stage.flush()


def run():
    stage = two_ports()
    stage.route.mtu(stage.b.index, 1300)
    for test in at_the_limit, fragmented, tiny_routes:
        test(stage)
    return stage

# SPDX-License-Identifier: GPL-2.0
"""Time to live and hop limit."""
import tap
from packets import Raw
from talk import Ping, talks, two_ports


def field(family):
    return "ttl" if family == 4 else "hlim"


def decreased(stage):
    for name, talk, layer in talks(stage):
        rfc = "RFC 1812 5.3.1" if talk.family == 4 else "RFC 8200 3"
        for hops in 255, 128, 3, 2:
            talk.crosses(f"{rfc}: {name} there: {hops} hops become {hops - 1}",
                         talk.there(layer / Raw(b"x"), **{field(talk.family): hops}))
            talk.crosses(f"{rfc}: {name} back: {hops} hops become {hops - 1}",
                         talk.back(layer / Raw(b"x"), **{field(talk.family): hops}))
    for family in 4, 6:
        ping = Ping(stage, family)
        ping.crosses(f"RFC 792, 4443: echo/IPv{family}: 2 hops become 1",
                     ping.there(**{field(family): 2}))
    stage.flush()


def exhausted(stage):
    """Nobody is told of the host's own addresses here: counters and silence."""
    for name, talk, layer in talks(stage):
        for hops in 1, 0:
            port = stage.a
            port.send(talk.there(layer / Raw(b"x"), **{field(talk.family): hops}))
            came = [got for got, packet in stage.received() if got is not port]
            moved = stage.moved()
            good = not came and moved.get("drop-ttl") == 1 and "translated" not in moved
            tap.point(good, f"RFC 1812 5.3.1, RFC 8200: {name}: {hops} hops are too few to cross",
                        f"came: {came}", f"counters: {moved}")
    stage.flush()


def run():
    stage = two_ports()
    for test in decreased, exhausted:
        test(stage)
    return stage

# SPDX-License-Identifier: GPL-2.0
"""From one guest to another of the same network, each known to the other by a public address.

    10.5.0.2, public 203.0.113.64 ──┐
                                    a VNI 5
    10.5.0.3, public 203.0.113.65 ──┘
"""
from packets import Raw, translated
from talk import HEADERS, PROTOCOLS, two_ports

GUESTS = {4: ("10.5.0.2", "10.5.0.3"), 6: ("fd00:5::2", "fd00:5::3")}
PUBLIC = {4: ("203.0.113.64", "203.0.113.65"), 6: ("2001:db8:f::64", "2001:db8:f::65")}


def both_ends_are_rewritten(stage):
    for family in 4, 6:
        (one, two), (public_one, public_two) = GUESTS[family], PUBLIC[family]
        for kind, number in PROTOCOLS.items():
            name = f"{kind.__name__}/IPv{family}"
            stage.flow((5, number, one, 1000, public_two, 80), (5, number, two, 8080, public_one, 4000))
            sent = HEADERS[family](src=one, dst=public_two) / kind(sport=1000, dport=80) / Raw(b"hello")
            stage.expect(f"RFC 4787 REQ-9: {name}: there, by the mapped address and port", stage.a, sent,
                         [(stage.a, translated(sent, public_one, two, 4000, 8080))])
            sent = HEADERS[family](src=two, dst=public_one) / kind(sport=8080, dport=4000) / Raw(b"answer")
            stage.expect(f"RFC 4787 REQ-9: {name}: and back", stage.a, sent,
                         [(stage.a, translated(sent, public_two, one, 80, 1000))])
            sent = HEADERS[family](src=two, dst=public_one) / kind(sport=8080, dport=4001)
            stage.alone(f"RFC 4787 REQ-9: {name}: not to another port", stage.a, sent, received=1, passed=1)
    stage.flush()


def run():
    stage = two_ports()
    both_ends_are_rewritten(stage)
    return stage

# SPDX-License-Identifier: GPL-2.0
"""A flow lives as long as the target that it was decided for is not down."""
import tap
from netlink import Rewire, attributes, nest, u32, u64
from packets import UDP, Raw, c, translated
from talk import NETS, Talk, two_ports

TARGET, OTHER = 3, 4


def set_state(stage, number, state):
    stage.rewire.command("TARGET_SET", u32(c["A_TARGET_ID"], number) +
                         u32(c["A_TARGET_STATE"], c["TARGET_STATE_" + state]))


def punted(listener):
    """The attributes of the one punt that has come."""
    batch = listener.notification()
    punts = [dict(attributes(value)) for kind, value in attributes(batch[4:])
             if kind == c["A_PUNT_BATCH_PUNT"]]
    return punts[0] if len(punts) == 1 else {}


def answer(stage, punt, talk, server):
    """As before, but to another server, and for the other target."""
    sport, dport, new_sport, new_dport = talk.ports
    stage.rewire.command("VERDICT_ADD", nest(
        c["A_VERDICT_BATCH_VERDICT"],
        u64(c["A_VERDICT_PUNT_ID"], int.from_bytes(punt[c["A_PUNT_ID"]], "little")),
        u32(c["A_VERDICT_ACTION"], c["VERDICT_ACTION_FLOW"]),
        nest(c["A_VERDICT_FLOW"],
             stage.rewire.tuple(c["A_FLOW_ORIG"], 5, 17, talk.guest, sport, talk.service, dport),
             stage.rewire.tuple(c["A_FLOW_REPLY"], 6, 17, server, new_dport, talk.new_guest, new_sport),
             u32(c["A_FLOW_TARGET"], OTHER))))


def decided_anew(stage, listener, family):
    name, server = f"IPv{family}", NETS[family][1] + "8"
    set_state(stage, TARGET, "ACTIVE")
    set_state(stage, OTHER, "ACTIVE")
    talk = Talk(stage, family, 17, u32(c["A_FLOW_TARGET"], TARGET))
    sent = talk.there(UDP() / Raw(b"data"))
    talk.crosses(f"S1.11: {name}: by a target that is active", sent)
    set_state(stage, TARGET, "DRAINING")
    talk.crosses(f"S1.11: {name}: a flow goes on while its target is drained", sent)
    talk.crosses(f"S1.11: {name}: and back", talk.back(UDP() / Raw(b"answer")))
    set_state(stage, TARGET, "DOWN")
    stage.a.send(sent)
    stage.check(f"S1.11: {name}: when it is down, the next packet ends the flow, and is held", [],
                received=1, close_target=1)
    punt = punted(listener)
    tap.equal(f"S1.11: {name}: and asks for that reason",
              int.from_bytes(punt.get(c["A_PUNT_REASON"], b""), "little"), c["PUNT_REASON_TARGET_DOWN"])
    answer(stage, punt, talk, server)
    new = translated(sent, talk.new_guest, server, 4000, 5353)
    stage.check(f"S1.11: {name}: what was held leaves by the new decision", [(stage.b, new)], translated=1)
    talk.crosses(f"S1.11: {name}: and so do those after it", sent, [new])
    set_state(stage, TARGET, "ACTIVE")
    talk.crosses(f"S1.11: {name}: also when the first target is back", sent, [new])
    stage.flush()


def run():
    stage = two_ports()
    stage.rule(5, "punt")
    listener = Rewire()
    listener.command("PUNT_LISTEN", u32(c["A_PUNT_BATCH_VERSION"], c.get("INTERFACE_VERSION", 1)))
    stage.counters()
    for family in 4, 6:
        decided_anew(stage, listener, family)
    listener.close()
    return stage

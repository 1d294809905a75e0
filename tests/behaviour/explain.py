# SPDX-License-Identifier: GPL-2.0
"""What the kernel says about a packet is what becomes of it, and to ask changes nothing."""
import socket

import tap
from netlink import DUMP, Refused, Rewire, address, attr, attributes, be16, nest, u32, u64, u8
from packets import IP, REASONS, TCP, UDP, IPv6, Raw, c
from talk import Ping, Talk, talks, two_ports

UDP4 = IP(src="10.5.0.2", dst="10.5.0.9") / UDP(sport=1000, dport=53)
FATES = {value: key[len("FATE_"):].lower() for key, value in c.items() if key.startswith("FATE_")}
# Of a flow or an object, what goes on by itself
CLOCKS = c["A_FLOW_AGE"], c["A_FLOW_IDLE"], c["A_FLOW_EXPIRES"]


def number(value):
    return int.from_bytes(value, "little")


def question(port, packet, **more):
    """A packet as the attributes that describe it."""
    ip = packet.getlayer(IP) or packet.getlayer(IPv6)
    ipv4, inner = isinstance(ip, IP), ip.payload
    protocol = ip.proto if ipv4 else ip.nh
    parts = {
        "IFINDEX": u32(c["A_EXPLANATION_IFINDEX"], port.index),
        "PROTOCOL": u8(c["A_EXPLANATION_PROTOCOL"], protocol),
        "SRC": address(c["A_EXPLANATION_SRC"], ip.src),
        "DST": address(c["A_EXPLANATION_DST"], ip.dst),
        "LENGTH": u32(c["A_EXPLANATION_LENGTH"], len(bytes(packet))),
        "HOP_LIMIT": u8(c["A_EXPLANATION_HOP_LIMIT"], ip.ttl if ipv4 else ip.hlim),
    }
    if "sport" in inner.fields:
        parts["SPORT"] = be16(c["A_EXPLANATION_SPORT"], inner.sport)
        parts["DPORT"] = be16(c["A_EXPLANATION_DPORT"], inner.dport)
    elif "id" in inner.fields:
        kind = "SPORT" if inner.type in (8, 128) else "DPORT"
        parts[kind] = be16(c["A_EXPLANATION_" + kind], inner.id)
    if protocol == 6:
        parts["TCP_FLAGS"] = u8(c["A_EXPLANATION_TCP_FLAGS"], int(inner.flags))
    if ipv4 and "DF" in str(ip.flags):
        parts["DF"] = attr(c["A_EXPLANATION_DF"])
    parts.update(more)
    return b"".join(parts.values())


def ask(stage, payload):
    """The answer by name."""
    names = {value: key[len("A_EXPLANATION_"):].lower() for key, value in c.items()
             if key.startswith("A_EXPLANATION_")}
    answer = {names[kind]: value for kind, value in stage.rewire.command("PACKET_EXPLAIN", payload)[0]}
    answer["fate"] = FATES[number(answer["fate"])]
    for name in "reason", "ends":
        if name in answer:
            answer[name] = REASONS[number(answer[name])]
    return answer


def state(stage):
    """All that there is to see, but for the time."""
    stats = stage.rewire.stats(reasons=True)
    for name in "objects", "punts", "punt_batches", "punts_asked", "punts_queued", "expiry_ns":     # done by and by
        stats.pop(name)
    flows = [[(kind, value) for kind, value in attributes(dict(answer)[c["A_FLOW_MESSAGE_FLOW"]])
              if kind not in CLOCKS] for answer in stage.rewire.command("FLOW_GET", b"", DUMP)]
    return stats, flows, [stage.rewire.command(name, b"", DUMP) for name in
                          ("RULE_GET", "LIMIT_GET", "TARGET_GET", "POLICY_GET")]


def foretold(answer):
    """The counters that move by a packet of which this was said."""
    if answer["fate"] == "pass" and ("foreign" in answer or "unattached" in answer):
        return {}
    counts = {"received": 1}
    if answer["fate"] == "drop":
        counts[answer["reason"]] = 1
    elif answer["fate"] in ("pass", "translate"):
        counts[answer["fate"] + ("ed" if answer["fate"] == "pass" else "d")] = 1
    if "ends" in answer:
        counts[answer["ends"]] = 1
    return counts


def agrees(stage, name, port, packet, fate, reason=None, **more):
    """Points: this is said of the packet, nothing changes by that, and then it happens."""
    stage.received()
    stage.moved()
    before = state(stage)
    answers = [ask(stage, question(port, packet, **more)) for _ in range(3)]
    after = state(stage)
    answer = answers[0]
    tap.equal(f"G10: explain: {name}: {fate} {reason or ''}", (answer["fate"], answer.get("reason")), (fate, reason))
    tap.point(before == after and len({one["fate"] for one in answers}) == 1,
              f"G10: explain: {name}: to ask changes nothing", before, after)
    held, forwarded = stage.held, stage.stats["forwarded"]
    port.send(packet)
    out = [(other.name, new) for other, new in stage.received() if other is not port]
    moved = stage.moved()
    moved.pop("drop-neighbour", None)
    good = moved == foretold(answer) and stage.held - held == (fate in ("hold", "join")) and \
        stage.stats["forwarded"] - forwarded == (fate == "forward")
    tap.point(good, f"G10: explain: {name}: it happens", moved, foretold(answer), answer, stage.held - held)
    return answer, out


def tuple_of(packet):
    """Addresses of a packet that came out."""
    if packet[0] >> 4 == 4:
        return packet[12:16], packet[16:20]
    return packet[8:24], packet[24:40]


def leaves(stage, name, port, packet):
    """Points: and where and as what it leaves is so, too."""
    answer, out = agrees(stage, name, port, packet, "translate")
    becomes = dict(attributes(answer["becomes"]))
    device = socket.if_indextoname(number(answer["out_ifindex"]))
    tap.equal(f"G10: explain: {name}: leaves so, by that device", [(device, tuple_of(new)) for device, new in out],
              [(device, (becomes[c["A_TUPLE_SRC"]], becomes[c["A_TUPLE_DST"]]))])


def flows(stage):
    """Both directions of a flow, and what may keep a packet from leaving."""
    for name, talk, layer in talks(stage):
        leaves(stage, f"{name} there", stage.a, talk.there(layer / Raw(b"x")))
        leaves(stage, f"{name} back", stage.b, talk.back(layer / Raw(b"x")))
    for family in 4, 6:
        ping = Ping(stage, family)
        leaves(stage, f"echo request, IPv{family}", stage.a, ping.there(Raw(b"x")))
        leaves(stage, f"echo reply, IPv{family}", stage.b, ping.back(Raw(b"x")))
    stage.flush()
    talk = Talk(stage, 4, 17)
    agrees(stage, "no hops left", stage.a, talk.there(UDP(), ttl=1), "drop", "drop-ttl")
    stage.route.mtu(stage.b.index, 1300)
    large = UDP() / Raw(bytes(1400))
    agrees(stage, "not to be fragmented", stage.a, talk.there(large, flags="DF"), "drop", "drop-too-big")
    answer, out = agrees(stage, "to be fragmented", stage.a, talk.there(large), "translate")
    tap.point("fragmented" in answer and len(out) == 2, "G10: explain: in fragments it leaves", answer, out)
    stage.route.mtu(stage.b.index, 1500)
    stage.flush()
    agrees(stage, "a broadcast address behind it", stage.a, Talk(stage, 4, 17, server="10.6.0.255").there(UDP()),
           "drop", "drop-no-route")
    stage.flush()
    talk = Talk(stage, 4, 17, u32(c["A_FLOW_PACKET_RATE"], 1))
    agrees(stage, "one packet a second", stage.a, talk.there(UDP()), "translate")
    agrees(stage, "the next one", stage.a, talk.there(UDP()), "drop", "drop-flow-rate")
    stage.flush()


def host(stage):
    """For the host itself."""
    local = attr(c["A_ATTACH_LOCAL"])
    stage.rewire.command("ATTACH_ADD", local + u32(c["A_ATTACH_VNI"], 6))
    talk = Talk(stage, 4, 17, server="10.6.0.1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as service:
        service.bind(("10.6.0.1", 5353))
        answer, _ = agrees(stage, "for the host", stage.a, talk.there(UDP()), "translate")
    tap.point("to_host" in answer, "G10: explain: it says that the host gets it", answer)
    stage.rewire.command("ATTACH_DEL", local)
    stage.flush()


def verdicts(stage):
    """Entries that translate nothing."""
    for action, fate, reason in ("PASS", "pass", None), ("DROP", "drop", "drop-verdict"):
        stage.rewire.command("VERDICT_ADD", nest(
            c["A_VERDICT_BATCH_VERDICT"], u32(c["A_VERDICT_ACTION"], c["VERDICT_ACTION_" + action]),
            stage.rewire.tuple(c["A_VERDICT_TUPLE"], 5, 17, "10.5.0.2", 1000, "10.5.0.9", 53),
            u32(c["A_VERDICT_LIFETIME"], 60000)))
        agrees(stage, f"a verdict that says {action.lower()}", stage.a, UDP4, fate, reason)
        stage.flush()


def policy(stage, *parts):
    stage.rewire.command("POLICY_SET", u32(c["A_POLICY_ID"], 7) + b"".join(parts))


def connections(stage):
    """TCP by its flags: the numbers are the next ones."""
    policy(stage, u32(c["A_POLICY_TCP"], c["TCP_MODE_STRICT"]), u32(c["A_POLICY_PICKUP"], 0))
    talk = Talk(stage, 4, 6, u32(c["A_FLOW_POLICY"], 7))
    leaves(stage, "SYN", stage.a, talk.there(TCP(flags="S", seq=100)))
    leaves(stage, "SYN and ACK", stage.b, talk.back(TCP(flags="SA", seq=500, ack=101)))
    leaves(stage, "ACK", stage.a, talk.there(TCP(flags="A", seq=101, ack=501)))
    agrees(stage, "a SYN on what is established", stage.a, talk.there(TCP(flags="S", seq=9)),
           "drop", "drop-tcp-syn")
    leaves(stage, "a reset", stage.a, talk.there(TCP(flags="RA", seq=101, ack=501)))
    rule = stage.rule(5, "punt", u32(c["A_RULE_POLICY"], 7))
    answer, _ = agrees(stage, "a SYN after it", stage.a, talk.there(TCP(flags="S", seq=7000)),
                       "drop", "drop-no-daemon")
    tap.equal("G10: explain: it ends the flow, then meets the rule",
              (answer.get("ends"), number(answer["rule"])), ("close-reused", rule))
    agrees(stage, "the middle of no connection", stage.a,
           IP(src="10.5.0.2", dst="10.5.0.9") / TCP(sport=1001, dport=53, flags="A"),
           "drop", "drop-tcp-pickup")
    stage.rule_delete(rule)
    stage.rewire.command("POLICY_DEL", u32(c["A_POLICY_ID"], 7))
    stage.flush()


def target(stage):
    stage.rewire.command("TARGET_SET", u32(c["A_TARGET_ID"], 3) + u32(c["A_TARGET_STATE"], 0))
    talk = Talk(stage, 4, 17, u32(c["A_FLOW_TARGET"], 3))
    leaves(stage, "a target", stage.a, talk.there(UDP()))
    stage.rewire.command("TARGET_SET", u32(c["A_TARGET_ID"], 3) +
                         u32(c["A_TARGET_STATE"], c["TARGET_STATE_DOWN"]))
    leaves(stage, "a target that is down, back", stage.b, talk.back(UDP()))
    answer, _ = agrees(stage, "a target that is down", stage.a, talk.there(UDP()), "pass")
    tap.equal("G10: explain: for that reason", answer.get("ends"), "close-target")
    stage.rewire.command("TARGET_DEL", u32(c["A_TARGET_ID"], 3))


def rules(stage):
    """Without a flow."""
    agrees(stage, "no rule", stage.a, UDP4, "pass")
    agrees(stage, "no rule, GRE", stage.a, IP(src="10.5.0.2", dst="10.5.0.9", proto=47), "pass")
    for name, action, parts, fate, reason in (
            ("drop", "drop", b"", "drop", "drop-rule"), ("pass", "pass", b"", "pass", None),
            ("punt without a daemon", "punt", b"", "drop", "drop-no-daemon"),
            ("punt, orphans pass", "punt", u32(c["A_RULE_ORPHAN"], c["ORPHAN_MODE_PASS"]), "pass", None),
            ("forward", "forward", u32(c["A_RULE_VIA_IFINDEX"], stage.b.index), "forward", None)):
        rule = stage.rule(5, action, parts)
        answer, _ = agrees(stage, f"a rule: {name}", stage.a, UDP4, fate, reason)
        tap.equal(f"G10: explain: a rule: {name}: it is named", number(answer["rule"]), rule)
        if action == "forward":
            tap.equal("G10: explain: by that device", number(answer["out_ifindex"]), stage.b.index)
            agrees(stage, "forward, no hops left", stage.a,
                   IP(src="10.5.0.2", dst="10.5.0.9", ttl=1) / UDP(sport=1000, dport=53), "drop", "drop-ttl")
        stage.rule_delete(rule)
    rule = stage.rule(5, "punt", u32(c["A_RULE_ORPHAN"], c["ORPHAN_MODE_HOLD"]))
    agrees(stage, "AH cannot be translated", stage.a, IP(src="10.5.0.2", dst="10.5.0.9", proto=51) / Raw(bytes(12)),
           "drop", "drop-unsupported")
    stage.rule_delete(rule)


def flow_to(port):
    return IP(src="10.5.0.2", dst="10.5.0.9") / UDP(sport=1000, dport=port)


def limit(stage, *parts):
    """The packets that are held are let go, so that they come back while nothing is counted."""
    network = u32(c["A_LIMIT_VNI"], 5)
    if parts:
        stage.rewire.command("LIMIT_SET", network + b"".join(parts))
    else:
        stage.rewire.command("LIMIT_DEL", network)


def holds(stage):
    """With a daemon that says nothing: who waits, who joins, and who finds no room."""
    daemon = Rewire()
    daemon.command("PUNT_LISTEN", u32(c["A_PUNT_BATCH_VERSION"], c.get("INTERFACE_VERSION", 1)))
    rule = stage.rule(5, "punt")
    agrees(stage, "a question to the daemon", stage.a, UDP4, "hold")
    agrees(stage, "one more of that flow", stage.a, UDP4, "join")
    for _ in range(14):
        stage.a.send(UDP4)
    agrees(stage, "a seventeenth", stage.a, UDP4, "drop", "drop-hold-packets")
    let_go(stage)
    limit(stage, u32(c["A_LIMIT_RATE"], 1), u32(c["A_LIMIT_BURST"], 1))
    agrees(stage, "one new flow a second", stage.a, flow_to(1), "hold")
    agrees(stage, "another in that second", stage.a, flow_to(2), "drop", "drop-rate")
    let_go(stage)
    limit(stage, u32(c["A_LIMIT_RATE"], 0), u32(c["A_LIMIT_BURST"], 0), u32(c["A_LIMIT_HOLDS"], 1))
    agrees(stage, "one flow may be held", stage.a, flow_to(3), "hold")
    agrees(stage, "another one not", stage.a, flow_to(4), "drop", "drop-vni-held")
    let_go(stage)
    limit(stage, u32(c["A_LIMIT_HOLDS"], 0), u32(c["A_LIMIT_FLOWS_HARD"], 1))
    talk = Talk(stage, 4, 6)
    for port, packet in ((stage.a, talk.there(TCP(flags="S", seq=1))),
                         (stage.b, talk.back(TCP(flags="SA", seq=5, ack=2))),
                         (stage.a, talk.there(TCP(flags="A", seq=2, ack=6)))):
        port.send(packet)
    agrees(stage, "as many flows as there may be", stage.a, flow_to(5), "drop", "drop-vni-full")
    limit(stage)
    stage.flush()
    stage.rule_delete(rule)
    rule = stage.rule(5, "punt", u32(c["A_RULE_HOLD"], c["HOLD_MODE_DROP"]))
    agrees(stage, "a rule that does not hold", stage.a, flow_to(6), "drop", "drop-hold-mode")
    stage.rule_delete(rule)
    daemon.close()


def let_go(stage):
    """What is held times out."""
    tap.wait_for(5, lambda: not stage.rewire.stats()["holds"])


def strangers(stage):
    """What is none of the module's business."""
    agrees(stage, "multicast", stage.a, IP(src="10.5.0.2", dst="224.0.0.5") / UDP(sport=1, dport=2), "pass")
    other = stage.port("c", None, "10.8.0.1/24")
    answer, _ = agrees(stage, "a device that is not attached", other, UDP4, "pass")
    tap.point("unattached" in answer, "G10: explain: it says so", answer)
    by_network = {"IFINDEX": u32(c["A_EXPLANATION_VNI"], 5)}
    answer, _ = agrees(stage, "by its virtual network alone", stage.a, UDP4, "pass", **by_network)
    tap.equal("G10: explain: the device is found", number(answer["ifindex"]), stage.a.index)


def refused(stage):
    """Questions without sense."""
    for name, error, more in (
            ("a device and local", "EINVAL", {"LOCAL": attr(c["A_EXPLANATION_LOCAL"])}),
            ("neither of them", "EINVAL", {"IFINDEX": b""}),
            ("another virtual network", "EINVAL", {"VNI": u32(c["A_EXPLANATION_VNI"], 6)}),
            ("no destination", "EINVAL", {"DST": b""}),
            ("two families", "EINVAL", {"DST": address(c["A_EXPLANATION_DST"], "fd00:5::9")}),
            ("half an address", "EINVAL", {"SRC": attr(c["A_EXPLANATION_SRC"], b"\n\0")}),
            ("ports of GRE", "EINVAL", {"PROTOCOL": u8(c["A_EXPLANATION_PROTOCOL"], 47)}),
            ("two identifiers", "EINVAL", {"PROTOCOL": u8(c["A_EXPLANATION_PROTOCOL"], 1)}),
            ("shorter than its headers", "EMSGSIZE", {"LENGTH": u32(c["A_EXPLANATION_LENGTH"], 27)}),
            ("of 65536 bytes", "ERANGE", {"LENGTH": u32(c["A_EXPLANATION_LENGTH"], 65536)})):
        try:
            wrong = ask(stage, question(stage.a, UDP4, **more))
        except Refused as refusal:
            wrong = (refusal.name, bool(refusal.sentence)) != (error, True) and refusal
        tap.point(not wrong, f"G10: explain: {name} is refused with a sentence", wrong)


def run():
    stage = two_ports()
    for test in flows, host, verdicts, connections, target, rules, holds, strangers, refused:
        test(stage)
    return stage

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A daemon installs nothing of virtual networks that it does not decide for: S2.8, T2.4.

This process listens for punts. Ports a, b and d are in VNI 10, 20 and 30.
"""
import errno
import os
import socket
import struct
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "lib"))
import tap
from netlink import DUMP, Refused, Rewire, attributes, nest, u32
from packets import IP, UDP, Stage, c

VERSION = u32(c["A_PUNT_BATCH_VERSION"], c.get("INTERFACE_VERSION", 1))
MOST = 131072
SENTENCE = "This process does not decide for the virtual network"
OWN = (10, 17, "10.10.0.2", 1000, "10.10.0.9", 53)


def set_up():
    global stage, daemon, other
    stage = Stage()
    for name, vni in ("a", 10), ("b", 20), ("d", 30):
        stage.port(name, vni, f"10.{vni}.0.1/24")
    daemon, other = Rewire(), Rewire()


def networks(*vnis):
    return b"".join(u32(c["A_PUNT_BATCH_NETWORK"], vni) for vni in vnis)


def listen(*vnis, by=None):
    (by or daemon).command("PUNT_LISTEN", VERSION + networks(*vnis))


def shown():
    return [struct.unpack("=I", value)[0] for answer in stage.rewire.command("NETWORK_GET", flags=DUMP)
            for _, value in answer]


def end(vni, port):
    return vni, 17, f"10.{vni}.0.9", 53, f"10.{vni}.0.1", port


def flow(kind, orig, reply, *copied):
    """OWN is the usual original direction; the others are virtual networks."""
    copies = [nest(c["A_COPIES_COPY"], stage.rewire.tuple(c["A_FLOW_REPLY"], *end(vni, 2001 + i)))
              for i, vni in enumerate(copied)]
    return nest(c[kind], stage.rewire.tuple(c["A_FLOW_ORIG"], orig, *OWN[1:]),
                stage.rewire.tuple(c["A_FLOW_REPLY"], *end(reply, 2000)),
                nest(c["A_FLOW_COPIES"], *copies) if copies else b"")


def verdict(*parts):
    """The error and sentence that a verdict fails with, or None."""
    answer = other.command("VERDICT_ADD", nest(c["A_VERDICT_BATCH_VERDICT"], *parts))[0]
    for kind, value in answer:
        if kind == c["A_VERDICT_BATCH_FAILURE"]:
            failure = dict(attributes(value))
            return (os.strerror(struct.unpack("=I", failure[c["A_FAILURE_ERROR"]])[0]),
                    failure[c["A_FAILURE_MESSAGE"]].rstrip(b"\0").decode())
    return None


def by_verdict(*vnis):
    return verdict(u32(c["A_VERDICT_ACTION"], c["VERDICT_ACTION_FLOW"]), flow("A_VERDICT_FLOW", *vnis))


def by_flow_add(*vnis):
    try:
        other.command("FLOW_ADD", flow("A_FLOW_MESSAGE_SPEC", *vnis))
    except Refused as refused:
        return os.strerror(getattr(errno, refused.name)), refused.sentence
    return None


def entry(action, vni, lifetime=60000):
    return verdict(u32(c["A_VERDICT_ACTION"], c["VERDICT_ACTION_" + action]),
                   stage.rewire.tuple(c["A_VERDICT_TUPLE"], vni, *OWN[1:]),
                   u32(c["A_VERDICT_LIFETIME"], lifetime) if lifetime else b"")


def forbidden():
    return stage.rewire.stats()["verdicts_forbidden"]


def case(name, push, good):
    """A push that succeeds makes a flow; one that does not makes none, and is counted."""
    before = forbidden()
    got = push()
    made, counted = stage.rewire.stats()["flows"], forbidden() - before
    wanted = (None, 1, 0) if good else (("Operation not permitted", SENTENCE), 0, 1)
    tap.equal(name, (got, made, counted), wanted)
    stage.flush()


def limits(allowed, ways=((by_verdict, "a verdict"), (by_flow_add, "a new flow"))):
    for push, name in ways:
        for what, vnis in (("in its own network", (10, 10)), ("from another", (20, 10)),
                           ("into another", (10, 20)), ("with a copy into another", (10, 10, 10, 20)),
                           ("from the first to the last", (10, 30, 30))):
            good = set(vnis) <= allowed
            case(f"S2.8: {name} {what} is {'taken' if good else 'refused with EPERM and counted'}",
                 lambda push=push, vnis=vnis: push(*vnis), good)
    for action in "DROP", "PASS":
        for vni in 10, 20:
            case(f"S2.8: a verdict to {action.lower()} what is of VNI {vni} is "
                 f"{'taken' if vni in allowed else 'refused'}",
                 lambda action=action, vni=vni: entry(action, vni), vni in allowed)


def no_limit():
    listen()
    tap.equal("who says nothing decides for all", shown(), [])
    limits({10, 20, 30})


def limited():
    listen(30, 10)
    tap.equal("a process names the networks that it decides for", shown(), [10, 30])
    limits({10, 30})
    tap.equal("one that drops what is held, and leaves nothing, is refused as well",
              entry("DROP", 20, 0), ("Operation not permitted", SENTENCE))
    listen(by=other)
    tap.equal("another socket that names none leaves them", shown(), [10, 30])
    for vni, good in (10, True), (20, False):
        try:
            stage.rewire.command("NETWORK_GET", networks(vni))
            answer = True
        except Refused as refused:
            answer = refused.name != "ENOENT"
        tap.equal(f"whether it decides for VNI {vni} is told", answer, good)


def in_child(function):
    """What a function returns in a process of its own."""
    reader, writer = os.pipe()
    if not os.fork():
        try:
            result = repr(function())
        except Refused as refused:
            result = refused.name
        os.write(writer, result.encode())
        os._exit(0)
    os.wait()
    os.close(writer)
    with os.fdopen(reader) as file:
        return file.read()


def others():
    """Who does not listen is not bound, and binds nobody."""
    def add():
        Rewire().command("FLOW_ADD", flow("A_FLOW_MESSAGE_SPEC", 20, 20))

    tap.equal("another process may install anything", (in_child(add), stage.rewire.stats()["flows"]),
              ("None", 1))
    stage.flush()
    tap.equal("but not say for what networks others decide",
              in_child(lambda: Rewire().command("NETWORK_SET", networks(20))), "ESRCH")
    tap.equal("nor by listening", in_child(lambda: Rewire().command("PUNT_LISTEN", VERSION + networks(20))),
              "EBUSY")
    tap.equal("which changes nothing", shown(), [10, 30])


def replaced():
    stage.rewire.command("NETWORK_SET", networks(20))
    tap.equal("any socket of the process replaces them", shown(), [20])
    case("S2.8: what was allowed is refused then", lambda: by_verdict(10, 10), False)
    listen(10, 20)
    tap.equal("and so does listening again", shown(), [10, 20])
    limits({10, 20}, ())
    case("S2.8: what was refused is allowed then", lambda: by_flow_add(20, 20), True)
    case("S2.8: and what is in neither is not", lambda: by_flow_add(10, 30), False)


def refusals():
    before = shown()
    daemon.socket.setsockopt(socket.SOL_SOCKET, 32, 4 << 20)    # SO_SNDBUFFORCE
    for name, payload, wanted in (
            ("one more than may be", networks(*range(MOST + 1)), "E2BIG"),
            ("one network twice", networks(7, 8, 7), "EINVAL"),
            ("a number of 25 bits", networks(1 << 24), "ERANGE"),
            ("two bytes", struct.pack("=HHHH", 6, c["A_PUNT_BATCH_NETWORK"], 7, 0), "ERANGE EINVAL")):
        for command, more in ("NETWORK_SET", b""), ("PUNT_LISTEN", VERSION):
            try:
                daemon.command(command, more + payload)
                got = "", ""
            except Refused as refused:
                got = refused.name, refused.sentence
            tap.point(got[0] in wanted.split() and got[1] and shown() == before,
                      f"{command}: {name} is refused, and changes nothing", f"got: {got}", shown()[:9])


def many():
    daemon.socket.setsockopt(socket.SOL_SOCKET, 32, 4 << 20)
    wanted = list(range(0, 3 * MOST, 3))
    daemon.command("NETWORK_SET", networks(*reversed(wanted)))
    tap.point(shown() == wanted, f"{MOST} networks are taken, and shown in order")
    case("S2.8: one of them is allowed", lambda: by_verdict(30, 30), True)
    case("S2.8: and what is between them is not", lambda: by_verdict(10, 30), False)
    daemon.command("NETWORK_SET", networks(10, 20))


def punts():
    """What nobody decides for meets a namespace without a daemon."""
    for vni in 10, 30:
        stage.rule(vni, "PUNT", u32(c["A_RULE_HOLD"], c["HOLD_MODE_HOLD"]))
    packet = IP(src="10.10.0.2", dst="10.10.0.9") / UDP(sport=7, dport=8)
    stage.ports[0].send(packet)
    moved = stage.rewire.stats()["punts"]
    tap.point(tap.wait_for(10, lambda: stage.rewire.stats()["punts"] == 1),
              "what comes from a network that it decides for is asked", moved)
    held = stage.rewire.tuple(c["A_FLOW_ORIG"], 10, 17, "10.10.0.2", 7, "10.10.0.9", 8)
    before = stage.counters()["drop-verdict"]
    tap.equal("an answer that is refused is the last",
              (verdict(u32(c["A_VERDICT_ACTION"], c["VERDICT_ACTION_FLOW"]),
                       nest(c["A_VERDICT_FLOW"], held,
                            stage.rewire.tuple(c["A_FLOW_REPLY"], *end(30, 2000)))),
               stage.rewire.stats()["holds"], stage.counters()["drop-verdict"] - before),
              (("Operation not permitted", SENTENCE), 0, 1))
    stage.moved()
    stage.expect("what comes from another is dropped, as without a daemon", stage.ports[2], packet, [],
                 drop="drop-no-daemon")


def ends():
    daemon.close()
    tap.equal("the limit outlives a socket", shown(), [10, 20])
    other.close()
    tap.equal("but not the last one", tap.wait_for(10, lambda: not shown()), True)
    daemon_again = Rewire()
    daemon_again.command("PUNT_LISTEN", VERSION)
    tap.equal("the next daemon has none", shown(), [])
    daemon_again.close()
    stage.close()


set_up()
tap.run(no_limit, limited, others, replaced, refusals, many, punts, ends)

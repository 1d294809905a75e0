#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The netlink interface, by the kernel's own client and by hand.

In a namespace of its own, device b is attached to VNI 5 and d to VNI 6.  Their
other ends a and c are at home, where frames are sent and caught.
"""
import ctypes
import os
import socket
import struct
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "lib"))
sys.path.insert(0, os.path.join(here, "../build/ynl/tools/net/ynl"))
import flow_json
import tap
from netlink import (DUMP, NESTED, Refused, Rewire, Route, address, attr, attributes, be16, nest,
                     u8, u32, u64)

SPEC = os.path.join(here, "../Documentation/netlink/specs/rewire.yaml")
CLI = os.path.join(here, "../build/bin/rewire")
WORDS = os.path.join(here, "lib/words.py")
CLONE_NEWNET, CLONE_NEWUSER = 0x40000000, 0x10000000
TCP, UDP, ICMP, ICMPV6, AH = 6, 17, 1, 58, 51
MAC_B, MAC_D = bytes((2, 0, 0, 0, 0, 1)), bytes((2, 0, 0, 0, 0, 2))
libc = ctypes.CDLL(None, use_errno=True)
c = Rewire.c


def unshare(flags):
    if libc.unshare(flags):
        raise OSError(ctypes.get_errno(), "unshare")


def enter(namespace):
    if libc.setns(namespace.fileno(), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def set_up():
    global home, inside, b, d, caught, thrown, rewire
    home = open("/proc/self/ns/net", encoding="ascii")
    unshare(CLONE_NEWNET)
    inside = open("/proc/self/ns/net", encoding="ascii")
    enter(home)
    route = Route()
    route.pair("a", "b", inside, MAC_B)
    route.pair("c", "d", inside, MAC_D)
    caught = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    caught.bind(("c", 0x0800))
    caught.settimeout(20)
    thrown = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    thrown.bind(("a", 0x0800))
    enter(inside)
    b, d = socket.if_nametoindex("b"), socket.if_nametoindex("d")
    route = Route()
    for index, text in ((b, "10.5.0.1"), (d, "10.6.0.1")):
        route.up(index, no_arp=True)
        route.address(index, text, 24)
    rewire = Rewire()
    rewire.command("ATTACH_ADD", u32(c["A_ATTACH_IFINDEX"], b) + u32(c["A_ATTACH_VNI"], 5))
    rewire.command("ATTACH_ADD", u32(c["A_ATTACH_IFINDEX"], d) + u32(c["A_ATTACH_VNI"], 6))
    rewire.command("TARGET_SET", u32(c["A_TARGET_ID"], 7) + u32(c["A_TARGET_STATE"], 0))


def tuple_(kind, vni, src, sport, dst, dport, protocol=UDP):
    return rewire.tuple(c[kind], vni, protocol, src, sport, dst, dport)


def spec(number, *more, kind="A_FLOW_MESSAGE_SPEC"):
    """A flow from VNI 5 to 6, different for each number."""
    return nest(c[kind], tuple_("A_FLOW_ORIG", 5, "10.5.0.2", number, "10.5.0.9", 53),
                tuple_("A_FLOW_REPLY", 6, "10.6.0.9", 53, "10.6.0.1", number), *more)


def rule(*more, vni=5, action="PUNT"):
    return u32(c["A_RULE_VNI"], vni) + u32(c["A_RULE_ACTION"], c["RULE_ACTION_" + action]) + b"".join(more)


def state():
    """What a refused request must not change."""
    figures = rewire.stats()
    dumps = [rewire.command(name, flags=DUMP) for name in ("ATTACH_GET", "RULE_GET", "TARGET_GET")]
    return dumps, figures["flows"], figures["objects"], figures["handlers"]


def settled():
    figures = rewire.stats()
    return figures["objects"] == sum(figures[name] for name in (
        "attaches", "rules", "targets", "limits", "flows", "holds"))


def refused(name, command, payload, wanted, sentence=True, **more):
    """WANTED are names of errors; the refusal has to come with a sentence."""
    # What was made and thrown away is an object until its grace period is over, which an
    # idle kernel puts off for up to ten seconds
    tap.wait_for(30, settled)
    before = state()
    try:
        got = rewire.command(command, payload, **more)
    except Refused as refusal:
        got = refusal
    good = isinstance(got, Refused) and got.name in wanted.split() and \
        bool(got.sentence) >= sentence
    same = tap.wait_for(10, lambda: state() == before)
    tap.point(good and same, f"{command}: {name}", f"got: {got}",
              f"wanted: {wanted} with a sentence", f"before: {before}", f"after: {state()}")


def refusals_of_any():
    """What is wrong with the attributes themselves."""
    ifindex, vni = u32(c["A_ATTACH_IFINDEX"], d), u32(c["A_ATTACH_VNI"], 5)
    refused("an unknown attribute", "ATTACH_ADD", ifindex + vni + u32(99, 1), "EINVAL")
    refused("an attribute of another operation", "ATTACH_ADD",
            ifindex + vni + attr(c["A_ATTACH_IFNAME"], b"d\0"), "EINVAL")
    refused("two bytes for a number of four", "ATTACH_ADD",
            ifindex + attr(c["A_ATTACH_VNI"], b"\5\0"), "EINVAL ERANGE")
    refused("eight bytes for a number of four", "ATTACH_ADD",
            ifindex + attr(c["A_ATTACH_VNI"], bytes(8)), "EINVAL ERANGE")
    refused("bytes behind the last attribute", "ATTACH_ADD", ifindex + vni + b"\1\2\3", "EINVAL")
    refused("an attribute longer than the message", "ATTACH_ADD",
            ifindex + struct.pack("=HH", 400, c["A_ATTACH_VNI"]) + bytes(4), "EINVAL")
    refused("an attribute shorter than its header", "ATTACH_ADD",
            ifindex + struct.pack("=HH", 2, c["A_ATTACH_VNI"]) + bytes(4), "EINVAL")
    refused("a nest that does not say so", "FLOW_ADD",
            attr(c["A_FLOW_MESSAGE_SPEC"], spec(1)[4:]), "EINVAL")
    refused("a number that says it is a nest", "ATTACH_ADD",
            ifindex + attr(c["A_ATTACH_VNI"] | NESTED, struct.pack("=I", 5)), "EINVAL")
    refused("an unknown attribute in a nest", "FLOW_ADD", spec(1, u32(99, 1)), "EINVAL")
    refused("half a nest", "FLOW_ADD", nest(c["A_FLOW_MESSAGE_SPEC"], spec(1)[4:30]), "EINVAL")
    refused("a message without its generic header", "ATTACH_ADD", b"", "EINVAL", False, length=16)
    before = state()
    rewire.send(rewire.family, struct.pack("=BBH", c["CMD_ATTACH_ADD"], 1, 0) + ifindex + vni,
                length=4096)
    tap.equal("a message that ends before its length changes nothing", state(), before)
    c["CMD_NONE"] = 200
    refused("an unknown command", "NONE", b"", "ENOTSUP", False)


def refusals_of_attaches():
    refused("neither device nor local", "ATTACH_ADD", u32(c["A_ATTACH_VNI"], 5), "EINVAL")
    refused("device and local", "ATTACH_ADD", u32(c["A_ATTACH_IFINDEX"], 1) +
            attr(c["A_ATTACH_LOCAL"]) + u32(c["A_ATTACH_VNI"], 5), "EINVAL")
    refused("no VNI", "ATTACH_ADD", u32(c["A_ATTACH_IFINDEX"], 1), "EINVAL")
    refused("a VNI of 25 bits", "ATTACH_ADD",
            u32(c["A_ATTACH_IFINDEX"], 1) + u32(c["A_ATTACH_VNI"], 1 << 24), "ERANGE")
    for index in 0, 4711, 0xffffffff:
        refused(f"device {index}", "ATTACH_ADD",
                u32(c["A_ATTACH_IFINDEX"], index) + u32(c["A_ATTACH_VNI"], 5), "ERANGE ENODEV")
    refused("a device that is attached", "ATTACH_ADD",
            u32(c["A_ATTACH_IFINDEX"], b) + u32(c["A_ATTACH_VNI"], 9), "EBUSY")
    refused("a device that is not attached", "ATTACH_DEL", u32(c["A_ATTACH_IFINDEX"], 1), "ENOENT")
    refused("local when it is not attached", "ATTACH_DEL", attr(c["A_ATTACH_LOCAL"]), "ENOENT")
    refused("a device that is not attached", "ATTACH_GET", u32(c["A_ATTACH_IFINDEX"], 1), "ENOENT")


def refusals_of_rules():
    def forward(*more):
        return rule(u32(c["A_RULE_VIA_IFINDEX"], d), *more, action="FORWARD")

    v4, v6 = "192.0.2.0", "2001:db8::"
    tcp = u8(c["A_RULE_PROTOCOL"], TCP)
    low, high = be16(c["A_RULE_DPORT_MIN"], 90), be16(c["A_RULE_DPORT_MAX"], 80)
    for name, payload, wanted in (
            ("a VNI without a device", rule(vni=99), "ENOENT"),
            ("no VNI", u32(c["A_RULE_ACTION"], 0), "EINVAL"),
            ("no action", u32(c["A_RULE_VNI"], 5), "EINVAL"),
            ("an unknown action", u32(c["A_RULE_VNI"], 5) + u32(c["A_RULE_ACTION"], 4), "ERANGE EINVAL"),
            ("an unknown hold mode", rule(u32(c["A_RULE_HOLD"], 2)), "ERANGE EINVAL"),
            ("an unknown orphan mode", rule(u32(c["A_RULE_ORPHAN"], 3)), "ERANGE EINVAL"),
            ("a hold mode without punt", rule(u32(c["A_RULE_HOLD"], 0), action="PASS"), "EINVAL"),
            ("a next hop without forward", rule(address(c["A_RULE_VIA"], v4)), "EINVAL"),
            ("a device to forward by without forward", rule(u32(c["A_RULE_VIA_IFINDEX"], d)), "EINVAL"),
            ("forwarding to nowhere", rule(action="FORWARD"), "EINVAL"),
            ("an orphan mode with forward", forward(u32(c["A_RULE_ORPHAN"], 0)), "EINVAL"),
            ("forwarding by no device", rule(u32(c["A_RULE_VIA_IFINDEX"], 4711), action="FORWARD"), "ENODEV"),
            ("forwarding by device 0", rule(u32(c["A_RULE_VIA_IFINDEX"], 0), action="FORWARD"), "ERANGE"),
            ("forwarding to a VNI without a device", forward(u32(c["A_RULE_VIA_VNI"], 99)), "ENOENT"),
            ("a next hop of three bytes", rule(attr(c["A_RULE_VIA"], b"\1\2\3"), action="FORWARD"), "EINVAL"),
            ("a multicast next hop", rule(address(c["A_RULE_VIA"], "224.0.0.1"), action="FORWARD"), "EINVAL"),
            ("the loopback as next hop", rule(address(c["A_RULE_VIA"], "::1"), action="FORWARD"), "EINVAL"),
            ("a link-local next hop without device", rule(address(c["A_RULE_VIA"], "fe80::1"), action="FORWARD"), "EINVAL"),
            ("a next hop of another family",
             rule(address(c["A_RULE_DST"], v6), address(c["A_RULE_VIA"], "192.0.2.1"), action="FORWARD"), "EINVAL"),
            ("an address of five bytes", rule(attr(c["A_RULE_DST"], bytes(5))), "EINVAL"),
            ("an empty address", rule(attr(c["A_RULE_DST"])), "EINVAL"),
            ("an IPv4-mapped address", rule(attr(c["A_RULE_DST"], bytes(10) + b"\xff\xff\1\2\3\4")), "EINVAL"),
            ("addresses of two families", rule(address(c["A_RULE_DST"], v4), address(c["A_RULE_SRC"], v6)), "EINVAL"),
            ("a family and an address of the other",
             rule(u8(c["A_RULE_FAMILY"], socket.AF_INET), address(c["A_RULE_DST"], v6)), "EINVAL"),
            ("an unknown family", rule(u8(c["A_RULE_FAMILY"], 7)), "EAFNOSUPPORT EINVAL"),
            ("a prefix longer than its address",
             rule(address(c["A_RULE_DST"], v4), u8(c["A_RULE_DST_LEN"], 33)), "EINVAL"),
            ("a prefix longer than any", rule(address(c["A_RULE_DST"], v6), u8(c["A_RULE_DST_LEN"], 129)), "ERANGE"),
            ("a prefix length without address", rule(u8(c["A_RULE_DST_LEN"], 8)), "EINVAL"),
            ("bits behind a prefix", rule(address(c["A_RULE_DST"], "192.0.2.1"), u8(c["A_RULE_DST_LEN"], 24)), "EINVAL"),
            ("an empty range of ports", rule(tcp, low, high), "EINVAL"),
            ("a highest port without a lowest", rule(tcp, high), "EINVAL"),
            ("ports without protocol", rule(low), "EINVAL"),
            ("ports of ICMP", rule(u8(c["A_RULE_PROTOCOL"], ICMP), low), "EINVAL")):
        refused(name, "RULE_ADD", payload, wanted)
    rewire.command("RULE_ADD", rule(tcp, low, u32(c["A_RULE_PREFERENCE"], 3)))
    refused("the match and preference of another", "RULE_ADD",
            rule(tcp, low, u32(c["A_RULE_PREFERENCE"], 3), action="DROP"), "EEXIST")
    refused("no number", "RULE_DEL", b"", "EINVAL")
    refused("number 0", "RULE_DEL", u32(c["A_RULE_ID"], 0), "ERANGE")
    refused("an unknown number", "RULE_DEL", u32(c["A_RULE_ID"], 4711), "ENOENT")
    refused("an unknown number", "RULE_GET", u32(c["A_RULE_ID"], 4711), "ENOENT")


def refusals_of_limits():
    five, whole = u32(c["A_LIMIT_VNI"], 5), attr(c["A_LIMIT_ALL"])

    def limit(key, name, value, put=u32):
        return key + put(c["A_LIMIT_" + name], value)

    for name, payload, wanted in (
            ("neither VNI nor all", u32(c["A_LIMIT_RATE"], 1), "EINVAL"),
            ("VNI and all", five + whole, "EINVAL"),
            ("a VNI without a device", limit(u32(c["A_LIMIT_VNI"], 99), "RATE", 1), "ENOENT"),
            ("a VNI of 25 bits", u32(c["A_LIMIT_VNI"], 1 << 24), "ERANGE"),
            ("a soft limit beyond the hard one",
             limit(limit(five, "FLOWS_SOFT", 3), "FLOWS_HARD", 2), "EINVAL"),
            ("a soft limit beyond all", limit(five, "FLOWS_SOFT", 1 << 31), "ERANGE"),
            ("a rate beyond all", limit(five, "RATE", 1000000001), "ERANGE"),
            ("a burst without rate", limit(five, "BURST", 2), "EINVAL"),
            ("101 percent", limit(five, "UDP_SHARE", 101), "ERANGE"),
            ("a share of no limit", limit(five, "UDP_SHARE", 10), "EINVAL"),
            ("bytes beyond all", limit(five, "HELD_BYTES", 1 << 63, u64), "ERANGE"),
            ("a counter", limit(five, "EVICTED", 1, u64), "EINVAL")):
        refused(name, "LIMIT_SET", payload, wanted)
    for name, put in ("FLOWS_HARD", u32), ("HOLDS", u32), ("HELD_PACKETS", u32), ("HELD_BYTES", u64):
        refused(f"no {name} of all", "LIMIT_SET", limit(whole, name, 0, put), "EINVAL")
    refused("no FLOWS_HARD of all, by the soft one", "LIMIT_SET", limit(whole, "FLOWS_SOFT", 0), "EINVAL")
    refused("a VNI without limits", "LIMIT_DEL", five, "ENOENT")
    refused("a VNI without anything", "LIMIT_GET", five, "ENOENT")
    tap.equal("nothing of it has changed the namespace's limits",
              [kind for kind, _ in rewire.command("LIMIT_GET", whole)[0]].count(c["A_LIMIT_SET"]), 0)


def refusals_of_targets():
    refused("no number", "TARGET_SET", u32(c["A_TARGET_STATE"], 0), "EINVAL")
    refused("no state", "TARGET_SET", u32(c["A_TARGET_ID"], 7), "EINVAL")
    refused("number 0", "TARGET_SET", u32(c["A_TARGET_ID"], 0) + u32(c["A_TARGET_STATE"], 0), "ERANGE")
    refused("an unknown state", "TARGET_SET",
            u32(c["A_TARGET_ID"], 7) + u32(c["A_TARGET_STATE"], 3), "ERANGE EINVAL")
    refused("an unknown number", "TARGET_DEL", u32(c["A_TARGET_ID"], 8), "ENOENT")


def refusals_of_filters():
    def match(*parts):
        return nest(c["A_FLOW_MESSAGE_FILTER"], nest(c["A_FLOW_FILTER_ORIG"], *parts))

    src, length = address(c["A_FLOW_MATCH_SRC"], "10.5.0.0"), c["A_FLOW_MATCH_SRC_LEN"]
    low, high = c["A_FLOW_MATCH_SPORT_MIN"], c["A_FLOW_MATCH_SPORT_MAX"]
    refused("an unknown state", "FLOW_FLUSH", nest(
        c["A_FLOW_MESSAGE_FILTER"], u32(c["A_FLOW_FILTER_STATE"], 200)), "ERANGE EINVAL")
    refused("a prefix that is longer than its address", "FLOW_FLUSH",
            match(src, u8(length, 33)), "EINVAL")
    refused("a prefix length without an address", "FLOW_COUNT", match(u8(length, 8)), "EINVAL")
    refused("an address of 5 bytes", "FLOW_COUNT", match(attr(c["A_FLOW_MATCH_DST"], bytes(5))),
            "EINVAL")
    refused("an empty range of ports", "FLOW_COUNT", match(be16(low, 9), be16(high, 8)), "EINVAL")
    refused("a range of ports without a lowest one", "FLOW_COUNT", match(be16(high, 8)), "EINVAL")
    # Linux 6.1 passes on no sentence about a list
    refused("a list of one key", "FLOW_GET",
            tuple_("A_FLOW_MESSAGE_KEY", 5, "10.5.0.2", 3, "10.5.0.9", 53), "EINVAL",
            sentence=os.uname().release[:4] != "6.1.", flags=DUMP)
    refused("single flows compared by their number", "FLOW_TOP",
            u32(c["A_TOP_BY"], c["TOP_BY_FLOWS"]), "EINVAL")
    refused("more of the largest than there may be", "FLOW_TOP",
            u32(c["A_TOP_LIMIT"], c.get("TOP_MAX", 64) + 1), "ERANGE EINVAL")


def refusals_of_flows():
    def flow(orig, reply, *more):
        return nest(c["A_FLOW_MESSAGE_SPEC"], orig, reply, *more)

    orig = tuple_("A_FLOW_ORIG", 5, "10.5.0.2", 1, "10.5.0.9", 53)
    reply = tuple_("A_FLOW_REPLY", 6, "10.6.0.9", 53, "10.6.0.1", 1)
    for name, payload, wanted in (
            ("no flow", b"", "EINVAL"),
            ("no key of the reply", nest(c["A_FLOW_MESSAGE_SPEC"], orig), "EINVAL"),
            ("no original key", nest(c["A_FLOW_MESSAGE_SPEC"], reply), "EINVAL"),
            ("half a key", flow(nest(c["A_FLOW_ORIG"], u32(c["A_TUPLE_VNI"], 5)), reply), "EINVAL"),
            ("directions of two protocols",
             flow(tuple_("A_FLOW_ORIG", 5, "10.5.0.2", 1, "10.5.0.9", 53, TCP), reply), "EINVAL"),
            ("directions of two families",
             flow(orig, tuple_("A_FLOW_REPLY", 6, "fd00::9", 53, "fd00::1", 1)), "EINVAL"),
            ("addresses of two families",
             flow(tuple_("A_FLOW_ORIG", 5, "10.5.0.2", 1, "fd00::9", 53), reply), "EINVAL"),
            ("both directions with one key",
             flow(orig, tuple_("A_FLOW_REPLY", 5, "10.5.0.2", 1, "10.5.0.9", 53)), "EINVAL"),
            ("a protocol that cannot be translated",
             flow(tuple_("A_FLOW_ORIG", 5, "10.5.0.2", 0, "10.5.0.9", 0, AH),
                  tuple_("A_FLOW_REPLY", 6, "10.6.0.9", 0, "10.6.0.1", 0, AH)), "EPROTONOSUPPORT"),
            ("ICMPv6 of IPv4",
             flow(tuple_("A_FLOW_ORIG", 5, "10.5.0.2", 1, "10.5.0.9", 0, ICMPV6),
                  tuple_("A_FLOW_REPLY", 6, "10.6.0.9", 0, "10.6.0.1", 1, ICMPV6)), "EPROTONOSUPPORT"),
            ("ICMP with two identifiers",
             flow(tuple_("A_FLOW_ORIG", 5, "10.5.0.2", 1, "10.5.0.9", 2, ICMP),
                  tuple_("A_FLOW_REPLY", 6, "10.6.0.9", 0, "10.6.0.1", 1, ICMP)), "EINVAL"),
            ("an unknown VNI",
             flow(orig, tuple_("A_FLOW_REPLY", 99, "10.6.0.9", 53, "10.6.0.1", 1)), "ENOENT"),
            ("an unknown target", spec(1, u32(c["A_FLOW_TARGET"], 8)), "ENOENT"),
            ("a timeout of 0", spec(1, u32(c["A_FLOW_TIMEOUT"], 0)), "ERANGE"),
            ("an identifier, which the kernel gives", spec(1, u64(c["A_FLOW_ID"], 1)), "EINVAL")):
        refused(name, "FLOW_ADD", payload, wanted)
    rewire.command("FLOW_ADD", spec(1))
    refused("an original key that another flow has", "FLOW_ADD", spec(1), "EEXIST")
    refused("a reverse key that another flow has", "FLOW_ADD",
            flow(tuple_("A_FLOW_ORIG", 5, "10.5.0.2", 2, "10.5.0.9", 53), reply), "EADDRINUSE")
    refused("a reverse key that is another's original", "FLOW_ADD",
            flow(tuple_("A_FLOW_ORIG", 5, "10.5.0.2", 2, "10.5.0.9", 53),
                 tuple_("A_FLOW_REPLY", 5, "10.5.0.2", 1, "10.5.0.9", 53)), "EADDRINUSE")
    for command in "FLOW_DEL", "FLOW_GET":
        refused("no key", command, b"", "EINVAL")
        refused("half a key", command, nest(c["A_FLOW_MESSAGE_KEY"],
                                            u32(c["A_TUPLE_VNI"], 5)), "EINVAL")
        refused("a key that no flow has", command,
                tuple_("A_FLOW_MESSAGE_KEY", 5, "10.5.0.2", 3, "10.5.0.9", 53), "ENOENT")
    refusals_of_filters()
    rewire.command("FLOW_FLUSH")


def verdict(*parts):
    return nest(c["A_VERDICT_BATCH_VERDICT"], *parts)


def verdict_flow(number, *more):
    return verdict(u32(c["A_VERDICT_ACTION"], c["VERDICT_ACTION_FLOW"]),
                   spec(number, *more, kind="A_VERDICT_FLOW"))


def refusals_of_punts():
    refused("no version", "PUNT_LISTEN", b"", "EINVAL")
    refused("another version", "PUNT_LISTEN", u32(c["A_PUNT_BATCH_VERSION"], 2), "EPROTO")
    refused("an unknown number", "PUNT_GET", u64(c["A_PUNT_BATCH_ID"], 4711), "ENOENT")
    refused("no verdict", "VERDICT_ADD", b"", "EINVAL")
    refused("257 verdicts", "VERDICT_ADD", verdict_flow(1) * 257, "EMSGSIZE")
    refused("an unknown attribute in a verdict", "VERDICT_ADD", verdict(u32(99, 1)), "EINVAL")
    refused("an unknown action", "VERDICT_ADD", verdict(u32(c["A_VERDICT_ACTION"], 3)), "ERANGE EINVAL")
    refused("a lifetime of more than an hour", "VERDICT_ADD",
            verdict(u32(c["A_VERDICT_LIFETIME"], 3600001)), "ERANGE")
    refused("an unknown way to reject", "VERDICT_ADD", verdict(u32(c["A_VERDICT_REJECT"], 3)), "ERANGE EINVAL")


def batch():
    """Each verdict of a batch succeeds or fails by itself."""
    drop = verdict(u32(c["A_VERDICT_ACTION"], c["VERDICT_ACTION_DROP"]),
                   tuple_("A_VERDICT_TUPLE", 5, "10.5.0.3", 1, "10.5.0.9", 53),
                   u32(c["A_VERDICT_LIFETIME"], 60000))
    taken = verdict(u32(c["A_VERDICT_ACTION"], c["VERDICT_ACTION_FLOW"]), nest(
        c["A_VERDICT_FLOW"], tuple_("A_FLOW_ORIG", 5, "10.5.0.2", 20, "10.5.0.9", 53),
        tuple_("A_FLOW_REPLY", 6, "10.6.0.9", 53, "10.6.0.1", 10)))
    none = verdict(u32(c["A_VERDICT_ACTION"], c["VERDICT_ACTION_PASS"]))
    answer = rewire.command("VERDICT_ADD", verdict_flow(10) + taken +
                            verdict_flow(11, u32(c["A_FLOW_TARGET"], 8)) + drop + none +
                            verdict_flow(10) + verdict_flow(12, u32(c["A_FLOW_TARGET"], 7)))[0]
    accepted = [value for kind, value in answer if kind == c["A_VERDICT_BATCH_ACCEPTED"]]
    failures = []
    for kind, value in answer:
        if kind == c["A_VERDICT_BATCH_FAILURE"]:
            parts = dict(attributes(value))
            failures.append((struct.unpack("=I", parts[c["A_FAILURE_INDEX"]])[0],
                             os.strerror(struct.unpack("=I", parts[c["A_FAILURE_ERROR"]])[0]),
                             len(parts[c["A_FAILURE_MESSAGE"]]) > 1))
    tap.equal("a batch tells how many verdicts took effect", accepted, [struct.pack("=I", 3)])
    tap.equal("and which failed, and why, with a sentence each", failures, [
        (1, "Address already in use", True), (2, "No such file or directory", True),
        (4, "Invalid argument", True), (5, "File exists", True)])
    tap.equal("three flows are there", rewire.stats()["flows"], 3)
    rewire.command("FLOW_FLUSH")


def send_frame(sport):
    udp = struct.pack(">HHHH", sport, 53, 12, 0) + b"ping"
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 32, 0, 0, 64, UDP, 0,
                     socket.inet_aton("10.5.0.2"), socket.inet_aton("10.5.0.9"))
    words = sum(struct.unpack(">10H", ip))
    words = (words & 0xffff) + (words >> 16)
    ip = ip[:10] + struct.pack(">H", ~words & 0xffff) + ip[12:]
    thrown.send(MAC_B + bytes(6) + b"\x08\0" + ip + udp)


def catch_frame():
    """Source, destination, ports and data of the next UDP packet that leaves by d."""
    while True:
        frame = caught.recv(2048)
        if frame[23] == UDP:
            return (socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34]),
                    *struct.unpack(">HH", frame[34:38]), frame[42:46])


def punt_of(listener):
    """The first punt that comes to a socket."""
    return dict(attributes(attributes(listener.notification()[4:])[0][1]))


def holds():
    """A packet waits for a daemon that comes, and for the next when that one goes."""
    rewire.command("RULE_ADD", rule(u8(c["A_RULE_PROTOCOL"], UDP), u32(c["A_RULE_POLICY"], 42),
                                    u32(c["A_RULE_ORPHAN"], c["ORPHAN_MODE_HOLD"])))
    version = u32(c["A_PUNT_BATCH_VERSION"], c.get("INTERFACE_VERSION", 1))
    first, second, third = Rewire(), Rewire(), Rewire()
    send_frame(30)
    first.command("PUNT_LISTEN", version)
    punt = punt_of(first)
    tap.equal("a held packet is punted to the daemon that comes", punt[c["A_PUNT_POLICY"]],
              struct.pack("=I", 42))
    answer = second.command("PUNT_LISTEN", version)[0]
    tap.equal("its second socket may listen, too", answer, [(c["A_PUNT_BATCH_HANDLERS"],
                                                            struct.pack("=I", 2))])
    tap.equal("another process may not", in_child(lambda: Rewire().command("PUNT_LISTEN", version)),
              "EBUSY")
    first.close()
    tap.equal("what a socket has not answered when it closes goes to another",
              punt_of(second)[c["A_PUNT_ID"]], punt[c["A_PUNT_ID"]])
    second.close()
    third.command("PUNT_LISTEN", version)
    again = punt_of(third)
    tap.equal("a daemon that comes after it is asked the same", again[c["A_PUNT_ID"]],
              punt[c["A_PUNT_ID"]])
    third.command("VERDICT_ADD", verdict(
        u64(c["A_VERDICT_PUNT_ID"], int.from_bytes(again[c["A_PUNT_ID"]], "little")),
        u32(c["A_VERDICT_ACTION"], c["VERDICT_ACTION_FLOW"]), spec(30, kind="A_VERDICT_FLOW")))
    tap.equal("by its verdict the packet leaves, translated", catch_frame(),
              ("10.6.0.1", "10.6.0.9", 30, 53, b"ping"))
    punts = rewire.stats()["punts"]
    send_frame(30)
    tap.equal("and so do those after it, without a punt", (catch_frame(), rewire.stats()["punts"]),
              (("10.6.0.1", "10.6.0.9", 30, 53, b"ping"), punts))
    third.close()
    tap.point(tap.wait_for(10, lambda: rewire.stats()["handlers"] == 0), "nobody listens any more")


def in_child(function, *flags):
    """The name of the error that a function meets in a process of its own, or ''."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        result = ""
        try:
            function()
        except Refused as refusal:
            result = refusal.name
        except Exception as exception:
            result = repr(exception)
        os.write(writer, result.encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader) as file:
        return file.read()


def privilege():
    def become_nobody():
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)

    def as_nobody(command, flags=0):
        def run():
            become_nobody()
            Rewire().command(command, flags=flags)
        return in_child(run)

    def nobody_joins(group):
        def run():
            become_nobody()
            Rewire().join(group)
        return in_child(run)

    def in_own_namespaces():
        unshare(CLONE_NEWUSER | CLONE_NEWNET)
        Rewire().command("ATTACH_ADD", attr(c["A_ATTACH_LOCAL"]) + u32(c["A_ATTACH_VNI"], 5))

    def in_user_namespace():
        unshare(CLONE_NEWUSER)
        Rewire().command("FLOW_FLUSH")

    tap.equal("statistics need no privilege", as_nobody("STATS_GET"), "")
    for command in "LIMIT_GET", "SUMMARY_GET":
        tap.equal(f"nor does what is counted, {command}", as_nobody(command, DUMP), "")
    open_to_all = "STATS_GET", "LIMIT_GET", "SUMMARY_GET"
    for command in sorted(key[len("CMD_"):] for key in c if key.startswith("CMD_")):
        if command in open_to_all or command == "NONE" or command.endswith("_NTF"):
            continue
        tap.equal(f"{command} does", as_nobody(command), "EPERM")
    tap.equal("and so does a list of all flows", as_nobody("FLOW_GET", DUMP), "EPERM")
    for group in "flow", "punt", "config":
        tap.equal(f"the group {group} does", nobody_joins(group), repr(PermissionError(1, "Operation not permitted")))
        tap.equal("which is there", in_child(lambda: Rewire().join(group)), "")
    tap.equal("who owns a namespace may do anything in it", in_child(in_own_namespaces), "")
    tap.equal("but nothing in others'", in_child(in_user_namespace), "EPERM")


def generations(ynl):
    """Target 9 has ten flows, and goes down and up again."""
    def shown():
        return next((target["generation"], target["flows"], target["retired-flows"])
                    for target in ynl.dump("target-get", {}) if target["id"] == 9)

    tap.equal("a target counts its flows", shown(), (0, 10, 0))
    ynl.do("target-set", {"id": 9, "state": "down"})
    tap.equal("taken down, it has them until they are decided anew", shown(), (1, 10, 10))
    refused("a target that is down", "FLOW_ADD", spec(60, u32(c["A_FLOW_TARGET"], 9)), "EHOSTDOWN")
    ynl.do("target-set", {"id": 9, "state": "active"})
    rewire.command("FLOW_ADD", spec(60, u32(c["A_FLOW_TARGET"], 9)))
    tap.equal("back again, it tells new ones from old ones", shown(), (1, 11, 10))
    ynl.do("target-set", {"id": 9, "state": "down"})
    rewire.command("FLOW_FLUSH", nest(c["A_FLOW_MESSAGE_FILTER"], u32(c["A_FLOW_FILTER_TARGET"], 9)))
    tap.point(tap.wait_for(30, lambda: shown() == (2, 0, 0)), "and has none when they have ended",
              shown())


def tunnel(kind, remote, number):
    return nest(c[kind], address(c["A_TUNNEL_REMOTE"], remote), u32(c["A_TUNNEL_ID"], number),
                attr(c["A_TUNNEL_LLADDR"], MAC_D))


def flows_of_every_kind():
    """One of TCP, one of IPv6, and two that have together what few flows have."""
    def add(*more):
        rewire.command("FLOW_ADD", nest(c["A_FLOW_MESSAGE_SPEC"], *more))

    def ends(protocol, src, dst, via):
        return (tuple_("A_FLOW_ORIG", 5, src, 4000, dst, 80, protocol),
                tuple_("A_FLOW_REPLY", 6, dst, 80, via, 4000, protocol))

    add(*ends(TCP, "10.5.0.2", "10.6.0.9", "10.6.0.1"))
    add(*ends(UDP, "fd05::2", "fd06::9", "fd06::1"))
    add(*ends(TCP, "10.5.0.3", "10.6.0.8", "10.6.0.1"), u32(c["A_FLOW_TIMEOUT"], 60000),
        u32(c["A_FLOW_ORIG_IFINDEX"], b), u32(c["A_FLOW_REPLY_IFINDEX"], d),
        tunnel("A_FLOW_ORIG_TUNNEL", "192.0.2.1", 7), tunnel("A_FLOW_REPLY_TUNNEL", "2001:db8::2", 8),
        u8(c["A_FLOW_DSCP"], 46), u32(c["A_FLOW_HOPS"], c["HOP_MODE_SET"]), u8(c["A_FLOW_HOP_LIMIT"], 9),
        u32(c["A_FLOW_PACKET_RATE"], 1000), u32(c["A_FLOW_BURST"], 50))
    add(*ends(UDP, "10.5.0.4", "10.6.0.7", "10.6.0.1"), attr(c["A_FLOW_ONE_WAY"]),
        u32(c["A_FLOW_HOPS"], c["HOP_MODE_KEEP"]), u32(c["A_FLOW_BYTE_RATE"], 1000000), nest(c["A_FLOW_COPIES"], *(
            nest(c["A_COPIES_COPY"], tuple_("A_FLOW_REPLY", 6, f"10.6.0.{host}", 80, "10.6.0.1", 4000),
                 u32(c["A_FLOW_REPLY_IFINDEX"], d), *more)
            for host, more in ((20, ()), (21, (tunnel("A_FLOW_REPLY_TUNNEL", "192.0.2.3", 9),))))))


def has_text(*words):
    """Whether what the command line shows in JSON has every word of its text."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for form in "-o", "-j":
            files.append(os.path.join(folder, form))
            with open(files[-1], "w", encoding="utf-8") as file:
                subprocess.run([CLI, form, *words], check=True, stdout=file)
        return subprocess.run([WORDS, *files], stdout=sys.stderr, check=False).returncode == 0


def client():
    """The kernel's own client, given the specification."""
    import json
    from lib import YnlFamily
    ynl = YnlFamily(SPEC, schema="", process_unknown=False)
    ynl.do("target-set", {"id": 9, "state": "draining"})
    got = ynl.dump("target-get", {})
    tap.equal("the kernel's client sets and dumps targets",
              [(target["id"], target["state"]) for target in got], [(7, "active"), (9, "draining")])
    for number in range(40, 60):
        rewire.command("FLOW_ADD", spec(number, u32(c["A_FLOW_TARGET"], 7 + number % 2 * 2),
                                        u32(c["A_FLOW_POLICY"], number), u64(c["A_FLOW_DECISION"], number)))
    flows_of_every_kind()
    dump = {flow["flow"]["id"]: flow["flow"] for flow in ynl.dump("flow-get", {})}
    shown = json.loads(subprocess.run([CLI, "-j", "-d", "-s", "flow", "show"], check=True,
                                      capture_output=True).stdout)
    tap.equal("it dumps as many flows as rewire -j flow show", len(dump), len(shown))
    tap.equal("and they agree in every attribute that does not change with time",
              [found for flow in shown for found in flow_json.differences(dump[flow["id"]], flow)], [])
    tap.point(has_text("-d", "-s", "flow", "show"), "and JSON has all that the text of these flows has")
    tap.equal("which are all that there are",
              {name for name, _ in ynl.attr_sets["flow"].items()} - {"pad"} -
              {key for flow in dump.values() for key in flow},
              {"orig-tracking", "reply-tracking"})      # only who asks for them gets them
    tap.equal("it filters", len(ynl.dump("flow-get", {"filter": {"target": 9}})), 10)
    stats = ynl.do("stats-get", {"reasons": True})
    tap.equal("it reads statistics", (stats["flows"], len(stats["counter"])),
              (len(dump), c["REASON_DROP_FRAGMENT_SHARE"] + 1))
    generations(ynl)
    try:
        ynl.do("rule-add", {"vni": 99, "action": "pass"})
        tap.point(False, "it is refused with a sentence")
    except Exception as error:
        tap.point("No device is attached" in str(error), "it is refused with a sentence", error)
    ynl.sock.close()


def clean_up():
    global home, inside
    rewire.close()
    inside.close()
    enter(home)
    for name in "a", "c":    # unless they went with their peers' namespace
        subprocess.run(["ip", "link", "del", "dev", name], check=False)
    watcher = Rewire()
    gone = tap.wait_for(30, lambda: watcher.stats()["objects"] == 0)
    tap.point(gone, "nothing of the module is left over", watcher.stats())


set_up()
tap.run(refusals_of_any, refusals_of_attaches, refusals_of_rules, refusals_of_limits, refusals_of_targets,
        refusals_of_flows, refusals_of_punts, batch, holds, privilege, client, clean_up)

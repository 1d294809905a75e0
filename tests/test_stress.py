#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Everything at once: floods, decisions, dumps, flushes, targets, rules, devices.

For REWIRE_STRESS_SECONDS (default 15), each in a process of its own.  Afterwards the
books have to balance, and nothing may be left.  On the debug kernel, 600 seconds
are worth the time.
"""
import os
import random
import socket
import struct
import sys
import time
import traceback

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), folder)
                for folder in ("lib", "behaviour")]
import tap
from netlink import DUMP, Refused, Rewire, attr, attributes, be16, nest, u8, u32, u64
from packets import Port, c
from spec import Specification
from talk import two_ports

SECONDS = int(os.environ.get("REWIRE_STRESS_SECONDS", 15))
SEED = int(os.environ.get("REWIRE_STRESS_SEED", random.SystemRandom().randrange(1 << 32)))
UDP, TCP = 17, 6
AMOUNTS = {"received": 100, "translated": 1, "created": 10, "punts": 1}    # at least, a second
TARGETS = 1, 2, 3, 4
MANY, FEW = 400, 100


def binary(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def ipv4(src, dst, protocol, transport):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(transport), 0, 0, 64, protocol, 0,
                       binary(src), binary(dst))
    total = sum(struct.unpack(">10H", head))
    total = (total & 0xffff) + (total >> 16)
    return head[:10] + struct.pack(">H", ~total & 0xffff) + head[12:] + transport


def ipv6(src, dst, protocol, transport):
    return struct.pack(">IHBB16s16s", 6 << 28, len(transport), protocol, 64, binary(src),
                       binary(dst)) + transport


def transport(protocol, sport, dport, flags=0x02):
    """Whether the checksum is right is for the ends to see, not for the module."""
    if protocol == TCP:
        return struct.pack(">HHIIBBHHH", sport, dport, 1, 1, 5 << 4, flags, 1000, 0, 0)
    return struct.pack(">HHHH", sport, dport, 8, 0)


def drain(port):
    while True:
        try:
            os.read(port.file, 1 << 16)
        except BlockingIOError:
            return


def flood(stage, rng, few):
    """Packets of the guest: of FEW flows again and again, or of many."""
    ports = 200 if few else 60000
    while True:
        for _ in range(64):
            protocol, sport = rng.choice((TCP, UDP)), 1024 + rng.randrange(ports)
            flags = rng.choice((0x02, 0x10, 0x10, 0x11, 0x04))
            part = transport(protocol, sport, 53, flags)
            try:
                if rng.random() < 0.7:
                    stage.a.send(ipv4("10.5.0.2", "10.5.0.9", protocol, part))
                else:
                    stage.a.send(ipv6("fd00:5::2", "fd00:5::9", protocol, part))
            except OSError:         # the device is down just now
                pass
        drain(stage.a)
        yield 64


def answers(stage, rng):
    """Packets of the server, to whatever ports the daemon may have given out."""
    while True:
        for _ in range(64):
            protocol = rng.choice((TCP, UDP))
            part = transport(protocol, 53, 1024 + rng.randrange(60000), rng.choice((0x12, 0x10, 0x11, 0x04)))
            stage.b.send(ipv4("10.6.0.9", "10.6.0.2", protocol, part))
        drain(stage.b)
        yield 64


def decide(punt, rng, serial):
    """A verdict about a punt's attributes."""
    key = punt[c["A_PUNT_TUPLE"]]
    parts = dict(attributes(key))
    ident = u64(c["A_VERDICT_PUNT_ID"], int.from_bytes(punt[c["A_PUNT_ID"]], "little"))
    what = rng.random()
    if what < 0.1:
        action = "PASS" if what < 0.05 else "DROP"
        return nest(c["A_VERDICT_BATCH_VERDICT"], ident,
                    u32(c["A_VERDICT_ACTION"], c["VERDICT_ACTION_" + action]),
                    nest(c["A_VERDICT_TUPLE"], key), u32(c["A_VERDICT_LIFETIME"], rng.choice((0, 300))))
    ends = ("10.6.0.9", "10.6.0.2") if len(parts[c["A_TUPLE_SRC"]]) == 4 else ("fd00:6::9", "fd00:6::2")
    reply = nest(c["A_FLOW_REPLY"], u32(c["A_TUPLE_VNI"], 6), attr(c["A_TUPLE_PROTOCOL"], parts[c["A_TUPLE_PROTOCOL"]]),
                 attr(c["A_TUPLE_SRC"], binary(ends[0])), attr(c["A_TUPLE_DST"], binary(ends[1])),
                 be16(c["A_TUPLE_SPORT"], 53), be16(c["A_TUPLE_DPORT"], 1024 + serial % 60000))
    more = u32(c["A_FLOW_POLICY"], 1)
    if rng.random() < 0.5:
        more += u32(c["A_FLOW_TARGET"], rng.choice(TARGETS))
    if rng.random() < 0.3:
        more += u32(c["A_FLOW_TIMEOUT"], rng.choice((1, 500)))
    return nest(c["A_VERDICT_BATCH_VERDICT"], ident, u32(c["A_VERDICT_ACTION"], c["VERDICT_ACTION_FLOW"]),
                nest(c["A_VERDICT_FLOW"], nest(c["A_FLOW_ORIG"], key), reply, more))


def daemon(stage, rng):
    """Answers, sometimes late, sometimes not at all; now and then it dies and comes again."""
    serial, answerer = 0, Rewire()      # punts may fill the socket that they come to
    while True:
        listener = Rewire()
        listener.socket.setsockopt(270, 5, 1)       # SOL_NETLINK, NETLINK_NO_ENOBUFS
        listener.command("PUNT_LISTEN", u32(c["A_PUNT_BATCH_VERSION"], c.get("INTERFACE_VERSION", 1)))
        listener.socket.settimeout(0.2)
        for _ in range(rng.choice((50, 400))):
            try:
                batch = listener.notification()
            except TimeoutError:
                yield 0
                continue
            punts = [dict(attributes(value)) for kind, value in attributes(batch[4:])
                     if kind == c["A_PUNT_BATCH_PUNT"]]
            if rng.random() < 0.05:
                continue
            verdicts = []
            for punt in punts:
                serial += 1
                verdicts.append(decide(punt, rng, serial))
            answerer.command("VERDICT_ADD", b"".join(verdicts))
            yield len(punts)
        listener.close()


def dump(stage, rng):
    rewire = Rewire()
    while True:
        name = rng.choice(("FLOW_GET", "FLOW_GET", "RULE_GET", "TARGET_GET", "ATTACH_GET", "PUNT_GET"))
        some = nest(c["A_FLOW_MESSAGE_FILTER"], u32(c["A_FLOW_FILTER_TARGET"], 1))
        rewire.command(name, some if name == "FLOW_GET" and rng.random() < 0.5 else b"", DUMP)
        rewire.stats(reasons=True)
        yield 1


def delete(rewire, command, payload):
    """What another process may have deleted already."""
    try:
        rewire.command(command, payload)
    except Refused as refusal:
        if refusal.name != "ENOENT":
            raise


def flush(stage, rng):
    """All, some, or one; the table shrinks and grows."""
    rewire = Rewire()
    while True:
        what = rng.random()
        if what < 0.02:
            rewire.command("FLOW_FLUSH")
        elif what < 0.5:
            rewire.command("FLOW_FLUSH", nest(c["A_FLOW_MESSAGE_FILTER"],
                                              u32(c["A_FLOW_FILTER_TARGET"], rng.choice(TARGETS))))
        else:
            delete(rewire, "FLOW_DEL", rewire.tuple(
                c["A_FLOW_MESSAGE_KEY"], 5, UDP, "10.5.0.2", 1024 + rng.randrange(200), "10.5.0.9", 53))
        time.sleep(rng.random() / 5)
        yield 1


def fill(stage, rng):
    """Thousands of flows by hand, so that the table is resized under all the others."""
    rewire = Rewire()
    while True:
        start = rng.randrange(1, 30000)
        for base in range(start, start + 4000, 250):
            rewire.command("VERDICT_ADD", b"".join(
                nest(c["A_VERDICT_BATCH_VERDICT"], u32(c["A_VERDICT_ACTION"], c["VERDICT_ACTION_FLOW"]), nest(
                    c["A_VERDICT_FLOW"],
                    rewire.tuple(c["A_FLOW_ORIG"], 5, UDP, "10.5.0.3", number, "10.5.0.9", 53),
                    rewire.tuple(c["A_FLOW_REPLY"], 6, UDP, "10.6.0.9", 53, "10.6.0.3", number),
                    u32(c["A_FLOW_POLICY"], 77), u64(c["A_FLOW_DECISION"], number))) for number in range(base, base + 250)))
            yield 250
        rewire.command("FLOW_FLUSH", nest(c["A_FLOW_MESSAGE_FILTER"], u32(c["A_FLOW_FILTER_POLICY"], 77)))


def targets(stage, rng):
    rewire = Rewire()
    while True:
        number = rng.choice(TARGETS)
        state = rng.choice(("ACTIVE", "ACTIVE", "DRAINING", "DOWN"))
        rewire.command("TARGET_SET", u32(c["A_TARGET_ID"], number) +
                       u32(c["A_TARGET_STATE"], c["TARGET_STATE_" + state]))
        if rng.random() < 0.1:
            delete(rewire, "TARGET_DEL", u32(c["A_TARGET_ID"], number))
        time.sleep(rng.random() / 20)
        yield 1


def limits(stage, rng):
    """Of a network, of the namespace, or none again: flows are evicted, and refused."""
    rewire = Rewire()
    network, whole = u32(c["A_LIMIT_VNI"], 5), attr(c["A_LIMIT_ALL"])
    while True:
        hard = rng.choice((50, 1000, 5000))
        rewire.command("LIMIT_SET", rng.choice((network, network, whole)) + b"".join((
            u32(c["A_LIMIT_FLOWS_HARD"], hard), u32(c["A_LIMIT_FLOWS_SOFT"], rng.choice((hard // 2, hard))),
            u32(c["A_LIMIT_UDP_SHARE"], rng.choice((0, 30, 90))), u32(c["A_LIMIT_HOLDS"], rng.choice((1, 100))),
            u32(c["A_LIMIT_RATE"], rng.choice((0, 10, 100000))))))
        time.sleep(rng.random() / 20)
        for key in network, whole:
            if rng.random() < 0.9:
                delete(rewire, "LIMIT_DEL", key)
        rewire.command("LIMIT_GET", b"", DUMP)
        time.sleep(rng.random() / 5)
        yield 1


def policies(stage, rng):
    """That of most flows, made, changed and deleted under them."""
    rewire = Rewire()
    while True:
        number = u32(c["A_POLICY_ID"], rng.choice((1, 1, 77)))
        rewire.command("POLICY_SET", number + b"".join((
            u32(c["A_POLICY_TCP"], rng.randrange(3)), u32(c["A_POLICY_PICKUP"], rng.randrange(2)),
            u32(c["A_POLICY_MSS"], rng.choice((0, 1, 1300))),
            nest(c["A_POLICY_TIMEOUTS"], u32(c["A_TIMEOUTS_UDP_UNREPLIED"], rng.choice((1, 300, 30000)))))))
        if rng.random() < 0.3:
            delete(rewire, "POLICY_DEL", number)
        time.sleep(rng.random() / 50)
        yield 1


def questions(stage, rng):
    """What would become of a packet, and what there is of flows."""
    rewire = Rewire()
    while True:
        for _ in range(20):
            try:
                rewire.command("PACKET_EXPLAIN", b"".join((
                    u32(c["A_EXPLANATION_VNI"], 5), u8(c["A_EXPLANATION_PROTOCOL"], rng.choice((TCP, UDP))),
                    attr(c["A_EXPLANATION_SRC"], binary("10.5.0.2")), attr(c["A_EXPLANATION_DST"], binary("10.5.0.9")),
                    be16(c["A_EXPLANATION_SPORT"], 1024 + rng.randrange(200)), be16(c["A_EXPLANATION_DPORT"], 53),
                    u8(c["A_EXPLANATION_TCP_FLAGS"], rng.choice((0x02, 0x10, 0x04))))))
            except Refused as refusal:
                if refusal.name != "EAGAIN":
                    raise
        rewire.command("SUMMARY_GET", b"", DUMP)
        yield 20


def rules(stage, rng):
    rewire = Rewire()
    while True:
        answer = rewire.command("RULE_ADD", u32(c["A_RULE_VNI"], 5) + u8(c["A_RULE_PROTOCOL"], UDP) +
                                u32(c["A_RULE_ACTION"], c["RULE_ACTION_" + rng.choice(("PASS", "DROP"))]) +
                                be16(c["A_RULE_SPORT_MIN"], rng.randrange(1024, 60000)))
        time.sleep(rng.random() / 50)
        delete(rewire, "RULE_DEL", attr(c["A_RULE_ID"], dict(answer[0])[c["A_RULE_ID"]]))
        yield 1


def devices(stage, rng):
    """A device of the guest's VNI that comes, sends, is detached or just goes."""
    rewire = Rewire()
    while True:
        port = Port("c")
        stage.route.up(port.index, no_arp=True)
        rewire.command("ATTACH_ADD", u32(c["A_ATTACH_IFINDEX"], port.index) + u32(c["A_ATTACH_VNI"], 5))
        for number in range(200):
            port.send(ipv4("10.5.0.2", "10.5.0.9", UDP, transport(UDP, 1024 + number, 53)))
        if rng.random() < 0.5:
            rewire.command("ATTACH_DEL", u32(c["A_ATTACH_IFINDEX"], port.index))
        port.close()
        yield 1


def own_output(stage, rng):
    """The host's own packets, and the hook that takes them."""
    rewire = Rewire()
    local = attr(c["A_ATTACH_LOCAL"])
    while True:
        rewire.command("ATTACH_ADD", local + u32(c["A_ATTACH_VNI"], 5))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for number in range(100):
                try:
                    sender.sendto(b"x", ("10.6.0.9", 1 + number))
                except OSError:
                    pass
        rewire.command("ATTACH_DEL", local)
        yield 1


def chance(stage, rng):
    """Requests made from the specification, but for those that would stop all others, or leave
    no time for the table to fill."""
    rewire = Rewire()
    specification = Specification(rng, {"ifindex": [1, 99], "vni": [5, 6], "id": [*range(1, 5)], "port": [53, 1024]})
    while True:
        name = specification.operation()
        if not name.startswith(("attach", "punt-listen", "limit", "rule", "policy", "flow-flush")):
            try:
                rewire.command(name.upper().replace("-", "_"), specification.request(name))
            except Refused:
                pass
        yield 1


def small_flood(stage, rng):
    return flood(stage, rng, True)


def large_flood(stage, rng):
    return flood(stage, rng, False)


WORKERS = (small_flood, large_flood, answers, daemon, dump, flush, fill, targets, limits, policies,
           questions, rules, devices, own_output, chance)


def work(worker, number, stage, end, writer):
    """In a process of its own: how much it has done, or what went wrong."""
    done, wrong = 0, ""
    try:
        for amount in worker(stage, random.Random(SEED + number)):
            done += amount
            if time.monotonic() > end:
                break
    except Exception:
        wrong = traceback.format_exc()
    os.write(writer, f"{worker.__name__}\0{done}\0{wrong}".encode()[:4000])
    os._exit(0)


def prepare():
    global stage
    stage = two_ports()
    for vni, protocol in ((5, 6), (5, 17)):
        stage.rule(vni, "punt", u8(c["A_RULE_PROTOCOL"], protocol), u32(c["A_RULE_POLICY"], 1))
    for number in TARGETS:
        stage.rewire.command("TARGET_SET", u32(c["A_TARGET_ID"], number) + u32(c["A_TARGET_STATE"], 0))


def watch_table(end):
    """How often there were many flows, and few after that: the table has two entries for each, and
    is resized where it is filled to three quarters, or less than three tenths."""
    grown = shrunk = 0
    while time.monotonic() < end:
        flows = stage.rewire.stats()["flows"]
        if flows > MANY and grown == shrunk:
            grown += 1
        elif flows < FEW and grown > shrunk:
            shrunk += 1
        time.sleep(0.05)
    return grown, shrunk


def storm():
    end, children = time.monotonic() + SECONDS, {}
    for number, worker in enumerate(WORKERS):
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.close(reader)
            work(worker, number, stage, end, writer)
        os.close(writer)
        children[child] = reader
    grown, shrunk = watch_table(end)
    done = {}
    for child, reader in children.items():
        with os.fdopen(reader) as file:
            name, _, rest = file.read().partition("\0")
        os.waitpid(child, 0)
        amount, _, wrong = rest.partition("\0")
        done[name] = int(amount or 0)
        tap.point(name and not wrong, f"G5: {name or 'a process'} got through: {amount}", wrong)
    idle = [name for name, amount in done.items() if not amount]
    tap.equal("each of them has done something", idle, [])
    if SECONDS >= 60:           # a slow kernel needs some time to fill it
        tap.point(shrunk, f"the table has grown beyond {MANY} flows, and has shrunk below {FEW} again",
                  grown, shrunk)


def summed():
    """Flows by class of all networks, and of all targets."""
    kinds = [c["A_SUMMARY_" + name] for name in ("HALF_OPEN", "CLOSING", "ONE_WAY", "TWO_WAY", "ESTABLISHED")]
    sums = {"A_SUMMARY_VNI": 0, "A_SUMMARY_TARGET": 0}
    for answer in stage.rewire.command("SUMMARY_GET", b"", DUMP):
        part = {kind: int.from_bytes(value, "little") for kind, value in answer}
        for name in sums:
            if c[name] in part:
                sums[name] += sum(part[kind] for kind in kinds) - part[c["A_SUMMARY_FLOWS"]]
    return sums


def quiet():
    """Without limits, and idle: what is there stays."""
    stage.rewire.command("LIMIT_DEL", attr(c["A_LIMIT_ALL"]))
    delete(stage.rewire, "LIMIT_DEL", u32(c["A_LIMIT_VNI"], 5))


def books():
    """What was received has gone somewhere, and what was made is there or was closed."""
    stage.received()
    tap.wait_for(10, lambda: stage.rewire.stats()["held_packets"] == 0)
    good = tap.wait_for(5, stage.balanced)
    stats, counters = stage.rewire.stats(), stage.counters()
    tap.point(good, "G10: received = translated + passed + dropped + held", counters, stats)
    tap.point(all(stats[name] > least * SECONDS for name, least in AMOUNTS.items()),
              f"and there was a lot of it: {[stats[name] for name in AMOUNTS]} of {list(AMOUNTS)}", stats)
    tap.point(counters["close-evicted"] and counters["drop-vni-held"],
              "limits have evicted flows, and left packets without a place to wait", counters)
    closed = sum(value for name, value in counters.items() if name.startswith("close-"))
    tap.equal("S1.11: created = flows + closed", stats["created"], stats["flows"] + closed)
    good = tap.wait_for(5, lambda: not any(summed().values()))
    tap.point(good, "S3.3: in the summary, flows by class are all flows, of networks and of targets", summed())
    stage.rewire.command("FLOW_FLUSH")
    stats = stage.rewire.stats()
    closed = sum(value for name, value in stage.counters().items() if name.startswith("close-"))
    tap.equal("after a flush there are none", (stats["flows"], stats["created"]), (0, closed))


def left_over():
    stage.close()
    two_ports().close()
    home = Rewire()
    gone = tap.wait_for(60, lambda: home.stats()["objects"] <= 2)
    tap.point(gone, "G4: nothing of all that is left", home.stats())


print(f"# REWIRE_STRESS_SEED={SEED} REWIRE_STRESS_SECONDS={SECONDS}", flush=True)
tap.run(prepare, storm, quiet, books, left_over)

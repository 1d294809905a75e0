#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The summary of flows: true, of one size, and as cheap with many flows as with one."""
import os
import random
import sys
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), folder)
                for folder in ("lib", "behaviour")]
import tap
from flows import Maker, dump, enter_new
from netlink import DUMP, Refused, nest, u32, u64
from packets import TCP, UDP, c
from talk import Talk, two_ports

CLASSES = "half_open", "closing", "one_way", "two_way", "established"
MANY = 50000 if os.environ.get("KERNEL") == "fast" else 5000
NAMES = {value: key[len("A_SUMMARY_"):].lower() for key, value in c.items() if key.startswith("A_SUMMARY_")}


def named(answer):
    return {NAMES[kind]: int.from_bytes(value, "little") for kind, value in answer}


def summary(rewire):
    """The whole, the virtual networks by number, the targets by number."""
    parts = [named(answer) for answer in rewire.command("SUMMARY_GET", b"", DUMP)]
    return (parts[0], {part["vni"]: part for part in parts[1:] if "vni" in part},
            {part["target"]: part for part in parts[1:] if "target" in part})


def classes(part):
    """Those that are not 0."""
    return {name: part[name] for name in CLASSES if part[name]}


def set_target(rewire, number, state="ACTIVE"):
    rewire.command("TARGET_SET", u32(c["A_TARGET_ID"], number) +
                   u32(c["A_TARGET_STATE"], c["TARGET_STATE_" + state]))


def states():
    """Each class, as a connection goes through them."""
    stage = two_ports()
    rewire = stage.rewire
    set_target(rewire, 7)
    networks = summary(rewire)[1]
    tap.equal("S3: networks with a device are there, without a flow",
              {vni: (part["flows"], classes(part)) for vni, part in networks.items()}, {5: (0, {}), 6: (0, {})})
    target = u32(c["A_FLOW_TARGET"], 7)
    talk = Talk(stage, 4, 6, target)
    Talk(stage, 4, 17, target)
    Talk(stage, 6, 17)

    def now(name, *wanted):
        _, networks, targets = summary(rewire)
        tap.equal(name, (classes(networks[5]), classes(targets[7])), wanted)

    now("S3: one of TCP and one of UDP at the target", {"half_open": 1, "one_way": 2}, {"half_open": 1, "one_way": 1})
    for port, packet in ((stage.a, talk.there(TCP(flags="S", seq=1))), (stage.b, talk.back(TCP(flags="SA", seq=5, ack=2)))):
        port.send(packet)
    now("S3: a SYN is answered", {"half_open": 1, "one_way": 2}, {"half_open": 1, "one_way": 1})
    stage.a.send(talk.there(TCP(flags="A", seq=2, ack=6)))
    now("S3: it is established", {"established": 1, "one_way": 2}, {"established": 1, "one_way": 1})
    stage.a.send(talk.there(TCP(flags="FA", seq=2, ack=6)))
    now("S3: it is closing", {"closing": 1, "one_way": 2}, {"closing": 1, "one_way": 1})
    stage.b.send(Talk(stage, 4, 17, target, sport=1001, new_sport=4001).back(UDP()))
    now("S3: one more is answered", {"closing": 1, "one_way": 2, "two_way": 1},
        {"closing": 1, "one_way": 1, "two_way": 1})
    rewire.command("FLOW_DEL", rewire.tuple(c["A_FLOW_MESSAGE_KEY"], 5, 17, "10.5.0.2", 1000, "10.5.0.9", 53))
    now("S3.10: one has ended", {"closing": 1, "one_way": 1, "two_way": 1}, {"closing": 1, "two_way": 1})
    set_target(rewire, 7, "DOWN")
    part = summary(rewire)[2][7]
    tap.equal("S3: a target that is down has them in an earlier generation",
              (classes(part), part["flows"], part["retired_flows"], part["target_generation"]), ({}, 0, 2, 1))
    rewire.command("FLOW_FLUSH")
    part = summary(rewire)
    tap.equal("S3: after a flush, nothing is left of it", (classes(part[1][5]), part[2][7]["retired_flows"]), ({}, 0))
    stage.close()


def watermark():
    """All decisions below it have been carried out, and are counted."""
    global rewire, maker
    rewire = enter_new()
    maker = Maker(rewire)

    def whole():
        part = named(rewire.command("SUMMARY_GET")[0])
        return part["watermark"], part["newest"]

    tap.equal("S3.8: before any decision", whole(), (0, 0))
    maker.make([1, 2, 5])
    tap.equal("S3.8: the watermark is below what is missing", whole(), (2, 5))
    maker.make([4])
    tap.equal("S3.8: still", whole(), (2, 5))
    maker.make([3])
    tap.equal("S3.8: it rises when the gap is closed", whole(), (5, 5))
    rewire.command("VERDICT_ADD", maker.verdict(5))
    rewire.command("VERDICT_ADD", maker.verdict(6) + maker.verdict(6))
    tap.equal("S3.8: what fails or comes again is done", whole(), (6, 6))
    wrong = nest(c["A_VERDICT_BATCH_VERDICT"], u32(c["A_VERDICT_ACTION"], c["VERDICT_ACTION_FLOW"]), nest(
        c["A_VERDICT_FLOW"], rewire.tuple(c["A_FLOW_ORIG"], 77, 17, "10.0.0.1", 1, "10.0.0.2", 2),
        rewire.tuple(c["A_FLOW_REPLY"], 5, 17, "10.0.0.2", 2, "10.0.0.1", 1), u64(c["A_FLOW_DECISION"], 7)))
    rewire.command("VERDICT_ADD", wrong)
    tap.equal("S3.8: what is refused, too", whole(), (7, 7))
    numbers = list(range(8, 3008))
    random.Random(1).shuffle(numbers)
    good = True
    for start in range(0, len(numbers), 100):
        maker.make(numbers[start:start + 100], 100)
        mark, _ = whole()
        good = good and mark == min({*range(8, 3010)} - set(numbers[:start + 100])) - 1
    tap.point(good, "S3.8: 3000 out of order: always just below the first that is missing", whole())
    rewire.command("VERDICT_ADD", maker.verdict(3100) + maker.verdict(60000))
    tap.equal("S3.8: one far away does not lift it", whole(), (3007, 60000))
    settle(3099)
    tap.equal("S3.8: gaps that the daemon gives up are skipped", whole(), (3100, 60000))
    settle(100)
    tap.equal("S3.8: and it never falls", whole(), (3100, 60000))
    settle(60000)
    maker.make([60001])
    tap.equal("S3.8: the daemon may go on anywhere", whole(), (60001, 60001))
    included()


def settle(number):
    rewire.command("VERDICT_ADD", u64(c["A_VERDICT_BATCH_SETTLED"], number))


def included():
    part, networks, _ = summary(rewire)
    tap.equal("S3.3: what it says is what a list of all flows has", (part["flows"], classes(networks[5])),
              (len(set(dump(rewire))), {"one_way": part["flows"]}))
    again = summary(rewire)[0]
    tap.equal("S3.6: the next one is a later generation of the same epoch",
              (again["generation"], again["epoch"]), (part["generation"] + 1, part["epoch"]))
    rewire.command("FLOW_FLUSH")


def requests():
    """One network or target at a time, and what there is not."""
    set_target(rewire, 3)
    for name, payload, wanted in (("a network", u32(c["A_SUMMARY_VNI"], 5), ("vni", 5)),
                                  ("a target", u32(c["A_SUMMARY_TARGET"], 3), ("target", 3))):
        part = named(rewire.command("SUMMARY_GET", payload)[0])
        tap.equal(f"S3: {name} by itself", (wanted[0], part[wanted[0]]), wanted)
    for name, payload, error in (("no such network", u32(c["A_SUMMARY_VNI"], 99), "ENOENT"),
                                 ("no such target", u32(c["A_SUMMARY_TARGET"], 99), "ENOENT"),
                                 ("both", u32(c["A_SUMMARY_VNI"], 5) + u32(c["A_SUMMARY_TARGET"], 3), "EINVAL")):
        try:
            got = rewire.command("SUMMARY_GET", payload)
        except Refused as refusal:
            got = refusal.name if refusal.sentence and refusal.offset else refusal
        tap.equal(f"S3: {name} is refused, with a sentence and the place", got, error)


def cost(command, flags):
    """Bytes of the answer, and the shortest time of some to get it."""
    times = []
    for _ in range(30):
        started = time.perf_counter()
        rewire.send(rewire.family, bytes((c["CMD_" + command], 1, 0, 0)), flags | 4)
        size = end = 0
        while not end:
            for kind, _, _, data in rewire.messages():
                size += len(data) + 16
                end = end or kind in (2, 3)
        times.append(time.perf_counter() - started)
    return size, min(times)


def costs():
    for number in range(1, 40):
        set_target(rewire, number)
    maker.make([1])
    few, walk = cost("SUMMARY_GET", DUMP), cost("FLOW_COUNT", 0)
    tap.equal(f"{MANY} flows are made", maker.make(range(2, MANY + 1)), MANY - 1)
    many, long_walk = cost("SUMMARY_GET", DUMP), cost("FLOW_COUNT", 0)
    print("# bytes and seconds of a summary:", few, many, "of a walk:", walk, long_walk, flush=True)
    tap.equal(f"S3.9: a summary of {MANY} flows has as many bytes as of one", many[0], few[0])
    tap.point(many[1] < 2 * few[1] + 0.0005, "S3.9: and takes no longer", few, many)
    tap.point(long_walk[1] > 1.3 * walk[1], "S3.9: which a walk over all flows does", walk, long_walk)
    rewire.command("FLOW_FLUSH")


tap.run(states, watermark, requests, costs)

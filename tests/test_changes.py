#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The log of changes: what it costs, and that nothing is missed."""
import os
import subprocess
import sys
import threading
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "lib"))
import tap
from flows import Maker, c, dump, enter_new, number_of
from netlink import DUMP, Refused, Rewire, attributes, u32

# A kernel that is emulated, or checks itself, takes long to make flows
IDLE, CHANGED = 100000 if os.environ.get("KERNEL") == "fast" else 20000, 10
LISTEN = u32(c["A_CHANGE_VERSION"], c.get("INTERFACE_VERSION", 1))


def set_up():
    global rewire, maker
    rewire = enter_new()
    maker = Maker(rewire)


class Reader(Rewire):
    """Listens. What it has read: numbers of flows that are there, of those that have ended."""

    def __init__(self):
        super().__init__()
        self.command("CHANGE_GET", LISTEN)
        self.there, self.ended, self.overflows = {}, [], 0

    def read(self):
        """How many answers there were."""
        answers = self.command("CHANGE_GET", flags=DUMP)
        for answer in answers:
            answer = dict(answer)
            if c["A_CHANGE_OVERFLOW"] in answer:
                self.overflows += 1
                continue
            flow = dict(attributes(answer[c["A_CHANGE_FLOW"]]))
            number, id_ = number_of(flow), int.from_bytes(flow[c["A_FLOW_ID"]], "little")
            if c["A_CHANGE_REASON"] in answer:
                self.ended.append((id_, number, int.from_bytes(answer[c["A_CHANGE_REASON"]], "little")))
                self.there.pop(id_, None)
            else:
                self.there[id_] = number
        return len(answers)


def system_time(function):
    """Seconds of this process in the kernel, at least of several runs."""
    best = None
    for _ in range(5):
        before = os.times().system
        started = time.monotonic()
        function()
        spent = min(os.times().system - before, time.monotonic() - started)
        best = spent if best is None else min(best, spent)
    return best


def mean_system_time(function, runs=5):
    """The same on average: by ticks of the clock, of which the least may be none."""
    before = os.times().system
    for _ in range(runs):
        function()
    return (os.times().system - before) / runs


def refused(function):
    try:
        function()
    except Refused as refusal:
        return refusal.name
    return ""


def readers():
    """There is one, until its socket is closed."""
    tap.equal("who does not listen reads nothing", refused(
        lambda: rewire.command("CHANGE_GET", flags=DUMP)), "EPERM")
    tap.equal("another version of the interface is refused", refused(
        lambda: rewire.command("CHANGE_GET", u32(c["A_CHANGE_VERSION"], 99))), "EPROTO")
    reader = Reader()
    tap.equal("a second reader is refused", refused(Reader), "EBUSY")
    maker.make(range(3))
    maker.delete(1)
    reader.close()
    tap.point(tap.wait_for(10, lambda: not refused(lambda: Reader().close())),
              "one that comes after it has gone is not")
    maker.make([1])
    tap.equal("nothing is lost with it", sorted(dump(rewire)), [0, 1, 2])
    rewire.command("FLOW_FLUSH")
    tap.point(tap.wait_for(30, lambda: rewire.stats()["objects"] == 2),
              "what it had not read is freed", rewire.stats())


def cost():
    """S1.12, H2: as many messages as changes, however many flows there are."""
    reader = Reader()
    few = range(CHANGED)
    maker.make(few)
    maker.delete(0)
    tap.equal("each flow comes up once, and one that has ended with its reason",
              (reader.read(), sorted(reader.there.values()), reader.ended[0][1:]),
              (CHANGED, list(few[1:]), (0, c["REASON_CLOSE_DELETED"])))
    tap.equal("then there is nothing new", reader.read(), 0)

    maker.make([0])
    reader.read()
    alone = timed(reader, few)
    maker.make(range(CHANGED, CHANGED + IDLE))
    while reader.read():
        pass
    crowded = timed(reader, few)
    whole = mean_system_time(lambda: dump(rewire)) if IDLE >= 10000 else None
    tap.equal(f"{2 * CHANGED} changes are {2 * CHANGED} messages beside {IDLE} idle flows",
              (alone[0], crowded[0]), (2 * CHANGED, 2 * CHANGED))
    tap.point(crowded[1] < 5 * alone[1] + 0.002, "and take the kernel as long as without those",
              f"alone: {alone[1]} s", f"crowded: {crowded[1]} s", f"a whole list: {whole} s")
    print(f"# {crowded[1] * 1000:.2f} ms of {(whole or 0) * 1000:.2f} ms", flush=True)
    tap.point(whole is None or crowded[1] < whole / 20, "a small part of what a whole list takes",
              f"{crowded[1]} s of {whole} s")
    rewire.command("FLOW_FLUSH")
    while reader.read():
        pass
    tap.equal("all that ended is reported", len({id_ for id_, _, _ in reader.ended}) >= IDLE
              or reader.overflows > 0, True)
    reader.close()


def timed(reader, numbers):
    """Messages and shortest time of reading ten changes, of several tries."""
    messages, best = set(), 1e9
    for _ in range(10):
        for number in numbers:
            maker.delete(number)
        maker.make(numbers)
        started = time.monotonic()
        messages.add(reader.read())
        best = min(best, time.monotonic() - started)
    return messages.pop() if len(messages) == 1 else messages, best


def churn(stop, seed, made):
    """Make and delete flows of a range of its own, at random pace."""
    mover = Maker(Rewire())
    first = seed * 100000
    while not stop.is_set():
        numbers = range(first, first + 300)
        mover.make(numbers)
        for number in numbers[:200 + seed * 30]:
            mover.delete(number)
        for number in numbers[200 + seed * 30:]:
            mover.delete(number)
        made.append(len(numbers))


def nothing_missed():
    """What was read adds up to the table, and to the kernel's own count of flows that ended."""
    reader = Reader()
    created = rewire.stats()["created"]
    stop, made, rounds = threading.Event(), [], 0
    threads = [threading.Thread(target=churn, args=(stop, seed, made)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 4
    while time.monotonic() < deadline:
        reader.read()
        rounds += 1
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join()
    maker.make(range(50))
    while reader.read():
        rounds += 1
    ended = [id_ for id_, _, _ in reader.ended]
    tap.equal("S1.12: what is left in what was read is the table",
              sorted(reader.there.values()), sorted(dump(rewire)))
    tap.equal(f"each flow that ended in {rounds} rounds is reported once", (len(ended), len(set(ended))),
              (rewire.stats()["created"] - created - 50,) * 2)
    tap.equal("the log did not overflow", reader.overflows, 0)
    rewire.command("FLOW_FLUSH")
    reader.close()


def counts():
    """A flow that has ended is counted no more, though nobody has read of its end yet."""
    rewire.command("TARGET_SET", u32(c["A_TARGET_ID"], 1) +
                   u32(c["A_TARGET_STATE"], c["TARGET_STATE_ACTIVE"]))
    rewire.command("POLICY_SET", u32(c["A_POLICY_ID"], 1))
    reader = Reader()
    pointing = Maker(rewire, u32(c["A_FLOW_TARGET"], 1), u32(c["A_FLOW_POLICY"], 1))

    def flows(kind):
        answer = rewire.command(f"{kind}_GET", u32(c[f"A_{kind}_ID"], 1))
        return int.from_bytes(dict(answer[0])[c[f"A_{kind}_FLOWS"]], "little")

    pointing.make([1, 2])
    made = flows("TARGET"), flows("POLICY")
    pointing.delete(1)
    tap.equal("flows that have ended are their target's and their policy's no more",
              (made, flows("TARGET"), flows("POLICY")), ((2, 2), 1, 1))
    rewire.command("FLOW_FLUSH")
    reader.close()
    rewire.command("TARGET_DEL", u32(c["A_TARGET_ID"], 1))
    rewire.command("POLICY_DEL", u32(c["A_POLICY_ID"], 1))


def overflow():
    """More changes than are kept: the reader is told, and nothing stays behind."""
    limit = 131072
    reader = Reader()
    batch = 2560
    for start in range(0, limit + batch, batch):
        maker.make(range(start, start + batch))
        rewire.command("FLOW_FLUSH")
    reader.read()
    tap.point(reader.overflows == 1 and not reader.ended and not reader.there,
              "the reader is told that there was too much, and gets no part of it",
              reader.overflows, len(reader.ended), len(reader.there))
    maker.make([7])
    reader.read()
    tap.equal("then it goes on", (sorted(reader.there.values()), reader.overflows), ([7], 1))
    rewire.command("FLOW_FLUSH")
    reader.close()


def clean_up():
    subprocess.run(["ip", "link", "del", "dev", "in5"], check=False)
    gone = tap.wait_for(30, lambda: rewire.stats()["objects"] == 0)
    tap.point(gone, "nothing of the module is left over", rewire.stats())


set_up()
tap.run(readers, cost, nothing_missed, counts, overflow, clean_up)

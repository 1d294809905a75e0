#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Lists of flows: whole while the table changes, filtered, counted and ranked by the kernel."""
import json
import os
import socket
import subprocess
import sys
import threading

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "lib"))
import tap
from flows import Maker, VNI, OUTER, c, dump, enter_new, flow_in, number_of, source
from netlink import DUMP, Rewire, address, attributes, be16, nest, u8, u32, u64

CLI = os.path.join(here, "../build/bin/rewire")
STILL, MOVING = 1000, 2000


def set_up():
    global rewire, maker
    rewire = enter_new()
    maker = Maker(rewire)


def cli(*words):
    return json.loads(subprocess.run([CLI, "-j", *words], check=True, capture_output=True).stdout)


def count(payload=b""):
    return int.from_bytes(dict(rewire.command("FLOW_COUNT", payload)[0])[c["A_FLOW_MESSAGE_COUNT"]],
                          "little")


def given(*parts):
    return nest(c["A_FLOW_MESSAGE_FILTER"], *parts)


def churn(stop, mover):
    """Make and delete flows, so many that the table grows and shrinks."""
    numbers = range(STILL, STILL + MOVING)
    while not stop.is_set():
        mover.make(numbers)
        for number in numbers:
            mover.delete(number)


def whole_lists():
    """S1.12: whatever comes and goes meanwhile, and when the table is resized."""
    maker.make(range(STILL))
    stop, mover = threading.Event(), Maker(Rewire())
    thread = threading.Thread(target=churn, args=(stop, mover))
    thread.start()
    missed, shown_twice, wrong = set(), 0, []
    for _ in range(6):
        missed |= set(range(STILL)) - set(dump(rewire))
        shown = cli("flow", "show", "dst", "192.0.2.1")
        missed |= set(range(STILL)) - {flow["decision"] for flow in shown}
        shown_twice += len(shown) - len({flow["id"] for flow in shown})
        got = count(given(nest(c["A_FLOW_FILTER_ORIG"], address(c["A_FLOW_MATCH_SRC"], "10.0.0.0"),
                               u8(c["A_FLOW_MATCH_SRC_LEN"], 23))))
        if got != 512:
            wrong.append(got)
    stop.set()
    thread.join()
    tap.equal("S1.12: no list misses a flow that is there all the time", sorted(missed), [])
    tap.equal("rewire flow show shows none twice, and does not fail", shown_twice, 0)
    tap.equal("rewire flow count is not disturbed either", wrong, [])
    rewire.command("FLOW_FLUSH")


def rests():
    """A list rests when a message is full, on a flow that may be gone when it goes on.

    The table has room for three quarters of 4096 entries, and gets smaller below three
    tenths. It must not, for then the list would begin again.
    """
    still, going = range(640), range(640, 1500)
    mover, remover = Maker(rewire, u32(c["A_FLOW_POLICY"], 1)), Rewire()
    missed = set()
    maker.make(still)
    for _ in range(60):
        mover.make(going)
        missed |= set(still) - set(dump(rewire, between=lambda: remover.command(
            "FLOW_FLUSH", given(u32(c["A_FLOW_FILTER_POLICY"], 1)))))
    tap.equal("S1.12: nor when what it rests on is gone", sorted(missed), [])
    remover.close()
    rewire.command("FLOW_FLUSH")


def steps():
    """A list is made step by step, and when a resize has sent it back to the beginning it says so."""
    def count_steps():
        seen = []
        dump(rewire, between=lambda: seen.append(1))
        return len(seen)

    def counted():
        """Of messages as large as the kernel finds memory for at the time, which may change."""
        rewire.command("FLOW_FLUSH")
        maker.make(range(600))
        few = count_steps()
        maker.make(range(600, 1200))
        return few, count_steps()

    pairs = []
    tap.point(tap.wait_for(20, lambda: pairs.append(counted()) or (
        pairs[-1][0] >= 3 and 1.5 * pairs[-1][0] <= pairs[-1][1] <= 2.5 * pairs[-1][0])),
              "S1.12: a step of a list is of bounded size: twice the flows take twice the steps", pairs[-3:])
    tap.point(tap.wait_for(20, lambda: dump(rewire) and not rewire.interrupted),
              "S1.12: a list of a table that rests is one of a moment")
    mover = Maker(Rewire(), u32(c["A_FLOW_POLICY"], 1))

    def resized():
        """Lists while the table becomes four times as large, and small again, step by step."""
        more, less = iter(range(2000, 7000, 500)), iter([1])

        def change():
            first = next(more, None)
            if first is not None:
                mover.make(range(first, first + 500))
            elif next(less, None):
                mover.rewire.command("FLOW_FLUSH", given(u32(c["A_FLOW_FILTER_POLICY"], 1)))

        dump(rewire, between=change)
        return rewire.interrupted

    tap.point(tap.wait_for(60, resized), "S1.12: and one that a resize has sent back says so")
    mover.rewire.close()
    rewire.command("FLOW_FLUSH")


def expect(name, filters, words, wanted):
    """A filter, as attributes and as words, must leave these flows."""
    got = sorted(dump(rewire, given(*filters)))
    shown = sorted(flow["decision"] for flow in cli("flow", "show", *words))
    counted = count(given(*filters))
    tap.point(got == shown == sorted(wanted) and counted == len(got), f"filter: {name}",
              f"list: {got}", f"show: {shown}", f"count: {counted}", f"wanted: {sorted(wanted)}")


def filters():
    """Flows 0 to 9 of policy 1, 256 to 265 of policy 2, 512 of target 7, 600 drops."""
    rewire.command("TARGET_SET", u32(c["A_TARGET_ID"], 7) + u32(c["A_TARGET_STATE"], 0))
    Maker(rewire, u32(c["A_FLOW_POLICY"], 1)).make(range(10))
    Maker(rewire, u32(c["A_FLOW_POLICY"], 2),
          u32(c["A_FLOW_ORIG_IFINDEX"], socket.if_nametoindex("in5"))).make(range(256, 266))
    Maker(rewire, u32(c["A_FLOW_TARGET"], 7)).make([512])
    everything = [*range(10), *range(256, 266), 512]
    orig = lambda *parts: nest(c["A_FLOW_FILTER_ORIG"], *parts)
    reply = lambda *parts: nest(c["A_FLOW_FILTER_REPLY"], *parts)
    expect("none", [], [], everything)
    expect("virtual network", [orig(u32(c["A_FLOW_MATCH_VNI"], VNI))], ["vni", "5"], everything)
    expect("another one", [orig(u32(c["A_FLOW_MATCH_VNI"], OUTER))], ["vni", "6"], [])
    expect("protocol", [orig(u8(c["A_FLOW_MATCH_PROTOCOL"], 6))], ["protocol", "tcp"], [])
    expect("source prefix", [orig(address(c["A_FLOW_MATCH_SRC"], "10.0.1.0"),
                                  u8(c["A_FLOW_MATCH_SRC_LEN"], 29))], ["src", "10.0.1.0/29"],
           range(256, 264))
    expect("source", [orig(address(c["A_FLOW_MATCH_SRC"], source(3)))], ["src", source(3)], [3])
    expect("ports", [orig(be16(c["A_FLOW_MATCH_SPORT_MIN"], 900), be16(c["A_FLOW_MATCH_SPORT_MAX"], 1000),
                          address(c["A_FLOW_MATCH_SRC"], source(3)))],
           ["src", source(3) + ":900-1000"], [3])
    expect("other ports", [orig(be16(c["A_FLOW_MATCH_SPORT_MIN"], 900),
                                be16(c["A_FLOW_MATCH_SPORT_MAX"], 999),
                                address(c["A_FLOW_MATCH_SRC"], source(3)))],
           ["src", source(3) + ":900-999"], [])
    expect("destination of the reply", [reply(address(c["A_FLOW_MATCH_DST"], "100.0.0.4"),
                                              u8(c["A_FLOW_MATCH_DST_LEN"], 30),
                                              u32(c["A_FLOW_MATCH_VNI"], OUTER))],
           ["reply", "dst", "100.0.0.4/30", "vni", "6"], range(4, 8))
    expect("state", [u32(c["A_FLOW_FILTER_STATE"], 1)], ["state", "replied"], [])
    expect("policy", [u32(c["A_FLOW_FILTER_POLICY"], 2)], ["policy", "2"], range(256, 266))
    expect("target", [u32(c["A_FLOW_FILTER_TARGET"], 7)], ["target", "7"], [512])
    expect("no target", [u32(c["A_FLOW_FILTER_TARGET"], 0), u32(c["A_FLOW_FILTER_POLICY"], 1)],
           ["target", "0", "policy", "1"], range(10))
    expect("action", [u32(c["A_FLOW_FILTER_ACTION"], c["FLOW_ACTION_DROP"])], ["action", "drop"], [])
    expect("device", [u32(c["A_FLOW_FILTER_IFINDEX"], socket.if_nametoindex("in5"))], ["dev", "in5"],
           range(256, 266))
    expect("age", [u64(c["A_FLOW_FILTER_AGE_MIN"], 3600000)], ["age-min", "1h"], [])
    expect("idle for at most", [u64(c["A_FLOW_FILTER_IDLE_MAX"], 3600000)], ["since", "1h"], everything)
    expect("idle for at least", [u64(c["A_FLOW_FILTER_IDLE_MIN"], 3600000)], ["idle-min", "1h"], [])
    expect("several", [u32(c["A_FLOW_FILTER_POLICY"], 1), orig(address(c["A_FLOW_MATCH_SRC"], source(3)))],
           ["policy", "1", "src", source(3)], [3])
    tap.point(tap.wait_for(10, lambda: len(cli("flow", "show", "since", "1s")) == 0),
              "rewire flow show since 1s leaves out those that were idle for longer")
    Maker(rewire).make([700])
    tap.equal("and has what was made since then",
              [flow["decision"] for flow in cli("flow", "show", "since", "1s")], [700])
    rewire.command("FLOW_FLUSH", given(u32(c["A_FLOW_FILTER_POLICY"], 2)))
    tap.equal("a flush takes the same filters", sorted(dump(rewire)), [*range(10), 512, 700])
    rewire.command("FLOW_FLUSH")
    rewire.command("TARGET_DEL", u32(c["A_TARGET_ID"], 7))


def top(*parts):
    """Entries, total and error that flow-top answers."""
    answer = rewire.command("FLOW_TOP", b"".join(parts))[0]
    number = lambda name: int.from_bytes(dict(answer)[c[name]], "little")
    entries = [dict(attributes(value)) for kind, value in answer if kind == c["A_TOP_ENTRY"]]
    return entries, number("A_TOP_TOTAL"), number("A_TOP_ERROR")


def value(entry, name):
    return int.from_bytes(entry[c[name]], "little")


def ranks():
    """By policy exactly; by source, of which there are more than are counted each."""
    for policy, numbers in (1, range(5)), (2, range(10, 40)), (3, range(50, 60)):
        Maker(rewire, u32(c["A_FLOW_POLICY"], policy)).make(numbers)
    group = lambda name: u32(c["A_TOP_GROUP"], c["TOP_GROUP_" + name])
    entries, total, error = top(group("POLICY"))
    tap.equal("the policies with the most flows", [(value(e, "A_TOP_ENTRY_NUMBER"), value(
        e, "A_TOP_ENTRY_FLOWS")) for e in entries], [(2, 30), (3, 10), (1, 5)])
    tap.equal("their sum is exact", (total, error), (45, 0))
    entries, _, _ = top(group("POLICY"), u32(c["A_TOP_LIMIT"], 1),
                        nest(c["A_TOP_FILTER"], u32(c["A_FLOW_FILTER_POLICY"], 3)))
    tap.equal("as many as asked for, of those that match",
              [value(e, "A_TOP_ENTRY_NUMBER") for e in entries], [3])
    tap.equal("rewire flow top prints them", [(e["policy"], e["flows"]) for e in cli(
        "flow", "top", "group", "policy", "limit", "2")], [(2, 30), (3, 10)])
    entries, _, _ = top(u32(c["A_TOP_LIMIT"], 7))
    tap.equal("single flows come with all that is known of them",
              [c["A_TOP_ENTRY_FLOW"] in e for e in entries], [True] * 7)
    tap.equal("and rewire flow top prints them, too", len(cli("flow", "top", "limit", "3")), 3)
    rewire.command("FLOW_FLUSH")
    many, heavy = 6000, [4242, 17]
    maker.make(range(many))
    # Of a heavy source, more flows: its other ports
    for number in heavy:
        one = maker.verdict(number)
        for port in range(200):
            rewire.command("VERDICT_ADD", one.replace(b"\x03\xe8", (port + 2000).to_bytes(2, "big")))
    entries, total, error = top(group("SRC"), u32(c["A_TOP_LIMIT"], 2))
    names = sorted(socket.inet_ntoa(e[c["A_TOP_ENTRY_ADDRESS"]]) for e in entries)
    tap.equal(f"the sources with the most flows among {many}", names, sorted(map(source, heavy)))
    tap.point(all(value(e, "A_TOP_ENTRY_FLOWS") <= 201 <= value(e, "A_TOP_ENTRY_FLOWS") + error
                  for e in entries), "what they have lies within the bound that comes along",
              entries, error)
    tap.equal("the sum is exact all the same", total, many + 400)
    rewire.command("FLOW_FLUSH")


def keyed():
    """Where a flow is in the table follows from a secret: nobody can choose flows that collide.

    So the same flows, made in the same order, are in another one in another namespace. A table
    that still shrinks or grows lists some twice.
    """
    global rewire, maker
    orders = []
    for again in (False, True):
        if again:
            set_up()
        maker.make(range(200))
        tap.point(tap.wait_for(20, lambda: len(dump(rewire)) == 200 and dump(rewire) == dump(rewire)),
                  f"the {'other' if again else 'same'} namespace lists its flows in one order")
        orders.append(dump(rewire))
        rewire.command("FLOW_FLUSH")
    tap.equal("another one has the same flows", sorted(orders[1]), sorted(orders[0]))
    tap.point(orders[0] != orders[1], "G11: and lists them in another order", *orders)


def clean_up():
    subprocess.run(["ip", "link", "del", "dev", "in5"], check=False)
    gone = tap.wait_for(30, lambda: rewire.stats()["objects"] == 0)
    tap.point(gone, "nothing of the module is left over", rewire.stats())


set_up()
tap.run(whole_lists, rests, steps, filters, ranks, keyed, clean_up)

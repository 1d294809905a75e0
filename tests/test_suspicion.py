#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Who looks unusual goes first when there is no room, and only then (S8).

The daemon has a rate. Everything comes from one virtual network, so that only the
score can tell good from bad.
"""
import os
import re
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "lib"))
import tap
from calls import Calls
from flood import Child, run_flood, start_daemon, syn
from netlink import DUMP, Refused, Rewire, attr, attributes, nest, u32
from packets import Stage

RATE, SLOW = 100, 20
ATTEMPTS = 3                    # a daemon that the machine does not let run is slow, too
FLOOD = 500
INSIDE, OUTSIDE = 21, 22
NORMAL = 60                     # new flows in a phase, 20 a second
c = Rewire.c
DROPS = "drop-suspicious", "drop-punt-full"
# What scoring may call: it copies a header. Compilers and checkers add their own, and User
# Mode Linux keeps signals off while it counts by CPU
HARMLESS = r"skb_copy_bits|__fentry__|__x86_\w+|__(ref_)?stack_chk_\w+|mem(cpy|set)|__(asan|ubsan|kasan)_\w+|" \
           r"\.(ro)?data.*|this_cpu_off|__per_cpu_offset|pcpu_hot|cpu_info|warn_thunk_thunk|" \
           r"um_[gs]et_signals|uml_curr_cpu"


def suspicion(*more):
    stage.rewire.command("SUSPICION_SET", b"".join(more))


def limit(holds):
    """Of all; a virtual network alone may have four fifths."""
    stage.rewire.command("LIMIT_SET", attr(c["A_LIMIT_ALL"], b"") + u32(c["A_LIMIT_HOLDS"], holds))


def interval(milliseconds):
    suspicion(u32(c["A_SUSPICION_INTERVAL"], milliseconds))


def weights():
    """Weight and count of what was seen, by attribute and value."""
    found = {}
    for kind, value in stage.rewire.command("SUSPICION_GET")[0]:
        if kind == c["A_SUSPICION_VALUE"]:
            value = {k: int.from_bytes(v, "little") for k, v in attributes(value)}
            found[value[c["A_ODDITY_ATTRIBUTE"]], value[c["A_ODDITY_NUMBER"]]] = \
                value[c["A_ODDITY_WEIGHT"]], value[c["A_ODDITY_SEEN"]]
    return found


def weight(attribute, value):
    return weights().get((c["SUSPICION_ATTRIBUTE_" + attribute], value), (1 << 20, 0))[0]


def moved(before):
    now = stage.counters()
    return {name: now[name] - before[name] for name in DROPS}


def normal_phase():
    """First packets as usual hosts send them; how many get their flows."""
    arrived = 0
    outside.receive()
    began = time.monotonic()
    for number in range(NORMAL):
        while time.monotonic() < began + number * 0.05:
            time.sleep(0.005)
        normal_phase.sport += 1
        inside.send(syn(f"10.0.{number % 8}.{number % 200 + 2}", normal_phase.sport))
    tap.wait_for(2, lambda: False)
    arrived += sum(frame[23] == 6 for frame in outside.receive())
    return arrived


normal_phase.sport = 3000


def crafted(count, network, **odd):
    return [syn(f"10.66.{network}.{n % 250 + 2}", 1024 + n, **odd) for n in range(count)]


def with_flood(packets, rate, what):
    flood = Child(run_flood, inside, packets, rate)
    try:
        time.sleep(1.5)
        return what()
    finally:
        flood.end()
        tap.wait_for(5, lambda: not stage.rewire.stats()["holds"])


def pin(attribute, value, weight):
    suspicion(nest(c["A_SUSPICION_VALUE"],
                   u32(c["A_ODDITY_ATTRIBUTE"], c["SUSPICION_ATTRIBUTE_" + attribute]),
                   u32(c["A_ODDITY_NUMBER"], value),
                   *([u32(c["A_ODDITY_WEIGHT"], weight)] if weight else [])))


def malformed():
    """All odd, but with a TCP header of 16 bytes."""
    interval(100)
    before = stage.counters()["drop-malformed"]
    packet = bytearray(syn("10.0.0.8", 900, ttl=20, tos=0xb8, window=512))
    packet[32] = 4 << 4
    inside.send(bytes(packet))
    tap.equal("S8.2 a malformed packet is dropped for that",
              stage.counters()["drop-malformed"] - before, 1)
    time.sleep(0.3)
    tap.equal("S8.2 and teaches nothing", weights(), {})

    # What one packet teaches is forgotten after an interval, which a busy machine may sleep over
    def odd():
        inside.send(syn("10.0.0.8", 2000, ttl=20))
        return weights()
    tap.point(tap.wait_for(20, odd), "S8.2 one that is legal, though odd, does")
    tap.wait_for(5, lambda: not weights() and not stage.rewire.stats()["holds"])


def scored():
    """Without a daemon, so that questions can be looked at."""
    global daemon, answered
    pins = ("HOPS", 1, 100), ("DSCP", 6, 1000), ("WINDOW", 11, 10000)
    for name, value, weight_ in pins:
        pin(name, value, weight_)
    odd = {}, dict(ttl=20), dict(tos=0xb8), dict(ttl=20, tos=0xb8, window=512)
    for number, oddities in enumerate(odd):
        inside.send(syn("10.0.0.9", 900 * 2 + number, **oddities))
    scores = [int.from_bytes(dict(attributes(dict(answer)[c["A_PUNT_BATCH_PUNT"]]))
                             [c["A_PUNT_SCORE"]], "little")
              for answer in stage.rewire.command("PUNT_GET", flags=DUMP)]
    tap.equal("S8.3 a score is the sum of the weights of all that is odd", scores,
              [0, 100, 1000, 11100])
    for name, value, _ in pins:
        pin(name, value, 0)
    tap.wait_for(5, lambda: not stage.rewire.stats()["holds"])
    daemon, answered = start_daemon(RATE, OUTSIDE)


def bounded():
    """As the code that runs has it: what there is no call of is not done.

    Whoever sets up and learns does allocate and lock, so that it would be seen.
    """
    folder = os.path.join(here, "../build/module", os.environ["KERNEL"], "rewire/kmod")
    calls = Calls(*(os.path.join(folder, name) for name in ("suspicion.o", "header.o")))

    def others(name):
        return sorted(symbol for symbol in calls.outside(name) if not re.fullmatch(HARMLESS, symbol))

    tap.equal("S8.5 scoring calls nothing that allocates, locks or waits", others("rewire_suspicion_score"), [])
    tap.point(any("alloc" in symbol for symbol in others("rewire_suspicion_init")),
              "S8.5 what allocates is seen", others("rewire_suspicion_init"))
    tap.point("mutex_lock" in " ".join(others("rewire_suspicion_work")),
              "S8.5 and what locks", others("rewire_suspicion_work"))


def mixed():
    """T8.1"""
    interval(1000)
    before = stage.counters()
    tap.equal("T8.1 without a flood, all normal flows are set up", normal_phase(), NORMAL)
    tap.equal("T8.1, S8.4 and nothing is dropped for its score", moved(before),
              {"drop-suspicious": 0, "drop-punt-full": 0})
    before = stage.counters()
    odd = crafted(4 * FLOOD, 0, ttl=20, window=512, options=b"")
    for _ in range(ATTEMPTS):
        good = with_flood(odd, FLOOD, normal_phase)
        if good >= 0.95 * NORMAL:
            break
    tap.point(good >= 0.95 * NORMAL, "T8.1 with a crafted flood, 95 % of the normal flows are set up", good)
    drops = moved(before)
    tap.point(drops["drop-suspicious"] > FLOOD, "T8.1 and the flood is dropped for its score", drops)
    tap.equal("T8.1 and nobody else", drops["drop-punt-full"], 0)
    learned = weights()
    tap.point((c["SUSPICION_ATTRIBUTE_HOPS"], 1) in learned, "S8.1 what was odd has been learned", learned)
    seen = learned.get((c["SUSPICION_ATTRIBUTE_HOPS"], 1), (0, 0))[1]
    tap.point(seen <= 16, "S8.6 but a flood from one prefix teaches little", seen)


def train(**usual):
    """Many prefixes send what is usual from now on."""
    interval(200)
    for number in range(1200):
        inside.send(syn(f"10.66.{64 + number % 128}.9", 1024 + number, **usual))
        if number % 100 == 99:
            time.sleep(0.25)
    interval(3600000)


def shuffled():
    """T8.2"""
    kinds = {"hops": dict(ttl=20), "dscp": dict(tos=0xb8)}
    both = [packet for pair in zip(crafted(4 * FLOOD, 1, **kinds["hops"]),
                                   crafted(4 * FLOOD, 2, **kinds["dscp"])) for packet in pair]
    for usual, rare, names in (1, 2, ("hops", "dscp")), (2, 1, ("dscp", "hops")):
        train(**kinds[names[0]])
        light, heavy = (weight(name.upper(), {"hops": 1, "dscp": 6}[name]) for name in names)
        tap.point(light < heavy / 8, f"T8.2 {names[0]} weighs less when it is common", light, heavy)
        answered[usual] = answered[rare] = 0
        with_flood(both, FLOOD, lambda: time.sleep(1.5))
        tap.point(answered[usual] > 4 * max(answered[rare], 1),
                  f"T8.2 then {names[0]} is served, and {names[1]} is dropped",
                  answered[usual], answered[rare])
        interval(100)
        tap.wait_for(20, lambda: not weights())


def capacity():
    """T8.3, and last, for the daemon is another one then. A machine may pause for half a second."""
    global daemon
    odd = crafted(4 * FLOOD, 0, ttl=20, window=512, options=b"")
    limit(100)
    daemon.end()
    daemon, _ = start_daemon(SLOW, OUTSIDE)
    before = stage.counters()
    with_flood(odd, 7.5 * SLOW, lambda: time.sleep(2))
    drops = moved(before)
    tap.point(drops["drop-suspicious"] > 0, "T8.3 a daemon that is too slow makes drops", drops)
    daemon.end()
    daemon, _ = start_daemon(10 * SLOW, OUTSIDE)
    for _ in range(ATTEMPTS):
        before = stage.counters()
        with_flood(odd, 7.5 * SLOW, lambda: time.sleep(2))
        drops = moved(before)
        if not any(drops.values()):
            break
    tap.equal("T8.3 and one ten times as fast makes none of the same flood", drops,
              {"drop-suspicious": 0, "drop-punt-full": 0})


def switched():
    """By hand: pinned weights, and off."""
    pin("PORT", 2, 77)
    tap.equal("a weight is pinned", weight("PORT", 2), 77)
    pin("PORT", 2, 0)
    tap.equal("and let go", weight("PORT", 2), 1 << 20)
    try:
        suspicion(nest(c["A_SUSPICION_VALUE"], u32(c["A_ODDITY_NUMBER"], 2)),
                  u32(c["A_SUSPICION_ENABLED"], 0))
        refusal = None
    except Refused as error:
        refusal = error
    tap.point(refusal and refusal.name == "EINVAL" and refusal.sentence and refusal.offset,
              "a value without its attribute is refused", refusal)
    suspicion(u32(c["A_SUSPICION_ENABLED"], 0))
    before = stage.counters()
    with_flood(crafted(4 * FLOOD, 0, ttl=20, window=512, options=b""), FLOOD, lambda: time.sleep(1))
    drops = moved(before)
    tap.point(not drops["drop-suspicious"] and drops["drop-punt-full"],
              "switched off, nobody is dropped for a score", drops)
    suspicion(u32(c["A_SUSPICION_ENABLED"], 1))


stage = Stage()
inside = stage.port("a", INSIDE, "10.0.0.1/16")
outside = stage.port("out", OUTSIDE, "198.51.100.1/24")
stage.rewire.command("TARGET_SET", u32(c["A_TARGET_ID"], 1) +
                     u32(c["A_TARGET_STATE"], c["TARGET_STATE_ACTIVE"]))
limit(160)
stage.rule(INSIDE, "punt", u32(c["A_RULE_ORPHAN"], c["ORPHAN_MODE_HOLD"]))
daemon = answered = None
try:
    tap.run(bounded, malformed, scored, mixed, switched, shuffled, capacity)
finally:
    if daemon:
        daemon.end()

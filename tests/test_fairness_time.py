#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A flood of new flows does not slow others down: by the clock.

test_fairness.py counts ticks, and so can be exact on any machine. Here a daemon with a
rate runs by itself, and so do floods of ten times that; phases with the flood take turns
with phases where as many packets come that a rule drops. Packets come on one CPU, and so
to one queue.

A virtual machine does not always run. What was under way in such a pause says nothing
about floods, and is left out: on each CPU a process that goes before all others notices
when it could not run. How much the flood adds is only judged where there are few pauses,
which REWIRE_TEST_ALONE=1 says.
"""
import os
import random
import select
import statistics
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import tap
from flood import Child, run_flood, start_daemon, syn
from netlink import Rewire, u32
from packets import Stage

ALONE = os.environ.get("REWIRE_TEST_ALONE") == "1"
THREADS, RATE = 2, 100          # of the daemon, and decisions of each a second
FACTOR = 10                     # how much faster than all of them the flood is
FLOWS = int(os.environ.get("REWIRE_TEST_FLOWS", 200 if ALONE else 40))     # in a phase
ROUNDS = 5 if ALONE else 2
SPACING = 0.03
PULSE, PAUSE = 0.001, 0.0007    # seconds between two looks at the clock, and more than usual
LONG = 0.3                      # a pause for which a flow may get lost, that waits for a second
GROWTH = 1.2
FLOODER, VICTIM, OUTSIDE, ELSEWHERE = 11, 12, 13, 14
c = Rewire.c


def watch(ready, cpu, pipe):
    """Tell of times when this CPU did not run: nothing in the guest goes before this process."""
    os.sched_setaffinity(0, [cpu])
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
    ready()
    last = time.monotonic()
    while True:
        time.sleep(PULSE)
        now = time.monotonic()
        if now - last > PULSE + PAUSE:
            os.write(pipe, struct.pack("dd", last, now))
        last = now


class Pauses:
    """All that was noticed up to now."""

    def __init__(self):
        self.reader, writer = os.pipe()
        os.set_blocking(self.reader, False)
        self.watchers = [Child(watch, cpu, writer) for cpu in range(os.cpu_count())]
        self.times = []

    def overlap(self, begin, end, least=0):
        """Whether any pause, of so many seconds at least, was between these times."""
        try:
            while data := os.read(self.reader, 4096):
                self.times += struct.iter_unpack("dd", data)
        except BlockingIOError:
            pass
        return any(first < end and begin < last and last - first >= least
                   for first, last in self.times[-2000:])

    def end(self):
        for watcher in self.watchers:
            watcher.end()


def arrived(sequence, until):
    """Whether a packet with this sequence number has come out."""
    while time.monotonic() < until:
        select.select([outside.file], [], [], max(until - time.monotonic(), 0))
        for frame in outside.receive():
            if frame[23] == 6 and struct.unpack_from(">I", frame, 38)[0] == sequence:
                return True
    return False


def phase(port):
    """Milliseconds that new flows took while packets came in by PORT; None: it got lost."""
    flood = Child(run_flood, port, packets, THREADS * RATE * FACTOR)
    took = []
    try:
        if port is flooder:
            tap.wait_for(20, lambda: stage.rewire.stats()["punts_queued"] > RATE)
        outside.receive()
        for _ in range(FLOWS):
            phase.number += 1
            sent = time.monotonic()
            victim.send(syn("10.0.1.2", 2000 + phase.number, phase.number))
            came, now = arrived(phase.number, sent + 3), time.monotonic()
            time.sleep(SPACING * random.uniform(0.5, 1.5))
            if not came and not pauses.overlap(sent, now, LONG):
                took.append(None)
            elif came and not pauses.overlap(sent, now):
                took.append((now - sent) * 1000)
    finally:
        flood.end()
    tap.wait_for(20, lambda: not stage.rewire.stats()["holds"])
    return took


phase.number = 0


def percentile(times, part):
    times = sorted(times)
    return times[min(int(len(times) * part), len(times) - 1)]


def new_connections():
    calm, flooded, dropped = [], [], stage.counters()
    phase(elsewhere)            # what is done once
    for _ in range(ROUNDS):
        calm.append(phase(elsewhere))
        flooded.append(phase(flooder))
    now = stage.counters()
    gone = sum(now["drop-" + name] - dropped["drop-" + name]
               for name in ("punt-full", "suspicious", "hold-timeout"))
    lost = sum(phase_.count(None) for phase_ in calm + flooded)
    tap.equal(f"in a flood of {FACTOR} times the daemon's rate, all new connections of "
              "another virtual network succeed", lost, 0)
    tap.point(gone > 0.3 * ROUNDS * FLOWS * SPACING * THREADS * RATE * FACTOR, "it was a flood", gone)
    if ALONE:
        slowed(calm, flooded)


def slowed(calm, flooded):
    """What remains where nothing paused."""
    tails = []
    for name, phases in ("calm", calm), ("flood", flooded):
        times = [time_ for took in phases for time_ in took if time_]
        tails.append(percentile(times, 0.99))
        print(f"# {name}: {len(times)} of {ROUNDS * FLOWS} without a pause, p50 "
              f"{statistics.median(times):.2f} ms, p99 {tails[-1]:.2f} ms", flush=True)
        tap.point(len(times) > ROUNDS * FLOWS / 2, f"{name}: most flows met no pause", len(times))
    tap.point(tails[1] <= GROWTH * tails[0], "their p99 grows by at most a fifth", tails)


os.sched_setaffinity(0, [0])
stage = Stage()
flooder = stage.port("a", FLOODER, "10.0.0.1/24")
victim = stage.port("b", VICTIM, "10.0.1.1/24")
outside = stage.port("out", OUTSIDE, "198.51.100.1/24")
elsewhere = stage.port("c", ELSEWHERE, "10.0.2.1/24")
stage.rewire.command("TARGET_SET", u32(c["A_TARGET_ID"], 1) +
                     u32(c["A_TARGET_STATE"], c["TARGET_STATE_ACTIVE"]))
stage.rule(ELSEWHERE, "drop")
for network in FLOODER, VICTIM:
    stage.rule(network, "punt")
packets = [syn("10.66.0.2", sport) for sport in range(1024, 31024)]
daemon, _ = start_daemon(RATE, OUTSIDE, threads=THREADS)
pauses = Pauses()
try:
    tap.run(new_connections)
finally:
    pauses.end()
    daemon.end()

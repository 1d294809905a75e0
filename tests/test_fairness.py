#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A flood of new flows waits behind itself.

Time is counted in ticks, and each of a daemon's two threads needs SERVICE ticks to decide one
question; the flood sends ten first packets for each of these. Others set up flows meanwhile,
with and without the flood in turns. What is measured is the ticks from a flow's first
packet to its translated packet: it does not matter how fast the machine is, and the
flood does not take from the daemon's time. Without the flood, as many packets come that
a rule drops.

A hold lives for a second of the clock. A virtual machine may stop for longer, and what was under
way then says nothing about floods.
"""
import os
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import tap
from flood import Daemon, syn
from netlink import Rewire, u32
from packets import Stage

SERVICE = 10
THREADS = 2
FLOOD = 10 * THREADS // SERVICE     # packets of it in a tick
SPACING = 2 * SERVICE           # between two flows that are measured
FLOWS, ROUNDS = 20, 2
GROWTH = 1.2
PAUSE = 0.3                     # seconds between two ticks
FLOODER, VICTIM, OUTSIDE, ELSEWHERE = 11, 12, 13, 14
c = Rewire.c


class Bench:
    """The daemon, the flood and the clock."""

    def __init__(self):
        self.threads = [Daemon(SERVICE, OUTSIDE, bytearray(256)) for _ in range(THREADS)]
        self.now = 0
        self.flooding = False
        self.flood_sent = 0
        self.ticked, self.pauses = time.monotonic(), []

    def tick(self):
        self.now += 1
        last, self.ticked = self.ticked, time.monotonic()
        if self.ticked - last > PAUSE:
            self.pauses.append(self.now)
        port = flooder if self.flooding else elsewhere
        for _ in range(FLOOD):
            port.send(flood[self.flood_sent % len(flood)])
            self.flood_sent += 1
        time.sleep(0.0005)
        for thread in self.threads:
            thread.receive(self.now)
            thread.serve(self.now)

    def paused(self, since, ticks):
        """Whether the machine stopped soon after that tick."""
        return any(since <= pause <= since + ticks for pause in self.pauses)

    def asked(self):
        """Of flows that are measured, how often the daemon was asked."""
        for thread in self.threads:
            thread.receive(self.now)
        return sum(thread.others for thread in self.threads)

    def is_flooded(self):
        """The flood's first questions, which did not have to wait, are answered."""
        self.tick()
        return stage.rewire.stats()["punts_queued"] >= 10 and not self.threads[1].waiting

    def is_calm(self):
        self.tick()
        return not stage.rewire.stats()["holds"] and \
            not any(thread.waiting for thread in self.threads)


class Client:
    """Sends first packets, and measures when they come out, known by their sequence numbers."""

    def __init__(self, port, source):
        self.port, self.source = port, source
        self.sequence = 0
        self.sent, self.took = {}, {}

    def new(self):
        """Of a new flow."""
        self.send(2000 + self.sequence)

    def again(self):
        """Of flows which have to be decided again: their target was down."""
        for state in "DOWN", "ACTIVE":
            stage.rewire.command("TARGET_SET", u32(c["A_TARGET_ID"], 1) +
                                 u32(c["A_TARGET_STATE"], c["TARGET_STATE_" + state]))
        self.send(2000 + self.sequence % FLOWS)

    def send(self, sport):
        """Should the kernel ask now, it may take its time: only its order counts."""
        before, until = bench.asked(), time.monotonic() + 0.02
        self.sequence += 1
        self.sent[self.sequence] = bench.now
        self.port.send(syn(self.source, sport, self.sequence))
        while bench.asked() == before and time.monotonic() < until:
            time.sleep(0.0005)

    def receive(self):
        for frame in outside.receive():
            sequence = struct.unpack_from(">I", frame, 38)[0]
            if frame[23] == 6 and sequence in self.sent:
                self.took[sequence] = bench.now - self.sent[sequence]

    def phase(self, send, flooding, spacing=SPACING):
        """FLOWS first packets: the ticks they took, and how many got lost."""
        bench.flooding = flooding
        if flooding:
            tap.wait_for(20, bench.is_flooded)
        self.receive()
        self.sent, self.took = {}, {}
        for number in range(FLOWS * spacing + 10 * SERVICE):
            if not number % spacing and number < FLOWS * spacing:
                send(self)
            bench.tick()
            self.receive()
        bench.flooding = False
        tap.wait_for(20, bench.is_calm)
        self.receive()
        lost = [sent for sequence, sent in self.sent.items() if sequence not in self.took
                and not bench.paused(sent, 10 * SERVICE)]
        if lost:
            print("# lost:", lost, stage.counters(), flush=True)
        return list(self.took.values()), len(lost)


def percentile(times, part):
    times = sorted(times)
    return times[min(int(len(times) * part), len(times) - 1)]


def flood_lost():
    counters = stage.counters()
    return sum(counters["drop-" + name] for name in ("punt-full", "suspicious", "hold-timeout"))


def measure(what, client, send):
    times = {False: [], True: []}
    lost, before = 0, flood_lost()
    for number in range(2 * ROUNDS):
        took, missing = client.phase(send, bool(number % 2))
        times[bool(number % 2)] += took
        lost += missing
    calm, flooded = (percentile(times[key], 0.99) for key in (False, True))
    print(f"# {what}: p50 {percentile(times[False], 0.5)} ticks, p99 {calm}; in the flood "
          f"p50 {percentile(times[True], 0.5)}, p99 {flooded}", flush=True)
    gone = flood_lost() - before
    tap.equal(f"{what}: nothing is lost during a flood of ten times the daemon's rate", lost, 0)
    tap.point(flooded <= GROWTH * calm, f"{what}: p99 grows by at most a fifth", calm, flooded)
    tap.point(gone > ROUNDS * FLOWS * SPACING * FLOOD / 2, f"{what}: it was a flood", gone)


def neighbours():
    measure("another virtual network", Client(victim, "10.0.1.2"), Client.new)


def decided_again():
    client = Client(flooder, "10.0.0.4")
    client.phase(Client.new, False)
    measure("flows that are decided again", client, Client.again)


def clients():
    """A flood has two shares at most, this one has a third, and asks for less.

    It waits for a window of others, which has to be well before the hold's time is over.
    """
    for thread in bench.threads:
        thread.service = 3
    took, lost = Client(flooder, "10.0.0.3").phase(Client.new, True, 4 * SERVICE)
    print(f"# another client: p50 {percentile(took, 0.5)} ticks, p99 {percentile(took, 0.99)}",
          flush=True)
    tap.equal("another client of the same virtual network: nothing is lost during the flood",
              lost, 0)


os.sched_setaffinity(0, [0])    # one CPU's questions go to one thread, but for the sparse
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
flood = [syn("10.66.0.2", sport) for sport in range(1024, 11024)]
bench = Bench()
tap.run(neighbours, decided_again, clients)

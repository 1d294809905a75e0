# SPDX-License-Identifier: GPL-2.0
"""The load: the kernel's own packet generator, pktgen, and the time that its packets take.

Everything that a packet meets on its way happens on processor 0, in the generator's thread,
so the time of that processor is the cost of the packets. This program stays on another one.
"""
import ctypes
import os
import re
import subprocess
import time

CLONE_NEWNET = 0x40000000
PROC = "/proc/thread-self/net/pktgen/"
CPU_TIME = "/proc/uml_cputime"
# How ports follow each other: each after the one before, or as RFC 4814 has it
COUNTED = "flag !UDPSRC_RND", "flag !UDPDST_RND"
RANDOM = "flag UDPSRC_RND", "flag UDPDST_RND"
PATIENCE = 60           # seconds for a packet of each flow
LONGEST = 2e9           # nanoseconds of a burst: where packets take long, it has fewer
libc = ctypes.CDLL(None, use_errno=True)


class Lost(Exception):
    """Packets did not arrive, so that what was measured is not their way."""


class TooSlow(Lost):
    """Packets take far longer than a system should be given"""


def enter(namespace):
    """Go into a network namespace, by its name."""
    with open("/run/netns/" + namespace, "rb") as file:
        if libc.setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


def write(path, *commands):
    for command in commands:
        with open(path, "w", encoding="ascii") as file:
            file.write(command + "\n")


def received(device):
    with open("/proc/thread-self/net/dev", encoding="ascii") as file:
        return int(re.search(rf"^ *{device}: *\d+ +(\d+)", file.read(), re.M)[1])


def devices(thread):
    """That a thread of the generator has"""
    with open(thread, encoding="ascii") as file:
        return " ".join(re.findall(r"(?:Running|Stopped):(.*)", file.read())).split()


def cpu_time():
    """Nanoseconds that processor 0 has had of the machine."""
    with open(CPU_TIME, encoding="ascii") as file:
        return int(file.readline().split()[1])


class Flows:
    """Flows by source and destination port. When the numbers of ports of both kinds have no
    common divisor, counting both up visits every flow once in a cycle, by which they are made.
    A burst is of so many packets of flows at random."""

    def __init__(self, name, sources, destinations, first, packets):
        self.name, self.sources, self.destinations = name, sources, destinations
        self.first, self.packets = first, packets
        self.count = sources * destinations

    SOURCE = 1024

    def pairs(self):
        """All (source port, destination port)."""
        for destination in range(self.first, self.first + self.destinations):
            for source in range(self.SOURCE, self.SOURCE + self.sources):
                yield source, destination


# Their destination ports are apart, so one system can have them all
FLOWS = [Flows("1", 1, 1, 1000, 200000),
         Flows("1k", 1000, 1, 1001, 200000),
         Flows("64k", 32767, 2, 1002, 131068),
         Flows("1M", 62501, 16, 1004, 125002)]
FIRST, LAST = 1000, 1063         # of all destination ports


class Generator:
    """Sends by one device, to a hardware address; what arrives comes out of another device of
    the same namespace."""

    def __init__(self, namespace, device, to, arrives):
        self.namespace, self.device, self.to, self.arrives = namespace, device, to, arrives
        self.took = 0           # nanoseconds that a packet of the last burst did

    def prepare(self, source, destination, size):
        """Take the generator's thread for this device, with packets of SIZE bytes."""
        enter(self.namespace)
        six = "6" if ":" in source else ""
        self.take_thread()
        # Nobody else has a part in a packet, as in one of a device
        write(PROC + self.device, f"pkt_size {size}", "clone_skb 0", "flag !SHARED", "delay 0",
              "dst_mac " + self.to, "flag UDPCSUM", *(
                  [f"src6 {source}", f"dst6 {destination}"] if six else
                  [f"src_min {source}", f"src_max {source}",
                   f"dst_min {destination}", f"dst_max {destination}"]))

    def deliver(self, slot):
        """Packets arrive one by one, each seen to before the next one is made; or, as devices
        deliver them, those of a slot of so many microseconds at once, without a pause."""
        enter(self.namespace)
        subprocess.run(["tc", "qdisc", "del", "dev", self.device, "root"],
                       stderr=subprocess.DEVNULL, check=False)
        if slot:
            subprocess.run(["tc", "qdisc", "add", "dev", self.device, "root", "netem",
                            "limit", "10000", "slot", f"{slot}us"], check=True)
        write(PROC + self.device, "xmit_mode " + ("queue_xmit" if slot else "start_xmit"))

    def take_thread(self):
        """On a busy machine the thread lets go of its devices long after it was told to."""
        thread = PROC + "kpktgend_0"
        has = devices(thread)
        if has == [self.device]:
            return
        if has:
            write(thread, "rem_device_all")
            while devices(thread):
                time.sleep(0.01)
        write(thread, "add_device " + self.device)

    def ports(self, sources, destinations, order=COUNTED):
        """Of these ranges (first, how many)"""
        write(PROC + self.device, *order,
              f"udp_src_min {sources[0]}", f"udp_src_max {sources[0] + sources[1] % 65536}",
              f"udp_dst_min {destinations[0]}",
              f"udp_dst_max {destinations[0] + destinations[1] % 65536}")

    def begin(self, packets, rate):
        """Send so many a second; the process that waits until all are sent"""
        enter(self.namespace)
        write(PROC + self.device, f"count {packets}", f"ratep {rate:.0f}")
        return subprocess.Popen(["sh", "-c", f"echo start > {PROC}pgctrl"])

    def offer(self, packets, rate):
        """Send so many a second, and wait for all of them. The seconds that sending took."""
        enter(self.namespace)
        write(PROC + self.device, f"count {packets}", f"ratep {rate:.0f}")
        before = received(self.arrives)
        write(PROC + "pgctrl", "start")
        took = self.account() / 1e9
        self.wait_for(packets, before)
        return took

    def wait_for(self, packets, before):
        """That they arrive, since so many had"""
        end = time.monotonic() + 1
        while received(self.arrives) - before < packets:
            if time.monotonic() > end:
                raise Lost(f"{self.namespace}: some of {packets} packets did not arrive")
            time.sleep(0.01)

    def send(self, packets):
        """Nanoseconds a packet."""
        enter(self.namespace)
        write(PROC + self.device, f"count {packets}")
        before, began = received(self.arrives), cpu_time() if os.path.exists(CPU_TIME) else None
        write(PROC + "pgctrl", "start")
        account = self.account()
        arrived, end = received(self.arrives) - before, time.monotonic() + 1
        while arrived < packets and time.monotonic() < end:
            arrived = received(self.arrives) - before
        took = cpu_time() - began if began is not None else account
        if arrived < packets:
            raise Lost(f"{self.namespace}: of {packets} packets {arrived} arrived")
        return took / packets

    def account(self):
        """The generator's own: nanoseconds that all packets took. On a busy machine its thread
        may not even have begun when "start" returns."""
        while True:
            with open(PROC + self.device, encoding="ascii") as file:
                done = re.search(r"Result: OK: \d+\(c(\d+)", file.read())
            if done:
                return int(done[1]) * 1000
            time.sleep(0.01)

    def rate(self):
        """Packets a second that it has sent"""
        enter(self.namespace)
        with open(PROC + self.device, encoding="ascii") as file:
            return int(re.search(r"(\d+)pps", file.read())[1])

    def send_within(self, packets, seconds):
        """As fast as they go, but no longer"""
        write(PROC + self.device, f"count {packets}")
        before = received(self.arrives)
        waiting = subprocess.Popen(["sh", "-c", f"echo start > {PROC}pgctrl"])
        try:
            waiting.wait(seconds)
        except subprocess.TimeoutExpired:
            waiting.kill()              # which stops the generator, too
            waiting.wait()
            self.account()
            raise TooSlow(f"{self.namespace}: {packets} packets take longer than {seconds} s") from None
        self.account()
        self.wait_for(packets, before)

    def establish(self, flows, reply=False):
        """Send one packet of each flow."""
        enter(self.namespace)
        sources, destinations = (Flows.SOURCE, flows.sources), (flows.first, flows.destinations)
        if reply:
            sources, destinations = destinations, sources
        self.ports(sources, destinations)
        self.send_within(flows.count, PATIENCE)

    def burst(self, flows):
        enter(self.namespace)
        self.ports((Flows.SOURCE, flows.sources), (flows.first, flows.destinations), RANDOM)
        packets = flows.packets
        if packets * self.took > LONGEST:
            packets = int(LONGEST / self.took)
        self.took = self.send(packets)
        return self.took

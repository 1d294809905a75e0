# SPDX-License-Identifier: GPL-2.0
"""A daemon with a rate, and floods of new flows, each a process of its own."""
import ctypes
import itertools
import mmap
import os
import select
import signal
import socket
import struct
import time

from netlink import Rewire, attr, attributes, nest, u32

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)
FLOOD_NETWORK = "10.66"         # sources of floods: they get no flows
c = Rewire.c


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


LINUX_OPTIONS = b"\x02\x04\x05\xb4\x04\x02\x08\x0a\0\0\0\1\0\0\0\0\x01\x03\x03\x07"


def syn(src, sport, sequence=0, ttl=64, tos=0, window=64240, options=LINUX_OPTIONS):
    """A TCP connection's first packet; as Linux sends it, unless said otherwise."""
    dst = "198.51.100.9"
    tcp = struct.pack(">HHIIBBHHH", sport, 80, sequence, 0, 5 + len(options) // 4 << 4, 2,
                      window, 0, 0) + options
    pseudo = socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack(">HH", 6, len(tcp))
    tcp = tcp[:16] + struct.pack(">H", checksum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, tos, 20 + len(tcp), 7, 0x4000, ttl, 6, 0,
                     socket.inet_aton(src), socket.inet_aton(dst))
    return ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:] + tcp


def source(key):
    return dict(attributes(key))[c["A_TUPLE_SRC"]]


def is_flood(key):
    return socket.inet_ntoa(source(key)).startswith(FLOOD_NETWORK)


class Daemon:
    """Decides one question after the other; each takes SERVICE, by any clock.

    A flood's questions are counted in ANSWERED, by the third byte of their source, the
    others in OTHERS as they come.
    """
    ports = itertools.cycle(range(1024, 65536))      # that are given, by all threads

    def __init__(self, service, outside, answered):
        self.service, self.outside, self.answered = service, outside, answered
        self.listener = Rewire()
        self.listener.socket.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)    # SO_RCVBUFFORCE
        self.listener.command("PUNT_LISTEN", u32(c["A_PUNT_BATCH_VERSION"], 1))
        self.listener.socket.setblocking(False)
        self.rewire = Rewire()
        self.waiting = []       # (when it came, tuple)
        self.free = 0           # when the last one was decided
        self.others = 0

    def verdict(self, key):
        found = dict(attributes(key))
        src = source(key)
        if is_flood(key):
            self.answered[src[2]] = min(self.answered[src[2]] + 1, 255)
            return nest(c["A_VERDICT_BATCH_VERDICT"],
                        u32(c["A_VERDICT_ACTION"], c["VERDICT_ACTION_DROP"]),
                        nest(c["A_VERDICT_TUPLE"], key))
        vni = struct.unpack("=I", found[c["A_TUPLE_VNI"]])[0]
        sport = struct.unpack(">H", found[c["A_TUPLE_SPORT"]])[0]
        src, dst = (socket.inet_ntoa(found[c["A_TUPLE_" + n]]) for n in ("SRC", "DST"))
        return nest(c["A_VERDICT_BATCH_VERDICT"],
                    u32(c["A_VERDICT_ACTION"], c["VERDICT_ACTION_FLOW"]),
                    nest(c["A_VERDICT_FLOW"],
                         self.rewire.tuple(c["A_FLOW_ORIG"], vni, 6, src, sport, dst, 80),
                         self.rewire.tuple(c["A_FLOW_REPLY"], self.outside, 6, dst, 80,
                                           "203.0.113.64", next(Daemon.ports)),
                         u32(c["A_FLOW_TARGET"], 1)))

    def receive(self, now):
        try:
            while True:
                for _, _, sequence, data in self.listener.messages():
                    for kind, punt in attributes(data[4:]) if not sequence else ():
                        if kind == c["A_PUNT_BATCH_PUNT"]:
                            key = dict(attributes(punt))[c["A_PUNT_TUPLE"]]
                            self.waiting.append((now, key))
                            self.others += not is_flood(key)
        except BlockingIOError:
            pass

    def serve(self, now):
        """Answer what is due; returns how long it is until the next is."""
        due = []
        while self.waiting:
            done = max(self.free, self.waiting[0][0]) + self.service
            if done > now:
                break
            self.free = done
            due.append(self.verdict(self.waiting.pop(0)[1]))
        for first in range(0, len(due), 64):
            self.rewire.command("VERDICT_ADD", b"".join(due[first:first + 64]))
        return done - now if self.waiting else None

    def run(self):
        wait = None
        while True:
            select.select([self.listener.socket], [], [], wait)
            self.receive(time.monotonic())
            wait = self.serve(time.monotonic())
            if wait is not None:
                wait = max(wait, 0.002)     # several at once, not to need the CPU


class Child:
    """A process that runs FUNCTION until it is ended; it begins when it says so."""

    def __init__(self, function, *arguments):
        reader, writer = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            try:
                function(lambda: os.write(writer, b"x"), *arguments)
            finally:
                os._exit(1)
        os.close(writer)
        if os.read(reader, 1) != b"x":
            raise ChildProcessError(f"{function.__name__} does not begin")
        os.close(reader)

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def start_daemon(rate, outside, threads=1):
    """A daemon, each thread of which has that rate, and what it counts of floods.

    A thread is a process, since those of one interpreter wait for each other; this process has
    asked for its punts, and it ends with it.
    """
    answered = mmap.mmap(-1, 256)

    def run(ready):
        os.sched_setaffinity(0, range(os.cpu_count()))
        daemons = [Daemon(1 / rate, outside, answered) for _ in range(threads)]
        for number, daemon in enumerate(daemons[1:], 1):
            if not os.fork():
                libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
                Daemon.ports = itertools.cycle(range(1024 + number, 65536, threads))
                daemon.run()
        Daemon.ports = itertools.cycle(range(1024, 65536, threads))
        ready()
        daemons[0].run()

    return Child(run), answered


def run_flood(ready, port, packets, rate):
    """Packets in turn; each comes again when its question has long been answered."""
    os.nice(19)
    ready()
    started, sent = time.monotonic(), 0
    while True:
        while sent < (time.monotonic() - started) * rate:
            port.send(packets[sent % len(packets)])
            sent += 1
        time.sleep(0.002)



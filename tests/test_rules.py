#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Which rule counts for a packet, compared with a straightforward model, and that
the cost of finding it does not grow with the number of rules.

In a namespace of its own, device b is attached to VNI 5 and d to VNI 6.  Their
other ends a and c are at home, where frames are sent.
"""
import ctypes
import ipaddress
import os
import random
import socket
import struct
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "lib"))
import tap
from netlink import DUMP, Refused, Rewire, Route, attr, attributes, be16, u8, u32

CLONE_NEWNET = 0x40000000
TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
MAC = {5: bytes((2, 0, 0, 0, 0, 1)), 6: bytes((2, 0, 0, 0, 0, 2))}
NATIVE = os.environ.get("KERNEL") == "fast"     # others take ten times as long
MANY = int(os.environ.get("REWIRE_TEST_RULES", 50000 if NATIVE else 10000))
ALIKE = min(MANY, 16000)
ROUNDS = int(os.environ.get("REWIRE_TEST_ROUNDS", 12))
seed = int(os.environ.get("REWIRE_TEST_SEED", random.randrange(1 << 32)))
rng = random.Random(seed)
libc = ctypes.CDLL(None, use_errno=True)
c = Rewire.c


def set_up():
    global home, inside, rewire, thrown
    home = open("/proc/self/ns/net", encoding="ascii")
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    inside = open("/proc/self/ns/net", encoding="ascii")
    libc.setns(home.fileno(), CLONE_NEWNET)
    route, thrown = Route(), {}
    for name, peer, vni in ("a", "b", 5), ("c", "d", 6):
        route.pair(name, peer, inside, MAC[vni])
        thrown[vni] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        thrown[vni].bind((name, 0x0800))
    libc.setns(inside.fileno(), CLONE_NEWNET)
    route, rewire = Route(), Rewire()
    for name, vni in ("b", 5), ("d", 6):
        index = socket.if_nametoindex(name)
        route.up(index)
        rewire.command("ATTACH_ADD", u32(c["A_ATTACH_IFINDEX"], index) + u32(c["A_ATTACH_VNI"], vni))


class Rule:
    """A rule, and what the specification says of the packets that it matches."""

    def __init__(self, src=None, dst=None, family=0, protocol=0, sport=(0, 65535),
                 dport=(0, 65535), preference=0):
        self.src, self.dst, self.family = src, dst, family
        self.protocol, self.sport, self.dport, self.preference = protocol, sport, dport, preference
        self.id = 0

    def order(self):
        """The least counts."""
        def length(prefix):
            return 0 if not prefix else prefix.prefixlen + (96 if prefix.version == 4 else 0)
        return (-length(self.dst), -length(self.src), not self.protocol,
                self.dport[1] - self.dport[0], self.sport[1] - self.sport[0],
                self.preference, self.id)

    def match(self):
        src, dst = (None if prefix and prefix.version == 6 and not prefix.prefixlen else prefix
                    for prefix in (self.src, self.dst))     # any address of the family
        return (src, dst, self.family, self.protocol, self.sport, self.dport,
                self.preference)

    def matches(self, packet):
        version = {0: None, socket.AF_INET: 4, socket.AF_INET6: 6}[self.family]
        return (version in (None, packet.src.version) and
                (not self.src or packet.src in self.src) and
                (not self.dst or packet.dst in self.dst) and
                self.protocol in (0, packet.protocol) and
                self.sport[0] <= packet.sport <= self.sport[1] and
                self.dport[0] <= packet.dport <= self.dport[1])

    def encode(self, vni=5, action="DROP"):
        data = u32(c["A_RULE_VNI"], vni) + u32(c["A_RULE_ACTION"], c["RULE_ACTION_" + action])
        for name, prefix in ("SRC", self.src), ("DST", self.dst):
            if prefix:
                data += attr(c[f"A_RULE_{name}"], prefix.network_address.packed) + \
                    u8(c[f"A_RULE_{name}_LEN"], prefix.prefixlen)
        if self.family:
            data += u8(c["A_RULE_FAMILY"], self.family)
        if self.protocol:
            data += u8(c["A_RULE_PROTOCOL"], self.protocol)
        for name, ports in ("SPORT", self.sport), ("DPORT", self.dport):
            if ports != (0, 65535):
                data += be16(c[f"A_RULE_{name}_MIN"], ports[0]) + be16(c[f"A_RULE_{name}_MAX"], ports[1])
        return data + u32(c["A_RULE_PREFERENCE"], self.preference)

    def __repr__(self):
        return f"rule {self.id}: {self.match()}"


class Packet:
    def __init__(self, src, dst, protocol, sport, dport):
        self.src, self.dst, self.protocol = src, dst, protocol
        self.sport, self.dport = sport, dport

    def frame(self, vni):
        if self.protocol == TCP:
            data = struct.pack(">HHIIBBHHH", self.sport, self.dport, 1, 0, 0x50, 2, 1024, 0, 0)
        elif self.protocol == UDP:
            data = struct.pack(">HHHH", self.sport, self.dport, 8, 0)
        else:       # an echo request, whose identifier is a source port
            data = struct.pack(">BBHHH", 8 if self.protocol == ICMP else 128, 0, 0, self.sport, 1)
        if self.src.version == 6:
            ip = struct.pack(">IHBB", 6 << 28, len(data), self.protocol, 64)
            return MAC[vni] + bytes(6) + b"\x86\xdd" + ip + self.src.packed + self.dst.packed + data
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(data), 0, 0, 64, self.protocol, 0,
                         self.src.packed, self.dst.packed)
        words = sum(struct.unpack(">10H", ip))
        words = (words & 0xffff) + (words >> 16)
        ip = ip[:10] + struct.pack(">H", ~(words + (words >> 16)) & 0xffff) + ip[12:]
        return MAC[vni] + bytes(6) + b"\x08\0" + ip + data

    def __repr__(self):
        return f"{self.protocol} {self.src}:{self.sport} > {self.dst}:{self.dport}"


def some_address(version):
    if version == 4:
        return ipaddress.ip_address(0x0a000000 | rng.getrandbits(2) << 16 | rng.getrandbits(2))
    return ipaddress.ip_address((0xfd << 120) | rng.getrandbits(2) << 64 | rng.getrandbits(2))


def some_prefix(version):
    length = rng.choice((0, 1, 14, 15, 16, 30, 31, 32) if version == 4 else
                        (0, 1, 8, 62, 63, 64, 126, 127, 128))
    return ipaddress.ip_network((some_address(version), length), strict=False)


def some_port():
    return rng.choice((0, 1, 79, 80, 81, 1023, 1024, 32767, 32768, 65534, 65535, rng.randrange(65536)))


def some_ports():
    kind = rng.randrange(4)
    low = some_port()
    if kind == 0:
        return low, low
    if kind == 1:
        return low, min(65535, low + rng.choice((1, 2, 3, 7, 8, 500, 40000)))
    if kind == 2:
        return max(0, low - rng.randrange(1, 1 << rng.randrange(1, 16))), low
    return 0, 65535


def some_rule():
    version = rng.choice((4, 6))
    prefixes = [some_prefix(version) if rng.randrange(3) else None for _ in range(2)]
    family = 0
    if any(prefixes) or rng.randrange(2):
        family = socket.AF_INET if version == 4 else socket.AF_INET6
    protocol = rng.choice((0, TCP, UDP, UDP, ICMP if version == 4 else ICMPV6))
    ports = [some_ports() if protocol in (TCP, UDP) else (0, 65535) for _ in range(2)]
    return Rule(*prefixes, family, protocol, *ports, rng.randrange(3))


def some_packet():
    version = rng.choice((4, 6))
    protocol = rng.choice((TCP, UDP, UDP, ICMP if version == 4 else ICMPV6))
    dport = some_port() if protocol in (TCP, UDP) else 0
    return Packet(some_address(version), some_address(version), protocol, some_port(), dport)


def near(rule):
    """A packet that a rule matches, or nearly."""
    packet = some_packet()
    for _ in range(20):
        if rule.matches(packet):
            break
        packet = some_packet()
        if rule.protocol in (TCP, UDP):
            packet.protocol = rule.protocol
            packet.sport = min(65535, max(0, rng.choice(rule.sport) + rng.choice((-1, 0, 0, 1))))
            packet.dport = min(65535, max(0, rng.choice(rule.dport) + rng.choice((-1, 0, 0, 1))))
    return packet


def add(rule, **more):
    answer = dict(rewire.command("RULE_ADD", rule.encode(**more))[0])
    rule.id = struct.unpack("=I", answer[c["A_RULE_ID"]])[0]
    return rule


def add_many(rules, **more):
    """In batches; each rule gets its number."""
    for start in range(0, len(rules), 64):
        batch = rules[start:start + 64]
        data = b""
        for i, rule in enumerate(batch):
            payload = struct.pack("=BBH", c["CMD_RULE_ADD"], 1, 0) + rule.encode(**more)
            data += struct.pack("=IHHII", 16 + len(payload), rewire.family, 1, i, 0) + payload
        rewire.socket.send(data)
        left = len(batch)
        while left:
            for kind, _, sequence, answer in rewire.messages():
                if kind != rewire.family:
                    rewire.check(kind, 0, answer)
                batch[sequence].id = struct.unpack("=I", dict(attributes(answer[4:]))[c["A_RULE_ID"]])[0]
                left -= 1


def remove(rule):
    rewire.command("RULE_DEL", u32(c["A_RULE_ID"], rule.id))


def hits():
    found = {}
    for answer in rewire.command("RULE_GET", flags=DUMP):
        parts = dict(answer)
        found[struct.unpack("=I", parts[c["A_RULE_ID"]])[0]] = \
            struct.unpack("=Q", parts[c["A_RULE_HITS"]])[0]
    return found


def received():
    return rewire.stats()["received"]


def send(packets, vni=5):
    want = received() + len(packets)
    for packet in packets:
        thrown[vni].send(packet.frame(vni))
    return tap.wait_for(10, lambda: received() >= want)


def compare(rules):
    """Whether each rule decides the packets that it should. Returns what differs."""
    packets = [near(rng.choice(rules)) if rules and rng.randrange(4) else some_packet()
               for _ in range(150)]
    before = hits()
    wanted = {rule.id: before[rule.id] for rule in rules}
    for packet in packets:
        matching = [rule for rule in rules if rule.matches(packet)]
        if matching:
            wanted[min(matching, key=Rule.order).id] += 1
    if not send(packets):
        return ["packets are missing"]
    got = hits()
    return [(rule, got.get(rule.id), wanted[rule.id]) for rule in rules
            if got.get(rule.id) != wanted[rule.id]]


def model():
    """Random rules come and go; each packet meets the one that the model names."""
    rules, taken, differences, decided = [], set(), [], 0
    for _ in range(ROUNDS):
        for _ in range(rng.randrange(10, 60)):
            rule = some_rule()
            if rule.match() in taken:
                continue
            taken.add(rule.match())
            rules.append(add(rule))
        differences += compare(rules)
        rng.shuffle(rules)
        gone = rules[:rng.randrange(len(rules))]
        rules = rules[len(gone):]
        for rule in gone:
            taken.discard(rule.match())
            remove(rule)
        differences += compare(rules)
        decided += sum(hits().values())
    tap.equal(f"random rules count as the model says (seed {seed})", differences[:5], [])
    tap.point(decided > 100 * ROUNDS, "and most packets met one", decided)
    for rule in rules:
        remove(rule)
    tap.equal("all of them are deleted", (hits(), rewire.stats()["rules"]), ({}, 0))


def crowded():
    """Ranges of one address that all overlap, in all classes of width."""
    dst = ipaddress.ip_network("10.0.0.1/32")
    rules = []
    for width in 1, 2, 3, 4, 5, 7, 8, 9, 100, 1000, 1023, 1024, 1025, 32768, 65535:
        for low in {0, 1, 65535 - width + 1} | {max(0, 1000 - width + i) for i in range(0, width + 1, max(1, width // 5))}:
            if 0 <= low <= 65536 - width:
                rules.append(Rule(dst=dst, family=socket.AF_INET, protocol=UDP, dport=(low, low + width - 1)))
    rng.shuffle(rules)
    for rule in rules:
        add(rule)
    packets = [Packet(ipaddress.ip_address("10.0.0.2"), dst.network_address, UDP, 9, port)
               for port in [0, 1, 2, 65533, 65534, 65535] + list(range(880, 1125))]
    wanted = dict.fromkeys((rule.id for rule in rules), 0)
    for packet in packets:
        matching = [rule for rule in rules if rule.matches(packet)]
        if matching:
            wanted[min(matching, key=Rule.order).id] += 1
    send(packets)
    got = hits()
    tap.equal(f"of {len(rules)} ranges that overlap the narrowest counts, then the older",
              {k: (got[k], wanted[k]) for k in wanted if got[k] != wanted[k]}, {})
    for rule in rules:
        remove(rule)


def ranges(count, dst):
    """Ranges of ports that share an address; sides by side, each as wide as all others."""
    width = max(1, 65536 // count)
    return [Rule(dst=dst, family=socket.AF_INET, protocol=protocol,
                 dport=(i * width, i * width + width - 1))
            for protocol in (UDP, TCP) for i in range(count // 2)]


def burst(vni, frames):
    started = time.perf_counter()
    for frame in frames:
        thrown[vni].send(frame)
    return time.perf_counter() - started


def ratio_of_times(frames):
    """How much longer those of VNI 6 take than as many of VNI 5."""
    times = {5: [], 6: []}
    for i in range(20):
        for vni in (5, 6) if i % 2 else (6, 5):
            times[vni].append(burst(vni, frames[vni]))
    return sorted(a / b for a, b in zip(times[6], times[5]))[len(times[5]) // 2]


def last_of_many(what, number, rule, sport=9, dport=80):
    """Many rules that share an address; a packet that only the last of them matches."""
    dst = ipaddress.ip_network((0x0a000100 + number, 32))
    packet = Packet(ipaddress.ip_address("11.0.0.0") + ALIKE, dst.network_address, UDP, sport, dport)
    rules = [rule(i, dst=dst, family=socket.AF_INET, protocol=UDP) for i in range(1, ALIKE + 1)]
    add_many(rules[-1:], vni=5)
    one = rules[-1].id
    started = time.perf_counter()
    add_many(rules, vni=6)
    print(f"# {ALIKE} {what} took {time.perf_counter() - started:.2f} s")
    ratio = ratio_of_times({vni: [packet.frame(vni)] * 200 for vni in (5, 6)})
    found = hits()
    tap.equal(f"of {what} the last is met", (found[one], found[rules[-1].id]), (4000, 4000))
    tap.point(ratio < 4, f"with {ALIKE} {what} a packet takes as long as with one "
              f"(ratio {ratio:.2f})")


def alike():
    """Rules of an address that no other level of the index tells apart."""
    last_of_many("ranges that overlap", 1, lambda i, **of: Rule(dport=(i, i + 16383), **of),
                 dport=ALIKE + 16383)
    last_of_many("source ports", 2, lambda i, **of: Rule(sport=(i, i), **of), sport=ALIKE)
    last_of_many("ranges of source ports that overlap", 3,
                 lambda i, **of: Rule(sport=(i, i + 16383), **of), sport=ALIKE + 16383)
    last_of_many("sources", 4, lambda i, **of: Rule(
        src=ipaddress.ip_network((0x0b000000 + i, 32)), **of))


def cost():
    """Packets meet one of many rules of an address as fast as one of ten."""
    dst = ipaddress.ip_network("10.0.0.1/32")
    few, many = ranges(10, dst), ranges(MANY, dst)
    others = rewire.stats()["rules"]
    add_many(few, vni=5)
    started = time.perf_counter()
    add_many(many, vni=6)
    took = time.perf_counter() - started
    print(f"# {MANY} rules took {took:.2f} s, {took / MANY * 1e6:.1f} us each")
    src = ipaddress.ip_address("10.0.0.2")
    ports = [rng.randrange(len(many) // 2 * max(1, 65536 // MANY)) for _ in range(500)]
    frames = {vni: [Packet(src, dst.network_address, UDP, 9, port).frame(vni) for port in ports]
              for vni in (5, 6)}
    before = sum(hits().values())
    ratio = ratio_of_times(frames)
    tap.equal("each packet has met one", sum(hits().values()) - before, 2 * 20 * len(ports))
    tap.point(ratio < 1.5, f"with {MANY} rules on an address a packet takes as long as with 10 "
              f"(ratio {ratio:.2f})")
    added = sum(hits().values())
    started = time.perf_counter()
    gone = 0
    for rule in many[::7]:
        remove(rule)
        gone += 1
    print(f"# deleting {gone} of them took {time.perf_counter() - started:.2f} s")
    tap.equal("some of them are deleted", rewire.stats()["rules"] - others, len(few) + len(many) - gone)
    add_many(many[::7], vni=6)
    tap.equal("and added again", len(hits()) - others, len(few) + len(many))
    return added


def full():
    """There are as many rules as there may be."""
    if not NATIVE:
        tap.skip("one more than there may be is refused", "131072 rules take a native kernel")
        return
    limit = 131072
    rest, number = limit - rewire.stats()["rules"], 0
    while rest:
        number += 1
        more = ranges(20000, ipaddress.ip_network((0x0a010000 + number, 32)))[:rest]
        add_many(more, vni=5)
        rest -= len(more)
    try:
        add(Rule(preference=99))
        refusal = None
    except Refused as error:
        refusal = error.name, bool(error.sentence)
    tap.equal("one more than there may be is refused", refusal, ("ENOSPC", True))
    tap.equal("and counted no more", rewire.stats()["rules"], limit)


def clean_up():
    """The namespace ends with its rules."""
    global rewire
    libc.setns(home.fileno(), CLONE_NEWNET)
    rewire.close()
    inside.close()
    watcher = Rewire()
    gone = tap.wait_for(60, lambda: watcher.stats()["objects"] == 0)
    tap.point(gone, "nothing of the module is left over", watcher.stats())


set_up()
tap.run(model, crowded, alike, cost, full, clean_up)

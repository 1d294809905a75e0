#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Packets and netlink messages by chance: nothing leaks, nothing is lost, nothing breaks.

REWIRE_FUZZ_SECONDS is for how long (default 20), REWIRE_FUZZ_SEED where to begin:
a run with the seed that another one printed does the same again, as far as
time allows.
"""
import os
import random
import socket
import sys
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), folder)
                for folder in ("lib", "behaviour")]
import tap
from netlink import DUMP, Refused, Rewire, u32
from packets import (GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, ICMP, IP, NEEDS_CSUM, TCP, UDP, Raw,
                     ICMPv6EchoRequest, IPv6, c, describe, sysctl)
from scapy.layers.inet import IPOption_NOP, IPOption_RR
from scapy.layers.inet6 import (IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                                IPv6ExtHdrRouting, PadN)
from spec import Specification
from talk import Ping, Talk, two_ports

SECONDS = int(os.environ.get("REWIRE_FUZZ_SECONDS", 20))
SEED = int(os.environ.get("REWIRE_FUZZ_SEED", random.SystemRandom().randrange(1 << 32)))
SERVICE = {4: "192.0.2.9", 6: "2001:db8::9"}
NEW_GUEST = {4: "203.0.113.2", 6: "2001:db8:f::2"}


def binary(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


OWN = {binary(text) for text in ("10.5.0.1", "10.6.0.1", "fd00:5::1", "fd00:6::1")}


class World:
    """A stage on which the host would forward what the module lets slip."""

    def __init__(self):
        self.stage = stage = two_ports()
        sysctl("ipv4/ip_forward", 1)
        sysctl("ipv6/conf/all/forwarding", 1)
        sysctl("ipv4/icmp_ratelimit", 0)
        for subnet, port in (("192.0.2.0/24", stage.b), ("2001:db8::/48", stage.b),
                             ("203.0.113.0/24", stage.a), ("2001:db8:f::/48", stage.a)):
            stage.route.to(subnet, port.index)
        self.talks = []
        for family in 4, 6:
            where = {"service": SERVICE[family], "new_guest": NEW_GUEST[family]}
            self.talks += [(Talk(stage, family, 6, **where), TCP(flags="S")),
                           (Talk(stage, family, 17, **where), UDP()),
                           (Ping(stage, family, **where), Raw(b""))]
        self.fine = {(binary(src), binary(dst)) for talk, _ in self.talks
                     for src, dst in ((talk.new_guest, talk.server), (talk.service, talk.guest))}

    def punt_all(self):
        for vni in 5, 6:
            self.stage.rule(vni, "punt", u32(c["A_RULE_ORPHAN"], c["ORPHAN_MODE_DROP"]))


class Mutator:
    """Packets that were valid before something happened to them."""

    def __init__(self, world, rng):
        self.world, self.random = world, rng
        self.seeds = [*self.make_seeds()]

    def make_seeds(self):
        for talk, layer in self.world.talks:
            for make, port in (talk.there, self.world.stage.a), (talk.back, self.world.stage.b):
                packet = make(layer / Raw(bytes(range(64))))
                yield talk, port, bytes(packet)
                if talk.family == 4:
                    packet[IP].options = [IPOption_NOP()] * 4 + [IPOption_RR(routers=["0.0.0.0"])]
                    yield talk, port, bytes(packet)
                    packet = make(layer / Raw(bytes(range(64))), flags="MF", frag=0)
                else:
                    packet = IPv6(src=packet.src, dst=packet.dst) / IPv6ExtHdrHopByHop(
                        options=[PadN(optdata=bytes(4))]) / IPv6ExtHdrRouting(
                        segleft=0, addresses=["fd00::1"]) / IPv6ExtHdrDestOpt(
                        options=[PadN(optdata=bytes(4))]) / packet.payload
                    yield talk, port, bytes(packet)
                    packet = IPv6(src=packet.src, dst=packet.dst) / IPv6ExtHdrFragment(m=1, id=9) / \
                        make(layer / Raw(bytes(range(64)))).payload
                yield talk, port, bytes(packet)
                yield talk, port, self.error(talk, make, layer)

    def error(self, talk, make, layer):
        """An ICMP error about what this side has got."""
        other = talk.back if make == talk.there else talk.there
        cause = bytes(talk.across(other(layer / Raw(bytes(16)))))
        header = make(Raw(b"") if isinstance(talk, Ping) else layer)
        ip = (IP if talk.family == 4 else IPv6)(src=header.src, dst=header.dst)
        kind = ICMP(type=3, code=4) if talk.family == 4 else ICMPv6EchoRequest(type=2, id=0, seq=1280)
        return bytes(ip / kind / Raw(cause))

    def packet(self):
        rng = self.random
        talk, port, data = rng.choice(self.seeds)
        data = bytearray(data)
        for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 8))):
            self.mutate(data, talk.family)
        if talk.family == 4 and len(data) >= 20 and rng.random() < 0.85:
            seal(data)
        return talk, port, bytes(data)

    def mutate(self, data, family):
        rng = self.random
        if not data:
            return
        # What is wrong in a header is of more use than what is wrong in the data
        place = rng.randrange(len(data)) if rng.random() < 0.3 else rng.randrange(min(len(data), 72))
        what = rng.randrange(8)
        if what < 2:
            data[place] ^= 1 << rng.randrange(8)
        elif what == 2:
            data[place] = rng.choice((0, 1, 4, 6, 17, 41, 43, 44, 47, 50, 51, 58, 59, 60, 0x7f, 0x80, 0xff))
        elif what == 3:
            del data[place:]
        elif what == 4:
            data[place:place] = rng.randbytes(rng.choice((1, 4, 8, 40)))
        elif what == 5:
            del data[place:place + rng.choice((1, 4, 8))]
        elif what == 6:
            data += rng.randbytes(rng.choice((1, 7, 100, 1300)))
        if rng.random() < 0.7 and len(data) >= 40:      # the lengths agree again
            if family == 4:
                data[2:4] = len(data).to_bytes(2, "big")
            else:
                data[4:6] = (len(data) - 40).to_bytes(2, "big")

    def offload(self, talk, data):
        """What the sender says that it has left to do."""
        rng = self.random
        if rng.random() < 0.8:
            return {}
        start = 14 + (20 if talk.family == 4 else 40)
        if rng.random() < 0.3:
            start = rng.randrange(14, 14 + len(data) + 1)
        how = {"flags": NEEDS_CSUM, "start": start, "offset": rng.choice((2, 6, 16, rng.randrange(64)))}
        if rng.random() < 0.5:
            how.update(gso=rng.choice((GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4)),
                       header=rng.choice((start, start + 20, rng.randrange(256))),
                       size=rng.choice((1, 8, 100, 536, 1460, 65535)))
        return how


def seal(data):
    """Give an IPv4 header the right checksum."""
    length = min(max(20, (data[0] & 15) * 4), len(data))
    data[10:12] = b"\0\0"
    data[10:12] = (~folded(data[:length]) & 0xffff).to_bytes(2, "big")


def folded(data):
    data = bytes(data) + bytes(len(data) % 2)
    total = sum(int.from_bytes(data[i:i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total or 0xffff if any(data) else 0


def ends(packet):
    return (packet[8:24], packet[24:40]) if packet[0] >> 4 == 6 else (packet[12:16], packet[16:20])


def is_error(packet):
    """An ICMP error, which is about other addresses than its own."""
    if packet[0] >> 4 == 4:
        return packet[9] == 1
    return packet[6] == 58


def is_discovery(packet):
    """Neighbour discovery, behind whatever headers, is the host's business."""
    return packet[0] >> 4 == 6 and packet[7] == 255


def complain(world, sent, out, how):
    """What is wrong with a packet that came out, or None."""
    src, dst = ends(out)
    if src in OWN:
        return None
    if is_discovery(sent):      # the host's business
        return None
    if (src, dst) not in world.fine and not (is_error(out) and dst in {pair[1] for pair in world.fine}):
        return "not translated"
    if how:                     # the device has changed more
        return None
    # Plain packets: all but addresses, hops and ports stays, and so does the checksum's error
    plain = 20 if out[0] == 0x45 and not out[6] & 0x3f and not out[7] else \
        40 if out[0] >> 4 == 6 and out[6] in (6, 17) else 0
    protocol = out[9] if plain == 20 else out[6]
    if not plain or protocol not in (6, 17) or len(out) != len(sent):
        return None
    header = 8 if protocol == 17 else 20
    if out[plain + header:] != sent[plain + header:]:
        return "its data were changed"
    if protocol == 17 and out[plain + 6:plain + 8] == b"\0\0":
        return None if sent[plain + 6:plain + 8] == b"\0\0" else "its checksum is gone"
    start = 12 if plain == 20 else 8
    if folded(out[start:plain] + out[plain:]) != folded(sent[start:plain] + sent[plain:]):
        return "the error of its checksum has changed"
    return None


def packets():
    """Mutated packets; a daemon that answers at random, now and then."""
    world = World()
    stage = world.stage
    world.punt_all()
    mutator = Mutator(world, random.Random(SEED))
    end, sent, refused, found = time.monotonic() + SECONDS / 3, 0, 0, []
    while time.monotonic() < end and len(found) < 5:
        talk, port, data = mutator.packet()
        how = mutator.offload(talk, data)
        kind = b"\x08\x00" if talk.family == 4 else b"\x86\xdd"
        try:
            port.send(data, frame=port.mac + bytes(6) + kind, **how)
            sent += 1
        except OSError:         # the device itself has refused what its sender left to do
            refused += 1
        for _, out in stage.received():
            wrong = complain(world, data, out, how)
            if wrong:
                found.append(f"packet {sent}: {wrong}\nsent {data.hex()} {how}\nout  {out.hex()}\n"
                             f"out  {describe(out)}")
    print(f"# {sent} packets; the device refused {refused}")
    tap.point(not found, f"S1.4: {sent > 100 and 'hundreds of' or sent} mutated packets: nothing "
              "comes out untranslated or changed", *found)
    moved = stage.counters()
    tap.point(moved["translated"] > 50 and moved["drop-malformed"] > 20,
              "and there were good ones and bad ones among them", moved)
    tap.point(stage.balanced(), "G10: received = translated + passed + dropped + held", moved)
    stage.close()


ERRORS = {"EINVAL", "ERANGE", "ENOENT", "EEXIST", "EBUSY", "ENODEV", "EADDRINUSE", "EHOSTDOWN", "ENOSPC",
          "EMSGSIZE", "EPROTO", "EPROTONOSUPPORT", "EAFNOSUPPORT", "EOPNOTSUPP", "EPERM", "E2BIG",
          "ESTALE", "EADDRNOTAVAIL", "EALREADY", "ESRCH", "ENOTCONN"}


def may_be_silent(refusal, flags):
    """Linux 6.1 does not hand on what is said about a dump that does not start."""
    return refusal.name == "EPERM" or (flags and os.environ.get("KERNEL") == "6.1")


def objects_of(stage):
    stats = stage.rewire.stats()
    return {name: stats[name] for name in ("attaches", "rules", "targets", "flows", "handlers", "held_packets")}


def small_values(stage):
    return {"ifindex": [stage.a.index, stage.b.index, 1, 99], "vni": [5, 6, 7], "protocol": [1, 6, 17, 58],
            "port": [1000, 53], "dport-min": [0, 53], "dport-max": [53, 60], "id": [*range(1, 30)],
            "target": [1, 2], "len": [0, 24, 32, 64, 128], "family": [0, 2, 10], "version": [1],
            "timeout": [60000, 60000, 1], "lifetime": [0, 1000], "network": [5, 6, 7]}


def deaf(stage):
    """Punts that there is no room for must not become errors of requests."""
    stage.rewire.socket.setsockopt(270, 5, 1)       # SOL_NETLINK, NETLINK_NO_ENOBUFS


def ask(stage, name, payload, flags):
    """The refusal of a request, or None."""
    try:
        stage.rewire.command(name.upper().replace("-", "_"), payload, flags)
    except Refused as refusal:
        return refusal
    return None


def judge(stage, name, payload, flags):
    """Send a request; its refusal, or None, and what is wrong with that, or None."""
    before = objects_of(stage)
    refusal = ask(stage, name, payload, flags)
    stage.rewire.notifications.clear()
    if not refusal:
        return None, None
    after = objects_of(stage)
    wrong = "an error that it must not be" if refusal.name not in ERRORS else \
        "it changed something" if changed(before, after) else \
        "no sentence" if not refusal.sentence and not may_be_silent(refusal, flags) else None
    return refusal, wrong and f"{refusal}: {wrong}\nbefore {before}\nafter  {after}"


def operations(specification, done):
    """Any, for a time; then, in between, those that have never been done, each a bounded number of times."""
    end = time.monotonic() + SECONDS / 3
    while time.monotonic() < end:
        yield specification.operation()
    for name in specification.operations:
        for _ in range(2000):
            if name in done:
                break
            yield name
            # What it takes away or shows has to be made, and what that needs
            yield from specification.makers(name)
            yield specification.operation()


def messages():
    """Requests made from the specification: refused with a sentence, and without effect, or done."""
    stage = two_ports()
    deaf(stage)
    rng = random.Random(SEED + 1)
    specification = Specification(rng, small_values(stage))
    sent, found, done, refused = 0, [], {}, {}
    for name in operations(specification, done):
        payload = specification.request(name)
        flags = DUMP if "dump" in specification.operations[name] and rng.random() < 0.3 else 0
        refusal, wrong = judge(stage, name, payload, flags)
        sent += 1
        if not refusal:
            specification.done()
            done[name] = done.get(name, 0) + 1
            continue
        refused[refusal.name] = refused.get(refusal.name, 0) + 1
        if wrong:
            found.append(f"message {sent}: {name}: {wrong}\n{payload.hex()} flags {flags:#x}")
        if len(found) >= 5:
            break
    print(f"# {sent} messages; done: {done}; refused: {refused}")
    tap.point(not found, "G6: messages made by chance are done, or refused with a sentence and without effect",
              *found)
    never = [name for name in specification.operations if name not in done]
    tap.point(not never, "and each operation succeeds now and then", never)
    stage.close()


def changed(before, after):
    """Flows and holds end by themselves; nothing else does, and nothing grows."""
    return any(after[name] > before[name] for name in before) or \
        any(after[name] < before[name] for name in ("attaches", "rules", "targets", "handlers"))


def both():
    """Packets while everything that they meet is made, changed and deleted at random."""
    world = World()
    stage, rng = world.stage, random.Random(SEED + 2)
    deaf(stage)
    specification = Specification(rng, small_values(stage))
    mutator = Mutator(world, rng)
    end, sent = time.monotonic() + SECONDS / 3, 0
    while time.monotonic() < end:
        name = specification.operation()
        ask(stage, name, specification.request(name), 0)
        stage.rewire.notifications.clear()
        for _ in range(4):
            talk, port, data = mutator.packet()
            try:
                port.send(data, frame=port.mac + bytes(6) + (b"\x08\x00" if talk.family == 4 else b"\x86\xdd"))
                sent += 1
            except OSError:
                pass
        stage.received()
    print(f"# {sent} packets")
    balanced = tap.wait_for(10, stage.balanced)
    tap.point(balanced, "G10: received = translated + passed + dropped + held, whatever was configured",
              stage.counters(), stage.stats)
    stats, counters = stage.rewire.stats(), stage.counters()
    closed = sum(value for name, value in counters.items() if name.startswith("close-"))
    tap.equal("created = flows + closed", stats["created"], stats["flows"] + closed)
    stage.close()


def left_over():
    """The namespaces are gone; what they had is, too."""
    two_ports().close()
    home = Rewire()
    gone = tap.wait_for(60, lambda: home.stats()["objects"] <= 2)
    tap.point(gone, "G4: nothing of all that is left", home.stats())


print(f"# REWIRE_FUZZ_SEED={SEED} REWIRE_FUZZ_SECONDS={SECONDS}", flush=True)
tap.run(packets, messages, both, left_over)

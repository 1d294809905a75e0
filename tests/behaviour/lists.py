# SPDX-License-Identifier: GPL-2.0
"""Super-packets of fraglist GRO: lists of packets, each with headers of its own.

    ethtool -K DEVICE rx-gro-list on
"""
import os
import socket
import subprocess
import tempfile

import tap
from netlink import attr, nest, u8, u32
from packets import IFF_NAPI, IP, TCP, UDP, Raw, c, translated
from talk import HEADERS, NETS, Talk, two_ports

ETH_P_ALL, PACKET_OUTGOING = 3, 4
# The last one is shorter, which makes the kernel deliver what it has collected
SIZES = 600, 600, 600, 500
# Linux 6.1 makes no lists of TCP segments, but super-packets with one header
KINDS = [(UDP, 17)] + [(TCP, 6)] * (os.environ.get("KERNEL") != "6.1")
CASES = [(f"{kind.__name__}/IPv{family}", family, kind, number) for family in (4, 6) for kind, number in KINDS]
TRIES = 50


def collect(*ports):
    """Have devices make lists of what comes in within a while."""
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["mount", "-t", "sysfs", "none", place], check=True)
        for port in ports:
            subprocess.run(["ethtool", "-K", port.name, "rx-gro-list", "on"], check=True)
            with open(f"{place}/class/net/{port.name}/gro_flush_timeout", "w", encoding="ascii") as file:
                file.write("20000000")
        subprocess.run(["umount", place], check=True)


def several(family, kind, src, dst, sport=1000, dport=53):
    """Packets of one flow that belong to one list."""
    packets, seq = [], 1000
    for number, size in enumerate(SIZES):
        fields = {"id": 0x4242 + number} if family == 4 else {}
        layer = UDP() if kind is UDP else TCP(flags="A", seq=seq, ack=1)
        layer.sport, layer.dport = sport, dport
        packets.append(HEADERS[family](src=src, dst=dst, **fields) / layer / Raw(bytes([65 + number]) * size))
        seq += size
    return packets


def sends(stage, port, packets, whole):
    """Send packets into a port, until some have been seen in one piece. Return: all that have come out.

    The kernel delivers what it has collected with the clock's next tick, too, so lists are likely
    rather than certain; what has to come out is the same.
    """
    seen = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    seen.bind((port.name, ETH_P_ALL))
    seen.setblocking(False)
    out, times = [], 0
    while times < TRIES:
        times += 1
        for packet in packets:
            port.send(packet)
        tap.wait_for(5, lambda: out.extend(stage.received()) or len(out) >= times * whole)
        if any(length > 1000 for length in lengths(seen)):
            break
    else:
        tap.point(False, f"{port.name}: lists are made", times)
    seen.close()
    return out, times


def lengths(seen):
    while True:
        try:
            data, address = seen.recvfrom(1 << 16)
        except BlockingIOError:
            return
        if address[2] != PACKET_OUTGOING:
            yield len(data)


def crosses(stage, name, port, packets, wanted, **counts):
    """A point: for each packet WANTED says what comes out, as (port, packet); COUNTS are for each."""
    out, times = sends(stage, port, packets, len(wanted))
    got = [(where.name, data.hex()) for where, data in out]
    wanted = [(where.name, bytes(packet).hex()) for where, packet in wanted] * times
    for where in stage.ports:
        tap.equal(f"{name}: out of {where.name}", [data for to, data in got if to == where.name],
                  [data for to, data in wanted if to == where.name])
    tap.equal(f"{name}: each is counted", stage.moved(),
              {key: value * len(packets) * times for key, value in counts.items()})


def flows(stage):
    """Each is translated, has one hop less, and the mark of its flow."""
    for name, family, kind, number in CASES:
        talk = Talk(stage, family, number, u8(c["A_FLOW_DSCP"], 46))
        packets = several(family, kind, talk.guest, talk.service)
        across = [talk.across(packet) for packet in packets]
        for packet in across:
            setattr(packet, "tos" if family == 4 else "tc", 46 << 2)
        crosses(stage, f"G2: {name}: a list there", stage.a, packets,
                [(stage.b, packet) for packet in across], received=1, translated=1)
        packets = several(family, kind, talk.server, talk.new_guest, 5353, 4000)
        across = [talk.across(packet) for packet in packets]
        for packet in across:
            setattr(packet, "tos" if family == 4 else "tc", 46 << 2)
        crosses(stage, f"G2: {name}: a list back", stage.b, packets,
                [(stage.a, packet) for packet in across], received=1, translated=1)
    stage.flush()


def copies(stage):
    """Each is copied."""
    for name, family, kind, number in CASES:
        far = NETS[family][1]
        copy = nest(c["A_COPIES_COPY"],
                    stage.rewire.tuple(c["A_FLOW_REPLY"], 6, number, far + "10", 54, far + "3", 4001))
        talk = Talk(stage, family, number, nest(c["A_FLOW_COPIES"], copy))
        packets = several(family, kind, talk.guest, talk.service)
        wanted = []
        for packet in packets:
            wanted += [(stage.b, translated(packet, far + "3", far + "10", 4001, 54)),
                       (stage.b, talk.across(packet))]
        crosses(stage, f"G2: {name}: a list with a copy", stage.a, packets, wanted, received=1, translated=2)
    stage.flush()


def forwarded(stage):
    """Each has one hop less, and nothing else changes."""
    rule = stage.rule(5, "forward", u32(c["A_RULE_VIA_IFINDEX"], stage.b.index))
    for name, family, kind, _ in CASES:
        packets = several(family, kind, NETS[family][0] + "2", NETS[family][1] + "9")
        crosses(stage, f"G2: {name}: a list by a rule that forwards", stage.a, packets,
                [(stage.b, translated(packet)) for packet in packets], received=1)
    stage.rule_delete(rule)


def held(stage):
    """A list waits for its verdict as one."""
    rule = stage.rule(5, "punt", u32(c["A_RULE_ORPHAN"], c["ORPHAN_MODE_HOLD"]),
                      u32(c["A_RULE_HOLD"], c["HOLD_MODE_HOLD"]))
    for name, family, kind, number in CASES:
        if kind is TCP:                 # the middle of a connection is not held
            continue
        near, far = NETS[family]
        packets = several(family, kind, near + "2", near + "9")
        for packet in packets:
            stage.a.send(packet)
        tap.wait_for(5, lambda: stage.counters() and stage.held)
        talk = Talk(stage, family, number)
        out = []
        tap.wait_for(5, lambda: out.extend(stage.received()) or len(out) >= len(packets))
        tap.equal(f"G2: {name}: a list that was held", [(port.name, data.hex()) for port, data in out],
                  [("b", bytes(talk.across(packet)).hex()) for packet in packets])
        tap.equal(f"G2: {name}: each is counted", stage.moved(),
                  {"received": len(packets), "translated": len(packets)})
    stage.rule_delete(rule)
    stage.flush()


def own(stage):
    """Each reaches a socket of the host, by a flow, or as it is."""
    local = attr(c["A_ATTACH_LOCAL"])
    stage.rewire.command("ATTACH_ADD", local + u32(c["A_ATTACH_VNI"], 7))
    for family in 4, 6:
        near, far = NETS[family]
        stage.flow((5, 17, near + "2", 1000, near + "9", 53), (7, 17, far + "1", 5353, far + "2", 4000))
        for name, port, dst, dport, src, sport, count in (
                ("a list for the host itself", 5353, near + "9", 53, far + "2", 4000, "translated"),
                ("a list that is left to the host", 5354, near + "1", 5354, near + "2", 1000, "passed")):
            with socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as service:
                service.bind(("", port))
                service.settimeout(5)
                packets = several(family, UDP, near + "2", dst, dport=dport)
                for packet in packets:
                    stage.a.send(packet)
                got = [service.recvfrom(2000) for _ in packets]
            tap.equal(f"G2: UDP/IPv{family}: {name}", [(data, *sender[:2]) for data, sender in got],
                      [(packet[Raw].load, src, sport) for packet in packets])
            moved = stage.moved()
            tap.point(moved["received"] == moved.get(count) and set(moved) == {"received", count},
                      f"G2: UDP/IPv{family}: {name}: counted", moved)
    stage.rewire.command("ATTACH_DEL", local)
    stage.flush()


def run():
    stage = two_ports(flags=IFF_NAPI)
    collect(*stage.ports)
    for test in flows, copies, forwarded, held, own:
        test(stage)
    return stage

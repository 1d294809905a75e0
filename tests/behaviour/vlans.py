# SPDX-License-Identifier: GPL-2.0
"""VLAN tags: those of a VLAN belong to its own device, and one of none is no way around."""
import socket
import struct
import subprocess

from packets import (GUEST, IP, TCP, UDP, IPv6, Raw, Rewire, sysctl, tap,
                     u32)
from talk import Talk, two_ports

c = Rewire.c


def tagged(port, packet, *tags, mac=None):
    """A frame with tags, each (protocol, VLAN)."""
    data = bytes(packet)
    kind = b"\x86\xdd" if data[0] >> 4 == 6 else b"\x08\x00"
    return (mac or port.mac) + GUEST + b"".join(struct.pack("!HH", *tag) for tag in tags) + kind


def not_ours(stage):
    for family in 4, 6:
        talk = Talk(stage, family, 17)
        packet = talk.there(UDP() / Raw(b"tagged"))
        for title, tags in (("of a VLAN", [(0x8100, 5)]), ("of a service VLAN", [(0x88a8, 5)]),
                            ("of QinQ", [(0x88a8, 5), (0x8100, 6)]),
                            ("with a priority before a VLAN's", [(0x8100, 0xe000), (0x8100, 5)])):
            stage.a.send(packet, frame=tagged(stage.a, packet, *tags))
            stage.check(f"IEEE 802.1Q: IPv{family}: a frame {title} is not the device's, nor leaks", [])
        for tag in 0x0000, 0xe000:
            stage.a.send(packet, frame=tagged(stage.a, packet, (0x8100, tag)))
            stage.check(f"IEEE 802.1Q 6.9: IPv{family}: priority {tag >> 13} alone is no way around",
                        [(stage.b, talk.across(packet))], received=1, translated=1)
    stage.flush()


def own_devices(stage):
    """a.5 and, over a service VLAN, a.7.8 are devices like any other."""
    for key, value in ("addr_gen_mode", 1), ("router_solicitations", 0):
        sysctl(f"ipv6/conf/default/{key}", value)
    for words in ("link add link a name a.5 type vlan id 5", "link set a.5 up arp off",
                  "link add link a name a.7 type vlan proto 802.1ad id 7", "link set a.7 up",
                  "link add link a.7 name a.7.8 type vlan id 8", "link set a.7.8 up arp off",
                  "address add 10.8.0.1/24 dev a.5", "address add fd00:8::1/64 dev a.5 nodad",
                  "address add 10.9.0.1/24 dev a.7.8", "address add fd00:9::1/64 dev a.7.8 nodad"):
        subprocess.run(["ip", *words.split()], check=True)
    for name, vni in ("a.5", 15), ("a.7.8", 16):
        stage.rewire.command("ATTACH_ADD", u32(c["A_ATTACH_IFINDEX"], socket.if_nametoindex(name)) +
                             u32(c["A_ATTACH_VNI"], vni))
    stage.received()
    stage.moved()
    for title, vni, net, tags in (("a VLAN", 15, 8, [(0x8100, 5)]),
                                  ("QinQ", 16, 9, [(0x88a8, 7), (0x8100, 8)])):
        for family, header, near, far in ((4, IP, f"10.{net}.0.", "10.6.0."),
                                          (6, IPv6, f"fd00:{net}::", "fd00:6::")):
            for kind, number in (UDP, 17), (TCP, 6):
                name = f"{kind.__name__}/IPv{family}"
                port = 3000 + net
                stage.flow((vni, number, near + "2", 1000, near + "99", 53),
                           (6, number, far + "9", 53, far + "2", port))
                packet = header(src=near + "2", dst=near + "99") / kind(sport=1000, dport=53)
                out = header(src=far + "2", dst=far + "9", **{"ttl" if family == 4 else "hlim": 63}) / \
                    kind(sport=port, dport=53)
                stage.a.send(packet, frame=tagged(stage.a, packet, *tags))
                stage.check(f"IEEE 802.1Q: {name}: a frame of {title} comes untagged",
                            [(stage.b, out)], received=1, translated=1)
                stage.b.send(header(src=far + "9", dst=far + "2") / kind(sport=53, dport=port))
                back = header(src=near + "99", dst=near + "2", **{"ttl" if family == 4 else "hlim": 63}) / \
                    kind(sport=53, dport=1000)
                frames = [frame[12:] for frame in stage.a.receive()]
                tap.equal(f"IEEE 802.1Q: {name}: and leaves for {title} with its tags", frames,
                          [tagged(stage.a, back, *tags)[12:] + bytes(back)])
                stage.check(f"IEEE 802.1Q: {name}: once", [], received=1, translated=1)
    stage.flush()


def run():
    stage = two_ports()
    for test in not_ours, own_devices:
        test(stage)
    return stage

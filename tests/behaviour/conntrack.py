# SPDX-License-Identifier: GPL-2.0
"""Connection tracking and nftables' NAT in the same namespace: neither meets what is handled."""
import socket
import subprocess

import tap
from netlink import attr, u32
from packets import ICMP, IP, UDP, IPv6, Raw, c
from talk import Ping, talks, two_ports

RULES = """
table inet other {
    chain pre { type nat hook prerouting priority dstnat; meta l4proto { tcp, udp } dnat ip to 10.5.0.66; }
    chain post { type nat hook postrouting priority srcnat; meta nfproto ipv4 masquerade; }
    chain six { type nat hook postrouting priority srcnat; meta nfproto ipv6 masquerade; }
    chain out { type nat hook output priority -100; udp dport 7777 dnat ip to 10.5.0.66; }
    chain input { type filter hook input priority 0; ct state untracked counter; ct state new counter; }
}
"""


def tracked():
    """Connections that the kernel tracks in this namespace."""
    with open("/proc/sys/net/netfilter/nf_conntrack_count", encoding="ascii") as file:
        return int(file.read())


def nft(rules):
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)


def crossing(stage):
    before = tracked()
    for name, talk, layer in talks(stage):
        talk.crosses(f"G1: {name} there, beside nftables' NAT", talk.there(layer / Raw(b"x")))
        talk.crosses(f"G1: {name} back, beside nftables' NAT", talk.back(layer / Raw(b"x")))
    for family in 4, 6:
        ping = Ping(stage, family)
        ping.crosses(f"G1: echo/IPv{family} beside nftables' NAT", ping.there())
    tap.equal("G1: none of them was tracked", tracked(), before)
    stage.flush()


def left_alone(stage):
    """The control: what no flow claims is tracked, so tracking works."""
    before = tracked()
    stage.alone("G1: a packet of nobody's is left to the host", stage.a,
                IP(src="10.5.0.2", dst="10.5.0.1") / ICMP(id=7), received=1, passed=1)
    tap.point(tracked() > before, "G1: which tracks it", tracked())


def for_the_host(stage):
    """A flow to the host itself: the rest of its way is through the host's stack."""
    stage.rewire.command("ATTACH_ADD", attr(c["A_ATTACH_LOCAL"]) + u32(c["A_ATTACH_VNI"], 7))
    before = tracked()
    for family, src, dst, own in ((socket.AF_INET, "10.5.0.2", "10.5.0.9", "10.6.0.1"),
                                  (socket.AF_INET6, "fd00:5::2", "fd00:5::9", "fd00:6::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as server:
            server.bind((own, 9000))
            server.settimeout(5)
            guest = "10.6.0.77" if family == socket.AF_INET else "fd00:6::77"
            stage.flow((5, 17, src, 1000, dst, 53), (7, 17, own, 9000, guest, 4000))
            header = IP if family == socket.AF_INET else IPv6
            stage.a.send(header(src=src, dst=dst) / UDP(sport=1000, dport=53) / Raw(b"question"))
            data, peer = server.recvfrom(100)
            tap.equal(f"G1: {own} gets the guest's packet, translated", (data, peer[:2]),
                      (b"question", (guest, 4000)))
            server.sendto(b"answer", (guest, 4000))
            wanted = header(src=dst, dst=src) / UDP(sport=53, dport=1000) / Raw(b"answer")
            got = [(port.name, header(packet)[UDP].payload.load, header(packet).src, header(packet).dst)
                   for port, packet in stage.received()]
            tap.equal("G1: its answer comes back, translated", got, [("a", b"answer", wanted.src, wanted.dst)])
    tap.equal("G1: nothing of it was tracked", tracked(), before)
    stage.rewire.command("ATTACH_DEL", attr(c["A_ATTACH_LOCAL"]))
    stage.moved()


def run():
    stage = two_ports()
    nft(RULES)
    for test in left_alone, crossing, for_the_host:
        test(stage)
    return stage

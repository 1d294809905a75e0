# SPDX-License-Identifier: GPL-2.0
"""Answers to ARP requests and neighbour solicitations about service addresses."""
import os
import socket
import subprocess
import time

import tap
from netlink import DUMP, Refused, Rewire, address, attributes, u8, u32
from packets import GUEST, IPv6
from scapy.layers.inet6 import (ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr,
                                ICMPv6NDOptSrcLLAddr)
from scapy.layers.l2 import ARP, Ether
from talk import two_ports

c = Rewire.c
MAC = "02:00:00:00:ff:ff"
SERVICE4, SERVICE6 = "10.5.0.100", "fd00:5::100"
BURST, RATE = 200, 1000         # of answers, as in neighbour.h
ALL_NODES, NODE = b"\x33\x33\x00\x00\x00\x01", b"\x33\x33\xff\x00\x01\x00"


def change(stage, command, vni, text, length=None):
    stage.rewire.command(command, u32(c["A_ADDRESS_VNI"], vni) +
                         address(c["A_ADDRESS_ADDRESS"], text) +
                         (b"" if length is None else u8(c["A_ADDRESS_LEN"], length)))


def arp(port, target, source="10.5.0.2", **fields):
    packet = ARP(op=1, hwsrc=MAC, psrc=source, hwdst="00:00:00:00:00:00", pdst=target)
    for key, value in fields.items():
        setattr(packet, key, value)
    port.send(packet, frame=b"\xff" * 6 + GUEST + b"\x08\x06")
    return [frame for frame in port.receive() if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\2"]


def solicit(port, target, source="fd00:5::2", option=True, dst=None, to=NODE, **fields):
    packet = IPv6(src=source, dst=dst or "ff02::1:ff00:100", hlim=255) / ICMPv6ND_NS(tgt=target)
    if option:
        packet = packet / ICMPv6NDOptSrcLLAddr(lladdr=MAC)
    for key, value in fields.items():
        setattr(packet if key == "hlim" else packet[ICMPv6ND_NS], key, value)
    port.send(packet, frame=to + GUEST + b"\x86\xdd")
    got = []
    while True:
        try:
            frame = os.read(port.file, 1 << 16)[10:]
        except BlockingIOError:
            return got
        if frame[12:14] == b"\x86\xdd" and frame[20] == 58 and frame[54] == 136:
            got.append(frame)


def mac(port):
    return ":".join(f"{byte:02x}" for byte in port.mac)


def answers_arp(stage):
    a = stage.a
    tap.equal("S2.1: before there is an address nobody answers", arp(a, SERVICE4), [])
    change(stage, "ADDRESS_ADD", 5, SERVICE4)
    wanted = bytes(Ether(dst=MAC, src=mac(a)) / ARP(op=2, hwsrc=mac(a), psrc=SERVICE4, hwdst=MAC,
                                                    pdst="10.5.0.2"))
    tap.equal("S2.1: RFC 826: a request is answered with the device's address",
              [frame[:42] for frame in arp(a, SERVICE4)], [wanted])
    tap.equal("S2.8: not in another virtual network", arp(stage.b, SERVICE4), [])
    tap.equal("S2.1: another address is not answered", arp(a, "10.5.0.101"), [])
    tap.equal("RFC 5227: an announcement is not answered", arp(a, SERVICE4, SERVICE4), [])
    tap.equal("RFC 5227: a probe is, the address is taken", len(arp(a, SERVICE4, "0.0.0.0")), 1)
    tap.equal("RFC 826: an answer is not answered", arp(a, SERVICE4, op=2), [])
    tap.equal("G4: a group as the asker is not answered", arp(a, SERVICE4, hwsrc="ff:ff:ff:ff:ff:ff"), [])
    tap.equal("G4: another hardware type is not answered", arp(a, SERVICE4, hwtype=6), [])
    a.send(bytes(ARP(op=1, hwsrc=MAC, psrc="10.5.0.2", pdst=SERVICE4))[:20],
           frame=b"\xff" * 6 + GUEST + b"\x08\x06")
    tap.equal("G4: a truncated request is not answered", a.receive(), [])


def answers_nd(stage):
    a = stage.a
    tap.equal("S2.1: before there is an address nobody answers", solicit(a, SERVICE6), [])
    change(stage, "ADDRESS_ADD", 5, SERVICE6)
    wanted = bytes(Ether(dst=MAC, src=mac(a)) / IPv6(src=SERVICE6, dst="fd00:5::2", hlim=255) /
                   ICMPv6ND_NA(R=0, S=1, O=1, tgt=SERVICE6) / ICMPv6NDOptDstLLAddr(lladdr=mac(a)))
    tap.equal("S2.1: RFC 4861: a solicitation is answered", solicit(a, SERVICE6), [wanted])
    tap.equal("RFC 4861 7.2.3: also a unicast one without an option",
              solicit(a, SERVICE6, option=False, dst=SERVICE6, to=a.mac), [wanted])
    wanted = bytes(Ether(dst="33:33:00:00:00:01", src=mac(a)) /
                   IPv6(src=SERVICE6, dst="ff02::1", hlim=255) /
                   ICMPv6ND_NA(R=0, S=0, O=1, tgt=SERVICE6) / ICMPv6NDOptDstLLAddr(lladdr=mac(a)))
    tap.equal("RFC 4862: who wants the address hears, with all nodes, that it is taken",
              solicit(a, SERVICE6, "::", option=False), [wanted])
    tap.equal("RFC 4861 7.1.1: not with an option from nowhere", solicit(a, SERVICE6, "::"), [])
    tap.equal("RFC 4861 7.1.1: not from beyond the link", solicit(a, SERVICE6, hlim=254), [])
    tap.equal("RFC 4861 7.1.1: not with a wrong checksum", solicit(a, SERVICE6, cksum=1), [])
    tap.equal("RFC 4861 7.1.1: not with a code", solicit(a, SERVICE6, code=1), [])
    tap.equal("S2.1: another address is not answered", solicit(a, "fd00:5::101"), [])
    tap.equal("S2.8: not in another virtual network", solicit(stage.b, SERVICE6), [])


def prefixes(stage):
    a = stage.a
    change(stage, "ADDRESS_ADD", 5, "10.5.7.0", 24)
    change(stage, "ADDRESS_ADD", 5, "fd00:7::", 64)
    tap.equal("S2.1: any address of a prefix is answered", len(arp(a, "10.5.7.77")), 1)
    tap.equal("S2.1: of IPv6, too", len(solicit(a, "fd00:7::100")), 1)
    tap.equal("RFC 5227: a guest may take an address of a prefix", arp(a, "10.5.7.77", "0.0.0.0"), [])
    change(stage, "ADDRESS_ADD", 5, "::", 64)
    tap.equal("RFC 826: no prefix of IPv6 answers for IPv4", arp(a, "10.5.8.77"), [])
    change(stage, "ADDRESS_DEL", 5, "::", 64)
    tap.equal("RFC 4862: of IPv6, too", solicit(a, "fd00:7::100", "::", option=False), [])
    change(stage, "ADDRESS_DEL", 5, "10.5.7.0", 24)
    change(stage, "ADDRESS_DEL", 5, "fd00:7::", 64)
    tap.equal("S2.1: it is deleted: not any more", arp(a, "10.5.7.77"), [])


def bounded(stage):
    packet = bytes(ARP(op=1, hwsrc=MAC, psrc="10.5.0.2", pdst=SERVICE4))
    sent, began = 2000, time.monotonic()
    for _ in range(sent):
        stage.a.send(packet, frame=b"\xff" * 6 + GUEST + b"\x08\x06")
    allowed = BURST + RATE * (time.monotonic() - began)
    got = sum(frame[20:22] == b"\0\2" for frame in stage.a.receive())
    # A slow machine asks less than may be answered
    tap.point(min(sent, BURST) <= got <= allowed + 1, "G8: answers are limited", f"{got} of {allowed}")


def shown(stage):
    found = [dict(one) for one in stage.rewire.command("ADDRESS_GET", flags=DUMP)]
    got = sorted((one[c["A_ADDRESS_ADDRESS"]], one[c["A_ADDRESS_LEN"]][0]) for one in found)
    tap.equal("S2.1: a dump has both", got,
              sorted([(socket.inet_pton(socket.AF_INET, SERVICE4), 32),
                      (socket.inet_pton(socket.AF_INET6, SERVICE6), 128)]))
    tap.point(all(int.from_bytes(one[c["A_ADDRESS_ANSWERS"]], "little") for one in found),
              "S2.1: with the number of answers")
    cli = os.path.join(os.path.dirname(__file__), "../../build/bin/rewire")
    text = subprocess.run([cli, "address"], capture_output=True, text=True, check=False).stdout
    tap.point(f"address vni 5 ip {SERVICE4} answers" in text, "S2.1: the command line shows them", text)
    done = subprocess.run([cli, "address", "add", "vni", "5", "ip", "10.5.9.0/24"], check=False)
    tap.equal("S2.1: adds", done.returncode, 0)
    done = subprocess.run([cli, "address", "del", "vni", "5", "ip", "10.5.9.0/24"], check=False)
    tap.equal("S2.1: and deletes", done.returncode, 0)


def refused(stage, name, error, command, *words):
    try:
        change(stage, command, *words)
        tap.point(False, name, "it was not refused")
    except Refused as refusal:
        tap.point(refusal.name == error and refusal.sentence, name, refusal)


def bad_input(stage):
    refused(stage, "G13: the same address twice", "EEXIST", "ADDRESS_ADD", 5, SERVICE4)
    refused(stage, "G13: one that is not there", "ENOENT", "ADDRESS_DEL", 5, "10.5.0.99")
    refused(stage, "G13: bits beyond the length", "EINVAL", "ADDRESS_ADD", 5, "10.5.0.1", 24)
    refused(stage, "G13: a length of 33", "EINVAL", "ADDRESS_ADD", 5, "10.5.0.1", 33)
    refused(stage, "G13: a group", "EINVAL", "ADDRESS_ADD", 5, "224.0.0.1")
    refused(stage, "G13: a group of IPv6", "EINVAL", "ADDRESS_ADD", 5, "ff02::1")
    refused(stage, "G13: the unspecified address", "EINVAL", "ADDRESS_ADD", 5, "::")
    refused(stage, "G13: a virtual network of 25 bits", "ERANGE", "ADDRESS_ADD", 1 << 24, "10.5.0.1")


def run():
    stage = two_ports()
    for test in answers_arp, answers_nd, prefixes, shown, bad_input, bounded:
        test(stage)
    return stage

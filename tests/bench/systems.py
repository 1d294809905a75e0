# SPDX-License-Identifier: GPL-2.0
"""What is compared: each system is a namespace of its own between the same two devices.

    namespace NAME-ends                      namespace NAME
    client ─ gen ───────────────────────────  in   the system
    server ─ sink ──────────────────────────  out

What arrives at gen or sink is dropped there at once.
"""
import os
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BIN = os.path.join(HERE, "../../build/bin/")
REWIRE = BIN + "rewire"
sys.path.insert(0, os.path.join(HERE, "../lib"))
from netlink import Rewire, nest, u32  # noqa: E402

from generator import FIRST, LAST, Flows, Generator, enter  # noqa: E402

MAC = {"gen": "02:00:00:00:00:01", "in": "02:00:00:00:00:02",
       "out": "02:00:00:00:00:03", "sink": "02:00:00:00:00:04",
       "gen2": "02:00:00:00:00:05", "in2": "02:00:00:00:00:06"}
UDP = 17


class Addresses:
    """By family. The client talks to the service; NAT of the destination makes it the server,
    NAT of the source makes the client the public address."""

    def __init__(self, *texts):
        self.client, self.service, self.server, self.public, self.inside, self.outside = texts
        self.bits = 64 if ":" in self.client else 24
        self.whole = 128 if ":" in self.client else 32


ADDRESSES = {
    4: Addresses("10.0.0.2", "198.51.100.1", "192.0.2.2", "203.0.113.1", "10.0.0.1", "192.0.2.1"),
    6: Addresses("fd00:1::2", "fd00:9::1", "fd00:2::2", "fd00:3::1", "fd00:1::1", "fd00:2::1"),
}


def run(*command, text=None):
    done = subprocess.run(command, input=text, encoding="ascii", stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout.strip()}")
    return done.stdout


def sysctl(*settings):
    run("sysctl", "-qw", *settings)


class System:
    """A plain router, and what the others have in common with it."""

    name, title = "plain", "plain router"
    source_nat = destination_nat = False
    flow_state = False          # whether flows have to be established
    pairs = ("in", "gen"), ("out", "sink")

    def __init__(self, family):
        self.family, self.at = family, ADDRESSES[family]
        self.ends = self.name + "-ends"
        self.topology()
        enter(self.name)
        self.set_up()
        self.forward = Generator(self.ends, "gen", MAC["in"], "sink")
        self.backward = Generator(self.ends, "sink", MAC["out"], "gen")

    def topology(self):
        at = self.at
        run("ip", "netns", "add", self.name)
        run("ip", "netns", "add", self.ends)
        enter(self.name)
        sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
               "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0",
               "net.ipv6.conf.default.accept_dad=0")
        pairs = "\n".join(
            f"link add {ours} address {MAC[ours]} type veth"
            f" peer name {theirs} address {MAC[theirs]} netns {self.ends}\n"
            f"link set {ours} up" for ours, theirs in self.pairs)
        enter(self.ends)
        run("ip", "netns", "exec", self.name, "ip", "-batch", "-", text=pairs)
        for _, device in self.pairs:
            run("ip", "link", "set", device, "up")
            run("tc", "qdisc", "add", "dev", device, "clsact")
            run("tc", "filter", "add", "dev", device, "ingress", "matchall", "action", "drop")
        enter(self.name)
        nodad = " nodad" if self.family == 6 else ""
        run("ip", "-batch", "-", text=f"""
            address add {at.inside}/{at.bits} dev in{nodad}
            address add {at.outside}/{at.bits} dev out{nodad}
            neigh replace {at.client} lladdr {MAC["gen"]} dev in nud permanent
            neigh replace {at.server} lladdr {MAC["sink"]} dev out nud permanent
            route add {at.service}/{at.whole} via {at.server} dev out
            """)

    def set_up(self):
        """In the system's namespace"""

    def prepare(self, size):
        self.forward.prepare(self.at.client, self.at.service, size)

    def establish(self, flows):
        """Make flows, so that packets of both ways are known."""
        if not self.flow_state:
            return
        self.make(flows)
        self.backward.prepare(self.at.server if self.destination_nat else self.at.service,
                              self.at.public if self.source_nat else self.at.client, 78)
        self.backward.establish(flows, reply=True)
        self.forward.prepare(self.at.client, self.at.service, 78)
        self.forward.establish(flows)

    def make(self, flows):
        self.forward.prepare(self.at.client, self.at.service, 78)
        self.forward.establish(flows)

    def turn(self):
        """Before its bursts"""

    def check(self, flows):
        """Fails when the system does not do what it is measured for."""

    def delete(self):
        for namespace in self.name, self.ends:
            run("ip", "netns", "del", namespace)

    def expected(self):
        """The addresses that a packet has behind the system."""
        return (self.at.public if self.source_nat else self.at.client,
                self.at.server if self.destination_nat else self.at.service)


class Floor(System):
    """From one device to the other without any look at the packet"""

    name, title = "floor", "tc redirect, the floor"

    def set_up(self):
        run("tc", "qdisc", "add", "dev", "in", "clsact")
        run("tc", "filter", "add", "dev", "in", "ingress", "matchall",
            "action", "mirred", "egress", "redirect", "dev", "out")


class Nftables(System):
    name, title = "nft", "nftables NAT"
    source_nat = destination_nat = flow_state = True
    flowtable = ""

    def set_up(self):
        ip, at = ("ip", "ip6")[self.family == 6], self.at
        run("nft", "-f", "-", text=f"""
            table inet nat {{
                chain prerouting {{
                    type nat hook prerouting priority dstnat
                    {ip} daddr {at.service} dnat {ip} to {at.server}
                }}
                chain postrouting {{
                    type nat hook postrouting priority srcnat
                    oifname out snat {ip} to {at.public}
                }}
                {self.flowtable}
            }}
            """)
        conntrack_timeouts()

    def check(self, flows):
        enter(self.name)
        if connections() < flows.count:
            raise RuntimeError(f"{self.name} has {connections()} connections of {flows.count}")


def connections():
    """That the kernel tracks in this namespace"""
    with open("/proc/sys/net/netfilter/nf_conntrack_count", encoding="ascii") as file:
        return int(file.read())


def conntrack_timeouts():
    sysctl("net.netfilter.nf_conntrack_udp_timeout=36000",
           "net.netfilter.nf_conntrack_udp_timeout_stream=36000")


class Flowtable(Nftables):
    name, title = "flowtable", "nftables flowtable with NAT"
    flowtable = """
                flowtable fast {
                    hook ingress priority 0
                    devices = { in, out }
                }
                counter slow { }
                chain forward {
                    type filter hook forward priority 0
                    ct state established flow add @fast
                    counter name slow
                }
        """

    def set_up(self):
        super().set_up()
        sysctl("net.netfilter.nf_flowtable_udp_timeout=36000")

    def slow(self):
        words = run("nft", "list", "counter", "inet", "nat", "slow").split()
        return int(words[words.index("packets") + 1])

    def check(self, flows):
        """All go by the flowtable, and none by the way that new ones take."""
        super().check(flows)
        before = self.slow()
        self.forward.establish(flows)
        enter(self.name)
        if self.slow() != before:
            raise RuntimeError("packets of established flows do not take the flowtable")


class Ipvs(System):
    name, title = "ipvs", "IPVS NAT of the destination"
    destination_nat = flow_state = True

    def set_up(self):
        at = self.at
        run("ip", "route", "del", f"{at.service}/{at.whole}")
        run("ip", "address", "add", f"{at.service}/{at.whole}", "dev", "lo")
        run("ip", "link", "set", "lo", "up")
        service, server = (f"[{a}]" if self.family == 6 else a for a in (at.service, at.server))
        run("ipvsadm", "-R", text="".join(f"-A -u {service}:{port} -s rr\n"
                                          f"-a -u {service}:{port} -r {server}:{port} -m\n"
                                          for port in range(FIRST, LAST + 1)))
        run("ipvsadm", "--set", "0", "0", "36000")


class OpenVswitch(System):
    name, title = "ovs", "Open vSwitch ct(nat) of the source"
    source_nat = flow_state = True

    def set_up(self):
        ip = ("0x0800", "0x86dd")[self.family == 6]
        public = f"[{self.at.public}]" if self.family == 6 else self.at.public
        run("ovs-dpctl", "add-dp", "bench")
        for device in "in", "out":
            run("ovs-dpctl", "add-if", "bench", device)
        proto = f"eth(),eth_type({ip}),ipv{self.family}(proto=17,frag=no),udp()"
        to_server = f"set(eth(src={MAC['out']},dst={MAC['sink']})),2"
        to_client = f"set(eth(src={MAC['in']},dst={MAC['gen']})),1"
        for match, actions in (
                ("recirc_id(0),in_port(1)", "ct(zone=1,nat),recirc(1)"),
                ("recirc_id(1),in_port(1),ct_state(+new+trk)",
                 f"ct(commit,zone=1,nat(src={public})),{to_server}"),
                ("recirc_id(1),in_port(1),ct_state(+est+trk)", to_server),
                ("recirc_id(0),in_port(2)", "ct(zone=1,nat),recirc(2)"),
                ("recirc_id(2),in_port(2),ct_state(+est+trk)", to_client)):
            run("ovs-dpctl", "add-flow", "bench", f"{match},{proto}", actions)
        conntrack_timeouts()


class RewireNat(System):
    name, title = "rewire", "Rewire"
    source_nat = destination_nat = flow_state = True
    INSIDE, OUTSIDE = 1, 2
    batch_flows = 4096

    def turn(self):
        with open("/sys/module/rewire/parameters/batch_flows", "w", encoding="ascii") as file:
            file.write(str(self.batch_flows))

    def set_up(self):
        # By default flows yield earlier when there are almost as many as there may be
        run(REWIRE, "limit", "set", "all", "flows", "1200000:1500000")
        self.socket = Rewire()
        c = Rewire.c
        for device, vni in ("in", self.INSIDE), ("out", self.OUTSIDE):
            self.socket.command("ATTACH_ADD", u32(c["A_ATTACH_VNI"], vni) +
                                u32(c["A_ATTACH_IFINDEX"], socket.if_nametoindex(device)))

    def make(self, flows):
        """By verdicts, in batches, all of which differ in their ports alone."""
        c, at = Rewire.c, self.at
        marks = 0xf1f2, 0xf3f4
        one = nest(c["A_VERDICT_BATCH_VERDICT"],
                   u32(c["A_VERDICT_ACTION"], c["VERDICT_ACTION_FLOW"]),
                   nest(c["A_VERDICT_FLOW"],
                        self.socket.tuple(c["A_FLOW_ORIG"], self.INSIDE, UDP, at.client, marks[0],
                                          at.service, marks[1]),
                        self.socket.tuple(c["A_FLOW_REPLY"], self.OUTSIDE, UDP, at.server,
                                          marks[1], at.public, marks[0])))
        first, second = (mark.to_bytes(2, "big") for mark in marks)
        places = [[one.index(mark), one.rindex(mark)] for mark in (first, second)]
        batch, size, accepted = bytearray(one * 256), len(one), 0
        pairs = list(flows.pairs())
        for start in range(0, len(pairs), 256):
            part = pairs[start:start + 256]
            for place, ports in enumerate(part):
                for where, port in zip(places, ports):
                    for offset in where:
                        at_ = place * size + offset
                        batch[at_:at_ + 2] = port.to_bytes(2, "big")
            answer = self.socket.command("VERDICT_ADD", bytes(batch[:len(part) * size]))
            accepted += int.from_bytes(dict(answer[0])[c["A_VERDICT_BATCH_ACCEPTED"]], "little")
        if accepted != flows.count:
            raise RuntimeError(f"{accepted} of {flows.count} flows were accepted")

    def check(self, flows):
        """All are translated, and none is punted or passed."""
        before = self.socket.stats()
        self.forward.establish(flows)
        after = self.socket.stats()
        translated = after["translated"] - before["translated"]
        if translated != flows.count:
            raise RuntimeError(f"{translated} of {flows.count} packets were translated")


class RewireAlone(RewireNat):
    """Each packet by itself, also those that come together"""

    name, title = "rewire-alone", "Rewire, not in batches"
    batch_flows = 0xffffffff


SYSTEMS = [RewireNat, RewireAlone, Flowtable, Nftables, Ipvs, OpenVswitch, Floor]

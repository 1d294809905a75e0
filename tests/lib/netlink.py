# SPDX-License-Identifier: GPL-2.0
"""Netlink messages by hand, so that they can be wrong in any way."""
import errno
import os
import re
import socket
import struct

REQUEST, ACK, DUMP = 0x1, 0x4, 0x300
CREATE_EXCLUSIVE = 0x600
NESTED = 0x8000
ERROR, DONE = 2, 3
SOL_NETLINK = 270
ACK_TLVS = 0x200
DUMP_INTERRUPTED = 0x10


def attr(kind, payload=b""):
    return struct.pack("=HH", len(payload) + 4, kind) + payload + bytes(-len(payload) % 4)


def nest(kind, *parts):
    return attr(kind | NESTED, b"".join(parts))


def u8(kind, value):
    return attr(kind, struct.pack("=B", value))


def be16(kind, value):
    return attr(kind, struct.pack(">H", value))


def u32(kind, value):
    return attr(kind, struct.pack("=I", value))


def u64(kind, value):
    return attr(kind, struct.pack("=Q", value))


def address(kind, text):
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    return attr(kind, socket.inet_pton(family, text))


def attributes(data):
    """The attributes of a payload, as a list of (type, payload)."""
    found = []
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        found.append((kind & 0x3fff, data[4:length]))
        data = data[(length + 3) & ~3:]
    return found


class Refused(Exception):
    """An error that the kernel answered, with its sentence and offset."""

    def __init__(self, number, sentence, offset):
        super().__init__(f"{errno.errorcode.get(number, number)}: {sentence} (offset {offset})")
        self.name = errno.errorcode.get(number, str(number))
        self.sentence = sentence
        self.offset = offset


class Socket:
    def __init__(self, protocol):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        self.socket.settimeout(30)
        for option in (10, 11):         # NETLINK_CAP_ACK, NETLINK_EXT_ACK
            self.socket.setsockopt(SOL_NETLINK, option, 1)
        self.sequence = 0
        self.notifications = []

    def close(self):
        self.socket.close()

    def send(self, kind, payload, flags=0, length=None):
        """A request; LENGTH instead of the true one makes its header lie."""
        self.sequence += 1
        header = struct.pack("=IHHII", 16 + len(payload) if length is None else length,
                             kind, REQUEST | flags, self.sequence, 0)
        self.socket.send(header + payload)

    def messages(self):
        data = self.socket.recv(1 << 18)
        while len(data) >= 16:
            length, kind, flags, sequence, _ = struct.unpack_from("=IHHII", data)
            yield kind, flags, sequence, data[16:length]
            data = data[(length + 3) & ~3:]

    def ask(self, kind, payload, flags=0, length=None, between=lambda: None):
        """The payloads of all answers to a request; between two lots of them a call of BETWEEN."""
        self.send(kind, payload, flags | ACK, length)
        self.interrupted = False
        answers = []
        while True:
            for kind_, flags_, sequence, data in self.messages():
                if sequence != self.sequence:
                    self.notifications.append(data)
                    continue
                self.interrupted |= bool(flags_ & DUMP_INTERRUPTED)
                if kind_ in (ERROR, DONE):
                    self.check(kind_, flags_, data)
                    return answers
                answers.append(data)
            between()

    def notification(self):
        """The payload of the next message that answers no request."""
        while not self.notifications:
            self.notifications += [data for _, _, sequence, data in self.messages() if not sequence]
        return self.notifications.pop(0)

    @staticmethod
    def check(kind, flags, data):
        number = -struct.unpack_from("=i", data)[0]
        if not number:
            return
        sentence, offset = None, None
        if flags & ACK_TLVS:
            for key, value in attributes(data[20 if kind == ERROR else 4:]):
                if key == 1:
                    sentence = value.rstrip(b"\0").decode()
                elif key == 2:
                    offset = struct.unpack("=I", value)[0]
        raise Refused(number, sentence, offset)


def constants(header):
    """The enumerators of an UAPI header, without their REWIRE_."""
    values = {}
    with open(header, encoding="ascii") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    for body in re.findall(r"enum[^{]*\{([^}]*)\}", text):
        value = -1
        for entry in filter(None, (part.strip() for part in body.split(","))):
            name, _, explicit = (part.strip() for part in entry.partition("="))
            if explicit.startswith("("):
                continue
            value = int(explicit, 0) if explicit else value + 1
            values[name.removeprefix("REWIRE_")] = value
    return values


class Rewire(Socket):
    """The family of the module in the network namespace of the caller."""
    here = os.path.dirname(os.path.abspath(__file__))
    c = constants(os.path.join(here, "../../uapi/linux/rewire.h"))

    def __init__(self):
        super().__init__(16)
        answers = self.ask(16, struct.pack("=BBH", 3, 1, 0) + attr(2, b"rewire\0"))
        family = dict(attributes(answers[0][4:]))
        self.family = struct.unpack("=H", family[1])[0]
        groups = (dict(attributes(group)) for _, group in attributes(family[7]))
        self.groups = {group[1].rstrip(b"\0").decode(): struct.unpack("=I", group[2])[0]
                       for group in groups}

    def join(self, group):
        """Be sent the notifications of a multicast group."""
        self.socket.setsockopt(SOL_NETLINK, 1, self.groups[group])

    def command(self, name, payload=b"", flags=0, length=None, **more):
        """The attributes of each answer to a command such as RULE_ADD."""
        head = struct.pack("=BBH", self.c["CMD_" + name], 1, 0)
        answers = self.ask(self.family, head + payload, flags, length, **more)
        return [attributes(answer[4:]) for answer in answers]

    def tuple(self, kind, vni, protocol, src, sport, dst, dport):
        c = self.c
        return nest(kind, u32(c["A_TUPLE_VNI"], vni), u8(c["A_TUPLE_PROTOCOL"], protocol),
                    address(c["A_TUPLE_SRC"], src), address(c["A_TUPLE_DST"], dst),
                    be16(c["A_TUPLE_SPORT"], sport), be16(c["A_TUPLE_DPORT"], dport))

    def stats(self, reasons=False):
        """The counters by name; with REASONS also "reasons": by number of the reason."""
        c = self.c
        names = {v: k[len("A_STATS_"):].lower() for k, v in c.items() if k.startswith("A_STATS_")}
        answer = self.command("STATS_GET", attr(c["A_STATS_REASONS"]) if reasons else b"")[0]
        found = {names[k]: int.from_bytes(v, "little") for k, v in answer if len(v) in (4, 8)}
        if reasons:
            counters = (dict(attributes(v)) for k, v in answer if k == c["A_STATS_COUNTER"])
            found["reasons"] = {int.from_bytes(counter[c["A_COUNTER_REASON"]], "little"):
                                int.from_bytes(counter[c["A_COUNTER_VALUE"]], "little")
                                for counter in counters}
        return found


class Route(Socket):
    """Devices and addresses of the network namespace of the caller."""

    def __init__(self):
        super().__init__(0)

    def pair(self, name, peer, namespace, mac):
        """Make a veth pair; the peer, with MAC, in another namespace, a file."""
        head = struct.pack("=BxHiII", 0, 0, 0, 0, 0)
        other = nest(1, head, attr(3, peer.encode() + b"\0"), attr(1, mac),
                     u32(28, namespace.fileno()))
        self.ask(16, head + attr(3, name.encode() + b"\0") +
                 nest(18, attr(1, b"veth"), nest(2, other)), CREATE_EXCLUSIVE)
        self.up(socket.if_nametoindex(name))

    def up(self, index, no_arp=False):
        """NO_ARP: packets leave without asking who has the address."""
        flags = 0x81 if no_arp else 0x01
        self.ask(16, struct.pack("=BxHiII", 0, 0, index, flags, flags))

    def mtu(self, index, size):
        self.ask(16, struct.pack("=BxHiII", 0, 0, index, 0, 0) + u32(4, size))

    def address(self, index, text, length):
        family = socket.AF_INET6 if ":" in text else socket.AF_INET
        flags = 0x02 if ":" in text else 0      # IFA_F_NODAD
        self.ask(20, struct.pack("=BBBBi", family, length, flags, 0, index) +
                 address(2, text) + address(1, text), CREATE_EXCLUSIVE)

    def to(self, subnet, index, gateway=None, metric=0, mtu=0):
        """A route to a subnet (or an address) by a device."""
        text, _, length = subnet.partition("/")
        family = socket.AF_INET6 if ":" in text else socket.AF_INET
        bits = int(length or (128 if ":" in text else 32))
        scope = 0 if gateway else 253           # of the world, or of the link
        self.ask(24, struct.pack("=BBBBBBBBI", family, bits, 0, 0, 254, 4, scope, 1, 0) +
                 address(1, text) + u32(4, index) + (address(5, gateway) if gateway else b"") +
                 (u32(6, metric) if metric else b"") +
                 (nest(8, u32(2, mtu)) if mtu else b""), CREATE_EXCLUSIVE)

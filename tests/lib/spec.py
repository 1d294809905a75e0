# SPDX-License-Identifier: GPL-2.0
"""Netlink messages of all kinds, made from the interface's specification.

Values come from small sets, so that requests meet each other's objects, and from
the limits; and a message may be broken in any way a sender can break it.
"""
import os
import socket
import struct

import yaml

from netlink import NESTED, Rewire, attr

SPEC = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "../../Documentation/netlink/specs/rewire.yaml")
SIZES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}
ADDRESSES = [socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
             for text in ("10.5.0.2", "10.5.0.9", "10.6.0.2", "10.6.0.9", "0.0.0.0", "224.0.0.1",
                          "127.0.0.1", "fd00:5::2", "fd00:5::9", "fd00:6::2", "fd00:6::9", "::",
                          "ff02::1", "::1", "::ffff:10.5.0.2")]
# Without these, a request does not get far; None: all that there are
NEEDED = {"attach-add": ("ifindex", "vni"), "attach-del": ("ifindex",), "attach-get": ("ifindex",),
          "rule-add": ("vni", "action"), "rule-del": ("id",), "punt-listen": ("version",),
          "flow-message": ("spec", "key"), "flow-spec": ("orig", "reply"),
          "flow-filter": ("orig",), "tuple": None, "verdict": ("action",), "target": None}


class Specification:
    """What the specification says of operations and attributes; RANDOM makes the choices."""

    def __init__(self, random, small):
        """SMALL: by the end of an attribute's name, values that mean something here."""
        with open(SPEC, encoding="ascii") as file:
            spec = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self.random, self.small, self.numbers = random, small, Rewire.c
        self.length = self.protocol = 0
        self.made, self.accepted = [], []
        self.enums = {one["name"]: len(one["entries"]) for one in spec["definitions"]
                      if one["type"] in ("enum", "flags")}
        self.sets = {}
        for one in spec["attribute-sets"]:
            parent = self.sets.get(one.get("subset-of"), {})
            self.sets[one["name"]] = {a["name"]: {**parent.get(a["name"], {}), **a}
                                      for a in one["attributes"]}
            self.sets[one["name"]][None] = one.get("subset-of", one["name"])
        self.operations = {one["name"]: one for one in spec["operations"]["list"] if "do" in one}

    def number(self, set_name, name):
        """Of an attribute, by the generated header's rules."""
        own = self.sets[set_name][None]
        key = f"A_{own}_{name}".upper().replace("-", "_")
        return self.numbers[key]

    def integer(self, attribute, size):
        random = self.random
        if self.length and attribute["name"] == "protocol":
            return self.protocol
        for end, values in self.small.items():
            if attribute["name"].endswith(end) and random.random() < 0.9:
                return random.choice(values)
        if "enum" in attribute and random.random() < 0.95:
            return random.randrange(self.enums[attribute["enum"]])
        top = (1 << 8 * size) - 1
        return random.choice((0, 1, 2, random.randrange(256), random.randrange(top + 1), top >> 1,
                              top))

    def value(self, attribute):
        """A payload of the right shape, mostly."""
        random, kind = self.random, attribute["type"]
        if kind in SIZES:
            size = SIZES[kind]
            order = "big" if attribute.get("byte-order") == "big-endian" else "little"
            return (self.integer(attribute, size) & (1 << 8 * size) - 1).to_bytes(size, order)
        if kind == "binary":
            if not self.length:
                return random.choice(ADDRESSES)
            # Few enough that the same key comes again
            first = 0 if self.length == 4 else 7
            return ADDRESSES[first + (attribute["name"] == "dst") + 2 * (random.random() < 0.3)]
        if kind == "string":
            return b"a\0"
        return b""

    def attribute(self, set_name, name, depth):
        attribute = self.sets[set_name][name]
        number = self.number(set_name, name)
        if attribute["type"] == "pad":
            return b""
        if attribute["type"] == "nest":
            payload = self.nest(attribute["nested-attributes"], depth)
            flag = NESTED if self.random.random() < 0.98 else 0
            return attr(number | flag, payload)
        payload = self.value(attribute)
        if self.random.random() < 0.02:
            payload = self.random.randbytes(self.random.choice((0, 1, 3, 4, 5, 8, 16, 17, 300)))
        return attr(number, payload)

    def nest(self, set_name, depth):
        """A flow's addresses are now and then those of an earlier request that was done."""
        if set_name != "tuple":
            return self.attributes(set_name, [key for key in self.sets[set_name] if key], depth + 1)
        if self.accepted and self.random.random() < 0.3:
            return self.random.choice(self.accepted)
        payload = self.attributes(set_name, [key for key in self.sets[set_name] if key], depth + 1)
        self.made.append(payload)
        return payload

    def done(self):
        """The last request was: what it named is there, perhaps."""
        self.accepted = (self.accepted + self.made)[-8:]

    def attributes(self, set_name, names, depth=0, operation=None):
        """Some of the attributes; now and then one twice, or in another order."""
        random = self.random
        likely = random.choice((0.1, 0.6, 0.9, 1.0))
        needed = NEEDED.get(operation, NEEDED.get(set_name, ())) if self.length else ()
        if needed is None:
            needed = names
        if needed and random.random() < 0.8:
            likely = 0.1
        chosen = [name for name in names if name in needed or random.random() < likely]
        if chosen and random.random() < 0.05:
            chosen.append(random.choice(chosen))
        if random.random() < 0.1:
            random.shuffle(chosen)
        parts = [self.attribute(set_name, name, depth) for name in chosen]
        if random.random() < 0.02:
            parts.append(attr(random.randrange(1 << 14), random.randbytes(random.randrange(12))))
        return b"".join(parts)

    def operation(self):
        """A name; what makes things more often than what takes them away."""
        names = sorted(self.operations)
        weights = [0.2 if name in ("attach-del", "flow-flush", "network-set") else
                   5 if name.endswith(("-add", "-set")) else 1 for name in names]
        return self.random.choices(names, weights)[0]

    def makers(self, name):
        """Operations that make what this one is about."""
        noun = name.rpartition("-")[0]
        return [maker for maker in (noun + "-add", noun + "-set") if maker in self.operations]

    def request(self, name):
        """The payload of a request of an operation, behind its generic header."""
        operation = self.operations[name]
        names = operation["do"]["request"].get("attributes", [])
        # Often, what belongs together agrees: one family and one protocol
        self.made = []
        self.length = self.random.choice((0, 4, 4, 16, 16))
        self.protocol = self.random.choice((6, 17))
        payload = self.attributes(operation["attribute-set"], names, 0, name)
        return self.broken(payload) if self.random.random() < 0.15 else payload

    def broken(self, payload):
        random, payload = self.random, bytearray(payload)
        for _ in range(random.randrange(1, 4)):
            if not payload:
                break
            place = random.randrange(len(payload))
            what = random.randrange(4)
            if what == 0:
                payload[place] ^= 1 << random.randrange(8)
            elif what == 1:
                del payload[place:]
            elif what == 2:
                payload[place:place] = random.randbytes(random.randrange(9))
            else:
                place &= ~3
                payload[place:place + 2] = struct.pack("=H", random.choice((0, 1, 3, 4, 5, 8, 0xffff)))
        return bytes(payload)

# SPDX-License-Identifier: GPL-2.0
"""Tracking of TCP and the policies that it follows, segment by segment."""
import tap
from packets import TCP, UDP, Raw, Rewire, nest, u32
from netlink import Refused, attributes
from talk import Talk, two_ports

c = Rewire.c
STATES = {value: key[len("FLOW_STATE_"):].lower().replace("_", "-")
          for key, value in c.items() if key.startswith("FLOW_STATE_")}
LOOSE, STRICT, OFF = (c["TCP_MODE_" + name] for name in ("LOOSE", "STRICT", "OFF"))
NUMBER = 7
ISN, ISN2 = 0xffffff00, 5000        # the guest's wraps soon


def policy(stage, number=NUMBER, timeouts=b"", **values):
    payload = u32(c["A_POLICY_ID"], number) + timeouts
    for name, value in values.items():
        payload += u32(c["A_POLICY_" + name.upper()], value)
    stage.rewire.command("POLICY_SET", payload)


def shown(stage, number=NUMBER):
    answer = dict(stage.rewire.command("POLICY_GET", u32(c["A_POLICY_ID"], number))[0])
    return {name: int.from_bytes(answer[c["A_POLICY_" + name.upper()]], "little")
            for name in ("tcp", "pickup", "mss", "flows")}


class Connection(Talk):
    """A TCP connection of the guest; numbers count from the initial ones on."""

    def __init__(self, stage, family=None, number=NUMBER):
        super().__init__(stage, family or stage.family, 6, u32(c["A_FLOW_POLICY"], number))

    def segment(self, who, flags, seq, ack=0, data=0, options=(), window=1000):
        own, other = (ISN, ISN2) if who == "guest" else (ISN2, ISN)
        layer = TCP(flags=flags, seq=(own + seq) & 0xffffffff, window=window,
                    ack=(other + ack) & 0xffffffff if "A" in flags else 0, options=list(options))
        make = self.there if who == "guest" else self.back
        return make(layer / Raw(b"x" * data) if data else layer)

    def state(self):
        key = self.stage.rewire.tuple(c["A_FLOW_MESSAGE_KEY"], 5, 6, self.guest, self.ports[0],
                                      self.service, self.ports[1])
        answer = self.stage.rewire.command("FLOW_GET", key)
        flow = dict(attributes(dict(answer[0])[c["A_FLOW_MESSAGE_FLOW"]]))
        return STATES[int.from_bytes(flow[c["A_FLOW_STATE"]], "little")]

    def named(self, name):
        return name if "IPv" in name else f"IPv{self.family}: {name}"

    def crosses(self, name, *more, **counts):
        return super().crosses(self.named(name), *more, **counts)

    def dropped(self, name, *more):
        return super().dropped(self.named(name), *more)

    def passes(self, name, packet, state):
        self.crosses(name, packet)
        tap.equal(f"{self.named(name)}: {state}", self.state(), state)

    def refused(self, name, packet, reason, state):
        self.dropped(name, packet, reason)
        tap.equal(f"{self.named(name)}: {state}", self.state(), state)

    def open(self):
        """Three segments and some data each way: the guest has sent 100, the server 1000."""
        scale = [("WScale", 7)]
        for who, *segment in (("guest", "S", 0, 0, 0, scale), ("server", "SA", 0, 1, 0, scale),
                              ("guest", "A", 1, 1), ("guest", "A", 1, 1, 100),
                              ("server", "A", 1, 101, 1000), ("guest", "A", 101, 1001)):
            self.send(who, *segment)
        self.stage.received()
        self.stage.moved()

    def send(self, who, *segment):
        port = self.stage.a if who == "guest" else self.stage.b
        port.send(self.segment(who, *segment))


def life(stage):
    for family in 4, 6:
        talk = Connection(stage, family)
        for name, state, *segment in (
                ("SYN", "syn-sent", "guest", "S", 0),
                ("SYN, once more", "syn-sent", "guest", "S", 0),
                ("SYN-ACK", "syn-received", "server", "SA", 0, 1),
                ("ACK", "established", "guest", "A", 1, 1),
                ("data", "established", "guest", "PA", 1, 1, 500),
                ("FIN", "fin-wait", "server", "FA", 1, 501),
                ("data, half-closed", "fin-wait", "guest", "PA", 501, 2, 500),
                ("second FIN", "last-ack", "guest", "FA", 1001, 2),
                ("an acknowledgment, but not of it", "last-ack", "server", "A", 2, 1001),
                ("the acknowledgment of it", "time-wait", "server", "A", 2, 1002)):
            talk.passes(f"RFC 9293 3.3.2: IPv{family}: {name}", talk.segment(*segment), state)
        stage.flush()


def resets(stage):
    edge = 1001 + (1000 << 7)
    for mode in LOOSE, STRICT:
        policy(stage, tcp=mode)
        talk = Connection(stage)
        talk.open()
        name = "RFC 5961 3: " + ("strict: " if mode == STRICT else "loose: ")
        talk.passes(name + "a reset in the window closes nothing",
                    talk.segment("server", "R", 1002), "established")
        outside = talk.segment("server", "R", edge + 1)
        if mode == STRICT:
            talk.refused(name + "one outside of it is dropped", outside, "drop-tcp-reset",
                         "established")
        else:
            talk.passes(name + "nor does one outside of it", outside, "established")
        talk.passes(name + "an exact one closes", talk.segment("server", "R", 1001), "closed")
        talk.passes("RFC 5961: the guest sends on", talk.segment("guest", "A", 101, 1001, 5), "closed")
        talk.passes("RFC 5961: as both do, the connection lives",
                    talk.segment("server", "A", 1001, 106), "established")
        stage.flush()
    talk = Connection(stage)
    talk.send("guest", "S", 0)
    stage.received()
    stage.moved()
    talk.refused("RFC 9293 3.10.7.3: a reset that does not acknowledge the SYN",
                 talk.segment("server", "RA", 0, 9), "drop-tcp-reset", "syn-sent")
    talk.passes("RFC 9293 3.10.7.3: one that does", talk.segment("server", "RA", 0, 1), "closed")
    stage.flush()


def syns(stage):
    policy(stage, tcp=LOOSE)
    talk = Connection(stage)
    talk.open()
    syn = talk.segment("guest", "S", 123456)
    talk.passes("RFC 5961 4: loose: a SYN passes and resets nothing", syn, "established")
    policy(stage, tcp=STRICT)
    talk.refused("RFC 5961 4: strict: it is dropped, at once for a flow that is there", syn,
                 "drop-tcp-syn", "established")
    talk.passes("RFC 9293 3.10.7: a SYN-ACK that comes once more passes", talk.segment("server", "SA", 0, 1),
                "established")
    stage.flush()


def simultaneous(stage):
    for family in 4, 6:
        talk = Connection(stage, family)
        for name, state, *segment in (
                ("the guest's SYN", "syn-sent", "guest", "S", 0),
                ("the server's", "syn-received", "server", "S", 0),
                ("the guest's SYN-ACK", "syn-received", "guest", "SA", 0, 1),
                ("the server's", "established", "server", "SA", 0, 1),
                ("data", "established", "guest", "PA", 1, 1, 500)):
            talk.passes(f"RFC 9293 3.5: IPv{family}: both begin at once: {name}",
                        talk.segment(*segment), state)
        stage.flush()


def reuse(stage):
    """A new connection on the addresses and ports of one that is over."""
    rule = stage.rule(5, "punt", u32(c["A_RULE_POLICY"], NUMBER),
                      u32(c["A_RULE_ORPHAN"], c["ORPHAN_MODE_HOLD"]))
    for mode in LOOSE, STRICT:
        policy(stage, tcp=mode)
        talk = Connection(stage)
        talk.open()
        for segment in (("server", "FA", 1001, 101), ("guest", "FA", 101, 1002),
                        ("server", "A", 1002, 102)):
            talk.send(*segment)
        stage.received()
        stage.moved()
        syn = talk.segment("guest", "S", 999999)
        stage.a.send(syn)
        stage.check(f"IPv{stage.family}: RFC 9293 3.6.1: a SYN on what is closing ends its flow", [],
                    received=1, close_reused=1)
        tap.equal(f"IPv{stage.family}: RFC 9293 3.6.1: it is held until it is decided anew", stage.held, 1)
        talk = Connection(stage)
        stage.check(f"IPv{stage.family}: RFC 9293 3.6.1: then that very SYN goes on", [(stage.b, talk.across(syn))],
                    translated=1)
        stage.flush()
    stage.rule_delete(rule)


def windows(stage):
    cases = (("data behind the window", "guest", "A", 101 + (1000 << 7), 1001, 2),
             ("data older than a window", "guest", "A", 101 - (1000 << 7) - 10, 1001, 5),
             ("an acknowledgment of what was not sent", "guest", "A", 101, 1002),
             ("a FIN far away", "server", "FA", 0x40000000, 101),
             ("no acknowledgment at all", "guest", "P", 101, 0, 5))
    for mode in LOOSE, STRICT:
        policy(stage, tcp=mode)
        talk = Connection(stage)
        talk.open()
        for name, *segment in cases:
            if mode == STRICT:
                talk.refused(f"RFC 9293 3.10.7.4: strict: {name} is dropped",
                             talk.segment(*segment), "drop-tcp-window", "established")
            else:
                talk.passes(f"RFC 9293 3.10.7.4: loose: {name} passes without effect",
                            talk.segment(*segment), "established")
        for name, *segment in (("a keep-alive", "guest", "A", 100, 1001),
                               ("a retransmission", "guest", "A", 1, 1001, 100),
                               ("a probe of one byte", "guest", "A", 101 + (1000 << 7), 1001, 1)):
            talk.passes(f"RFC 9293 3.8: {name} passes", talk.segment(*segment), "established")
        stage.flush()
    policy(stage, tcp=OFF)
    talk = Connection(stage)
    talk.open()
    talk.passes("RFC 5382 REQ-2: off: a FIN far away counts", talk.segment("server", "FA", 0x40000000, 101),
                "fin-wait")
    talk.passes("RFC 5382 REQ-2: off: as any reset", talk.segment("server", "R", 0x70000000), "closed")
    stage.flush()


def pickups(stage):
    """No daemon listens, and the rule's orphan mode is to drop."""
    rule = stage.rule(5, "punt", u32(c["A_RULE_POLICY"], NUMBER))
    probe = Connection(stage)
    stage.flush()
    for pickup, reason in (1, "drop-no-daemon"), (0, "drop-tcp-pickup"):
        policy(stage, pickup=pickup, tcp=LOOSE)
        for flags in "A", "SA", "PA", "FA", "R":
            probe.dropped(f"S1.11: pickup {pickup}: {flags} without a flow", probe.segment("guest", flags, 1, 1),
                          reason)
        probe.dropped(f"S1.11: pickup {pickup}: a SYN is a question", probe.segment("guest", "S", 1),
                      "drop-no-daemon")
    stage.rule_delete(rule)
    policy(stage, pickup=1, tcp=STRICT)
    talk = Connection(stage)
    talk.passes("S1.11: picked up: the guest is heard", talk.segment("guest", "A", 70000, 90000, 10), "unreplied")
    talk.passes("S1.11: picked up: so is the server, which acknowledges more than was seen",
                talk.segment("server", "A", 90000, 99000, 10), "established")
    talk.passes("S1.11: picked up: the guest goes on there", talk.segment("guest", "A", 99000, 95000, 10),
                "established")
    talk.passes("S1.11: picked up: an exact reset closes", talk.segment("server", "R", 95000), "closed")
    stage.flush()


def lies(stage, talk):
    """Only an option for the segment size that is one is clamped."""
    packets = [talk.there(TCP(flags="S", dataofs=7) / Raw(bytes((kind, length)) + bytes(6)))
               for kind in range(256) for length in (0, 1, 2, 3, 4, 5, 8, 9, 40, 255) if (kind, length) != (2, 4)]
    got = []
    for number, packet in enumerate(packets):
        stage.a.send(packet)
        if number % 64 == 0 or packet is packets[-1]:       # before too many wait
            got += [new for port, new in stage.received() if port is stage.b]
    tap.point(sorted(got) == sorted(bytes(talk.across(packet)) for packet in packets),
              f"RFC 9293 3.2: IPv{talk.family}: {len(packets)} options of each kind with lengths that lie are left alone",
              len(got), stage.moved())


def clamps(stage):
    for family, fits in (4, 1460), (6, 1440):
        talk = Connection(stage, family)
        for said, asked, after in ((9000, 0, 9000), (9000, 1, fits), (1200, 1, 1200),
                                   (9000, 1000, 1000), (536, 1000, 536)):
            policy(stage, mss=asked, tcp=OFF)
            for who, flags in ("guest", "S"), ("server", "SA"):
                for before in [], [("NOP", None)], [("NOP", None), ("NOP", None), ("SAckOK", b"")]:
                    packet = talk.segment(who, flags, 0, 1, 0, before + [("MSS", said)])
                    wanted = talk.across(packet)
                    wanted[TCP].options = before + [("MSS", after)]
                    talk.crosses(f"RFC 9293 3.7.1: IPv{family}: {flags}, mss {asked}, {len(before)} "
                                 f"options before: {said} becomes {after}", packet, [wanted])
        talk.crosses(f"RFC 9293 3.7.1: IPv{family}: none is added", talk.segment("guest", "S", 0))
        talk.crosses(f"RFC 9293 3.7.1: IPv{family}: a wrong length is left alone",
                     talk.segment("guest", "S", 0, 0, 0, [(2, b"\xff\xff\xff")]))
        lies(stage, talk)
        stage.flush()
    stage.rewire.command("POLICY_DEL", u32(c["A_POLICY_ID"], NUMBER))


def refused(stage, name, wanted, **values):
    try:
        policy(stage, **values)
        tap.point(False, f"S1.2: policy: {name} is refused", "it was not")
    except Refused as error:
        tap.point(error.name in wanted.split() and error.offset, f"S1.2: policy: {name} is refused, and named",
                  error)


def objects(stage):
    timeouts = nest(c["A_POLICY_TIMEOUTS"], u32(c["A_TIMEOUTS_TCP_ESTABLISHED"], 350000))
    policy(stage)
    tap.equal("S1.2: a policy begins with the defaults", shown(stage),
              {"tcp": LOOSE, "pickup": 1, "mss": 0, "flows": 0})
    policy(stage, pickup=0, timeouts=timeouts)
    tap.equal("S1.2: what is not given stays", shown(stage), {"tcp": LOOSE, "pickup": 0, "mss": 0, "flows": 0})
    talk = Connection(stage)
    other = Connection.__new__(Connection)
    Talk.__init__(other, stage, 6, 6)
    tap.equal("S1.2: it counts its flows, and no others", shown(stage)["flows"], 1)
    for name, wanted, values in (("number 0", "ERANGE", {"number": 0}),
                                 ("an unknown mode", "ERANGE EINVAL", {"tcp": 3}),
                                 ("half a pickup", "ERANGE", {"pickup": 2}),
                                 ("a tiny segment size", "ERANGE", {"mss": 87}),
                                 ("a huge segment size", "ERANGE", {"mss": 65536}),
                                 ("no flows of its own", "EINVAL", {"flows": 3}),
                                 ("a timeout of 0", "ERANGE", {"timeouts": nest(
                                     c["A_POLICY_TIMEOUTS"], u32(c["A_TIMEOUTS_ICMP"], 0))}),
                                 ("a timeout of years", "ERANGE", {"mss": 500, "timeouts": nest(
                                     c["A_POLICY_TIMEOUTS"], u32(c["A_TIMEOUTS_ICMP"], 4000000000))})):
        refused(stage, name, wanted, **values)
    tap.equal("S1.2: and nothing has changed", shown(stage), {"tcp": LOOSE, "pickup": 0, "mss": 0, "flows": 1})
    stage.rewire.command("POLICY_DEL", u32(c["A_POLICY_ID"], NUMBER))
    talk.crosses("S1.2: its flow lives on without it", talk.segment("guest", "S", 0))
    for command in "POLICY_DEL", "POLICY_GET":
        try:
            stage.rewire.command(command, u32(c["A_POLICY_ID"], NUMBER))
            tap.point(False, f"S1.2: {command} of none is refused", "it was not")
        except Refused as error:
            tap.equal(f"S1.2: {command} of none is refused", error.name, "ENOENT")
    stage.flush()


def expiry(stage):
    """A policy's timeout ends a flow that is there, when it is changed."""
    policy(stage)
    talk = Talk(stage, 4, 17, u32(c["A_FLOW_POLICY"], NUMBER))
    talk.crosses("S1.11: a flow lives", talk.there(UDP()))
    policy(stage, timeouts=nest(c["A_POLICY_TIMEOUTS"], u32(c["A_TIMEOUTS_UDP_UNREPLIED"], 1)))
    gone = tap.wait_for(10, lambda: stage.counters().get("close-idle", 0) >= 1)
    tap.point(gone, "S1.11: a shorter timeout ends it", stage.counters())
    tap.equal("S1.11: the policy has none left", tap.wait_for(10, lambda: shown(stage)["flows"] == 0), True)
    stage.moved()
    stage.rewire.command("POLICY_DEL", u32(c["A_POLICY_ID"], NUMBER))


def run():
    stage = two_ports()
    stage.family = 4
    objects(stage)
    expiry(stage)
    policy(stage)
    life(stage)
    simultaneous(stage)
    for stage.family in 4, 6:
        for test in resets, syns, reuse, windows, pickups:
            test(stage)
    clamps(stage)
    return stage

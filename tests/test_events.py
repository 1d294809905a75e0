#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Notifications: of flows, of the configuration, and of what was lost."""
import json
import os
import select
import socket
import subprocess
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "lib"))
import tap
from flows import Maker, VNI, c, enter_new, number_of
from netlink import Refused, Rewire, attr, attributes, u32

CLI = os.path.join(here, "../build/bin/rewire")


def set_up():
    global rewire, maker
    rewire = enter_new()
    maker = Maker(rewire)


class Watcher(Rewire):
    """A member of a multicast group."""

    def __init__(self, group, room=None):
        super().__init__()
        if room:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self.join(group)

    def events(self, wanted, seconds=10):
        """At least so many messages, as (command, attributes), and how often some were lost."""
        found, lost = [], 0
        self.socket.settimeout(seconds)
        while len(found) < wanted:
            try:
                found += [(data[0], dict(attributes(data[4:]))) for _, _, sequence, data
                          in self.messages() if not sequence]
            except TimeoutError:
                break
            except OSError:
                lost += 1
        return found, lost


def value(event, name):
    return int.from_bytes(event[c[name]], "little")


def flows():
    """New and ended ones, in order, each with its record."""
    watcher = Watcher("flow")
    maker.make(range(40))
    for number in range(0, 40, 2):
        maker.delete(number)
    events, _ = watcher.events(60)
    kinds = {command for command, _ in events}
    tap.equal("sixty events", (len(events), kinds), (60, {c["CMD_FLOW_NTF"]}))
    events = [event for _, event in events]
    sequences = [value(event, "A_FLOW_EVENT_SEQUENCE") for event in events]
    tap.equal("have sixty numbers in a row", sequences, list(range(sequences[0], sequences[0] + 60)))
    numbers = [number_of(dict(attributes(event[c["A_FLOW_EVENT_FLOW"]]))) for event in events]
    tap.equal("in the order of what happened", numbers, [*range(40), *range(0, 40, 2)])
    reasons = [value(event, "A_FLOW_EVENT_REASON") for event in events
               if c["A_FLOW_EVENT_REASON"] in event]
    tap.equal("and say why a flow has ended", reasons, [c["REASON_CLOSE_DELETED"]] * 20)
    watcher.close()
    maker.make(range(100, 140))
    other = Watcher("flow")
    maker.make([200])
    events, _ = other.events(1)
    tap.equal("while nobody listens nothing is counted",
              value(events[0][1], "A_FLOW_EVENT_SEQUENCE"), sequences[-1] + 1)
    other.close()
    rewire.command("FLOW_FLUSH")


def losses():
    """A socket without room: the kernel says so, and the sequence shows how many."""
    watcher = Watcher("flow", 4096)
    many = 4000
    maker.make(range(many))
    rewire.command("FLOW_FLUSH")
    events, lost = watcher.events(2 * many, 2)
    tap.point(lost and len(events) < 2 * many, "a socket that is full is told", len(events), lost)
    first = value(events[0][1], "A_FLOW_EVENT_SEQUENCE") if events else 0
    watcher.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    maker.make([1])
    last, _ = watcher.events(1)
    tap.equal("and the sequence goes on where all of them are counted",
              value(last[-1][1], "A_FLOW_EVENT_SEQUENCE") - first, 2 * many)
    watcher.close()
    rewire.command("FLOW_FLUSH")


def configuration():
    """Attaches, rules and targets, with all that is known of them."""
    watcher = Watcher("config")
    rewire.command("TARGET_SET", u32(c["A_TARGET_ID"], 3) + u32(c["A_TARGET_STATE"], 0))
    rewire.command("TARGET_SET", u32(c["A_TARGET_ID"], 3) + u32(c["A_TARGET_STATE"], 2))
    answer = rewire.command("RULE_ADD", u32(c["A_RULE_VNI"], VNI) + u32(c["A_RULE_ACTION"], 1))[0]
    rewire.command("RULE_DEL", u32(c["A_RULE_ID"], int.from_bytes(dict(answer)[c["A_RULE_ID"]], "little")))
    rewire.command("TARGET_DEL", u32(c["A_TARGET_ID"], 3))
    subprocess.run(["ip", "link", "add", "more", "type", "dummy"], check=True)
    index = socket.if_nametoindex("more")
    rewire.command("ATTACH_ADD", u32(c["A_ATTACH_IFINDEX"], index) + u32(c["A_ATTACH_VNI"], 9))
    subprocess.run(["ip", "link", "del", "dev", "more"], check=True)
    events, _ = watcher.events(7)
    names = {v: k[len("CMD_"):-len("_NTF")] for k, v in c.items() if k.endswith("_NTF")}
    changes = {v: k[len("CONFIG_CHANGE_"):] for k, v in c.items() if k.startswith("CONFIG_CHANGE_")}
    got = [(names[command], changes[value(event, f"A_{names[command]}_CHANGE")])
           for command, event in events]
    tap.equal("in order, with what was done", got, [
        ("TARGET", "NEW"), ("TARGET", "SET"), ("RULE", "NEW"), ("RULE", "DELETE"),
        ("TARGET", "DELETE"), ("ATTACH", "NEW"), ("ATTACH", "DELETE")])
    sequences = [value(event, f"A_{names[command]}_SEQUENCE") for command, event in events]
    tap.equal("and numbers in a row", sequences, list(range(sequences[0], sequences[0] + 7)))
    tap.equal("a target that was taken down says so", value(events[1][1], "A_TARGET_STATE"), 2)
    tap.equal("a device that went away says which", events[6][1][c["A_ATTACH_IFNAME"]], b"more\0")
    watcher.close()


def limits_and_policies():
    """The same of what is set, and of what the namespace always has."""
    watcher = Watcher("config")
    network, whole = u32(c["A_LIMIT_VNI"], VNI), attr(c["A_LIMIT_ALL"])
    policy = u32(c["A_POLICY_ID"], 3)
    for name, payload in (("LIMIT_SET", network + u32(c["A_LIMIT_RATE"], 7)),
                          ("LIMIT_SET", network + u32(c["A_LIMIT_RATE"], 8)),
                          ("LIMIT_DEL", network),
                          ("LIMIT_SET", whole + u32(c["A_LIMIT_RATE"], 9)), ("LIMIT_DEL", whole),
                          ("POLICY_SET", policy + u32(c["A_POLICY_MSS"], 1300)),
                          ("POLICY_SET", policy + u32(c["A_POLICY_MSS"], 1200)), ("POLICY_DEL", policy)):
        rewire.command(name, payload)
    for name, payload in ("LIMIT_DEL", network), ("POLICY_DEL", policy), ("LIMIT_SET", u32(c["A_LIMIT_VNI"], 99)):
        try:
            rewire.command(name, payload)
        except Refused:
            pass
    events, _ = watcher.events(9, 1)
    names = {c["CMD_LIMIT_NTF"]: "LIMIT", c["CMD_POLICY_NTF"]: "POLICY"}
    changes = {v: k[len("CONFIG_CHANGE_"):] for k, v in c.items() if k.startswith("CONFIG_CHANGE_")}
    got = [(names[command], changes[value(event, f"A_{names[command]}_CHANGE")],
            int.from_bytes(event.get(c["A_LIMIT_RATE" if names[command] == "LIMIT" else "A_POLICY_MSS"], b""), "little"))
           for command, event in events]
    tap.equal("limits and policies, as they are after each change, and none for what was refused", got, [
        ("LIMIT", "NEW", 7), ("LIMIT", "SET", 8), ("LIMIT", "DELETE", 0), ("LIMIT", "SET", 9), ("LIMIT", "SET", 0),
        ("POLICY", "NEW", 1300), ("POLICY", "SET", 1200), ("POLICY", "DELETE", 1200)])
    tap.equal("those of the namespace say so", [c["A_LIMIT_ALL"] in event for _, event in events[:5]],
              [False, False, False, True, True])
    watcher.close()


def punts():
    """A watcher sees the questions that the daemon gets, and answers none."""
    daemon, watcher, sender = Rewire(), Watcher("punt"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    subprocess.run(["ip", "-batch", "-"], check=True, input=b"""
        link set lo up
        address add 10.77.0.1/24 dev in5
        neigh add 10.77.0.2 lladdr 02:00:00:00:00:02 dev in5
        """)
    rewire.command("ATTACH_ADD", attr(c["A_ATTACH_LOCAL"]) + u32(c["A_ATTACH_VNI"], VNI))
    rule = rewire.command("RULE_ADD", u32(c["A_RULE_VNI"], VNI) + u32(c["A_RULE_POLICY"], 5) +
                          u32(c["A_RULE_ACTION"], c["RULE_ACTION_PUNT"]))[0]
    daemon.command("PUNT_LISTEN", u32(c["A_PUNT_BATCH_VERSION"], c.get("INTERFACE_VERSION", 1)))
    sender.sendto(b"x", ("10.77.0.2", 7))
    asked = daemon.notification()
    events, _ = watcher.events(1)
    tap.equal("a watcher of punts gets the daemon's own message",
              [(command, punt) for command, punt in events],
              [(asked[0], dict(attributes(asked[4:])))])
    punt = dict(attributes(events[0][1][c["A_PUNT_BATCH_PUNT"]]))
    tap.equal("with the rule's policy", value(punt, "A_PUNT_POLICY"), 5)
    header = punt[c["A_PUNT_HEADER"]]
    tap.equal("S2.5: and the beginning of the packet", (header[16:20], header[28:]),
              (socket.inet_aton("10.77.0.2"), b"x"))
    tap.equal("to watch is not to listen", rewire.stats()["handlers"], 1)
    sender.sendto(bytes(1000), ("10.77.0.2", 9))
    punt = dict(attributes(watcher.events(1)[0][0][1][c["A_PUNT_BATCH_PUNT"]]))
    tap.equal("G11: of a longer one no more than 128 bytes", (len(punt[c["A_PUNT_HEADER"]]),
                                                             value(punt, "A_PUNT_LENGTH")), (128, 1028))
    daemon.close()
    tap.wait_for(5, lambda: not rewire.stats()["holds"])
    sender.sendto(b"x", ("10.77.0.2", 8))
    tap.equal("what nobody is asked nobody sees", watcher.events(1, 1)[0], [])
    rewire.command("RULE_DEL", attr(c["A_RULE_ID"], dict(rule)[c["A_RULE_ID"]]))
    rewire.command("ATTACH_DEL", attr(c["A_ATTACH_LOCAL"]))
    sender.close()
    watcher.close()


def monitor():
    """What rewire monitor prints."""
    process = subprocess.Popen([CLI, "-j", "monitor"], stdout=subprocess.PIPE, bufsize=0)
    # It listens when a change of a target comes out; until then they are made again
    for number in range(100):
        rewire.command("TARGET_SET", u32(c["A_TARGET_ID"], 5) + u32(c["A_TARGET_STATE"], number % 2))
        if tap.wait_for(0.2, lambda: has_line(process)):
            break
    lines = [json.loads(process.stdout.readline())]
    tap.equal("rewire monitor prints a change of the configuration",
              (lines[0]["object"], lines[0]["id"]), ("target", 5))
    rewire.command("TARGET_DEL", u32(c["A_TARGET_ID"], 5))
    maker.make([4])
    maker.delete(4)
    while lines[-1].get("reason") != "close-deleted" and has_line(process, 10):
        lines.append(json.loads(process.stdout.readline()))
    flows_ = [(line["event"], line["decision"]) for line in lines if "decision" in line]
    tap.equal("flows that are made, and that end", flows_, [("new", 4), ("close", 4)])
    tap.equal("and its own words for what is lost, only then",
              [line for line in lines if line["event"] == "lost"], [])
    process.kill()
    process.wait()


def has_line(process, seconds=0):
    return bool(select.select([process.stdout], [], [], seconds)[0])


def privilege():
    """Who may not list flows may not watch them."""
    child = os.fork()
    if not child:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        try:
            Watcher("flow")
        except PermissionError:
            os._exit(7)
        os._exit(0)
    tap.equal("notifications need privilege", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 7)


def tracepoints():
    """Names of reasons come from the one list. Kernels without tracing have none."""
    base = "/sys/kernel/tracing"
    subprocess.run(["mount", "-t", "tracefs", "none", base], check=False, capture_output=True)
    if not os.path.isdir(base + "/events/rewire"):
        tap.lacking("tracepoints")
        return
    with open(base + "/events/rewire/enable", "w", encoding="ascii") as file:
        file.write("1")
    maker.make([300])
    maker.delete(300)
    with open(base + "/events/rewire/enable", "w", encoding="ascii") as file:
        file.write("0")
    with open(base + "/trace", encoding="ascii") as file:
        lines = [line for line in file if "rewire_" in line]
    for name, word in ("verdict", "action=flow"), ("flow_new", "10.0.1.44"), \
                      ("flow_close", "reason=close-deleted"):
        tap.point(any(f"rewire_{name}:" in line and word in line for line in lines),
                  f"tracepoint rewire_{name} prints {word}", *lines[-6:])


def clean_up():
    subprocess.run(["ip", "link", "del", "dev", "in5"], check=False)
    gone = tap.wait_for(30, lambda: rewire.stats()["objects"] == 0)
    tap.point(gone, "nothing of the module is left over", rewire.stats())


set_up()
tap.run(flows, losses, configuration, limits_and_policies, punts, monitor, privilege, tracepoints, clean_up)

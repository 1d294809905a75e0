# SPDX-License-Identifier: GPL-2.0
"""A flow of `rewire -j flow show`, and the attributes that it stands for."""
import ipaddress
import socket

PROTOCOLS = {"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP}
RENAMED = {"dev": "orig-ifindex", "outdev": "reply-ifindex"}
TIMES = "age", "idle", "expires"        # another a moment later


def attributes(shown):
    """What a dump has of a flow that is shown so."""
    flow = {}
    for key, value in shown.items():
        if key in RENAMED:
            flow[RENAMED[key]] = socket.if_nametoindex(value)
        elif key == "ttl":
            flow.update({"hops": "set", "hop-limit": value} if isinstance(value, int) else {"hops": value})
        elif key == "protocol":
            flow[key] = PROTOCOLS[value]
        elif key == "copies":
            flow[key] = {"copy": [copy(member) for member in value]}
        else:
            flow[key] = attributes(value) if isinstance(value, dict) else value
    return flow


def copy(shown):
    counters = {key: shown.pop(key) for key in ("packets", "bytes")}
    return {**attributes(shown), "orig-counters": counters}


def plain(value):
    """Without numbers that are 0, which may be left out, and with addresses in one form."""
    if isinstance(value, dict):
        members = {key: plain(member) for key, member in value.items()}
        return {key: member for key, member in members.items() if key in TIMES or member not in (0, {}, [])}
    if isinstance(value, list):
        return [plain(member) for member in value]
    if isinstance(value, bytes):
        return value.hex(":")
    try:
        return str(ipaddress.ip_address(value)) if isinstance(value, str) else value
    except ValueError:
        return value


def differences(dumped, shown):
    """Each attribute that only one of them has, or that has two values."""
    one, other = plain(dumped), plain(attributes(shown))
    return [(shown["id"], key, one.get(key), other.get(key)) for key in sorted({*one, *other})
            if (key in one) != (key in other) or key not in TIMES and one[key] != other[key]]

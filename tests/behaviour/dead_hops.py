# SPDX-License-Identifier: GPL-2.0
"""A next hop that does not answer. Its packet is gone, and nobody is told by mistake.

    guest 10.5.0.2 ── a ┌───────────┐ b ── 10.6.0.9, which is not there
                        │ VNI 5   6 │
    10.5.0.0/24 ─────── o  VNI 7    │
                        └───────────┘
The host's own route to the guest's address leads to o, another tenant of the same subnet.
"""
import subprocess
import time

import tap
from packets import UDP, Raw, Stage, describe, sysctl
from talk import NETS, Talk

ARP = b"\x08\x06"


def has_failed(address):
    shown = subprocess.run(["ip", "neighbour", "show", "to", address], check=True,
                           capture_output=True, text=True).stdout
    return "FAILED" in shown


def comes_out(stage):
    return [f"{port.name}: {describe(frame[14:])}" for port in stage.ports
            for frame in port.receive() if frame[12:14] != ARP]


def silent(stage):
    for family in 4, 6:
        near, far = NETS[family]
        for name, value in ("retrans_time_ms", 50), ("mcast_solicit", 1):
            sysctl(f"ipv{family}/neigh/b/{name}", value)
        talk = Talk(stage, family, 17, new_guest=near + "2", server=far + "9")
        stage.a.send(talk.there(UDP() / Raw(b"data")))
        failed = tap.wait_for(20, lambda server=talk.server: has_failed(server))
        time.sleep(0.2)
        came = comes_out(stage)
        tap.point(failed and not came,
                  f"S2.8: IPv{family}: a next hop that does not answer makes no error to another tenant",
                  f"failed: {failed}", *came)
        stage.moved()


def run():
    stage = Stage()
    stage.o = stage.port("o", 7, "10.5.0.1/24", "fd00:5::1/64")
    stage.a = stage.port("a", 5, "10.5.0.3/24", "fd00:5::3/64")
    stage.b = stage.port("b", 6, "10.6.0.1/24", "fd00:6::1/64", arp=True)
    silent(stage)
    stage.flush()
    return stage

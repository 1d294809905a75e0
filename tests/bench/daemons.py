# SPDX-License-Identifier: GPL-2.0
"""Systems whose daemon decides on each new flow."""
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

from systems import BIN, MAC, System, run

from netlink import Rewire, u32

FLOWS = 1000000         # at most, of a second
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


def wait_until(condition, what):
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(what)
        time.sleep(0.02)


def set_room(flows):
    with open("/sys/module/rewire/parameters/flow_room", "w", encoding="ascii") as file:
        file.write(str(flows))


class Decided(System):
    """With a folder, and daemons that end with it"""

    def set_up(self):
        self.folder = tempfile.mkdtemp(prefix=self.name)
        self.log = os.path.join(self.folder, "log")
        self.daemons = []

    def start(self, *command):
        """On all processors: this program keeps to one, and daemons make as many threads as they may use"""
        with open(self.log, "ab") as log:
            self.daemons.append(subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=lambda: os.sched_setaffinity(0, range(os.cpu_count()))))

    def said(self, words):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return words in log.read()

    def delete(self):
        for daemon in reversed(self.daemons):
            daemon.kill()
            daemon.wait()
        shutil.rmtree(self.folder)
        super().delete()


class Rewired(Decided):
    name, title = "rewired", "Rewire, by its daemon"
    source_nat = destination_nat = True
    OUTSIDE = 2
    inside = {"in": 1}

    def destination(self, service):
        """By choice of a backend"""
        return {"destination": {"scheduler": "maglev"},
                "backends": [{"name": f"server-{service}", "id": service, "vni": self.OUTSIDE, "addresses": [self.at.server]}]}

    def set_up(self):
        super().set_up()
        at, config = self.at, os.path.join(self.folder, "rewired.json")
        with open(config, "w", encoding="ascii") as file:
            json.dump({"pools": [{"name": "public", "vni": self.OUTSIDE, "ports": "1024-65535", "quarantine": 0,
                                  "mapping": "endpoint-dependent", "addresses": [at.public]}],
                       "services": [{"name": f"nat-{vni}", "id": vni, "vni": vni, "dst": [at.service],
                                     "source": {"pool": "public"}} | self.destination(vni)
                                    for vni in self.inside.values()]}, file)
        rewire, c = Rewire(), Rewire.c
        # A table with room for them from the beginning, as conntrack has and IPVS
        set_room(FLOWS)
        try:
            for device, vni in (self.inside | {"out": self.OUTSIDE}).items():
                rewire.command("ATTACH_ADD", u32(c["A_ATTACH_VNI"], vni) +
                               u32(c["A_ATTACH_IFINDEX"], socket.if_nametoindex(device)))
        finally:
            set_room(0)
        rewire.close()
        self.start(BIN + "rewired", "-c", config, "-s", os.path.join(self.folder, "socket"))
        wait_until(lambda: self.said("rewired: ready"), "rewired does not get ready")


class Delegated(Rewired):
    """The daemon has left it to the kernel to decide"""

    name, title = "delegated", "Rewire, delegated by its daemon"

    def destination(self, service):
        return {"destination": {"vni": self.OUTSIDE, "addresses": [self.at.server]}, "delegate": True}


class Vswitchd(Decided):
    """A group that chooses by the whole tuple, as load balancers do, asks the daemon about each flow."""

    name, title = "vswitchd", "Open vSwitch, by its daemon"
    source_nat = True
    inside = {"in": 1}

    def set_up(self):
        super().set_up()
        # 3.1 counts processors every ten seconds, for the first time when the machine is as old; until then it has no handlers
        wait_until(lambda: time.clock_gettime(time.CLOCK_MONOTONIC) > 11, "the clock stands still")
        database, server = os.path.join(self.folder, "conf.db"), os.path.join(self.folder, "db.sock")
        os.environ.update(OVS_RUNDIR=self.folder, OVS_LOGDIR=self.folder, OVS_DBDIR=self.folder)
        run("ovsdb-tool", "create", database, SCHEMA)
        self.start("ovsdb-server", f"--remote=punix:{server}", database)
        wait_until(lambda: os.path.exists(server), "ovsdb-server does not get ready")
        self.control = "ovs-vsctl", f"--db=unix:{server}", "--timeout=60"
        run(*self.control, "--no-wait", "init")
        self.start("ovs-vswitchd", f"unix:{server}")
        run(*self.control, "add-br", "bench", "--", "set", "bridge", "bench", "fail_mode=secure")
        for device, port in (self.inside | {"out": 2}).items():
            run(*self.control, "add-port", "bench", device, "--", "set", "interface", device, f"ofport_request={port}")
        self.flows()

    def flows(self):
        ip, udp = ("ip", "udp") if self.family == 4 else ("ipv6", "udp6")
        public = self.at.public if self.family == 4 else f"[{self.at.public}]"
        forward = f"set_field:{MAC['out']}->eth_src,set_field:{MAC['sink']}->eth_dst,output:2"
        back = f"set_field:{MAC['in']}->eth_src,set_field:{MAC['gen']}->eth_dst,output:1"
        commit = f"bucket=weight:1,actions=ct(commit,zone=1,nat(src={public})),{forward}"
        control = "ovs-ofctl", "-O", "OpenFlow15"
        bridge = f"unix:{self.folder}/bench.mgmt"
        run(*control, "add-group", bridge, "group_id=1,type=select,selection_method=hash,"
            f"fields({ip}_src,{ip}_dst,udp_src,udp_dst),{commit},{commit}")
        run(*control, "add-flows", bridge, "-", text=f"""
            table=0,in_port=2,{udp},actions=ct(zone=1,nat,table=1)
            table=1,in_port=2,{udp},ct_state=+trk+est,actions={back}
            """ + "".join(f"""
            table=0,in_port={port},{udp},actions=ct(zone=1,nat,table=1)
            table=1,in_port={port},{udp},ct_state=+trk+new,actions=group:1
            table=1,in_port={port},{udp},ct_state=+trk+est,actions={forward}
            """ for port in self.inside.values()))

    def delete(self):
        run(*self.control, "del-br", "bench")
        super().delete()

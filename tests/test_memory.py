#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Memory of flows: what the kernel takes for each, its share of the table included.

What a flow's share is follows from how full the table is, which is the same for any
number of flows and for four times as many. So a quarter of a million does where a million
would take too long. It takes some bytes more: a table is rounded up to 2 MiB, where the
kernel maps large pages.
"""
import ctypes
import os
import socket
import subprocess
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "lib"))
import tap
from flows import CLONE_NEWNET, Maker, enter_new, libc
from netlink import Refused, Rewire, u8, u32
from packets import c

CLONE_NEWUSER = 0x10000000
MOST = 300              # bytes a flow, of a million
WORST = 302             # where a table of that size has just doubled
FAST = os.environ.get("KERNEL") == "fast"
CHECKED = os.environ.get("KERNEL") == "debug"   # objects have red zones, and are freed late
MANY = int(os.environ.get("REWIRE_TEST_FLOWS", 1000000 if FAST else 250000))
FEW = 4000
CHARGED = 256 - 2 * os.sysconf("SC_PAGESIZE") / (FEW / 2)	# each processor may have a page of it yet to count
CHARGED_TARGET = 2 * 576	# two nodes of the kernel's arrays, which a number alone in its range needs
SOME = 5 * FEW		# of other sizes: what other tests have left is freed meanwhile
GROUP = "/sys/fs/cgroup/rewire-memory"
CLI = os.path.join(here, "../build/bin/rewire")
ROOM = "/sys/module/rewire/parameters/flow_room"
ROOM_BYTES = 8 << 20            # of 2^20 chains: half as many have no room for two entries of each flow
LARGE_PAGE = 2 << 20            # a table begins in front of its chains


def worst(most):
    """The fewest flows, not far below MOST, with two entries each, for which a table doubles."""
    size = 64
    while size // 4 * 3 // 2 + 1 <= most:
        size *= 2
    return size // 2 // 4 * 3 // 2 + 1


def taken():
    """Bytes of the kernel's objects and tables, without caches that it could empty."""
    with open("/proc/sys/vm/stat_refresh", "w", encoding="ascii") as file:
        file.write("1")
    with open("/proc/meminfo", encoding="ascii") as file:
        lines = (line.split() for line in file)
        sizes = {line[0].rstrip(":"): int(line[1]) for line in lines}
    return [sizes[name] << 10 for name in ("SUnreclaim", "VmallocUsed", "Percpu")]


def settled(rewire):
    """The same, when tables that were replaced and flows that were closed are freed."""
    rewire.command("FLOW_COUNT")            # which waits until the table is whole
    sizes, since = taken(), time.monotonic()

    def steady():
        nonlocal sizes, since
        now = taken()
        if abs(sum(now) - sum(sizes)) > 1 << 14:
            sizes, since = now, time.monotonic()
        return time.monotonic() > since + 1

    tap.wait_for(60, steady)
    return sizes


def each(rewire, flows, then):
    """Bytes for each of so many flows that have been made since then."""
    parts = [(size - before) / flows for size, before in zip(settled(rewire), then)]
    print("# objects, tables and parts of CPUs, a flow:", *(f"{part:.1f}" for part in parts), flush=True)
    return sum(parts)


def each_at_most(rewire, flows, then, most):
    """The same, but a table that was replaced is freed when the kernel gets to it."""
    end = time.monotonic() + 20
    while (size := each(rewire, flows, then)) > most and time.monotonic() < end:
        pass
    return size


def structure():
    """As its debugging information has it, which kernels of User Mode Linux leave out."""
    name = "pahole: struct rewire_flow has at most 256 bytes"
    built = os.path.join(here, "../build/module", os.environ["KERNEL"], "rewire/kmod/flow.o")
    done = subprocess.run(["pahole", "-C", "rewire_flow", built],
                          capture_output=True, text=True, check=False)
    sizes = [line for line in done.stdout.splitlines() if "/* size:" in line]
    if not sizes and (FAST or CHECKED):
        print("# no debugging information; a static_assert of the module says the same")
        return
    size = int(sizes[0].split()[2].rstrip(",")) if sizes else None
    tap.point(size is not None and size <= 256, name, size, done.stderr)


def table():
    if CHECKED:
        tap.skip("a flow takes at most so much", "objects have red zones there")
        return
    rewire = enter_new()
    maker, begin = Maker(rewire), settled(rewire)
    fill = worst(MANY)
    tap.equal(f"{fill} flows are made, for which the table has just doubled",
              maker.make(range(1, fill + 1)), fill)
    full = each_at_most(rewire, fill, begin, WORST if MANY >= 1000000 else sys.maxsize)
    tap.equal(f"and more, {MANY} in all", maker.make(range(fill + 1, MANY + 1)), MANY - fill)
    many = each(rewire, MANY, begin)
    print(f"# bytes a flow: {full:.1f} of {fill} flows, {many:.1f} of {MANY}", flush=True)
    tap.point(many <= MOST, f"a flow of {MANY} takes at most {MOST} bytes, all in all", many)
    if MANY >= 1000000:
        tap.point(full <= WORST, f"and at most {WORST} where the table has just doubled", full)
    tap.point(many >= 256, "but no less than the object itself", many)
    rewire.command("FLOW_FLUSH")
    left = each(rewire, MANY, begin)
    tap.point(left < 8, "when they have ended, all of it is given back", left)


def extended():
    """Of flows that are more than a rewrite the measure has to tell."""
    rewire = enter_new()
    maker, begin = Maker(rewire, u8(c["A_FLOW_DSCP"], 10)), settled(rewire)
    tap.equal(f"{SOME} flows with an extension are made", maker.make(range(1, SOME + 1)), SOME)
    size = each(rewire, SOME, begin)
    tap.point(size > MOST, f"these take more than {MOST}", size)
    rewire.command("FLOW_FLUSH")


def set_room(flows):
    with open(ROOM, "w", encoding="ascii") as file:
        file.write(str(flows))


def attach(rewire, device):
    rewire.command("ATTACH_ADD", u32(c["A_ATTACH_VNI"], 1) + u32(c["A_ATTACH_IFINDEX"], socket.if_nametoindex(device)))


def grown(rewire, action, *more):
    """What it makes the kernel take."""
    begin = sum(settled(rewire))
    action(*more)
    return sum(settled(rewire)) - begin


def attach_refused(rewire, device):
    try:
        attach(rewire, device)
    except Refused:
        return
    raise RuntimeError("it is attached twice")


def tenant_attaches(end, far_end):
    """A network namespace of a user namespace gets a device, and is there as long as END."""
    if not os.fork():
        try:
            end.close()
            own_user_namespace()
            attach(Rewire(), "lo")
            far_end.send(b"x")
            far_end.recv(1)
        finally:
            os._exit(0)
    far_end.close()
    if not end.recv(1):
        raise RuntimeError("a tenant cannot attach a device")


def tenant_room(rewire):
    """What a tenant's device makes the kernel take."""
    end, far_end = socket.socketpair()
    size = grown(rewire, tenant_attaches, end, far_end)
    end.close()
    os.wait()
    return size


def room():
    """Made beforehand, so that no table has to be moved while flows come."""
    rewire, little = enter_new(), ROOM_BYTES / 8
    for device in "two", "three":
        subprocess.run(["ip", "link", "add", device, "type", "dummy"], check=True)
    tap.point(abs(grown(rewire, attach, rewire, "lo")) < little, "without flow_room a table is small")
    set_room(200000)
    try:
        tap.point(abs(grown(rewire, attach_refused, rewire, "lo")) < little, "it stays so when a device is refused")
        tap.point(abs(tenant_room(rewire)) < little, "a tenant gets none that nobody is charged for")
        subprocess.run([CLI, "limit", "set", "all", "flows", "500:1000"], check=True)
        tap.point(abs(grown(rewire, attach, rewire, "two")) < little, "nor is there room for more than there may be")
        subprocess.run([CLI, "limit", "set", "all", "flows", "250000:500000"], check=True)
        size = grown(rewire, attach, rewire, "three")
    finally:
        set_room(0)
    tap.point(ROOM_BYTES - little < size < ROOM_BYTES + LARGE_PAGE + little, "with it the next device makes it large", size)
    maker, begin = Maker(rewire), sum(settled(rewire))
    tap.equal(f"{FEW} flows are made", maker.make(range(1, FEW + 1)), FEW)
    tap.equal("and are all there is", rewire.stats()["flows"], FEW)
    rewire.command("FLOW_FLUSH")
    left = sum(settled(rewire)) - begin
    tap.point(abs(left) < little, "it stays so when they have ended", left)


def own_user_namespace():
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    with open("/proc/self/uid_map", "w", encoding="ascii") as file:
        file.write("0 0 1")


def make_targets(rewire):
    """Far from each other, so each has places in the table of its own."""
    def make(numbers):
        for number in numbers:
            rewire.command("TARGET_SET", u32(c["A_TARGET_ID"], number << 16) +
                           u32(c["A_TARGET_STATE"], c["TARGET_STATE_ACTIVE"]))
    return make


def make_flows(rewire):
    return Maker(rewire).make


def tenant(end, own_namespace, what):
    """A process in the group, which makes what it is to when it is told to."""
    with open(f"{GROUP}/cgroup.procs", "w", encoding="ascii") as file:
        file.write("0")
    if own_namespace:
        own_user_namespace()
    make = what(enter_new())
    for numbers in range(1, FEW // 2 + 1), range(FEW // 2 + 1, FEW + 1):
        end.send(b"x")
        end.recv(1)
        make(numbers)
    end.send(b"x")
    end.recv(1)


def charged(own_namespace, what):
    """What things are on the account of the control group of who makes them, in bytes of one.

    Of the second half, when all that is needed once is there.
    """
    os.mkdir(GROUP)
    end, far_end = socket.socketpair()
    child = os.fork()
    if not child:
        end.close()
        try:
            tenant(far_end, own_namespace, what)
        finally:
            os._exit(0)
    far_end.close()
    sizes = []
    while end.recv(1):
        sizes.append(account())
        end.send(b"x")
    end.close()
    os.waitpid(child, 0)
    tap.wait_for(20, lambda: not os.path.exists(f"/proc/{child}"))
    os.rmdir(GROUP)
    return (sizes[2] - sizes[1]) / (FEW // 2) if len(sizes) == 3 else -1


def account():
    with open("/proc/sys/vm/stat_refresh", "w", encoding="ascii") as file:
        file.write("1")
    with open(f"{GROUP}/memory.stat", encoding="ascii") as file:
        return int(dict(line.split() for line in file)["slab"])


def accounts():
    os.makedirs("/sys/fs/cgroup", exist_ok=True)
    subprocess.run(["mount", "-t", "cgroup2", "none", "/sys/fs/cgroup"], check=False, stderr=subprocess.DEVNULL)
    try:
        with open("/sys/fs/cgroup/cgroup.subtree_control", "w", encoding="ascii") as file:
            file.write("+memory")
    except OSError as error:
        tap.lacking(f"memory is charged: {error}")
        return
    owner, host = charged(True, make_flows), charged(False, make_flows)
    print(f"# bytes of a flow that are charged: {owner:.1f} in a tenant's namespace, {host:.1f} in the host's", flush=True)
    tap.point(owner >= CHARGED, "flows of a namespace that is not the host's are on its owner's account", owner)
    tap.point(abs(host) < 128, "those of the host's are on nobody's: limits bound them, "
                               "and they outlive the daemon", host)
    owner = charged(True, make_targets)
    print(f"# bytes of a target that are charged: {owner:.1f}", flush=True)
    tap.point(owner >= CHARGED_TARGET, "with targets, so is the table that they are in", owner)



tap.run(structure, extended, table, room, accounts)

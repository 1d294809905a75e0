#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Each kind of line by which kernels say that something is wrong fails a run in a
# virtual machine, and what they say every day does not.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../vm/reports.sh"

is_report() {
	grep -qE "$reports" <<< "$1"
}

is_none() {
	! is_report "$1"
}

while read -r line; do
	check "a report: $line" is_report "$line"
done <<'END'
BUG: kernel NULL pointer dereference, address: 0000000000000008
BUG: KASAN: slab-use-after-free in rewire_flow_close+0x2c/0x1a0 [rewire]
BUG: sleeping function called from invalid context at kernel/locking/mutex.c:283
BUG: unable to handle page fault for address: ffffc90000a51000
BUG rewire_flow (Tainted: G           O): Objects remaining on __kmem_cache_shutdown()
kmemleak: Kernel memory leak detector disabled
kmemleak: Cannot allocate a kmemleak_object structure
kernel BUG at lib/list_debug.c:53!
invalid opcode: 0000 [#1] PREEMPT SMP NOPTI
divide error: 0000 [#1] SMP
Oops: 0002 [#1] SMP
general protection fault, probably for non-canonical address 0xdead000000000122
WARNING: CPU: 1 PID: 812 at net/core/dst.c:170 dst_release+0x31/0x70
WARNING: possible circular locking dependency detected
WARNING: suspicious RCU usage
WARNING: inconsistent lock state
INFO: trying to register non-static key.
turning off the locking correctness validator.
refcount_t: underflow; use-after-free.
UBSAN: array-index-out-of-bounds in kmod/parse.c:88:3
ODEBUG: free active (active state 0) object type: timer_list
unreferenced object 0xffff888004d1c000 (size 256):
rewire: 3 objects leaked
unregister_netdevice: waiting for t1 to become free. Usage count = 2
leaked reference.
INFO: task rmmod:411 blocked for more than 120 seconds.
watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [pktgen:77]
rcu: INFO: rcu_sched self-detected stall on CPU
Kernel panic - not syncing: Fatal exception in interrupt
END

while read -r line; do
	check "none: $line" is_none "$line"
done <<'END'
kmemleak: Kernel memory leak detector initialized (mem pool available: 39891)
rewire: loading out-of-tree module taints kernel.
IPv6: ADDRCONF(NETDEV_CHANGE): t1: link becomes ready
device t1 entered promiscuous mode
debug: unmapping init [mem 0xffffffff83000000-0xffffffff833fffff]
pktgen: Packet Generator for packet performance testing. Version: 2.75
END
test_end

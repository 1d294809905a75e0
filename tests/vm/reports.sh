# SPDX-License-Identifier: GPL-2.0
# What a kernel says when something is wrong, as an extended regular expression.
# shellcheck shell=bash disable=SC2034

reports='BUG:|BUG [^ ]+ \(|kernel BUG at|WARNING:|Oops|Kernel panic|general protection|invalid opcode|divide error'
reports+='|\[#[0-9]+\]|refcount_t|suspicious|KASAN|UBSAN|ODEBUG'
reports+='|possible (circular|recursive|irq lock inversion)|inconsistent lock state'
reports+='|trying to register non-static key|turning off the locking correctness validator'
reports+='|unreferenced object|kmemleak: (Kernel memory leak detector disabled|Cannot|Memory pool empty)|rewire: .*leaked|unregister_netdevice: waiting for|leaked reference'
reports+='|INFO: task .* blocked|soft lockup|hard LOCKUP|rcu: INFO: .*stall'

/* SPDX-License-Identifier: GPL-2.0 */
/* Counters of a network namespace. */
#ifndef REWIRE_STATS_H
#define REWIRE_STATS_H

#include <linux/percpu.h>
#include <linux/skbuff.h>
#include <uapi/linux/rewire.h>

struct rewire_net;

/**
 * struct rewire_stats - what one CPU has counted
 * @received: IP packets that the hooks saw
 * @translated: packets sent on, rewritten
 * @passed: packets left to the host's stack
 * @forwarded: packets sent on by forward rules
 * @punts: questions handed to a handler's socket
 * @punt_batches: messages that carried them
 * @punt_retries: messages that the socket had no room for
 * @verdicts: verdicts that took effect
 * @verdict_failures: verdicts that did not
 * @created: flows made
 * @icmp_translated: of @translated, ICMP errors about packets of flows
 * @icmp_sent: ICMP errors of our own
 * @icmp_limited: those that would have been too many
 * @icmp_unsent: those without an address, a route, or memory
 * @copied: copies made of packets
 * @verdicts_forbidden: what the daemon may not install, see network.c
 * @batched: of @received, packets that went in a batch with others
 * @expiry_ns: nanoseconds by the clock that the scan for idle flows has taken
 * @reason: packets dropped and flows closed, by reason
 *
 * Written with this_cpu operations only, read from any CPU.
 */
struct rewire_stats {
	u64 received;
	u64 translated;
	u64 passed;
	u64 forwarded;
	u64 punts;
	u64 punt_batches;
	u64 punt_retries;
	u64 verdicts;
	u64 verdict_failures;
	u64 created;
	u64 icmp_translated;
	u64 icmp_sent;
	u64 icmp_limited;
	u64 icmp_unsent;
	u64 copied;
	u64 verdicts_forbidden;
	u64 batched;
	u64 expiry_ns;
	u64 reason[__REWIRE_REASON_MAX];
};

void rewire_drop(struct rewire_net *ns, struct sk_buff *skb,
		 enum rewire_reason reason);

#endif /* REWIRE_STATS_H */

// SPDX-License-Identifier: GPL-2.0
/* Counters, and the question for them. */
#include "attach.h"
#include "handler.h"
#include "hold.h"
#include "netlink.h"
#include "punt.h"
#include "trace.h"

/* Drop a packet, and count why. */
void rewire_drop(struct rewire_net *ns, struct sk_buff *skb,
		 enum rewire_reason reason)
{
	this_cpu_inc(ns->stats->reason[reason]);
	trace_rewire_drop(skb, reason);
	kfree_skb_reason(skb, SKB_DROP_REASON_NETFILTER_DROP);
}

static void rewire_stats_sum(struct rewire_net *ns, struct rewire_stats *sum)
{
	const unsigned int n = sizeof(*sum) / sizeof(u64);
	unsigned int i;
	int cpu;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		const u64 *counters = (const u64 *)per_cpu_ptr(ns->stats, cpu);

		for (i = 0; i < n; i++)
			((u64 *)sum)[i] += READ_ONCE(counters[i]);
	}
}

static bool rewire_put_u64(struct sk_buff *skb, int attribute, u64 value)
{
	return nla_put_u64_64bit(skb, attribute, value, REWIRE_A_STATS_PAD);
}

static bool rewire_stats_fill_gauges(struct sk_buff *skb, struct rewire_net *ns)
{
	return rewire_put_u64(skb, REWIRE_A_STATS_FLOWS, atomic_read(&ns->all.flows)) ||
	       rewire_put_u64(skb, REWIRE_A_STATS_FLOWS_MAX,
			      READ_ONCE(ns->all.may.flows_hard)) ||
	       nla_put_u32(skb, REWIRE_A_STATS_RULES, READ_ONCE(ns->rule_count)) ||
	       nla_put_u32(skb, REWIRE_A_STATS_TARGETS, READ_ONCE(ns->target_count)) ||
	       nla_put_u32(skb, REWIRE_A_STATS_LIMITS, atomic_read(&ns->limit_count)) ||
	       nla_put_u32(skb, REWIRE_A_STATS_HANDLERS, rewire_handlers_count(ns)) ||
	       nla_put_u32(skb, REWIRE_A_STATS_HOLDS, atomic_read(&ns->all.holds)) ||
	       nla_put_u32(skb, REWIRE_A_STATS_HOLDS_MAX, READ_ONCE(ns->all.may.holds)) ||
	       nla_put_u32(skb, REWIRE_A_STATS_HELD_PACKETS,
			   atomic_read(&ns->all.held_packets)) ||
	       rewire_put_u64(skb, REWIRE_A_STATS_HELD_BYTES,
			      atomic64_read(&ns->all.held_bytes)) ||
	       rewire_put_u64(skb, REWIRE_A_STATS_OBJECTS,
			      percpu_counter_sum(&rewire_objects));
}

static bool rewire_stats_fill_counters(struct sk_buff *skb, const struct rewire_stats *sum)
{
	return rewire_put_u64(skb, REWIRE_A_STATS_RECEIVED, sum->received) ||
	       rewire_put_u64(skb, REWIRE_A_STATS_TRANSLATED, sum->translated) ||
	       rewire_put_u64(skb, REWIRE_A_STATS_PASSED, sum->passed) ||
	       rewire_put_u64(skb, REWIRE_A_STATS_FORWARDED, sum->forwarded) ||
	       rewire_put_u64(skb, REWIRE_A_STATS_PUNTS, sum->punts) ||
	       rewire_put_u64(skb, REWIRE_A_STATS_PUNT_BATCHES, sum->punt_batches) ||
	       rewire_put_u64(skb, REWIRE_A_STATS_PUNT_RETRIES, sum->punt_retries) ||
	       rewire_put_u64(skb, REWIRE_A_STATS_VERDICTS, sum->verdicts) ||
	       rewire_put_u64(skb, REWIRE_A_STATS_VERDICT_FAILURES,
			      sum->verdict_failures) ||
	       rewire_put_u64(skb, REWIRE_A_STATS_CREATED, sum->created) ||
	       rewire_put_u64(skb, REWIRE_A_STATS_ICMP_TRANSLATED, sum->icmp_translated) ||
	       rewire_put_u64(skb, REWIRE_A_STATS_ICMP_SENT, sum->icmp_sent) ||
	       rewire_put_u64(skb, REWIRE_A_STATS_ICMP_LIMITED, sum->icmp_limited) ||
	       rewire_put_u64(skb, REWIRE_A_STATS_ICMP_UNSENT, sum->icmp_unsent) ||
	       rewire_put_u64(skb, REWIRE_A_STATS_COPIED, sum->copied) ||
	       rewire_put_u64(skb, REWIRE_A_STATS_VERDICTS_FORBIDDEN,
			      sum->verdicts_forbidden) ||
	       rewire_put_u64(skb, REWIRE_A_STATS_BATCHED, sum->batched) ||
	       rewire_put_u64(skb, REWIRE_A_STATS_EXPIRY_NS, sum->expiry_ns);
}

static bool rewire_stats_fill_reasons(struct sk_buff *skb, const struct rewire_stats *sum)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sum->reason); i++) {
		struct nlattr *nest = nla_nest_start(skb, REWIRE_A_STATS_COUNTER);

		if (!nest || nla_put_u32(skb, REWIRE_A_COUNTER_REASON, i) ||
		    nla_put_u64_64bit(skb, REWIRE_A_COUNTER_VALUE, sum->reason[i],
				      REWIRE_A_COUNTER_PAD))
			return true;
		nla_nest_end(skb, nest);
	}
	return false;
}

int rewire_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_stats sum;
	struct sk_buff *reply;
	void *header;

	reply = rewire_reply_new(info, NLMSG_GOODSIZE, &header);
	if (!reply)
		return -ENOMEM;
	rewire_stats_sum(ns, &sum);
	if (nla_put_u32(reply, REWIRE_A_STATS_ATTACHES, rewire_attach_count(ns)) ||
	    rewire_stats_fill_gauges(reply, ns) ||
	    rewire_punt_fill_gauges(reply, ns) ||
	    rewire_stats_fill_counters(reply, &sum) ||
	    (info->attrs[REWIRE_A_STATS_REASONS] &&
	     rewire_stats_fill_reasons(reply, &sum))) {
		nlmsg_free(reply);
		return -EMSGSIZE;
	}
	return rewire_reply_send(info, reply, header);
}

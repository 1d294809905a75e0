// SPDX-License-Identifier: GPL-2.0
/* Extensions: what only some flows need, apart from the object that all have. */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <net/dsfield.h>

#include "attach.h"
#include "bucket.h"
#include "extension.h"
#include "packet.h"
#include "route.h"
#include "tunnel.h"

/* Time in which so many tokens come back, rounded up: a limit is kept, not exceeded. */
static u64 rewire_limit_time(const struct rewire_limit *limit, u64 tokens)
{
	return DIV64_U64_ROUND_UP(tokens * NSEC_PER_SEC, limit->rate);
}

/* Return: whether a flow's limit lets a packet go by; then it may be accounted for. */
bool rewire_extension_admits(struct rewire_flow_extension *extension,
			     enum rewire_direction direction, unsigned int bytes, bool take)
{
	struct rewire_limit *limit = &extension->limit;
	u64 cost, depth;

	if (!limit->rate)
		return true;
	cost = rewire_limit_time(limit, limit->bytes ? bytes : 1);
	depth = rewire_limit_time(limit, limit->burst);
	if (!take)
		return rewire_bucket_next(atomic64_read(&limit->full[direction]),
					  ktime_get_ns(), cost, depth);
	return rewire_bucket_take(&limit->full[direction], ktime_get_ns(), cost, depth);
}

/* Set code point and hops of a packet that may be written to. */
void rewire_extension_mark(const struct rewire_flow_extension *extension,
			   struct sk_buff *skb, bool ipv4)
{
	struct iphdr *ip = (struct iphdr *)skb->data;
	struct ipv6hdr *ip6 = (struct ipv6hdr *)skb->data;

	if (extension->dscp != REWIRE_DSCP_KEEP) {
		if (ipv4)
			ipv4_change_dsfield(ip, INET_ECN_MASK, extension->dscp << 2);
		else
			ipv6_change_dsfield(ip6, INET_ECN_MASK, extension->dscp << 2);
	}
	if (extension->hops != REWIRE_HOP_MODE_SET)
		return;
	if (ipv4) {
		csum_replace2(&ip->check, htons(ip->ttl << 8),
			      htons(extension->hop_limit << 8));
		ip->ttl = extension->hop_limit;
	} else {
		ip6->hop_limit = extension->hop_limit;
	}
}

/* Context: RCU read side. Return: whether a copy leaves by a device. */
bool rewire_extension_uses(struct rewire_net *ns, const struct rewire_flow_extension *extension,
			   const struct rewire_attach *attach)
{
	unsigned int i;

	for (i = 0; extension && i < extension->copies; i++) {
		const struct rewire_flow *copy = extension->copy[i];

		if (rewire_flow_is_cut_off(ns, copy, REWIRE_REPLY, attach))
			return true;
		if (attach->ifindex == REWIRE_IFINDEX_LOCAL) {
			if (!READ_ONCE(copy->ifindex[REWIRE_REPLY]) &&
			    rewire_key_vni(&copy->tuple[REWIRE_REPLY].key) == attach->vni)
				return true;
			continue;
		}
		if (READ_ONCE(copy->ifindex[REWIRE_REPLY]) == attach->ifindex ||
		    rewire_route_uses(&copy->tuple[REWIRE_ORIG], attach->ifindex))
			return true;
	}
	return false;
}

/* The flow is closed: its copies keep no routes from now on. */
void rewire_extension_close(struct rewire_flow_extension *extension)
{
	unsigned int i;

	if (!extension)
		return;
	for (i = 0; i < extension->copies; i++) {
		atomic_fetch_or(REWIRE_FLOW_DYING, &extension->copy[i]->flags);
		rewire_route_forget(&extension->copy[i]->tuple[REWIRE_ORIG]);
	}
}

/* Nobody finds the flow any more. */
void rewire_extension_free(struct rewire_flow_extension *extension)
{
	unsigned int i;

	if (!extension)
		return;
	for (i = 0; i < extension->copies; i++)
		rewire_flow_free(extension->copy[i]);
	for (i = 0; i < REWIRE_DIRECTIONS; i++)
		rewire_tunnel_free(rcu_dereference_protected(extension->tunnel[i], true));
	kfree(extension);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Forwarding: a rule sends packets to a next hop by destination address and port,
 * untranslated. Nothing is remembered of a packet, so any host with the same rules
 * may forward any packet. Routes are looked up for each packet, as the host's own
 * stack does when it forwards.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/percpu.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/neighbour.h>
#include <net/route.h>

#include "attach.h"
#include "forward.h"
#include "fragment.h"
#include "namespace.h"
#include "output.h"
#include "packet.h"
#include "route.h"
#include "rule.h"

/* The next hop of the packet that this CPU sends; NULL, its destination. */
static DEFINE_PER_CPU(const struct in6_addr *, rewire_forward_hop);

/* Sum up what a rule has forwarded. */
void rewire_forward_count(const struct rewire_rule *rule, u64 *packets, u64 *bytes)
{
	int cpu;

	*packets = 0;
	*bytes = 0;
	for_each_possible_cpu(cpu) {
		const struct rewire_forward_counters *counters =
			per_cpu_ptr(rule->forward.counters, cpu);

		*packets += READ_ONCE(counters->packets);
		*bytes += READ_ONCE(counters->bytes);
	}
}

/* A next hop is on a link of this host, and is not the host itself. */
static bool rewire_forward_may_use(struct rewire_net *ns, const struct rewire_forward *forward,
				   const struct dst_entry *dst)
{
	bool gateway;

	if (dst->lwtstate || rewire_route_is_local(dst))
		return false;
	if (forward->has_vni &&
	    !rewire_attach_is(ns, dst_dev_rcu(dst)->ifindex, forward->vni))
		return false;
	if (dst->ops->family == AF_INET)
		gateway = dst_rtable(dst)->rt_gw_family;
	else
		gateway = dst_rt6_info(dst)->rt6i_flags & RTF_GATEWAY;
	return !forward->has_via || !gateway;
}

/* Return: a route with a reference, or an error. */
static struct dst_entry *rewire_forward_route(struct rewire_net *ns,
					      const struct rewire_packet *packet,
					      const struct rewire_forward *forward)
{
	const struct in6_addr *hop = forward->has_via ? &forward->via : &packet->key.dst;
	int oif = forward->ifindex;
	struct dst_entry *dst;
	bool several = false;

	if (!oif && forward->has_vni) {
		oif = rewire_attach_output(ns, forward->vni, &several);
		if (!oif)
			return ERR_PTR(-ENETUNREACH);
	}
	dst = rewire_route(ns->net, hop, several ? 0 : oif);
	if (!IS_ERR(dst) && !rewire_forward_may_use(ns, forward, dst)) {
		dst_release(dst);
		return ERR_PTR(-ENETUNREACH);
	}
	return dst;
}

/* Send the packet, or a fragment of it. Consumes it. */
static int rewire_forward_transmit(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	const struct in6_addr *hop = this_cpu_read(rewire_forward_hop);
	struct net_device *dev = dst_dev_rcu(skb_dst(skb));

	if (!hop)
		return rewire_transmit(net, sk, skb);
	skb->dev = dev;
	/* Who waits for a neighbour would be sent to that of its own destination. */
	skb_dst_drop(skb);
	if (ipv6_addr_v4mapped(hop))
		return neigh_xmit(NEIGH_ARP_TABLE, dev, &hop->s6_addr32[3], skb);
	return neigh_xmit(NEIGH_ND_TABLE, dev, hop, skb);
}

/* The packet owns a reference to its route. */
static void rewire_forward_send(struct rewire_net *ns, struct sk_buff *skb,
				const struct rewire_forward *forward, enum rewire_fit fit)
{
	const struct in6_addr *hop = forward->has_via ? &forward->via : NULL;
	const struct in6_addr *outer = this_cpu_read(rewire_forward_hop);
	int err;

	this_cpu_write(rewire_forward_hop, hop);
	if (fit == REWIRE_FITS)
		err = rewire_forward_transmit(ns->net, skb->sk, skb);
	else
		err = rewire_fragment_send(ns->net, skb, rewire_forward_transmit);
	this_cpu_write(rewire_forward_hop, outer);
	if (err < 0)
		this_cpu_inc(ns->stats->reason[REWIRE_REASON_DROP_NEIGHBOUR]);
	else
		this_cpu_inc(ns->stats->forwarded);
}

/* Where a packet's ports are not known, no rule about ports can be followed. */
static bool rewire_forward_needs_ports(const struct rewire_rule *rule)
{
	const struct rewire_match *match = &rule->match;

	return match->dport.max - match->dport.min < 65535 ||
	       match->sport.max - match->sport.min < 65535;
}

/**
 * rewire_forward_plan() - how a rule would send a packet on
 * @ns: the namespace
 * @skb: the packet
 * @packet: what the parser says of it
 * @whole: whether its key is whole
 * @rule: a forward rule
 * @way: out: its route has a reference, or is NULL
 * @reason: out: why it would be dropped
 *
 * Changes nothing. Context: RCU read side, bottom halves disabled.
 * Return: whether it would be sent on.
 */
bool rewire_forward_plan(struct rewire_net *ns, const struct sk_buff *skb,
			 const struct rewire_packet *packet, bool whole,
			 const struct rewire_rule *rule, struct rewire_way *way,
			 enum rewire_reason *reason)
{
	struct dst_entry *dst;

	memset(way, 0, sizeof(*way));
	*reason = packet->other;
	if (!whole && rewire_forward_needs_ports(rule))
		return false;
	dst = rewire_forward_route(ns, packet, &rule->forward);
	*reason = REWIRE_REASON_DROP_NO_ROUTE;
	if (IS_ERR(dst)) {
		way->error = PTR_ERR(dst);
		return false;
	}
	way->dst = dst;
	way->dev = dst_dev_rcu(way->dst);
	way->mtu = dst_mtu(way->dst);
	way->hop = packet->ifindex != REWIRE_IFINDEX_LOCAL;
	if (!rewire_may_leave(skb, packet, way->mtu, way->hop, &way->fit, reason))
		return false;
	/* The host's own, which the stack would fragment, too */
	if (way->fit == REWIRE_TOO_BIG)
		way->fit = REWIRE_FRAGMENT;
	return true;
}

/**
 * rewire_forward() - send a packet on as a rule says, untranslated
 * @ns: the namespace
 * @skb: the packet; consumed
 * @packet: what the parser says of it
 * @whole: whether its key is whole
 * @rule: a forward rule
 *
 * Context: RCU read side, bottom halves disabled.
 * Return: NF_STOLEN.
 */
unsigned int rewire_forward(struct rewire_net *ns, struct sk_buff *skb,
			    const struct rewire_packet *packet, bool whole,
			    const struct rewire_rule *rule)
{
	bool ipv4 = rewire_key_is_ipv4(&packet->key);
	enum rewire_reason reason;
	struct rewire_way way;

	this_cpu_inc(rule->forward.counters->packets);
	this_cpu_add(rule->forward.counters->bytes, skb->len);
	if (!rewire_forward_plan(ns, skb, packet, whole, rule, &way, &reason)) {
		rewire_refuse_leave(ns, skb, packet, &way, reason);
		goto drop;
	}
	if (!rewire_make_writable(skb, ipv4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) ||
	    !rewire_send_prepare(skb, way.dev)) {
		reason = REWIRE_REASON_DROP_MEMORY;
		goto drop;
	}
	skb_dst_set(skb, way.dst);
	skb_forward_csum(skb);
	if (way.hop)
		rewire_decrease_hops(skb, ipv4);
	rewire_forward_send(ns, skb, &rule->forward, way.fit);
	return NF_STOLEN;
drop:
	dst_release(way.dst);
	rewire_drop(ns, skb, reason);
	return NF_STOLEN;
}

// SPDX-License-Identifier: GPL-2.0
/* The way out: route, fit, rewrite, account, transmit. */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <net/gso.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/neighbour.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/route.h>

#include "icmp.h"
#include "namespace.h"
#include "output.h"
#include "packet.h"
#include "route.h"

/* Resolve the next hop and send. Consumes the packet. */
int rewire_transmit(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	struct dst_entry *dst = skb_dst(skb);
	struct net_device *dev = dst_dev_rcu(dst);
	__be32 hop;

	skb->dev = dev;
	if (dst->ops->family == AF_INET6)
		return neigh_xmit(NEIGH_ND_TABLE, dev,
				  rt6_nexthop(dst_rt6_info(dst), &ipv6_hdr(skb)->daddr),
				  skb);
	if (dst_rtable(dst)->rt_gw_family == AF_INET6)
		return neigh_xmit(NEIGH_ND_TABLE, dev, &dst_rtable(dst)->rt_gw6, skb);
	hop = rt_nexthop(dst_rtable(dst), ip_hdr(skb)->daddr);
	return neigh_xmit(NEIGH_ARP_TABLE, dev, &hop, skb);
}

/* The stack fragments the host's own packet, or tells its socket. */
static int rewire_send_own(struct net *net, struct sk_buff *skb, struct dst_entry *dst)
{
	if (!dst_hold_safe(dst)) {
		kfree_skb(skb);
		return -EHOSTUNREACH;
	}
	skb_dst_set(skb, dst);
	nf_ct_set(skb, NULL, IP_CT_UNTRACKED);
	return dst_output(net, skb->sk, skb);
}

enum rewire_fit rewire_fit(const struct sk_buff *skb, const struct dst_entry *dst, bool ipv4)
{
	unsigned int mtu = dst_mtu(dst);

	if (skb_is_gso(skb) ? skb_gso_validate_network_len(skb, mtu) : skb->len <= mtu)
		return REWIRE_FITS;
	if (!ipv4 || skb_is_gso(skb) ||
	    (((const struct iphdr *)skb->data)->frag_off & htons(IP_DF)))
		return REWIRE_TOO_BIG;
	return REWIRE_FRAGMENT;
}

bool rewire_hops_left(const struct sk_buff *skb, bool ipv4)
{
	return (ipv4 ? ((const struct iphdr *)skb->data)->ttl :
		       ((const struct ipv6hdr *)skb->data)->hop_limit) > 1;
}

void rewire_decrease_hops(struct sk_buff *skb, bool ipv4)
{
	if (ipv4)
		ip_decrease_ttl((struct iphdr *)skb->data);
	else
		((struct ipv6hdr *)skb->data)->hop_limit--;
}

/* Room for the link's header; and what the packet had as an incoming one is of no use. */
bool rewire_send_prepare(struct sk_buff *skb, const struct dst_entry *dst)
{
	if (unlikely(skb_headroom(skb) < LL_RESERVED_SPACE(dst_dev_rcu(dst))) &&
	    skb_cow_head(skb, LL_RESERVED_SPACE(dst_dev_rcu(dst))))
		return false;
	nf_reset_ct(skb);
	skb_clear_tstamp(skb);
	skb_dst_drop(skb);
	return true;
}

static void rewire_send(struct rewire_net *ns, struct sk_buff *skb,
			struct dst_entry *dst, enum rewire_fit fit, bool own)
{
	int err;

	if (!rewire_send_prepare(skb, dst)) {
		rewire_drop(ns, skb, REWIRE_REASON_DROP_MEMORY);
		return;
	}
	if (fit == REWIRE_FITS) {
		skb_dst_set_noref(skb, dst);
		err = rewire_transmit(ns->net, skb->sk, skb);
	} else if (own) {
		err = rewire_send_own(ns->net, skb, dst);
	} else {
		skb_dst_set_noref(skb, dst);
		memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
		err = ip_do_fragment(ns->net, skb->sk, skb, rewire_transmit);
	}
	if (err < 0)
		this_cpu_inc(ns->stats->reason[REWIRE_REASON_DROP_NEIGHBOUR]);
	else
		this_cpu_inc(ns->stats->translated);
}

/**
 * rewire_output() - translate a packet and send it on
 * @ns: the namespace
 * @skb: the packet
 * @packet: what the parser says of it
 * @flow: its flow
 * @direction: its direction
 *
 * Context: RCU read side, bottom halves disabled.
 * Return: NF_STOLEN: sent or dropped. NF_ACCEPT: translated, and for the host
 * itself, whose stack goes on with it.
 */
unsigned int rewire_output(struct rewire_net *ns, struct sk_buff *skb,
			   const struct rewire_packet *packet,
			   struct rewire_flow *flow,
			   enum rewire_direction direction)
{
	bool ipv4 = rewire_key_is_ipv4(&packet->key), own, forward, local;
	enum rewire_fit fit = REWIRE_FITS;
	unsigned int length = skb->len;
	enum rewire_reason reason;
	struct dst_entry *dst;

	dst = rewire_route_get(ns, flow, direction);
	if (!dst) {
		reason = REWIRE_REASON_DROP_NO_ROUTE;
		goto drop;
	}
	/* The host's own packet for itself takes the loopback device. */
	own = packet->ifindex == REWIRE_IFINDEX_LOCAL;
	local = !own && rewire_route_is_local(dst);
	forward = !own && !local;
	if (!local) {
		fit = rewire_fit(skb, dst, ipv4);
		if (fit == REWIRE_TOO_BIG && !own) {
			reason = REWIRE_REASON_DROP_TOO_BIG;
			goto drop;
		}
	}
	if (forward && !rewire_hops_left(skb, ipv4)) {
		reason = REWIRE_REASON_DROP_TTL;
		goto drop;
	}
	if (skb_ensure_writable(skb, packet->header)) {
		reason = REWIRE_REASON_DROP_MEMORY;
		goto drop;
	}
	if (packet->quote) {
		rewire_icmp_transform(skb, packet, flow, direction);
		this_cpu_inc(ns->stats->icmp_translated);
	} else {
		rewire_flow_account(flow, direction, packet, length);
		rewire_transform(skb, packet, flow, direction);
	}
	if (forward)
		rewire_decrease_hops(skb, ipv4);
	if (local) {
		this_cpu_inc(ns->stats->translated);
		nf_reset_ct(skb);
		nf_ct_set(skb, NULL, IP_CT_UNTRACKED);
		return NF_ACCEPT;
	}
	rewire_send(ns, skb, dst, fit, own);
	return NF_STOLEN;
drop:
	rewire_drop(ns, skb, reason);
	return NF_STOLEN;
}

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

#include "change.h"
#include "extension.h"
#include "fragment.h"
#include "icmp.h"
#include "namespace.h"
#include "mss.h"
#include "output.h"
#include "packet.h"
#include "policy.h"
#include "route.h"
#include "tunnel.h"

static struct neighbour *rewire_neighbour(struct dst_entry *dst, struct sk_buff *skb,
					  bool *other_family)
{
	*other_family = false;
	if (dst->ops->family == AF_INET)
		return ip_neigh_for_gw(dst_rtable(dst), skb, other_family);
	return ip_neigh_gw6(skb->dev, rt6_nexthop(dst_rt6_info(dst), &ipv6_hdr(skb)->daddr));
}

/*
 * Resolve the next hop of a packet with a route, and send it, with the link's header that
 * the neighbour keeps, if it has the packet's protocol. Consumes the packet.
 */
int rewire_transmit(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	struct dst_entry *dst = skb_dst(skb);
	struct neighbour *neighbour;
	bool other_family;

	skb->dev = dst_dev_rcu(dst);
	neighbour = rewire_neighbour(dst, skb, &other_family);
	if (IS_ERR(neighbour)) {
		kfree_skb(skb);
		return PTR_ERR(neighbour);
	}
	/*
	 * When nobody answers for the next hop, the neighbour would tell the source about it
	 * by way of the packet's route. But the source is what was written into the packet, and
	 * may be another tenant's address by that route. What is for the host itself keeps its
	 * route, by which the stack knows so.
	 */
	if (likely(!(skb->dev->flags & IFF_LOOPBACK)))
		skb_dst_drop(skb);
	return neigh_output(neighbour, skb, other_family);
}

/* The stack fragments the host's own packet. */
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

/*
 * Many share an address, so the identification of fragments has to be told from that
 * of theirs (RFC 6864, 5.3.1; RFC 7857, 9).
 */
static int rewire_send_fragments(struct net *net, struct sk_buff *skb,
				 const struct rewire_way *way)
{
	/* A super-packet's segments have one each; a guest's count of them may lie. */
	if (skb->protocol == htons(ETH_P_IP))
		__ip_select_ident(net, ip_hdr(skb), !skb_is_gso(skb) ? 1 :
				  DIV_ROUND_UP(skb->len, skb_shinfo(skb)->gso_size));
	if (way->tunnel)
		return rewire_tunnel_fragment(net, skb, way->dev, way->tunnel);
	if (!dst_hold_safe(way->dst)) {
		kfree_skb(skb);
		return -EHOSTUNREACH;
	}
	skb_dst_set(skb, way->dst);
	return rewire_fragment_send(net, skb, rewire_transmit);
}

/* Peek: leave no trace of it; the route has a reference then. */
static __always_inline bool
rewire_way_find(struct rewire_net *ns, struct rewire_flow *flow,
		enum rewire_direction direction, bool peek, struct rewire_way *way)
{
	struct dst_entry *dst;

	way->dst = NULL;
	way->tunnel = NULL;
	way->error = 0;
	way->dev = flow->extension ?
		   rewire_tunnel_device(ns, flow, direction, &way->tunnel) : NULL;
	if (IS_ERR(way->dev)) {
		way->error = PTR_ERR(way->dev);
		return false;
	}
	if (way->dev) {
		way->mtu = READ_ONCE(way->dev->mtu);
		return true;
	}
	dst = peek ? rewire_route_peek(ns, flow, direction) :
		     rewire_route_get(ns, flow, direction);
	if (IS_ERR(dst)) {
		way->error = PTR_ERR(dst);
		return false;
	}
	way->dst = dst;
	way->dev = dst_dev_rcu(way->dst);
	way->mtu = dst_mtu(way->dst);
	return true;
}

/* Own: the packet is the host's, and takes the loopback device if it is for the host. */
static __always_inline void
rewire_way_plan(struct rewire_way *way, const struct rewire_flow *flow, bool own)
{
	way->fit = REWIRE_FITS;
	way->local = !own && way->dst && rewire_route_is_local(way->dst);
	way->hop = !own && !way->local && rewire_extension_decrements(flow->extension);
}

static enum rewire_fit rewire_fit(const struct sk_buff *skb, unsigned int mtu, bool ipv4)
{
	unsigned int size = rewire_fragment_size(skb, ipv4);
	/* Fragments of less would have no room for data, however many there were. */
	bool splits = ipv4 && mtu >= IPV4_MIN_MTU &&
		      !(((const struct iphdr *)skb->data)->frag_off & htons(IP_DF));

	/* Of fragments that may not be split, the largest has to fit. */
	if (size && (splits || size <= mtu))
		return ipv4 || skb->len > size ? REWIRE_FRAGMENT : REWIRE_FITS;
	if (size)
		return REWIRE_TOO_BIG;
	if (skb_is_gso(skb) ? skb_gso_validate_network_len(skb, mtu) : skb->len <= mtu)
		return REWIRE_FITS;
	return splits ? REWIRE_FRAGMENT : REWIRE_TOO_BIG;
}

static bool rewire_hops_left(const struct sk_buff *skb, bool ipv4)
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

/*
 * What the kernel's packet generator sends, it still has a reference to: then there is no making
 * it one's own, only writing to what nobody else reads.
 */
bool rewire_make_writable(struct sk_buff *skb, unsigned int length)
{
	if (unlikely(skb_shared(skb)))
		return skb_headlen(skb) >= length &&
		       (!skb_cloned(skb) || skb_clone_writable(skb, length));
	return !skb_ensure_writable(skb, length);
}

/* Room for the link's header; and what the packet had as an incoming one is of no use. */
bool rewire_send_prepare(struct sk_buff *skb, const struct net_device *dev)
{
	if (unlikely(skb_headroom(skb) < LL_RESERVED_SPACE(dev)) &&
	    (skb_shared(skb) || skb_cow_head(skb, LL_RESERVED_SPACE(dev))))
		return false;
	nf_reset_ct(skb);
	skb_clear_tstamp(skb);
	skb_dst_drop(skb);
	return true;
}

/* A datagram that its device, or the kernel for it, cuts into fragments (UFO). */
static bool rewire_becomes_fragments(const struct sk_buff *skb)
{
	return skb_is_gso(skb) && skb_shinfo(skb)->gso_type & SKB_GSO_UDP &&
	       !skb->encapsulation && skb->protocol == htons(ETH_P_IP);
}

static void rewire_send(struct rewire_net *ns, struct sk_buff *skb,
			const struct rewire_way *way, bool own)
{
	struct dst_entry *dst = way->dst;
	int err;

	if (!rewire_send_prepare(skb, way->dev)) {
		rewire_drop(ns, skb, REWIRE_REASON_DROP_MEMORY);
		return;
	}
	if (unlikely(rewire_becomes_fragments(skb))) {
		__ip_select_ident(ns->net, ip_hdr(skb), 1);
		ip_send_check(ip_hdr(skb));
	}
	if (way->fit != REWIRE_FITS && own && !way->tunnel) {
		err = rewire_send_own(ns->net, skb, dst);
	} else if (way->fit != REWIRE_FITS) {
		err = rewire_send_fragments(ns->net, skb, way);
	} else if (way->tunnel) {
		err = rewire_tunnel_transmit(skb, way->dev, way->tunnel);
	} else {
		skb_dst_set_noref(skb, dst);
		err = rewire_transmit(ns->net, skb->sk, skb);
	}
	if (err == -ENOMEM)
		this_cpu_inc(ns->stats->reason[REWIRE_REASON_DROP_MEMORY]);
	else if (err < 0)
		this_cpu_inc(ns->stats->reason[REWIRE_REASON_DROP_NEIGHBOUR]);
	else
		this_cpu_inc(ns->stats->translated);
}

/* What an extension does before its flow's packet is sent. Return: whether it may be. */
static bool rewire_output_extended(struct rewire_net *ns, struct sk_buff *skb,
				   const struct rewire_packet *packet,
				   struct rewire_flow *flow,
				   enum rewire_direction direction)
{
	if (!rewire_extension_admits(flow->extension, direction, skb->len, true))
		return false;
	rewire_tunnel_learn(flow, direction, skb);
	if (direction == REWIRE_ORIG)
		rewire_copies_send(ns, skb, packet, flow->extension);
	return true;
}

/* A SYN says what the other end may send: that has to cross both devices. */
static void rewire_clamp(struct sk_buff *skb, const struct rewire_packet *packet,
			 const struct rewire_flow *flow, unsigned int mtu)
{
	u16 most = READ_ONCE(flow->policy->mss);

	if (!most)
		return;
	if (skb->dev)
		mtu = min(mtu, READ_ONCE(skb->dev->mtu));
	rewire_mss_clamp(skb, packet, most, mtu);
}

/* Return: whether a packet has hops left and fits its way; and if not, why. */
bool rewire_may_leave(const struct sk_buff *skb, const struct rewire_packet *packet,
		      unsigned int mtu, bool hop, enum rewire_fit *fit,
		      enum rewire_reason *reason)
{
	bool ipv4 = rewire_key_is_ipv4(&packet->key);
	bool own = packet->ifindex == REWIRE_IFINDEX_LOCAL;

	*reason = REWIRE_REASON_DROP_TTL;
	if (hop && !rewire_hops_left(skb, ipv4))
		return false;
	*reason = REWIRE_REASON_DROP_TOO_BIG;
	*fit = rewire_fit(skb, mtu, ipv4);
	/* Some of the host's own the stack fragments, whatever their headers say. */
	return *fit != REWIRE_TOO_BIG || (own && skb->ignore_df);
}

/* Tell the sender of a packet why it may not leave. */
void rewire_refuse_leave(struct rewire_net *ns, struct sk_buff *skb,
			 const struct rewire_packet *packet, const struct rewire_way *way,
			 enum rewire_reason reason)
{
	switch (reason) {
	case REWIRE_REASON_DROP_NO_ROUTE:
		rewire_icmp_no_route(ns, skb, packet, way->error);
		break;
	case REWIRE_REASON_DROP_TTL:
		rewire_icmp_time_exceeded(ns, skb, packet);
		break;
	case REWIRE_REASON_DROP_TOO_BIG:
		rewire_icmp_too_big(ns, skb, packet, way->mtu);
		break;
	default:
		break;
	}
}

/**
 * rewire_output_plan() - how a packet of a flow would leave
 * @ns: the namespace
 * @skb: the packet
 * @packet: what the parser says of it
 * @flow: its flow
 * @direction: its direction
 * @way: out: its route has a reference
 * @reason: out: why it would be dropped
 *
 * Changes nothing, and sends nothing. Context: RCU read side, bottom halves disabled.
 * Return: whether it would leave.
 */
bool rewire_output_plan(struct rewire_net *ns, const struct sk_buff *skb,
			const struct rewire_packet *packet, struct rewire_flow *flow,
			enum rewire_direction direction, struct rewire_way *way,
			enum rewire_reason *reason)
{
	*reason = REWIRE_REASON_DROP_FLOW_RATE;
	if (flow->extension &&
	    !rewire_extension_admits(flow->extension, direction, skb->len, false))
		return false;
	*reason = REWIRE_REASON_DROP_NO_ROUTE;
	if (!rewire_way_find(ns, flow, direction, true, way))
		return false;
	rewire_way_plan(way, flow, packet->ifindex == REWIRE_IFINDEX_LOCAL);
	return way->local ||
	       rewire_may_leave(skb, packet, way->mtu, way->hop, &way->fit, reason);
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
	bool own = packet->ifindex == REWIRE_IFINDEX_LOCAL;
	bool ipv4 = rewire_key_is_ipv4(&packet->key);
	unsigned int verdict = NF_STOLEN;
	unsigned int length = skb->len;
	enum rewire_reason reason;
	struct rewire_way way;

	if (flow->extension && !packet->quote &&
	    !rewire_output_extended(ns, skb, packet, flow, direction)) {
		reason = REWIRE_REASON_DROP_FLOW_RATE;
		goto drop;
	}
	if (!rewire_way_find(ns, flow, direction, false, &way)) {
		reason = REWIRE_REASON_DROP_NO_ROUTE;
		goto refuse;
	}
	rewire_way_plan(&way, flow, own);
	if (!way.local &&
	    !rewire_may_leave(skb, packet, way.mtu, way.hop, &way.fit, &reason))
		goto refuse;
	if (!rewire_make_writable(skb, packet->header)) {
		reason = REWIRE_REASON_DROP_MEMORY;
		goto drop;
	}
	if (packet->quote) {
		rewire_icmp_transform(skb, packet, flow, direction);
		this_cpu_inc(ns->stats->icmp_translated);
	} else {
		rewire_flow_see(ns, flow, direction, packet);
		if (packet->segment.flags & REWIRE_TCP_SYN)
			rewire_clamp(skb, packet, flow, way.mtu);
		rewire_transform(skb, packet, flow, direction);
	}
	if (way.hop)
		rewire_decrease_hops(skb, ipv4);
	if (flow->extension && !packet->quote)
		rewire_extension_mark(flow->extension, skb, ipv4);
	if (way.local) {
		this_cpu_inc(ns->stats->translated);
		nf_reset_ct(skb);
		nf_ct_set(skb, NULL, IP_CT_UNTRACKED);
		verdict = NF_ACCEPT;
	} else {
		rewire_send(ns, skb, &way, own);
	}
	/* Last: an atomic addition waits for the flow's line, and all behind waits for it. */
	if (!packet->quote) {
		rewire_tally_add(&flow->tally[direction], length);
		rewire_change(ns, flow);
	}
	return verdict;
refuse:
	rewire_refuse_leave(ns, skb, packet, &way, reason);
drop:
	rewire_drop(ns, skb, reason);
	return NF_STOLEN;
}

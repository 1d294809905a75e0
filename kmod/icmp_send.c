// SPDX-License-Identifier: GPL-2.0
/*
 * ICMP errors of our own: a packet has no hops left, does not fit its way out, has none, or
 * gets no flow (RFC 792, RFC 1812 section 4.3, RFC 4443, RFC 5508 REQ-8 and 10).
 *
 * The sender is told as a router beside it would tell it: by the device that the packet
 * came in by, from an address of this device, about the packet as it came in. The
 * host's own packet is answered to the host, from its own address.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/timekeeping.h>
#include <net/addrconf.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ip6_route.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/route.h>

#include "attach.h"
#include "bucket.h"
#include "icmp.h"
#include "namespace.h"
#include "output.h"
#include "packet.h"
#include "route.h"

/* RFC 1812, 4.3.2.3; and RFC 4443, 2.4 (c) */
#define REWIRE_ICMP_SIZE_IPV4	576U
#define REWIRE_ICMP_SIZE_IPV6	((unsigned int)IPV6_MIN_MTU)

/*
 * Errors a second, and at once: of one device, and of the namespace, which has room for
 * those of other devices while one is flooded.
 */
#define REWIRE_ICMP_DEVICE_RATE		500
#define REWIRE_ICMP_DEVICE_BURST	50
#define REWIRE_ICMP_RATE		1000
#define REWIRE_ICMP_BURST		200

static bool rewire_icmp_token(atomic64_t *full, u64 now, u64 rate, u64 burst)
{
	const u64 cost = NSEC_PER_SEC / rate;

	return rewire_bucket_take(full, now, cost, cost * burst);
}

/* RFC 1812 4.3.2.7, RFC 4443 2.4 (e): who must not be answered. */
static bool rewire_icmp_may_answer(struct rewire_net *ns, const struct sk_buff *skb,
				   const struct rewire_packet *packet)
{
	const struct iphdr *ip = (const struct iphdr *)skb->data;

	if (packet->mute)
		return false;
	if (!rewire_key_is_ipv4(&packet->key))
		return !ipv6_addr_is_multicast(&packet->key.src) &&
		       !ipv6_addr_loopback(&packet->key.src);
	return !ipv4_is_multicast(ip->saddr) && !ipv4_is_lbcast(ip->saddr) &&
	       (packet->ifindex == REWIRE_IFINDEX_LOCAL || !ipv4_is_loopback(ip->saddr)) &&
	       inet_addr_type(ns->net, ip->saddr) != RTN_BROADCAST &&
	       inet_addr_type(ns->net, ip->daddr) != RTN_BROADCAST;
}

/* Whose address the error comes from. Return: whether there is one. */
static bool rewire_icmp_source(struct rewire_net *ns, const struct rewire_packet *packet,
			       const struct dst_entry *dst, struct in6_addr *source)
{
	struct net_device *dev = dst_dev_rcu(dst);
	const struct in6_addr *sender = &packet->key.src;
	__be32 address;

	if (packet->ifindex == REWIRE_IFINDEX_LOCAL) {
		*source = *sender;
		return true;
	}
	if (!rewire_key_is_ipv4(&packet->key))
		return !ipv6_dev_get_saddr(ns->net, dev, sender, 0, source);
	address = inet_select_addr(dev, sender->s6_addr32[3], RT_SCOPE_LINK);
	ipv6_addr_set_v4mapped(address, source);
	return address;
}

/*
 * The way back to the sender, by the device that its packet came in by. The host may
 * have sent in others' names, as a transparent proxy does: they are not told.
 */
struct dst_entry *rewire_icmp_route(struct rewire_net *ns, const struct rewire_packet *packet)
{
	struct dst_entry *dst = rewire_route(ns->net, &packet->key.src, packet->ifindex);

	if (IS_ERR(dst))
		return NULL;
	if (!dst->lwtstate && (packet->ifindex == REWIRE_IFINDEX_LOCAL ?
			       rewire_route_is_local(dst) :
			       dst_dev_rcu(dst)->ifindex == packet->ifindex))
		return dst;
	dst_release(dst);
	return NULL;
}

/* Put the quote and the header of the message in front of it. */
static void *rewire_icmp_fill(struct sk_buff *error, const struct sk_buff *skb,
			      const struct rewire_icmp_message *message, unsigned int quoted)
{
	struct icmphdr *icmp;

	icmp = skb_put(error, sizeof(*icmp) + quoted);
	icmp->type = message->type;
	icmp->code = message->code;
	icmp->checksum = 0;
	icmp->un.gateway = htonl(message->info);
	/* Cannot fail: there is as much of the packet. */
	skb_copy_bits(skb, 0, icmp + 1, quoted);
	return icmp;
}

static void rewire_icmp_fill_ipv4(struct rewire_net *ns, struct sk_buff *error,
				  const struct rewire_packet *packet,
				  const struct in6_addr *source)
{
	struct iphdr *ip = skb_push(error, sizeof(*ip));
	struct icmphdr *icmp = (struct icmphdr *)(ip + 1);

	skb_reset_network_header(error);
	error->protocol = htons(ETH_P_IP);
	icmp->checksum = csum_fold(csum_partial(icmp, error->len - sizeof(*ip), 0));
	memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = sizeof(*ip) / 4;
	ip->tos = IPTOS_PREC_INTERNETCONTROL;	/* RFC 1812, 4.3.2.5 */
	ip->tot_len = htons(error->len);
	ip->ttl = ip4_dst_hoplimit(skb_dst(error));
	ip->protocol = IPPROTO_ICMP;
	ip->saddr = source->s6_addr32[3];
	ip->daddr = packet->key.src.s6_addr32[3];
	ip_select_ident(ns->net, error, NULL);
	ip_send_check(ip);
}

static void rewire_icmp_fill_ipv6(struct sk_buff *error, const struct rewire_packet *packet,
				  const struct in6_addr *source)
{
	struct ipv6hdr *ip = skb_push(error, sizeof(*ip));
	unsigned int length = error->len - sizeof(*ip);
	struct icmphdr *icmp = (struct icmphdr *)(ip + 1);

	skb_reset_network_header(error);
	error->protocol = htons(ETH_P_IPV6);
	ip6_flow_hdr(ip, 0, 0);
	ip->payload_len = htons(length);
	ip->nexthdr = IPPROTO_ICMPV6;
	ip->hop_limit = ip6_dst_hoplimit(skb_dst(error));
	ip->saddr = *source;
	ip->daddr = packet->key.src;
	icmp->checksum = csum_ipv6_magic(&ip->saddr, &ip->daddr, length, IPPROTO_ICMPV6,
					 csum_partial(icmp, length, 0));
}

static struct sk_buff *rewire_icmp_make(struct rewire_net *ns, const struct sk_buff *skb,
					const struct rewire_packet *packet,
					const struct rewire_icmp_message *message,
					struct dst_entry *dst, const struct in6_addr *source)
{
	bool ipv4 = rewire_key_is_ipv4(&packet->key);
	unsigned int network = ipv4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	unsigned int size = ipv4 ? REWIRE_ICMP_SIZE_IPV4 : REWIRE_ICMP_SIZE_IPV6;
	unsigned int reserved = LL_RESERVED_SPACE(dst_dev_rcu(dst));
	struct sk_buff *error;

	/* A route may be given any MTU; what tells nobody anything is not sent. */
	if (dst_mtu(dst) < 2 * (network + sizeof(struct icmphdr)))
		return NULL;
	size = min3(size, dst_mtu(dst),
		    (unsigned int)(network + sizeof(struct icmphdr) + skb->len));
	error = alloc_skb(reserved + size, GFP_ATOMIC | __GFP_NOWARN);
	if (!error)
		return NULL;
	skb_reserve(error, reserved + network);
	skb_dst_set(error, dst_clone(dst));
	nf_ct_set(error, NULL, IP_CT_UNTRACKED);
	rewire_icmp_fill(error, skb, message, size - network - sizeof(struct icmphdr));
	if (ipv4)
		rewire_icmp_fill_ipv4(ns, error, packet, source);
	else
		rewire_icmp_fill_ipv6(error, packet, source);
	return error;
}

/* Return: whether the error is under way. */
static bool rewire_icmp_answer(struct rewire_net *ns, struct sk_buff *skb,
			       const struct rewire_packet *packet,
			       const struct rewire_icmp_message *message)
{
	struct sk_buff *error = NULL;
	struct in6_addr source;
	struct dst_entry *dst;

	/* The sender left its checksum to a device; quoted, it has to be finished. */
	if (skb->ip_summed == CHECKSUM_PARTIAL && !skb_is_gso(skb) &&
	    skb_csum_hwoffload_help(skb, 0))
		return false;
	dst = rewire_icmp_route(ns, packet);
	if (!dst)
		return false;
	if (rewire_icmp_source(ns, packet, dst, &source))
		error = rewire_icmp_make(ns, skb, packet, message, dst, &source);
	dst_release(dst);
	return error && rewire_transmit(ns->net, NULL, error) >= 0;
}

/* Senders behind tunnels are not told: a route does not lead back there. */
static void rewire_icmp_send(struct rewire_net *ns, struct sk_buff *skb,
			     const struct rewire_packet *packet,
			     const struct rewire_icmp_message *message)
{
	struct rewire_attach *attach = rewire_attach_find(ns, packet->ifindex);
	u64 now;

	if (!attach || !rewire_icmp_may_answer(ns, skb, packet))
		return;
	if (attach->tunnel) {
		this_cpu_inc(ns->stats->icmp_unsent);
		return;
	}
	now = ktime_get_coarse_ns();
	if (!rewire_icmp_token(&attach->icmp_full, now, REWIRE_ICMP_DEVICE_RATE,
			       REWIRE_ICMP_DEVICE_BURST) ||
	    !rewire_icmp_token(&ns->icmp_full, now, REWIRE_ICMP_RATE, REWIRE_ICMP_BURST))
		this_cpu_inc(ns->stats->icmp_limited);
	else if (rewire_icmp_answer(ns, skb, packet, message))
		this_cpu_inc(ns->stats->icmp_sent);
	else
		this_cpu_inc(ns->stats->icmp_unsent);
}

/**
 * rewire_icmp_too_big() - tell a packet's sender that it does not fit its way
 * @ns: the namespace
 * @skb: the packet, not yet translated; the caller drops it
 * @packet: what the parser says of it
 * @mtu: what would fit
 *
 * Context: RCU read side, bottom halves disabled.
 */
void rewire_icmp_too_big(struct rewire_net *ns, struct sk_buff *skb,
			 const struct rewire_packet *packet, unsigned int mtu)
{
	struct rewire_icmp_message message = {
		.type = ICMPV6_PKT_TOOBIG,
		.info = max_t(unsigned int, mtu, IPV6_MIN_MTU),
	};

	if (rewire_key_is_ipv4(&packet->key)) {
		message.type = ICMP_DEST_UNREACH;
		message.code = ICMP_FRAG_NEEDED;
		message.info = min_t(unsigned int, mtu, U16_MAX);
	}
	rewire_icmp_send(ns, skb, packet, &message);
}

/* Likewise, that it has no hops left. */
void rewire_icmp_time_exceeded(struct rewire_net *ns, struct sk_buff *skb,
			       const struct rewire_packet *packet)
{
	const struct rewire_icmp_message message = {
		.type = rewire_key_is_ipv4(&packet->key) ? ICMP_TIME_EXCEEDED :
							   ICMPV6_TIME_EXCEED,
	};

	rewire_icmp_send(ns, skb, packet, &message);
}

static void rewire_icmp_unreachable(struct rewire_net *ns, struct sk_buff *skb,
				    const struct rewire_packet *packet, u8 code, u8 code_ipv6)
{
	bool ipv4 = rewire_key_is_ipv4(&packet->key);
	const struct rewire_icmp_message message = {
		.type = ipv4 ? ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH,
		.code = ipv4 ? code : code_ipv6,
	};

	rewire_icmp_send(ns, skb, packet, &message);
}

/* Likewise, that it is administratively prohibited (RFC 1812 5.2.7.1, RFC 4443 3.1). */
void rewire_icmp_prohibited(struct rewire_net *ns, struct sk_buff *skb,
			    const struct rewire_packet *packet)
{
	rewire_icmp_unreachable(ns, skb, packet, ICMP_PKT_FILTERED, ICMPV6_ADM_PROHIBITED);
}

/* Likewise, that it has no route (the same); error: of rewire_route(). */
void rewire_icmp_no_route(struct rewire_net *ns, struct sk_buff *skb,
			  const struct rewire_packet *packet, int error)
{
	switch (error) {
	case -EACCES:
		rewire_icmp_prohibited(ns, skb, packet);
		break;
	case -ENETUNREACH:
	case -EHOSTUNREACH:
		rewire_icmp_unreachable(ns, skb, packet, ICMP_NET_UNREACH, ICMPV6_NOROUTE);
		break;
	}
}

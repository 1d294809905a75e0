// SPDX-License-Identifier: GPL-2.0
/*
 * Rewriting of headers. What a rewrite adds to the checksums is the same for
 * every packet of a direction, so it is computed once (RFC 1624).
 */
#include <linux/icmp.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>

#include "flow.h"
#include "output.h"
#include "packet.h"

/* Folded to 16 bits, but unlike csum_fold() not complemented. */
static __be16 rewire_fold(__wsum sum)
{
	return (__force __be16)~csum_fold(sum);
}

static __wsum rewire_sum_addresses(const struct in6_addr *src,
				   const struct in6_addr *dst)
{
	return csum_partial(src, sizeof(*src), csum_partial(dst, sizeof(*dst), 0));
}

static __wsum rewire_sum_ports(__be16 sport, __be16 dport)
{
	return (__force __wsum)((__force u32)sport + (__force u32)dport);
}

static void rewire_prepare_direction(struct rewire_tuple *tuple,
				     const struct rewire_key *inverse)
{
	const struct rewire_key *key = &tuple->key;
	__wsum addresses, ports;

	addresses = csum_sub(rewire_sum_addresses(&inverse->dst, &inverse->src),
			     rewire_sum_addresses(&key->src, &key->dst));
	ports = csum_sub(rewire_sum_ports(inverse->dport, inverse->sport),
			 rewire_sum_ports(key->sport, key->dport));
	tuple->address_delta = rewire_fold(addresses);
	tuple->port_delta = rewire_fold(ports);
}

/* Compute the checksum deltas of a new flow. */
void rewire_transform_prepare(struct rewire_flow *flow)
{
	struct rewire_tuple *orig = &flow->tuple[REWIRE_ORIG];
	struct rewire_tuple *reply = &flow->tuple[REWIRE_REPLY];

	rewire_prepare_direction(orig, &reply->key);
	rewire_prepare_direction(reply, &orig->key);
}

static void rewire_add_delta(__sum16 *check, __be16 delta)
{
	*check = ~csum16_add(~*check, delta);
}

/*
 * Whether the checksum of the header at this offset is still to be finished, and not
 * that of a packet inside of it.
 */
static bool rewire_check_is_partial(const struct sk_buff *skb, unsigned int transport)
{
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return false;
	return skb_checksum_start_offset(skb) == transport ||
	       (skb_is_gso(skb) && (skb_shinfo(skb)->gso_type & SKB_GSO_UDP_TUNNEL_CSUM));
}

/*
 * A checksum that the device or the stack still has to finish covers, so far,
 * the pseudo header alone, and is not complemented.
 */
static void rewire_update_check(__sum16 *check, const struct rewire_tuple *tuple,
				bool pseudo, bool partial)
{
	if (partial) {
		if (pseudo)
			*check = csum16_add(*check, tuple->address_delta);
		return;
	}
	if (pseudo)
		rewire_add_delta(check, tuple->address_delta);
	rewire_add_delta(check, tuple->port_delta);
}

static void rewire_transform_udp(struct udphdr *udp, const struct rewire_tuple *tuple,
				 const struct rewire_key *inverse, bool partial)
{
	/* Zero: the sender computed none (RFC 768). */
	if (udp->check) {
		rewire_update_check(&udp->check, tuple, true, partial);
		if (!udp->check)
			udp->check = CSUM_MANGLED_0;
	}
	udp->source = inverse->dport;
	udp->dest = inverse->sport;
}

static void rewire_transform_transport(void *header, const struct rewire_tuple *tuple,
				       const struct rewire_key *inverse, bool partial)
{
	struct icmphdr *icmp;
	struct tcphdr *tcp;

	switch (rewire_key_protocol(&tuple->key)) {
	case IPPROTO_TCP:
		tcp = header;
		rewire_update_check(&tcp->check, tuple, true, partial);
		tcp->source = inverse->dport;
		tcp->dest = inverse->sport;
		break;
	case IPPROTO_UDP:
		rewire_transform_udp(header, tuple, inverse, partial);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		icmp = header;
		rewire_update_check(&icmp->checksum, tuple,
				    rewire_key_protocol(&tuple->key) == IPPROTO_ICMPV6,
				    partial);
		/* Of the two, one is the identifier and the other is 0. */
		icmp->un.echo.id = inverse->dport | inverse->sport;
		break;
	}
}

/**
 * rewire_transform() - rewrite a packet's addresses, ports and checksums
 * @skb: the packet; writable up to packet->header
 * @packet: what the parser says of it
 * @flow: its flow
 * @direction: its direction
 */
void rewire_transform(struct sk_buff *skb, const struct rewire_packet *packet,
		      const struct rewire_flow *flow,
		      enum rewire_direction direction)
{
	const struct rewire_tuple *tuple = &flow->tuple[direction];
	const struct rewire_key *inverse = &flow->tuple[!direction].key;

	if (rewire_key_is_ipv4(&tuple->key)) {
		struct iphdr *ip = (struct iphdr *)skb->data;

		ip->saddr = inverse->dst.s6_addr32[3];
		ip->daddr = inverse->src.s6_addr32[3];
		rewire_add_delta(&ip->check, tuple->address_delta);
	} else {
		struct ipv6hdr *ip = (struct ipv6hdr *)skb->data;

		ip->saddr = inverse->dst;
		ip->daddr = inverse->src;
	}
	rewire_transform_transport(skb->data + packet->transport, tuple, inverse,
				   rewire_check_is_partial(skb, packet->transport));

	/* A sum over the whole packet would have to follow every change. */
	if (skb->ip_summed == CHECKSUM_COMPLETE)
		skb->ip_summed = CHECKSUM_NONE;
	skb_clear_hash(skb);
}

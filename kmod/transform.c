// SPDX-License-Identifier: GPL-2.0
/*
 * Rewriting of headers. What a rewrite adds to the checksums is the same for
 * every packet of a direction, so it is computed once (RFC 1624).
 */
#include <linux/icmp.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/sctp.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>

#include "flow.h"
#include "output.h"
#include "packet.h"
#include "transport.h"

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

static void rewire_rewrite_check(const struct rewire_transport *transport,
				 const struct rewire_tuple *tuple)
{
	u8 protocol = rewire_key_protocol(&tuple->key);
	int offset = rewire_check_offset(protocol);
	__sum16 *check;

	if (offset < 0 || transport->size < offset + sizeof(*check))
		return;
	check = transport->header + offset;
	/* Zero: the sender computed none (RFC 768). */
	if (protocol == IPPROTO_UDP && !*check)
		return;
	rewire_update_check(check, tuple, protocol != IPPROTO_ICMP, transport->partial);
	if ((protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE) && !*check)
		*check = CSUM_MANGLED_0;
}

static void rewire_rewrite_sctp(const struct rewire_transport *transport, __be32 old)
{
	struct sctphdr *sctp = transport->header;

	if (transport->size < sizeof(*sctp) || transport->partial)
		return;
	sctp->checksum = rewire_sctp_check(sctp->checksum, old, *(__be32 *)sctp,
					   transport->length);
}

/**
 * rewire_transport_rewrite() - rewrite ports and checksum of a transport header
 * @transport: the header, writable
 * @tuple: the direction whose deltas the checksum gets
 * @sport: new source port, or of an echo message, like @dport, identifier or 0
 * @dport: new destination port
 *
 * A header that is cut off behind its eighth byte is rewritten as far as it goes.
 */
void rewire_transport_rewrite(const struct rewire_transport *transport,
			      const struct rewire_tuple *tuple,
			      __be16 sport, __be16 dport)
{
	u8 protocol = rewire_key_protocol(&tuple->key);
	struct udphdr *ports = transport->header;
	struct icmphdr *icmp = transport->header;
	__be32 old;

	rewire_rewrite_check(transport, tuple);
	if (rewire_protocol_is_icmp(protocol)) {
		icmp->un.echo.id = sport | dport;
	} else if (rewire_protocol_has_ports(protocol)) {
		old = *(__be32 *)ports;
		ports->source = sport;
		ports->dest = dport;
		if (protocol == IPPROTO_SCTP)
			rewire_rewrite_sctp(transport, old);
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
	const struct rewire_transport transport = {
		.header = skb->data + packet->transport,
		.size = packet->header - packet->transport,
		.length = skb->len - packet->transport,
		.partial = rewire_check_is_partial(skb, packet->transport),
	};

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
	rewire_transport_rewrite(&transport, tuple, inverse->dport, inverse->sport);

	/* A sum over the whole packet would have to follow every change. */
	if (skb->ip_summed == CHECKSUM_COMPLETE)
		skb->ip_summed = CHECKSUM_NONE;
	skb_clear_hash(skb);
}

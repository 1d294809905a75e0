// SPDX-License-Identifier: GPL-2.0
/*
 * ICMP errors about packets of flows (RFC 5508, RFC 4443).
 *
 * An error quotes the beginning of the packet that it is about, as that packet was
 * where the trouble is: translated. Reversed, what it quotes is the key of the
 * packets that go the error's own way, so it takes their direction of the flow. The
 * quote becomes what its sender had sent, and the error is addressed to that sender.
 *
 * An error changes nothing of the flow: not its state, nor its life, nor its counters.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <net/checksum.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>

#include "icmp.h"
#include "packet.h"
#include "transport.h"

/* Where a quoted transport header may be at most; no honest error comes near. */
#define REWIRE_QUOTE_MAX	4096

/* Of a transport header, what every error quotes (RFC 792). */
#define REWIRE_QUOTE_TRANSPORT	8U

/* Bytes that a quote has at least if extensions follow it (RFC 4884, 3). */
#define REWIRE_QUOTE_EXTENDED	128

/* Whether a message is an error that is to be translated. */
bool rewire_icmp_is_error(u8 protocol, u8 type)
{
	if (protocol == IPPROTO_ICMPV6)
		return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB;
	return type == ICMP_DEST_UNREACH || type == ICMP_SOURCE_QUENCH ||
	       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB;
}

/* RFC 5508 REQ-3: an error with a wrong checksum is not translated. */
static bool rewire_icmp_check_is_right(struct sk_buff *skb,
				       const struct rewire_packet *packet)
{
	unsigned int length = skb->len - packet->transport;
	const struct ipv6hdr *ip;
	__wsum sum;

	/* What is left to finish would cover the quote that is about to change. */
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		return !skb_checksum_help(skb);
	if (skb->ip_summed == CHECKSUM_UNNECESSARY)
		return true;
	sum = skb_checksum(skb, packet->transport, length, 0);
	if (rewire_key_is_ipv4(&packet->key))
		return !csum_fold(sum);
	ip = (const struct ipv6hdr *)skb->data;
	return !csum_ipv6_magic(&ip->saddr, &ip->daddr, length, IPPROTO_ICMPV6, sum);
}

/* Return: where the quote ends and extensions may follow (RFC 4884). */
static unsigned int rewire_quote_end(const struct sk_buff *skb,
				     const struct rewire_packet *packet,
				     const struct rewire_quote *quote)
{
	const u8 *icmp = skb->data + packet->transport;
	unsigned int length;

	/* In units of 32 bits, and of 64 for IPv6; 0, or what old senders leave there. */
	length = rewire_key_is_ipv4(&packet->key) ? icmp[5] * 4 : icmp[4] * 8;
	if (rewire_key_protocol(&packet->key) == IPPROTO_ICMPV6 &&
	    icmp[0] != ICMPV6_DEST_UNREACH && icmp[0] != ICMPV6_TIME_EXCEED)
		length = 0;
	if (length < REWIRE_QUOTE_EXTENDED)
		return skb->len;
	return min(skb->len, quote->offset + length);
}

/*
 * The quoted IP header, which begins before @end. Return: the transport protocol, whose
 * header the quote then knows, or -1.
 */
static int rewire_quote_ipv4(struct sk_buff *skb, struct rewire_packet *packet,
			     struct rewire_quote *quote, unsigned int end)
{
	const struct iphdr *ip;
	enum rewire_kind kind;
	unsigned int length;

	if (end < quote->offset + sizeof(*ip) ||
	    !pskb_may_pull(skb, quote->offset + sizeof(*ip)))
		return -1;
	ip = (const struct iphdr *)(skb->data + quote->offset);
	if (ip->version != 4 || ip->ihl < 5)
		return -1;
	quote->transport = quote->offset + ip->ihl * 4;
	if (end < quote->transport || !pskb_may_pull(skb, quote->transport))
		return -1;
	ip = (const struct iphdr *)(skb->data + quote->offset);
	if (ip_fast_csum(ip, ip->ihl))
		return -1;

	ipv6_addr_set_v4mapped(ip->daddr, &quote->key.src);
	ipv6_addr_set_v4mapped(ip->saddr, &quote->key.dst);
	length = ntohs(ip->tot_len);
	kind = rewire_parse_options(ip);
	if (length < ip->ihl * 4 || kind == REWIRE_KIND_MALFORMED)
		return -1;
	quote->length = length - ip->ihl * 4;
	if ((ip->frag_off & htons(IP_OFFSET)) || ip->protocol == IPPROTO_ICMPV6 ||
	    kind != REWIRE_KIND_FLOW) {
		packet->other = REWIRE_REASON_DROP_ERROR_UNSUPPORTED;
		return -1;
	}
	return ip->protocol;
}

static int rewire_quote_ipv6(struct sk_buff *skb, struct rewire_packet *packet,
			     struct rewire_quote *quote, unsigned int end)
{
	const struct ipv6hdr *ip;
	unsigned int packet_end;
	__be16 fragment;
	u8 protocol;
	int offset;

	if (end < quote->offset + sizeof(*ip) ||
	    !pskb_may_pull(skb, quote->offset + sizeof(*ip)))
		return -1;
	ip = (const struct ipv6hdr *)(skb->data + quote->offset);
	if (ip->version != 6 || ipv6_addr_v4mapped(&ip->saddr) ||
	    ipv6_addr_v4mapped(&ip->daddr))
		return -1;
	quote->key.src = ip->daddr;
	quote->key.dst = ip->saddr;
	packet_end = quote->offset + sizeof(*ip) + ntohs(ip->payload_len);
	protocol = ip->nexthdr;
	offset = ipv6_skip_exthdr(skb, quote->offset + sizeof(*ip), &protocol, &fragment);
	if (offset < 0 || offset > REWIRE_QUOTE_MAX || offset > packet_end)
		return -1;
	quote->transport = offset;
	quote->length = packet_end - offset;
	if ((fragment & htons(IP6_OFFSET)) || protocol == IPPROTO_ICMP ||
	    (offset > quote->offset + sizeof(*ip) &&
	     rewire_ipv6_is_fixed(skb, quote->offset))) {
		packet->other = REWIRE_REASON_DROP_ERROR_UNSUPPORTED;
		return -1;
	}
	return protocol;
}

/* The quoted ports, reversed. Return: whether packets like this make flows. */
static bool rewire_quote_ports(const struct sk_buff *skb, u8 protocol,
			       struct rewire_quote *quote)
{
	const void *header = skb->data + quote->transport;
	const struct icmphdr *icmp = header;
	const __be16 *ports = header;

	if (rewire_protocol_has_ports(protocol)) {
		quote->key.sport = ports[1];
		quote->key.dport = ports[0];
		return true;
	}
	if (!rewire_protocol_is_icmp(protocol))
		return !rewire_protocol_is_fixed(protocol);
	if (icmp->code)
		return false;
	if (icmp->type == (protocol == IPPROTO_ICMP ? ICMP_ECHO : ICMPV6_ECHO_REQUEST))
		quote->key.dport = icmp->un.echo.id;
	else if (icmp->type == (protocol == IPPROTO_ICMP ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY))
		quote->key.sport = icmp->un.echo.id;
	else
		return false;
	return true;
}

static unsigned int rewire_quote_needs(u8 protocol)
{
	return rewire_protocol_has_ports(protocol) || rewire_protocol_is_icmp(protocol) ?
	       REWIRE_QUOTE_TRANSPORT : 0;
}

/**
 * rewire_icmp_quote() - find out what packet an error is about
 * @skb: the error
 * @packet: what the parser says of it; its header and other are set
 * @quote: to fill
 *
 * Return: whether it quotes what can be a packet of a flow. If not, packet->other
 * says why.
 */
bool rewire_icmp_quote(struct sk_buff *skb, struct rewire_packet *packet,
		       struct rewire_quote *quote)
{
	unsigned int end;
	int protocol;

	packet->other = REWIRE_REASON_DROP_ERROR_QUOTE;
	if (skb_is_gso(skb) || !rewire_icmp_check_is_right(skb, packet))
		return false;
	memset(quote, 0, sizeof(*quote));
	quote->offset = packet->transport + sizeof(struct icmphdr);
	end = rewire_quote_end(skb, packet, quote);
	protocol = rewire_key_is_ipv4(&packet->key) ?
		   rewire_quote_ipv4(skb, packet, quote, end) :
		   rewire_quote_ipv6(skb, packet, quote, end);
	if (protocol < 0)
		return false;
	end = min(end, quote->transport + quote->length);
	if (end < quote->transport + rewire_quote_needs(protocol))
		return false;
	packet->header = min(end, (unsigned int)(quote->transport + sizeof(struct tcphdr)));
	if (!pskb_may_pull(skb, packet->header))
		return false;

	/* Errors go to whom the packet came from. */
	if (!ipv6_addr_equal(&quote->key.dst, &packet->key.dst))
		return false;
	if (!rewire_quote_ports(skb, protocol, quote)) {
		packet->other = REWIRE_REASON_DROP_ERROR_UNSUPPORTED;
		return false;
	}
	quote->key.network = rewire_key_network(rewire_key_vni(&packet->key), protocol);
	return true;
}

/* What the quote's sender had sent: a packet of the flow's other direction. */
static void rewire_transform_quote(struct sk_buff *skb, const struct rewire_packet *packet,
				   const struct rewire_tuple *tuple,
				   const struct rewire_key *inverse)
{
	const struct rewire_quote *quote = packet->quote;
	void *header = skb->data + quote->offset;
	const struct rewire_transport transport = {
		.header = skb->data + quote->transport,
		.size = packet->header - quote->transport,
		.length = quote->length,
	};

	if (rewire_key_is_ipv4(inverse)) {
		struct iphdr *ip = header;

		csum_replace4(&ip->check, ip->saddr, inverse->src.s6_addr32[3]);
		csum_replace4(&ip->check, ip->daddr, inverse->dst.s6_addr32[3]);
		ip->saddr = inverse->src.s6_addr32[3];
		ip->daddr = inverse->dst.s6_addr32[3];
	} else {
		struct ipv6hdr *ip = header;

		ip->saddr = inverse->src;
		ip->daddr = inverse->dst;
	}
	/* Both directions' packets change by the same sum, whichever end is which. */
	rewire_transport_rewrite(&transport, tuple, inverse->sport, inverse->dport);
}

/*
 * The error's own addresses. Its sender may be the end itself or a router on the way.
 * The end is known by the address that the flow gives it. So is a router where the
 * flow hides the end, because its own address means nothing to the receiver, or what
 * is none of its business (RFC 5508 REQ-5); elsewhere a router's address is kept.
 */
static void rewire_transform_error(struct sk_buff *skb, const struct rewire_tuple *tuple,
				   const struct rewire_key *inverse)
{
	const bool hides = !ipv6_addr_equal(&tuple->key.src, &inverse->dst);

	if (rewire_key_is_ipv4(inverse)) {
		struct iphdr *ip = (struct iphdr *)skb->data;
		__be32 source = hides ? inverse->dst.s6_addr32[3] : ip->saddr;

		csum_replace4(&ip->check, ip->saddr, source);
		csum_replace4(&ip->check, ip->daddr, inverse->src.s6_addr32[3]);
		ip->saddr = source;
		ip->daddr = inverse->src.s6_addr32[3];
	} else {
		struct ipv6hdr *ip = (struct ipv6hdr *)skb->data;

		if (hides)
			ip->saddr = inverse->dst;
		ip->daddr = inverse->src;
	}
}

/* What of the error the checksum in its header covers and rewriting changes. */
static __wsum rewire_error_sum(const struct sk_buff *skb, const struct rewire_packet *packet)
{
	const unsigned int offset = packet->quote->offset;
	__wsum sum = csum_partial(skb->data + offset, packet->header - offset, 0);

	if (!rewire_key_is_ipv4(&packet->key))
		sum = csum_partial(&((const struct ipv6hdr *)skb->data)->saddr,
				   2 * sizeof(struct in6_addr), sum);
	return sum;
}

/**
 * rewire_icmp_transform() - rewrite an error, and the packet that it quotes
 * @skb: the error; writable up to packet->header
 * @packet: what the parser says of it
 * @flow: the flow that the quoted packet is of
 * @direction: the direction that the error goes
 */
void rewire_icmp_transform(struct sk_buff *skb, const struct rewire_packet *packet,
			   const struct rewire_flow *flow,
			   enum rewire_direction direction)
{
	const struct rewire_tuple *tuple = &flow->tuple[direction];
	const struct rewire_key *inverse = &flow->tuple[!direction].key;
	struct icmphdr *icmp = (struct icmphdr *)(skb->data + packet->transport);
	__wsum sum;

	sum = csum_sub(~csum_unfold(icmp->checksum), rewire_error_sum(skb, packet));
	rewire_transform_quote(skb, packet, tuple, inverse);
	rewire_transform_error(skb, tuple, inverse);
	icmp->checksum = csum_fold(csum_add(sum, rewire_error_sum(skb, packet)));

	if (skb->ip_summed == CHECKSUM_COMPLETE)
		skb->ip_summed = CHECKSUM_NONE;
	skb_clear_hash(skb);
}

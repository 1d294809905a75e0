// SPDX-License-Identifier: GPL-2.0
/*
 * Headers: each attribute has a small number for what it says. 0 is what hosts are
 * expected to send with a flow's first packet; the others are legal, too.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/jhash.h>
#include <linux/log2.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/tcp.h>

#include "header.h"

/* Hosts begin with 64, 128 or 255; nobody is 32 hops away. */
static u8 rewire_header_hops(u8 hops)
{
	u8 below = hops <= 64 ? 64 - hops : hops <= 128 ? 128 - hops : 255 - hops;

	return below < 32 ? 0 : 1 + (hops >> 5);
}

/* Class selectors and assured forwarding by their precedence (RFC 2474, RFC 2597). */
static u8 rewire_header_dscp(u8 tos)
{
	return tos >> 2 ? 1 + (tos >> 5) : 0;
}

static void rewire_header_ipv4(const struct iphdr *ip, u8 *values)
{
	const u8 *option = (const u8 *)(ip + 1);

	values[REWIRE_SUSPICION_ATTRIBUTE_HOPS] = rewire_header_hops(ip->ttl);
	values[REWIRE_SUSPICION_ATTRIBUTE_DSCP] = rewire_header_dscp(ip->tos);
	values[REWIRE_SUSPICION_ATTRIBUTE_ECN] = ip->tos & INET_ECN_MASK;
	if (!ip->id && !(ip->frag_off & htons(IP_DF)))
		values[REWIRE_SUSPICION_ATTRIBUTE_IDENTIFICATION] = 1;
	if (ip->frag_off & htons(IP_CE))	/* reserved, must be 0 (RFC 791) */
		values[REWIRE_SUSPICION_ATTRIBUTE_RESERVED] = 1;
	if (ip->ihl > 5)
		values[REWIRE_SUSPICION_ATTRIBUTE_IP_OPTIONS] = 1 + (IPOPT_NUMBER(*option) & 7);
}

static void rewire_header_ipv6(const struct ipv6hdr *ip, const struct rewire_packet *packet,
			       u8 *values)
{
	u8 class = ipv6_get_dsfield(ip);

	values[REWIRE_SUSPICION_ATTRIBUTE_HOPS] = rewire_header_hops(ip->hop_limit);
	values[REWIRE_SUSPICION_ATTRIBUTE_DSCP] = rewire_header_dscp(class);
	values[REWIRE_SUSPICION_ATTRIBUTE_ECN] = class & INET_ECN_MASK;
	if (packet->transport > sizeof(*ip))
		values[REWIRE_SUSPICION_ATTRIBUTE_IP_OPTIONS] = 9 + ip->nexthdr % 7;
}

static u8 rewire_header_port(__be16 port)
{
	if (!port)
		return 1;
	return ntohs(port) < 1024 ? 2 : 0;
}

static u8 rewire_header_mss(unsigned int mss)
{
	if (mss < TCP_MIN_MSS)
		return 2;
	if (mss < 536)
		return 3;
	if (mss == 536)
		return 4;
	if (mss < 1200)
		return 5;
	return mss <= 1460 ? 0 : mss <= 8960 ? 6 : 7;
}

/*
 * Which options come in which order, 4 bits for each kind, and 0xf for one above 14. How
 * the usual hosts order theirs is known.
 */
static u8 rewire_header_order(u64 order)
{
	static const u64 expected[] = {
		0x24813,	/* Linux: MSS, SACK, timestamps, NOP, window scale */
		0x213114,	/* Windows: MSS, NOP, window scale, NOP, NOP, SACK */
		0x21311840,	/* macOS: MSS, NOP, window scale, NOP, NOP, timestamps, SACK, end */
		0x21348,	/* FreeBSD: MSS, NOP, window scale, SACK, timestamps */
		0x2,		/* small hosts: MSS */
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		if (order == expected[i])
			return 0;
	}
	return 1 + jhash_2words(order, order >> 32, 0) % 15;
}

/* Options of a TCP header: their order, and the greatest segment's size. */
static void rewire_header_options(const u8 *option, const u8 *end, u8 *values)
{
	unsigned int mss = 0, length;
	u64 order = 0;

	while (option < end) {
		order = order << 4 | min_t(u8, *option, 0xf);
		if (*option == TCPOPT_EOL)
			break;
		length = *option == TCPOPT_NOP ? 1 : end - option > 1 ? option[1] : 0;
		if (!length || length > end - option)
			break;
		if (*option == TCPOPT_MSS && length == TCPOLEN_MSS)
			mss = get_unaligned_be16(option + 2);
		if (length < 2 && *option != TCPOPT_NOP)
			break;
		option += length;
	}
	values[REWIRE_SUSPICION_ATTRIBUTE_MSS] = mss ? rewire_header_mss(mss) : 1;
	values[REWIRE_SUSPICION_ATTRIBUTE_OPTIONS] = rewire_header_order(order);
}

/* SYN alone, or with the flags that ask for ECN (RFC 3168). */
static u8 rewire_header_flags(u8 flags)
{
	switch (flags & ~(TCPHDR_ECE | TCPHDR_CWR)) {
	case TCPHDR_SYN:
		return 0;
	case TCPHDR_ACK:
	case TCPHDR_ACK | TCPHDR_PSH:
		return 1;	/* a connection that was there before us */
	case TCPHDR_SYN | TCPHDR_ACK:
		return 2;
	default:
		return flags & TCPHDR_RST ? 3 : flags & TCPHDR_FIN ? 4 : flags & TCPHDR_SYN ? 5 : 6;
	}
}

static void rewire_header_tcp(const struct sk_buff *skb, const struct rewire_packet *packet,
			      u8 *values)
{
	u8 buffer[60];		/* as long as one may be */
	const struct tcphdr *tcp;
	unsigned int length, window;

	tcp = skb_header_pointer(skb, packet->transport, sizeof(*tcp), buffer);
	if (!tcp)
		return;
	length = tcp->doff * 4;
	tcp = skb_header_pointer(skb, packet->transport, length, buffer);
	if (!tcp)
		return;
	window = ntohs(tcp->window);
	values[REWIRE_SUSPICION_ATTRIBUTE_PORT] = rewire_header_port(tcp->source);
	values[REWIRE_SUSPICION_ATTRIBUTE_FLAGS] = rewire_header_flags(packet->segment.flags);
	if (tcp->res1)
		values[REWIRE_SUSPICION_ATTRIBUTE_RESERVED] = 2 + tcp->res1 % 14;
	if (!tcp->syn)
		return;
	if (window < 4096)
		values[REWIRE_SUSPICION_ATTRIBUTE_WINDOW] = window ? 2 + ilog2(window) : 1;
	if (skb->len > packet->transport + length)
		values[REWIRE_SUSPICION_ATTRIBUTE_PAYLOAD] = 1;
	rewire_header_options((const u8 *)(tcp + 1), (const u8 *)tcp + length, values);
}

static void rewire_header_udp(const struct sk_buff *skb, const struct rewire_packet *packet,
			      u8 *values)
{
	unsigned int length = skb->len - packet->transport - sizeof(struct udphdr);
	u8 class = 0;

	if (length < 8)
		class = 1 + length;
	else if (length > 1472)
		class = 9;
	values[REWIRE_SUSPICION_ATTRIBUTE_PORT] = rewire_header_port(packet->key.sport);
	values[REWIRE_SUSPICION_ATTRIBUTE_LENGTH] = class;
}

/**
 * rewire_header_values() - what is unexpected in a packet's headers
 * @skb: the packet, its data begins at the network header
 * @packet: what the parser says of it
 * @values: out: by enum rewire_suspicion_attribute; zeroed by the caller
 */
void rewire_header_values(const struct sk_buff *skb, const struct rewire_packet *packet,
			  u8 *values)
{
	if (skb->protocol == htons(ETH_P_IP))
		rewire_header_ipv4((const struct iphdr *)skb->data, values);
	else
		rewire_header_ipv6((const struct ipv6hdr *)skb->data, packet, values);
	switch (rewire_key_protocol(&packet->key)) {
	case IPPROTO_TCP:
		rewire_header_tcp(skb, packet, values);
		break;
	case IPPROTO_UDP:
		rewire_header_udp(skb, packet, values);
		break;
	}
}

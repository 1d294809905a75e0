// SPDX-License-Identifier: GPL-2.0
/* Packets that are looked at, and never sent: made of what a question says. */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/sctp.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip.h>

#include "attach.h"
#include "explain.h"
#include "transport.h"

/* Words of the shortest DCCP header (RFC 4340, 5.1). */
#define REWIRE_DCCP_WORDS	3

static unsigned int rewire_question_transport(u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return sizeof(struct tcphdr);
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return sizeof(struct udphdr);
	case IPPROTO_SCTP:
		return sizeof(struct sctphdr);
	case IPPROTO_DCCP:
		return REWIRE_DCCP_WORDS * 4;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return sizeof(struct icmphdr);
	default:
		return 0;
	}
}

static void rewire_question_ip(struct sk_buff *skb, const struct rewire_question *question,
			       unsigned int length)
{
	const struct rewire_key *key = &question->key;
	struct ipv6hdr *ip6 = (struct ipv6hdr *)skb->data;
	struct iphdr *ip = (struct iphdr *)skb->data;

	if (!rewire_key_is_ipv4(key)) {
		ip6->version = 6;
		ip6->payload_len = htons(length - sizeof(*ip6));
		ip6->nexthdr = rewire_key_protocol(key);
		ip6->hop_limit = question->hop_limit;
		ip6->saddr = key->src;
		ip6->daddr = key->dst;
		skb->protocol = htons(ETH_P_IPV6);
		return;
	}
	ip->version = 4;
	ip->ihl = sizeof(*ip) / 4;
	ip->tot_len = htons(length);
	ip->ttl = question->hop_limit;
	ip->protocol = rewire_key_protocol(key);
	ip->frag_off = question->dont_fragment ? htons(IP_DF) : 0;
	ip->saddr = key->src.s6_addr32[3];
	ip->daddr = key->dst.s6_addr32[3];
	ip->check = ip_fast_csum(ip, ip->ihl);
	skb->protocol = htons(ETH_P_IP);
}

/* An identifier as source port is that of a request, as destination port of a reply. */
static void rewire_question_echo(struct icmphdr *icmp, const struct rewire_key *key)
{
	bool reply = key->dport && !key->sport;

	if (rewire_key_is_ipv4(key))
		icmp->type = reply ? ICMP_ECHOREPLY : ICMP_ECHO;
	else
		icmp->type = reply ? ICMPV6_ECHO_REPLY : ICMPV6_ECHO_REQUEST;
	icmp->un.echo.id = reply ? key->dport : key->sport;
}

static void rewire_question_header(void *header, const struct rewire_question *question,
				   unsigned int length)
{
	const struct rewire_key *key = &question->key;
	struct tcphdr *tcp = header;
	struct udphdr *udp = header;	/* ports come first in any header that has them */
	u8 *bytes = header;

	if (rewire_protocol_is_icmp(rewire_key_protocol(key))) {
		rewire_question_echo(header, key);
		return;
	}
	if (!rewire_protocol_has_ports(rewire_key_protocol(key)))
		return;
	udp->source = key->sport;
	udp->dest = key->dport;
	switch (rewire_key_protocol(key)) {
	case IPPROTO_TCP:
		tcp->doff = sizeof(*tcp) / 4;
		bytes[13] = question->tcp_flags;
		break;
	case IPPROTO_UDP:
		udp->len = htons(length);
		break;
	case IPPROTO_UDPLITE:
		udp->check = CSUM_MANGLED_0;	/* its checksum is never left out */
		break;
	case IPPROTO_DCCP:
		bytes[4] = REWIRE_DCCP_WORDS;
		break;
	}
}

/**
 * rewire_question_packet() - a packet as a question describes it
 * @question: the question
 *
 * Return: the packet, or NULL: no memory. -EMSGSIZE: its headers are longer than it.
 */
struct sk_buff *rewire_question_packet(const struct rewire_question *question)
{
	bool ipv4 = rewire_key_is_ipv4(&question->key);
	unsigned int header = ipv4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	unsigned int least = header +
			     rewire_question_transport(rewire_key_protocol(&question->key));
	unsigned int length = question->length ?: least;
	struct sk_buff *skb;

	if (length < least)
		return ERR_PTR(-EMSGSIZE);
	skb = alloc_skb(length, GFP_KERNEL);
	if (!skb)
		return NULL;
	memset(skb_put(skb, length), 0, length);
	skb_reset_mac_header(skb);
	skb_reset_network_header(skb);
	rewire_question_ip(skb, question, length);
	rewire_question_header(skb->data + header, question, length - header);
	return skb;
}

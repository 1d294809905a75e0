// SPDX-License-Identifier: GPL-2.0
/*
 * Senders are told that there will be no flow: by a TCP reset in the name of whom they
 * sent to, or by an ICMP error.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ip6_route.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/tcp.h>

#include "attach.h"
#include "icmp.h"
#include "namespace.h"
#include "output.h"
#include "packet.h"
#include "reject.h"

/* RFC 9293, 3.5.2: as if there were no connection. */
static void rewire_reset_fill(struct tcphdr *tcp, const struct rewire_packet *packet)
{
	const struct rewire_segment *segment = &packet->segment;

	memset(tcp, 0, sizeof(*tcp));
	tcp->source = packet->key.dport;
	tcp->dest = packet->key.sport;
	tcp->doff = sizeof(*tcp) / 4;
	tcp->rst = 1;
	if (segment->flags & REWIRE_TCP_ACK) {
		tcp->seq = htonl(segment->ack);
	} else {
		tcp->ack = 1;
		tcp->ack_seq = htonl(segment->seq + segment->length);
	}
}

static void rewire_reset_fill_ipv4(struct rewire_net *ns, struct sk_buff *reset,
				   const struct rewire_packet *packet)
{
	struct iphdr *ip = skb_push(reset, sizeof(*ip));
	struct tcphdr *tcp = (struct tcphdr *)(ip + 1);

	skb_reset_network_header(reset);
	reset->protocol = htons(ETH_P_IP);
	memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = sizeof(*ip) / 4;
	ip->tot_len = htons(reset->len);
	ip->frag_off = htons(IP_DF);
	ip->ttl = ip4_dst_hoplimit(skb_dst(reset));
	ip->protocol = IPPROTO_TCP;
	ip->saddr = packet->key.dst.s6_addr32[3];
	ip->daddr = packet->key.src.s6_addr32[3];
	ip_send_check(ip);
	tcp->check = tcp_v4_check(sizeof(*tcp), ip->saddr, ip->daddr,
				  csum_partial(tcp, sizeof(*tcp), 0));
}

static void rewire_reset_fill_ipv6(struct sk_buff *reset, const struct rewire_packet *packet)
{
	struct ipv6hdr *ip = skb_push(reset, sizeof(*ip));
	struct tcphdr *tcp = (struct tcphdr *)(ip + 1);

	skb_reset_network_header(reset);
	reset->protocol = htons(ETH_P_IPV6);
	ip6_flow_hdr(ip, 0, 0);
	ip->payload_len = htons(sizeof(*tcp));
	ip->nexthdr = IPPROTO_TCP;
	ip->hop_limit = ip6_dst_hoplimit(skb_dst(reset));
	ip->saddr = packet->key.dst;
	ip->daddr = packet->key.src;
	tcp->check = csum_ipv6_magic(&ip->saddr, &ip->daddr, sizeof(*tcp), IPPROTO_TCP,
				     csum_partial(tcp, sizeof(*tcp), 0));
}

/* By the device that the segment came in by. Senders behind tunnels are not told. */
static void rewire_reset_send(struct rewire_net *ns, const struct rewire_packet *packet)
{
	struct rewire_attach *attach = rewire_attach_find(ns, packet->ifindex);
	bool ipv4 = rewire_key_is_ipv4(&packet->key);
	struct dst_entry *dst;
	struct sk_buff *reset;
	unsigned int headers;

	if (!attach || attach->tunnel || packet->mute)
		return;
	dst = rewire_icmp_route(ns, packet);
	if (!dst)
		return;
	headers = LL_RESERVED_SPACE(dst_dev_rcu(dst)) +
		  (ipv4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	reset = alloc_skb(headers + sizeof(struct tcphdr), GFP_ATOMIC | __GFP_NOWARN);
	if (!reset) {
		dst_release(dst);
		return;
	}
	skb_reserve(reset, headers);
	skb_dst_set(reset, dst);
	nf_ct_set(reset, NULL, IP_CT_UNTRACKED);
	rewire_reset_fill(skb_put(reset, sizeof(struct tcphdr)), packet);
	if (ipv4)
		rewire_reset_fill_ipv4(ns, reset, packet);
	else
		rewire_reset_fill_ipv6(reset, packet);
	rewire_transmit(ns->net, NULL, reset);
}

/**
 * rewire_reject() - tell a packet's sender that it will not be translated
 * @ns: the namespace
 * @skb: the packet, as it came in; the caller drops it
 * @vni: of the network that it came from
 * @ifindex: the device that it came in by, or REWIRE_IFINDEX_LOCAL
 * @how: what to tell
 *
 * Nobody answers a reset, or an ICMP error.
 * Context: RCU read side, bottom halves disabled.
 */
void rewire_reject(struct rewire_net *ns, struct sk_buff *skb, u32 vni, int ifindex,
		   enum rewire_reject how)
{
	struct rewire_packet packet;

	if (rewire_packet_parse(skb, vni, ifindex, &packet) != REWIRE_KIND_FLOW)
		return;
	if (how == REWIRE_REJECT_RESET && rewire_key_protocol(&packet.key) == IPPROTO_TCP) {
		if (!(packet.segment.flags & REWIRE_TCP_RST))
			rewire_reset_send(ns, &packet);
		return;
	}
	rewire_icmp_prohibited(ns, skb, &packet);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The way of a packet: parse, look its flow up, and do what the flow says; on a
 * miss, what the rules say.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "attach.h"
#include "flow.h"
#include "hold.h"
#include "namespace.h"
#include "output.h"
#include "packet.h"
#include "punt.h"
#include "rule.h"
#include "target.h"

/* Times that a key is looked up again because its entry has just changed. */
#define REWIRE_LOOKUPS	8

/* Bytes of headers before the transport header; no honest packet comes near. */
#define REWIRE_HEADERS_MAX	2048

/* Offset of the flags in a TCP header (RFC 9293, 3.1). */
#define REWIRE_TCP_FLAGS	13

static enum rewire_kind rewire_parse_tcp(struct sk_buff *skb,
					 struct rewire_packet *packet)
{
	const struct tcphdr *tcp;

	if (!pskb_may_pull(skb, packet->transport + sizeof(*tcp)))
		return REWIRE_KIND_MALFORMED;
	tcp = (const struct tcphdr *)(skb->data + packet->transport);
	if (tcp->doff * 4 < sizeof(*tcp) ||
	    packet->transport + tcp->doff * 4 > skb->len)
		return REWIRE_KIND_MALFORMED;

	packet->key.sport = tcp->source;
	packet->key.dport = tcp->dest;
	packet->tcp_flags = ((const u8 *)tcp)[REWIRE_TCP_FLAGS];
	packet->header = packet->transport + sizeof(*tcp);
	return REWIRE_KIND_FLOW;
}

static enum rewire_kind rewire_parse_udp(struct sk_buff *skb,
					 struct rewire_packet *packet)
{
	const struct udphdr *udp;
	unsigned int length;

	if (!pskb_may_pull(skb, packet->transport + sizeof(*udp)))
		return REWIRE_KIND_MALFORMED;
	udp = (const struct udphdr *)(skb->data + packet->transport);
	length = ntohs(udp->len);
	/* A super-packet's length may not fit the field (RFC 2675). */
	if ((length < sizeof(*udp) || packet->transport + length > skb->len) &&
	    !skb_is_gso(skb))
		return REWIRE_KIND_MALFORMED;

	packet->key.sport = udp->source;
	packet->key.dport = udp->dest;
	packet->header = packet->transport + sizeof(*udp);
	return REWIRE_KIND_FLOW;
}

/* ICMP and ICMPv6 echo messages have the same layout (RFC 792, RFC 4443). */
static enum rewire_kind rewire_parse_icmp(struct sk_buff *skb, u8 request, u8 reply,
					  struct rewire_packet *packet)
{
	const struct icmphdr *icmp;

	if (!pskb_may_pull(skb, packet->transport + sizeof(*icmp)))
		return REWIRE_KIND_MALFORMED;
	icmp = (const struct icmphdr *)(skb->data + packet->transport);
	packet->header = packet->transport + sizeof(*icmp);

	if (icmp->type == request && !icmp->code)
		packet->key.sport = icmp->un.echo.id;
	else if (icmp->type == reply && !icmp->code)
		packet->key.dport = icmp->un.echo.id;
	else
		return REWIRE_KIND_OTHER;
	return REWIRE_KIND_FLOW;
}

/* Group membership and neighbour discovery stay on their link. */
static bool rewire_icmpv6_is_link_local(struct sk_buff *skb, unsigned int offset)
{
	const struct icmp6hdr *icmp;

	if (!pskb_may_pull(skb, offset + sizeof(*icmp)))
		return false;
	icmp = (const struct icmp6hdr *)(skb->data + offset);
	return (icmp->icmp6_type >= ICMPV6_MGM_QUERY &&
		icmp->icmp6_type <= NDISC_REDIRECT) ||
	       icmp->icmp6_type == ICMPV6_MLD2_REPORT;
}

static enum rewire_kind rewire_parse_transport(struct sk_buff *skb, u8 protocol,
					       struct rewire_packet *packet)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return rewire_parse_tcp(skb, packet);
	case IPPROTO_UDP:
		return rewire_parse_udp(skb, packet);
	case IPPROTO_ICMP:
		return rewire_parse_icmp(skb, ICMP_ECHO, ICMP_ECHOREPLY, packet);
	case IPPROTO_ICMPV6:
		return rewire_parse_icmp(skb, ICMPV6_ECHO_REQUEST,
					 ICMPV6_ECHO_REPLY, packet);
	default:
		return REWIRE_KIND_OTHER;
	}
}

/* Whether the packet has been told a way, and its destination is but a stop on it. */
static bool rewire_is_source_routed(const struct iphdr *ip)
{
	const u8 *option = (const u8 *)(ip + 1);
	const u8 *end = (const u8 *)ip + ip->ihl * 4;

	while (option < end && *option != IPOPT_END) {
		if (*option == IPOPT_NOOP) {
			option++;
			continue;
		}
		if (end - option < 2 || option[1] < 2 || option[1] > end - option)
			return false;
		if (*option == IPOPT_LSRR || *option == IPOPT_SSRR)
			return true;
		option += option[1];
	}
	return false;
}

static enum rewire_kind rewire_parse_ipv4(struct sk_buff *skb, u32 vni,
					  struct rewire_packet *packet)
{
	const struct iphdr *ip;
	unsigned int length;

	if (!pskb_may_pull(skb, sizeof(*ip)))
		return REWIRE_KIND_MALFORMED;
	ip = (const struct iphdr *)skb->data;
	if (ip->version != 4 || ip->ihl < 5)
		return REWIRE_KIND_MALFORMED;
	packet->transport = ip->ihl * 4;
	if (!pskb_may_pull(skb, packet->transport))
		return REWIRE_KIND_MALFORMED;
	ip = (const struct iphdr *)skb->data;
	if (ip_fast_csum(ip, ip->ihl))
		return REWIRE_KIND_MALFORMED;

	length = ntohs(ip->tot_len);
	if (!length && skb_is_gso(skb))
		length = skb->len;
	if (length < packet->transport || length > skb->len)
		return REWIRE_KIND_MALFORMED;
	if (ipv4_is_multicast(ip->daddr) || ipv4_is_lbcast(ip->daddr) ||
	    ipv4_is_zeronet(ip->saddr))
		return REWIRE_KIND_FOREIGN;
	if (pskb_trim_rcsum(skb, length))
		return REWIRE_KIND_MALFORMED;

	ip = (const struct iphdr *)skb->data;
	ipv6_addr_set_v4mapped(ip->saddr, &packet->key.src);
	ipv6_addr_set_v4mapped(ip->daddr, &packet->key.dst);
	packet->key.network = rewire_key_network(vni, ip->protocol);
	if (ip_is_fragment(ip)) {
		packet->other = REWIRE_REASON_DROP_FRAGMENT;
		return REWIRE_KIND_OTHER;
	}
	if (ip->protocol == IPPROTO_ICMPV6 || rewire_is_source_routed(ip))
		return REWIRE_KIND_OTHER;
	return rewire_parse_transport(skb, ip->protocol, packet);
}

static bool rewire_ipv6_is_link_local(const struct ipv6hdr *ip)
{
	return ipv6_addr_is_multicast(&ip->daddr) ||
	       ipv6_addr_any(&ip->saddr) ||
	       (ipv6_addr_type(&ip->daddr) & IPV6_ADDR_LINKLOCAL) ||
	       (ipv6_addr_type(&ip->saddr) & IPV6_ADDR_LINKLOCAL);
}

/* A routing header that is not yet used up: the checksum is of the last stop. */
static bool rewire_is_segment_routed(struct sk_buff *skb)
{
	int flags = IP6_FH_F_SKIP_RH;
	unsigned int offset = 0;

	return ipv6_find_hdr(skb, &offset, NEXTHDR_ROUTING, NULL, &flags) == NEXTHDR_ROUTING;
}

static enum rewire_kind rewire_parse_ipv6(struct sk_buff *skb, u32 vni,
					  struct rewire_packet *packet)
{
	const struct ipv6hdr *ip;
	unsigned int length;
	__be16 fragment;
	u8 protocol;
	int offset;

	if (!pskb_may_pull(skb, sizeof(*ip)))
		return REWIRE_KIND_MALFORMED;
	ip = (const struct ipv6hdr *)skb->data;
	if (ip->version != 6)
		return REWIRE_KIND_MALFORMED;
	length = ntohs(ip->payload_len) + sizeof(*ip);
	if (!ip->payload_len && skb_is_gso(skb))
		length = skb->len;
	if (length > skb->len)
		return REWIRE_KIND_MALFORMED;
	if (rewire_ipv6_is_link_local(ip))
		return REWIRE_KIND_FOREIGN;
	if (ipv6_addr_v4mapped(&ip->saddr) || ipv6_addr_v4mapped(&ip->daddr))
		return REWIRE_KIND_MALFORMED;
	if (pskb_trim_rcsum(skb, length))
		return REWIRE_KIND_MALFORMED;

	ip = (const struct ipv6hdr *)skb->data;
	packet->key.src = ip->saddr;
	packet->key.dst = ip->daddr;
	protocol = ip->nexthdr;
	offset = ipv6_skip_exthdr(skb, sizeof(*ip), &protocol, &fragment);
	if (offset < 0 && protocol == NEXTHDR_NONE) {
		packet->key.network = rewire_key_network(vni, protocol);
		return REWIRE_KIND_OTHER;
	}
	if (offset < 0 || offset > REWIRE_HEADERS_MAX)
		return REWIRE_KIND_MALFORMED;
	packet->key.network = rewire_key_network(vni, protocol);
	packet->transport = offset;
	if (fragment & htons(IP6_OFFSET | IP6_MF)) {
		packet->other = REWIRE_REASON_DROP_FRAGMENT;
		return REWIRE_KIND_OTHER;
	}
	if (protocol == IPPROTO_ICMP ||
	    (offset > sizeof(*ip) && rewire_is_segment_routed(skb)))
		return REWIRE_KIND_OTHER;
	if (protocol == IPPROTO_ICMPV6 && rewire_icmpv6_is_link_local(skb, offset))
		return REWIRE_KIND_FOREIGN;
	return rewire_parse_transport(skb, protocol, packet);
}

/**
 * rewire_packet_parse() - check a packet's headers and make its key
 * @skb: the packet, its data begins at the network header
 * @vni: of the virtual network it came from
 * @ifindex: see struct rewire_packet
 * @packet: to fill
 *
 * Padding behind the packet is cut off, as the host's own stack does.
 */
enum rewire_kind rewire_packet_parse(struct sk_buff *skb, u32 vni, int ifindex,
				     struct rewire_packet *packet)
{
	memset(packet, 0, sizeof(*packet));
	packet->ifindex = ifindex;
	packet->other = REWIRE_REASON_DROP_UNSUPPORTED;

	switch (skb->protocol) {
	case htons(ETH_P_IP):
		return rewire_parse_ipv4(skb, vni, packet);
	case htons(ETH_P_IPV6):
		if (!ipv6_mod_enabled())
			return REWIRE_KIND_FOREIGN;
		return rewire_parse_ipv6(skb, vni, packet);
	default:
		return REWIRE_KIND_FOREIGN;
	}
}

/* What a miss does; NF_REPEAT: look again. */
static unsigned int rewire_packet_miss(struct rewire_net *ns, struct sk_buff *skb,
				       const struct rewire_packet *packet,
				       bool whole, enum rewire_punt_reason why)
{
	struct rewire_rule *rule = rewire_rule_lookup(ns, packet);
	enum rewire_reason reason;

	if (!rule)
		goto pass;
	switch (rule->action) {
	case REWIRE_RULE_ACTION_PASS:
		goto pass;
	case REWIRE_RULE_ACTION_DROP:
		reason = REWIRE_REASON_DROP_RULE;
		goto drop;
	}
	if (!whole) {
		reason = packet->other;
		goto drop;
	}
	if (rule->orphan != REWIRE_ORPHAN_MODE_HOLD && !rewire_punt_handlers(ns)) {
		if (rule->orphan == REWIRE_ORPHAN_MODE_PASS)
			goto pass;
		reason = REWIRE_REASON_DROP_NO_DAEMON;
		goto drop;
	}
	if (atomic_read(&ns->flow_count) >= REWIRE_FLOWS_MAX) {
		reason = REWIRE_REASON_DROP_FLOWS_FULL;
		goto drop;
	}
	if (rewire_hold_new(ns, skb, packet, rule, why) == REWIRE_HOLD_AGAIN)
		return NF_REPEAT;
	atomic64_inc(&rule->hits);
	return NF_STOLEN;
pass:
	if (rule)
		atomic64_inc(&rule->hits);
	this_cpu_inc(ns->stats->passed);
	return NF_ACCEPT;
drop:
	atomic64_inc(&rule->hits);
	rewire_drop(ns, skb, reason);
	return NF_STOLEN;
}

/*
 * Whether the packet needs a new decision: its flow has ended, or points at a
 * target that was taken down, or is a closed connection that begins anew.
 */
static bool rewire_flow_is_over(struct rewire_net *ns, struct rewire_flow *flow,
				enum rewire_direction direction,
				const struct rewire_packet *packet,
				enum rewire_punt_reason *why)
{
	if (rewire_flow_expired(flow)) {
		rewire_flow_close(ns, flow, REWIRE_REASON_CLOSE_IDLE);
		return true;
	}
	if (direction != REWIRE_ORIG)
		return false;
	if (flow->target &&
	    READ_ONCE(flow->target->generation) != flow->target_generation) {
		rewire_flow_close(ns, flow, REWIRE_REASON_CLOSE_TARGET);
		*why = REWIRE_PUNT_REASON_TARGET_DOWN;
		return true;
	}
	if (rewire_key_protocol(&packet->key) == IPPROTO_TCP &&
	    rewire_tcp_reuses(READ_ONCE(flow->tracking), packet->tcp_flags)) {
		rewire_flow_close(ns, flow, REWIRE_REASON_CLOSE_REUSED);
		return true;
	}
	return false;
}

static unsigned int rewire_packet_flow(struct rewire_net *ns, struct sk_buff *skb,
				       const struct rewire_packet *packet,
				       struct rewire_flow *flow,
				       enum rewire_direction direction)
{
	switch (flow->action) {
	case REWIRE_FLOW_ACTION_PASS:
		rewire_flow_count(flow, direction, skb->len);
		this_cpu_inc(ns->stats->passed);
		return NF_ACCEPT;
	case REWIRE_FLOW_ACTION_DROP:
		rewire_flow_count(flow, direction, skb->len);
		rewire_drop(ns, skb, REWIRE_REASON_DROP_VERDICT);
		return NF_STOLEN;
	default:
		return rewire_output(ns, skb, packet, flow, direction);
	}
}

static unsigned int rewire_packet_lookup(struct rewire_net *ns, struct sk_buff *skb,
					 const struct rewire_packet *packet)
{
	enum rewire_punt_reason why = REWIRE_PUNT_REASON_MISS;
	enum rewire_direction direction;
	struct rewire_tuple *tuple;
	struct rewire_flow *flow;
	unsigned int verdict;
	int i;

	for (i = 0; i < REWIRE_LOOKUPS; i++) {
		tuple = rewire_tuple_lookup(ns, &packet->key);
		if (!tuple) {
			verdict = rewire_packet_miss(ns, skb, packet, true, why);
			if (verdict == NF_REPEAT)
				continue;
			return verdict;
		}
		if (tuple->direction == REWIRE_HOLD) {
			if (rewire_hold_join(ns, rewire_tuple_hold(tuple), skb, packet) ==
			    REWIRE_HOLD_AGAIN)
				continue;
			return NF_STOLEN;
		}
		flow = rewire_tuple_flow(tuple);
		direction = tuple->direction;
		if (!rewire_flow_is_over(ns, flow, direction, packet, &why))
			return rewire_packet_flow(ns, skb, packet, flow, direction);
	}
	rewire_drop(ns, skb, REWIRE_REASON_DROP_RACE);
	return NF_STOLEN;
}

static unsigned int rewire_packet_go_on(struct rewire_net *ns, struct sk_buff *skb,
					const struct rewire_packet *packet,
					enum rewire_kind kind)
{
	switch (kind) {
	case REWIRE_KIND_FOREIGN:
		return NF_ACCEPT;
	case REWIRE_KIND_MALFORMED:
		rewire_drop(ns, skb, REWIRE_REASON_DROP_MALFORMED);
		return NF_STOLEN;
	case REWIRE_KIND_OTHER:
		return rewire_packet_miss(ns, skb, packet, false, REWIRE_PUNT_REASON_MISS);
	default:
		return rewire_packet_lookup(ns, skb, packet);
	}
}

/**
 * rewire_packet_handle() - the way of a packet through the module
 * @ns: the namespace
 * @skb: the packet, its data begins at the network header
 * @vni: of the virtual network it came from
 * @ifindex: see struct rewire_packet
 *
 * Context: RCU read side, bottom halves disabled.
 * Return: NF_ACCEPT: the host's stack goes on with the packet, be it untouched
 * or translated for the host itself. NF_STOLEN: sent, held or dropped.
 */
unsigned int rewire_packet_handle(struct rewire_net *ns, struct sk_buff *skb,
				  u32 vni, int ifindex)
{
	struct rewire_packet packet;
	enum rewire_kind kind;

	kind = rewire_packet_parse(skb, vni, ifindex, &packet);
	if (kind != REWIRE_KIND_FOREIGN)
		this_cpu_inc(ns->stats->received);
	return rewire_packet_go_on(ns, skb, &packet, kind);
}

/* The same for a packet that was held, and so was counted when it came. */
unsigned int rewire_packet_resume(struct rewire_net *ns, struct sk_buff *skb,
				  u32 vni, int ifindex)
{
	struct rewire_packet packet;
	enum rewire_kind kind;

	kind = rewire_packet_parse(skb, vni, ifindex, &packet);
	return rewire_packet_go_on(ns, skb, &packet, kind);
}

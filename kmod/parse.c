// SPDX-License-Identifier: GPL-2.0
/* Parsing: a packet's headers are checked, and its key is made of them. */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/sctp.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "icmp.h"
#include "packet.h"
#include "transport.h"

/* Bytes of headers before the transport header; no honest packet comes near. */
#define REWIRE_HEADERS_MAX	2048

/* Bytes of the shortest DCCP header (RFC 4340, 5.1). */
#define REWIRE_DCCP_HEADER	12

/* Ports are the first word of all headers that have them. Return: the header, or NULL. */
static const void *rewire_parse_ports(struct sk_buff *skb, unsigned int size,
				      struct rewire_packet *packet)
{
	const struct udphdr *ports;

	if (!pskb_may_pull(skb, packet->transport + size))
		return NULL;
	ports = (const struct udphdr *)(skb->data + packet->transport);
	packet->key.sport = ports->source;
	packet->key.dport = ports->dest;
	packet->header = packet->transport + size;
	return ports;
}

static enum rewire_kind rewire_parse_tcp(struct sk_buff *skb,
					 struct rewire_packet *packet)
{
	const struct tcphdr *tcp = rewire_parse_ports(skb, sizeof(*tcp), packet);

	if (!tcp || tcp->doff * 4 < sizeof(*tcp) ||
	    packet->transport + tcp->doff * 4 > skb->len)
		return REWIRE_KIND_MALFORMED;
	if (tcp->syn) {		/* its options are read, and maybe written */
		packet->header = packet->transport + tcp->doff * 4;
		if (!pskb_may_pull(skb, packet->header))
			return REWIRE_KIND_MALFORMED;
		tcp = (const struct tcphdr *)(skb->data + packet->transport);
	}
	rewire_segment_read(&packet->segment, tcp,
			    skb->len - packet->transport - tcp->doff * 4);
	return REWIRE_KIND_FLOW;
}

static enum rewire_kind rewire_parse_udp(struct sk_buff *skb,
					 struct rewire_packet *packet)
{
	const struct udphdr *udp = rewire_parse_ports(skb, sizeof(*udp), packet);
	unsigned int length;

	if (!udp)
		return REWIRE_KIND_MALFORMED;
	length = ntohs(udp->len);
	/* A super-packet's length may not fit the field (RFC 2675). */
	if ((length < sizeof(*udp) || packet->transport + length > skb->len) &&
	    !skb_is_gso(skb))
		return REWIRE_KIND_MALFORMED;
	return REWIRE_KIND_FLOW;
}

/* RFC 3828, 3.1: the checksum covers the header at least, and is never left out. */
static enum rewire_kind rewire_parse_udplite(struct sk_buff *skb,
					     struct rewire_packet *packet)
{
	const struct udphdr *udp = rewire_parse_ports(skb, sizeof(*udp), packet);
	unsigned int coverage;

	if (!udp || !udp->check)
		return REWIRE_KIND_MALFORMED;
	coverage = ntohs(udp->len);
	if ((coverage && coverage < sizeof(*udp)) || packet->transport + coverage > skb->len)
		return REWIRE_KIND_MALFORMED;
	return REWIRE_KIND_FLOW;
}

static enum rewire_kind rewire_parse_sctp(struct sk_buff *skb,
					  struct rewire_packet *packet)
{
	if (!rewire_parse_ports(skb, sizeof(struct sctphdr), packet))
		return REWIRE_KIND_MALFORMED;
	return REWIRE_KIND_FLOW;
}

/* RFC 4340, 5.1: the offset of the data, in words, is the byte behind the ports. */
static enum rewire_kind rewire_parse_dccp(struct sk_buff *skb,
					  struct rewire_packet *packet)
{
	const u8 *dccp = rewire_parse_ports(skb, REWIRE_DCCP_HEADER, packet);

	if (!dccp || dccp[4] * 4 < REWIRE_DCCP_HEADER ||
	    packet->transport + dccp[4] * 4 > skb->len)
		return REWIRE_KIND_MALFORMED;
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
		packet->mute = true;
	if (!packet->mute)
		return REWIRE_KIND_FLOW;
	return rewire_icmp_is_error(rewire_key_protocol(&packet->key), icmp->type) ?
	       REWIRE_KIND_ERROR : REWIRE_KIND_OTHER;
}

/* Neighbour discovery is for its link alone, if it has come over no router (RFC 4861). */
static bool rewire_is_discovery(struct sk_buff *skb, unsigned int offset)
{
	const struct icmp6hdr *icmp;

	if (!pskb_may_pull(skb, offset + sizeof(*icmp)) ||
	    ((const struct ipv6hdr *)skb->data)->hop_limit != 255)
		return false;
	icmp = (const struct icmp6hdr *)(skb->data + offset);
	return icmp->icmp6_type >= NDISC_ROUTER_SOLICITATION &&
	       icmp->icmp6_type <= NDISC_REDIRECT;
}

/*
 * A checksum that the sender left to the device is written after the rewriting.
 * Guests choose where: it has to be the transport header's own, or behind all that
 * is rewritten, or it would change addresses and ports once more.
 */
static bool rewire_unfinished_is_sane(const struct sk_buff *skb, u8 protocol,
				      const struct rewire_packet *packet)
{
	int start = skb_checksum_start_offset(skb);
	int field = protocol == IPPROTO_SCTP ? offsetof(struct sctphdr, checksum) :
					       rewire_check_offset(protocol);

	if (start == packet->transport && skb->csum_offset == field)
		return true;
	return start + skb->csum_offset >= packet->header;
}

static enum rewire_kind rewire_parse_protocol(struct sk_buff *skb, u8 protocol,
					      struct rewire_packet *packet)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return rewire_parse_tcp(skb, packet);
	case IPPROTO_UDP:
		return rewire_parse_udp(skb, packet);
	case IPPROTO_UDPLITE:
		return rewire_parse_udplite(skb, packet);
	case IPPROTO_SCTP:
		return rewire_parse_sctp(skb, packet);
	case IPPROTO_DCCP:
		return rewire_parse_dccp(skb, packet);
	case IPPROTO_ICMP:
		return rewire_parse_icmp(skb, ICMP_ECHO, ICMP_ECHOREPLY, packet);
	case IPPROTO_ICMPV6:
		return rewire_parse_icmp(skb, ICMPV6_ECHO_REQUEST,
					 ICMPV6_ECHO_REPLY, packet);
	default:
		/* Told apart by addresses alone. */
		packet->header = packet->transport;
		return rewire_protocol_is_fixed(protocol) ? REWIRE_KIND_OTHER :
							    REWIRE_KIND_FLOW;
	}
}

static enum rewire_kind rewire_parse_transport(struct sk_buff *skb, u8 protocol,
					       struct rewire_packet *packet)
{
	enum rewire_kind kind = rewire_parse_protocol(skb, protocol, packet);

	if ((kind == REWIRE_KIND_FLOW || kind == REWIRE_KIND_ERROR) &&
	    skb->ip_summed == CHECKSUM_PARTIAL && !rewire_unfinished_is_sane(skb, protocol, packet))
		return REWIRE_KIND_MALFORMED;
	return kind;
}

/*
 * A packet that has been told a way cannot be translated: its destination is but a
 * stop on it. Other options are carried along (RFC 791, 3.1).
 */
enum rewire_kind rewire_parse_options(const struct iphdr *ip)
{
	const u8 *option = (const u8 *)(ip + 1);
	const u8 *end = (const u8 *)ip + ip->ihl * 4;

	while (option < end && *option != IPOPT_END) {
		if (*option == IPOPT_NOOP) {
			option++;
			continue;
		}
		if (end - option < 2 || option[1] < 2 || option[1] > end - option)
			return REWIRE_KIND_MALFORMED;
		if (*option == IPOPT_LSRR || *option == IPOPT_SSRR)
			return REWIRE_KIND_OTHER;
		option += option[1];
	}
	return REWIRE_KIND_FLOW;
}

static enum rewire_kind rewire_parse_ipv4(struct sk_buff *skb, u32 vni,
					  struct rewire_packet *packet)
{
	const struct iphdr *ip;
	enum rewire_kind kind;
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
	/* Answers would go to everybody (RFC 1122, 3.2.1.3). */
	if (ipv4_is_multicast(ip->saddr) || ipv4_is_lbcast(ip->saddr) ||
	    pskb_trim_rcsum(skb, length))
		return REWIRE_KIND_MALFORMED;

	ip = (const struct iphdr *)skb->data;
	ipv6_addr_set_v4mapped(ip->saddr, &packet->key.src);
	ipv6_addr_set_v4mapped(ip->daddr, &packet->key.dst);
	packet->key.network = rewire_key_network(vni, ip->protocol);
	if (ip_is_fragment(ip))
		return REWIRE_KIND_FRAGMENT;
	kind = rewire_parse_options(ip);
	if (kind != REWIRE_KIND_FLOW)
		return kind;
	if (ip->protocol == IPPROTO_ICMPV6)
		return REWIRE_KIND_OTHER;
	return rewire_parse_transport(skb, ip->protocol, packet);
}

/* No address yet, or of fe80::/10 (RFC 4291, 2.5.2 and 2.5.6). */
static bool rewire_ipv6_is_of_link(const struct in6_addr *address)
{
	return ipv6_addr_any(address) ||
	       (address->s6_addr32[0] & htonl(0xffc00000)) == htonl(0xfe800000);
}

static enum rewire_link rewire_ipv6_link(const struct ipv6hdr *ip)
{
	if (rewire_ipv6_is_of_link(&ip->daddr))
		return REWIRE_LINK_DST;
	return rewire_ipv6_is_of_link(&ip->saddr) ? REWIRE_LINK_SRC : REWIRE_LINK_NEITHER;
}

/*
 * Behind a routing header that is not used up, the checksum is of the last stop; an
 * authentication header covers the addresses.
 */
bool rewire_ipv6_is_fixed(struct sk_buff *skb, unsigned int header)
{
	unsigned int offset = header;
	int flags = IP6_FH_F_SKIP_RH;

	if (ipv6_find_hdr(skb, &offset, NEXTHDR_ROUTING, NULL, &flags) == NEXTHDR_ROUTING)
		return true;
	offset = header;
	return ipv6_find_hdr(skb, &offset, NEXTHDR_AUTH, NULL, NULL) == NEXTHDR_AUTH;
}

/* As ipv6_skip_exthdr() does, without a call for what most packets have. */
static int rewire_ipv6_skip(const struct sk_buff *skb, u8 *protocol, __be16 *fragment)
{
	if (likely(*protocol == IPPROTO_TCP || *protocol == IPPROTO_UDP)) {
		*fragment = 0;
		return sizeof(struct ipv6hdr);
	}
	return ipv6_skip_exthdr(skb, sizeof(struct ipv6hdr), protocol, fragment);
}

static enum rewire_kind rewire_parse_ipv6(struct sk_buff *skb, u32 vni,
					  struct rewire_packet *packet)
{
	const struct ipv6hdr *ip;
	enum rewire_kind kind;
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
	if (ipv6_addr_is_multicast(&ip->daddr))
		return REWIRE_KIND_FOREIGN;
	if (ipv6_addr_is_multicast(&ip->saddr) || ipv6_addr_v4mapped(&ip->saddr) ||
	    ipv6_addr_v4mapped(&ip->daddr))
		return REWIRE_KIND_MALFORMED;
	if (pskb_trim_rcsum(skb, length))
		return REWIRE_KIND_MALFORMED;

	ip = (const struct ipv6hdr *)skb->data;
	packet->key.src = ip->saddr;
	packet->key.dst = ip->daddr;
	packet->link = rewire_ipv6_link(ip);
	protocol = ip->nexthdr;
	offset = rewire_ipv6_skip(skb, &protocol, &fragment);
	if (offset < 0 && protocol == NEXTHDR_NONE) {
		packet->key.network = rewire_key_network(vni, protocol);
		return REWIRE_KIND_OTHER;
	}
	if (offset < 0 || offset > REWIRE_HEADERS_MAX || offset > skb->len)
		return REWIRE_KIND_MALFORMED;
	packet->key.network = rewire_key_network(vni, protocol);
	packet->transport = offset;
	if (fragment & htons(IP6_OFFSET | IP6_MF))
		return REWIRE_KIND_FRAGMENT;
	if (protocol == IPPROTO_ICMP ||
	    (offset > sizeof(*ip) && rewire_ipv6_is_fixed(skb, 0)))
		return REWIRE_KIND_OTHER;
	if (protocol == IPPROTO_ICMPV6 && rewire_is_discovery(skb, offset))
		return REWIRE_KIND_FOREIGN;
	kind = rewire_parse_transport(skb, protocol, packet);
	if (packet->link && (kind == REWIRE_KIND_FLOW || kind == REWIRE_KIND_ERROR))
		return REWIRE_KIND_OTHER;
	return kind;
}

/* In parts, because compilers clear large objects by an instruction that takes its time. */
static void rewire_packet_clear(struct rewire_packet *packet)
{
	packet->key = (struct rewire_key){};
	packet->segment = (struct rewire_segment){};
	packet->transport = 0;
	packet->header = 0;
	packet->link = REWIRE_LINK_NEITHER;
	packet->mute = false;
	packet->quote = NULL;
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
	rewire_packet_clear(packet);
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

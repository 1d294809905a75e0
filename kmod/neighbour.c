// SPDX-License-Identifier: GPL-2.0
/*
 * Answers to ARP requests (RFC 826) and neighbour solicitations (RFC 4861) about
 * service addresses, with the hardware address of the device that asks. What comes
 * through a tunnel is answered through it.
 *
 * A question about a whole address that somebody wants to take (RFC 5227, RFC 4862)
 * is answered, too, because the address is taken; one about any address of a prefix is
 * not, because guests have addresses there.
 */
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/timekeeping.h>
#include <net/addrconf.h>
#include <net/arp.h>
#include <net/ip6_checksum.h>
#include <net/ip_tunnels.h>
#include <net/ndisc.h>

#include "attach.h"
#include "bucket.h"
#include "namespace.h"
#include "neighbour.h"
#include "tunnel.h"

static bool rewire_answer_admits(struct rewire_attach *attach)
{
	return rewire_bucket_take(&attach->answers, ktime_get_ns(),
				  NSEC_PER_SEC / REWIRE_ANSWER_RATE,
				  (u64)REWIRE_ANSWER_BURST * NSEC_PER_SEC / REWIRE_ANSWER_RATE);
}

/* The address that is asked about, if it is answered for. */
static struct rewire_address *rewire_answer_lookup(struct rewire_attach *attach,
						   struct sk_buff *skb,
						   const struct in6_addr *target, bool probe)
{
	u32 vni = attach->vni;
	struct rewire_address *address;

	if (attach->tunnel && !rewire_tunnel_vni(skb, &vni))
		return NULL;
	address = rewire_address_lookup(attach->ns, vni, target);
	if (!address || (probe && !rewire_address_is_whole(address)) ||
	    !rewire_answer_admits(attach))
		return NULL;
	return address;
}

/* Through the tunnel that the question came through. */
static void rewire_answer_route(struct sk_buff *answer, struct sk_buff *question)
{
	struct metadata_dst *dst;

	dst = iptunnel_metadata_reply(skb_metadata_dst(question), GFP_ATOMIC);
	if (dst)
		skb_dst_set(answer, &dst->dst);
}

static bool rewire_arp_answer(struct rewire_attach *attach, struct sk_buff *skb)
{
	struct net_device *dev = attach->dev;
	struct rewire_address *address;
	const struct arphdr *arp;
	struct in6_addr target;
	struct sk_buff *answer;
	__be32 source, wanted;
	u8 asker[ETH_ALEN];
	const u8 *fields;

	if (!pskb_may_pull(skb, arp_hdr_len(dev)))
		return false;
	arp = (const struct arphdr *)skb->data;
	if (arp->ar_hrd != htons(ARPHRD_ETHER) || arp->ar_pro != htons(ETH_P_IP) ||
	    arp->ar_hln != ETH_ALEN || arp->ar_pln != sizeof(__be32) ||
	    arp->ar_op != htons(ARPOP_REQUEST))
		return false;
	fields = (const u8 *)(arp + 1);
	ether_addr_copy(asker, fields);
	source = get_unaligned((const __be32 *)(fields + ETH_ALEN));
	wanted = get_unaligned((const __be32 *)(fields + 2 * ETH_ALEN + sizeof(__be32)));
	/* Who announces its own address asks for nothing. */
	if (source == wanted || !is_valid_ether_addr(asker))
		return false;
	ipv6_addr_set_v4mapped(wanted, &target);
	address = rewire_answer_lookup(attach, skb, &target, !source);
	if (!address)
		return false;
	answer = arp_create(ARPOP_REPLY, ETH_P_ARP, source, dev, wanted, asker, dev->dev_addr,
			    asker);
	if (!answer)
		return false;
	rewire_answer_route(answer, skb);
	arp_xmit(answer);
	rewire_address_answered(address);
	return true;
}

/**
 * struct rewire_solicitation - a neighbour solicitation that is to be answered
 * @target: the address that is asked about
 * @source: who asks, or the unspecified address
 * @lladdr: its hardware address
 */
struct rewire_solicitation {
	struct in6_addr target;
	struct in6_addr source;
	u8 lladdr[ETH_ALEN];
};

/* Whether a packet's checksum is right, or its sender's device would have made it so. */
static bool rewire_nd_checksum_ok(struct sk_buff *skb, const struct ipv6hdr *ip,
				  unsigned int length)
{
	if (skb->ip_summed == CHECKSUM_PARTIAL || skb_csum_unnecessary(skb))
		return true;
	return !csum_ipv6_magic(&ip->saddr, &ip->daddr, length, IPPROTO_ICMPV6,
				skb_checksum(skb, sizeof(*ip), length, 0));
}

/* What RFC 4861, 7.1.1 asks of a solicitation. */
static bool rewire_nd_parse(struct sk_buff *skb, struct rewire_solicitation *ask)
{
	const struct ipv6hdr *ip;
	const struct nd_msg *message;
	unsigned int length, at;
	const u8 *option;
	bool source = false;

	if (!pskb_may_pull(skb, sizeof(*ip) + sizeof(*message)))
		return false;
	ip = (const struct ipv6hdr *)skb->data;
	length = ntohs(ip->payload_len);
	if (ip->version != 6 || ip->nexthdr != IPPROTO_ICMPV6 || ip->hop_limit != 255 ||
	    length < sizeof(*message) || !pskb_may_pull(skb, sizeof(*ip) + length))
		return false;
	ip = (const struct ipv6hdr *)skb->data;
	message = (const struct nd_msg *)(ip + 1);
	if (message->icmph.icmp6_type != NDISC_NEIGHBOUR_SOLICITATION ||
	    message->icmph.icmp6_code || ipv6_addr_is_multicast(&message->target) ||
	    ipv6_addr_is_multicast(&ip->saddr) || !rewire_nd_checksum_ok(skb, ip, length))
		return false;
	ask->target = message->target;
	ask->source = ip->saddr;
	ether_addr_copy(ask->lladdr, eth_hdr(skb)->h_source);
	for (at = sizeof(*message); at + 8 <= length; at += option[1] * 8) {
		option = (const u8 *)message + at;
		if (!option[1] || at + option[1] * 8 > length)
			return false;
		if (option[0] != ND_OPT_SOURCE_LL_ADDR)
			continue;
		ether_addr_copy(ask->lladdr, option + 2);
		source = true;
	}
	if (ipv6_addr_any(&ip->saddr))
		return !source && ipv6_addr_is_solict_mult(&ip->daddr);
	return is_valid_ether_addr(ask->lladdr);
}

static struct sk_buff *rewire_nd_create(struct net_device *dev,
					const struct rewire_solicitation *ask)
{
	const unsigned int length = sizeof(struct nd_msg) + 2 + ETH_ALEN;
	bool probe = ipv6_addr_any(&ask->source);
	struct nd_msg *message;
	struct sk_buff *skb;
	struct ipv6hdr *ip;

	skb = alloc_skb(LL_RESERVED_SPACE(dev) + sizeof(*ip) + length + dev->needed_tailroom,
			GFP_ATOMIC);
	if (!skb)
		return NULL;
	skb_reserve(skb, LL_RESERVED_SPACE(dev));
	skb->dev = dev;
	skb->protocol = htons(ETH_P_IPV6);
	skb_reset_network_header(skb);
	ip = skb_put_zero(skb, sizeof(*ip) + length);
	ip->version = 6;
	ip->payload_len = htons(length);
	ip->nexthdr = IPPROTO_ICMPV6;
	ip->hop_limit = 255;
	ip->saddr = ask->target;
	/* Who has no address yet hears the answer with all others. */
	ip->daddr = probe ? in6addr_linklocal_allnodes : ask->source;
	skb_set_transport_header(skb, sizeof(*ip));
	message = (struct nd_msg *)(ip + 1);
	message->icmph.icmp6_type = NDISC_NEIGHBOUR_ADVERTISEMENT;
	message->icmph.icmp6_solicited = !probe;
	message->icmph.icmp6_override = 1;
	message->target = ask->target;
	message->opt[0] = ND_OPT_TARGET_LL_ADDR;
	message->opt[1] = 1;
	ether_addr_copy(message->opt + 2, dev->dev_addr);
	message->icmph.icmp6_cksum =
		csum_ipv6_magic(&ip->saddr, &ip->daddr, length, IPPROTO_ICMPV6,
				csum_partial(message, length, 0));
	return skb;
}

static bool rewire_nd_answer(struct rewire_attach *attach, struct sk_buff *skb)
{
	struct net_device *dev = attach->dev;
	struct rewire_solicitation ask;
	struct rewire_address *address;
	struct sk_buff *answer;
	u8 to[ETH_ALEN];

	if (!rewire_nd_parse(skb, &ask))
		return false;
	address = rewire_answer_lookup(attach, skb, &ask.target, ipv6_addr_any(&ask.source));
	if (!address)
		return false;
	answer = rewire_nd_create(dev, &ask);
	if (!answer)
		return false;
	ether_addr_copy(to, ask.lladdr);
	if (ipv6_addr_any(&ask.source))
		ipv6_eth_mc_map(&in6addr_linklocal_allnodes, to);
	if (dev_hard_header(answer, dev, ETH_P_IPV6, to, dev->dev_addr, answer->len) < 0) {
		kfree_skb(answer);
		return false;
	}
	rewire_answer_route(answer, skb);
	dev_queue_xmit(answer);
	rewire_address_answered(address);
	return true;
}

/**
 * rewire_neighbour_answer() - answer a question about a service address
 * @attach: the device that it came in by
 * @skb: the packet, its data begins at the network header; consumed if it is answered
 *
 * Context: RCU read side, bottom halves disabled.
 * Return: whether it was answered. Else it is the host's.
 */
bool rewire_neighbour_answer(struct rewire_attach *attach, struct sk_buff *skb)
{
	bool answered = false;

	if (attach->dev->type != ARPHRD_ETHER || !skb_mac_header_was_set(skb) ||
	    skb_vlan_tag_present(skb) || skb->pkt_type == PACKET_OTHERHOST)
		return false;
	if (skb->protocol == htons(ETH_P_ARP))
		answered = rewire_arp_answer(attach, skb);
	else if (skb->protocol == htons(ETH_P_IPV6))
		answered = rewire_nd_answer(attach, skb);
	if (answered)
		consume_skb(skb);
	return answered;
}

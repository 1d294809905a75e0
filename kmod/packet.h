/* SPDX-License-Identifier: GPL-2.0 */
/* A packet on its way through the module. */
#ifndef REWIRE_PACKET_H
#define REWIRE_PACKET_H

#include <linux/ip.h>
#include <linux/skbuff.h>
#include <uapi/linux/rewire.h>

#include "flow.h"
#include "key.h"
#include "segment.h"

struct rewire_net;
struct rewire_quote;
struct rewire_rule;

/* Beyond every real device's number: the packet is the host's own. */
#define REWIRE_IFINDEX_LOCAL	0

/**
 * enum rewire_kind - what the parser found
 * @REWIRE_KIND_FLOW: the key is whole, the packet can be translated
 * @REWIRE_KIND_ERROR: an ICMP error, which may be about a packet of a flow; the key
 *	has no ports
 * @REWIRE_KIND_OTHER: IP between hosts, but nothing that can be translated; the
 *	key has no ports, rules may pass it or drop it
 * @REWIRE_KIND_FOREIGN: none of our business: multicast and neighbour discovery
 * @REWIRE_KIND_MALFORMED: its headers lie
 * @REWIRE_KIND_FRAGMENT: a part of a packet
 */
enum rewire_kind {
	REWIRE_KIND_FLOW,
	REWIRE_KIND_ERROR,
	REWIRE_KIND_OTHER,
	REWIRE_KIND_FOREIGN,
	REWIRE_KIND_MALFORMED,
	REWIRE_KIND_FRAGMENT,
};

/**
 * enum rewire_link - which address of a packet means something on its link alone
 * @REWIRE_LINK_NEITHER: it may go anywhere
 * @REWIRE_LINK_SRC: the source: it may reach the host, but is not sent on (RFC 4291, 2.5.6)
 * @REWIRE_LINK_DST: the destination: it is the host's, unless a rule drops it
 */
enum rewire_link {
	REWIRE_LINK_NEITHER,
	REWIRE_LINK_SRC,
	REWIRE_LINK_DST,
};

/**
 * struct rewire_packet - what the parser says of a packet
 * @key: by which its flow is found
 * @ifindex: the device it came in by, or REWIRE_IFINDEX_LOCAL
 * @transport: offset of the transport header from the network header
 * @header: bytes from the network header on that rewriting touches
 * @segment: of a TCP packet, its header
 * @other: for REWIRE_KIND_OTHER, why it cannot be translated
 * @link: whether one of its addresses is of the link
 * @mute: nobody may be told of it by an ICMP error (RFC 1812 4.3.2.7, RFC 4443 2.4)
 * @quote: of an error that is about a packet of a flow, that packet; else NULL
 */
struct rewire_packet {
	struct rewire_key key;
	int ifindex;
	u16 transport;
	u16 header;
	struct rewire_segment segment;
	enum rewire_link link;
	bool mute;
	enum rewire_reason other;
	const struct rewire_quote *quote;
};

enum rewire_kind rewire_packet_parse(struct sk_buff *skb, u32 vni, int ifindex,
				     struct rewire_packet *packet);
enum rewire_kind rewire_parse_options(const struct iphdr *ip);
bool rewire_ipv6_is_fixed(struct sk_buff *skb, unsigned int header);
enum rewire_fate rewire_packet_rule_fate(struct rewire_net *ns,
					 const struct rewire_packet *packet, bool whole,
					 const struct rewire_rule *rule,
					 enum rewire_reason *reason);
bool rewire_packet_ends_flow(const struct rewire_flow *flow, enum rewire_direction direction,
			     const struct rewire_packet *packet, enum rewire_reason *reason,
			     enum rewire_punt_reason *why);
enum rewire_fate rewire_packet_flow_fate(const struct rewire_flow *flow,
					 enum rewire_direction direction,
					 const struct rewire_packet *packet,
					 enum rewire_reason *reason);
unsigned int rewire_packet_handle(struct rewire_net *ns, struct sk_buff *skb,
				  u32 vni, int ifindex);
unsigned int rewire_packet_receive(struct rewire_net *ns, struct sk_buff *skb,
				   u32 vni, int ifindex);
void rewire_packet_continue(struct rewire_net *ns, struct sk_buff *skb,
			    const struct rewire_packet *packet,
			    struct rewire_place place);
unsigned int rewire_packet_resume(struct rewire_net *ns, struct sk_buff *skb,
				  u32 vni, int ifindex);

#endif /* REWIRE_PACKET_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* ICMP and ICMPv6 errors: those that come by, and our own. */
#ifndef REWIRE_ICMP_H
#define REWIRE_ICMP_H

#include <linux/types.h>

#include "flow.h"

struct rewire_net;
struct sk_buff;

/**
 * struct rewire_quote - the packet that an error is about
 * @key: of the packets that go the error's way: the quoted packet's, reversed
 * @offset: of the quoted IP header from the error's network header
 * @transport: of the quoted transport header
 * @length: of that header and its payload, by the quoted IP header
 */
struct rewire_quote {
	struct rewire_key key;
	u16 offset;
	u16 transport;
	unsigned int length;
};

/**
 * struct rewire_icmp_message - what an error says
 * @type: of ICMP or ICMPv6
 * @code: likewise
 * @info: the four bytes behind the checksum
 */
struct rewire_icmp_message {
	u8 type;
	u8 code;
	u32 info;
};

/* icmp_error.c */
bool rewire_icmp_is_error(u8 protocol, u8 type);
bool rewire_icmp_quote(struct sk_buff *skb, struct rewire_packet *packet,
		       struct rewire_quote *quote);
void rewire_icmp_transform(struct sk_buff *skb, const struct rewire_packet *packet,
			   const struct rewire_flow *flow,
			   enum rewire_direction direction);

/* icmp_send.c */
void rewire_icmp_too_big(struct rewire_net *ns, struct sk_buff *skb,
			 const struct rewire_packet *packet, unsigned int mtu);
void rewire_icmp_time_exceeded(struct rewire_net *ns, struct sk_buff *skb,
			       const struct rewire_packet *packet);
void rewire_icmp_prohibited(struct rewire_net *ns, struct sk_buff *skb,
			    const struct rewire_packet *packet);
void rewire_icmp_no_route(struct rewire_net *ns, struct sk_buff *skb,
			  const struct rewire_packet *packet, int error);
struct dst_entry *rewire_icmp_route(struct rewire_net *ns, const struct rewire_packet *packet);

#endif /* REWIRE_ICMP_H */

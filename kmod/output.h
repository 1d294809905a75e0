/* SPDX-License-Identifier: GPL-2.0 */
/* Translation of packets, and their transmission. */
#ifndef REWIRE_OUTPUT_H
#define REWIRE_OUTPUT_H

#include "flow.h"

struct net;
struct net_device;
struct rewire_tunnel;
struct sk_buff;
struct sock;

/* How a packet fits a route. */
enum rewire_fit {
	REWIRE_FITS,
	REWIRE_FRAGMENT,
	REWIRE_TOO_BIG,
};

/**
 * struct rewire_way - how a packet leaves
 * @dst: the route; NULL through a tunnel
 * @tunnel: the far end, or NULL
 * @dev: the device
 * @mtu: what fits
 * @fit: how the packet does
 * @local: it is for the host itself
 * @hop: it has one hop less then
 * @error: of rewire_route(), or 0
 */
struct rewire_way {
	struct dst_entry *dst;
	const struct rewire_tunnel *tunnel;
	struct net_device *dev;
	unsigned int mtu;
	enum rewire_fit fit;
	bool local;
	bool hop;
	int error;
};

bool rewire_may_leave(const struct sk_buff *skb, const struct rewire_packet *packet,
		      unsigned int mtu, bool hop, enum rewire_fit *fit,
		      enum rewire_reason *reason);
void rewire_refuse_leave(struct rewire_net *ns, struct sk_buff *skb,
			 const struct rewire_packet *packet, const struct rewire_way *way,
			 enum rewire_reason reason);
bool rewire_output_plan(struct rewire_net *ns, const struct sk_buff *skb,
			const struct rewire_packet *packet, struct rewire_flow *flow,
			enum rewire_direction direction, struct rewire_way *way,
			enum rewire_reason *reason);
void rewire_decrease_hops(struct sk_buff *skb, bool ipv4);
bool rewire_make_writable(struct sk_buff *skb, unsigned int length);
bool rewire_send_prepare(struct sk_buff *skb, const struct net_device *dev);
int rewire_transmit(struct net *net, struct sock *sk, struct sk_buff *skb);
unsigned int rewire_output(struct rewire_net *ns, struct sk_buff *skb,
			   const struct rewire_packet *packet,
			   struct rewire_flow *flow,
			   enum rewire_direction direction);

/* transform.c */
void rewire_transform_prepare(struct rewire_flow *flow);
void rewire_transform(struct sk_buff *skb, const struct rewire_packet *packet,
		      const struct rewire_flow *flow,
		      enum rewire_direction direction);

#endif /* REWIRE_OUTPUT_H */

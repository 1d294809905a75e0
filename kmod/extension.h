/* SPDX-License-Identifier: GPL-2.0 */
/* What only some flows need. */
#ifndef REWIRE_EXTENSION_H
#define REWIRE_EXTENSION_H

#include "flow.h"

struct nlattr;
struct netlink_ext_ack;
struct rewire_tunnel;

#define REWIRE_COPIES_MAX	16

/* In struct rewire_flow_extension.dscp: it is left alone. */
#define REWIRE_DSCP_KEEP	0xff

/**
 * struct rewire_limit - how much may go by in a direction
 * @rate: packets, or bytes, a second; 0: any
 * @burst: at once
 * @bytes: whether bytes count
 * @full: by direction, see rewire_bucket_next()
 */
struct rewire_limit {
	u64 rate;
	u64 burst;
	bool bytes;
	atomic64_t full[REWIRE_DIRECTIONS];
};

/**
 * struct rewire_flow_extension - what a flow has beyond a two-way rewrite
 * @tunnel: by direction, where its packets come from through a tunnel, or NULL
 * @limit: of its packets
 * @dscp: what its packets get, or REWIRE_DSCP_KEEP
 * @hops: enum rewire_hop_mode
 * @hop_limit: for REWIRE_HOP_MODE_SET
 * @copies: of @copy
 * @copy: packets of the original direction are sent by these, too
 *
 * A copy is a flow with an output of its own that is in no table: it is found here
 * only, has no copies itself, and lives and dies with the flow.
 */
struct rewire_flow_extension {
	struct rewire_tunnel __rcu *tunnel[REWIRE_DIRECTIONS];
	struct rewire_limit limit;
	u8 dscp;
	u8 hops;
	u8 hop_limit;
	unsigned int copies;
	struct rewire_flow *copy[];
};

bool rewire_extension_admits(struct rewire_flow_extension *extension,
			     enum rewire_direction direction, unsigned int bytes, bool take);
void rewire_extension_mark(const struct rewire_flow_extension *extension,
			   struct sk_buff *skb, bool ipv4);
bool rewire_extension_uses(struct rewire_net *ns, const struct rewire_flow_extension *extension,
			   const struct rewire_attach *attach);
void rewire_extension_close(struct rewire_flow_extension *extension);
void rewire_extension_free(struct rewire_flow_extension *extension);

/* extension_netlink.c */
int rewire_get_extension(struct rewire_net *ns, struct nlattr **tb,
			 struct rewire_flow_spec *spec, struct netlink_ext_ack *extack);
bool rewire_extension_fill(struct sk_buff *skb, const struct rewire_flow *flow);

/* copy.c */
void rewire_copies_send(struct rewire_net *ns, struct sk_buff *skb,
			const struct rewire_packet *packet,
			const struct rewire_flow_extension *extension);

static inline bool rewire_extension_decrements(const struct rewire_flow_extension *extension)
{
	return !extension || extension->hops == REWIRE_HOP_MODE_DECREMENT;
}

#endif /* REWIRE_EXTENSION_H */

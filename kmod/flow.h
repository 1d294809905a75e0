/* SPDX-License-Identifier: GPL-2.0 */
/* Flows: the rewrite entry and the state record of a flow, as one object. */
#ifndef REWIRE_FLOW_H
#define REWIRE_FLOW_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/jiffies.h>
#include <linux/netlink.h>
#include <linux/rhashtable.h>
#include <net/dst.h>
#include <uapi/linux/rewire.h>

#include "key.h"

struct rewire_attach;
struct rewire_hold;
struct rewire_net;
struct rewire_packet;
struct rewire_target;

enum rewire_direction {
	REWIRE_ORIG,
	REWIRE_REPLY,
	REWIRE_DIRECTIONS,
	REWIRE_HOLD = REWIRE_DIRECTIONS,	/* the tuple of a struct rewire_hold */
};

/**
 * struct rewire_tuple - an entry of the flow table
 * @node: in the table
 * @key: of the packets of this direction, as they come in
 * @dst: route of this direction's translated packets; RCU, may be stale
 * @address_delta: what rewriting the addresses adds to a checksum, in one's
 *		   complement
 * @port_delta: what rewriting the ports adds
 * @direction: which direction of a flow this is, or REWIRE_HOLD
 */
struct rewire_tuple {
	struct rhash_head node;
	struct rewire_key key;
	struct dst_entry __rcu *dst;
	__be16 address_delta;
	__be16 port_delta;
	u8 direction;
};

static_assert(sizeof(struct rewire_tuple) == 64);

/* Bits of struct rewire_flow.flags */
#define REWIRE_FLOW_LIVE	0	/* all its tuples are in the table */
#define REWIRE_FLOW_DYING	1	/* somebody has taken it on to close it */

/**
 * struct rewire_flow - a flow, in both directions
 * @tuple: by direction; drop and pass entries have the original one only
 * @packets: by direction
 * @bytes: by direction, from the network header on, as received
 * @last_seen: jiffies of the last packet, exact to HZ / 4; of drop and pass
 *	       entries, which packets do not keep alive, when they were made
 * @tracking: state, see tcp.c
 * @dst_cookie: of the tuples' routes, for IPv6
 * @flags: REWIRE_FLOW_LIVE, REWIRE_FLOW_DYING
 * @id: number
 * @decision: the daemon's number of the decision
 * @target: what it points at, or NULL; holds a reference
 * @target_generation: of the target when the flow was made
 * @policy: number of the policy
 * @created: jiffies
 * @ifindex: by direction, the device that packets come in by, or 0
 * @timeout: idle time in jiffies that replaces those by protocol, or 0
 * @action: what to do with its packets
 * @rcu: for the grace period before it is freed
 *
 * The first cache line of a direction holds what looking it up reads; what
 * packets write has a line of its own.
 *
 * Lifetime: a flow is found under RCU only and has no reference count. It is
 * put into the table tuple by tuple, the original one last, and is LIVE from
 * then on. Whoever sets DYING, on a LIVE flow only, closes it: takes the tuples
 * out and frees it after a grace period. Taking a tuple out again does no harm,
 * so who meets a DYING flow helps, and then finds the table without it.
 */
struct rewire_flow {
	struct rewire_tuple tuple[REWIRE_DIRECTIONS];

	atomic64_t packets[REWIRE_DIRECTIONS];
	atomic64_t bytes[REWIRE_DIRECTIONS];
	u32 last_seen;
	u32 tracking;
	u32 dst_cookie[REWIRE_DIRECTIONS];
	unsigned long flags;
	u64 id;

	u64 decision;
	struct rewire_target *target;
	u32 target_generation;
	u32 policy;
	unsigned long created;
	int ifindex[REWIRE_DIRECTIONS];
	u32 timeout;
	u8 action;
	struct rcu_head rcu;
};

static_assert(sizeof(struct rewire_flow) == 256);

/**
 * struct rewire_flow_spec - what a new flow is made of
 * @key: by direction; of drop and pass entries the original one only
 * @action: what to do with its packets
 * @policy: see struct rewire_flow
 * @target: number of the target, or 0
 * @decision: see struct rewire_flow
 * @timeout: milliseconds, or 0
 * @ifindex: see struct rewire_flow
 */
struct rewire_flow_spec {
	struct rewire_key key[REWIRE_DIRECTIONS];
	enum rewire_flow_action action;
	u32 policy;
	u32 target;
	u64 decision;
	u32 timeout;
	int ifindex[REWIRE_DIRECTIONS];
};

/* flow_table.c */
extern const struct rhashtable_params rewire_flow_table_params;
int rewire_flow_table_init(struct rewire_net *ns);
void rewire_flow_table_exit(struct rewire_net *ns);
struct rewire_tuple *rewire_tuple_lookup(struct rewire_net *ns,
					 const struct rewire_key *key);
struct rewire_tuple *rewire_tuple_insert(struct rewire_net *ns,
					 struct rewire_tuple *tuple);
int rewire_tuple_replace(struct rewire_net *ns, struct rewire_tuple *old,
			 struct rewire_tuple *new);
bool rewire_tuple_remove(struct rewire_net *ns, struct rewire_tuple *tuple);
void rewire_flow_for_each(struct rewire_net *ns,
			  void (*call)(struct rewire_net *ns,
				       struct rewire_flow *flow, void *data),
			  void *data);
void rewire_flow_expiry_start(struct rewire_net *ns);

/* flow.c */
int rewire_flow_cache_create(void);
void rewire_flow_cache_destroy(void);
int rewire_flow_add(struct rewire_net *ns, const struct rewire_flow_spec *spec, u64 *id,
		    struct netlink_ext_ack *extack);
void rewire_flow_close(struct rewire_net *ns, struct rewire_flow *flow,
		       enum rewire_reason reason);
void rewire_flow_detach(struct rewire_net *ns, struct rewire_attach *attach);
bool rewire_flow_expired(const struct rewire_flow *flow);
unsigned long rewire_flow_timeout(const struct rewire_flow *flow);
void rewire_flow_count(struct rewire_flow *flow, enum rewire_direction direction,
		       unsigned int bytes);
void rewire_flow_account(struct rewire_flow *flow,
			 enum rewire_direction direction,
			 const struct rewire_packet *packet, unsigned int bytes);

/* tcp.c */
u32 rewire_tcp_next(u32 tracking, enum rewire_direction direction, u8 flags);
bool rewire_tcp_reuses(u32 tracking, u8 flags);

/* flow_netlink.c */
int rewire_flow_dump_start(struct netlink_callback *cb);
int rewire_flow_dump_done(struct netlink_callback *cb);

static inline enum rewire_flow_state rewire_tracking_state(u32 tracking)
{
	return tracking & 0xff;
}

static inline struct rewire_flow *rewire_tuple_flow(struct rewire_tuple *tuple)
{
	return container_of(tuple, struct rewire_flow, tuple[tuple->direction]);
}

static inline bool rewire_flow_is_live(const struct rewire_flow *flow)
{
	return (READ_ONCE(flow->flags) & (BIT(REWIRE_FLOW_LIVE) | BIT(REWIRE_FLOW_DYING))) ==
	       BIT(REWIRE_FLOW_LIVE);
}

#endif /* REWIRE_FLOW_H */

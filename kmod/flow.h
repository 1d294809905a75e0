/* SPDX-License-Identifier: GPL-2.0 */
/* Flows: the rewrite entry and the state record of a flow, as one object. */
#ifndef REWIRE_FLOW_H
#define REWIRE_FLOW_H

#include <linux/atomic.h>
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/jiffies.h>
#include <linux/netlink.h>
#include <linux/rhashtable.h>
#include <net/dst.h>
#include <uapi/linux/rewire.h>

#include "key.h"
#include "live.h"
#include "tally.h"
#include "timeout.h"

struct rewire_attach;
struct rewire_flow_extension;
struct rewire_hold;
struct rewire_net;
struct rewire_packet;
struct rewire_past;
struct rewire_policy;
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
 * @scale: of @window, as the sender's SYN said, see segment.h
 * @window: the largest that this direction's sender has advertised, not scaled
 */
struct rewire_tuple {
	struct rhash_head node;
	struct rewire_key key;
	struct dst_entry __rcu *dst;
	__be16 address_delta;
	__be16 port_delta;
	u8 direction;
	u8 scale;
	u16 window;
};

static_assert(sizeof(struct rewire_tuple) == 64);

/* Bits of struct rewire_flow.flags; the highest ones are the action. */
#define REWIRE_FLOW_LIVE	BIT(0)	/* all its tuples are in the table */
#define REWIRE_FLOW_DYING	BIT(1)	/* somebody has taken it on to close it */
#define REWIRE_FLOW_LOGGED	BIT(2)	/* in the log of changes, see change.c */
#define REWIRE_FLOW_ONE_WAY	BIT(3)	/* the reply tuple is not in the table */
#define REWIRE_FLOW_GONE	BIT(4)	/* closed, and its closer is done with it */
#define REWIRE_FLOW_REASON	GENMASK(29, 22)	/* of a closed one, enum rewire_reason */
#define REWIRE_FLOW_ACTION	GENMASK(31, 30)	/* enum rewire_flow_action */

/**
 * struct rewire_flow - a flow, in both directions
 * @tuple: by direction; drop and pass entries have the original one only
 * @tally: by direction; bytes from the network header on, as received
 * @last_seen: jiffies of the last packet, exact to HZ / 4; of drop and pass
 *	       entries, which packets do not keep alive, when they were made
 * @tracking: state, see tcp.c and tracking.h
 * @end: of TCP, the sequence number after the last one that a direction sent;
 *	 known when the tracking word says so
 * @ack: of TCP, the highest acknowledgment number that a direction sent; likewise
 * @flags: REWIRE_FLOW_ bits, see rewire_flow_action() and the like
 * @policy_id: number of the policy, whether there is an object or not
 * @id: number
 * @decision: the daemon's number of the decision
 * @created: see rewire_flow_age()
 * @timeout: idle time in jiffies that replaces those by protocol, or 0
 * @rcu: for the grace period before it is freed
 * @target: what it points at, or NULL; holds a reference
 * @policy: what applies to it; never NULL, holds a reference
 * @extension: what only some flows need, or NULL; owned, freed with the flow
 * @ifindex: by direction, the device that packets come in by, or 0
 * @dst_cookie: of the tuples' routes, for IPv6
 *
 * Two lines for looking up, by direction; one that packets write; and one with
 * the rest, which packets only read.
 *
 * Lifetime: a flow is found under RCU only and has no reference count. It is
 * put into the table tuple by tuple, the original one last, and is LIVE from
 * then on. Whoever sets DYING, on a LIVE flow only, closes it: takes the tuples
 * out and frees it after a grace period, or leaves that to the log of changes, see
 * change.c. Taking a tuple out again does no harm,
 * so who meets a DYING flow helps, and then finds the table without it.
 *
 * @rcu lies over what is written before the flow gets into the table and never
 * after: once DYING is set, @decision, @created and @timeout may be garbage.
 * Packets do not mind: what they do to a DYING flow is lost anyway. Who lets
 * these values out must read them first and then ask rewire_flow_was_live().
 */
struct rewire_flow {
	struct rewire_tuple tuple[REWIRE_DIRECTIONS];

	struct rewire_tally tally[REWIRE_DIRECTIONS];
	u32 last_seen;
	u32 tracking;
	u32 end[REWIRE_DIRECTIONS];
	u32 ack[REWIRE_DIRECTIONS];
	atomic_t flags;
	u32 policy_id;

	u64 id;
	union {
		struct {
			u64 decision;
			u32 created;
			u32 timeout;
		};
		struct rcu_head rcu;
	};
	struct rewire_target *target;
	struct rewire_policy *policy;
	struct rewire_flow_extension *extension;
	int ifindex[REWIRE_DIRECTIONS];
	u32 dst_cookie[REWIRE_DIRECTIONS];
};

static_assert(sizeof(struct rewire_flow) == 256);
static_assert(offsetof(struct rewire_flow, tally) == 128);
static_assert(offsetof(struct rewire_flow, id) == 192);

/**
 * struct rewire_flow_spec - what a new flow is made of
 * @key: by direction; of drop and pass entries the original one only
 * @action: what to do with its packets
 * @policy: number of the policy
 * @target: number of the target, or 0
 * @decision: see struct rewire_flow
 * @timeout: milliseconds, or 0
 * @ifindex: see struct rewire_flow
 * @one_way: no packet is to be found by the reply key
 * @reject: of a drop entry, what the sender of the packets that are held is told
 * @extension: for the new flow, which takes it over; or NULL
 * @past: what it has behind it, or NULL: nothing
 */
struct rewire_flow_spec {
	struct rewire_key key[REWIRE_DIRECTIONS];
	enum rewire_flow_action action;
	u32 policy;
	u32 target;
	u64 decision;
	u32 timeout;
	int ifindex[REWIRE_DIRECTIONS];
	bool one_way;
	u8 reject;
	struct rewire_flow_extension *extension;
	const struct rewire_past *past;
};

/**
 * struct rewire_place - where in the flow table a key is; one word, which is handed on by value
 * @hash: of the key
 * @seed: of the table that was asked: another one, of another size, has the key elsewhere
 */
struct rewire_place {
	u32 hash;
	u32 seed;
};

/* flow_table.c */
extern const struct rhashtable_params rewire_flow_table_params;
int rewire_flow_table_init(struct rewire_net *ns);
void rewire_flow_table_exit(struct rewire_net *ns);
void rewire_flow_table_reserve(struct rewire_net *ns);
u32 rewire_table_spread(struct rewire_net *ns);
struct rewire_tuple *rewire_tuple_lookup(struct rewire_net *ns,
					 const struct rewire_key *key);
struct rewire_place rewire_place_find(struct rewire_net *ns, const struct rewire_key *key);
struct rewire_place rewire_place_find_again(struct rewire_net *ns, const struct rewire_key *key);
void rewire_place_prefetch(struct rewire_net *ns, struct rewire_place place);
void rewire_place_prefetch_next(struct rewire_net *ns, const struct rewire_key *key,
				struct rewire_place place);
struct rewire_tuple *rewire_place_lookup(struct rewire_net *ns, const struct rewire_key *key,
					 struct rewire_place place);
struct rewire_tuple *rewire_tuple_insert(struct rewire_net *ns,
					 struct rewire_tuple *tuple);
int rewire_tuple_replace(struct rewire_net *ns, struct rewire_tuple *old,
			 struct rewire_tuple *new);
bool rewire_tuple_remove(struct rewire_net *ns, struct rewire_tuple *tuple);
void rewire_flow_for_each(struct rewire_net *ns,
			  void (*call)(struct rewire_net *ns,
				       struct rewire_flow *flow, void *data),
			  void *data);
int rewire_walk_start(struct rhashtable_iter *walk)
	__acquires(RCU);
struct rewire_tuple *rewire_walk_next(struct rhashtable_iter *walk);
void rewire_flow_expiry_start(struct rewire_net *ns);

/* flow.c */
int rewire_flow_cache_create(void);
void rewire_flow_cache_destroy(void);
gfp_t rewire_flow_payer(const struct rewire_net *ns);
struct rewire_flow *rewire_flow_new(struct rewire_net *ns, struct rewire_flow_spec *spec,
				    struct netlink_ext_ack *extack);
void rewire_flow_free(struct rewire_flow *flow);
int rewire_flow_add(struct rewire_net *ns, struct rewire_flow_spec *spec, u64 *id,
		    struct netlink_ext_ack *extack);
void rewire_flow_close(struct rewire_net *ns, struct rewire_flow *flow,
		       enum rewire_reason reason);
void rewire_flow_let_go(struct rewire_flow *flow);
bool rewire_flow_is_cut_off(struct rewire_net *ns, const struct rewire_flow *flow,
			    enum rewire_direction direction, const struct rewire_attach *attach);
void rewire_flow_detach(struct rewire_net *ns, struct rewire_attach *attach);
unsigned long rewire_flow_timeout(const struct rewire_flow *flow);
u64 rewire_flow_age(const struct rewire_flow *flow);
u64 rewire_flow_age_max(void);
enum rewire_class rewire_flow_class(const struct rewire_flow *flow);
enum rewire_class rewire_flow_class_in(const struct rewire_flow *flow,
				       enum rewire_flow_state state);
void rewire_flow_see(struct rewire_net *ns, struct rewire_flow *flow,
		     enum rewire_direction direction, const struct rewire_packet *packet);

/* flow_dump.c */
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

static inline bool rewire_flow_expired(const struct rewire_flow *flow)
{
	u32 idle = rewire_idle_since(jiffies, READ_ONCE(flow->last_seen));

	return unlikely(idle > REWIRE_STAMP_PERIOD) &&
	       rewire_idle_exceeds(idle, rewire_flow_timeout(flow));
}

static inline enum rewire_flow_action rewire_flow_action(const struct rewire_flow *flow)
{
	return FIELD_GET(REWIRE_FLOW_ACTION, (u32)atomic_read(&flow->flags));
}

static inline bool rewire_flow_is_live(const struct rewire_flow *flow)
{
	return (atomic_read(&flow->flags) & (REWIRE_FLOW_LIVE | REWIRE_FLOW_DYING)) ==
	       REWIRE_FLOW_LIVE;
}

static inline bool rewire_flow_is_dying(const struct rewire_flow *flow)
{
	return atomic_read(&flow->flags) & REWIRE_FLOW_DYING;
}

/* Whether what the caller has read of a flow until now was the flow's. */
static inline bool rewire_flow_was_live(const struct rewire_flow *flow)
{
	smp_rmb();	/* pairs with the full barrier of setting DYING */
	return rewire_flow_is_live(flow);
}

#endif /* REWIRE_FLOW_H */

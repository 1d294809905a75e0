/* SPDX-License-Identifier: GPL-2.0 */
/* Packets held for a flow that the daemon decides on. */
#ifndef REWIRE_HOLD_H
#define REWIRE_HOLD_H

#include <linux/skbuff.h>
#include <linux/spinlock.h>

#include "flow.h"
#include "lane.h"
#include "tunnel.h"

struct rewire_quota;
struct rewire_rule;

#define REWIRE_HOLD_PACKETS	16U		/* of one flow */
#define REWIRE_HOLD_BYTES	(256U << 10)	/* of one flow, buffers included */
#define REWIRE_HOLD_TIME	HZ

/**
 * enum rewire_hold_stage - how far the question is
 * @REWIRE_HOLD_QUEUED: in a lane
 * @REWIRE_HOLD_READY: its turn has come, but nobody could be asked
 * @REWIRE_HOLD_ASKED: being sent, or sent, and the answer is awaited
 * @REWIRE_HOLD_ENDED: the hold ends
 */
enum rewire_hold_stage {
	REWIRE_HOLD_QUEUED,
	REWIRE_HOLD_READY,
	REWIRE_HOLD_ASKED,
	REWIRE_HOLD_ENDED,
};

/**
 * struct rewire_hold - what stands in the table for a flow that is being decided
 * @tuple: in the flow table; its direction is REWIRE_HOLD
 * @lock: protects @packets, @bytes and @done
 * @packets: held, oldest first
 * @bytes: their bytes, buffers included
 * @done: it is out of the table, look the key up again
 * @list: in the list of @queue
 * @turn: where @stage says
 * @queue: the punt queue of the CPU that made it
 * @lane: of @queue, that it is in or was asked from
 * @client: of @lane
 * @limit: of its virtual network, with a reference
 * @since: jiffies when the first packet came
 * @sent: when it was asked about, in nanoseconds
 * @id: number of the punt
 * @policy: of the rule
 * @rule: number of the rule
 * @ifindex: the device that the first packet came in by, or REWIRE_IFINDEX_LOCAL
 * @remote: the far end of the tunnel that the first packet came through, if any
 * @tunnelled: whether there is a @remote
 * @length: of the first packet, from its network header on
 * @keep: whether packets are held, or dropped
 * @reason: enum rewire_punt_reason
 * @stage: enum rewire_hold_stage, under the queue's lock
 * @kind: enum rewire_turn
 * @score: how suspicious the first packet looked
 * @band: of the score, 0 is the least suspicious
 * @header_length: bytes in @header
 * @header: of the first packet, from its network header on
 * @rcu: for the grace period before it is freed
 *
 * Locks: the queue's lock is taken outside of @lock.
 *
 * Lifetime: found under RCU in the table, or under the queue's lock in its
 * list. Whoever takes the tuple out of the table, or replaces it by the flow's,
 * owns the hold and must end it: rewire_hold_release() or rewire_hold_drop().
 */
struct rewire_hold {
	struct rewire_tuple tuple;
	spinlock_t lock;	/* packets, bytes, done */
	struct sk_buff_head packets;
	unsigned int bytes;
	bool done;

	struct list_head list;
	struct list_head turn;
	struct rewire_punt_queue *queue;
	struct rewire_lane *lane;
	struct rewire_client *client;
	struct rewire_quota *limit;
	unsigned long since;
	u64 sent;
	u64 id;
	u32 policy;
	u32 rule;
	int ifindex;
	struct rewire_remote remote;
	bool tunnelled;
	u32 length;
	u32 score;
	bool keep;
	u8 reason;
	u8 stage;
	u8 kind;
	u8 band;
	u8 header_length;
	u8 header[REWIRE_PUNT_HEADER_MAX];
	struct rcu_head rcu;
};

/**
 * enum rewire_hold_result - what became of a packet
 * @REWIRE_HOLD_KEPT: it is held
 * @REWIRE_HOLD_DROPPED: it was dropped, and counted
 * @REWIRE_HOLD_AGAIN: the table has changed, look the key up again
 */
enum rewire_hold_result {
	REWIRE_HOLD_KEPT,
	REWIRE_HOLD_DROPPED,
	REWIRE_HOLD_AGAIN,
};

/* The host's own packet that the output hook has to let by, on this CPU. */
DECLARE_PER_CPU(struct sk_buff *, rewire_let_by);

int rewire_hold_cache_create(void);
void rewire_hold_cache_destroy(void);
enum rewire_hold_result rewire_hold_new(struct rewire_net *ns, struct sk_buff *skb,
					const struct rewire_packet *packet,
					const struct rewire_rule *rule,
					enum rewire_punt_reason reason);
enum rewire_hold_result rewire_hold_join(struct rewire_net *ns,
					 struct rewire_hold *hold,
					 struct sk_buff *skb,
					 const struct rewire_packet *packet);
bool rewire_hold_would_join(struct rewire_net *ns, struct rewire_hold *hold,
			    const struct sk_buff *skb, const struct rewire_packet *packet,
			    enum rewire_reason *reason);
void rewire_hold_continue(struct rewire_net *ns, struct sk_buff *skb, int ifindex);
void rewire_hold_release(struct rewire_net *ns, struct rewire_hold *hold);
void rewire_hold_drop(struct rewire_net *ns, struct rewire_hold *hold,
		      enum rewire_reason reason);
void rewire_hold_reject(struct rewire_net *ns, struct rewire_hold *hold,
			enum rewire_reject how);
void rewire_hold_detach(struct rewire_net *ns, int ifindex);
void rewire_hold_init(struct rewire_net *ns);
void rewire_hold_exit(struct rewire_net *ns);

static inline struct rewire_hold *rewire_tuple_hold(struct rewire_tuple *tuple)
{
	return container_of(tuple, struct rewire_hold, tuple);
}

#endif /* REWIRE_HOLD_H */

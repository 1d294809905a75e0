// SPDX-License-Identifier: GPL-2.0
/*
 * A walk over all flows that may rest: rhashtable's, which by itself leaves out
 * the neighbours of what is removed while it rests, and so that a flow comes up
 * once.
 */
#include <linux/sched.h>

#include "flow_netlink.h"

/* Flows that a walk rests after, at the latest. */
#define REWIRE_WALK_REST	4096

void rewire_flow_walk_enter(struct rewire_flow_walk *walk, struct rewire_net *ns)
{
	walk->ns = ns;
	walk->count = 0;
	walk->slot = 0;
	walk->taken = 0;
	rhashtable_walk_enter(&ns->flows, &walk->table);
}

void rewire_flow_walk_exit(struct rewire_flow_walk *walk)
{
	rhashtable_walk_exit(&walk->table);
}

/**
 * rewire_flow_walk_start() - go on after a rest
 * @walk: the walk
 *
 * Takes the RCU read lock. Return: whether the walk begins again.
 */
bool rewire_flow_walk_start(struct rewire_flow_walk *walk)
	__acquires(RCU)
{
	const struct rhash_head *rested = walk->table.p;

	if (rewire_walk_start(&walk->table) == -EAGAIN) {
		walk->count = 0;
		return true;
	}
	/* What it rested on is gone, and with it the place in the bucket. */
	if (rested && !walk->table.p)
		walk->table.skip = 0;
	return false;
}

void rewire_flow_walk_stop(struct rewire_flow_walk *walk)
	__releases(RCU)
{
	rhashtable_walk_stop(&walk->table);
}

static bool rewire_flow_walk_gave(const struct rewire_flow_walk *walk, u64 id)
{
	unsigned int i, n = min_t(unsigned int, walk->count, ARRAY_SIZE(walk->given));

	if (walk->slot != walk->table.slot)
		return false;
	for (i = 0; i < n; i++) {
		if (walk->given[i] == id)
			return true;
	}
	return false;
}

/**
 * rewire_flow_walk_peek() - the next flow
 * @walk: the walk, which stays where it is until the flow is taken
 * @again: set when the walk begins again
 *
 * Return: a live flow, or NULL at the end.
 */
struct rewire_flow *rewire_flow_walk_peek(struct rewire_flow_walk *walk, bool *again)
{
	struct rewire_tuple *tuple;
	struct rewire_flow *flow;

	for (tuple = rhashtable_walk_peek(&walk->table); tuple;
	     tuple = rewire_walk_next(&walk->table)) {
		if (IS_ERR(tuple)) {
			walk->count = 0;
			*again = true;
			continue;
		}
		if (tuple->direction != REWIRE_ORIG)
			continue;
		flow = rewire_tuple_flow(tuple);
		if (rewire_flow_is_live(flow) && !rewire_flow_expired(flow) &&
		    !rewire_flow_walk_gave(walk, flow->id))
			return flow;
	}
	return NULL;
}

/**
 * rewire_flow_walk_take() - the flow just looked at need not come up again
 * @walk: the walk, which rests when others want the processor: the next flow that somebody
 *	asks for may be a million away
 * @flow: the flow, which is out of reach now
 * @again: set when the walk begins again
 */
void rewire_flow_walk_take(struct rewire_flow_walk *walk, const struct rewire_flow *flow,
			   bool *again)
	__releases(RCU) __acquires(RCU)
{
	if (walk->slot != walk->table.slot) {
		walk->slot = walk->table.slot;
		walk->count = 0;
	}
	walk->given[walk->count++ % ARRAY_SIZE(walk->given)] = flow->id;
	/* Kernels that preempt it do not ask for a rest, but wait for its RCU read side to end. */
	if (need_resched() || !(++walk->taken % REWIRE_WALK_REST)) {
		rewire_flow_walk_stop(walk);
		cond_resched();
		*again |= rewire_flow_walk_start(walk);
	}
}

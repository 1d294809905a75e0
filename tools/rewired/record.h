/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_RECORD_H
#define REWIRED_RECORD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <urcu/compiler.h>
#include <urcu/list.h>
#include <urcu/rculfhash.h>

#include "types.h"

/* States of a record, see memory.h. */
enum record_state {
	RECORD_NEW,			/* not under both its keys yet, and so not to be found */
	RECORD_PENDING,			/* a handler asks the kernel for the flow */
	RECORD_LIVE,			/* the kernel has it, as far as is known */
	RECORD_KEPT,			/* the kernel has lost it; it may come back */
	RECORD_DEAD,			/* nobody finds it any more */
};

struct record_side {
	struct cds_lfht_node node;
	uint32_t direction;
	_Atomic uint32_t ifindex;
};

/* There may be millions: it has no padding, and of a flow what a verdict needs. */
struct record {
	struct record_side sides[2];	/* by the original key, and by the reply's */
	struct rw_tuple orig, reply;	/* neither these nor what the flow is for change */
	uint32_t policy, target;
	uint64_t decision;

	_Atomic uint64_t id;		/* highest number that the kernel told of, 0: none yet */
	_Atomic uint64_t stale;		/* flows up to this number are not what it is about now */
	_Atomic int64_t until;		/* when a kept one is too old */
	_Atomic uint32_t round;		/* of lists of all flows, when it was last seen or asked for */
	_Atomic int state;
	struct record *next;		/* on the way to the state thread, when queued */

	/* The state thread's */
	struct record *next_dead;	/* of those that are buried */
	struct cds_list_head kept;	/* in the wheel, or empty */
	struct cds_list_head unguarded;	/* see guard.h; or empty */
	int64_t expires;		/* when the kernel would have ended it */
	uint32_t rule;			/* its guard's, or 0 */
	bool buried;			/* out of the table, waits to be freed */
	bool holds_port;		/* as no flow does */
	bool worth;			/* it was established when it was last seen */

	_Atomic bool queued;		/* not the state thread's alone */
};

_Static_assert(sizeof(void *) > 4 ? sizeof(struct record) == 248 : 1, "a record has padding");

/* Whether a verdict brings the whole flow back by what a record has of it. */
bool record_takes(const struct rw_flow_spec *spec);
/* The flow that a record is about, on no certain devices. */
struct rw_flow_spec record_flow(const struct record *record);

/* Whether the kernel has told of the flow that a live record is about now. */
static inline bool record_is_told(const struct record *record)
{
	return atomic_load(&record->id) > atomic_load(&record->stale);
}

/* By direction */
static inline const struct rw_tuple *record_key(const struct record *record, unsigned int direction)
{
	return direction ? &record->reply : &record->orig;
}

static inline struct record *node_record(struct cds_lfht_node *node)
{
	struct record_side *side = caa_container_of(node, struct record_side, node);

	return caa_container_of(side - side->direction, struct record, sides[0]);
}

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_MEMORY_H
#define REWIRED_MEMORY_H

#include <stdatomic.h>
#include <urcu.h>
#include <urcu/list.h>
#include <urcu/rculfhash.h>

#include "types.h"

/*
 * What was decided about the flows that there are, so that one that the kernel has
 * lost while its ends still talk gets the same translation again. The memory is
 * bounded, and is read and written without a lock: handlers note what they decide and
 * recall what they are asked for, within a section of RCU; the state thread learns
 * what became of flows from the kernel, and alone takes records out and frees them.
 *
 *            note                confirm             ended
 *   (none) ───────▶ PENDING ───────────────▶ LIVE ───────────▶ KEPT ──▶ DEAD
 *                    ▲   └── drop ▶ DEAD      │   final ▶ DEAD   │ too old
 *                    └───────── recall ───────┴──────────────────┘
 *
 * Each arrow is one compare-and-exchange, so who comes second finds another state, and
 * leaves it.
 */
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

/* Of a kept record that an operator deleted, or of which nothing better is known. */
#define MEMORY_BRIEFLY	60000		/* milliseconds */

struct memory;

/* Max is of records. */
struct memory *memory_new(uint32_t max);
void memory_free(struct memory *memory);

/* Whether a verdict brings the whole flow back by what a record has of it. */
bool memory_takes(const struct rw_flow_spec *spec);
/* The flow that a record is about, on no certain devices. */
struct rw_flow_spec record_flow(const struct record *record);

/* Whether the kernel has told of the flow that a live record is about now. */
static inline bool record_is_told(const struct record *record)
{
	return atomic_load(&record->id) > atomic_load(&record->stale);
}

/* By handlers, within a section of RCU in which the kernel also answers. */
/* What is about to be asked for; NULL when there is no room. */
struct record *memory_note(struct memory *memory, const struct rw_flow_spec *spec);
/* The flow that has this key in either direction, to be asked for again; or NULL. */
struct record *memory_recall(struct memory *memory, const struct rw_tuple *key);
void memory_confirm(struct memory *memory, struct record *record);
/* The kernel refused what was noted. */
void memory_drop(struct memory *memory, struct record *record);
/* It may have. */
void memory_doubt(struct memory *memory, struct record *record, int64_t now);
/* It cannot have what was recalled now. Asking again and again does not make it last longer. */
void memory_put_off(struct memory *memory, struct record *record, int64_t now);

/* By the state thread; now is in milliseconds. */
typedef void memory_fn(const struct record *record, void *data);
typedef void memory_port_fn(const struct record *record, bool held, void *data);

/* Before the first list, about how many flows it will have. */
void memory_expect(struct memory *memory, uint64_t flows);
/* A flow that is there. */
void memory_seen(struct memory *memory, const struct rw_flow *flow, int64_t now);
/* One that has ended. Returns whether it may come back, so that its port is taken. */
bool memory_ended(struct memory *memory, const struct rw_flow *flow, uint32_t reason,
		  int64_t now);
/* Around a list of all flows: what is not seen in between has ended. */
void memory_list_begin(struct memory *memory);
void memory_list_end(struct memory *memory, int64_t now);
/* The kernel has lost all flows, and their numbers begin anew. */
void memory_lost(struct memory *memory, int64_t now);
/* Forget what is too old, free what is dead. Port is told when a record begins or ends to hold one. */
void memory_tick(struct memory *memory, int64_t now, memory_port_fn *port, void *data);
/* Each record that is not dead. */
void memory_each(struct memory *memory, memory_fn *fn, void *data);

/* The next kept record without a guard, taken off the list; or NULL. */
struct record *memory_unguarded(struct memory *memory);
/* Whether there are such records. */
bool memory_has_unguarded(struct memory *memory);
void memory_put_back(struct memory *memory, struct record *record);
/* Guards may be gone from the kernel: those whose rules are want another one. */
typedef bool memory_rule_fn(uint32_t rule, void *data);
void memory_unguard(struct memory *memory, memory_rule_fn *is_gone, void *data);
/* The next rule that guards nothing any more; or 0. */
uint32_t memory_idle_guard(struct memory *memory);

/* Any thread. */
struct memory_status {
	uint32_t records, kept;
	uint64_t unremembered;		/* flows for which there was no room */
};

void memory_status(const struct memory *memory, struct memory_status *status);

#endif

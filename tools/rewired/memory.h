/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_MEMORY_H
#define REWIRED_MEMORY_H

#include <urcu.h>

#include "record.h"

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

/* Of a kept record that an operator deleted, or of which nothing better is known. */
#define MEMORY_BRIEFLY	60000		/* milliseconds */

struct memory;

/* Max is of records. */
struct memory *memory_new(uint32_t max);
void memory_free(struct memory *memory);

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
/* No guard is in the kernel any more: who had one wants another one. */
void memory_unguard(struct memory *memory);
/* The next rule that guards nothing any more; or 0. */
uint32_t memory_idle_guard(struct memory *memory);

/* Any thread. */
struct memory_status {
	uint32_t records, kept;
	uint64_t unremembered;		/* flows for which there was no room */
};

void memory_status(const struct memory *memory, struct memory_status *status);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_LOAD_H
#define REWIRED_LOAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * How many flows a backend has: as many as the kernel last told, and those that were
 * decided since then, as far as what it told may not have them.
 *
 * Decisions count in one of two phases. To look, the state thread begins the other
 * phase and waits until no handler is in the middle of a batch of the phase before: a
 * handler is done with a batch when the kernel has answered it. So what the kernel
 * tells from then on has all decisions of the phase before, which are forgotten. Those
 * of the new phase that it has already count twice until the next look.
 *
 * A backend's load outlives the snapshots that have the backend.
 */
struct load {
	_Atomic unsigned int references;
	_Atomic uint32_t flows;		/* at the last look */
	_Atomic uint32_t recent[2];	/* decided, by phase */
	/* The state thread's */
	uint32_t told;			/* during a look */
	uint32_t closing;		/* flows that are there until they are forgotten, but over */
};

struct load *load_new(void);
struct load *load_get(struct load *load);
void load_put(struct load *load);

/* By any handler, within a batch of this phase: a flow was decided, or came to nothing. */
static inline void load_add(struct load *load, unsigned int phase)
{
	atomic_fetch_add(&load->recent[phase & 1], 1);
}

static inline void load_remove(struct load *load, unsigned int phase)
{
	atomic_fetch_sub(&load->recent[phase & 1], 1);
}

static inline uint64_t load_total(const struct load *load)
{
	return (uint64_t)atomic_load(&load->flows) + atomic_load(&load->recent[0]) +
	       atomic_load(&load->recent[1]);
}

/* By the state thread: what the kernel told has all that was decided before this phase. */
void load_told(struct load *load, unsigned int phase);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_LOAD_H
#define REWIRED_LOAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "generation.h"

/*
 * How many flows a backend has: as many as the kernel last told, without those that are
 * closing, and those that were decided since then, as far as what it told may not have
 * them. The latter are counted by generation (metadata.h). What was decided between the
 * question and the answer counts twice until the next summary, but each counts.
 *
 * A backend's load outlives the snapshots that have the backend.
 */
struct load {
	_Atomic unsigned int references;
	_Atomic uint32_t flows;			/* in the last summary of flows */
	_Atomic int32_t decided;		/* the sum of these: */
	_Atomic int32_t recent[GENERATIONS];
	uint32_t told;				/* the state thread's, until the rotation */
};

struct load *load_new(void);
struct load *load_get(struct load *load);
void load_put(struct load *load);

/* By any handler: a flow was decided, or came to nothing. */
static inline void load_add(struct load *load, unsigned int place)
{
	atomic_fetch_add(&load->decided, 1);
	atomic_fetch_add(&load->recent[place], 1);
}

/* Its place may have been cleared before, and is below 0 then, until the next time. */
static inline void load_remove(struct load *load, unsigned int place)
{
	atomic_fetch_sub(&load->decided, 1);
	atomic_fetch_sub(&load->recent[place], 1);
}

static inline uint64_t load_total(const struct load *load)
{
	int64_t total = (int64_t)atomic_load(&load->flows) + atomic_load(&load->decided);

	return total > 0 ? total : 0;
}

/* By the state thread: what it was told counts from now on. */
void load_rotate(struct load *load, const struct rotation *rotation);

#endif

// SPDX-License-Identifier: GPL-2.0
/* Which backend gets the next flow. */

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "maglev.h"
#include "schedule.h"

struct schedule {
	enum scheduler scheduler;
	uint32_t count;			/* of slots; 0, there is no candidate */
	_Atomic uint32_t next;		/* round robin's, and where least begins to look */
	struct candidate *candidates;	/* of least */
	uint16_t slots[];
};

static struct schedule *schedule_alloc(enum scheduler scheduler, uint32_t count)
{
	struct schedule *schedule = allocate(1, sizeof(*schedule) + count * sizeof(uint16_t));

	schedule->scheduler = scheduler;
	schedule->count = count;
	return schedule;
}

static struct schedule *maglev_new(enum scheduler scheduler, const struct candidate *candidates,
				   unsigned int count)
{
	struct schedule *schedule = schedule_alloc(scheduler, MAGLEV_SLOTS);
	struct maglev_backend *backends = allocate(count, sizeof(*backends));
	unsigned int i;

	for (i = 0; i < count; i++)
		backends[i] = (struct maglev_backend){
			.id = candidates[i].id,
			.weight = candidates[i].weight,
			.value = candidates[i].index,
		};
	maglev_fill(schedule->slots, backends, count);
	free(backends);
	return schedule;
}

/* A candidate's turn number k of w is due at (k + 1/2) / w of the cycle: turns lie evenly. */
struct turn {
	uint32_t twice, weight;		/* 2 k + 1, w */
	uint16_t index;
};

static int by_due(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;
	uint64_t left = (uint64_t)x->twice * y->weight, right = (uint64_t)y->twice * x->weight;

	if (left != right)
		return left < right ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
	uint32_t rest;

	while (b) {
		rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

static struct schedule *round_robin_new(const struct candidate *candidates, unsigned int count)
{
	uint32_t total = 0, divisor = 0, place = 0, k, weight;
	struct schedule *schedule;
	struct turn *turns;
	unsigned int i;

	for (i = 0; i < count; i++) {
		total += candidates[i].weight;
		divisor = common_divisor(divisor, candidates[i].weight);
	}
	total /= divisor;
	schedule = schedule_alloc(SCHEDULER_ROUND_ROBIN, total);
	turns = allocate(total, sizeof(*turns));
	for (i = 0; i < count; i++) {
		weight = candidates[i].weight / divisor;
		for (k = 0; k < weight; k++)
			turns[place++] = (struct turn){ 2 * k + 1, weight, candidates[i].index };
	}
	qsort(turns, total, sizeof(*turns), by_due);
	for (k = 0; k < total; k++)
		schedule->slots[k] = turns[k].index;
	free(turns);
	return schedule;
}

static struct schedule *least_new(const struct candidate *candidates, unsigned int count)
{
	struct schedule *schedule = schedule_alloc(SCHEDULER_LEAST, 0);

	schedule->count = count;
	schedule->candidates = allocate(count, sizeof(*candidates));
	memcpy(schedule->candidates, candidates, count * sizeof(*candidates));
	return schedule;
}

struct schedule *schedule_new(enum scheduler scheduler, const struct candidate *candidates,
			      unsigned int count)
{
	if (!count)
		return schedule_alloc(scheduler, 0);
	switch (scheduler) {
	case SCHEDULER_ROUND_ROBIN:
		return round_robin_new(candidates, count);
	case SCHEDULER_LEAST:
		return least_new(candidates, count);
	default:
		return maglev_new(scheduler, candidates, count);
	}
}

void schedule_go_on(struct schedule *schedule, const struct schedule *from)
{
	if (schedule && from)
		atomic_store(&schedule->next, atomic_load(&from->next));
}

void schedule_free(struct schedule *schedule)
{
	if (schedule)
		free(schedule->candidates);
	free(schedule);
}

/* Where one more flow weighs least; of equals, each in its turn. */
static int choose_least(struct schedule *schedule)
{
	uint32_t start = atomic_fetch_add(&schedule->next, 1) % schedule->count, i;
	const struct candidate *candidate, *least = NULL;
	uint64_t flows, fewest = 0;

	for (i = 0; i < schedule->count; i++) {
		candidate = &schedule->candidates[(start + i) % schedule->count];
		flows = load_total(candidate->load) + 1;
		if (least && flows * least->weight >= fewest * candidate->weight)
			continue;
		least = candidate;
		fewest = flows;
	}
	return least->index;
}

int schedule_choose(struct schedule *schedule, uint64_t hash)
{
	if (!schedule->count)
		return -1;
	switch (schedule->scheduler) {
	case SCHEDULER_ROUND_ROBIN:
		return schedule->slots[atomic_fetch_add(&schedule->next, 1) % schedule->count];
	case SCHEDULER_LEAST:
		return choose_least(schedule);
	default:
		return schedule->slots[hash % schedule->count];
	}
}

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_SCHEDULE_H
#define REWIRED_SCHEDULE_H

#include <stdint.h>

#include "load.h"

#define SCHEDULE_BACKENDS_MAX	1024
#define SCHEDULE_WEIGHT_MAX	256

enum scheduler {
	SCHEDULER_MAGLEV,
	SCHEDULER_ROUND_ROBIN,
	SCHEDULER_LEAST,		/* whoever has the fewest flows for its weight */
	SCHEDULER_SOURCE,		/* Maglev by the client alone */
};

/* A backend that may get new flows. */
struct candidate {
	uint32_t id;
	uint32_t weight;		/* 1 to SCHEDULE_WEIGHT_MAX */
	uint16_t index;			/* what schedule_choose returns */
	const struct load *load;	/* for SCHEDULER_LEAST; outlives the schedule */
};

/* Immutable but for a position; any thread may choose. */
struct schedule;

struct schedule *schedule_new(enum scheduler scheduler, const struct candidate *candidates,
			      unsigned int count);
void schedule_free(struct schedule *schedule);
/* Take turns from where another one is. Either may be NULL. */
void schedule_go_on(struct schedule *schedule, const struct schedule *from);

/* A candidate's index, -1 when there are none. Hash is the flow's, or for SCHEDULER_SOURCE the client's. */
int schedule_choose(struct schedule *schedule, uint64_t hash);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_RETIRED_H
#define REWIRED_RETIRED_H

#include <stdint.h>

#include "targets.h"

struct snapshot;

/*
 * Targets whose backends have left the configuration. They drain, and are deleted when they have
 * had no flow for some time, in which flows that were saved may be restored. The state thread's.
 */
struct retired_target {
	uint32_t id;
	int64_t used;			/* when it was last known to have flows, by clock_now() */
};

struct retired {
	struct retired_target *list;
	unsigned int count, room;
};

#define RETIRED_REST	30000		/* milliseconds without a flow */

void retired_add(struct retired *retired, uint32_t id, int64_t now);
/* Forget those that the kernel has not, or that are a snapshot's again. */
void retired_update(struct retired *retired, const struct targets *targets,
		    const struct snapshot *snapshot, int64_t now);
/* Whether it has rested. */
bool retired_is_over(const struct retired_target *target, int64_t now);
void retired_free(struct retired *retired);

#endif

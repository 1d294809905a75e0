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
	int64_t empty;			/* when it was first seen without flows, by clock_now(); 0, it has some */
};

struct retired {
	struct retired_target *list;	/* by id */
	unsigned int count, room;
};

#define RETIRED_REST	30000		/* milliseconds without a flow */

/* Also those that are known, whose time begins again. */
void retired_add(struct retired *retired, const uint32_t *ids, unsigned int count);
/* Those that are a snapshot's backends again. */
void retired_forget(struct retired *retired, const struct snapshot *snapshot);
/*
 * By the kernel's targets. Who makes one active has taken it over. One that is not there may be
 * restored, with the rest of a module's objects.
 */
void retired_update(struct retired *retired, const struct targets *targets, int64_t now);
/* The module has lost all flows: their time to come back begins. */
void retired_begin_again(struct retired *retired);
/* Whether it has rested. */
bool retired_is_over(const struct retired_target *target, int64_t now);
void retired_free(struct retired *retired);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_ATTEMPT_H
#define REWIRED_ATTEMPT_H

#include <uv.h>

#include "probe.h"
#include "way.h"

/* One check of one address, by the prober thread. */
struct attempt {
	uv_loop_t *loop;
	const struct probe *probe;	/* stays until the attempt is stopped */
	struct way way;
	/* Called once at most, not by attempt_start; the attempt is to be stopped then */
	void (*done)(struct attempt *attempt, enum check_result result, const char *reason);
	void *data;			/* of who started it */

	uv_poll_t poll;
};

/* Takes over a way that is open. -1 and a sentence: it could not be made, and is stopped. */
struct attempt *attempt_start(const struct attempt *like, struct error *error);
/* Ends it, done or not; it is freed later. */
void attempt_stop(struct attempt *attempt);

#endif

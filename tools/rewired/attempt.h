/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_ATTEMPT_H
#define REWIRED_ATTEMPT_H

#include <uv.h>

#include "probe.h"
#include "way.h"

struct http;
struct runner;

/* One check of one address, by the prober thread. */
struct attempt {
	uv_loop_t *loop;
	struct http *http;
	struct runner *runner;
	const struct probe *probe;	/* stays until the attempt is stopped */
	struct way way;
	/* Called once at most, not by attempt_start; the attempt is to be stopped then */
	void (*done)(struct attempt *attempt, enum check_result result, const char *reason);
	void *data;			/* of who started it */

	void *work;			/* of who does it */
};

/*
 * What types of checks differ in. Start returns -1 and a sentence when the check cannot be
 * made. Stop follows in any case, once; the way's socket is closed by then or later.
 */
struct attempt_kind {
	int (*start)(struct attempt *attempt, struct error *error);
	void (*stop)(struct attempt *attempt);
};

extern const struct attempt_kind attempt_tcp, attempt_ping, attempt_http, attempt_command;

/* Takes over a way that is open. NULL and a sentence: it cannot be made. */
struct attempt *attempt_start(const struct attempt *like, struct error *error);
/* Ends and frees it, done or not. */
void attempt_stop(struct attempt *attempt);

#endif

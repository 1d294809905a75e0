/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_PUNT_H
#define REWIRED_PUNT_H

#include "decide.h"
#include "engine.h"
#include "log.h"
#include "takeover.h"

#define HANDLERS_MAX		64
#define PUNT_ATTEMPTS_MAX	16	/* ports tried while the kernel has the keys in use */

enum counter {
	COUNT_PUNTS,
	COUNT_FLOWS,			/* verdicts that made a flow */
	COUNT_UNKNOWN_POLICY,		/* verdicts to drop, by outcome, in its order */
	COUNT_MISMATCH,
	COUNT_UNSUPPORTED,
	COUNT_NO_BACKEND,
	COUNT_EXHAUSTED,
	COUNT_STALE,
	COUNT_LIMITED,
	COUNT_UNMAPPED,
	COUNT_FILTERED,
	COUNT_FORGOTTEN,
	COUNT_RETRIES,			/* verdicts repeated with another port */
	COUNT_RECALLED,			/* flows that got the translation that they had */
	COUNT_GAVE_UP,			/* punts dropped after the last attempt */
	COUNT_EXISTING,			/* flows that someone else made meanwhile */
	COUNT_FAILED,			/* verdicts that the kernel refused otherwise */
	COUNT_RECEIVES,			/* calls for punts */
	COUNT_BATCHES,			/* messages with verdicts */
	COUNT_LOST,			/* messages with verdicts whose answer did not come */
	COUNT_OVERRUNS,			/* times that a socket had no room for punts */
	COUNTERS
};

extern const char *const counter_names[COUNTERS];

/* The threads that answer punts. */
struct handlers;

/* Open the gate: punts queue up from now on. NULL and a sentence, when another daemon has it, too. */
struct handlers *handlers_open(struct engine *engine, unsigned int count, struct error *error);
/*
 * With sockets that listen already, of another daemon: one handler each. They are the
 * handlers' then, but the kernel's punts are the other daemon's until handlers_own.
 */
struct handlers *handlers_adopt(struct engine *engine, struct sockets *sockets, struct error *error);
/* Not started, they get sockets from another process, or back from one. 0 or -1. */
int handlers_own(struct handlers *handlers, struct error *error);
void handlers_start(struct handlers *handlers);
/* When it returns, what they had received is answered. They may be started again. */
void handlers_stop(struct handlers *handlers);
/* Copies of their sockets, at most HANDLERS_MAX, which are the caller's to close. Returns how many. */
unsigned int handlers_sockets(struct handlers *handlers, int *fds);
/* Stops and frees them, started or not. */
void handlers_close(struct handlers *handlers);

unsigned int handlers_number(const struct handlers *handlers);
void handlers_count(const struct handlers *handlers, uint64_t counts[COUNTERS]);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_PROBER_H
#define REWIRED_PROBER_H

#include "engine.h"
#include "state.h"

/*
 * The thread that checks backends. It waits for nothing but its event loop and the
 * kernel's answers to its own requests, and what it finds out it tells the state thread.
 */
struct prober;

#define PROBER_ATTEMPTS_MAX	128	/* checks at a time; others wait for their turn */

/* Runner is the socket of runner_fork, which is taken over. */
struct prober *prober_new(struct engine *engine, int runner);
void prober_start(struct prober *prober, struct state *state);
/* Any thread, also of one that is not there or not started: the snapshot is another. */
void prober_wake(struct prober *prober);
/* From then on it does not use the state, until it is started again; */
void prober_stop(struct prober *prober);
/* when it is stopped, and nobody wakes it any more, it may be freed. */
void prober_free(struct prober *prober);

#endif

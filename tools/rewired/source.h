/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_SOURCE_H
#define REWIRED_SOURCE_H

#include "decide.h"

/*
 * The public side of flows. Each returns the outcome, and has put what was taken into
 * the decision.
 */

/* A public address and port for a flow, whose reply key is complete but for these. */
enum outcome source_choose(struct decider *decider, const struct snapshot *snapshot,
			   const struct service *service, unsigned int attempt,
			   struct decision *decision);
/*
 * A packet to an address of a pool, from outside or, turned around, from inside: the
 * flow's reply key becomes that of the endpoint that is mapped there.
 */
enum outcome source_enter(struct decider *decider, const struct snapshot *snapshot,
			  const struct rw_tuple *packet, struct decision *decision);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_DECIDE_H
#define REWIRED_DECIDE_H

#include "affinity.h"
#include "metadata.h"
#include "replicate.h"
#include "siphash.h"
#include "snapshot.h"

enum outcome {
	OUTCOME_FLOW,
	OUTCOME_UNKNOWN_POLICY,		/* no service has the punt's policy number */
	OUTCOME_MISMATCH,		/* the service with this number does not match */
	OUTCOME_UNSUPPORTED,		/* not a kind of packet that begins a flow */
	OUTCOME_NO_BACKEND,		/* all are draining or down, or of the other family */
	OUTCOME_EXHAUSTED,		/* no address of the pool has a port left */
	OUTCOME_STALE,			/* too little is known of flows to take a port */
	OUTCOME_LIMITED,		/* the client may have no more of the pool */
	OUTCOME_UNMAPPED,		/* a pool's port that serves nobody */
	OUTCOME_FILTERED,		/* one that does, but does not let this far end in */
	OUTCOME_FORGOTTEN,		/* the far end of a flow that may not come back any more */
	OUTCOMES
};

/* How long the kernel drops a flow that was refused before it asks again, in milliseconds. */
#define DECIDE_DROP_LIFETIME	1000

struct decision {
	enum outcome outcome;
	struct rw_verdict verdict;
	struct lease *leases[2];	/* what it takes of pools: see binding.h */
	unsigned int lease_count;
	struct load *load;		/* where it counts as decided; NULL, nowhere */
	unsigned int place;		/* of the local summary that it is noted in */
	struct record *record;		/* of the memory; NULL, it has none */
	bool recalled;			/* it was decided before */
};

/*
 * A thread's means to decide: a function of the snapshot, the punt, the backends'
 * loads and the clients' affinities, and for the port of chance. Attempt is 0, and grows when the kernel had the
 * answer's key in use.
 */
struct decider {
	struct random random;
	struct metadata *metadata;
	struct bindings *bindings;
	struct affinity *affinity;
	/* Of the batch in hand */
	int64_t now;			/* milliseconds of the monotonic clock */
	bool stale;			/* pools give no ports */
	struct replicas replicas;
};

void decide(struct decider *decider, const struct snapshot *snapshot, const struct rw_punt *punt,
	    unsigned int attempt, struct decision *decision);

/*
 * The flow of a check of a backend's port: what a client's at orig would be, were it sent there.
 * It has no target, since one that is down must be reached, too. False, no port is left.
 */
bool decide_probe(struct decider *decider, const struct snapshot *snapshot,
		  const struct service *service, const struct backend *backend,
		  uint16_t port, const struct rw_tuple *orig, struct decision *decision);

/* The kernel is about to be asked for the flow: the watermark says when what it takes may end. */
void decide_hand_over(struct decider *decider, const struct decision *decision);

/* Make it a drop, for a punt that gets no flow after all. */
void decide_drop(struct decision *decision, enum outcome outcome, const struct rw_punt *punt);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_AFFINITY_H
#define REWIRED_AFFINITY_H

#include <stdint.h>

#include "types.h"

/*
 * Which backend a client of a service has been with. Handlers find and claim within a
 * section of RCU, without a lock; the state thread alone forgets, and frees after a
 * grace period. A record does not change, but for the time that it lives: who moves a
 * client ends its record and adds another.
 *
 * It is bounded: a client that finds no room is scheduled anew each time, and counted.
 * Nothing is saved, since flows tell of it: a daemon that starts learns from them.
 */
struct affinity;

/* It has no padding, so that it hashes and compares as memory. */
struct affinity_client {
	uint32_t service, vni;
	struct rw_addr address;		/* what of it tells clients apart; the rest is 0 */
	uint8_t zero[3];
};

_Static_assert(sizeof(struct affinity_client) == 28, "a client has padding");

/* Max is of clients. */
struct affinity *affinity_new(uint32_t max);
/* No other thread uses it any more. */
void affinity_free(struct affinity *affinity);

/* Times are in milliseconds. The backend's id; 0, none. */
uint32_t affinity_find(struct affinity *affinity, const struct affinity_client *client, int64_t now);
/*
 * The client goes to this backend, and stays with it until a time; not with the one that
 * find told of (or 0). When another handler was faster, it stays with that one's choice,
 * which is returned. Decision is the last one that was made before.
 */
uint32_t affinity_claim(struct affinity *affinity, const struct affinity_client *client, uint32_t found,
			uint32_t backend, uint64_t decision, int64_t now, int64_t until);

/* By the state thread. A flow of this decision is with this backend: the latest decision counts. */
void affinity_learn(struct affinity *affinity, const struct affinity_client *client, uint32_t backend,
		    uint64_t decision, int64_t now, int64_t until);
/* Forget clients whose time is over. */
void affinity_tick(struct affinity *affinity, int64_t now);

/* Any thread. */
struct affinity_status {
	uint32_t clients;
	uint64_t unremembered;		/* times that there was no room for one */
};

void affinity_status(const struct affinity *affinity, struct affinity_status *status);

#endif

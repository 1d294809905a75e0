/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_RULES_H
#define REWIRED_RULES_H

#include "snapshot.h"

/*
 * The kernel's rules that a snapshot needs. A service's punt its packets, with
 * its id as policy. A pool's drop what comes to its ports and belongs to no
 * flow, so that the host's own stack never answers in a guest's place.
 */
struct rules {
	struct rw_rule *list;
	unsigned int count, room;
};

#define RULES_POOL_POLICY	0x80000000	/* from here on a rule is the daemon's own */
#define RULES_GUARD_POLICY	0x80000001	/* see guard.h */
#define RULES_GUARD_PREFERENCE	50		/* before all others */
#define RULES_MAX		131072		/* that the kernel has in a network namespace */

/*
 * Pings to an address that the host has, too, are not dropped: own (or NULL) is
 * the list of those, which ends with one of family 0.
 */
void rules_make(struct rules *rules, const struct snapshot *snapshot, const struct rw_addr *own);
/* How many they need; pools that share an address need some of them together. */
uint64_t rules_of_service(const struct service *service);
uint64_t rules_of_pool(const struct pool *pool);
void rules_free(struct rules *rules);
void rules_add(struct rules *rules, const struct rw_rule *rule);
void rules_sort(struct rules *rules);	/* by match */

/* Whether rules match the same packets, and whether they also do the same with them. */
int rules_compare_match(const struct rw_rule *a, const struct rw_rule *b);
bool rules_same(const struct rw_rule *a, const struct rw_rule *b);

/*
 * Sorts them anew, and returns one that some packets match as well as the one behind it, where
 * neither is more exact, so that the kernel would go by their age; or NULL.
 */
const struct rw_rule *rules_find_overlap(struct rules *rules);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_POOL_H
#define REWIRED_POOL_H

#include "json.h"
#include "snapshot.h"

/* Read a pool of the configuration's list. */
int pool_read(const struct place *list, const json_t *object, size_t index, struct pool *pool);
/* It is the next configuration's of an old one: what was counted goes on. The state thread's. */
void pool_go_on(struct pool *pool, const struct pool *old);
void pool_free(struct pool *pool);

/* Whether it has to know who its clients are. */
static inline bool pool_has_clients(const struct pool *pool)
{
	return pool->paired || pool->block || pool->max_ports || pool->max_flows;
}

#endif

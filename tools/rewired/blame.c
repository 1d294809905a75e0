// SPDX-License-Identifier: GPL-2.0
/* Which object of a configuration's text is to blame. */

#include <stdio.h>
#include <string.h>

#include "blame.h"

void blame_pool(const struct snapshot *snapshot, const struct pool *pool, struct error *error)
{
	snprintf(error->where, sizeof(error->where), "pools[%zu]", (size_t)(pool - snapshot->pools));
}

void blame_service(const struct service *service, struct error *error)
{
	snprintf(error->where, sizeof(error->where), "services[%u]", service->place);
}

void blame_backend(const struct service *service, const struct backend *backend,
		   struct error *error)
{
	snprintf(error->where, sizeof(error->where), "services[%u].backends[%zu]", service->place,
		 (size_t)(backend - service->backends));
}

static const struct pool *find_pool(const struct snapshot *snapshot, const struct rw_rule *rule)
{
	const struct pool *pool = snapshot->pools, *end = pool + snapshot->pool_count;
	int family = family_index(&rule->dst);
	unsigned int i;

	for (; pool < end; pool++) {
		if (pool->vni != rule->vni ||
		    (rule->dport_min && rule->dport_min != pool->ports.min))
			continue;
		for (i = 0; i < pool->address_count[family]; i++)
			if (!memcmp(ports_address(pool->addresses[family][i]), &rule->dst,
				    sizeof(rule->dst)))
				return pool;
	}
	return NULL;
}

void blame_rule(const struct snapshot *snapshot, const struct rw_rule *rule, struct error *error)
{
	const struct pool *pool;
	unsigned int i;

	error->where[0] = 0;
	for (i = 0; i < snapshot->service_count; i++)
		if (snapshot->services[i].id == rule->policy) {
			blame_service(&snapshot->services[i], error);
			return;
		}
	pool = find_pool(snapshot, rule);
	if (pool)
		blame_pool(snapshot, pool, error);
}

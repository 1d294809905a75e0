// SPDX-License-Identifier: GPL-2.0
/* Which backend a new flow goes to. */

#include <urcu.h>

#include "address.h"
#include "choose.h"

/* Known to all hosts, so that each makes the same choice for the same flow. */
static const struct siphash_key flow_key = { { 0x666c6f77, 0x726577697265 } };
static const struct siphash_key source_key = { { 0x736f75726365, 0x726577697265 } };

static uint64_t hash_flow(const struct rw_tuple *tuple, unsigned int attempt)
{
	struct rw_tuple key = *tuple;

	key.zero = attempt;	/* each attempt looks at another place */
	return siphash(&flow_key, &key, sizeof(key));
}

void choose_client(const struct service *service, const struct rw_tuple *orig,
		   struct affinity_client *client)
{
	*client = (struct affinity_client){
		.service = service->id, .vni = orig->vni, .address = orig->src,
	};
	rw_addr_truncate(&client->address, service->client_bits[family_index(&orig->src)]);
}

static const struct backend *schedule(const struct service *service, const struct rw_tuple *orig,
				      const struct affinity_client *client, unsigned int attempt)
{
	int family = family_index(&orig->dst), index;
	uint64_t hash = service->scheduler == SCHEDULER_SOURCE && !attempt ?
			siphash(&source_key, client, sizeof(*client)) : hash_flow(orig, attempt);

	index = schedule_choose(rcu_dereference(service->schedules[family]), hash);
	return index < 0 ? NULL : &service->backends[index];
}

/* One that gets new flows. */
static const struct backend *usable(const struct service *service, uint32_t id, int family)
{
	unsigned int i;

	for (i = 0; id && i < service->backend_count; i++)
		if (service->backends[i].id == id)
			return backend_is_open(&service->backends[i], family) ?
			       &service->backends[i] : NULL;
	return NULL;
}

const struct backend *choose_backend(const struct decider *decider, const struct service *service,
				     const struct rw_tuple *orig, unsigned int attempt)
{
	const struct backend *backend, *other;
	int family = family_index(&orig->dst);
	struct affinity_client client;
	uint32_t found, id;

	choose_client(service, orig, &client);
	/* The client's own backend has an answer's key in use already */
	if (!service->affinity || attempt)
		return schedule(service, orig, &client, attempt);
	found = affinity_find(decider->affinity, &client, decider->now);
	backend = usable(service, found, family);
	if (!backend)
		backend = schedule(service, orig, &client, attempt);
	if (!backend)
		return NULL;
	id = affinity_claim(decider->affinity, &client, found, backend->id,
			    metadata_number(decider->metadata), decider->now,
			    decider->now + service->affinity * 1000LL);
	other = usable(service, id, family);
	return other ? other : backend;
}

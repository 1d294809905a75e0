// SPDX-License-Identifier: GPL-2.0
/* Which backend a client has been with. */

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <urcu.h>
#include <urcu/rculfhash.h>

#include "affinity.h"
#include "log.h"
#include "siphash.h"

#define OVER	INT64_MIN

struct stay {
	struct cds_lfht_node node;
	struct affinity_client client;
	uint32_t backend;
	uint64_t decision;		/* it is of no flow that was decided before */
	_Atomic int64_t until;		/* OVER, it has ended, for ever */
	struct stay *next;		/* of those to be freed */
};

struct affinity {
	struct cds_lfht *table;
	struct siphash_key key;
	uint32_t max;
	_Atomic uint32_t count;
	_Atomic uint64_t unremembered;
};

struct affinity *affinity_new(uint32_t max)
{
	struct affinity *affinity = allocate(1, sizeof(*affinity));
	struct random random;

	affinity->table = cds_lfht_new(256, 256, 0, CDS_LFHT_AUTO_RESIZE | CDS_LFHT_ACCOUNTING,
				       NULL);
	if (!affinity->table) {
		log_line("out of memory");
		abort();
	}
	random_seed(&random);
	affinity->key = random.key;
	affinity->max = max;
	return affinity;
}

static struct stay *node_stay(struct cds_lfht_node *node)
{
	return caa_container_of(node, struct stay, node);
}

static int is_of(struct cds_lfht_node *node, const void *client)
{
	const struct stay *stay = node_stay(node);

	return !memcmp(&stay->client, client, sizeof(stay->client)) &&
	       atomic_load(&stay->until) != OVER;
}

static unsigned long hash_client(const struct affinity *affinity, const struct affinity_client *client)
{
	return siphash(&affinity->key, client, sizeof(*client));
}

static struct stay *find(struct affinity *affinity, const struct affinity_client *client)
{
	struct cds_lfht_iter iter;
	struct cds_lfht_node *node;

	cds_lfht_lookup(affinity->table, hash_client(affinity, client), is_of, client, &iter);
	node = cds_lfht_iter_get_node(&iter);
	return node ? node_stay(node) : NULL;
}

/* It lasts until then at least. False, it has ended meanwhile. */
static bool extend(struct stay *stay, int64_t until)
{
	int64_t before = atomic_load(&stay->until);

	while (before != OVER && before < until)
		if (atomic_compare_exchange_weak(&stay->until, &before, until))
			return true;
	return before != OVER;
}

/* The record in force after that: this one, or another handler's; NULL, there is no room. */
static struct stay *add(struct affinity *affinity, const struct affinity_client *client, uint32_t backend,
			uint64_t decision, int64_t until)
{
	struct cds_lfht_node *node;
	struct stay *stay;

	if (atomic_fetch_add(&affinity->count, 1) >= affinity->max) {
		atomic_fetch_sub(&affinity->count, 1);
		atomic_fetch_add(&affinity->unremembered, 1);
		return NULL;
	}
	stay = allocate(1, sizeof(*stay));
	*stay = (struct stay){
		.client = *client, .backend = backend, .decision = decision, .until = until,
	};
	cds_lfht_node_init(&stay->node);
	node = cds_lfht_add_unique(affinity->table, hash_client(affinity, client), is_of, client,
				   &stay->node);
	if (node == &stay->node)
		return stay;
	free(stay);
	atomic_fetch_sub(&affinity->count, 1);
	return node_stay(node);
}

uint32_t affinity_find(struct affinity *affinity, const struct affinity_client *client, int64_t now)
{
	const struct stay *stay = find(affinity, client);

	return stay && atomic_load(&stay->until) > now ? stay->backend : 0;
}

uint32_t affinity_claim(struct affinity *affinity, const struct affinity_client *client, uint32_t found,
			uint32_t backend, uint64_t decision, int64_t now, int64_t until)
{
	struct stay *stay;

	do {
		stay = find(affinity, client);
		if (stay && stay->backend != backend &&
		    (stay->backend == found || atomic_load(&stay->until) <= now)) {
			atomic_store(&stay->until, OVER);
			stay = NULL;
		}
		if (!stay)
			stay = add(affinity, client, backend, decision, until);
		if (!stay)
			return backend;
	} while (!extend(stay, until));
	return stay->backend;
}

void affinity_learn(struct affinity *affinity, const struct affinity_client *client, uint32_t backend,
		    uint64_t decision, int64_t now, int64_t until)
{
	struct stay *stay;

	if (until <= now)
		return;
	rcu_read_lock();
	stay = find(affinity, client);
	if (stay && stay->backend == backend && extend(stay, until))
		goto unlock;
	if (stay && stay->decision >= decision)
		goto unlock;
	if (stay)
		atomic_store(&stay->until, OVER);
	add(affinity, client, backend, decision, until);
unlock:
	rcu_read_unlock();
}

/* What has ended by now goes out of the table, into a list. */
static struct stay *take_ended(struct affinity *affinity, int64_t now)
{
	struct cds_lfht_iter iter;
	struct cds_lfht_node *node;
	struct stay *stay, *list = NULL;
	int64_t until;

	rcu_read_lock();
	cds_lfht_for_each(affinity->table, &iter, node) {
		stay = node_stay(node);
		until = atomic_load(&stay->until);
		/* Who extends it at the same time is first, or finds it over */
		if (until > now ||
		    !atomic_compare_exchange_strong(&stay->until, &until, OVER))
			continue;
		cds_lfht_del(affinity->table, node);
		stay->next = list;
		list = stay;
	}
	rcu_read_unlock();
	return list;
}

void affinity_tick(struct affinity *affinity, int64_t now)
{
	struct stay *stay, *list = take_ended(affinity, now);

	if (list)
		synchronize_rcu();
	while ((stay = list)) {
		list = stay->next;
		free(stay);
		atomic_fetch_sub(&affinity->count, 1);
	}
}

void affinity_status(const struct affinity *affinity, struct affinity_status *status)
{
	status->clients = atomic_load(&affinity->count);
	status->unremembered = atomic_load(&affinity->unremembered);
}

void affinity_free(struct affinity *affinity)
{
	affinity_tick(affinity, INT64_MAX);
	cds_lfht_destroy(affinity->table, NULL);
	free(affinity);
}

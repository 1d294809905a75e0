// SPDX-License-Identifier: GPL-2.0
/* Clients of pools, and their blocks of ports. */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "address.h"
#include "binding_table.h"
#include "client.h"
#include "log.h"
#include "pool.h"

bool client_charge(_Atomic uint32_t *count, uint32_t max)
{
	uint32_t now = atomic_load(count);

	do
		if (max && now >= max)
			return false;
	while (!atomic_compare_exchange_weak(count, &now, now + 1));
	return true;
}

void client_uncharge(_Atomic uint32_t *count)
{
	atomic_fetch_sub(count, 1);
}

bool client_begin_flow(struct client *client, uint32_t max)
{
	if (!client_charge(&client->flows, max))
		return false;
	atomic_fetch_add(&client->item.users, 1);
	return true;
}

void client_end_flow(struct bindings *bindings, struct client *client)
{
	client_uncharge(&client->flows);
	item_leave(bindings, &client->item);
}

static int client_matches(struct cds_lfht_node *node, const void *key)
{
	const struct client *client = caa_container_of(node, struct client, node);

	return !memcmp(&client->key, key, sizeof(client->key));
}

static struct client *client_make(const struct pool *pool, const struct client_key *key)
{
	struct client *client = allocate(1, sizeof(*client));

	item_init(&client->item, CLIENT, NULL);
	client->key = *key;
	client->pool = strdup(pool->name);
	client->item.users = 1;
	cds_lfht_node_init(&client->node);
	return client;
}

struct client *client_get(struct bindings *bindings, const struct pool *pool,
			  const struct rw_tuple *flow)
{
	const struct client_key key = { .pool = pool->key, .vni = flow->vni, .address = flow->src };
	unsigned long hash = siphash(&bindings->key, &key, sizeof(key));
	struct client *client = NULL, *other;
	struct cds_lfht_node *node;
	struct cds_lfht_iter iter;

	cds_lfht_lookup(bindings->clients, hash, client_matches, &key, &iter);
	node = cds_lfht_iter_get_node(&iter);
	for (;;) {
		if (node) {
			other = caa_container_of(node, struct client, node);
			if (item_join(&other->item))
				break;
			cds_lfht_del(bindings->clients, node);
		}
		if (!client)
			client = client_make(pool, &key);
		node = cds_lfht_add_unique(bindings->clients, hash, client_matches, &key,
					   &client->node);
		if (node == &client->node)
			return client;
	}
	if (client)
		client_free(client);
	return other;
}

struct ports *client_settle(struct client *client, struct ports *ports)
{
	struct ports *home = NULL;

	ports_get(ports);
	if (atomic_compare_exchange_strong(&client->home, &home, ports))
		return ports;
	ports_put(ports);
	return home;
}

bool client_kill(struct bindings *bindings, struct client *client)
{
	if (!item_end(&client->item))
		return false;
	cds_lfht_del(bindings->clients, &client->node);
	return true;
}

void client_free(struct client *client)
{
	if (client->home)
		ports_put(client->home);
	free(client->pool);
	free(client);
}

/* One record for each block (RFC 6888 REQ-14), with the time in the line itself. */
static void log_block(const struct block *block, const char *event)
{
	const struct client *client = block->client;
	char inside[RW_ADDR_TEXT], outside[RW_ADDR_TEXT], time[32];
	struct timespec now;
	struct tm utc;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", &utc);
	log_line("block %s time %s.%03luZ pool %s client %s vni %u address %s vni %u ports %u-%u",
		 event, time, (unsigned long)now.tv_nsec / 1000000, client->pool,
		 rw_addr_print(inside, &client->key.address), client->key.vni,
		 rw_addr_print(outside, ports_address(block->ports)), ports_vni(block->ports),
		 block->range.min, block->range.max);
}

/* The block of a pool's ports that a port is in. False, what is left over is in none. */
static bool block_range(const struct pool *pool, uint16_t port, struct range *range)
{
	unsigned int index = (port - pool->ports.min) / pool->block;

	range->min = pool->ports.min + index * pool->block;
	range->max = range->min + pool->block - 1;
	return pool->ports.min + (index + 1) * pool->block - 1 <= pool->ports.max;
}

/* Of a range that is the caller's, who is a user of it and of the client. NULL, there is no room for it. */
static struct block *block_make(struct client *client, struct ports *ports, struct range range,
				unsigned int max)
{
	struct block *block = allocate(1, sizeof(*block)), *none;

	item_init(&block->item, BLOCK, &client->item);
	atomic_fetch_add(&client->item.users, 1);
	block->client = client;
	block->ports = ports_get(ports);
	block->range = range;
	block->item.users = 1;
	for (; block->slot < max; block->slot++) {
		none = NULL;
		if (atomic_compare_exchange_strong(&client->blocks[block->slot], &none, block))
			return block;
	}
	atomic_fetch_sub(&client->item.users, 1);
	atomic_fetch_sub(&client->item.references, 1);
	block_free(block);
	return NULL;
}

bool block_kill(struct bindings *bindings, struct block *block)
{
	if (!item_end(&block->item))
		return false;
	atomic_store(&block->client->blocks[block->slot], NULL);
	/* Before it may be another's, whose record begins later */
	if (!bindings->closing)
		log_block(block, "end");
	ports_release(block->ports, PORTS_BLOCKS, block->range.min);
	item_leave(bindings, &block->client->item);
	return true;
}

void block_free(struct block *block)
{
	ports_put(block->ports);
	free(block);
}

/* A block that nobody has, from a random one on. */
static struct block *take_block(const struct wish *wish, struct ports *ports)
{
	const struct pool *pool = wish->pool;
	unsigned int count = (pool->ports.max - pool->ports.min + 1U) / pool->block, i;
	unsigned int start = random_below(wish->random, count);
	struct block *block;
	struct range range;

	for (i = 0; i < count; i++) {
		block_range(pool, pool->ports.min + (start + i) % count * pool->block, &range);
		/* In use without a block: it was one of another size */
		if (ports_any_used(ports, range) || !ports_claim(ports, PORTS_BLOCKS, range.min))
			continue;
		block = block_make(wish->client, ports, range, pool->max_blocks);
		if (block)
			log_block(block, "begin");
		else
			ports_release(ports, PORTS_BLOCKS, range.min);
		*wish->limited |= !block;
		return block;
	}
	return NULL;
}

static bool block_fits(const struct block *block, const struct pool *pool, const struct ports *ports)
{
	struct range range;

	return block->ports == ports && block->range.min >= pool->ports.min &&
	       block_range(pool, block->range.min, &range) && range.min == block->range.min &&
	       range.max == block->range.max;
}

struct lease *client_take(struct bindings *bindings, const struct wish *wish, struct ports *ports)
{
	struct lease *lease = NULL;
	struct block *block;
	unsigned int i;

	if (!wish->pool->block)
		return bindings_take(bindings, wish, ports, wish->pool->ports, NULL);
	for (i = 0; !lease && i < CLIENT_BLOCKS_MAX; i++) {
		block = atomic_load(&wish->client->blocks[i]);
		if (!block || !block_fits(block, wish->pool, ports) || !item_join(&block->item))
			continue;
		lease = bindings_take(bindings, wish, ports, block->range, block);
		item_leave(bindings, &block->item);
	}
	if (lease || *wish->limited)
		return lease;
	block = take_block(wish, ports);
	if (block) {
		lease = bindings_take(bindings, wish, ports, block->range, block);
		item_leave(bindings, &block->item);
	}
	return lease;
}

static struct block *find_block(struct client *client, const struct ports *ports, uint16_t port)
{
	struct block *block;
	unsigned int i;

	for (i = 0; i < CLIENT_BLOCKS_MAX; i++) {
		block = atomic_load(&client->blocks[i]);
		if (block && block->ports == ports && port >= block->range.min &&
		    port <= block->range.max && item_join(&block->item))
			return block;
	}
	return NULL;
}

/* Of what was there before the daemon was, or before the pool had blocks. */
static struct block *adopt_block(struct client *client, const struct use *use)
{
	struct block *block = find_block(client, use->ports, use->key.dport);
	struct range range;

	if (block || !block_range(use->pool, use->key.dport, &range) ||
	    !ports_claim(use->ports, PORTS_BLOCKS, range.min))
		return block;
	block = block_make(client, use->ports, range, CLIENT_BLOCKS_MAX);
	if (block)
		log_block(block, "adopted");
	else
		ports_release(use->ports, PORTS_BLOCKS, range.min);
	return block;
}

struct client *client_adopt(struct bindings *bindings, const struct use *use)
{
	struct client *client;

	if (!pool_has_clients(use->pool))
		return NULL;
	client = client_get(bindings, use->pool, &use->flow);
	client_settle(client, use->ports);
	return client;
}

struct block *client_adopt_port(struct client *client, const struct use *use)
{
	client_charge(&client->ports, 0);
	return use->pool->block ? adopt_block(client, use) : NULL;
}

void client_left(struct bindings *bindings, struct client *client)
{
	item_leave(bindings, &client->item);
}

static json_t *show_blocks(struct client *client)
{
	json_t *blocks = json_array();
	struct block *block;
	char range[16];
	unsigned int i;

	for (i = 0; i < CLIENT_BLOCKS_MAX; i++) {
		block = atomic_load(&client->blocks[i]);
		if (!block)
			continue;
		snprintf(range, sizeof(range), "%u-%u", block->range.min, block->range.max);
		json_array_append_new(blocks, json_string(range));
	}
	return blocks;
}

static json_t *show_client(struct client *client)
{
	const struct ports *home = atomic_load(&client->home);
	char inside[RW_ADDR_TEXT], outside[RW_ADDR_TEXT] = "";

	if (home)
		rw_addr_print(outside, ports_address(home));
	return json_pack("{s:s, s:i, s:s, s:s, s:i, s:i, s:o}", "name", client->pool,
			 "vni", client->key.vni,
			 "client", rw_addr_print(inside, &client->key.address), "address", outside,
			 "ports", atomic_load(&client->ports), "flows", atomic_load(&client->flows),
			 "blocks", show_blocks(client));
}

json_t *clients_show(struct bindings *bindings)
{
	json_t *clients = json_array();
	struct cds_lfht_iter iter;
	struct cds_lfht_node *node;

	cds_lfht_for_each(bindings->clients, &iter, node)
		json_array_append_new(clients,
				      show_client(caa_container_of(node, struct client, node)));
	return clients;
}

const struct client_key *client_of_block(struct bindings *bindings, const struct ports *ports,
					 uint16_t port)
{
	const struct block *block;
	struct cds_lfht_iter iter;
	struct cds_lfht_node *node;
	struct client *client;
	unsigned int i;

	cds_lfht_for_each(bindings->clients, &iter, node) {
		client = caa_container_of(node, struct client, node);
		for (i = 0; i < CLIENT_BLOCKS_MAX; i++) {
			block = atomic_load(&client->blocks[i]);
			if (block && block->ports == ports && port >= block->range.min &&
			    port <= block->range.max)
				return &client->key;
		}
	}
	return NULL;
}

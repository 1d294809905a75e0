// SPDX-License-Identifier: GPL-2.0
/* From the configuration's JSON to pools. */

#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "config.h"
#include "fixed.h"
#include "pool.h"

#define QUARANTINE_MAX	3600		/* seconds */
#define QUARANTINE_TCP	120
#define QUARANTINE_OTHER	30

/* Known to all hosts, so that each calls a pool the same. */
static const struct siphash_key name_key = { { 0x6e616d65, 0x726577697265 } };

static const char *const mappings[] = { "endpoint-independent", "endpoint-dependent", NULL };
static const char *const filterings[] = {
	"endpoint-independent", "address-dependent", "address-and-port-dependent", NULL
};
static const char *const poolings[] = { "paired", "arbitrary", NULL };

static void address_next(struct rw_addr *address)
{
	int i = rw_addr_bits(address) / 8;

	while (i-- && !++address->bytes[i])
		;
}

static int add_prefix(const struct place *place, struct pool *pool, const struct prefix *prefix)
{
	unsigned int bits = rw_addr_bits(&prefix->address) - prefix->length, i;
	int family = family_index(&prefix->address);
	unsigned int *count = &pool->address_count[family];
	struct rw_addr address = prefix->address;
	char text[RW_PREFIX_TEXT];

	if (bits > 12 || *count + (1U << bits) > CONFIG_POOL_ADDRESSES_MAX)
		return refuse(place->error, "%s: with %s it has more than %u addresses", place->text,
			      rw_prefix_print(text, &prefix->address, prefix->length),
			      CONFIG_POOL_ADDRESSES_MAX);
	for (i = 0; i < 1U << bits; i++, address_next(&address))
		pool->addresses[family][(*count)++] = ports_of(pool->vni, &address);
	return 0;
}

/* As many as a pool may have, at most. */
static unsigned int count_addresses(const struct prefixes *prefixes, int family)
{
	const struct prefix *prefix;
	unsigned int i, bits, count = 0;

	for (i = 0; i < prefixes->count && count < CONFIG_POOL_ADDRESSES_MAX; i++) {
		prefix = &prefixes->list[i];
		bits = rw_addr_bits(&prefix->address) - prefix->length;
		if (family_index(&prefix->address) == family)
			count += bits > 12 ? CONFIG_POOL_ADDRESSES_MAX : 1U << bits;
	}
	return count < CONFIG_POOL_ADDRESSES_MAX ? count : CONFIG_POOL_ADDRESSES_MAX;
}

static int read_addresses(const struct place *place, struct pool *pool)
{
	struct prefixes prefixes = { 0 };
	int ret = prefixes_get(place, "addresses", &prefixes), family;
	unsigned int i;

	if (!ret)
		ret = refuse(place->error, "%s: addresses is missing", place->text);
	for (family = 0; ret > 0 && family < FAMILIES; family++)
		pool->addresses[family] = allocate(count_addresses(&prefixes, family),
						   sizeof(*pool->addresses[family]));
	for (i = 0; ret > 0 && i < prefixes.count; i++)
		ret = add_prefix(place, pool, &prefixes.list[i]) ? -1 : 1;
	free(prefixes.list);
	return ret < 0 ? -1 : 0;
}

/* Seconds of all protocols, or of TCP and of the others. */
static int read_quarantine(const struct place *place, struct pool *pool)
{
	static const char *const keys[] = { "tcp", "other", NULL };
	uint32_t tcp = QUARANTINE_TCP, other = QUARANTINE_OTHER;
	struct place quarantine;
	int ret;

	if (json_is_integer(json_object_get(place->object, "quarantine"))) {
		ret = json_get_number(place, "quarantine", 0, QUARANTINE_MAX, &tcp);
		other = tcp;
	} else {
		ret = json_get_object(place, "quarantine", &quarantine);
		if (ret > 0 && (json_only_keys(&quarantine, keys) ||
				json_get_number(&quarantine, "tcp", 0, QUARANTINE_MAX, &tcp) < 0 ||
				json_get_number(&quarantine, "other", 0, QUARANTINE_MAX, &other) < 0))
			ret = -1;
	}
	pool->rest[REST_TCP] = tcp * 1000;
	pool->rest[REST_OTHER] = other * 1000;
	return ret < 0 ? -1 : 0;
}

static int read_behaviour(const struct place *place, struct pool *pool)
{
	pool->filtering = FILTERING_ADDRESS_AND_PORT;
	if (json_get_choice(place, "mapping", mappings, &pool->mapping) < 0 ||
	    json_get_choice(place, "filtering", filterings, &pool->filtering) < 0 ||
	    json_get_choice(place, "exhausted", config_rejects, &pool->reject) < 0 ||
	    json_get_bool(place, "parity", &pool->parity) < 0 ||
	    json_get_bool(place, "preserve", &pool->preserve) < 0)
		return -1;
	if (pool->mapping != MAPPING_INDEPENDENT && pool->filtering != FILTERING_ADDRESS_AND_PORT)
		return refuse(place->error, "%s: filtering \"%s\" needs mapping \"%s\": a port may have several endpoints otherwise",
			      place->text, filterings[pool->filtering], mappings[MAPPING_INDEPENDENT]);
	return 0;
}

static int read_clients(const struct place *place, struct pool *pool)
{
	uint32_t pooling = 0;

	pool->max_blocks = 1;
	if (json_get_choice(place, "pooling", poolings, &pooling) < 0 ||
	    json_get_number(place, "block", 1, 32768, &pool->block) < 0 ||
	    json_get_number(place, "blocks", 1, CLIENT_BLOCKS_MAX, &pool->max_blocks) < 0 ||
	    json_get_number(place, "client_ports", 1, UINT32_MAX, &pool->max_ports) < 0 ||
	    json_get_number(place, "client_flows", 1, UINT32_MAX, &pool->max_flows) < 0)
		return -1;
	pool->paired = !pooling;
	if (pool->block > pool->ports.max - pool->ports.min + 1U)
		return refuse(place->error, "%s: block %u is more than its ports are", place->text,
			      pool->block);
	if (!pool->block && json_object_get(place->object, "blocks"))
		return refuse(place->error, "%s: blocks without block", place->text);
	return fixed_read(place, pool);
}

int pool_read(const struct place *list, const json_t *object, size_t index, struct pool *pool)
{
	static const char *const keys[] = {
		"name", "vni", "addresses", "ports", "mapping", "filtering", "exhausted", "parity",
		"preserve", "quarantine", "pooling", "block", "blocks", "client_ports",
		"client_flows", "fixed", NULL
	};
	struct place place;

	pool->ports = (struct range){ 1024, 65535 };
	pool->refusals = allocate(1, sizeof(*pool->refusals));
	pool->refusals->references = 1;
	if (config_enter(&place, "pool", object, list, "pools", index, &pool->name) ||
	    json_only_keys(&place, keys) ||
	    json_need_number(&place, "vni", 0, REWIRE_VNI_MAX, &pool->vni) ||
	    json_get_ports(&place, "ports", &pool->ports.min, &pool->ports.max) < 0 ||
	    read_behaviour(&place, pool) || read_quarantine(&place, pool))
		return -1;
	pool->key = siphash(&name_key, pool->name, strlen(pool->name));
	return read_addresses(&place, pool) || read_clients(&place, pool) ? -1 : 0;
}

static void refusals_put(struct refusals *refusals)
{
	if (!--refusals->references)
		free(refusals);
}

void pool_go_on(struct pool *pool, const struct pool *old)
{
	refusals_put(pool->refusals);
	pool->refusals = old->refusals;
	pool->refusals->references++;
}

void pool_free(struct pool *pool)
{
	unsigned int i;
	int family;

	for (family = 0; family < FAMILIES; family++) {
		for (i = 0; i < pool->address_count[family]; i++)
			ports_put(pool->addresses[family][i]);
		free(pool->addresses[family]);
	}
	refusals_put(pool->refusals);
	free(pool->name);
}

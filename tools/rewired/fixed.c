// SPDX-License-Identifier: GPL-2.0
/* Ports that follow from clients' addresses. */

#include <stdlib.h>

#include "address.h"
#include "fixed.h"

#define HOST_BITS_MAX	20		/* of a prefix of clients */

static uint32_t host_mask(const struct fixed *fixed)
{
	return (1U << (rw_addr_bits(&fixed->clients.address) - fixed->clients.length)) - 1;
}

/* The last four bytes. */
static uint32_t low_bits(const struct rw_addr *address)
{
	unsigned int end = rw_addr_bits(address) / 8, i;
	uint32_t value = 0;

	for (i = end - 4; i < end; i++)
		value = value << 8 | address->bytes[i];
	return value;
}

static void set_low_bits(struct rw_addr *address, uint32_t value)
{
	unsigned int i = rw_addr_bits(address) / 8, n;

	for (n = 0; n < 4; n++, value >>= 8)
		address->bytes[--i] = value;
}

static int divide(const struct place *place, struct pool *pool)
{
	struct fixed *fixed = &pool->fixed;
	unsigned int addresses = pool->address_count[family_index(&fixed->clients.address)];
	uint32_t clients;

	if (rw_addr_bits(&fixed->clients.address) - fixed->clients.length > HOST_BITS_MAX)
		return refuse(place->error, "%s: clients are more than %u", place->text,
			      1U << HOST_BITS_MAX);
	clients = host_mask(fixed) + 1;
	if (!addresses)
		return refuse(place->error, "%s: the pool has no address of the clients' family",
			      place->text);
	fixed->sharing = (clients + addresses - 1) / addresses;
	fixed->size = (pool->ports.max - pool->ports.min + 1U) / fixed->sharing;
	if (!fixed->size)
		return refuse(place->error, "%s: %u clients of an address are more than it has ports",
			      place->text, fixed->sharing);
	fixed->given = true;
	return 0;
}

int fixed_read(const struct place *place, struct pool *pool)
{
	static const char *const keys[] = { "vni", "clients", NULL };
	struct prefixes clients = { 0 };
	struct place object;
	int ret = json_get_object(place, "fixed", &object);

	if (ret <= 0)
		return ret;
	if (pool->block)
		return refuse(place->error, "%s: fixed and block exclude each other", place->text);
	if (json_only_keys(&object, keys) ||
	    json_need_number(&object, "vni", 0, REWIRE_VNI_MAX, &pool->fixed.vni))
		return -1;
	ret = prefixes_get(&object, "clients", &clients);
	if (ret >= 0 && clients.count != 1)
		ret = refuse(place->error, "%s: clients is not one prefix", object.text);
	if (ret >= 0)
		pool->fixed.clients = clients.list[0];
	free(clients.list);
	return ret < 0 ? -1 : divide(&object, pool);
}

struct ports *fixed_ports(const struct pool *pool, uint32_t vni, const struct rw_addr *client,
			  struct range *range)
{
	const struct fixed *fixed = &pool->fixed;
	uint32_t place;

	if (vni != fixed->vni ||
	    !rw_prefix_contains(&fixed->clients.address, fixed->clients.length, client))
		return NULL;
	place = low_bits(client) & host_mask(fixed);
	range->min = pool->ports.min + place % fixed->sharing * fixed->size;
	range->max = range->min + fixed->size - 1;
	return pool->addresses[family_index(client)][place / fixed->sharing];
}

bool fixed_client(const struct pool *pool, unsigned int index, uint16_t port,
		  struct rw_addr *client)
{
	const struct fixed *fixed = &pool->fixed;
	uint32_t place = (port - pool->ports.min) / fixed->size;

	if (port < pool->ports.min || port > pool->ports.max || place >= fixed->sharing)
		return false;
	place += index * fixed->sharing;
	if (place > host_mask(fixed))
		return false;
	*client = fixed->clients.address;
	set_low_bits(client, low_bits(client) | place);
	return true;
}

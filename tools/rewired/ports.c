// SPDX-License-Identifier: GPL-2.0
/* Exact allocation of ports: bitmaps for each address and protocol. */

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "ports.h"

#define WORDS	(65536 / 64)

enum { MAP_TCP, MAP_UDP, MAP_UDPLITE, MAP_SCTP, MAP_DCCP, MAP_ICMP, MAPS };

struct map {
	_Atomic uint64_t used[WORDS];		/* taken or settled */
	_Atomic uint64_t settled[WORDS];
	uint64_t eligible[WORDS];		/* settled when the look began */
	uint64_t flows[WORDS];			/* a flow has it */
};

struct ports {
	uint32_t vni;
	struct rw_addr address;
	_Atomic unsigned int references;
	struct map *_Atomic maps[MAPS];		/* NULL until the first port is taken */
};

struct ports *ports_new(uint32_t vni, const struct rw_addr *address)
{
	struct ports *ports = allocate(1, sizeof(*ports));

	ports->vni = vni;
	ports->address = *address;
	ports->references = 1;
	return ports;
}

struct ports *ports_get(struct ports *ports)
{
	atomic_fetch_add(&ports->references, 1);
	return ports;
}

void ports_put(struct ports *ports)
{
	int i;

	if (atomic_fetch_sub(&ports->references, 1) > 1)
		return;
	for (i = 0; i < MAPS; i++)
		free(ports->maps[i]);
	free(ports);
}

uint32_t ports_vni(const struct ports *ports)
{
	return ports->vni;
}

const struct rw_addr *ports_address(const struct ports *ports)
{
	return &ports->address;
}

static int map_index(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return MAP_TCP;
	case IPPROTO_UDP:
		return MAP_UDP;
	case IPPROTO_UDPLITE:
		return MAP_UDPLITE;
	case IPPROTO_SCTP:
		return MAP_SCTP;
	case IPPROTO_DCCP:
		return MAP_DCCP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return MAP_ICMP;
	}
	return -1;
}

/* The map to change, made when it is missing. */
static struct map *map_want(struct ports *ports, uint8_t protocol)
{
	int index = map_index(protocol);
	struct map *map, *other = NULL;

	if (index < 0)
		return NULL;
	map = atomic_load(&ports->maps[index]);
	if (map)
		return map;
	map = allocate(1, sizeof(*map));
	if (!atomic_compare_exchange_strong(&ports->maps[index], &other, map)) {
		free(map);
		map = other;
	}
	return map;
}

static struct map *map_have(const struct ports *ports, uint8_t protocol)
{
	int index = map_index(protocol);

	return index < 0 ? NULL : atomic_load(&ports->maps[index]);
}

/* The bits of min to max that word has. */
static uint64_t word_mask(unsigned int word, unsigned int min, unsigned int max)
{
	uint64_t mask = ~0ULL;

	if (word == min / 64)
		mask &= ~0ULL << min % 64;
	if (word == max / 64)
		mask &= ~0ULL >> (63 - max % 64);
	return mask;
}

static int map_take(struct map *map, unsigned int min, unsigned int max)
{
	unsigned int word, bit;
	uint64_t mask, free;

	for (word = min / 64; word <= max / 64; word++) {
		mask = word_mask(word, min, max);
		while ((free = ~atomic_load(&map->used[word]) & mask)) {
			bit = __builtin_ctzll(free);
			if (!(atomic_fetch_or(&map->used[word], 1ULL << bit) & 1ULL << bit))
				return word * 64 + bit;
		}
	}
	return -1;
}

int ports_take(struct ports *ports, uint8_t protocol, uint16_t min, uint16_t max,
	       struct random *random)
{
	struct map *map = map_want(ports, protocol);
	unsigned int start;
	int port;

	if (!map)
		return -1;
	start = min + random_below(random, max - min + 1U);
	port = map_take(map, start, max);
	if (port < 0 && start > min)
		port = map_take(map, min, start - 1);
	return port;
}

void ports_give_back(struct ports *ports, uint8_t protocol, uint16_t port)
{
	struct map *map = map_have(ports, protocol);

	if (map)
		atomic_fetch_and(&map->used[port / 64], ~(1ULL << port % 64));
}

void ports_settle(struct ports *ports, uint8_t protocol, uint16_t port)
{
	struct map *map = map_have(ports, protocol);

	if (map)
		atomic_fetch_or(&map->settled[port / 64], 1ULL << port % 64);
}

void ports_look_begin(struct ports *ports)
{
	struct map *map;
	int i, word;

	for (i = 0; i < MAPS; i++) {
		map = atomic_load(&ports->maps[i]);
		for (word = 0; map && word < WORDS; word++)
			map->eligible[word] = atomic_load(&map->settled[word]);
	}
}

void ports_forget(struct ports *ports)
{
	struct map *map;
	int i;

	for (i = 0; i < MAPS; i++) {
		map = atomic_load(&ports->maps[i]);
		if (map)
			memset(map->flows, 0, sizeof(map->flows));
	}
}

void ports_flow_seen(struct ports *ports, uint8_t protocol, uint16_t port)
{
	struct map *map = map_want(ports, protocol);
	uint64_t bit = 1ULL << port % 64;

	if (!map)
		return;
	map->flows[port / 64] |= bit;
	if (!(atomic_fetch_or(&map->used[port / 64], bit) & bit))
		atomic_fetch_or(&map->settled[port / 64], bit);
}

void ports_flow_ended(struct ports *ports, uint8_t protocol, uint16_t port)
{
	struct map *map = map_have(ports, protocol);

	if (map)
		map->flows[port / 64] &= ~(1ULL << port % 64);
}

unsigned int ports_look_end(struct ports *ports)
{
	unsigned int freed = 0;
	struct map *map;
	uint64_t gone;
	int i, word;

	for (i = 0; i < MAPS; i++) {
		map = atomic_load(&ports->maps[i]);
		for (word = 0; map && word < WORDS; word++) {
			gone = map->eligible[word] & ~map->flows[word];
			map->eligible[word] = 0;
			if (!gone)
				continue;
			/* In this order: once it is not used, it is someone else's */
			atomic_fetch_and(&map->settled[word], ~gone);
			atomic_fetch_and(&map->used[word], ~gone);
			freed += __builtin_popcountll(gone);
		}
	}
	return freed;
}

unsigned int ports_used(const struct ports *ports, uint8_t protocol, uint16_t min, uint16_t max)
{
	const struct map *map = map_have(ports, protocol);
	unsigned int word, count = 0;

	for (word = min / 64; map && word <= max / 64U; word++)
		count += __builtin_popcountll(atomic_load(&map->used[word]) &
					      word_mask(word, min, max));
	return count;
}

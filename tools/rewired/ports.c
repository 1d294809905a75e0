// SPDX-License-Identifier: GPL-2.0
/* Exact allocation of ports: a bitmap for each address and protocol. */

#include <netinet/in.h>
#include <pthread.h>
#include <search.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "ports.h"

#define WORDS	(65536 / 64)

enum { MAP_TCP, MAP_UDP, MAP_UDPLITE, MAP_SCTP, MAP_DCCP, MAP_ICMP, MAP_BLOCKS, MAPS };

/*
 * Which words are full is written after what makes them so, and looked at once more after
 * that: a port that is given back meanwhile may be overlooked until then, but not for good.
 * One that is full and not said to be costs a look.
 */
struct map {
	_Atomic uint64_t used[WORDS];
	_Atomic uint64_t full[WORDS / 64];	/* words of used without a free port */
};

struct ports {
	uint32_t vni;
	struct rw_addr address;
	_Atomic unsigned int references;
	struct map *_Atomic maps[MAPS];		/* NULL until the first port is taken */
};

/* All that there are. Who has found one here has a reference before the last is put. */
static void *all;
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;

int ports_compare(const struct ports *ports, uint32_t vni, const struct rw_addr *address)
{
	if (ports->vni != vni)
		return ports->vni < vni ? -1 : 1;
	return memcmp(&ports->address, address, sizeof(*address));
}

static int by_address(const void *a, const void *b)
{
	const struct ports *ports = b;

	return ports_compare(a, ports->vni, &ports->address);
}

struct ports *ports_of(uint32_t vni, const struct rw_addr *address)
{
	struct ports *ports = allocate(1, sizeof(*ports)), **found;

	ports->vni = vni;
	ports->address = *address;
	pthread_mutex_lock(&all_lock);
	found = tsearch(ports, &all, by_address);
	if (!found) {
		log_line("out of memory");
		abort();
	}
	if (*found != ports)
		free(ports);
	ports = ports_get(*found);
	pthread_mutex_unlock(&all_lock);
	return ports;
}

struct ports *ports_get(struct ports *ports)
{
	atomic_fetch_add(&ports->references, 1);
	return ports;
}

void ports_put(struct ports *ports)
{
	bool last;
	int i;

	pthread_mutex_lock(&all_lock);
	last = atomic_fetch_sub(&ports->references, 1) == 1;
	if (last)
		tdelete(ports, &all, by_address);
	pthread_mutex_unlock(&all_lock);
	if (!last)
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
	case PORTS_BLOCKS:
		return MAP_BLOCKS;
	}
	return -1;
}

bool ports_has(uint8_t protocol)
{
	return protocol != PORTS_BLOCKS && map_index(protocol) >= 0;
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

/* Of each word, the bits that a parity allows: a word begins with an even port. */
static const uint64_t parity_masks[] = {
	[PARITY_ANY] = ~0ULL,
	[PARITY_EVEN] = 0x5555555555555555,
	[PARITY_ODD] = 0xaaaaaaaaaaaaaaaa,
};

static bool map_set(struct map *map, unsigned int port)
{
	uint64_t bit = 1ULL << port % 64, fill = 1ULL << port / 64 % 64, used;
	_Atomic uint64_t *word = &map->used[port / 64], *full = &map->full[port / 64 / 64];

	used = atomic_fetch_or(word, bit);
	if ((used | bit) == ~0ULL && !(used & bit)) {
		atomic_fetch_or(full, fill);
		if (~atomic_load(word))
			atomic_fetch_and(full, ~fill);
	}
	return !(used & bit);
}

static void map_clear(struct map *map, unsigned int port)
{
	uint64_t bit = 1ULL << port % 64, fill = 1ULL << port / 64 % 64;
	_Atomic uint64_t *full = &map->full[port / 64 / 64];

	atomic_fetch_and(&map->used[port / 64], ~bit);
	/* Whoever made the word full: he may not get to his second look for long */
	if (atomic_load(full) & fill)
		atomic_fetch_and(full, ~fill);
}

/* The first word from this one on that is not full; WORDS, there is none. */
static unsigned int map_open_word(const struct map *map, unsigned int word)
{
	uint64_t open;

	for (; word < WORDS; word = (word | 63) + 1) {
		open = ~atomic_load(&map->full[word / 64]) & ~0ULL << word % 64;
		if (open)
			return word / 64 * 64 + __builtin_ctzll(open);
	}
	return WORDS;
}

static int map_take(struct map *map, unsigned int min, unsigned int max, enum parity parity)
{
	unsigned int word, port;
	uint64_t mask, free;

	for (word = map_open_word(map, min / 64); word <= max / 64;
	     word = map_open_word(map, word + 1)) {
		mask = word_mask(word, min, max) & parity_masks[parity];
		while ((free = ~atomic_load(&map->used[word]) & mask)) {
			port = word * 64 + __builtin_ctzll(free);
			if (map_set(map, port))
				return port;
		}
	}
	return -1;
}

int ports_take(struct ports *ports, uint8_t protocol, struct range range, enum parity parity,
	       struct random *random)
{
	struct map *map = map_want(ports, protocol);
	unsigned int start;
	int port;

	if (!map)
		return -1;
	start = range.min + random_below(random, range.max - range.min + 1U);
	port = map_take(map, start, range.max, parity);
	if (port < 0 && start > range.min)
		port = map_take(map, range.min, start - 1, parity);
	return port;
}

bool ports_claim(struct ports *ports, uint8_t protocol, uint16_t port)
{
	struct map *map = map_want(ports, protocol);

	return map && map_set(map, port);
}

void ports_release(struct ports *ports, uint8_t protocol, uint16_t port)
{
	struct map *map = map_have(ports, protocol);

	if (map)
		map_clear(map, port);
}

static unsigned int map_used(const struct map *map, struct range range)
{
	unsigned int word, count = 0;

	for (word = range.min / 64; map && word <= range.max / 64U; word++)
		count += __builtin_popcountll(atomic_load(&map->used[word]) &
					      word_mask(word, range.min, range.max));
	return count;
}

unsigned int ports_used(const struct ports *ports, uint8_t protocol, struct range range)
{
	return map_used(map_have(ports, protocol), range);
}

bool ports_any_used(const struct ports *ports, struct range range)
{
	int i;

	for (i = 0; i < MAP_BLOCKS; i++)
		if (map_used(atomic_load(&ports->maps[i]), range))
			return true;
	return false;
}

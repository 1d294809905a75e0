// SPDX-License-Identifier: GPL-2.0
/* The Maglev table: consistent hashing with even shares. */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "maglev.h"
#include "siphash.h"

/* A backend's walk through its permutation of the slots. */
struct walk {
	uint32_t id, weight;
	uint32_t next, skip;
	uint64_t due;			/* grows by the largest weight with each slot taken */
	uint16_t value;
};

static int by_id(const void *a, const void *b)
{
	const struct walk *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static struct walk *start(const struct maglev_backend *backends, unsigned int count)
{
	/* Known to all hosts: their tables must agree */
	static const struct siphash_key key = { { 0x72657769726564, 0x6d61676c6576 } };
	struct walk *walks = allocate(count, sizeof(*walks));
	unsigned int i;
	uint64_t hash;

	for (i = 0; i < count; i++) {
		hash = siphash(&key, &backends[i].id, sizeof(backends[i].id));
		walks[i] = (struct walk){
			.id = backends[i].id,
			.weight = backends[i].weight,
			.next = (uint32_t)hash % MAGLEV_SLOTS,
			.skip = (hash >> 32) % (MAGLEV_SLOTS - 1) + 1,
			.value = backends[i].value,
		};
	}
	qsort(walks, count, sizeof(*walks), by_id);
	return walks;
}

static uint32_t largest_weight(const struct walk *walks, unsigned int count)
{
	uint32_t largest = 0;
	unsigned int i;

	for (i = 0; i < count; i++)
		if (walks[i].weight > largest)
			largest = walks[i].weight;
	return largest;
}

static void take_slot(struct walk *walk, uint16_t *slots, bool *taken)
{
	while (taken[walk->next])
		walk->next = (walk->next + walk->skip) % MAGLEV_SLOTS;
	taken[walk->next] = true;
	slots[walk->next] = walk->value;
}

void maglev_fill(uint16_t *slots, const struct maglev_backend *backends, unsigned int count)
{
	struct walk *walks = start(backends, count);
	bool *taken = allocate(MAGLEV_SLOTS, sizeof(*taken));
	unsigned int i, filled = 0;
	uint32_t largest = largest_weight(walks, count);
	uint64_t round = 0;

	while (filled < MAGLEV_SLOTS) {
		round++;
		for (i = 0; i < count && filled < MAGLEV_SLOTS; i++) {
			if (round * walks[i].weight < walks[i].due)
				continue;
			walks[i].due += largest;
			take_slot(&walks[i], slots, taken);
			filled++;
		}
	}
	free(walks);
	free(taken);
}

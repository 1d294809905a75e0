// SPDX-License-Identifier: GPL-2.0
/* A set of numbers: a hash of words of 64 bits, open addressing. */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "ids.h"

#define FIRST_SIZE	64

struct word {
	uint64_t bits;		/* 0, the place is free */
	uint64_t number;	/* of the word */
};

struct rw_ids {
	struct word *words;
	size_t size, used;	/* size is a power of 2 */
};

static struct word *find(const struct word *words, size_t size, uint64_t number)
{
	size_t at = (number * 0x9e3779b97f4a7c15ULL) >> 20;

	while (words[at & (size - 1)].bits && words[at & (size - 1)].number != number)
		at++;
	return (struct word *)&words[at & (size - 1)];
}

static bool grow(struct rw_ids *ids)
{
	size_t size = ids->size * 2, i;
	struct word *words = calloc(size, sizeof(*words));

	if (!words)
		return false;
	for (i = 0; i < ids->size; i++)
		if (ids->words[i].bits)
			*find(words, size, ids->words[i].number) = ids->words[i];
	free(ids->words);
	ids->words = words;
	ids->size = size;
	return true;
}

struct rw_ids *rw_ids_new(void)
{
	struct rw_ids *ids = calloc(1, sizeof(*ids));

	if (!ids)
		return NULL;
	ids->size = FIRST_SIZE;
	ids->words = calloc(ids->size, sizeof(*ids->words));
	if (ids->words)
		return ids;
	free(ids);
	return NULL;
}

void rw_ids_free(struct rw_ids *ids)
{
	if (ids)
		free(ids->words);
	free(ids);
}

int rw_ids_add(struct rw_ids *ids, uint64_t id)
{
	uint64_t bit = 1ULL << (id % 64);
	struct word *word = find(ids->words, ids->size, id / 64);

	if (word->bits & bit)
		return -EEXIST;
	if (!word->bits) {
		if (ids->used >= ids->size / 4 * 3) {
			if (!grow(ids))
				return -ENOMEM;
			word = find(ids->words, ids->size, id / 64);
		}
		ids->used++;
		word->number = id / 64;
	}
	word->bits |= bit;
	return 0;
}

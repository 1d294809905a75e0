/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_SIPHASH_H
#define REWIRED_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t word[2];
};

/* SipHash-2-4 of Aumasson and Bernstein. */
uint64_t siphash(const struct siphash_key *key, const void *data, size_t length);

/* A sequence that outputs do not foretell: SipHash of a counter under a secret key. */
struct random {
	struct siphash_key key;
	uint64_t counter;
};

void random_seed(struct random *random);
uint32_t random_below(struct random *random, uint32_t limit);

#endif

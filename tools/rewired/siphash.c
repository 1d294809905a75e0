// SPDX-License-Identifier: GPL-2.0
/* A keyed hash, and random numbers from it. */

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "log.h"
#include "siphash.h"

/* Tables are asked by it for each flow several times: its state stays in registers. */
#define INLINE	static inline __attribute__((always_inline))

INLINE uint64_t rotate(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

INLINE void mix(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

INLINE void take(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	mix(v);
	mix(v);
	v[0] ^= word;
}

uint64_t siphash(const struct siphash_key *key, const void *data, size_t length)
{
	uint64_t v[4] = {
		key->word[0] ^ 0x736f6d6570736575, key->word[1] ^ 0x646f72616e646f6d,
		key->word[0] ^ 0x6c7967656e657261, key->word[1] ^ 0x7465646279746573,
	};
	const uint8_t *bytes = data, *end = bytes + length / 8 * 8;
	uint64_t word, last = (uint64_t)length << 56;
	size_t i;

	for (; bytes < end; bytes += 8) {
		memcpy(&word, bytes, 8);
		take(v, le64toh(word));
	}
	for (i = 0; i < length % 8; i++)
		last |= (uint64_t)bytes[i] << 8 * i;
	take(v, last);
	v[2] ^= 0xff;
	mix(v);
	mix(v);
	mix(v);
	mix(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void random_seed(struct random *random)
{
	if (getrandom(&random->key, sizeof(random->key), 0) != sizeof(random->key)) {
		log_line("no random numbers from the kernel");
		abort();
	}
	random->counter = 0;
}

uint32_t random_below(struct random *random, uint32_t limit)
{
	uint64_t value;

	random->counter++;
	value = siphash(&random->key, &random->counter, sizeof(random->counter)) >> 32;
	return value * limit >> 32;
}

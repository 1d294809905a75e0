/* SPDX-License-Identifier: GPL-2.0 */
/* Where a key is in a table, which nobody who chooses keys can foresee. */
#ifndef REWIRE_KEY_HASH_H
#define REWIRE_KEY_HASH_H

#include <linux/compiler.h>
#include <linux/siphash.h>

#include "key.h"

/**
 * struct rewire_hash_secret - random numbers
 * @hash: for all keys
 * @address: for IPv6 addresses
 */
struct rewire_hash_secret {
	siphash_key_t hash;
	u64 address[4];
};

/*
 * A key as two words. Two IPv4 addresses are one. Of IPv6 it is NH (RFC 4418, 5.2.2) of 64-bit
 * words, a sum of products: however two pairs of addresses are chosen, their sums differ by a
 * given number for one in 2^64 secrets. So the rest of the key can be added to the upper half.
 */
static __always_inline void rewire_key_words(const struct rewire_hash_secret *secret,
					     const struct rewire_key *key, u64 *words)
{
	const u64 *address = (const u64 *)key;
	/*
	 * The parser has just written these one by one: read at once, as the compiler would,
	 * they had to reach the cache first.
	 */
	u64 rest = (u64)READ_ONCE(key->network) << 32 |
		   (u32)(__force u16)READ_ONCE(key->sport) << 16 |
		   (__force u16)READ_ONCE(key->dport);
	unsigned __int128 sum;

	if (rewire_key_is_ipv4(key)) {
		sum = (u64)(__force u32)key->src.s6_addr32[3] << 32 |
		      (__force u32)key->dst.s6_addr32[3];
	} else {
		sum = (unsigned __int128)(address[0] + secret->address[0]) *
		      (address[1] + secret->address[1]);
		sum += (unsigned __int128)(address[2] + secret->address[2]) *
		       (address[3] + secret->address[3]);
	}
	words[0] = sum;
	words[1] = (u64)(sum >> 64) + rest;
}

static __always_inline void rewire_hash_round(u64 *v)
{
	SIPHASH_PERMUTATION(v[0], v[1], v[2], v[3]);
}

/*
 * SipHash-1-3, as the kernel's tables have it. All keys have as many words, so none for
 * the length is hashed. Seed: of the table.
 */
static __always_inline u32 rewire_key_hash_with(const struct rewire_hash_secret *secret,
						const struct rewire_key *key, u32 seed)
{
	u64 words[2], v[] = {
		SIPHASH_CONST_0 ^ secret->hash.key[0] ^ seed,
		SIPHASH_CONST_1 ^ secret->hash.key[1],
		SIPHASH_CONST_2 ^ secret->hash.key[0] ^ seed,
		SIPHASH_CONST_3 ^ secret->hash.key[1],
	};
	int i;

	rewire_key_words(secret, key, words);
	for (i = 0; i < 2; i++) {
		v[3] ^= words[i];
		rewire_hash_round(v);
		v[0] ^= words[i];
	}
	v[2] ^= 0xff;
	for (i = 0; i < 3; i++)
		rewire_hash_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif /* REWIRE_KEY_HASH_H */

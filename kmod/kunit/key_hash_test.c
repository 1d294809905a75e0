// SPDX-License-Identifier: GPL-2.0
/* Tests of the hash of keys. */
#include <kunit/test.h>
#include <linux/prandom.h>

#include "../key_hash.h"

#define ROUNDS	20
#define KEYS	65536U
#define SEED	7

struct hash_test {
	struct rnd_state random;
	struct rewire_hash_secret secret;
	u8 chain[KEYS];
};

static int hash_test_init(struct kunit *test)
{
	struct hash_test *ht = kunit_kzalloc(test, sizeof(*ht), GFP_KERNEL);

	if (!ht)
		return -ENOMEM;
	test->priv = ht;
	prandom_seed_state(&ht->random, 1);
	prandom_bytes_state(&ht->random, &ht->secret, sizeof(ht->secret));
	return 0;
}

static struct rewire_key random_key(struct hash_test *ht, bool ipv4)
{
	struct rewire_key key;

	prandom_bytes_state(&ht->random, &key, sizeof(key));
	if (ipv4) {
		ipv6_addr_set_v4mapped(key.src.s6_addr32[3], &key.src);
		ipv6_addr_set_v4mapped(key.dst.s6_addr32[3], &key.dst);
	}
	return key;
}

/* Whatever differs between two keys of a family, down to a bit. */
static void hash_tells_keys_apart(struct kunit *test)
{
	struct hash_test *ht = test->priv;
	struct rewire_key key, other;
	unsigned int i, bit;
	u32 hash;

	for (i = 0; i < 2 * ROUNDS; i++) {
		key = random_key(ht, i % 2);
		hash = rewire_key_hash_with(&ht->secret, &key, SEED);
		KUNIT_EXPECT_EQ(test, rewire_key_hash_with(&ht->secret, &key, SEED), hash);
		for (bit = 0; bit < 8 * sizeof(key); bit++) {
			other = key;
			((u8 *)&other)[bit / 8] ^= BIT(bit % 8);
			if (i % 2 && !rewire_key_is_ipv4(&other))
				continue;
			if (i % 2 && !ipv6_addr_v4mapped(&other.src))
				continue;
			KUNIT_EXPECT_NE_MSG(test, rewire_key_hash_with(&ht->secret, &other, SEED),
					    hash, "IPv%d, bit %u", i % 2 ? 4 : 6, bit);
		}
	}
}

/* Each part of the secret, and the table's seed: the same key is elsewhere with another one. */
static void hash_hangs_on_all_secrets(struct kunit *test)
{
	struct hash_test *ht = test->priv;
	struct rewire_key key = random_key(ht, false);
	u32 hash = rewire_key_hash_with(&ht->secret, &key, SEED);
	struct rewire_hash_secret other;
	unsigned int bit;

	KUNIT_EXPECT_NE(test, rewire_key_hash_with(&ht->secret, &key, SEED + 1), hash);
	for (bit = 0; bit < 8 * sizeof(other); bit++) {
		other = ht->secret;
		((u8 *)&other)[bit / 8] ^= BIT(bit % 8);
		KUNIT_EXPECT_NE_MSG(test, rewire_key_hash_with(&other, &key, SEED), hash,
				    "bit %u", bit);
	}
}

/* As many chains as keys that count up in a word: by chance none is longer than a dozen. */
static void hash_spreads(struct kunit *test, bool ipv4, unsigned int word)
{
	struct hash_test *ht = test->priv;
	struct rewire_key key = random_key(ht, ipv4);
	unsigned int i, longest = 0;
	u8 *chain;

	memset(ht->chain, 0, sizeof(ht->chain));
	for (i = 0; i < KEYS; i++) {
		((u32 *)&key)[word]++;
		chain = &ht->chain[rewire_key_hash_with(&ht->secret, &key, SEED) % KEYS];
		longest = max_t(unsigned int, longest, ++*chain);
	}
	KUNIT_EXPECT_LE_MSG(test, longest, 12, "IPv%d, word %u", ipv4 ? 4 : 6, word);
	KUNIT_EXPECT_GE_MSG(test, longest, 5, "IPv%d, word %u", ipv4 ? 4 : 6, word);
}

static void hash_spreads_neighbours(struct kunit *test)
{
	unsigned int word;

	for (word = 0; word < sizeof(struct rewire_key) / sizeof(u32); word++)
		hash_spreads(test, false, word);
	hash_spreads(test, true, 3);
	hash_spreads(test, true, 7);
	hash_spreads(test, true, 8);
}

static struct kunit_case hash_cases[] = {
	KUNIT_CASE(hash_tells_keys_apart),
	KUNIT_CASE(hash_hangs_on_all_secrets),
	KUNIT_CASE(hash_spreads_neighbours),
	{}
};

static struct kunit_suite hash_suite = {
	.name = "rewire_key_hash",
	.init = hash_test_init,
	.test_cases = hash_cases,
};

kunit_test_suites(&hash_suite);

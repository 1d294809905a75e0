// SPDX-License-Identifier: GPL-2.0
/* Tests of tallies: where packets and bytes have carries, and before these are counted. */
#include <kunit/test.h>

#include "../tally.h"

#define PACKETS_CARRY	REWIRE_TALLY_PACKETS
#define BYTES_CARRY	(REWIRE_TALLY_BYTES >> REWIRE_TALLY_SHIFT)

static void expect(struct kunit *test, const struct rewire_tally *tally, u64 packets, u64 bytes)
{
	u64 packets_read, bytes_read;

	rewire_tally_read(tally, &packets_read, &bytes_read);
	KUNIT_EXPECT_EQ(test, packets_read, packets);
	KUNIT_EXPECT_EQ(test, bytes_read, bytes);
}

static const u64 beginnings[] = {
	0, 1, PACKETS_CARRY - 2, PACKETS_CARRY, 2 * PACKETS_CARRY - 3, 7 * PACKETS_CARRY - 1,
	BYTES_CARRY - 1, BYTES_CARRY, 2 * BYTES_CARRY - 2000, 5 * BYTES_CARRY - 1,
};

static void tally_is_what_was_set(struct kunit *test)
{
	struct rewire_tally tally;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(beginnings); i++) {
		for (j = 0; j < ARRAY_SIZE(beginnings); j++) {
			rewire_tally_set(&tally, beginnings[i], beginnings[j]);
			expect(test, &tally, beginnings[i], beginnings[j]);
		}
	}
	rewire_tally_set(&tally, REWIRE_TALLY_MAX, U64_MAX);
	expect(test, &tally, REWIRE_TALLY_MAX, U64_MAX);
}

static void tally_is_what_was_set_and_added(struct kunit *test)
{
	static const unsigned int sizes[] = { 46, 1500, 65535, 0, 524288 };
	struct rewire_tally tally;
	unsigned int i, j, n;
	u64 bytes;

	for (i = 0; i < ARRAY_SIZE(beginnings); i++) {
		for (j = 0; j < ARRAY_SIZE(beginnings); j++) {
			rewire_tally_set(&tally, beginnings[i], beginnings[j]);
			bytes = beginnings[j];
			for (n = 1; n <= 10; n++) {
				rewire_tally_add(&tally, sizes[n % ARRAY_SIZE(sizes)]);
				bytes += sizes[n % ARRAY_SIZE(sizes)];
				expect(test, &tally, beginnings[i] + n, bytes);
			}
		}
	}
}

/* One addition that changes both bits, and one whose packets' carry alone changes the bytes' */
static void tally_has_both_carries_at_once(struct kunit *test)
{
	struct rewire_tally tally;

	rewire_tally_set(&tally, PACKETS_CARRY - 1, BYTES_CARRY - 1);
	rewire_tally_add(&tally, 1);
	expect(test, &tally, PACKETS_CARRY, BYTES_CARRY);

	rewire_tally_set(&tally, 2 * PACKETS_CARRY - 1, BYTES_CARRY - 1);
	rewire_tally_add(&tally, 0);
	expect(test, &tally, 2 * PACKETS_CARRY, BYTES_CARRY - 1);
}

/* Who has added, but not yet counted that he changed a bit */
static void tally_knows_a_carry_that_is_not_counted(struct kunit *test)
{
	struct rewire_tally tally;

	rewire_tally_set(&tally, 3 * PACKETS_CARRY - 1, 100);
	atomic64_add((50ULL << REWIRE_TALLY_SHIFT) + 1, &tally.sum);
	expect(test, &tally, 3 * PACKETS_CARRY, 150);

	rewire_tally_set(&tally, 10, 4 * BYTES_CARRY - 1);
	atomic64_add((50ULL << REWIRE_TALLY_SHIFT) + 1, &tally.sum);
	expect(test, &tally, 11, 4 * BYTES_CARRY + 49);
}

/* More than a tally's bits of both, by additions alone */
static void tally_grows_from_nothing_beyond_its_bits(struct kunit *test)
{
	struct rewire_tally tally;
	const unsigned int size = 1 << 20;
	unsigned int n;

	rewire_tally_set(&tally, 0, 0);
	for (n = 0; n < 3 * PACKETS_CARRY; n++)
		rewire_tally_add(&tally, size);
	expect(test, &tally, n, (u64)n * size);
}

static struct kunit_case tally_cases[] = {
	KUNIT_CASE(tally_is_what_was_set),
	KUNIT_CASE(tally_is_what_was_set_and_added),
	KUNIT_CASE(tally_has_both_carries_at_once),
	KUNIT_CASE(tally_knows_a_carry_that_is_not_counted),
	KUNIT_CASE(tally_grows_from_nothing_beyond_its_bits),
	{}
};

static struct kunit_suite tally_suite = {
	.name = "rewire_tally",
	.test_cases = tally_cases,
};

kunit_test_suites(&tally_suite);

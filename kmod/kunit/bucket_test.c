// SPDX-License-Identifier: GPL-2.0
/* Tests of token buckets. */
#include <kunit/test.h>

#include "../bucket.h"

#define START	1000000ULL
#define COST	100ULL

static unsigned int take(atomic64_t *full, u64 now, unsigned int tries, u64 depth)
{
	unsigned int taken = 0;

	while (tries--)
		taken += rewire_bucket_take(full, now, COST, depth);
	return taken;
}

/* A bucket that was never used is full. */
static void bucket_holds_its_depth(struct kunit *test)
{
	atomic64_t full = ATOMIC64_INIT(0);

	KUNIT_EXPECT_EQ(test, take(&full, START, 100, 10 * COST), 10U);
	KUNIT_EXPECT_EQ(test, take(&full, START, 100, 10 * COST), 0U);
}

static void bucket_fills_again(struct kunit *test)
{
	atomic64_t full = ATOMIC64_INIT(0);

	take(&full, START, 100, 10 * COST);
	KUNIT_EXPECT_EQ(test, take(&full, START + COST - 1, 100, 10 * COST), 0U);
	KUNIT_EXPECT_EQ(test, take(&full, START + COST, 100, 10 * COST), 1U);
	KUNIT_EXPECT_EQ(test, take(&full, START + 4 * COST, 100, 10 * COST), 3U);
}

static void bucket_fills_no_further_than_full(struct kunit *test)
{
	atomic64_t full = ATOMIC64_INIT(0);

	take(&full, START, 100, 10 * COST);
	KUNIT_EXPECT_EQ(test, take(&full, START + 1000 * COST, 100, 10 * COST), 10U);
}

/* However often it is asked, its rate is what passes. */
static void bucket_keeps_its_rate(struct kunit *test)
{
	atomic64_t full = ATOMIC64_INIT(0);
	unsigned int taken = 0;
	u64 now;

	for (now = START; now < START + 10000 * COST; now += 7)
		taken += rewire_bucket_take(&full, now, COST, 5 * COST);
	KUNIT_EXPECT_GE(test, taken, 10000U);
	KUNIT_EXPECT_LE(test, taken, 10005U);
}

static void bucket_lets_the_large_pass_when_full(struct kunit *test)
{
	atomic64_t full = ATOMIC64_INIT(0);

	KUNIT_EXPECT_TRUE(test, rewire_bucket_take(&full, START, 50 * COST, 10 * COST));
	KUNIT_EXPECT_FALSE(test, rewire_bucket_take(&full, START + 1, COST, 10 * COST));
	KUNIT_EXPECT_FALSE(test, rewire_bucket_take(&full, START + 40 * COST, COST, 10 * COST));
	KUNIT_EXPECT_TRUE(test, rewire_bucket_take(&full, START + 41 * COST, COST, 10 * COST));
}

/* Another CPU's clock may be a little behind. */
static void bucket_bears_a_clock_that_is_behind(struct kunit *test)
{
	atomic64_t full = ATOMIC64_INIT(0);

	KUNIT_EXPECT_EQ(test, take(&full, START, 3, 10 * COST), 3U);
	KUNIT_EXPECT_LE(test, take(&full, START - COST, 100, 10 * COST), 7U);
}

static struct kunit_case bucket_cases[] = {
	KUNIT_CASE(bucket_holds_its_depth),
	KUNIT_CASE(bucket_fills_again),
	KUNIT_CASE(bucket_fills_no_further_than_full),
	KUNIT_CASE(bucket_keeps_its_rate),
	KUNIT_CASE(bucket_lets_the_large_pass_when_full),
	KUNIT_CASE(bucket_bears_a_clock_that_is_behind),
	{}
};

static struct kunit_suite bucket_suite = {
	.name = "rewire_bucket",
	.test_cases = bucket_cases,
};

kunit_test_suites(&bucket_suite);

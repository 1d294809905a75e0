// SPDX-License-Identifier: GPL-2.0
/* Tests of shares: what a flood leaves, to whom, and when it is forgotten. */
#include <kunit/test.h>

#include "../fragment_share.c"

#define HIGH	1048576
#define TIME	3000UL
#define BYTES	1000U
#define GUEST	0x01020304
#define OTHER	0x05060708
#define START	(ULONG_MAX - TIME)	/* the clock wraps meanwhile */

static const struct rewire_share_bounds bounds = { .high = HIGH, .time = TIME };

static int share_test_init(struct kunit *test)
{
	struct rewire_share *share = kunit_kzalloc(test, sizeof(*share), GFP_KERNEL);

	if (!share)
		return -ENOMEM;
	rewire_share_init(share);
	share->since = START;
	test->priv = share;
	return 0;
}

static bool take(struct kunit *test, u32 who, unsigned long now)
{
	u32 charge;

	return rewire_share_take(test->priv, who, BYTES, &bounds, now, &charge);
}

/* Return: bytes that it may have. */
static long flood(struct kunit *test, u32 who, unsigned long now)
{
	long bytes = 0;

	while (bytes < HIGH && take(test, who, now))
		bytes += BYTES;
	return bytes;
}

static void expect_about(struct kunit *test, long is, long should)
{
	KUNIT_EXPECT_GE(test, is, should - 2 * BYTES);
	KUNIT_EXPECT_LE(test, is, should + 2 * BYTES);
}

static void share_one_leaves_half(struct kunit *test)
{
	expect_about(test, flood(test, GUEST, START), HIGH / 2);
	KUNIT_EXPECT_TRUE(test, take(test, OTHER, START));
}

static void share_many_leave_a_part_of_one_more(struct kunit *test)
{
	struct rewire_share *share = test->priv;
	unsigned int n, again;

	for (again = 0; again < HIGH / BYTES; again++) {
		for (n = 1; n <= 7; n++)
			take(test, n * 0x01010101, START);
	}
	expect_about(test, HIGH - share->waiting.all, HIGH / 8);
	expect_about(test, flood(test, OTHER, START), HIGH / 16);
}

static bool take_of(struct kunit *test, u32 who, const struct rewire_share_bounds *of)
{
	u32 charge;

	return rewire_share_take(test->priv, who, BYTES, of, START, &charge);
}

/* Fragments that others have there count, too. */
static void share_leaves_what_others_use(struct kunit *test)
{
	struct rewire_share_bounds used = bounds;

	used.used = HIGH - 2 * BYTES;
	KUNIT_EXPECT_TRUE(test, take_of(test, GUEST, &used));
	KUNIT_EXPECT_TRUE(test, take_of(test, GUEST, &used));
	KUNIT_EXPECT_FALSE(test, take_of(test, GUEST, &used));
	KUNIT_EXPECT_TRUE(test, take_of(test, OTHER, &used));
}

static void share_is_given_back(struct kunit *test)
{
	struct rewire_share *share = test->priv;
	unsigned int i;
	u32 charge;

	for (i = 0; i < 10 * HIGH / BYTES; i++) {
		KUNIT_ASSERT_TRUE(test, rewire_share_take(share, GUEST, BYTES, &bounds, START,
							  &charge));
		rewire_share_give(share, GUEST, rewire_share_turn(charge),
				  rewire_share_bytes(charge));
	}
	KUNIT_EXPECT_EQ(test, rewire_share_waiting(share, GUEST), 0);
	KUNIT_EXPECT_EQ(test, share->waiting.all, 0);
}

/* Not before its time, and not long after. */
static void share_forgets_what_is_over(struct kunit *test)
{
	flood(test, GUEST, START);
	KUNIT_EXPECT_FALSE(test, take(test, GUEST, START + TIME / 2));
	KUNIT_EXPECT_FALSE(test, take(test, GUEST, START + TIME));
	KUNIT_EXPECT_TRUE(test, take(test, GUEST, START + TIME + TIME / 3 + 1));
}

static void share_forgets_all_after_long_idleness(struct kunit *test)
{
	struct rewire_share *share = test->priv;

	flood(test, GUEST, START);
	KUNIT_EXPECT_TRUE(test, take(test, GUEST, START + 1000 * TIME));
	KUNIT_EXPECT_EQ(test, share->waiting.all, (int)BYTES);
	KUNIT_EXPECT_EQ(test, share->since, START + 1000 * TIME);
}

/* What comes late is subtracted from the turn in which it came, or from none. */
static void share_is_given_back_to_its_turn(struct kunit *test)
{
	struct rewire_share *share = test->priv;
	u32 charge, later;

	rewire_share_take(share, GUEST, BYTES, &bounds, START, &charge);
	rewire_share_take(share, GUEST, BYTES, &bounds, START + TIME / 2, &later);
	rewire_share_give(share, GUEST, rewire_share_turn(charge), BYTES);
	KUNIT_EXPECT_TRUE(test, take(test, OTHER, START + TIME + TIME / 3));
	KUNIT_EXPECT_EQ(test, rewire_share_waiting(share, GUEST), (int)BYTES);
	KUNIT_EXPECT_TRUE(test, take(test, OTHER, START + 2 * TIME));
	KUNIT_EXPECT_EQ(test, rewire_share_waiting(share, GUEST), 0);
	rewire_share_give(share, GUEST, rewire_share_turn(later), BYTES);
	KUNIT_EXPECT_EQ(test, rewire_share_waiting(share, GUEST), 0);
}

/* Who shares all rows but one with a flood is not taken for it. */
static void share_needs_one_row_alone(struct kunit *test)
{
	flood(test, GUEST, START);
	KUNIT_EXPECT_TRUE(test, take(test, GUEST ^ 0x01000000, START));
	KUNIT_EXPECT_TRUE(test, take(test, GUEST ^ 0x01000000, START));
}

static struct kunit_case share_cases[] = {
	KUNIT_CASE(share_one_leaves_half),
	KUNIT_CASE(share_many_leave_a_part_of_one_more),
	KUNIT_CASE(share_leaves_what_others_use),
	KUNIT_CASE(share_is_given_back),
	KUNIT_CASE(share_forgets_what_is_over),
	KUNIT_CASE(share_forgets_all_after_long_idleness),
	KUNIT_CASE(share_is_given_back_to_its_turn),
	KUNIT_CASE(share_needs_one_row_alone),
	{}
};

static struct kunit_suite share_suite = {
	.name = "rewire_fragment_share",
	.init = share_test_init,
	.test_cases = share_cases,
};

kunit_test_suites(&share_suite);

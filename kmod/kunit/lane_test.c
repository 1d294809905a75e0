// SPDX-License-Identifier: GPL-2.0
/* Tests of the fair queueing of questions: turns of networks, clients, kinds and bands. */
#include <kunit/test.h>
#include <linux/prandom.h>

#include "../lane.c"

#define HOLDS	800
#define QUIET	1000U		/* a client that is not one of a flood's */

/**
 * struct lane_test - a queue, and what may be in it
 * @ns: of which only the secret is needed
 * @queue: of one CPU
 * @used: so many of @hold have been used
 * @hold: questions
 */
struct lane_test {
	struct rewire_net ns;
	struct rewire_punt_queue queue;
	unsigned int used;
	struct rewire_hold hold[HOLDS];
};

static int lane_test_init(struct kunit *test)
{
	struct lane_test *lt = kunit_kzalloc(test, sizeof(*lt), GFP_KERNEL);
	struct rewire_punt_queue *queue;
	int i;

	if (!lt)
		return -ENOMEM;
	/* The module itself has one of the usual name. */
	rewire_lane_cache = kmem_cache_create("rewire_lane_test", sizeof(struct rewire_lane), 0,
					      0, rewire_lane_construct);
	if (!rewire_lane_cache)
		return -ENOMEM;
	test->priv = lt;
	queue = &lt->queue;
	queue->ns = &lt->ns;
	queue->window.size = HOLDS;
	spin_lock_init(&queue->lock);
	for (i = 0; i < REWIRE_TURNS; i++) {
		INIT_LIST_HEAD(&queue->round[i].sparse);
		INIT_LIST_HEAD(&queue->round[i].lanes);
	}
	return 0;
}

static unsigned int lanes(const struct rewire_punt_queue *queue)
{
	const struct rewire_lane *lane;
	unsigned int n = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(queue->lanes); i++) {
		hlist_for_each_entry(lane, &queue->lanes[i], node)
			n++;
	}
	return n;
}

/* A hold that leaves the queue, wherever it is, as rewire_punt_leave() does it. */
static void leave(struct lane_test *lt, struct rewire_hold *hold)
{
	spin_lock_bh(&lt->queue.lock);
	if (hold->stage == REWIRE_HOLD_QUEUED)
		rewire_lane_remove(&lt->queue, hold);
	else if (hold->stage == REWIRE_HOLD_ASKED)
		rewire_lane_answered(&lt->queue, hold);
	hold->stage = REWIRE_HOLD_ENDED;
	spin_unlock_bh(&lt->queue.lock);
}

/* Whatever a test has left: then nothing may be there any more. */
static void lane_test_exit(struct kunit *test)
{
	struct lane_test *lt = test->priv;
	unsigned int i;

	if (!lt)
		return;
	for (i = 0; i < lt->used; i++)
		leave(lt, &lt->hold[i]);
	KUNIT_EXPECT_EQ(test, lt->queue.queued, 0U);
	KUNIT_EXPECT_EQ(test, lt->queue.asked, 0U);
	KUNIT_EXPECT_EQ(test, lanes(&lt->queue), 0U);
	kmem_cache_destroy(rewire_lane_cache);
}

static struct rewire_hold *make(struct kunit *test, u32 vni, u32 client)
{
	struct lane_test *lt = test->priv;
	struct rewire_hold *hold = &lt->hold[lt->used];

	KUNIT_ASSERT_LT(test, lt->used, (unsigned int)HOLDS);
	lt->used++;
	hold->tuple.key.network = rewire_key_network(vni, IPPROTO_TCP);
	ipv6_addr_set_v4mapped(htonl(client), &hold->tuple.key.src);
	hold->kind = REWIRE_TURN_NEW;
	hold->since = jiffies;
	hold->stage = REWIRE_HOLD_ENDED;
	INIT_LIST_HEAD(&hold->turn);
	return hold;
}

static void queue_it(struct kunit *test, struct rewire_hold *hold)
{
	struct lane_test *lt = test->priv;

	spin_lock_bh(&lt->queue.lock);
	KUNIT_EXPECT_EQ(test, rewire_lane_add(&lt->queue, hold), 0);
	hold->stage = REWIRE_HOLD_QUEUED;
	spin_unlock_bh(&lt->queue.lock);
}

/* N questions of a client. Return: the first. */
static struct rewire_hold *ask(struct kunit *test, u32 vni, u32 client, unsigned int n)
{
	struct rewire_hold *first = NULL, *hold;

	while (n--) {
		hold = make(test, vni, client);
		queue_it(test, hold);
		first = first ?: hold;
	}
	return first;
}

static struct rewire_hold *next(struct lane_test *lt, bool sparse)
{
	struct rewire_hold *hold;

	spin_lock_bh(&lt->queue.lock);
	hold = rewire_lane_next(&lt->queue, sparse);
	spin_unlock_bh(&lt->queue.lock);
	if (hold)
		hold->stage = REWIRE_HOLD_ASKED;
	return hold;
}

/* Of the next N, so many are of a network and, unless it is 0, of a client. */
static unsigned int served(struct lane_test *lt, unsigned int n, u32 vni, u32 client)
{
	struct rewire_hold *hold;
	unsigned int count = 0;

	while (n-- && (hold = next(lt, false))) {
		count += rewire_key_vni(&hold->tuple.key) == vni &&
			 (!client || hold->tuple.key.src.s6_addr32[3] == htonl(client));
	}
	return count;
}

/* Two networks are no longer sparse once four of each were asked about. */
static void not_sparse(struct kunit *test)
{
	served(test->priv, 2 * REWIRE_LANE_SPARSE, 0, 0);
}

static void networks_take_turns(struct kunit *test)
{
	unsigned int second;

	ask(test, 1, 1, 300);
	ask(test, 2, 1, 60);
	not_sparse(test);
	second = served(test->priv, 100, 2, 0);
	KUNIT_EXPECT_GE(test, second, 48U);
	KUNIT_EXPECT_LE(test, second, 52U);
	/* Then it has no more, and the first has all turns. */
	KUNIT_EXPECT_EQ(test, served(test->priv, 100, 2, 0), 60 - REWIRE_LANE_SPARSE - second);
}

/* What counts is the room in a message: long headers bring fewer turns. */
static void turns_are_paid_by_size(struct kunit *test)
{
	struct lane_test *lt = test->priv;
	unsigned int i, second;

	for (i = 0; i < 600; i++) {
		struct rewire_hold *hold = make(test, 1 + i % 2, 1);

		hold->header_length = i % 2 ? 0 : REWIRE_PUNT_HEADER_MAX;
		queue_it(test, hold);
	}
	not_sparse(test);
	second = served(lt, 280, 2, 0);
	/* As 288 to 160 */
	KUNIT_EXPECT_GE(test, second, 178U);
	KUNIT_EXPECT_LE(test, second, 182U);
}

/* A client that floods takes two places at most. */
static void clients_take_turns(struct kunit *test)
{
	ask(test, 1, 1, 500);
	ask(test, 1, QUIET, 60);
	not_sparse(test);
	KUNIT_EXPECT_GE(test, served(test->priv, 90, 1, QUIET), 29U);
}

/* Oldest first, of each of its two places. */
static void a_client_is_served_in_order(struct kunit *test)
{
	const struct rewire_hold *hold, *first = ask(test, 1, 1, 40);
	struct lane_test *lt = test->priv;
	int last[2] = { -1, -1 }, place, i;

	for (i = 0; i < 40; i++) {
		hold = next(lt, false);
		KUNIT_ASSERT_NOT_NULL(test, hold);
		place = hold->client == first->client;
		KUNIT_EXPECT_GT(test, (int)(hold - first), last[place]);
		last[place] = hold - first;
	}
}

static void the_newest_goes_when_the_oldest_is_late(struct kunit *test)
{
	struct rewire_hold *first = make(test, 1, 1), *last;
	int i;

	for (i = 0; i < 3; i++) {
		last = i ? make(test, 1, 1) : first;
		last->since = jiffies - REWIRE_LANE_LATE - HZ / 10;
		queue_it(test, last);
	}
	/* The first and the last are in one place, that in the middle in the other. */
	KUNIT_EXPECT_PTR_EQ(test, next(test->priv, false), last);
}

static void decided_again_goes_before_new(struct kunit *test)
{
	struct lane_test *lt = test->priv;
	unsigned int i, again = 0;

	for (i = 0; i < 400; i++) {
		struct rewire_hold *hold = make(test, 1, 1);

		hold->kind = i % 2 ? REWIRE_TURN_AGAIN : REWIRE_TURN_NEW;
		queue_it(test, hold);
	}
	not_sparse(test);
	for (i = 0; i < 100; i++)
		again += next(lt, false)->kind == REWIRE_TURN_AGAIN;
	KUNIT_EXPECT_EQ(test, again, 75U);
}

/* The least suspicious first, and one turn of 16 for the most suspicious. */
static void bands_go_in_order_but_for_mercy(struct kunit *test)
{
	struct lane_test *lt = test->priv;
	unsigned int i, count[REWIRE_LANE_BANDS] = {};

	for (i = 0; i < 400; i++) {
		struct rewire_hold *hold = make(test, 1, i);

		hold->band = i % REWIRE_LANE_BANDS;
		queue_it(test, hold);
	}
	for (i = 0; i < 96; i++)
		count[next(lt, false)->band]++;
	KUNIT_EXPECT_EQ(test, count[0], 90U);
	KUNIT_EXPECT_EQ(test, count[1], 0U);
	KUNIT_EXPECT_EQ(test, count[2], 0U);
	KUNIT_EXPECT_EQ(test, count[3], 6U);
}

/* With the window full of others, who comes with little is served, and nobody else. */
static void sparse_lanes_need_not_wait(struct kunit *test)
{
	struct lane_test *lt = test->priv;
	struct rewire_hold *hold;
	int i;

	lt->queue.window.size = 16;
	ask(test, 1, 1, 100);
	KUNIT_EXPECT_EQ(test, served(lt, 100, 1, 0), 16U);
	KUNIT_EXPECT_FALSE(test, rewire_lane_sparse(&lt->queue));
	ask(test, 2, 1, 10);
	KUNIT_EXPECT_TRUE(test, rewire_lane_sparse(&lt->queue));
	for (i = 0; i < REWIRE_LANE_SPARSE; i++) {
		hold = next(lt, true);
		KUNIT_ASSERT_NOT_NULL(test, hold);
		KUNIT_EXPECT_EQ(test, rewire_key_vni(&hold->tuple.key), 2U);
	}
	KUNIT_EXPECT_NULL(test, next(lt, true));
	KUNIT_EXPECT_NULL(test, next(lt, false));
	leave(lt, &lt->hold[0]);
	KUNIT_EXPECT_NULL(test, next(lt, false));	/* still more than the window */
}

/* However many networks come, no more than that are asked beyond the window. */
static void sparse_lanes_are_bounded(struct kunit *test)
{
	struct lane_test *lt = test->priv;
	u32 vni;

	lt->queue.window.size = 16;
	for (vni = 1; vni <= 200; vni++)
		ask(test, vni, 1, 1);
	KUNIT_EXPECT_EQ(test, served(lt, 200, 1, 0), 1U);
	KUNIT_EXPECT_EQ(test, lt->queue.asked, 16U + REWIRE_PUNT_SPARSE);
}

static struct rewire_hold *victim(struct lane_test *lt, struct rewire_hold *hold)
{
	struct rewire_hold *victim;

	spin_lock_bh(&lt->queue.lock);
	victim = rewire_lane_victim(&lt->queue, hold);
	spin_unlock_bh(&lt->queue.lock);
	return victim;
}

static void who_has_most_loses_the_oldest(struct kunit *test)
{
	struct lane_test *lt = test->priv;
	struct rewire_hold *other, *flood, *lost;

	other = make(test, 1, QUIET);
	KUNIT_EXPECT_NULL(test, victim(lt, other));	/* nothing is there */
	queue_it(test, other);
	flood = ask(test, 1, 1, REWIRE_LANE_ROOM - 2);
	KUNIT_EXPECT_NULL(test, victim(lt, make(test, 1, 2)));	/* too few */
	ask(test, 1, 1, 40);
	lost = victim(lt, make(test, 1, QUIET));
	/* The oldest of either of its two places */
	KUNIT_EXPECT_TRUE(test, lost == flood || lost == flood + 1);
	KUNIT_EXPECT_NULL(test, victim(lt, make(test, 2, 1)));	/* of another network */
}

static void the_oddest_loses(struct kunit *test)
{
	struct lane_test *lt = test->priv;
	struct rewire_hold *odd = make(test, 1, QUIET), *odder;

	ask(test, 1, 1, 40);
	odd->band = 2;
	queue_it(test, odd);
	KUNIT_EXPECT_PTR_EQ(test, victim(lt, make(test, 1, 2)), odd);
	odder = make(test, 1, 2);
	odder->band = 3;
	KUNIT_EXPECT_PTR_EQ(test, victim(lt, odder), odder);
	/* One that is decided again is no more suspicious than it was. */
	odder->kind = REWIRE_TURN_AGAIN;
	KUNIT_EXPECT_PTR_EQ(test, victim(lt, odder), odd);
}

/* What is decided again is never lost for want of room. */
static void decided_again_stays(struct kunit *test)
{
	struct rewire_hold *hold;
	int i;

	for (i = 0; i < 40; i++) {
		hold = make(test, 1, 1);
		hold->kind = REWIRE_TURN_AGAIN;
		queue_it(test, hold);
	}
	KUNIT_EXPECT_NULL(test, victim(test->priv, make(test, 1, 2)));
}

/* Whoever comes and goes: nothing is lost, served twice, or left over. */
static void nothing_is_lost(struct kunit *test)
{
	struct lane_test *lt = test->priv;
	unsigned int queued = 0, asked = 0, i;
	struct rnd_state random;
	struct rewire_hold *hold;

	prandom_seed_state(&random, 1);
	for (i = 0; i < HOLDS; i++)
		make(test, prandom_u32_state(&random) % 9, prandom_u32_state(&random) % 50);
	for (i = 0; i < 20000; i++) {
		hold = &lt->hold[prandom_u32_state(&random) % HOLDS];
		if (hold->stage == REWIRE_HOLD_ENDED) {
			hold->band = prandom_u32_state(&random) % REWIRE_LANE_BANDS;
			hold->kind = prandom_u32_state(&random) % REWIRE_TURNS;
			queue_it(test, hold);
			queued++;
		} else if (prandom_u32_state(&random) % 2) {
			queued -= hold->stage == REWIRE_HOLD_QUEUED;
			asked -= hold->stage == REWIRE_HOLD_ASKED;
			leave(lt, hold);
		} else {
			hold = next(lt, prandom_u32_state(&random) % 2);
			queued -= !!hold;
			asked += !!hold;
		}
		if (lt->queue.queued != queued || lt->queue.asked != asked)
			break;
	}
	KUNIT_EXPECT_EQ_MSG(test, lt->queue.queued, queued, "after %u steps", i);
	KUNIT_EXPECT_EQ_MSG(test, lt->queue.asked, asked, "after %u steps", i);
	while (next(lt, false))
		queued--;
	KUNIT_EXPECT_EQ(test, queued, 0U);
}

static struct kunit_case lane_cases[] = {
	KUNIT_CASE(networks_take_turns),
	KUNIT_CASE(turns_are_paid_by_size),
	KUNIT_CASE(clients_take_turns),
	KUNIT_CASE(a_client_is_served_in_order),
	KUNIT_CASE(the_newest_goes_when_the_oldest_is_late),
	KUNIT_CASE(decided_again_goes_before_new),
	KUNIT_CASE(bands_go_in_order_but_for_mercy),
	KUNIT_CASE(sparse_lanes_need_not_wait),
	KUNIT_CASE(sparse_lanes_are_bounded),
	KUNIT_CASE(who_has_most_loses_the_oldest),
	KUNIT_CASE(the_oddest_loses),
	KUNIT_CASE(decided_again_stays),
	KUNIT_CASE(nothing_is_lost),
	{}
};

static struct kunit_suite lane_suite = {
	.name = "rewire_lane",
	.init = lane_test_init,
	.exit = lane_test_exit,
	.test_cases = lane_cases,
};

kunit_test_suites(&lane_suite);

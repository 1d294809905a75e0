// SPDX-License-Identifier: GPL-2.0
/* Tests of the window, with daemons that take time to get to work, and work for each question. */
#include <kunit/test.h>
#include <linux/time64.h>

#include "../window.c"

#define MOST	(REWIRE_WINDOW_FEWEST << (REWIRE_WINDOW_LEVELS - 1))

struct daemon {
	u64 now;
	u64 late;	/* until it gets to work */
	u64 work;	/* for each question */
	u64 asked;
};

/* Full windows, one after the other. */
static void serve(struct rewire_window *window, struct daemon *daemon, unsigned int windows)
{
	while (windows--) {
		unsigned int n = window->size;
		u64 sent = daemon->now;

		daemon->asked += n;
		daemon->now += daemon->late;
		while (n--) {
			daemon->now += daemon->work;
			rewire_window_learn(window, sent, daemon->now, true);
		}
	}
}

static void window_of_a_fast_daemon_is_the_largest(struct kunit *test)
{
	struct daemon fast = { .late = 100 * NSEC_PER_USEC, .work = 3 * NSEC_PER_USEC };
	struct rewire_window window;

	rewire_window_init(&window);
	serve(&window, &fast, 30);
	KUNIT_EXPECT_EQ(test, window.size, MOST);
	fast.asked = 0;
	serve(&window, &fast, 1000);
	KUNIT_EXPECT_GT(test, fast.asked, 900ULL * MOST);
}

static void window_of_a_slow_daemon_is_the_smallest(struct kunit *test)
{
	struct daemon slow = { .work = NSEC_PER_MSEC };
	struct rewire_window window;

	rewire_window_init(&window);
	serve(&window, &slow, 1000);
	KUNIT_EXPECT_LT(test, slow.asked, 1100ULL * REWIRE_WINDOW_FEWEST);
	KUNIT_EXPECT_LE(test, window.size, 2 * REWIRE_WINDOW_FEWEST);
}

/* A few questions at a time would make it answer a few hundred a second. */
static void window_of_a_late_daemon_is_the_largest(struct kunit *test)
{
	struct daemon late = { .late = 16 * NSEC_PER_MSEC, .work = 5 * NSEC_PER_USEC };
	struct rewire_window window;

	rewire_window_init(&window);
	serve(&window, &late, 1000);
	KUNIT_EXPECT_GT(test, late.asked, 900ULL * MOST);
}

/* What it takes beyond a moment waits here, where turns are fair. */
static void window_is_what_is_answered_in_a_moment(struct kunit *test)
{
	struct daemon daemon = { .late = NSEC_PER_MSEC, .work = 100 * NSEC_PER_USEC };
	struct rewire_window window;

	rewire_window_init(&window);
	serve(&window, &daemon, 1000);
	KUNIT_EXPECT_GT(test, daemon.asked, 1000 * 50ULL);
	KUNIT_EXPECT_LE(test, daemon.asked, 1000 * 100ULL);
}

static void window_follows_a_daemon_that_becomes_slow(struct kunit *test)
{
	struct daemon daemon = { .work = 3 * NSEC_PER_USEC };
	struct rewire_window window;
	u64 before;

	rewire_window_init(&window);
	serve(&window, &daemon, 100);
	daemon.work = NSEC_PER_MSEC;
	before = daemon.now;
	serve(&window, &daemon, 1);	/* it has these already */
	KUNIT_EXPECT_LE(test, window.size, 2 * REWIRE_WINDOW_FEWEST);
	serve(&window, &daemon, 1);
	KUNIT_EXPECT_LE(test, daemon.now - before, 2 * MOST * NSEC_PER_MSEC);
	KUNIT_EXPECT_LE(test, window.size, 2 * REWIRE_WINDOW_FEWEST);
}

static void window_follows_a_daemon_that_becomes_fast(struct kunit *test)
{
	struct daemon daemon = { .work = NSEC_PER_MSEC };
	struct rewire_window window;

	rewire_window_init(&window);
	serve(&window, &daemon, 100);
	daemon.work = 3 * NSEC_PER_USEC;
	serve(&window, &daemon, 3 * REWIRE_WINDOW_STEADY);
	KUNIT_EXPECT_EQ(test, window.size, MOST);
}

/* What windows took when it was slower is no measure of larger ones. */
static void window_of_a_slow_daemon_stays_small_when_it_was_slower(struct kunit *test)
{
	struct daemon daemon = { .work = 500 * NSEC_PER_MSEC };
	struct rewire_window window;
	int i;

	rewire_window_init(&window);
	for (i = 0; i < 10; i++) {
		daemon.work = 500 * NSEC_PER_MSEC;
		serve(&window, &daemon, 1 + i);
		daemon.work = 5 * NSEC_PER_MSEC;
		daemon.asked = 0;
		serve(&window, &daemon, 50);
		KUNIT_EXPECT_LE(test, daemon.asked, 2 * 50ULL * REWIRE_WINDOW_FEWEST);
	}
}

/* Answers to the only questions that there were tell nothing of the next size. */
static void window_learns_when_it_was_full(struct kunit *test)
{
	struct rewire_window window;
	u64 now = 0;
	int i;

	rewire_window_init(&window);
	for (i = 0; i < 1000; i++, now += NSEC_PER_MSEC)
		rewire_window_learn(&window, now, now + NSEC_PER_USEC, false);
	KUNIT_EXPECT_EQ(test, window.size, REWIRE_WINDOW_FEWEST);
}

/* Another CPU's clock may be a little behind. */
static void window_bears_a_clock_that_is_behind(struct kunit *test)
{
	struct rewire_window window;
	int i;

	rewire_window_init(&window);
	for (i = 0; i < 1000; i++)
		rewire_window_learn(&window, NSEC_PER_SEC, NSEC_PER_SEC - 1, true);
	KUNIT_EXPECT_EQ(test, window.size, MOST);
}

static struct kunit_case window_cases[] = {
	KUNIT_CASE(window_of_a_fast_daemon_is_the_largest),
	KUNIT_CASE(window_of_a_slow_daemon_is_the_smallest),
	KUNIT_CASE(window_of_a_late_daemon_is_the_largest),
	KUNIT_CASE(window_is_what_is_answered_in_a_moment),
	KUNIT_CASE(window_follows_a_daemon_that_becomes_slow),
	KUNIT_CASE(window_follows_a_daemon_that_becomes_fast),
	KUNIT_CASE(window_of_a_slow_daemon_stays_small_when_it_was_slower),
	KUNIT_CASE(window_learns_when_it_was_full),
	KUNIT_CASE(window_bears_a_clock_that_is_behind),
	{}
};

static struct kunit_suite window_suite = {
	.name = "rewire_window",
	.test_cases = window_cases,
};

kunit_test_suites(&window_suite);

// SPDX-License-Identifier: GPL-2.0
/* Loads and least connections: what the kernel told, and what was decided since. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "schedule.h"

#define BACKENDS	3

struct stage {
	struct load *loads[BACKENDS];
	struct candidate candidates[BACKENDS];
	struct schedule *schedule;
	unsigned int place;
};

static void make(struct stage *stage, uint32_t first, uint32_t second, uint32_t third)
{
	const uint32_t weights[] = { first, second, third };
	unsigned int i;

	memset(stage, 0, sizeof(*stage));
	for (i = 0; i < BACKENDS; i++) {
		stage->loads[i] = load_new();
		stage->candidates[i] = (struct candidate){ 10 + i, weights[i], i, stage->loads[i] };
	}
	stage->schedule = schedule_new(SCHEDULER_LEAST, stage->candidates, BACKENDS);
}

static void unmake(struct stage *stage)
{
	unsigned int i;

	schedule_free(stage->schedule);
	for (i = 0; i < BACKENDS; i++)
		load_put(stage->loads[i]);
}

static void choose(struct stage *stage, unsigned int times, unsigned int *counts)
{
	int index;

	memset(counts, 0, BACKENDS * sizeof(*counts));
	while (times--) {
		index = schedule_choose(stage->schedule, 1);
		assert_in_range(index, 0, BACKENDS - 1);
		load_add(stage->loads[index], stage->place);
		counts[index]++;
	}
}

/* The kernel tells how many flows there are, all that were decided so far among them. */
static void tell(struct stage *stage, uint32_t first, uint32_t second, uint32_t third)
{
	const uint32_t flows[] = { first, second, third };
	struct rotation rotation = { .dropped = 1U << stage->place };
	unsigned int i;

	stage->place ^= 1;
	for (i = 0; i < BACKENDS; i++) {
		stage->loads[i]->told = flows[i];
		load_rotate(stage->loads[i], &rotation);
	}
}

static void what_the_kernel_tells_counts(void **context)
{
	unsigned int counts[BACKENDS];
	struct stage stage;

	(void)context;
	make(&stage, 1, 1, 1);
	tell(&stage, 100, 0, 40);
	choose(&stage, 40, counts);
	assert_int_equal(counts[1], 40);
	choose(&stage, 60, counts);
	assert_int_equal(counts[0], 0);
	assert_in_range(counts[1], 29, 31);
	tell(&stage, 10, 70, 70);	/* most flows of the first have ended */
	choose(&stage, 60, counts);
	assert_int_equal(counts[0], 60);
	unmake(&stage);
}

static void a_burst_spreads_before_the_kernel_tells(void **context)
{
	unsigned int counts[BACKENDS];
	struct stage stage;

	(void)context;
	make(&stage, 1, 1, 1);
	choose(&stage, 300, counts);
	assert_int_equal(counts[0], 100);
	assert_int_equal(counts[1], 100);
	unmake(&stage);
}

static void weights_are_shares(void **context)
{
	unsigned int counts[BACKENDS];
	struct stage stage;

	(void)context;
	make(&stage, 1, 2, 5);
	choose(&stage, 800, counts);
	assert_in_range(counts[0], 99, 101);
	assert_in_range(counts[1], 199, 201);
	tell(&stage, 100, 200, 0);
	choose(&stage, 400, counts);
	assert_int_equal(counts[2], 400);
	unmake(&stage);
}

static void decisions_count_until_their_generation_is_dropped(void **context)
{
	struct rotation none = { 0 }, first = { .dropped = 1 };
	unsigned int counts[BACKENDS];
	struct stage stage;

	(void)context;
	make(&stage, 1, 1, 1);
	choose(&stage, 30, counts);
	stage.place = 1;		/* the summary is asked for */
	choose(&stage, 3, counts);
	stage.loads[0]->told = 9;	/* one is under way */
	load_rotate(stage.loads[0], &none);
	assert_int_equal(load_total(stage.loads[0]), 20);
	stage.loads[0]->told = 11;
	load_rotate(stage.loads[0], &first);
	assert_int_equal(load_total(stage.loads[0]), 12);
	unmake(&stage);
}

static void a_generation_that_moves_still_counts(void **context)
{
	struct rotation move = { .from = 2, .to = 5 }, drop = { .dropped = 1 << 5 };
	struct stage stage;

	(void)context;
	make(&stage, 1, 1, 1);
	load_add(stage.loads[0], 2);
	load_add(stage.loads[0], 5);
	load_rotate(stage.loads[0], &move);
	assert_int_equal(load_total(stage.loads[0]), 2);
	load_rotate(stage.loads[0], &drop);
	assert_int_equal(load_total(stage.loads[0]), 0);
	unmake(&stage);
}

static void what_came_to_nothing_does_not_count(void **context)
{
	struct rotation drop = { .dropped = 1 };
	struct stage stage;

	(void)context;
	make(&stage, 1, 1, 1);
	load_add(stage.loads[0], 0);
	load_add(stage.loads[0], 0);
	load_remove(stage.loads[0], 0);
	assert_int_equal(load_total(stage.loads[0]), 1);
	load_rotate(stage.loads[0], &drop);
	load_remove(stage.loads[0], 0);		/* late */
	assert_int_equal(load_total(stage.loads[0]), 0);
	load_rotate(stage.loads[0], &drop);
	load_add(stage.loads[0], 0);
	assert_int_equal(load_total(stage.loads[0]), 1);
	unmake(&stage);
}

static void equals_take_turns(void **context)
{
	unsigned int seen = 0, i;
	struct stage stage;

	(void)context;
	make(&stage, 1, 1, 1);
	for (i = 0; i < BACKENDS; i++)
		seen |= 1U << schedule_choose(stage.schedule, 1);
	assert_int_equal(seen, 7);
	unmake(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_kernel_tells_counts),
		cmocka_unit_test(a_burst_spreads_before_the_kernel_tells),
		cmocka_unit_test(weights_are_shares),
		cmocka_unit_test(decisions_count_until_their_generation_is_dropped),
		cmocka_unit_test(a_generation_that_moves_still_counts),
		cmocka_unit_test(what_came_to_nothing_does_not_count),
		cmocka_unit_test(equals_take_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

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
	unsigned int phase;
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
		load_add(stage->loads[index], stage->phase);
		counts[index]++;
	}
}

/* The kernel tells how many flows there are, of what was decided before a new phase. */
static void tell(struct stage *stage, uint32_t first, uint32_t second, uint32_t third)
{
	const uint32_t flows[] = { first, second, third };
	unsigned int i;

	stage->phase++;
	for (i = 0; i < BACKENDS; i++) {
		stage->loads[i]->told = flows[i];
		load_told(stage->loads[i], stage->phase);
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

static void decisions_count_until_the_kernel_surely_has_them(void **context)
{
	unsigned int counts[BACKENDS];
	struct stage stage;

	(void)context;
	make(&stage, 1, 1, 1);
	choose(&stage, 30, counts);
	stage.phase++;			/* a look begins; what is decided during it may be missing in it */
	choose(&stage, 3, counts);
	assert_int_equal(load_total(stage.loads[0]), 11);
	stage.loads[0]->told = 10;
	load_told(stage.loads[0], stage.phase);
	assert_int_equal(load_total(stage.loads[0]), 11);
	stage.phase++;
	stage.loads[0]->told = 11;
	load_told(stage.loads[0], stage.phase);
	assert_int_equal(load_total(stage.loads[0]), 11);
	unmake(&stage);
}

static void what_came_to_nothing_does_not_count(void **context)
{
	struct stage stage;

	(void)context;
	make(&stage, 1, 1, 1);
	load_add(stage.loads[0], 0);
	load_add(stage.loads[0], 0);
	load_remove(stage.loads[0], 0);
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
		cmocka_unit_test(decisions_count_until_the_kernel_surely_has_them),
		cmocka_unit_test(what_came_to_nothing_does_not_count),
		cmocka_unit_test(equals_take_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/* Maglev and round robin: shares, weights, disruption, order. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "maglev.h"
#include "schedule.h"
#include "siphash.h"

#define BACKENDS	10

static void fill_equal(uint16_t *slots, int without)
{
	struct maglev_backend backends[BACKENDS];
	int i, count = 0;

	for (i = 0; i < BACKENDS; i++)
		if (i != without)
			backends[count++] = (struct maglev_backend){ 100 + i, 1, i };
	maglev_fill(slots, backends, count);
}

static void count_slots(const uint16_t *slots, unsigned int *counts, int values)
{
	int i;

	memset(counts, 0, values * sizeof(*counts));
	for (i = 0; i < MAGLEV_SLOTS; i++) {
		assert_in_range(slots[i], 0, values - 1);
		counts[slots[i]]++;
	}
}

static void equal_backends_have_equal_shares(void **context)
{
	static uint16_t slots[MAGLEV_SLOTS];
	unsigned int counts[BACKENDS];
	int i;

	(void)context;
	fill_equal(slots, -1);
	count_slots(slots, counts, BACKENDS);
	for (i = 0; i < BACKENDS; i++)
		assert_in_range(counts[i], MAGLEV_SLOTS / BACKENDS * 0.99,
				MAGLEV_SLOTS / BACKENDS * 1.01);
}

static void weights_are_shares(void **context)
{
	static const struct maglev_backend backends[] = {
		{ 1, 1, 0 }, { 2, 3, 1 }, { 3, 16, 2 }, { 4, 80, 3 },
	};
	static uint16_t slots[MAGLEV_SLOTS];
	unsigned int counts[4], wanted;
	int i;

	(void)context;
	maglev_fill(slots, backends, 4);
	count_slots(slots, counts, 4);
	for (i = 0; i < 4; i++) {
		wanted = MAGLEV_SLOTS * backends[i].weight / 100;
		assert_in_range(counts[i], wanted * 0.98, wanted * 1.02);
	}
}

static void order_does_not_matter(void **context)
{
	static const struct maglev_backend one[] = { { 7, 1, 0 }, { 8, 2, 1 }, { 9, 1, 2 } };
	static const struct maglev_backend other[] = { { 9, 1, 2 }, { 7, 1, 0 }, { 8, 2, 1 } };
	static uint16_t a[MAGLEV_SLOTS], b[MAGLEV_SLOTS];

	(void)context;
	maglev_fill(a, one, 3);
	maglev_fill(b, other, 3);
	assert_memory_equal(a, b, sizeof(a));
}

/* The slots of the one that leaves must move; few others may. */
static void a_leaving_backend_moves_little_else(void **context)
{
	static uint16_t before[MAGLEV_SLOTS], after[MAGLEV_SLOTS];
	int gone, i, moved;

	(void)context;
	fill_equal(before, -1);
	for (gone = 0; gone < BACKENDS; gone++) {
		fill_equal(after, gone);
		for (i = moved = 0; i < MAGLEV_SLOTS; i++)
			moved += before[i] != after[i];
		assert_in_range(moved, MAGLEV_SLOTS / BACKENDS, 1.2 * MAGLEV_SLOTS / BACKENDS);
	}
}

static void round_robin_spreads_turns(void **context)
{
	static const struct candidate candidates[] = { { 1, 50, 0, NULL }, { 2, 10, 1, NULL }, { 3, 10, 2, NULL } };
	struct schedule *schedule = schedule_new(SCHEDULER_ROUND_ROBIN, candidates, 3);
	int i, counts[3] = { 0 }, chosen, row = 0;

	(void)context;
	for (i = 0; i < 700; i++) {
		chosen = schedule_choose(schedule, 0);
		counts[chosen]++;
		row = chosen ? 0 : row + 1;
		assert_in_range(row, 0, 5);	/* never all 50 turns of the first at once */
	}
	assert_int_equal(counts[0], 500);
	assert_int_equal(counts[1], 100);
	assert_int_equal(counts[2], 100);
	schedule_free(schedule);
}

static void without_candidates_there_is_no_choice(void **context)
{
	struct schedule *maglev = schedule_new(SCHEDULER_MAGLEV, NULL, 0);
	struct schedule *round_robin = schedule_new(SCHEDULER_ROUND_ROBIN, NULL, 0);

	(void)context;
	assert_int_equal(schedule_choose(maglev, 5), -1);
	assert_int_equal(schedule_choose(round_robin, 5), -1);
	schedule_free(maglev);
	schedule_free(round_robin);
}

/* From the test vectors of SipHash's authors: key 00..0f, messages of no and of 15 bytes. */
static void siphash_is_siphash(void **context)
{
	static const struct siphash_key key = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };
	uint8_t message[15];
	int i;

	(void)context;
	for (i = 0; i < 15; i++)
		message[i] = i;
	assert_true(siphash(&key, message, 0) == 0x726fdb47dd0e0e31);
	assert_true(siphash(&key, message, 15) == 0xa129ca6149be45e5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_backends_have_equal_shares),
		cmocka_unit_test(weights_are_shares),
		cmocka_unit_test(order_does_not_matter),
		cmocka_unit_test(a_leaving_backend_moves_little_else),
		cmocka_unit_test(round_robin_spreads_turns),
		cmocka_unit_test(without_candidates_there_is_no_choice),
		cmocka_unit_test(siphash_is_siphash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

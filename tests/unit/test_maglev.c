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

/* Shuffled ids, so that no set of them is a lucky one. */
static struct random dice = { .key = { { 7, 9 } } };

static unsigned int make_backends(struct maglev_backend *backends, unsigned int count,
				  uint32_t weight_max)
{
	unsigned int i, total = 0;

	for (i = 0; i < count; i++) {
		backends[i] = (struct maglev_backend){
			.id = 1 + i + 1000 * random_below(&dice, 1 << 20),
			.weight = 1 + random_below(&dice, weight_max),
			.value = i,
		};
		total += backends[i].weight;
	}
	return total;
}

/* Weighted or not, each has its share to a few slots: of a hundredth, and of two walks more. */
static void any_set_is_balanced(void **context)
{
	static uint16_t slots[MAGLEV_SLOTS];
	struct maglev_backend backends[64];
	unsigned int counts[64], round, i, count, total;
	double wanted;

	(void)context;
	for (round = 0; round < 60; round++) {
		count = 1 + random_below(&dice, 64);
		total = make_backends(backends, count, round % 2 ? SCHEDULE_WEIGHT_MAX : 1);
		maglev_fill(slots, backends, count);
		count_slots(slots, counts, count);
		for (i = 0; i < count; i++) {
			wanted = (double)MAGLEV_SLOTS * backends[i].weight / total;
			assert_in_range(counts[i] + 2, wanted * 0.99, wanted * 1.01 + 4);
		}
	}
}

/* Of ten equal backends one leaves, or an eleventh comes: 1.2 times what has to move may. */
static void any_ten_move_little(void **context)
{
	static uint16_t before[MAGLEV_SLOTS], after[MAGLEV_SLOTS];
	struct maglev_backend backends[11], rest[10];
	unsigned int round, gone, i, moved, stray;

	(void)context;
	for (round = 0; round < 40; round++) {
		make_backends(backends, 11, 1);
		maglev_fill(before, backends, 10);
		maglev_fill(after, backends, 11);
		for (i = moved = 0; i < MAGLEV_SLOTS; i++)
			moved += before[i] != after[i];
		assert_in_range(moved, MAGLEV_SLOTS / 11, 1.2 * MAGLEV_SLOTS / 11);
		gone = random_below(&dice, 10);
		memcpy(rest, backends, sizeof(rest));
		rest[gone] = backends[9];
		maglev_fill(after, rest, 9);
		for (i = moved = stray = 0; i < MAGLEV_SLOTS; i++) {
			moved += before[i] != after[i];
			stray += before[i] != after[i] && before[i] != gone;
		}
		assert_in_range(moved, MAGLEV_SLOTS / 10, 1.2 * MAGLEV_SLOTS / 10);
		assert_in_range(stray, 0, 0.2 * MAGLEV_SLOTS / 10);
	}
}

/* Another weight of one moves little more than the difference of its share. */
static void another_weight_moves_little_else(void **context)
{
	static uint16_t before[MAGLEV_SLOTS], after[MAGLEV_SLOTS];
	struct maglev_backend backends[10];
	unsigned int round, i, moved;
	double share;

	(void)context;
	for (round = 0; round < 20; round++) {
		make_backends(backends, 10, 1);
		for (i = 0; i < 10; i++)
			backends[i].weight = 10;
		maglev_fill(before, backends, 10);
		backends[round % 10].weight = 5;
		maglev_fill(after, backends, 10);
		for (i = moved = 0; i < MAGLEV_SLOTS; i++)
			moved += before[i] != after[i];
		share = MAGLEV_SLOTS * (10.0 / 100 - 5.0 / 95);
		assert_in_range(moved, share * 0.98, share * 1.5);
	}
}

/* The negative control of the bounds: by the remainder, nearly everything moves. */
static void a_remainder_moves_nearly_all(void **context)
{
	unsigned int i, moved = 0;

	(void)context;
	for (i = 0; i < MAGLEV_SLOTS; i++)
		moved += i % 10 != i % 11;
	assert_true(moved > 1.2 * MAGLEV_SLOTS / 10);
}

/* In any row of turns each has its share of them to within two. */
static void round_robin_is_smooth(void **context)
{
	struct candidate candidates[8] = { 0 };
	unsigned int round, i, count, total, turn, had[8];
	struct schedule *schedule;
	double wanted;

	(void)context;
	for (round = 0; round < 50; round++) {
		count = 1 + random_below(&dice, 8);
		for (i = total = 0; i < count; i++) {
			candidates[i] = (struct candidate){
				.id = i, .weight = 1 + random_below(&dice, SCHEDULE_WEIGHT_MAX), .index = i,
			};
			total += candidates[i].weight;
		}
		schedule = schedule_new(SCHEDULER_ROUND_ROBIN, candidates, count);
		memset(had, 0, sizeof(had));
		for (turn = 1; turn <= 2 * total; turn++) {
			had[schedule_choose(schedule, 0)]++;
			for (i = 0; i < count; i++) {
				wanted = (double)turn * candidates[i].weight / total;
				assert_true(had[i] > wanted - 2 && had[i] < wanted + 2);
			}
		}
		for (i = 0; i < count; i++)
			assert_int_equal(had[i], 2 * candidates[i].weight);
		schedule_free(schedule);
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

/* From the test vectors of SipHash's authors: key 00..0f, messages of no, 8 and 15 bytes. */
static void siphash_is_siphash(void **context)
{
	static const struct siphash_key key = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };
	uint8_t message[15];
	int i;

	(void)context;
	for (i = 0; i < 15; i++)
		message[i] = i;
	assert_true(siphash(&key, message, 0) == 0x726fdb47dd0e0e31);
	assert_true(siphash(&key, message, 8) == 0x93f5f5799a932462);
	assert_true(siphash(&key, message, 15) == 0xa129ca6149be45e5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_backends_have_equal_shares),
		cmocka_unit_test(weights_are_shares),
		cmocka_unit_test(order_does_not_matter),
		cmocka_unit_test(a_leaving_backend_moves_little_else),
		cmocka_unit_test(any_set_is_balanced),
		cmocka_unit_test(any_ten_move_little),
		cmocka_unit_test(another_weight_moves_little_else),
		cmocka_unit_test(a_remainder_moves_nearly_all),
		cmocka_unit_test(round_robin_spreads_turns),
		cmocka_unit_test(round_robin_is_smooth),
		cmocka_unit_test(without_candidates_there_is_no_choice),
		cmocka_unit_test(siphash_is_siphash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

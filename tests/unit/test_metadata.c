// SPDX-License-Identifier: GPL-2.0
/* The metadata collection: what rotates when, and what is dropped. */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "metadata.h"
#include "snapshot.h"

struct stage {
	struct metadata *metadata;
	struct backend backend, *backends[1];
	struct snapshot snapshot;
	struct rw_summary kernel;	/* its next summary */
};

static int set_up(void **context)
{
	struct stage *stage = test_calloc(1, sizeof(*stage));

	stage->metadata = metadata_new();
	stage->backend.load = load_new();
	stage->backends[0] = &stage->backend;
	stage->snapshot.backends = stage->backends;
	stage->snapshot.backend_count = 1;
	stage->kernel = (struct rw_summary){ .epoch = 5, .generation = 1 };
	*context = stage;
	return 0;
}

static int tear_down(void **context)
{
	struct stage *stage = *context;

	load_put(stage->backend.load);
	metadata_free(stage->metadata);
	test_free(stage);
	return 0;
}

/* So many decisions for the backend. */
static struct mark decide_some(struct stage *stage, unsigned int count)
{
	struct mark mark = { 0 };

	while (count--) {
		mark = metadata_next(stage->metadata);
		load_add(stage->backend.load, mark.place);
	}
	return mark;
}

/* A summary that comes, with this watermark and so many flows. */
static bool rotate(struct stage *stage, uint64_t watermark, uint32_t flows)
{
	stage->kernel.watermark = watermark;
	stage->kernel.generation++;
	stage->backend.load->told = flows;
	return metadata_rotate(stage->metadata, &stage->kernel, &stage->snapshot, 1000);
}

static struct metadata_status status(struct stage *stage)
{
	struct metadata_status status;

	metadata_status(stage->metadata, &status);
	return status;
}

static void assert_local(const struct local_summary *local, enum piece piece, uint64_t first,
			 uint64_t last, bool dropped)
{
	assert_int_equal(local->piece, piece);
	assert_int_equal(local->first, first);
	assert_int_equal(local->last, last);
	assert_int_equal(local->dropped, dropped);
}

static uint64_t total(const struct stage *stage)
{
	return load_total(stage->backend.load);
}

/* S3.1, S3.2 */
static void an_iteration_replaces_a_piece_of_each_kind(void **context)
{
	struct stage *stage = *context;
	struct metadata_status now;

	decide_some(stage, 10);
	assert_int_equal(metadata_cut(stage->metadata), 10);
	assert_true(rotate(stage, 10, 10));
	decide_some(stage, 5);
	assert_int_equal(metadata_cut(stage->metadata), 15);
	decide_some(stage, 2);
	assert_true(rotate(stage, 15, 15));
	now = status(stage);
	assert_int_equal(now.count, 2);
	assert_local(&now.locals[0], PIECE_CURRENT, 16, 17, false);
	assert_local(&now.locals[1], PIECE_PREVIOUS, 11, 15, true);
	assert_int_equal(now.locals[0].generation, now.locals[1].generation + 1);
	assert_int_equal(now.newest.kernel.generation, 3);
	assert_int_equal(now.previous.kernel.generation, 2);
	assert_int_equal(now.newest.kernel.watermark, 15);
	assert_int_equal(now.previous.kernel.watermark, 10);
	assert_int_equal(now.rotations, 2);
}

/* S3.5 */
static void decisions_go_by_all_pieces(void **context)
{
	struct stage *stage = *context;

	decide_some(stage, 10);
	assert_int_equal(total(stage), 10);
	metadata_cut(stage->metadata);
	decide_some(stage, 3);
	assert_true(rotate(stage, 9, 100));		/* one of ten is under way */
	assert_int_equal(total(stage), 100 + 10 + 3);
	metadata_cut(stage->metadata);
	decide_some(stage, 1);
	assert_true(rotate(stage, 12, 112));
	assert_int_equal(total(stage), 112 + 3 + 1);
	metadata_cut(stage->metadata);
	assert_true(rotate(stage, 14, 50));
	assert_int_equal(total(stage), 50);
}

/* S3.7 */
static void without_a_summary_nothing_is_dropped(void **context)
{
	struct stage *stage = *context;
	struct metadata_status now;
	int i;

	decide_some(stage, 10);
	for (i = 0; i < 100; i++) {
		assert_int_equal(metadata_cut(stage->metadata), 10);
		decide_some(stage, 1);		/* the summary gets lost */
	}
	now = status(stage);
	assert_int_equal(now.count, 2);
	assert_local(&now.locals[0], PIECE_CURRENT, 11, 110, false);
	assert_local(&now.locals[1], PIECE_CUT, 1, 10, false);
	assert_int_equal(total(stage), 110);
	assert_int_equal(now.rotations, 0);
	assert_int_equal(metadata_watermark(stage->metadata), 0);
	assert_true(rotate(stage, 110, 110));
	assert_int_equal(metadata_watermark(stage->metadata), 110);
	assert_int_equal(total(stage), 110 + 100);	/* those after the cut, twice for once */
}

/* S3.6 */
static void summaries_that_are_not_newer_are_refused(void **context)
{
	struct stage *stage = *context;
	struct metadata_status before;

	decide_some(stage, 10);
	metadata_cut(stage->metadata);
	assert_true(rotate(stage, 5, 5));
	metadata_cut(stage->metadata);
	before = status(stage);
	stage->kernel.generation--;
	assert_false(rotate(stage, 10, 10));
	stage->kernel.generation -= 2;
	assert_false(rotate(stage, 10, 10));
	assert_int_equal(total(stage), 15);
	assert_memory_equal(status(stage).locals, before.locals, sizeof(before.locals));
	assert_int_equal(status(stage).refused, 2);
	stage->kernel.epoch++;		/* the module was loaded anew */
	assert_true(rotate(stage, 10, 10));
	assert_int_equal(total(stage), 10);
}

/* S3.8; the negative control is the same without the guard. */
static void only_the_watermark_drops(void **context)
{
	struct stage *stage = *context;
	struct metadata_status now;

	decide_some(stage, 10);
	metadata_cut(stage->metadata);
	assert_true(rotate(stage, 9, 9));
	metadata_cut(stage->metadata);
	assert_true(rotate(stage, 9, 9));
	metadata_cut(stage->metadata);
	assert_true(rotate(stage, 9, 9));
	assert_int_equal(total(stage), 19);
	now = status(stage);
	assert_int_equal(now.count, 3);
	assert_local(&now.locals[2], PIECE_HELD, 1, 10, false);
	metadata_disregard_watermark(stage->metadata);
	metadata_cut(stage->metadata);
	assert_true(rotate(stage, 9, 9));
	assert_int_equal(total(stage), 9);
	assert_int_equal(status(stage).count, 2);
}

/* S3.1 */
static void there_are_never_more_than_so_many(void **context)
{
	struct stage *stage = *context;
	struct metadata_status now;
	unsigned int i, j;

	for (i = 1; i <= 1000; i++) {
		decide_some(stage, 3);
		assert_int_equal(metadata_cut(stage->metadata), 3 * i);
		assert_true(rotate(stage, 0, 0));
		now = status(stage);
		assert_in_range(now.count, 2, GENERATIONS - 1);
		assert_int_equal(total(stage), 3 * i);
		for (j = 0; j + 1 < now.count; j++)	/* each number is in one of them */
			assert_int_equal(now.locals[j].first, now.locals[j + 1].last + 1);
		assert_int_equal(now.locals[now.count - 1].first, 1);
	}
	metadata_cut(stage->metadata);
	assert_true(rotate(stage, 3000, 3000));
	assert_int_equal(total(stage), 3000);
	assert_int_equal(status(stage).count, 2);
}

static void what_lags_by_some_periods_is_dropped_in_its_time(void **context)
{
	struct stage *stage = *context;
	unsigned int i;

	for (i = 1; i <= 100; i++) {
		decide_some(stage, 10);
		metadata_cut(stage->metadata);
		assert_true(rotate(stage, i > 3 ? 10 * (i - 3) : 0, 0));
		assert_int_equal(total(stage), i > 3 ? 30 : 10 * i);
	}
}

static void what_writers_have_in_hand_is_not_settled(void **context)
{
	struct stage *stage = *context;

	decide_some(stage, 10);
	assert_int_equal(metadata_settled(stage->metadata), 10);
	metadata_begin(stage->metadata, 3);
	decide_some(stage, 10);
	metadata_begin(stage->metadata, 4);
	decide_some(stage, 10);
	assert_int_equal(metadata_settled(stage->metadata), 10);
	metadata_end(stage->metadata, 3);
	assert_int_equal(metadata_settled(stage->metadata), 20);
	metadata_end(stage->metadata, 4);
	assert_int_equal(metadata_settled(stage->metadata), 30);
}

static void numbers_go_on_above_those_of_others(void **context)
{
	struct stage *stage = *context;
	unsigned int place = decide_some(stage, 3).place;

	assert_true(metadata_raise(stage->metadata, 1000));
	assert_false(metadata_raise(stage->metadata, 1000));
	assert_false(metadata_raise(stage->metadata, 7));
	assert_false(metadata_raise(stage->metadata, UINT64_MAX));
	assert_int_equal(decide_some(stage, 1).number, 1001);
	assert_int_equal(metadata_place(stage->metadata), place);
	assert_int_equal(metadata_number(stage->metadata), 1001);
}

/* S3.11 */
static void it_is_stale_after_its_limit(void **context)
{
	struct stage *stage = *context;

	assert_true(metadata_is_stale(stage->metadata, 1));
	metadata_set_limit(stage->metadata, 500);
	assert_false(metadata_is_stale(stage->metadata, 500));
	assert_true(metadata_is_stale(stage->metadata, 501));
	/* A change of configuration looks, too, while the state thread rests for longer */
	metadata_set_limit(stage->metadata, 300);
	assert_false(metadata_is_stale(stage->metadata, 500));
}

/* Threads decide while it rotates: each number's place is that of the summary that has it. */
#define RACE_THREADS	3
#define RACE_ROUNDS	20000
#define RACE_NUMBERS	(1 << 21)

struct race {
	struct metadata *metadata;
	_Atomic uint8_t *places;	/* by number; 0, not taken */
	_Atomic bool stop;
	_Atomic unsigned int writers;
};

static void *race_decider(void *data)
{
	struct race *race = data;
	unsigned int writer = atomic_fetch_add(&race->writers, 1);
	struct mark mark;

	while (!atomic_load(&race->stop)) {
		metadata_begin(race->metadata, writer);
		mark = metadata_next(race->metadata);
		if (mark.number < RACE_NUMBERS)
			atomic_store(&race->places[mark.number], mark.place + 1);
		metadata_end(race->metadata, writer);
		if (mark.number >= RACE_NUMBERS)
			break;
	}
	return NULL;
}

static void ranges_are_exact_whatever_threads_do(void **context)
{
	struct stage *stage = *context;
	struct race race = {
		.metadata = stage->metadata, .places = test_calloc(RACE_NUMBERS, 1),
	};
	uint64_t wrong = 0, next = 1, number, settled;
	pthread_t threads[RACE_THREADS];
	uint8_t place;
	struct metadata_status now;
	unsigned int i, round;

	for (i = 0; i < RACE_THREADS; i++)
		pthread_create(&threads[i], NULL, race_decider, &race);
	for (round = 0; round < RACE_ROUNDS && next < RACE_NUMBERS; round++) {
		metadata_cut(race.metadata);
		settled = metadata_settled(race.metadata);
		now = status(stage);
		assert_int_equal(now.locals[1].first, next);
		for (number = next; number <= now.locals[1].last && number < RACE_NUMBERS; number++) {
			/* Once: who has it in hand may write it down at any moment */
			place = atomic_load(&race.places[number]);
			if (place != now.locals[1].place + 1U)
				wrong += number <= settled || place;
		}
		next = now.locals[1].last + 1;
		assert_true(rotate(stage, next - 1, 0));
	}
	atomic_store(&race.stop, true);
	for (i = 0; i < RACE_THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(wrong, 0);
	assert_true(next > 1000);
	test_free((void *)race.places);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_iteration_replaces_a_piece_of_each_kind),
		TEST(decisions_go_by_all_pieces),
		TEST(without_a_summary_nothing_is_dropped),
		TEST(summaries_that_are_not_newer_are_refused),
		TEST(only_the_watermark_drops),
		TEST(there_are_never_more_than_so_many),
		TEST(what_lags_by_some_periods_is_dropped_in_its_time),
		TEST(what_writers_have_in_hand_is_not_settled),
		TEST(numbers_go_on_above_those_of_others),
		TEST(it_is_stale_after_its_limit),
		TEST(ranges_are_exact_whatever_threads_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

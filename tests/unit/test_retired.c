// SPDX-License-Identifier: GPL-2.0
/* Targets of removed backends: when they are deleted, and when not. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "retired.h"
#include "snapshot.h"

#define NOW	1000000

static struct rw_target target;
static struct targets kernel = { .list = &target, .count = 1 };

static void retire(struct retired *retired)
{
	const uint32_t ids[] = { 9, 7, 8 };

	*retired = (struct retired){ 0 };
	target = (struct rw_target){ .id = 7, .state = REWIRE_TARGET_STATE_DRAINING };
	retired_add(retired, ids, 3);
	assert_int_equal(retired->count, 3);
	assert_int_equal(retired->list[0].id, 7);
}

static bool is_over(struct retired *retired, int64_t now)
{
	retired_update(retired, &kernel, now);
	return retired->count && retired_is_over(&retired->list[0], now);
}

static void one_rests_from_when_it_is_seen_without_flows(void **context)
{
	struct retired retired;

	(void)context;
	retire(&retired);
	target.flows = 1;
	assert_false(is_over(&retired, NOW));
	target.flows = 0;
	assert_false(is_over(&retired, NOW + 10 * RETIRED_REST));
	assert_false(is_over(&retired, NOW + 11 * RETIRED_REST - 1));
	assert_true(is_over(&retired, NOW + 11 * RETIRED_REST));
	retired_free(&retired);
}

static void flows_retiring_again_and_a_new_module_begin_it_anew(void **context)
{
	const uint32_t again = 7;
	struct retired retired;
	int64_t now = NOW;

	(void)context;
	retire(&retired);
	assert_false(is_over(&retired, now));
	target.flows = 3;
	assert_false(is_over(&retired, now += RETIRED_REST));
	target.flows = 0;
	assert_false(is_over(&retired, now += RETIRED_REST));
	retired_add(&retired, &again, 1);
	assert_false(is_over(&retired, now += RETIRED_REST));
	retired_begin_again(&retired);
	assert_false(is_over(&retired, now += RETIRED_REST));
	assert_true(is_over(&retired, now += RETIRED_REST));
	retired_free(&retired);
}

static void one_that_somebody_uses_again_is_his(void **context)
{
	struct retired retired;

	(void)context;
	retire(&retired);
	target.state = REWIRE_TARGET_STATE_ACTIVE;
	retired_update(&retired, &kernel, NOW);
	assert_int_equal(retired.count, 2);
	assert_int_equal(retired.list[0].id, 8);
	retired_free(&retired);
}

static void one_that_is_not_there_may_be_restored_as_long(void **context)
{
	struct targets none = { 0 };
	struct retired retired;

	(void)context;
	retire(&retired);
	retired_update(&retired, &none, NOW);
	retired_update(&retired, &none, NOW + RETIRED_REST - 1);
	assert_int_equal(retired.count, 3);
	retired_update(&retired, &none, NOW + RETIRED_REST);
	assert_int_equal(retired.count, 0);
	retired_free(&retired);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_rests_from_when_it_is_seen_without_flows),
		cmocka_unit_test(flows_retiring_again_and_a_new_module_begin_it_anew),
		cmocka_unit_test(one_that_somebody_uses_again_is_his),
		cmocka_unit_test(one_that_is_not_there_may_be_restored_as_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

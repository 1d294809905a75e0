// SPDX-License-Identifier: GPL-2.0
/* From results of checks to up and down, and to which backends get flows. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "choose.h"
#include "config.h"
#include "health.h"
#include "siphash.h"

static const struct health_limits limits = { .fall = 3, .rise = 2, .damping = 4 };

/* results("..-") : a good one for each '.', a bad one for each '-'. Returns the changes. */
static unsigned int results(struct judge *made, const struct health_limits *by, const char *text)
{
	unsigned int changes = 0;

	for (; *text; text++)
		changes += judge(made, by, *text == '.');
	return changes;
}

static void the_first_result_decides(void **context)
{
	struct judge good = { 0 }, bad = { 0 };

	(void)context;
	assert_true(judge(&good, &limits, true));
	assert_int_equal(good.state, HEALTH_UP);
	assert_true(judge(&bad, &limits, false));
	assert_int_equal(bad.state, HEALTH_DOWN);
}

static void it_takes_results_in_a_row(void **context)
{
	struct judge made = { 0 };

	(void)context;
	results(&made, &limits, ".");
	assert_int_equal(results(&made, &limits, "--.--.--."), 0);
	assert_int_equal(made.state, HEALTH_UP);
	assert_int_equal(results(&made, &limits, "---"), 1);
	assert_int_equal(made.state, HEALTH_DOWN);
	assert_int_equal(results(&made, &limits, ".-.-.-"), 0);
	assert_int_equal(results(&made, &limits, ".."), 1);
	assert_int_equal(made.state, HEALTH_UP);
}

/* How many good results bring it up. */
static unsigned int way_up(struct judge *made, const struct health_limits *by)
{
	unsigned int count = 0;

	assert_int_equal(made->state, HEALTH_DOWN);
	do
		assert_in_range(++count, 1, 10000);
	while (!judge(made, by, true));
	return count;
}

static void one_that_flaps_has_to_be_well_for_longer(void **context)
{
	static const unsigned int wanted[] = { 2, 4, 8, 16, 32, 32, 32 };
	static const struct health_limits undamped = { .fall = 3, .rise = 2 };
	struct judge damped = { 0 }, made = { 0 };
	unsigned int i;

	(void)context;
	results(&damped, &limits, ".");
	results(&made, &undamped, ".");
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		results(&damped, &limits, "---");
		assert_int_equal(way_up(&damped, &limits), wanted[i]);
		results(&made, &undamped, "---");	/* the negative control */
		assert_int_equal(way_up(&made, &undamped), 2);
	}
}

static void one_that_stays_up_is_forgiven(void **context)
{
	struct judge made = { 0 };
	unsigned int i, j;

	(void)context;
	results(&made, &limits, ".");
	for (i = 0; i < 4; i++) {
		results(&made, &limits, "---");
		way_up(&made, &limits);
	}
	for (j = 0; j < 3; j++)
		for (i = 0; i < HEALTH_CALM; i++)
			judge(&made, &limits, true);
	results(&made, &limits, "---");
	assert_int_equal(way_up(&made, &limits), 4);
}

/* Whatever the results: no change without enough of them in a row, and no more changes than that allows. */
static void any_results_obey_the_limits(void **context)
{
	struct random dice = { .key = { { 3, 4 } } };
	unsigned int round, i, row, turned;
	struct health_limits by;
	struct judge made;
	bool good, last;

	(void)context;
	for (round = 0; round < 200; round++) {
		by = (struct health_limits){
			.fall = 1 + random_below(&dice, 5), .rise = 1 + random_below(&dice, 5),
			.damping = random_below(&dice, 5),
		};
		memset(&made, 0, sizeof(made));
		last = judge(&made, &by, true);
		row = 0;
		for (i = turned = 0; i < 2000; i++) {
			good = random_below(&dice, 4);
			row = good == last ? row + 1 : 1;
			last = good;
			if (!judge(&made, &by, good))
				continue;
			turned++;
			assert_int_equal(made.state, good ? HEALTH_UP : HEALTH_DOWN);
			assert_true(row >= (good ? by.rise : by.fall));
			row = 0;
		}
		assert_in_range(turned, 0, 2000 / (by.rise + by.fall) * 2 + 2);
	}
}

static void a_check_that_is_not_made_changes_nothing(void **context)
{
	struct health *health = health_new();
	struct health_report report;
	int i;

	(void)context;
	for (i = 0; i < 10; i++)
		assert_false(health_take(health, &limits, CHECK_UNDONE, "no way", 0, 5));
	health_report(health, &report);
	assert_int_equal(report.state, HEALTH_UNKNOWN);
	assert_int_equal(report.undone, 10);
	assert_string_equal(report.reason, "no way");
	assert_true(health_take(health, &limits, CHECK_BAD, "refused", 3, 6));
	for (i = 0; i < 10; i++)
		assert_false(health_take(health, &limits, CHECK_UNDONE, "no way", 0, 7));
	assert_true(health_is_down(health));
	assert_false(health_is_out(health));	/* before the state thread has followed */
	health_put(health);
}

#define SERVICE(health, state)	"{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80," \
	"\"destination\":{\"scheduler\":\"round-robin\",\"health\":{\"type\":\"tcp\"" health "}},\"backends\":[" \
	"{\"name\":\"b1\",\"id\":11,\"vni\":20,\"addresses\":[\"10.1.0.11\"]" state "}," \
	"{\"name\":\"b2\",\"id\":12,\"vni\":20,\"addresses\":[\"10.1.0.12\"]}]}]}"

static struct snapshot *parse(const char *text, const struct snapshot *old)
{
	struct error error;
	struct snapshot *snapshot = config_parse(text, old, &error);

	if (!snapshot)
		fail_msg("%s", error.text);
	return snapshot;
}

static void make_down(struct snapshot *snapshot)
{
	struct schedule *old[FAMILIES];

	health_apply(snapshot_backend(snapshot, 11)->health, true);
	snapshot_reschedule(&snapshot->services[0], old);
	schedule_free(old[IPV4]);
	schedule_free(old[IPV6]);
}

static void assert_only_second(const struct snapshot *snapshot)
{
	int i;

	for (i = 0; i < 6; i++)
		assert_int_equal(schedule_choose(snapshot->services[0].schedules[IPV4], i), 1);
}

static void one_that_is_down_gets_no_flows_whatever_is_configured_anew(void **context)
{
	struct snapshot *first = parse(SERVICE("", ""), NULL), *second;
	struct backend *backend = snapshot_backend(first, 11);

	(void)context;
	assert_true(backend_is_open(backend, IPV4));
	make_down(first);
	assert_false(backend_is_open(backend, IPV4));
	assert_int_equal(backend_state(backend), REWIRE_TARGET_STATE_DOWN);
	assert_int_equal(backend->state, REWIRE_TARGET_STATE_ACTIVE);
	assert_only_second(first);
	second = parse(SERVICE(",\"interval\":300", ""), first);
	snapshot_free(first);
	assert_only_second(second);
	assert_int_equal(backend_state(snapshot_backend(second, 11)), REWIRE_TARGET_STATE_DOWN);
	snapshot_free(second);
}

static void the_worse_of_two_states_counts(void **context)
{
	struct snapshot *snapshot = parse(SERVICE(",\"failed\":\"draining\"", ""), NULL);

	(void)context;
	make_down(snapshot);
	assert_int_equal(backend_state(snapshot_backend(snapshot, 11)), REWIRE_TARGET_STATE_DRAINING);
	snapshot_free(snapshot);
	snapshot = parse(SERVICE(",\"failed\":\"draining\"", ",\"state\":\"down\""), NULL);
	make_down(snapshot);
	assert_int_equal(backend_state(snapshot_backend(snapshot, 11)), REWIRE_TARGET_STATE_DOWN);
	snapshot_free(snapshot);
	snapshot = parse(SERVICE("", ",\"state\":\"draining\""), NULL);
	make_down(snapshot);
	assert_int_equal(backend_state(snapshot_backend(snapshot, 11)), REWIRE_TARGET_STATE_DOWN);
	snapshot_free(snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_result_decides),
		cmocka_unit_test(it_takes_results_in_a_row),
		cmocka_unit_test(one_that_flaps_has_to_be_well_for_longer),
		cmocka_unit_test(one_that_stays_up_is_forgiven),
		cmocka_unit_test(any_results_obey_the_limits),
		cmocka_unit_test(a_check_that_is_not_made_changes_nothing),
		cmocka_unit_test(one_that_is_down_gets_no_flows_whatever_is_configured_anew),
		cmocka_unit_test(the_worse_of_two_states_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

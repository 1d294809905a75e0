// SPDX-License-Identifier: GPL-2.0
/* News: nobody waits for who does not listen, and nothing grows without bound. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "news.h"

static unsigned int woken;

static void wake(void *data)
{
	(void)data;
	woken++;
}

static void tell(int number)
{
	news_tell(json_pack("{s:i}", "number", number));
}

static void expect(size_t count, int first, uint64_t expected_lost)
{
	uint64_t lost;
	json_t *news = news_take(&lost);

	assert_int_equal(json_array_size(news), count);
	if (count)
		assert_int_equal(json_integer_value(json_object_get(json_array_get(news, 0), "number")), first);
	assert_int_equal(lost, expected_lost);
	json_decref(news);
}

static void without_a_listener_nothing_waits(void **context)
{
	(void)context;
	tell(1);
	expect(0, 0, 0);
	assert_int_equal(woken, 0);
}

static void a_listener_is_woken_and_gets_all_in_order(void **context)
{
	(void)context;
	news_listen(wake, NULL);
	tell(2);
	tell(3);
	assert_int_equal(woken, 2);
	expect(2, 2, 0);
	expect(0, 0, 0);
}

static void beyond_the_bound_they_are_lost_and_counted(void **context)
{
	int i;

	(void)context;
	for (i = 0; i < NEWS_MAX + 10; i++)
		tell(i);
	expect(NEWS_MAX, 0, 10);
	tell(7);
	expect(1, 7, 0);
}

static void what_waits_goes_with_the_listener(void **context)
{
	(void)context;
	tell(8);
	news_listen(NULL, NULL);
	expect(0, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_listener_nothing_waits),
		cmocka_unit_test(a_listener_is_woken_and_gets_all_in_order),
		cmocka_unit_test(beyond_the_bound_they_are_lost_and_counted),
		cmocka_unit_test(what_waits_goes_with_the_listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

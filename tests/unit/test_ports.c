// SPDX-License-Identifier: GPL-2.0
/* Ports: each has one owner, whatever threads do. */

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ports.h"

#define TCP	IPPROTO_TCP

static struct random chance;

static struct ports *make(void)
{
	struct rw_addr address = { .family = AF_INET, .bytes = { 203, 0, 113, 64 } };

	random_seed(&chance);
	return ports_of(7, &address);
}

static void takes_each_port_once(void **context)
{
	struct ports *ports = make();
	bool taken[65536] = { 0 };
	int i, port;

	(void)context;
	for (i = 0; i < 65536 - 1024; i++) {
		port = ports_take(ports, TCP, (struct range){ 1024, 65535 }, PARITY_ANY, &chance);
		assert_in_range(port, 1024, 65535);
		assert_false(taken[port]);
		taken[port] = true;
	}
	assert_int_equal(ports_take(ports, TCP, (struct range){ 1024, 65535 }, PARITY_ANY, &chance), -1);
	assert_int_equal(ports_used(ports, TCP, (struct range){ 1024, 65535 }), 65536 - 1024);
	assert_int_equal(ports_used(ports, TCP, (struct range){ 1, 1023 }), 0);
	ports_put(ports);
}

static void keeps_within_odd_ranges(void **context)
{
	static const uint16_t ranges[][2] = {
		{ 1, 1 }, { 63, 64 }, { 100, 131 }, { 64, 127 }, { 65535, 65535 }, { 1000, 2000 },
	};
	struct ports *ports;
	size_t i;
	int n, port;

	(void)context;
	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		ports = make();
		for (n = ranges[i][0]; n <= ranges[i][1]; n++) {
			port = ports_take(ports, TCP, (struct range){ ranges[i][0], ranges[i][1] }, PARITY_ANY, &chance);
			assert_in_range(port, ranges[i][0], ranges[i][1]);
		}
		assert_int_equal(ports_take(ports, TCP, (struct range){ ranges[i][0], ranges[i][1] }, PARITY_ANY, &chance), -1);
		ports_put(ports);
	}
}

static void starts_at_random(void **context)
{
	struct ports *ports = make();
	int first = ports_take(ports, TCP, (struct range){ 1024, 65535 }, PARITY_ANY, &chance), i, near = 0, port;

	(void)context;
	for (i = 0; i < 1000; i++) {
		port = ports_take(ports, TCP, (struct range){ 1024, 65535 }, PARITY_ANY, &chance);
		near += abs(port - first) < 1000;
	}
	assert_in_range(near, 1, 100);	/* about 31 */
	ports_put(ports);
}

static void protocols_are_apart(void **context)
{
	struct ports *ports = make();

	(void)context;
	assert_int_equal(ports_take(ports, TCP, (struct range){ 5, 5 }, PARITY_ANY, &chance), 5);
	assert_int_equal(ports_take(ports, IPPROTO_UDP, (struct range){ 5, 5 }, PARITY_ANY, &chance), 5);
	assert_int_equal(ports_take(ports, IPPROTO_ICMP, (struct range){ 5, 5 }, PARITY_ANY, &chance), 5);
	assert_int_equal(ports_take(ports, IPPROTO_ICMP, (struct range){ 5, 5 }, PARITY_ANY, &chance), -1);
	assert_int_equal(ports_take(ports, IPPROTO_GRE, (struct range){ 5, 5 }, PARITY_ANY, &chance), -1);
	assert_int_equal(ports_used(ports, IPPROTO_UDP, (struct range){ 1, 65535 }), 1);
	ports_put(ports);
}

static void given_back_is_free(void **context)
{
	struct ports *ports = make();

	(void)context;
	assert_int_equal(ports_take(ports, TCP, (struct range){ 80, 80 }, PARITY_ANY, &chance), 80);
	assert_int_equal(ports_take(ports, TCP, (struct range){ 80, 80 }, PARITY_ANY, &chance), -1);
	ports_release(ports, TCP, 80);
	assert_int_equal(ports_take(ports, TCP, (struct range){ 80, 80 }, PARITY_ANY, &chance), 80);
	ports_put(ports);
}

static void one_that_is_claimed_is_taken(void **context)
{
	struct ports *ports = make();

	(void)context;
	assert_true(ports_claim(ports, TCP, 80));
	assert_false(ports_claim(ports, TCP, 80));
	assert_int_equal(ports_take(ports, TCP, (struct range){ 80, 80 }, PARITY_ANY, &chance), -1);
	assert_false(ports_claim(ports, IPPROTO_GRE, 80));
	ports_put(ports);
}

/* Whoever asks gets the same, until the last has let go. */
static void an_address_has_one_bitmap(void **context)
{
	const struct rw_addr address = { .family = AF_INET, .bytes = { 203, 0, 113, 64 } };
	struct ports *ports = make(), *same = make(), *other = ports_of(8, &address);

	(void)context;
	assert_ptr_equal(ports, same);
	assert_ptr_not_equal(ports, other);
	assert_true(ports_claim(ports, TCP, 80));
	assert_true(ports_claim(other, TCP, 80));
	ports_put(ports);
	ports = make();
	assert_false(ports_claim(ports, TCP, 80));
	ports_put(ports);
	ports_put(same);
	ports = make();
	assert_true(ports_claim(ports, TCP, 80));
	ports_put(ports);
	ports_put(other);
}

static void parity_is_kept_to(void **context)
{
	struct ports *ports = make();
	const struct range range = { 1000, 1099 };
	int i;

	(void)context;
	for (i = 0; i < 50; i++)
		assert_int_equal(ports_take(ports, TCP, range, PARITY_EVEN, &chance) % 2, 0);
	assert_int_equal(ports_take(ports, TCP, range, PARITY_EVEN, &chance), -1);
	for (i = 0; i < 50; i++)
		assert_int_equal(ports_take(ports, TCP, range, PARITY_ODD, &chance) % 2, 1);
	assert_int_equal(ports_take(ports, TCP, range, PARITY_ANY, &chance), -1);
	ports_put(ports);
}

/* Threads take and release; each port's owner is kept beside. */
#define RACE_THREADS	4
#define RACE_ROUNDS	1000000

struct race {
	struct ports *ports;
	struct range range;
	_Atomic int owners[65536];
	_Atomic int doubles, taken;
	pthread_barrier_t start;
};

static void *race_taker(void *data)
{
	struct race *race = data;
	struct random random;
	int i, port;

	random_seed(&random);
	pthread_barrier_wait(&race->start);
	for (i = 0; i < RACE_ROUNDS; i++) {
		port = ports_take(race->ports, TCP, race->range, PARITY_ANY, &random);
		if (port < 0)
			continue;
		atomic_fetch_add(&race->taken, 1);
		if (atomic_exchange(&race->owners[port], 1))
			atomic_fetch_add(&race->doubles, 1);
		atomic_store(&race->owners[port], 0);
		ports_release(race->ports, TCP, port);
	}
	return NULL;
}

static void run_race(struct race *race)
{
	pthread_t takers[RACE_THREADS];
	int i;

	pthread_barrier_init(&race->start, NULL, RACE_THREADS);
	for (i = 0; i < RACE_THREADS; i++)
		assert_int_equal(pthread_create(&takers[i], NULL, race_taker, race), 0);
	for (i = 0; i < RACE_THREADS; i++)
		pthread_join(takers[i], NULL);
	pthread_barrier_destroy(&race->start);
}

static void racing_threads_never_share_a_port(void **context)
{
	struct race *race = test_calloc(1, sizeof(*race));

	(void)context;
	race->ports = make();
	race->range = (struct range){ 1000, 1007 };
	run_race(race);
	assert_int_equal(race->doubles, 0);
	assert_true(race->taken > 7);
	assert_false(ports_any_used(race->ports, (struct range){ 1, 65535 }));
	ports_put(race->ports);
	test_free(race);
}

/* More threads than ports, whose neighbours are taken: there is often none, but not for good. */
static void what_racing_threads_give_back_is_found_again(void **context)
{
	struct race *race = test_calloc(1, sizeof(*race));
	int port;

	(void)context;
	race->ports = make();
	race->range = (struct range){ 1000, 1002 };
	for (port = 960; port < 1024; port++)
		if (port < race->range.min || port > race->range.max)
			assert_true(ports_claim(race->ports, TCP, port));
	run_race(race);
	assert_int_equal(race->doubles, 0);
	for (port = race->range.min; port <= race->range.max; port++)
		assert_in_range(ports_take(race->ports, TCP, race->range, PARITY_ANY, &chance),
				race->range.min, race->range.max);
	ports_put(race->ports);
	test_free(race);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_each_port_once),
		cmocka_unit_test(keeps_within_odd_ranges),
		cmocka_unit_test(starts_at_random),
		cmocka_unit_test(protocols_are_apart),
		cmocka_unit_test(given_back_is_free),
		cmocka_unit_test(one_that_is_claimed_is_taken),
		cmocka_unit_test(an_address_has_one_bitmap),
		cmocka_unit_test(parity_is_kept_to),
		cmocka_unit_test(racing_threads_never_share_a_port),
		cmocka_unit_test(what_racing_threads_give_back_is_found_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

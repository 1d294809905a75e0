// SPDX-License-Identifier: GPL-2.0
/* Ports: each has one owner, whatever threads, failures and looks do. */

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
	return ports_new(7, &address);
}

/* A look over all flows, which have the ports of a list that ends with 0. */
static unsigned int list(struct ports *ports, const uint16_t *seen)
{
	ports_look_begin(ports);
	ports_forget(ports);
	for (; *seen; seen++)
		ports_flow_seen(ports, TCP, *seen);
	return ports_look_end(ports);
}

/* A look at what has changed: flows that ended, flows that are there. */
static unsigned int look(struct ports *ports, const uint16_t *ended, const uint16_t *seen)
{
	ports_look_begin(ports);
	for (; *ended; ended++)
		ports_flow_ended(ports, TCP, *ended);
	for (; *seen; seen++)
		ports_flow_seen(ports, TCP, *seen);
	return ports_look_end(ports);
}

static const uint16_t nothing[] = { 0 };

static void takes_each_port_once(void **context)
{
	struct ports *ports = make();
	bool taken[65536] = { 0 };
	int i, port;

	(void)context;
	for (i = 0; i < 65536 - 1024; i++) {
		port = ports_take(ports, TCP, 1024, 65535, &chance);
		assert_in_range(port, 1024, 65535);
		assert_false(taken[port]);
		taken[port] = true;
	}
	assert_int_equal(ports_take(ports, TCP, 1024, 65535, &chance), -1);
	assert_int_equal(ports_used(ports, TCP, 1024, 65535), 65536 - 1024);
	assert_int_equal(ports_used(ports, TCP, 1, 1023), 0);
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
			port = ports_take(ports, TCP, ranges[i][0], ranges[i][1], &chance);
			assert_in_range(port, ranges[i][0], ranges[i][1]);
		}
		assert_int_equal(ports_take(ports, TCP, ranges[i][0], ranges[i][1], &chance), -1);
		ports_put(ports);
	}
}

static void starts_at_random(void **context)
{
	struct ports *ports = make();
	int first = ports_take(ports, TCP, 1024, 65535, &chance), i, near = 0, port;

	(void)context;
	for (i = 0; i < 1000; i++) {
		port = ports_take(ports, TCP, 1024, 65535, &chance);
		near += abs(port - first) < 1000;
	}
	assert_in_range(near, 1, 100);	/* about 31 */
	ports_put(ports);
}

static void protocols_are_apart(void **context)
{
	struct ports *ports = make();

	(void)context;
	assert_int_equal(ports_take(ports, TCP, 5, 5, &chance), 5);
	assert_int_equal(ports_take(ports, IPPROTO_UDP, 5, 5, &chance), 5);
	assert_int_equal(ports_take(ports, IPPROTO_ICMP, 5, 5, &chance), 5);
	assert_int_equal(ports_take(ports, IPPROTO_ICMP, 5, 5, &chance), -1);
	assert_int_equal(ports_take(ports, IPPROTO_GRE, 5, 5, &chance), -1);
	assert_int_equal(ports_used(ports, IPPROTO_UDP, 1, 65535), 1);
	ports_put(ports);
}

static void given_back_is_free(void **context)
{
	struct ports *ports = make();

	(void)context;
	assert_int_equal(ports_take(ports, TCP, 80, 80, &chance), 80);
	assert_int_equal(ports_take(ports, TCP, 80, 80, &chance), -1);
	ports_give_back(ports, TCP, 80);
	assert_int_equal(ports_take(ports, TCP, 80, 80, &chance), 80);
	ports_put(ports);
}

static void the_end_of_its_flow_frees_a_port(void **context)
{
	static const uint16_t it[] = { 80, 0 };
	struct ports *ports = make();

	(void)context;
	ports_take(ports, TCP, 80, 80, &chance);
	ports_settle(ports, TCP, 80);
	assert_int_equal(look(ports, nothing, it), 0);
	assert_int_equal(look(ports, nothing, nothing), 0);	/* nothing new of it */
	assert_int_equal(ports_used(ports, TCP, 80, 80), 1);
	assert_int_equal(look(ports, it, nothing), 1);
	assert_int_equal(ports_used(ports, TCP, 80, 80), 0);
	assert_int_equal(look(ports, nothing, nothing), 0);
	ports_put(ports);
}

static void of_one_look_ends_come_first(void **context)
{
	static const uint16_t it[] = { 80, 0 };
	struct ports *ports = make();

	(void)context;
	assert_int_equal(look(ports, nothing, it), 0);
	assert_int_equal(look(ports, it, it), 0);	/* another flow has it now */
	assert_int_equal(ports_used(ports, TCP, 80, 80), 1);
	ports_put(ports);
}

static void a_settled_port_without_a_flow_is_freed(void **context)
{
	struct ports *ports = make();

	(void)context;
	ports_take(ports, TCP, 80, 80, &chance);
	ports_settle(ports, TCP, 80);	/* the kernel's answer got lost, say */
	assert_int_equal(look(ports, nothing, nothing), 1);
	assert_int_equal(ports_take(ports, TCP, 80, 80, &chance), 80);
	ports_put(ports);
}

static void no_look_frees_a_port_that_waits_for_the_kernel(void **context)
{
	struct ports *ports = make();
	int i;

	(void)context;
	ports_take(ports, TCP, 80, 80, &chance);
	for (i = 0; i < 5; i++)
		assert_int_equal(i % 2 ? list(ports, nothing) : look(ports, nothing, nothing), 0);
	assert_int_equal(ports_take(ports, TCP, 80, 80, &chance), -1);
	ports_put(ports);
}

static void a_look_that_began_before_does_not_count(void **context)
{
	struct ports *ports = make();

	(void)context;
	ports_look_begin(ports);
	ports_take(ports, TCP, 80, 80, &chance);
	ports_settle(ports, TCP, 80);
	assert_int_equal(ports_look_end(ports), 0);
	assert_int_equal(look(ports, nothing, nothing), 1);
	ports_put(ports);
}

static void an_incomplete_look_frees_nothing(void **context)
{
	struct ports *ports = make();
	int i;

	(void)context;
	ports_take(ports, TCP, 80, 80, &chance);
	ports_settle(ports, TCP, 80);
	for (i = 0; i < 5; i++)
		ports_look_begin(ports);
	assert_int_equal(ports_used(ports, TCP, 80, 80), 1);
	ports_put(ports);
}

static void a_list_frees_what_it_lacks(void **context)
{
	static const uint16_t both[] = { 80, 4000, 0 }, one[] = { 4000, 0 };
	struct ports *ports = make();

	(void)context;
	assert_int_equal(list(ports, both), 0);		/* adopted */
	assert_int_equal(ports_take(ports, TCP, 80, 80, &chance), -1);
	assert_int_equal(ports_take(ports, TCP, 4000, 4000, &chance), -1);
	assert_int_equal(list(ports, one), 1);
	assert_int_equal(ports_take(ports, TCP, 80, 80, &chance), 80);
	assert_int_equal(ports_used(ports, TCP, 4000, 4000), 1);
	ports_put(ports);
}

/* Threads take, give back and settle; a watcher frees. Each port's owner is kept beside. */
#define RACE_MIN	1000
#define RACE_MAX	1007
#define RACE_THREADS	4
#define RACE_ROUNDS	2000000

struct race {
	struct ports *ports;
	_Atomic int owners[65536];	/* 0 none, 1 a thread, 2 the kernel */
	_Atomic int doubles, taken;
	_Atomic bool stop;
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
		port = ports_take(race->ports, TCP, RACE_MIN, RACE_MAX, &random);
		if (port < 0)
			continue;
		atomic_fetch_add(&race->taken, 1);
		if (atomic_exchange(&race->owners[port], 1))
			atomic_fetch_add(&race->doubles, 1);
		if (random_below(&random, 64)) {
			atomic_store(&race->owners[port], 0);
			ports_give_back(race->ports, TCP, port);
		} else {
			atomic_store(&race->owners[port], 2);
			ports_settle(race->ports, TCP, port);
		}
	}
	return NULL;
}

/* The kernel: its flows end at random, and looks tell of it. */
static void *race_watcher(void *data)
{
	struct race *race = data;
	struct random random;
	int port;

	random_seed(&random);
	while (!race->stop) {
		ports_look_begin(race->ports);
		for (port = RACE_MIN; port <= RACE_MAX; port++) {
			if (race->owners[port] != 2)
				continue;
			if (random_below(&random, 4)) {
				ports_flow_seen(race->ports, TCP, port);
				continue;
			}
			atomic_store(&race->owners[port], 0);
			ports_flow_ended(race->ports, TCP, port);
		}
		ports_look_end(race->ports);
	}
	return NULL;
}

static void racing_threads_never_share_a_port(void **context)
{
	struct race *race = test_calloc(1, sizeof(*race));
	pthread_t takers[RACE_THREADS], watcher;
	int i;

	(void)context;
	race->ports = make();
	pthread_barrier_init(&race->start, NULL, RACE_THREADS);
	assert_int_equal(pthread_create(&watcher, NULL, race_watcher, race), 0);
	for (i = 0; i < RACE_THREADS; i++)
		assert_int_equal(pthread_create(&takers[i], NULL, race_taker, race), 0);
	for (i = 0; i < RACE_THREADS; i++)
		pthread_join(takers[i], NULL);
	race->stop = true;
	pthread_join(watcher, NULL);
	assert_int_equal(race->doubles, 0);
	assert_true(race->taken > RACE_MAX - RACE_MIN);	/* so ports were freed, too */
	list(race->ports, nothing);
	assert_int_equal(ports_used(race->ports, TCP, 1, 65535), 0);
	pthread_barrier_destroy(&race->start);
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
		cmocka_unit_test(the_end_of_its_flow_frees_a_port),
		cmocka_unit_test(of_one_look_ends_come_first),
		cmocka_unit_test(a_settled_port_without_a_flow_is_freed),
		cmocka_unit_test(no_look_frees_a_port_that_waits_for_the_kernel),
		cmocka_unit_test(a_look_that_began_before_does_not_count),
		cmocka_unit_test(an_incomplete_look_frees_nothing),
		cmocka_unit_test(a_list_frees_what_it_lacks),
		cmocka_unit_test(racing_threads_never_share_a_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

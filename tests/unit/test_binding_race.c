// SPDX-License-Identifier: GPL-2.0
/* Bindings and leases, in the hands of several threads. */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "binding_bench.h"

/* Threads take, give back and settle; a watcher ends. Who has each pair is kept beside. */
#define RACE_THREADS	4
#define RACE_ROUNDS	100000
#define RACE_CLIENTS	24
#define RACE_REMOTES	3

struct race {
	struct bench *bench;
	int pool;
	_Atomic int owner[16][RACE_REMOTES];	/* 1 + client */
	_Atomic int doubles, taken, refused, strayed;
	_Atomic bool stop;
	pthread_barrier_t start;
};

static void race_settle(struct race *race, struct lease *lease, int client, int remote, bool keep)
{
	_Atomic int *owner = &race->owner[lease->key.dport - 1000][remote];
	int before = atomic_exchange(owner, 1 + client);

	/* A client that has it twice has one flow: another is what must not be */
	if (before && before != 1 + client)
		atomic_fetch_add(&race->doubles, 1);
	if (keep) {
		bindings_settle(race->bench->bindings, lease);
		return;
	}
	before = 1 + client;
	atomic_compare_exchange_strong(owner, &before, 0);
	bindings_give_back(race->bench->bindings, lease);
}

static void *race_taker(void *data)
{
	struct race *race = data;
	struct random random;
	struct lease *lease;
	int i, client, remote;

	rcu_register_thread();
	random_seed(&random);
	pthread_barrier_wait(&race->start);
	for (i = 0; i < RACE_ROUNDS; i++) {
		client = random_below(&random, RACE_CLIENTS);
		remote = random_below(&random, RACE_REMOTES);
		rcu_read_lock();
		lease = bench_take(race->bench, (struct ends){ race->pool, 1 + client, 4000, 1 + remote, 53 },
				&random, false);
		if (lease) {
			atomic_fetch_add(&race->taken, 1);
			race_settle(race, lease, client, remote, false);
		} else {
			atomic_fetch_add(&race->refused, 1);
		}
		rcu_read_unlock();
	}
	rcu_unregister_thread();
	return NULL;
}

static void *race_watcher(void *data)
{
	struct race *race = data;

	rcu_register_thread();
	while (!race->stop)
		bench_look(race->bench);
	rcu_unregister_thread();
	return NULL;
}

static void race(struct bench *bench, int pool)
{
	struct race *race = test_calloc(1, sizeof(*race));
	pthread_t takers[RACE_THREADS], watcher;
	int i;

	race->bench = bench;
	race->pool = pool;
	pthread_barrier_init(&race->start, NULL, RACE_THREADS);
	assert_int_equal(pthread_create(&watcher, NULL, race_watcher, race), 0);
	for (i = 0; i < RACE_THREADS; i++)
		assert_int_equal(pthread_create(&takers[i], NULL, race_taker, race), 0);
	for (i = 0; i < RACE_THREADS; i++)
		pthread_join(takers[i], NULL);
	race->stop = true;
	pthread_join(watcher, NULL);
	assert_int_equal(race->doubles, 0);
	assert_true(race->taken > RACE_CLIENTS);
	for (i = 0; i < 4; i++)
		bench_look(bench);
	assert_int_equal(bench_used(bench, pool), 0);
	pthread_barrier_destroy(&race->start);
	test_free(race);
}

static void racing_threads_never_share_what_they_must_not(void **context)
{
	race(*context, EIM);
	race(*context, EDM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(racing_threads_never_share_what_they_must_not),
	};

	rcu_register_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

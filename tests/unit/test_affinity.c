// SPDX-License-Identifier: GPL-2.0
/* Affinity: clients stay, move when their backend yields, and are bounded. */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu.h>
#include <cmocka.h>

#include "address.h"
#include "choose.h"
#include "config.h"

static struct affinity_client numbered(uint32_t number)
{
	struct affinity_client client = { .service = 1 };

	client.address.family = AF_INET;
	memcpy(client.address.bytes, &number, 4);
	return client;
}

static int set_up(void **context)
{
	*context = affinity_new(100);
	return 0;
}

static int tear_down(void **context)
{
	affinity_free(*context);
	return 0;
}

static void a_client_stays_until_its_time_is_over(void **context)
{
	struct affinity *affinity = *context;
	struct affinity_client client = numbered(1);

	assert_int_equal(affinity_find(affinity, &client, 0), 0);
	assert_int_equal(affinity_claim(affinity, &client, 0, 11, 5, 0, 1000), 11);
	assert_int_equal(affinity_find(affinity, &client, 999), 11);
	assert_int_equal(affinity_claim(affinity, &client, 11, 11, 6, 500, 1500), 11);
	assert_int_equal(affinity_find(affinity, &client, 1499), 11);
	assert_int_equal(affinity_find(affinity, &client, 1500), 0);
	assert_int_equal(affinity_claim(affinity, &client, 0, 12, 7, 1500, 2500), 12);
}

static void clients_of_other_services_and_networks_are_others(void **context)
{
	struct affinity *affinity = *context;
	struct affinity_client client = numbered(1), other = client, third = client;

	other.service = 2;
	third.vni = 7;
	affinity_claim(affinity, &client, 0, 11, 0, 0, 1000);
	assert_int_equal(affinity_find(affinity, &other, 0), 0);
	assert_int_equal(affinity_find(affinity, &third, 0), 0);
}

static void who_claims_second_follows_the_first(void **context)
{
	struct affinity *affinity = *context;
	struct affinity_client client = numbered(1);

	assert_int_equal(affinity_claim(affinity, &client, 0, 11, 0, 0, 1000), 11);
	assert_int_equal(affinity_claim(affinity, &client, 0, 12, 0, 0, 1000), 11);
	/* But one that found the first's backend closed goes on */
	assert_int_equal(affinity_claim(affinity, &client, 11, 12, 0, 0, 1000), 12);
}

static void the_latest_decision_counts(void **context)
{
	struct affinity *affinity = *context;
	struct affinity_client client = numbered(1);

	affinity_learn(affinity, &client, 11, 50, 0, 1000);
	affinity_learn(affinity, &client, 12, 40, 0, 5000);
	assert_int_equal(affinity_find(affinity, &client, 999), 11);
	assert_int_equal(affinity_find(affinity, &client, 1001), 0);
	affinity_learn(affinity, &client, 12, 60, 0, 1000);
	assert_int_equal(affinity_find(affinity, &client, 0), 12);
	/* A flow of before does not take back a client that has moved since */
	affinity_claim(affinity, &client, 12, 13, 70, 0, 1000);
	affinity_learn(affinity, &client, 12, 65, 0, 9000);
	affinity_learn(affinity, &client, 12, 70, 0, 9000);
	assert_int_equal(affinity_find(affinity, &client, 0), 13);
	/* What is over already teaches nothing */
	client = numbered(2);
	affinity_learn(affinity, &client, 11, 80, 1000, 1000);
	assert_int_equal(affinity_find(affinity, &client, 0), 0);
}

static void clients_are_bounded_and_forgotten(void **context)
{
	struct affinity *affinity = *context;
	struct affinity_status status;
	struct affinity_client client;
	uint32_t i;

	for (i = 0; i < 150; i++) {
		client = numbered(i);
		assert_int_equal(affinity_claim(affinity, &client, 0, 11, 0, 0, 1000 + i), 11);
	}
	affinity_status(affinity, &status);
	assert_int_equal(status.clients, 100);
	assert_int_equal(status.unremembered, 50);
	assert_int_equal(affinity_find(affinity, &client, 0), 0);
	affinity_tick(affinity, 1049);
	affinity_status(affinity, &status);
	assert_int_equal(status.clients, 50);
	assert_int_equal(affinity_claim(affinity, &client, 0, 12, 0, 1049, 2000), 12);
	assert_int_equal(affinity_find(affinity, &client, 1049), 12);
}

#define RACERS	4
#define ROUNDS	20000

struct race {
	struct affinity *affinity;
	pthread_barrier_t barrier;
	uint32_t chosen[RACERS];
	int number;
};

static void *claim_all(void *data)
{
	struct race *race = data;
	int me = __atomic_fetch_add(&race->number, 1, __ATOMIC_SEQ_CST), i, j;
	struct affinity_client client;

	rcu_register_thread();
	for (i = 0; i < ROUNDS; i++) {
		client = numbered(i);
		pthread_barrier_wait(&race->barrier);
		rcu_read_lock();
		race->chosen[me] = affinity_claim(race->affinity, &client, 0, 1 + me, 0, i, i + 20);
		rcu_read_unlock();
		pthread_barrier_wait(&race->barrier);
		for (j = 0; j < RACERS; j++)
			if (race->chosen[j] != race->chosen[me])
				abort();
		pthread_barrier_wait(&race->barrier);
		if (!me && !(i % 16))
			affinity_tick(race->affinity, i);
	}
	rcu_unregister_thread();
	return NULL;
}

/* However many of a client's first connections are decided at once. */
static void all_handlers_choose_alike(void **context)
{
	struct race race = { .affinity = *context };
	pthread_t threads[RACERS];
	int i;

	pthread_barrier_init(&race.barrier, NULL, RACERS);
	for (i = 0; i < RACERS; i++)
		assert_false(pthread_create(&threads[i], NULL, claim_all, &race));
	for (i = 0; i < RACERS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&race.barrier);
}

#define BACKEND(n, rest)	"{\"name\":\"b" #n "\",\"id\":1" #n ",\"vni\":20,\"addresses\":[\"10.1.0.1" #n "\",\"fd00:20::1" #n "\"]" rest "}"
#define SERVICE(destination, first) "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80," \
	"\"destination\":{" destination "},\"backends\":[" BACKEND(1, first) "," BACKEND(2, "") "," BACKEND(3, "") "]}]}"
#define STICKY	"\"scheduler\":\"round-robin\",\"affinity\":10"

struct stage {
	struct snapshot *snapshot;
	struct decider decider;
};

static void begin(struct stage *stage, struct affinity *affinity, const char *text)
{
	struct error error;

	*stage = (struct stage){ .snapshot = config_parse(text, NULL, &error) };
	if (!stage->snapshot)
		fail_msg("%s", error.text);
	stage->decider.affinity = affinity;
	stage->decider.metadata = metadata_new();
}

static void end(struct stage *stage)
{
	snapshot_free(stage->snapshot);
	metadata_free(stage->decider.metadata);
}

static uint32_t ask(struct stage *stage, const char *client, uint16_t port, unsigned int attempt)
{
	struct rw_tuple tuple = { .protocol = 6, .sport = port, .dport = 80 };
	const struct backend *backend;

	assert_null(rw_addr_parse(client, &tuple.src));
	tuple.dst.family = tuple.src.family;
	backend = choose_backend(&stage->decider, stage->snapshot->services, &tuple, attempt);
	return backend ? backend->id : 0;
}

static void a_clients_connections_stay_together(void **context)
{
	uint32_t first, second;
	struct stage stage;
	int i;

	begin(&stage, *context, SERVICE(STICKY, ""));
	first = ask(&stage, "192.0.2.1", 1, 0);
	second = ask(&stage, "192.0.2.2", 1, 0);
	assert_int_not_equal(first, second);		/* by turns */
	for (i = 0; i < 10; i++) {
		stage.decider.now += 9999;		/* each time anew */
		assert_int_equal(ask(&stage, "192.0.2.1", 2 + i, 0), first);
	}
	assert_int_not_equal(ask(&stage, "192.0.2.1", 99, 1), 0);
	/* Where the key is in use, another backend may do */
	for (i = 0; i < 3; i++)
		if (ask(&stage, "192.0.2.1", 99, 1 + i) != first)
			break;
	assert_in_range(i, 0, 2);
	end(&stage);
}

static void a_draining_backend_lets_clients_go_at_once(void **context)
{
	static const char *const texts[] = {
		SERVICE(STICKY, ",\"state\":\"draining\""), SERVICE(STICKY, ",\"state\":\"down\""),
		SERVICE(STICKY, ",\"weight\":0"),
	};
	uint32_t other;
	struct stage stage;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		struct affinity_client client = { .service = 2 };

		rw_addr_parse("192.0.2.1", &client.address);
		client.address.bytes[3] = i;
		affinity_claim(*context, &client, 0, 11, 0, 0, 1000);
		begin(&stage, *context, texts[i]);
		other = ask(&stage, (const char *[]){ "192.0.2.0", "192.0.2.1", "192.0.2.2" }[i], 1, 0);
		assert_in_range(other, 12, 13);
		end(&stage);
		/* And when it is there again, they stay where they have come to */
		begin(&stage, *context, SERVICE(STICKY, ""));
		assert_int_equal(ask(&stage, (const char *[]){ "192.0.2.0", "192.0.2.1", "192.0.2.2" }[i], 2, 0),
				 other);
		end(&stage);
	}
}

static void a_prefix_may_be_a_client(void **context)
{
	struct stage stage;
	uint32_t first;

	begin(&stage, *context, SERVICE(STICKY ",\"client4\":24", ""));
	first = ask(&stage, "192.0.2.1", 1, 0);
	assert_int_equal(ask(&stage, "192.0.2.255", 1, 0), first);
	assert_int_not_equal(ask(&stage, "192.0.3.1", 1, 0), first);
	first = ask(&stage, "2001:db8::1", 1, 0);	/* 64 bits, unless said otherwise */
	assert_int_equal(ask(&stage, "2001:db8::ffff:1", 1, 0), first);
	assert_int_not_equal(ask(&stage, "2001:db8:0:1::1", 1, 0), first);
	end(&stage);
}

static void source_goes_by_the_client_alone(void **context)
{
	unsigned int counts[3] = { 0 }, i, moved = 0;
	char client[RW_ADDR_TEXT];
	struct stage all, less;
	uint32_t id, after;

	begin(&all, *context, SERVICE("\"scheduler\":\"source\"", ""));
	begin(&less, *context, SERVICE("\"scheduler\":\"source\"", ",\"state\":\"draining\""));
	for (i = 0; i < 3000; i++) {
		snprintf(client, sizeof(client), "198.51.%u.%u", i / 250, i % 250);
		id = ask(&all, client, 1, 0);
		counts[id - 11]++;
		assert_int_equal(ask(&all, client, i, 0), id);
		after = ask(&less, client, 1, 0);
		assert_int_not_equal(after, 11);
		moved += id != 11 && after != id;
	}
	for (i = 0; i < 3; i++)
		assert_in_range(counts[i], 900, 1100);
	assert_in_range(moved, 0, 60);		/* clients of the others stay, but for a few */
	end(&all);
	end(&less);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_client_stays_until_its_time_is_over),
		TEST(clients_of_other_services_and_networks_are_others),
		TEST(who_claims_second_follows_the_first),
		TEST(the_latest_decision_counts),
		TEST(clients_are_bounded_and_forgotten),
		TEST(all_handlers_choose_alike),
		TEST(a_clients_connections_stay_together),
		TEST(a_draining_backend_lets_clients_go_at_once),
		TEST(a_prefix_may_be_a_client),
		TEST(source_goes_by_the_client_alone),
	};
	int failed;

	rcu_register_thread();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_unregister_thread();
	return failed;
}

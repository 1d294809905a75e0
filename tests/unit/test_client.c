// SPDX-License-Identifier: GPL-2.0
/* Clients of pools: one address, blocks, limits, and ports by arithmetic. */

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "address.h"
#include "client.h"
#include "config.h"
#include "decide.h"
#include "find.h"
#include "fixed.h"
#include "metadata.h"

#define TCP	IPPROTO_TCP

static const char text[] = "{\"pools\":["
	"{\"name\":\"paired\",\"vni\":0,\"addresses\":\"203.0.113.0/30\",\"ports\":\"1000-1003\",\"quarantine\":0},"
	"{\"name\":\"blocks\",\"vni\":0,\"addresses\":\"203.0.113.4/31\",\"ports\":\"1000-1034\",\"quarantine\":0,"
	"\"block\":8,\"blocks\":2},"
	"{\"name\":\"limits\",\"vni\":0,\"addresses\":\"203.0.113.8\",\"quarantine\":0,\"client_ports\":3,\"client_flows\":5},"
	"{\"name\":\"fixed\",\"vni\":0,\"addresses\":\"203.0.113.16/30\",\"ports\":\"1024-65535\",\"quarantine\":0,"
	"\"fixed\":{\"vni\":13,\"clients\":\"10.0.0.0/24\"}},"
	"{\"name\":\"fixed6\",\"vni\":0,\"addresses\":\"2001:db8:f::/127\",\"quarantine\":0,"
	"\"fixed\":{\"vni\":14,\"clients\":\"fd00::/112\"}},"
	"{\"name\":\"shared\",\"vni\":0,\"addresses\":\"203.0.113.9\",\"ports\":\"2000-2003\",\"quarantine\":0,"
	"\"mapping\":\"endpoint-dependent\",\"client_flows\":5}],"
	"\"services\":["
	"{\"name\":\"s0\",\"id\":1,\"vni\":10,\"source\":{\"pool\":\"paired\"}},"
	"{\"name\":\"s1\",\"id\":2,\"vni\":11,\"source\":{\"pool\":\"blocks\"}},"
	"{\"name\":\"s2\",\"id\":3,\"vni\":12,\"source\":{\"pool\":\"limits\"}},"
	"{\"name\":\"s3\",\"id\":4,\"vni\":13,\"source\":{\"pool\":\"fixed\"}},"
	"{\"name\":\"s5\",\"id\":6,\"vni\":15,\"source\":{\"pool\":\"shared\"}}]}";

enum { PAIRED, BLOCKS, LIMITS, FIXED, FIXED6, SHARED };

struct bench {
	struct snapshot *snapshot;
	struct decider decider;
	struct decision decision;
	int64_t now;
};

static int set_up(void **context)
{
	struct bench *bench = test_calloc(1, sizeof(*bench));
	struct error error;

	bench->snapshot = config_parse(text, NULL, &error);
	if (!bench->snapshot)
		fail_msg("%s", error.text);
	random_seed(&bench->decider.random);
	bench->decider.metadata = metadata_new();
	bench->decider.bindings = bindings_new();
	bench->now = 5000000;
	*context = bench;
	return 0;
}

static int tear_down(void **context)
{
	struct bench *bench = *context;

	bindings_free(bench->decider.bindings);
	metadata_free(bench->decider.metadata);
	snapshot_free(bench->snapshot);
	test_free(bench);
	return 0;
}

static enum outcome ask_of(struct bench *bench, int pool, int client, uint16_t sport,
			   const char *remote)
{
	struct rw_punt punt = { .policy = 1 + pool, .tuple = {
		.vni = 10 + pool, .protocol = TCP, .sport = sport, .dport = 80 } };
	char address[RW_ADDR_TEXT];

	snprintf(address, sizeof(address), "10.0.0.%d", client);
	assert_null(rw_addr_parse(address, &punt.tuple.src));
	assert_null(rw_addr_parse(remote, &punt.tuple.dst));
	rcu_read_lock();
	decide(&bench->decider, bench->snapshot, &punt, 0, &bench->decision);
	rcu_read_unlock();
	return bench->decision.outcome;
}

/* The kernel has made the flow. */
static struct rw_flow_spec make_to(struct bench *bench, int pool, int client, uint16_t sport,
				   const char *remote)
{
	assert_int_equal(ask_of(bench, pool, client, sport, remote), OUTCOME_FLOW);
	bindings_settle(bench->decider.bindings, bench->decision.leases[0]);
	return bench->decision.verdict.flow;
}

static struct rw_flow_spec make(struct bench *bench, int pool, int client, uint16_t sport)
{
	return make_to(bench, pool, client, sport, "192.0.2.1");
}

static void see(struct bench *bench, const struct rw_flow_spec *flow)
{
	bindings_seen(bench->decider.bindings, bench->snapshot, flow, 1);
}

static void look(struct bench *bench)
{
	bindings_look_begin(bench->decider.bindings, bench->now);
	bench->now += 2000;
	bindings_look_end(bench->decider.bindings, bench->now);
}

/* RFC 4787 REQ-2 */
static void a_client_has_one_address(void **context)
{
	struct bench *bench = *context;
	struct rw_flow_spec first = make(bench, PAIRED, 1, 1), flow;
	int i;

	for (i = 2; i <= 4; i++) {
		flow = make(bench, PAIRED, 1, i);
		assert_memory_equal(&flow.reply.dst, &first.reply.dst, sizeof(flow.reply.dst));
	}
	assert_int_equal(ask_of(bench, PAIRED, 1, 5, "192.0.2.1"), OUTCOME_EXHAUSTED);
	/* Others find a place, wherever it is: 16 ports are for 16 flows */
	for (i = 0; i < 12; i++)
		make(bench, PAIRED, 2 + i, 1);
	assert_int_equal(ask_of(bench, PAIRED, 200, 1, "192.0.2.1"), OUTCOME_EXHAUSTED);
}

static unsigned int count_clients(struct bench *bench)
{
	unsigned int count;
	json_t *clients;

	rcu_read_lock();
	clients = clients_show(bench->decider.bindings);
	rcu_read_unlock();
	count = json_array_size(clients);
	json_decref(clients);
	return count;
}

static void who_has_no_flow_is_no_client(void **context)
{
	struct bench *bench = *context;
	int i;

	for (i = 0; i < 4; i++)
		make(bench, PAIRED, 1 + i % 2, i + 1);
	assert_int_equal(count_clients(bench), 2);
	for (i = 0; i < 5; i++)
		look(bench);	/* none of them is there */
	assert_int_equal(count_clients(bench), 0);
}

static void ports_are_of_the_clients_blocks(void **context)
{
	struct bench *bench = *context;
	struct rw_flow_spec flow;
	unsigned int blocks[5] = { 0 }, used = 0, i;
	struct rw_addr home;

	for (i = 0; i < 16; i++) {
		flow = make(bench, BLOCKS, 1, 100 + i);
		if (!i)
			home = flow.reply.dst;
		assert_memory_equal(&flow.reply.dst, &home, sizeof(home));
		assert_in_range(flow.reply.dport, 1000, 1031);	/* what is left over is not used */
		blocks[(flow.reply.dport - 1000) / 8]++;
		used += blocks[(flow.reply.dport - 1000) / 8] == 1;
		assert_int_equal(used, i < 8 ? 1 : 2);		/* one is full before the next begins */
	}
	assert_int_equal(ask_of(bench, BLOCKS, 1, 200, "192.0.2.1"), OUTCOME_LIMITED);
	/* Four blocks of two addresses are eight, of which six are left */
	for (i = 0; i < 6; i++)
		make(bench, BLOCKS, 2 + i, 100);
	assert_int_equal(ask_of(bench, BLOCKS, 8, 100, "192.0.2.1"), OUTCOME_EXHAUSTED);
	make(bench, BLOCKS, 2, 101);
}

static void a_block_ends_with_its_last_port(void **context)
{
	struct bench *bench = *context;
	struct rw_flow_spec flow = make(bench, BLOCKS, 1, 100);
	int i;

	for (i = 0; i < 7; i++)
		make(bench, BLOCKS, 2 + i, 100);
	assert_int_equal(ask_of(bench, BLOCKS, 20, 100, "192.0.2.1"), OUTCOME_EXHAUSTED);
	bindings_look_begin(bench->decider.bindings, bench->now);
	see(bench, &flow);
	bindings_look_end(bench->decider.bindings, bench->now);
	for (i = 0; i < 5; i++)
		look(bench);	/* the other seven are not there */
	for (i = 0; i < 7; i++)
		make(bench, BLOCKS, 20 + i, 100);
	assert_int_equal(ask_of(bench, BLOCKS, 30, 100, "192.0.2.1"), OUTCOME_EXHAUSTED);
}

/* As after a restart. */
static void blocks_are_adopted_with_their_flows(void **context)
{
	struct bench *bench = *context;
	struct rw_flow_spec flow = make(bench, BLOCKS, 1, 100), other;
	struct range block;

	bindings_free(bench->decider.bindings);
	bench->decider.bindings = bindings_new();
	bindings_look_begin(bench->decider.bindings, bench->now);
	bindings_list_begin(bench->decider.bindings);
	see(bench, &flow);
	bindings_list_end(bench->decider.bindings);
	bindings_look_end(bench->decider.bindings, bench->now);
	block.min = 1000 + (flow.reply.dport - 1000) / 8 * 8;
	block.max = block.min + 7;
	other = make(bench, BLOCKS, 1, 101);
	assert_in_range(other.reply.dport, block.min, block.max);
	assert_memory_equal(&flow.reply.dst, &other.reply.dst, sizeof(flow.reply.dst));
	other = make(bench, BLOCKS, 2, 100);
	assert_false(!memcmp(&flow.reply.dst, &other.reply.dst, sizeof(flow.reply.dst)) &&
		     other.reply.dport >= block.min && other.reply.dport <= block.max);
}

/* RFC 6888 REQ-4 */
static void a_client_has_limits(void **context)
{
	struct bench *bench = *context;
	int i;

	for (i = 0; i < 3; i++)
		make(bench, LIMITS, 1, 100 + i);
	assert_int_equal(ask_of(bench, LIMITS, 1, 103, "192.0.2.1"), OUTCOME_LIMITED);
	/* another flow of a port that it has */
	assert_int_equal(ask_of(bench, LIMITS, 1, 100, "192.0.2.2"), OUTCOME_FLOW);
	assert_int_equal(ask_of(bench, LIMITS, 1, 100, "192.0.2.3"), OUTCOME_FLOW);
	assert_int_equal(ask_of(bench, LIMITS, 1, 100, "192.0.2.4"), OUTCOME_LIMITED);
	/* one that it has already is no other one */
	assert_int_equal(ask_of(bench, LIMITS, 1, 100, "192.0.2.3"), OUTCOME_FLOW);
	/* and nobody else's business */
	assert_int_equal(ask_of(bench, LIMITS, 2, 100, "192.0.2.1"), OUTCOME_FLOW);
	bindings_give_back(bench->decider.bindings, bench->decision.leases[0]);
}

static void what_ends_counts_no_more(void **context)
{
	struct bench *bench = *context;
	int i;

	for (i = 0; i < 3; i++)
		make(bench, LIMITS, 1, 100 + i);
	for (i = 0; i < 5; i++)
		look(bench);
	for (i = 0; i < 3; i++)
		make(bench, LIMITS, 1, 200 + i);
	assert_int_equal(ask_of(bench, LIMITS, 1, 203, "192.0.2.1"), OUTCOME_LIMITED);
}

/* Who is no client has none. */
static void assert_has(struct bench *bench, int client, int ports, int flows)
{
	json_t *clients, *object;
	char address[RW_ADDR_TEXT];
	int found_ports = 0, found_flows = 0;
	size_t i;

	snprintf(address, sizeof(address), "10.0.0.%d", client);
	rcu_read_lock();
	clients = clients_show(bench->decider.bindings);
	rcu_read_unlock();
	json_array_foreach(clients, i, object) {
		if (strcmp(json_string_value(json_object_get(object, "client")), address))
			continue;
		found_ports = json_integer_value(json_object_get(object, "ports"));
		found_flows = json_integer_value(json_object_get(object, "flows"));
	}
	json_decref(clients);
	assert_int_equal(found_ports, ports);
	assert_int_equal(found_flows, flows);
}

#define LIMIT	5

/* The first client has all four ports, and both have as many flows of them as they may. */
static void fill_shared(struct bench *bench, struct rw_flow_spec first[LIMIT],
			struct rw_flow_spec second[LIMIT])
{
	char remote[RW_ADDR_TEXT];
	int i;

	for (i = 0; i < LIMIT - 1; i++)
		first[i] = make(bench, SHARED, 1, 100 + i);
	assert_int_equal(ask_of(bench, SHARED, 2, 100, "192.0.2.1"), OUTCOME_EXHAUSTED);
	for (i = 0; i < LIMIT; i++) {
		snprintf(remote, sizeof(remote), "192.0.2.%d", 2 + i);
		second[i] = make_to(bench, SHARED, 2, 100 + i, remote);
		assert_has(bench, 1, 4, LIMIT - 1);
		assert_has(bench, 2, 0, 1 + i);
	}
	first[LIMIT - 1] = make_to(bench, SHARED, 1, 200, "192.0.2.100");
}

static void assert_both_full(struct bench *bench)
{
	assert_int_equal(ask_of(bench, SHARED, 1, 300, "192.0.2.200"), OUTCOME_LIMITED);
	assert_int_equal(ask_of(bench, SHARED, 2, 300, "192.0.2.200"), OUTCOME_LIMITED);
	assert_int_equal(ask_of(bench, SHARED, 3, 300, "192.0.2.200"), OUTCOME_FLOW);
	assert_has(bench, 3, 0, 1);
	bindings_give_back(bench->decider.bindings, bench->decision.leases[0]);
	assert_has(bench, 3, 0, 0);
}

/* Until whatever is not of these flows has ended. */
static void look_at(struct bench *bench, const struct rw_flow_spec *flows, int count)
{
	int i, k;

	for (i = 0; i < 5; i++) {
		bindings_look_begin(bench->decider.bindings, bench->now);
		bindings_list_begin(bench->decider.bindings);
		for (k = 0; k < count; k++)
			see(bench, &flows[k]);
		bindings_list_end(bench->decider.bindings);
		bench->now += 2000;
		bindings_look_end(bench->decider.bindings, bench->now);
	}
}

/* RFC 6888 REQ-4 and REQ-5 */
static void who_shares_ports_has_limits_of_its_own(void **context)
{
	struct bench *bench = *context;
	struct rw_flow_spec first[LIMIT], second[LIMIT];

	fill_shared(bench, first, second);
	assert_both_full(bench);
	assert_has(bench, 1, 4, LIMIT);
	assert_has(bench, 2, 0, LIMIT);
}

static void what_ends_on_a_shared_port_counts_no_more_for_its_own_client(void **context)
{
	struct bench *bench = *context;
	struct rw_flow_spec first[LIMIT], second[LIMIT];
	char remote[RW_ADDR_TEXT];
	int i;

	fill_shared(bench, first, second);
	look_at(bench, first, LIMIT);
	assert_has(bench, 1, 4, LIMIT);
	assert_has(bench, 2, 0, 0);
	assert_int_equal(count_clients(bench), 1);
	for (i = 0; i < LIMIT; i++) {
		snprintf(remote, sizeof(remote), "192.0.2.%d", 2 + i);
		second[i] = make_to(bench, SHARED, 2, 500 + i, remote);
	}
	assert_both_full(bench);
	/* who began with the ports ends before who shares them */
	look_at(bench, second, LIMIT);
	assert_has(bench, 2, 0, LIMIT);
	assert_int_equal(ask_of(bench, SHARED, 2, 300, "192.0.2.200"), OUTCOME_LIMITED);
	for (i = 0; i < LIMIT; i++) {
		snprintf(remote, sizeof(remote), "192.0.2.%d", 20 + i);
		make_to(bench, SHARED, 1, 600 + i, remote);
	}
	assert_both_full(bench);
	look_at(bench, NULL, 0);
	assert_int_equal(count_clients(bench), 0);
}

static void flows_are_adopted_by_their_own_client(void **context)
{
	struct bench *bench = *context;
	struct rw_flow_spec flows[2 * LIMIT];

	fill_shared(bench, flows, flows + LIMIT);
	bindings_free(bench->decider.bindings);
	bench->decider.bindings = bindings_new();
	look_at(bench, flows, 2 * LIMIT);
	assert_has(bench, 1, 4, LIMIT);
	assert_has(bench, 2, 0, LIMIT);
	assert_both_full(bench);
	look_at(bench, flows + LIMIT, LIMIT);
	assert_has(bench, 2, 0, LIMIT);
	make_to(bench, SHARED, 1, 300, "192.0.2.200");
	look_at(bench, NULL, 0);
	assert_int_equal(count_clients(bench), 0);
}

/* RFC 7422: there and back, for each client. */
static void fixed_ports_follow_from_addresses(void **context)
{
	struct bench *bench = *context;
	const struct pool *pool = &bench->snapshot->pools[FIXED];
	bool taken[4][65536] = { 0 };
	struct rw_addr client, back;
	struct range range;
	struct ports *ports;
	int i, port, index;

	assert_int_equal(pool->fixed.sharing, 64);
	assert_int_equal(pool->fixed.size, 64512 / 64);
	rw_addr_parse("10.0.0.0", &client);
	for (i = 0; i < 256; i++) {
		client.bytes[3] = i;
		ports = fixed_ports(pool, 13, &client, &range);
		assert_non_null(ports);
		assert_in_range(range.min, 1024, 65535);
		assert_in_range(range.max, range.min, 65535);
		for (index = 0; pool->addresses[IPV4][index] != ports; index++)
			;
		for (port = range.min; port <= range.max; port++) {
			assert_false(taken[index][port]);
			taken[index][port] = true;
			assert_true(fixed_client(pool, index, port, &back));
			assert_memory_equal(&back, &client, sizeof(back));
		}
	}
	assert_null(fixed_ports(pool, 12, &client, &range));
	client.bytes[2] = 1;
	assert_null(fixed_ports(pool, 13, &client, &range));
	assert_false(fixed_client(pool, 0, 1023, &back));
}

static void fixed_ports_of_ipv6(void **context)
{
	struct bench *bench = *context;
	const struct pool *pool = &bench->snapshot->pools[FIXED6];
	struct rw_addr client, back;
	struct range range;

	assert_int_equal(pool->fixed.size, 1);	/* 32768 clients of an address */
	rw_addr_parse("fd00::9001", &client);
	assert_ptr_equal(fixed_ports(pool, 14, &client, &range), pool->addresses[IPV6][1]);
	assert_int_equal(range.min, 1024 + 0x1001);
	assert_int_equal(range.max, range.min);
	assert_true(fixed_client(pool, 1, range.min, &back));
	assert_memory_equal(&back, &client, sizeof(back));
}

static void flows_of_fixed_pools_keep_to_them(void **context)
{
	struct bench *bench = *context;
	struct rw_flow_spec flow;
	int i;

	for (i = 0; i < 100; i++) {
		flow = make(bench, FIXED, 65, 100 + i);	/* the second of the second address */
		assert_int_equal(flow.reply.dst.bytes[3], 17);
		assert_in_range(flow.reply.dport, 1024 + 1008, 1024 + 2 * 1008 - 1);
	}
}

static json_t *find(struct bench *bench, const char *address, int port, struct error *error)
{
	struct place params = { .text = "params", .error = error };
	json_t *object = json_pack("{s:s, s:i}", "address", address, "port", port), *found;

	params.object = object;
	rcu_read_lock();
	found = find_client(bench->decider.bindings, bench->snapshot, &params);
	rcu_read_unlock();
	json_decref(object);
	return found;
}

static void assert_finds(struct bench *bench, const struct rw_flow_spec *flow, const char *client)
{
	char address[RW_ADDR_TEXT];
	struct error error;
	json_t *found = find(bench, rw_addr_print(address, &flow->reply.dst), flow->reply.dport, &error);

	assert_non_null(found);
	assert_string_equal(json_string_value(json_object_get(found, "client")), client);
	json_decref(found);
}

static void who_has_a_port_is_found(void **context)
{
	struct bench *bench = *context;
	struct rw_flow_spec flow = make(bench, PAIRED, 7, 1);
	struct error error;

	assert_finds(bench, &flow, "10.0.0.7");
	flow = make(bench, BLOCKS, 8, 1);
	assert_finds(bench, &flow, "10.0.0.8");
	flow.reply.dport ^= 1;		/* of the same block */
	assert_finds(bench, &flow, "10.0.0.8");
	flow = make(bench, FIXED, 9, 1);
	assert_finds(bench, &flow, "10.0.0.9");
	assert_null(find(bench, "203.0.113.8", 2000, &error));
	assert_string_equal(error.text, "nobody has port 2000 of 203.0.113.8 in VNI 0");
	assert_null(find(bench, "203.0.113.8", 80, &error));
	assert_string_equal(error.text, "no pool has port 80 of 203.0.113.8 in VNI 0");
	assert_null(find(bench, "somewhere", 80, &error));
	assert_non_null(strstr(error.text, "params: address \"somewhere\""));
}

/* Threads take and give back for few clients; a watcher ends what nobody has. */
#define RACE_ROUNDS	3000

struct race {
	struct bench *bench;
	_Atomic bool stop;
	_Atomic int strays, taken;
};

static void *race_taker(void *data)
{
	static const int pools[] = { PAIRED, BLOCKS, SHARED };
	struct race *race = data;
	struct bench bench = *race->bench;
	struct lease *lease;
	char remote[RW_ADDR_TEXT];
	int i, pool, client;

	rcu_register_thread();
	random_seed(&bench.decider.random);
	for (i = 0; i < RACE_ROUNDS; i++) {
		pool = pools[i % 3];
		client = 1 + i % 5;
		snprintf(remote, sizeof(remote), "192.0.2.%d", 1 + i % 2);
		rcu_read_lock();
		if (ask_of(&bench, pool, client, 1 + i % 7, remote) == OUTCOME_FLOW) {
			lease = bench.decision.leases[0];
			atomic_fetch_add(&race->taken, 1);
			if (lease->client->key.address.bytes[3] != client ||
			    (pool != SHARED && lease->binding->inside.address.bytes[3] != client))
				atomic_fetch_add(&race->strays, 1);
			bindings_give_back(bench.decider.bindings, lease);
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
		look(race->bench);
	rcu_unregister_thread();
	return NULL;
}

static void racing_threads_leave_nothing_behind(void **context)
{
	struct bench *bench = *context;
	struct race race = { .bench = bench };
	pthread_t takers[3], watcher;
	int i;

	assert_int_equal(pthread_create(&watcher, NULL, race_watcher, &race), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&takers[i], NULL, race_taker, &race), 0);
	for (i = 0; i < 3; i++)
		pthread_join(takers[i], NULL);
	race.stop = true;
	pthread_join(watcher, NULL);
	assert_int_equal(race.strays, 0);
	assert_true(race.taken > 0);
	for (i = 0; i < 8; i++)
		look(bench);
	assert_int_equal(count_clients(bench), 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(ports_used(bench->snapshot->pools[BLOCKS].addresses[IPV4][i],
					    PORTS_BLOCKS, (struct range){ 1, 65535 }), 0);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_client_has_one_address),
		TEST(who_has_no_flow_is_no_client),
		TEST(ports_are_of_the_clients_blocks),
		TEST(a_block_ends_with_its_last_port),
		TEST(blocks_are_adopted_with_their_flows),
		TEST(a_client_has_limits),
		TEST(what_ends_counts_no_more),
		TEST(who_shares_ports_has_limits_of_its_own),
		TEST(what_ends_on_a_shared_port_counts_no_more_for_its_own_client),
		TEST(flows_are_adopted_by_their_own_client),
		TEST(fixed_ports_follow_from_addresses),
		TEST(fixed_ports_of_ipv6),
		TEST(flows_of_fixed_pools_keep_to_them),
		TEST(who_has_a_port_is_found),
		TEST(racing_threads_leave_nothing_behind),
	};

	rcu_register_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

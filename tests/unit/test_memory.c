// SPDX-License-Identifier: GPL-2.0
/* What is remembered of flows: what comes back, what is final, and that nothing is held for ever. */

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "memory.h"
#include "siphash.h"

#define EXPIRES	7440000
#define START	1000000

static struct memory *memory;
static int ports[65536];	/* by reply port: held by records */

static struct rw_flow_spec spec(unsigned int n)
{
	struct rw_flow_spec made = {
		.orig = { .vni = 10, .protocol = IPPROTO_TCP, .sport = n, .dport = 80,
			  .src = { AF_INET, { 10, 0, 0, 5 } }, .dst = { AF_INET, { 192, 0, 2, 1 } } },
		.reply = { .protocol = IPPROTO_TCP, .sport = 80, .dport = 20000 + n,
			   .src = { AF_INET, { 192, 0, 2, 1 } }, .dst = { AF_INET, { 203, 0, 113, 64 } } },
		.policy = 1, .decision = 100 + n,
	};

	return made;
}

static struct rw_flow flow(unsigned int n, uint64_t id)
{
	return (struct rw_flow){
		.id = id, .spec = spec(n), .state = REWIRE_FLOW_STATE_ESTABLISHED, .expires = EXPIRES,
	};
}

static void port(const struct record *record, bool held, void *data)
{
	(void)data;
	ports[record->reply.dport] += held ? 1 : -1;
}

static void tick(int64_t now)
{
	memory_tick(memory, now, port, NULL);
}

static struct record *note(unsigned int n)
{
	struct rw_flow_spec made = spec(n);
	struct record *record;

	rcu_read_lock();
	record = memory_note(memory, &made);
	rcu_read_unlock();
	return record;
}

static struct record *recall(unsigned int n, bool by_reply)
{
	struct rw_flow_spec made = spec(n);
	struct record *record;

	rcu_read_lock();
	record = memory_recall(memory, by_reply ? &made.reply : &made.orig);
	rcu_read_unlock();
	return record;
}

static void seen(struct rw_flow flow)
{
	memory_seen(memory, &flow, START);
}

static bool ended(struct rw_flow flow, uint32_t reason)
{
	return memory_ended(memory, &flow, reason, START);
}

static uint32_t records(void)
{
	struct memory_status status;

	memory_status(memory, &status);
	return status.records;
}

static int set_up(void **context)
{
	(void)context;
	memory = memory_new(1000);
	memset(ports, 0, sizeof(ports));
	tick(START);
	return 0;
}

static int tear_down(void **context)
{
	(void)context;
	memory_free(memory);
	return 0;
}

static void an_evicted_flow_comes_back_as_it_was(void **context)
{
	struct record *record;

	(void)context;
	memory_confirm(memory, note(1));
	seen(flow(1, 7));
	assert_true(ended(flow(1, 7), REWIRE_REASON_CLOSE_EVICTED));
	record = recall(1, false);
	assert_non_null(record);
	assert_int_equal(record->reply.dport, 20001);
	assert_int_equal(record->decision, 101);
	memory_confirm(memory, record);
	seen(flow(1, 8));
	assert_true(ended(flow(1, 8), REWIRE_REASON_CLOSE_EARLY));
	assert_ptr_equal(recall(1, true), record);	/* by the other end's packet, too */
	assert_null(recall(2, false));
}

/* The daemon decides without tunnels; the kernel tells those that it learned from packets. */
static void a_flow_is_known_by_its_keys_whatever_tunnel_it_came_by(void **context)
{
	struct rw_flow learned = flow(1, 7);
	struct record *record = note(1);

	(void)context;
	learned.spec.orig_tunnel.remote = (struct rw_addr){ AF_INET, { 198, 51, 100, 1 } };
	memory_confirm(memory, record);
	seen(learned);
	assert_int_equal(record->id, 7);
	assert_true(ended(learned, REWIRE_REASON_CLOSE_EVICTED));
	assert_ptr_equal(recall(1, false), record);
}

/* What a record does not keep, it could not bring back. */
static void a_flow_of_another_shape_is_not_remembered(void **context)
{
	struct rw_flow shaped = flow(1, 7);

	(void)context;
	shaped.spec.packet_rate = 1000;
	seen(shaped);
	assert_int_equal(records(), 0);
	assert_false(ended(shaped, REWIRE_REASON_CLOSE_EVICTED));
	assert_int_equal(records(), 0);
}

static void it_comes_back_before_its_end_is_told(void **context)
{
	struct record *record;

	(void)context;
	memory_confirm(memory, note(1));
	seen(flow(1, 7));
	record = recall(1, false);
	assert_non_null(record);
	memory_confirm(memory, record);
	assert_true(ended(flow(1, 7), REWIRE_REASON_CLOSE_DELETED));	/* no news */
	assert_int_equal(record->state, RECORD_LIVE);
	seen(flow(1, 8));
	seen(flow(1, 7));						/* nor is this */
	assert_int_equal(record->id, 8);
	assert_false(ended(flow(1, 8), REWIRE_REASON_CLOSE_IDLE));
	assert_int_equal(record->state, RECORD_DEAD);
}

static void some_ends_are_final(void **context)
{
	static const uint32_t reasons[] = {
		REWIRE_REASON_CLOSE_IDLE, REWIRE_REASON_CLOSE_REUSED, REWIRE_REASON_CLOSE_TARGET,
	};
	unsigned int i;

	(void)context;
	for (i = 0; i < 3; i++) {
		memory_confirm(memory, note(i));
		seen(flow(i, 7 + i));
		assert_false(ended(flow(i, 7 + i), reasons[i]));
		assert_null(recall(i, false));
	}
	tick(START);
	assert_int_equal(records(), 0);
}

static void what_was_not_established_is_not_kept(void **context)
{
	struct rw_flow half = flow(1, 7), udp = flow(2, 8);

	(void)context;
	half.state = REWIRE_FLOW_STATE_SYN_SENT;
	seen(half);
	assert_false(ended(half, REWIRE_REASON_CLOSE_EVICTED));
	udp.spec.orig.protocol = udp.spec.reply.protocol = IPPROTO_UDP;
	udp.state = REWIRE_FLOW_STATE_UNREPLIED;
	assert_false(ended(udp, REWIRE_REASON_CLOSE_EVICTED));
	udp.id++;
	udp.state = REWIRE_FLOW_STATE_REPLIED;
	assert_true(ended(udp, REWIRE_REASON_CLOSE_EVICTED));	/* known from its end alone */
}

static void what_others_made_is_left_alone(void **context)
{
	struct rw_flow other = flow(1, 7);

	(void)context;
	other.spec.decision = 0;
	seen(other);
	assert_false(ended(other, REWIRE_REASON_CLOSE_EVICTED));
	other = flow(1, 8);
	other.spec.one_way = true;
	seen(other);
	assert_int_equal(records(), 0);
}

static void a_kept_one_is_forgotten_in_time(void **context)
{
	(void)context;
	seen(flow(1, 7));
	seen(flow(2, 8));
	seen(flow(3, 9));
	ended(flow(1, 7), REWIRE_REASON_CLOSE_EVICTED);
	ended(flow(2, 8), REWIRE_REASON_CLOSE_DELETED);
	ended(flow(3, 9), REWIRE_REASON_CLOSE_EVICTED);
	tick(START + MEMORY_BRIEFLY - 1000);
	assert_int_equal(records(), 3);
	tick(START + MEMORY_BRIEFLY + 2000);
	assert_int_equal(records(), 2);
	assert_int_equal(ports[20002], -1);		/* which gives back its port */
	assert_null(recall(2, false));
	memory_confirm(memory, recall(3, false));
	tick(START + EXPIRES + 2000);
	assert_int_equal(records(), 1);
	assert_int_equal(ports[20001], -1);
	assert_int_equal(ports[20003], 0);
	assert_non_null(recall(3, false));
}

static void far_times_are_kept(void **context)
{
	struct rw_flow far = flow(1, 7);
	int64_t now;

	(void)context;
	far.expires = 30000000;		/* the wheel turns several times */
	seen(far);
	ended(far, REWIRE_REASON_CLOSE_EVICTED);
	for (now = START; now < START + 29000000; now += 500000)
		tick(now);
	assert_int_equal(records(), 1);
	tick(START + 30002000);
	assert_int_equal(records(), 0);
}

static void a_refused_one_is_dropped(void **context)
{
	(void)context;
	memory_drop(memory, note(1));
	assert_null(recall(1, false));
	tick(START);
	assert_int_equal(records(), 0);
	assert_int_equal(ports[20001], 0);	/* its port is its handler's to give back */
}

/* The flow's end is told after a handler has asked for it again, and who is told keeps its port. */
static void one_that_does_not_come_back_gives_back_its_port(void **context)
{
	struct record *record;

	(void)context;
	memory_confirm(memory, note(1));
	seen(flow(1, 7));
	record = recall(1, false);
	assert_true(ended(flow(1, 7), REWIRE_REASON_CLOSE_DELETED));
	memory_drop(memory, record);		/* the kernel refuses it */
	tick(START);
	assert_int_equal(records(), 0);
	assert_int_equal(ports[20001], -1);
}

static void one_that_is_back_holds_no_port(void **context)
{
	(void)context;
	seen(flow(1, 7));
	memory_confirm(memory, recall(1, false));
	assert_true(ended(flow(1, 7), REWIRE_REASON_CLOSE_DELETED));
	seen(flow(1, 8));
	assert_false(ended(flow(1, 8), REWIRE_REASON_CLOSE_IDLE));
	tick(START);
	seen(flow(2, 17));
	memory_confirm(memory, recall(2, false));
	seen(flow(2, 18));
	assert_true(ended(flow(2, 17), REWIRE_REASON_CLOSE_DELETED));	/* told late */
	assert_false(ended(flow(2, 18), REWIRE_REASON_CLOSE_IDLE));
	tick(START);
	assert_int_equal(records(), 0);
	assert_int_equal(ports[20001], 0);
	assert_int_equal(ports[20002], 0);
}

/* A flow came back and was lost again, and its record is dead, before the kernel tells of that. */
static void a_dead_one_leaves_the_port_to_the_one_after_it(void **context)
{
	struct record *record;

	(void)context;
	seen(flow(1, 7));
	assert_true(ended(flow(1, 7), REWIRE_REASON_CLOSE_EVICTED));
	memory_confirm(memory, recall(1, false));
	record = recall(1, false);
	memory_drop(memory, record);
	seen(flow(1, 8));
	assert_true(ended(flow(1, 8), REWIRE_REASON_CLOSE_EVICTED));
	tick(START);
	assert_int_equal(records(), 1);
	assert_int_equal(ports[20001], 0);
	memory_drop(memory, recall(1, false));
	tick(START);
	assert_int_equal(ports[20001], -1);
}

static void a_doubtful_one_is_kept_for_a_while(void **context)
{
	(void)context;
	memory_doubt(memory, note(1), START);
	tick(START);
	assert_int_equal(ports[20001], 1);
	assert_non_null(recall(1, false));
	memory_doubt(memory, recall(1, false), START);
	tick(START + MEMORY_BRIEFLY + 2000);
	assert_int_equal(records(), 0);
	assert_int_equal(ports[20001], 0);
}

static void asking_again_and_again_does_not_keep_one(void **context)
{
	int64_t now;

	(void)context;
	seen(flow(1, 7));
	for (now = START; now < START + MEMORY_BRIEFLY; now += 1000) {
		memory_put_off(memory, recall(1, false), now);
		tick(now);
		assert_int_equal(records(), 1);
	}
	tick(START + MEMORY_BRIEFLY + 2000);
	assert_int_equal(records(), 0);
}

static void one_that_the_kernel_cannot_take_yet_wants_a_guard(void **context)
{
	struct record *record;

	(void)context;
	seen(flow(1, 7));
	record = recall(1, false);
	memory_put_off(memory, record, START);
	assert_null(memory_unguarded(memory));
	tick(START);
	assert_ptr_equal(memory_unguarded(memory), record);
}

static void a_new_decision_replaces_an_old_one(void **context)
{
	struct rw_flow_spec other = spec(1);
	struct record *record;

	(void)context;
	seen(flow(1, 7));
	ended(flow(1, 7), REWIRE_REASON_CLOSE_EVICTED);
	other.reply.dport = 30000;
	rcu_read_lock();
	record = memory_note(memory, &other);
	rcu_read_unlock();
	memory_confirm(memory, record);
	assert_ptr_equal(recall(1, false), record);
	assert_null(recall(1, true));
	tick(START);
	assert_int_equal(records(), 1);
	assert_int_equal(ports[20001], -1);
}

static void a_list_ends_what_it_lacks(void **context)
{
	struct rw_flow half = flow(4, 10);

	(void)context;
	half.state = REWIRE_FLOW_STATE_SYN_SENT;
	seen(flow(1, 7));
	seen(flow(2, 8));
	seen(half);
	memory_list_begin(memory);
	seen(flow(1, 7));
	memory_confirm(memory, note(3));	/* decided while the list is read */
	memory_list_end(memory, START);
	tick(START);
	assert_int_equal(records(), 3);
	assert_int_equal(recall(1, false)->state, RECORD_PENDING);
	tick(START + MEMORY_BRIEFLY + 2000);
	assert_null(recall(2, false));
	assert_non_null(recall(3, false));
}

static void after_the_kernel_lost_all_they_come_back(void **context)
{
	struct record *record;

	(void)context;
	seen(flow(1, 700));
	memory_confirm(memory, note(2));
	memory_lost(memory, START);
	tick(START + MEMORY_BRIEFLY - 1000);
	record = recall(1, false);
	assert_non_null(record);
	memory_confirm(memory, record);
	assert_non_null(recall(2, true));
	seen(flow(1, 1));		/* numbers begin anew */
	assert_int_equal(record->id, 1);
	assert_true(ended(flow(1, 1), REWIRE_REASON_CLOSE_EVICTED));
	assert_int_equal(record->state, RECORD_KEPT);
}

static void there_is_a_limit(void **context)
{
	unsigned int i;
	struct memory_status status;

	(void)context;
	for (i = 0; i < 1000; i++)
		assert_non_null(note(i));
	assert_null(note(1001));
	memory_status(memory, &status);
	assert_int_equal(status.unremembered, 1);
	memory_free(memory);
	memory = memory_new(1000);
	tick(START);
	for (i = 0; i < 950; i++) {
		seen(flow(i, 1 + i));
		if (i < 200)
			ended(flow(i, 1 + i), REWIRE_REASON_CLOSE_EVICTED);
	}
	tick(START);		/* those kept make room */
	assert_in_range(records(), 750, 875);
	assert_null(recall(0, false));
	assert_non_null(recall(300, false));
}

static void the_unguarded_are_told(void **context)
{
	struct record *record;

	(void)context;
	seen(flow(1, 7));
	seen(flow(2, 8));
	assert_null(memory_unguarded(memory));
	ended(flow(1, 7), REWIRE_REASON_CLOSE_EVICTED);
	ended(flow(2, 8), REWIRE_REASON_CLOSE_EVICTED);
	seen(flow(2, 9));
	record = memory_unguarded(memory);
	assert_int_equal(record->orig.sport, 1);
	assert_null(memory_unguarded(memory));
	record->rule = 55;
	assert_int_equal(memory_idle_guard(memory), 0);
	seen(flow(1, 10));
	assert_int_equal(memory_idle_guard(memory), 55);
	assert_int_equal(memory_idle_guard(memory), 0);
}

static void guards_that_are_gone_are_set_anew(void **context)
{
	struct record *record, *dead;

	(void)context;
	seen(flow(1, 7));
	ended(flow(1, 7), REWIRE_REASON_CLOSE_EVICTED);
	memory_unguarded(memory)->rule = 55;
	memory_unguard(memory);
	record = memory_unguarded(memory);
	assert_non_null(record);
	assert_int_equal(record->rule, 0);
	record->rule = 56;
	seen(flow(2, 8));
	ended(flow(2, 8), REWIRE_REASON_CLOSE_EVICTED);
	dead = memory_unguarded(memory);
	dead->rule = 57;
	memory_drop(memory, recall(2, false));
	memory_lost(memory, START);	/* and rules with the flows */
	assert_int_equal(dead->rule, 0);
	assert_ptr_equal(memory_unguarded(memory), record);
	tick(START + 1000);
	assert_int_equal(memory_idle_guard(memory), 0);
}

/* Handlers note, recall and refuse at random, while flows end. Sanitizers look on. */
#define RACE_KEYS	16
#define RACE_ROUNDS	100000

static void *race_handler(void *data)
{
	struct random random;
	struct record *record;
	struct rw_flow_spec made;
	unsigned int i;

	(void)data;
	rcu_register_thread();
	random_seed(&random);
	for (i = 0; i < RACE_ROUNDS; i++) {
		made = spec(random_below(&random, RACE_KEYS));
		rcu_read_lock();
		record = memory_recall(memory, i % 2 ? &made.orig : &made.reply);
		if (!record)
			record = memory_note(memory, &made);
		if (record && record->decision != made.decision)
			abort();
		if (!record)
			;
		else if (!random_below(&random, 4))
			memory_drop(memory, record);
		else if (!random_below(&random, 4))
			memory_doubt(memory, record, START);
		else
			memory_confirm(memory, record);
		rcu_read_unlock();
	}
	rcu_unregister_thread();
	return NULL;
}

static void no_port(const struct record *record, bool held, void *data)
{
	(void)record;
	(void)held;
	(void)data;
}

static void handlers_and_ends_race(void **context)
{
	static const uint32_t reasons[] = { REWIRE_REASON_CLOSE_IDLE, REWIRE_REASON_CLOSE_EVICTED };
	struct random random;
	pthread_t threads[3];
	unsigned int i, n;

	(void)context;
	random_seed(&random);
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race_handler, NULL), 0);
	for (i = 1; i < 50000; i++) {
		n = random_below(&random, RACE_KEYS);
		if (random_below(&random, 2))
			seen(flow(n, i));
		else
			ended(flow(n, i), reasons[random_below(&random, 2)]);
		if (!(i % 50))
			memory_tick(memory, START, no_port, NULL);
	}
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	memory_tick(memory, START, no_port, NULL);	/* what they have doubted last */
	memory_list_begin(memory);
	memory_list_end(memory, START);
	memory_tick(memory, START + MEMORY_BRIEFLY + EXPIRES + 10000, no_port, NULL);
	for (i = 0; i < RACE_KEYS; i++)
		assert_null(recall(i, false));
	assert_int_equal(records(), 0);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_evicted_flow_comes_back_as_it_was),
		TEST(a_flow_is_known_by_its_keys_whatever_tunnel_it_came_by),
		TEST(a_flow_of_another_shape_is_not_remembered),
		TEST(it_comes_back_before_its_end_is_told),
		TEST(some_ends_are_final),
		TEST(what_was_not_established_is_not_kept),
		TEST(what_others_made_is_left_alone),
		TEST(a_kept_one_is_forgotten_in_time),
		TEST(far_times_are_kept),
		TEST(a_refused_one_is_dropped),
		TEST(one_that_does_not_come_back_gives_back_its_port),
		TEST(one_that_is_back_holds_no_port),
		TEST(a_dead_one_leaves_the_port_to_the_one_after_it),
		TEST(a_doubtful_one_is_kept_for_a_while),
		TEST(asking_again_and_again_does_not_keep_one),
		TEST(one_that_the_kernel_cannot_take_yet_wants_a_guard),
		TEST(a_new_decision_replaces_an_old_one),
		TEST(a_list_ends_what_it_lacks),
		TEST(after_the_kernel_lost_all_they_come_back),
		TEST(there_is_a_limit),
		TEST(the_unguarded_are_told),
		TEST(guards_that_are_gone_are_set_anew),
		TEST(handlers_and_ends_race),
	};
	int failed;

	rcu_register_thread();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_unregister_thread();
	return failed;
}

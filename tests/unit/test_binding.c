// SPDX-License-Identifier: GPL-2.0
/* Bindings and leases: who shares a port with whom, and when it is free again. */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "address.h"
#include "binding_bench.h"
#include "codec.h"

static struct lease *take(struct bench *bench, struct ends ends)
{
	struct lease *lease;

	rcu_read_lock();
	lease = bench_take(bench, ends, &bench->random, false);
	rcu_read_unlock();
	return lease;
}

static struct rw_flow_spec flow_of(struct ends ends, const struct lease *lease)
{
	return (struct rw_flow_spec){ .orig = bench_orig(ends), .reply = lease->key,
				      .policy = 1 + ends.pool };
}

/* The kernel has made the flow. */
static struct rw_flow_spec make(struct bench *bench, struct ends ends)
{
	struct lease *lease = take(bench, ends);
	struct rw_flow_spec flow;

	assert_non_null(lease);
	flow = flow_of(ends, lease);
	bindings_settle(bench->bindings, lease);
	return flow;
}

static void see(struct bench *bench, struct rw_flow_spec flow)
{
	bindings_seen(bench->bindings, bench->snapshot, &flow, ++bench->id);
}

static void end(struct bench *bench, struct rw_flow_spec flow)
{
	bindings_ended(bench->bindings, bench->snapshot, &flow, bench->id, false);
}

/* RFC 4787 REQ-1 */
static void an_endpoint_keeps_its_port_for_all_far_ends(void **context)
{
	struct bench *bench = *context;
	uint16_t port = make(bench, (struct ends){ EIM, 1, 4000, 1, 53 }).reply.dport;
	int i;

	for (i = 2; i < 200; i++)
		assert_int_equal(make(bench, (struct ends){ EIM, 1, 4000, i, 53 }).reply.dport, port);
	assert_int_equal(make(bench, (struct ends){ EIM, 1, 4000, 1, 54 }).reply.dport, port);
	assert_int_equal(bench_used(bench, EIM), 1);
	assert_int_not_equal(make(bench, (struct ends){ EIM, 1, 4001, 1, 53 }).reply.dport, port);
	assert_int_not_equal(make(bench, (struct ends){ EIM, 2, 4000, 1, 53 }).reply.dport, port);
	assert_int_equal(bench_used(bench, EIM), 3);
}

static void a_port_serves_one_endpoint(void **context)
{
	struct bench *bench = *context;
	bool seen[65536] = { 0 };
	struct rw_flow_spec flow;
	int i;

	for (i = 0; i < 16; i++) {
		flow = make(bench, (struct ends){ EIM, 1 + i, 4000, 1, 53 });
		assert_in_range(flow.reply.dport, 1000, 1015);
		assert_false(seen[flow.reply.dport]);
		seen[flow.reply.dport] = true;
	}
	assert_null(take(bench, (struct ends){ EIM, 17, 4000, 1, 53 }));
	assert_null(take(bench, (struct ends){ EIM, 17, 4000, 2, 53 }));	/* nor with another far end */
	assert_non_null(take(bench, (struct ends){ EIM, 16, 4000, 2, 53 }));	/* who has one is served */
}

static void with_dependent_mapping_a_port_serves_many_far_ends(void **context)
{
	struct bench *bench = *context;
	bool seen[256][16] = { 0 };
	struct rw_flow_spec flow;
	int i, remote;

	for (remote = 1; remote < 100; remote++) {
		for (i = 0; i < 16; i++) {
			flow = make(bench, (struct ends){ EDM, 1 + i, 4000, remote, 53 });
			assert_false(seen[remote][flow.reply.dport - 1000]);
			seen[remote][flow.reply.dport - 1000] = true;
		}
		assert_null(take(bench, (struct ends){ EDM, 17, 4000, remote, 53 }));
		assert_non_null(take(bench, (struct ends){ EDM, 17, 4000, remote, 54 }));
	}
	assert_int_equal(bench_used(bench, EDM), 16);
}

static void the_end_of_its_last_flow_frees_a_port(void **context)
{
	struct bench *bench = *context;
	struct rw_flow_spec one = make(bench, (struct ends){ EIM, 1, 4000, 1, 53 });
	struct rw_flow_spec two = make(bench, (struct ends){ EIM, 1, 4000, 2, 53 });

	bench_look_begin(bench);
	see(bench, one);
	see(bench, two);
	bench_look_end(bench);
	bench_look(bench);		/* nothing new of them */
	bench_look_begin(bench);
	end(bench, one);
	assert_int_equal(bench_look_end(bench), 0);
	assert_int_equal(bench_used(bench, EIM), 1);
	bench_look_begin(bench);
	end(bench, two);
	assert_int_equal(bench_look_end(bench), 1);
	assert_int_equal(bench_used(bench, EIM), 0);
}

static void with_dependent_mapping_too(void **context)
{
	struct bench *bench = *context;
	struct rw_flow_spec flows[16][2];
	int i, remote;

	for (remote = 0; remote < 2; remote++)
		for (i = 0; i < 16; i++)
			flows[i][remote] = make(bench, (struct ends){ EDM, 1 + i, 4000, 1 + remote, 53 });
	bench_look_begin(bench);
	for (i = 0; i < 32; i++)
		see(bench, flows[i / 2][i % 2]);
	bench_look_end(bench);
	bench_look_begin(bench);
	for (i = 0; i < 16; i++)
		end(bench, flows[i][0]);
	bench_look_end(bench);
	assert_int_equal(bench_used(bench, EDM), 16);
	assert_non_null(take(bench, (struct ends){ EDM, 17, 4000, 1, 53 }));
	assert_null(take(bench, (struct ends){ EDM, 17, 4000, 2, 53 }));
	bench_look_begin(bench);
	for (i = 0; i < 16; i++)
		end(bench, flows[i][1]);
	bench_look_end(bench);
	bench_look(bench);
	assert_int_equal(bench_used(bench, EDM), 1);	/* which waits for the kernel's word */
}

static void of_one_look_a_newer_flow_counts(void **context)
{
	struct bench *bench = *context;
	struct rw_flow_spec flow = make(bench, (struct ends){ EIM, 1, 4000, 1, 53 });

	bench_look_begin(bench);
	see(bench, flow);
	bench_look_end(bench);
	see(bench, flow);	/* another one, with a higher number */
	bindings_ended(bench->bindings, bench->snapshot, &flow, bench->id - 1, false);
	bench_look(bench);
	bench_look(bench);
	assert_int_equal(bench_used(bench, EIM), 1);
}

static void a_settled_port_without_a_flow_is_freed(void **context)
{
	struct bench *bench = *context;

	make(bench, (struct ends){ EIM, 1, 4000, 1, 53 });	/* the kernel's answer got lost, say */
	assert_int_equal(bench_look(bench), 1);
	make(bench, (struct ends){ EDM, 1, 4000, 1, 53 });
	bench_look(bench);
	assert_int_equal(bench_used(bench, EDM), 0);
}

static void no_look_frees_a_port_that_waits_for_the_kernel(void **context)
{
	struct bench *bench = *context;
	struct lease *lease = take(bench, (struct ends){ EIM, 1, 4000, 1, 53 });
	int i;

	for (i = 0; i < 5; i++)
		assert_int_equal(bench_look(bench), 0);
	bindings_settle(bench->bindings, lease);
	assert_int_equal(bench_look(bench), 1);
}

static void a_look_that_began_before_does_not_count(void **context)
{
	struct bench *bench = *context;

	bench_look_begin(bench);
	make(bench, (struct ends){ EIM, 1, 4000, 1, 53 });
	assert_int_equal(bench_look_end(bench), 0);
	assert_int_equal(bench_look(bench), 1);
}

static void an_incomplete_look_frees_nothing(void **context)
{
	struct bench *bench = *context;
	int i;

	make(bench, (struct ends){ EIM, 1, 4000, 1, 53 });
	for (i = 0; i < 5; i++)
		bench_look_begin(bench);
	assert_int_equal(bench_used(bench, EIM), 1);
}

static void what_is_given_back_is_free_at_once(void **context)
{
	struct bench *bench = *context;
	struct lease *lease = take(bench, (struct ends){ EIM, 1, 4000, 1, 53 });

	rcu_read_lock();
	bindings_give_back(bench->bindings, lease);
	rcu_read_unlock();
	assert_int_equal(bench_used(bench, EIM), 0);
	/* but not what a flow has, too */
	make(bench, (struct ends){ EIM, 1, 4000, 1, 53 });
	lease = take(bench, (struct ends){ EIM, 1, 4000, 1, 53 });
	rcu_read_lock();
	bindings_give_back(bench->bindings, lease);
	rcu_read_unlock();
	assert_int_equal(bench_used(bench, EIM), 1);
}

static void a_flow_that_begins_anew_keeps_its_lease(void **context)
{
	struct bench *bench = *context;
	struct rw_flow_spec flow = make(bench, (struct ends){ EIM, 1, 4000, 1, 53 });
	struct lease *lease;

	bench_look_begin(bench);
	see(bench, flow);
	bench_look_end(bench);
	bench_look_begin(bench);
	end(bench, flow);
	lease = take(bench, (struct ends){ EIM, 1, 4000, 1, 53 });	/* in the middle of the look */
	assert_int_equal(bench_look_end(bench), 0);
	assert_int_equal(lease->key.dport, flow.reply.dport);
	bindings_settle(bench->bindings, lease);
	assert_int_equal(bench_used(bench, EIM), 1);
	bench_look_begin(bench);
	see(bench, flow);
	bench_look_end(bench);
	bench_look(bench);
	assert_int_equal(bench_used(bench, EIM), 1);
}

static void flows_of_others_are_adopted(void **context)
{
	struct bench *bench = *context;
	const struct rw_tuple orig = bench_orig((struct ends){ EIM, 1, 4000, 1, 53 });
	struct rw_flow_spec flow = { .orig = orig, .policy = 1 };

	flow.reply = (struct rw_tuple){ .protocol = IPPROTO_UDP, .src = orig.dst, .sport = 53, .dport = 1007 };
	rw_addr_parse("203.0.113.64", &flow.reply.dst);
	bench_look_begin(bench);
	bindings_list_begin(bench->bindings);
	see(bench, flow);
	bindings_list_end(bench->bindings);
	bench_look_end(bench);
	assert_int_equal(bench_used(bench, EIM), 1);
	/* The endpoint's mapping is known again, as after a restart */
	assert_int_equal(make(bench, (struct ends){ EIM, 1, 4000, 2, 53 }).reply.dport, 1007);
	bench_look(bench);
	bench_look_begin(bench);
	bindings_list_begin(bench->bindings);
	bindings_list_end(bench->bindings);
	assert_int_equal(bench_look_end(bench), 1);
}

/*
 * The flows of addresses that are new are looked at before the kernel is asked for what a
 * configuration needs, which it may refuse.
 */
static void what_a_refused_configuration_found_is_known_to_the_next(void **context)
{
	static const char text[] = "{\"pools\":[{\"name\":\"new\",\"vni\":0,\"addresses\":\"203.0.113.80\","
		"\"ports\":\"1000-1001\"}],\"services\":[{\"name\":\"s\",\"id\":1,\"vni\":10,\"source\":{\"pool\":\"new\"}}]}";
	const struct ends ends = { 0, 1, 4000, 1, 53 };
	struct rw_flow_spec flow = { .orig = bench_orig(ends), .policy = 1 };
	struct bench *bench = *context;
	struct snapshot *first = bench->snapshot;
	struct error error;
	int i;

	rw_tuple_inverse(&flow.orig, &flow.reply);
	flow.reply.vni = 0;
	rw_addr_parse("203.0.113.80", &flow.reply.dst);
	flow.reply.dport = 1000;
	for (i = 0; i < 2; i++) {
		if (i)
			snapshot_free(bench->snapshot);
		bench->snapshot = config_parse(text, first, &error);
		assert_non_null(bench->snapshot);
		bench_look_begin(bench);
		see(bench, flow);
		bench_look_end(bench);
	}
	assert_int_equal(bench_used(bench, 0), 1);
	assert_int_equal(make(bench, (struct ends){ 0, 2, 4000, 1, 53 }).reply.dport, 1001);
	assert_null(take(bench, (struct ends){ 0, 3, 4000, 1, 54 }));
	snapshot_free(first);
}

static void what_may_come_back_keeps_its_port(void **context)
{
	struct bench *bench = *context;
	struct rw_flow_spec flow = make(bench, (struct ends){ EIM, 1, 4000, 1, 53 });

	bench_look_begin(bench);
	see(bench, flow);
	bench_look_end(bench);
	bench_look_begin(bench);
	bindings_ended(bench->bindings, bench->snapshot, &flow, bench->id, true);
	bench_look_end(bench);
	bench_look(bench);
	assert_int_equal(bench_used(bench, EIM), 1);
	bindings_remember(bench->bindings, bench->snapshot, &flow, false);
	assert_int_equal(bench_look(bench), 1);
}

static void a_lost_module_loses_its_flows(void **context)
{
	struct bench *bench = *context;
	struct rw_flow_spec flow = make(bench, (struct ends){ EIM, 1, 4000, 1, 53 });

	bench->id = 100;
	bench_look_begin(bench);
	see(bench, flow);
	bench_look_end(bench);
	bindings_lost(bench->bindings);
	bench->id = 0;		/* numbers begin anew */
	bench_look_begin(bench);
	see(bench, flow);
	bench_look_end(bench);
	assert_int_equal(bench_used(bench, EIM), 1);
	bench_look_begin(bench);
	end(bench, flow);
	assert_int_equal(bench_look_end(bench), 1);
}

/* A far end that has a flow with the endpoint's port already, of another flow. */
static void a_far_end_in_use_leads_to_another_port(void **context)
{
	struct bench *bench = *context;
	struct ends ends = { EIM, 1, 4000, 1, 53 };
	uint16_t port = make(bench, ends).reply.dport;
	struct lease *lease;

	rcu_read_lock();
	lease = bench_take(bench, ends, &bench->random, true);
	rcu_read_unlock();
	assert_non_null(lease);
	assert_int_not_equal(lease->key.dport, port);
	/* which is this flow's alone */
	ends.remote = 2;
	assert_int_equal(make(bench, ends).reply.dport, port);
}

/* As when two services send a client's port to one backend. */
static void two_flows_to_one_far_end_have_two_ports(void **context)
{
	struct bench *bench = *context;
	const struct pool *pool = &bench->snapshot->pools[EIM];
	struct rw_tuple one = bench_orig((struct ends){ EIM, 1, 4000, 1, 53 });
	struct rw_tuple two = bench_orig((struct ends){ EIM, 1, 4000, 2, 53 });
	const struct rw_tuple far = { .protocol = IPPROTO_UDP, .src = one.dst, .sport = 53 };
	bool limited = false;
	struct wish wish = { .snapshot = bench->snapshot, .pool = pool, .flow = &one, .far = &far,
			     .policy = 1, .random = &bench->random, .limited = &limited };
	struct lease *first, *second;

	rcu_read_lock();
	first = bindings_take(bench->bindings, &wish, pool->addresses[IPV4][0], pool->ports, NULL);
	wish.flow = &two;
	assert_null(bindings_reuse(bench->bindings, &wish));
	second = bindings_take(bench->bindings, &wish, pool->addresses[IPV4][0], pool->ports, NULL);
	rcu_read_unlock();
	assert_non_null(first);
	assert_non_null(second);
	assert_int_not_equal(first->key.dport, second->key.dport);
}

static void what_is_taken_and_settled_during_a_look_outlives_it(void **context)
{
	struct bench *bench = *context;
	struct rw_flow_spec flow = make(bench, (struct ends){ EIM, 1, 4000, 1, 53 });

	bench_look_begin(bench);
	see(bench, flow);
	bench_look_end(bench);
	bench_look_begin(bench);
	end(bench, flow);
	make(bench, (struct ends){ EIM, 1, 4000, 1, 53 });
	assert_int_equal(bench_look_end(bench), 0);
	assert_int_equal(bench_used(bench, EIM), 1);
	bench_look_begin(bench);
	see(bench, flow);
	bench_look_end(bench);
	bench_look(bench);
	assert_int_equal(bench_used(bench, EIM), 1);
}

static enum entrance enter(struct bench *bench, const struct rw_flow_spec *flow, int remote, int sport)
{
	const struct span *span = snapshot_span(bench->snapshot, 0, &flow->reply.dst, flow->reply.dport);
	struct rw_tuple packet = flow->reply;
	struct arrival arrival;
	enum entrance entrance;

	packet.src.bytes[3] = remote;
	packet.sport = sport;
	rcu_read_lock();
	entrance = bindings_enter(bench->bindings, span, &packet, &arrival);
	if (entrance == ENTRANCE_OPEN) {
		assert_memory_equal(&arrival.flow.src, &flow->orig.src, sizeof(arrival.flow.src));
		assert_int_equal(arrival.flow.sport, flow->orig.sport);
		assert_int_equal(arrival.flow.vni, flow->orig.vni);
		assert_int_equal(arrival.policy, flow->policy);
		bindings_give_back(bench->bindings, arrival.lease);
	}
	rcu_read_unlock();
	return entrance;
}

/* RFC 4787 REQ-8 */
static void filtering_lets_in_whom_it_should(void **context)
{
	struct bench *bench = *context;
	struct rw_flow_spec eim = make(bench, (struct ends){ EIM, 1, 4000, 1, 53 });
	struct rw_flow_spec adf = make(bench, (struct ends){ ADF, 1, 4000, 1, 53 });
	struct rw_flow_spec eif = make(bench, (struct ends){ EIF, 1, 4000, 1, 53 });
	struct rw_flow_spec edm = make(bench, (struct ends){ EDM, 1, 4000, 1, 53 });

	assert_int_equal(enter(bench, &eim, 1, 53), ENTRANCE_OPEN);
	assert_int_equal(enter(bench, &eim, 1, 54), ENTRANCE_CLOSED);
	assert_int_equal(enter(bench, &eim, 2, 53), ENTRANCE_CLOSED);
	assert_int_equal(enter(bench, &adf, 1, 53), ENTRANCE_OPEN);
	assert_int_equal(enter(bench, &adf, 1, 54), ENTRANCE_OPEN);
	assert_int_equal(enter(bench, &adf, 2, 53), ENTRANCE_CLOSED);
	assert_int_equal(enter(bench, &eif, 1, 53), ENTRANCE_OPEN);
	assert_int_equal(enter(bench, &eif, 1, 54), ENTRANCE_OPEN);
	assert_int_equal(enter(bench, &eif, 2, 53), ENTRANCE_OPEN);
	assert_int_equal(enter(bench, &edm, 1, 53), ENTRANCE_NONE);
	eif.reply.dport ^= 1;
	assert_int_equal(enter(bench, &eif, 1, 53), ENTRANCE_NONE);
}

static void an_address_is_let_in_while_it_is_spoken_to(void **context)
{
	struct bench *bench = *context;
	struct rw_flow_spec one = make(bench, (struct ends){ ADF, 1, 4000, 1, 53 });
	struct rw_flow_spec two = make(bench, (struct ends){ ADF, 1, 4000, 2, 53 });

	bench_look_begin(bench);
	see(bench, one);
	see(bench, two);
	bench_look_end(bench);
	bench_look_begin(bench);
	end(bench, one);
	bench_look_end(bench);
	bench_look(bench);
	assert_int_equal(enter(bench, &one, 1, 60), ENTRANCE_CLOSED);
	assert_int_equal(enter(bench, &one, 2, 60), ENTRANCE_OPEN);
	bench_look_begin(bench);
	end(bench, two);
	bench_look_end(bench);
	bench_look(bench);
	bench_look(bench);
	assert_int_equal(bench_used(bench, ADF), 0);
	assert_int_equal(enter(bench, &one, 2, 60), ENTRANCE_NONE);
}

/* RFC 4787: a late packet shall not meet a stranger. */
static void a_port_rests_before_it_serves_again(void **context)
{
	struct bench *bench = *context;
	struct ends ends = { REST, 1, 4000, 1, 53 };
	struct rw_flow_spec flow = make(bench, ends);

	bench_look_begin(bench);
	see(bench, flow);
	bench_look_end(bench);
	bench_look_begin(bench);
	end(bench, flow);
	assert_int_equal(bench_look_end(bench), 0);
	assert_int_equal(bench_used(bench, REST), 1);
	bench->now += 20000;
	assert_int_equal(bench_look(bench), 0);
	/* The endpoint itself may have it again, and then it rests anew */
	assert_int_equal(make(bench, ends).reply.dport, flow.reply.dport);
	bench_look_begin(bench);
	see(bench, flow);
	bench_look_end(bench);
	bench_look_begin(bench);
	end(bench, flow);
	bench_look_end(bench);
	bench->now += 20000;
	assert_int_equal(bench_look(bench), 0);
	bench->now += 20000;
	assert_int_equal(bench_look(bench), 1);
	assert_int_equal(bench_used(bench, REST), 0);
}

static void with_dependent_mapping_each_far_end_rests(void **context)
{
	struct bench *bench = *context;
	struct rw_flow_spec one = make(bench, (struct ends){ REST_EDM, 1, 4000, 1, 53 });
	struct rw_flow_spec two = make(bench, (struct ends){ REST_EDM, 2, 4000, 1, 53 });

	bench_look_begin(bench);
	see(bench, one);
	see(bench, two);
	bench_look_end(bench);
	bench_look_begin(bench);
	end(bench, one);
	end(bench, two);
	bench_look_end(bench);
	bench_look(bench);
	assert_null(take(bench, (struct ends){ REST_EDM, 3, 4000, 1, 53 }));
	assert_non_null(take(bench, (struct ends){ REST_EDM, 3, 4000, 2, 53 }));
	bench->now += 40000;
	bench_look(bench);
	bench_look(bench);
	assert_non_null(take(bench, (struct ends){ REST_EDM, 3, 4000, 1, 53 }));
}

/* RFC 4787 REQ-4 */
static void parity_is_kept_as_long_as_it_can_be(void **context)
{
	struct bench *bench = *context;

	assert_int_equal(make(bench, (struct ends){ EVEN, 1, 4000, 1, 53 }).reply.dport % 2, 0);
	assert_int_equal(make(bench, (struct ends){ EVEN, 1, 4002, 1, 53 }).reply.dport % 2, 0);
	assert_int_equal(make(bench, (struct ends){ EVEN, 1, 4004, 1, 53 }).reply.dport % 2, 1);
	assert_int_equal(make(bench, (struct ends){ EVEN, 1, 4001, 1, 53 }).reply.dport % 2, 1);
}

static void a_port_is_preserved_unless_it_is_taken(void **context)
{
	struct bench *bench = *context;

	assert_int_equal(make(bench, (struct ends){ SAME, 1, 4000, 1, 53 }).reply.dport, 4000);
	assert_int_not_equal(make(bench, (struct ends){ SAME, 2, 4000, 1, 53 }).reply.dport, 4000);
	assert_int_not_equal(make(bench, (struct ends){ SAME, 2, 80, 1, 53 }).reply.dport, 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_endpoint_keeps_its_port_for_all_far_ends),
		TEST(a_port_serves_one_endpoint),
		TEST(with_dependent_mapping_a_port_serves_many_far_ends),
		TEST(the_end_of_its_last_flow_frees_a_port),
		TEST(with_dependent_mapping_too),
		TEST(of_one_look_a_newer_flow_counts),
		TEST(a_settled_port_without_a_flow_is_freed),
		TEST(no_look_frees_a_port_that_waits_for_the_kernel),
		TEST(a_look_that_began_before_does_not_count),
		TEST(an_incomplete_look_frees_nothing),
		TEST(what_is_given_back_is_free_at_once),
		TEST(a_flow_that_begins_anew_keeps_its_lease),
		TEST(flows_of_others_are_adopted),
		TEST(what_a_refused_configuration_found_is_known_to_the_next),
		TEST(what_may_come_back_keeps_its_port),
		TEST(a_lost_module_loses_its_flows),
		TEST(a_far_end_in_use_leads_to_another_port),
		TEST(two_flows_to_one_far_end_have_two_ports),
		TEST(what_is_taken_and_settled_during_a_look_outlives_it),
		TEST(filtering_lets_in_whom_it_should),
		TEST(an_address_is_let_in_while_it_is_spoken_to),
		TEST(a_port_rests_before_it_serves_again),
		TEST(with_dependent_mapping_each_far_end_rests),
		TEST(parity_is_kept_as_long_as_it_can_be),
		TEST(a_port_is_preserved_unless_it_is_taken),
	};

	rcu_register_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

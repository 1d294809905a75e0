// SPDX-License-Identifier: GPL-2.0
/* Which punts are answered by what was decided before. */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "address.h"
#include "config.h"
#include "binding.h"
#include "recall.h"
#include "rules.h"

#define TEXT(pool, state) "{\"pools\":[{\"name\":\"out\",\"vni\":0,\"addresses\":[\"" pool "\"]}]," \
	"\"services\":[" \
	"{\"name\":\"nat\",\"id\":1,\"vni\":10,\"source\":{\"pool\":\"out\"}}," \
	"{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dst\":\"203.0.113.10\",\"dport\":80," \
	"\"destination\":{\"scheduler\":\"round-robin\"},\"backends\":[" \
	"{\"name\":\"b1\",\"id\":11,\"vni\":20,\"addresses\":[\"10.1.0.11\"],\"state\":\"" state "\"}," \
	"{\"name\":\"b2\",\"id\":12,\"vni\":20,\"addresses\":[\"10.1.0.12\"]}]}]}"

struct bench {
	struct snapshot *snapshot;
	struct memory *memory;
	struct decider decider;
	struct rw_punt punt;
	struct decision first, decision;
	uint8_t header[64];
};

static struct snapshot *parse(const char *text)
{
	struct error error;
	struct snapshot *snapshot = config_parse(text, NULL, &error);

	if (!snapshot)
		fail_msg("%s", error.text);
	return snapshot;
}

static int set_up(void **context)
{
	struct bench *bench = test_calloc(1, sizeof(*bench));

	bench->snapshot = parse(TEXT("203.0.113.64", "active"));
	bench->memory = memory_new(100);
	bench->decider.bindings = bindings_new();
	random_seed(&bench->decider.random);
	bench->decider.metadata = metadata_new();
	*context = bench;
	return 0;
}

static int tear_down(void **context)
{
	struct bench *bench = *context;

	memory_free(bench->memory);
	bindings_free(bench->decider.bindings);
	snapshot_free(bench->snapshot);
	metadata_free(bench->decider.metadata);
	test_free(bench);
	return 0;
}

/* A packet of TCP with these flags. */
static void make_punt(struct bench *bench, uint32_t policy, struct rw_tuple tuple, uint8_t flags)
{
	bool v6 = tuple.dst.family == AF_INET6;

	memset(bench->header, 0, sizeof(bench->header));
	bench->header[0] = v6 ? 0x60 : 0x46;		/* one word of options */
	bench->header[6] = v6 ? tuple.protocol : 0;
	bench->header[(v6 ? 40 : 24) + 13] = flags;
	bench->punt = (struct rw_punt){
		.id = 77, .policy = policy, .tuple = tuple, .ifindex = 4,
		.header = bench->header, .header_len = sizeof(bench->header),
	};
}

static struct rw_tuple tuple(uint32_t vni, const char *src, uint16_t sport, const char *dst,
			     uint16_t dport)
{
	struct rw_tuple made = { .vni = vni, .protocol = IPPROTO_TCP, .sport = sport, .dport = dport };

	assert_null(rw_addr_parse(src, &made.src));
	assert_null(rw_addr_parse(dst, &made.dst));
	return made;
}

/* A flow is decided, and the kernel takes it. */
static void begin(struct bench *bench, uint32_t policy, struct rw_tuple tuple)
{
	make_punt(bench, policy, tuple, 0x02);
	assert_false(recall(&bench->decider, bench->memory, bench->snapshot, &bench->punt,
			    &bench->decision));
	decide(&bench->decider, bench->snapshot, &bench->punt, 0, &bench->first);
	assert_int_equal(bench->first.outcome, OUTCOME_FLOW);
	rcu_read_lock();
	memory_confirm(bench->memory, memory_note(bench->memory, &bench->first.verdict.flow));
	rcu_read_unlock();
}

static bool ask(struct bench *bench)
{
	bool recalled;

	rcu_read_lock();
	recalled = recall(&bench->decider, bench->memory, bench->snapshot, &bench->punt,
			  &bench->decision);
	rcu_read_unlock();
	return recalled;
}

static void both_ends_get_the_same_again(void **context)
{
	struct bench *bench = *context;

	begin(bench, 1, tuple(10, "10.0.0.5", 4000, "192.0.2.1", 443));
	make_punt(bench, 1, bench->first.verdict.flow.orig, 0x10);
	assert_true(ask(bench));
	assert_true(bench->decision.recalled);
	assert_int_equal(bench->decision.verdict.punt_id, 77);
	assert_memory_equal(&bench->decision.verdict.flow.reply, &bench->first.verdict.flow.reply,
			    sizeof(struct rw_tuple));
	assert_int_equal(bench->decision.verdict.flow.decision, 1);
	assert_int_equal(bench->decision.lease_count, 0);
	memory_confirm(bench->memory, bench->decision.record);
	make_punt(bench, 99, bench->first.verdict.flow.reply, 0x12);
	assert_true(ask(bench));
	assert_memory_equal(&bench->decision.verdict.flow.orig, &bench->first.verdict.flow.orig,
			    sizeof(struct rw_tuple));
}

static void devices_are_those_of_the_packet(void **context)
{
	struct bench *bench = *context;
	struct rw_flow flow;

	begin(bench, 1, tuple(10, "10.0.0.5", 4000, "192.0.2.1", 443));
	flow = (struct rw_flow){ .id = 1, .spec = bench->first.verdict.flow, .expires = 1000 };
	flow.spec.orig_ifindex = 7;
	memory_seen(bench->memory, &flow, 0);
	make_punt(bench, 1, flow.spec.orig, 0x10);
	assert_true(ask(bench));
	assert_int_equal(bench->decision.verdict.flow.orig_ifindex, 0);
	memory_confirm(bench->memory, bench->decision.record);
	make_punt(bench, 1, flow.spec.reply, 0x10);
	assert_true(ask(bench));
	assert_int_equal(bench->decision.verdict.flow.orig_ifindex, 7);
}

static void what_begins_anew_is_decided_anew(void **context)
{
	struct bench *bench = *context;
	struct rw_tuple orig = tuple(10, "10.0.0.5", 4000, "192.0.2.1", 443);

	begin(bench, 1, orig);
	make_punt(bench, 1, orig, 0x02);
	assert_false(ask(bench));		/* SYN */
	make_punt(bench, 1, orig, 0xc2);
	assert_false(ask(bench));		/* and with ECN */
	make_punt(bench, 1, orig, 0x10);
	bench->punt.reason = REWIRE_PUNT_REASON_TARGET_DOWN;
	assert_false(ask(bench));
	bench->punt.reason = REWIRE_PUNT_REASON_EXPIRED;
	assert_false(ask(bench));
	make_punt(bench, 1, orig, 0x10);
	bench->punt.header_len = 20;		/* a header cut short says nothing */
	assert_true(ask(bench));
}

static void ipv6_is_looked_into(void **context)
{
	struct bench *bench = *context;
	struct rw_tuple orig = tuple(10, "fd00::5", 4000, "2001:db8::1", 443);
	struct rw_flow_spec flow = { .orig = orig, .reply = tuple(0, "2001:db8::1", 443, "2001:db8:f::64", 5000),
				     .policy = 2, .decision = 1 };

	flow.orig.vni = orig.vni = 0;
	rcu_read_lock();
	memory_confirm(bench->memory, memory_note(bench->memory, &flow));
	rcu_read_unlock();
	make_punt(bench, 2, orig, 0x02);
	assert_false(ask(bench));
	make_punt(bench, 2, orig, 0x10);
	assert_true(ask(bench));
}

static void the_configuration_has_the_last_word(void **context)
{
	struct bench *bench = *context;

	begin(bench, 2, tuple(0, "198.51.100.9", 7, "203.0.113.10", 80));
	if (bench->first.verdict.flow.target != 11)
		begin(bench, 2, tuple(0, "198.51.100.9", 8, "203.0.113.10", 80));
	assert_int_equal(bench->first.verdict.flow.target, 11);
	make_punt(bench, 2, bench->first.verdict.flow.orig, 0x10);
	snapshot_free(bench->snapshot);
	bench->snapshot = parse(TEXT("203.0.113.64", "draining"));
	assert_true(ask(bench));		/* it keeps its flows */
	assert_int_equal(load_total(snapshot_backend(bench->snapshot, 11)->load), 1);
	memory_confirm(bench->memory, bench->decision.record);
	snapshot_free(bench->snapshot);
	bench->snapshot = parse(TEXT("203.0.113.64", "down"));
	assert_false(ask(bench));
	begin(bench, 1, tuple(10, "10.0.0.5", 4000, "192.0.2.1", 443));
	make_punt(bench, 1, bench->first.verdict.flow.orig, 0x10);
	snapshot_free(bench->snapshot);
	bench->snapshot = parse(TEXT("203.0.113.65", "down"));
	assert_false(ask(bench));		/* the address is not the pool's any more */
}

/* The kernel would not take it. */
static void networks_that_are_not_named_are_left_alone(void **context)
{
	struct bench *bench = *context;
	char text[] = TEXT("203.0.113.64", "active"), *vni;

	begin(bench, 2, tuple(0, "198.51.100.9", 7, "203.0.113.10", 80));
	assert_int_equal(bench->first.verdict.flow.reply.vni, 20);
	while ((vni = strstr(text, "\"vni\":20")))
		vni[6] = '3';
	make_punt(bench, 2, bench->first.verdict.flow.orig, 0x10);
	snapshot_free(bench->snapshot);
	bench->snapshot = parse(text);
	assert_false(networks_named(bench->snapshot, 20));
	assert_true(networks_named(bench->snapshot, 0));
	assert_true(networks_named(bench->snapshot, 10));
	assert_true(networks_named(bench->snapshot, 30));
	assert_int_equal(bench->snapshot->vnis.count, 3);
	assert_false(ask(bench));
}

/* Guests of network 10 and of network 0 itself, whose ports others get in by. */
#define OPEN(address, ports, filtering, more) "{\"pools\":[{\"name\":\"open\",\"vni\":0," \
	"\"addresses\":[\"" address "\"],\"ports\":\"" ports "\",\"filtering\":\"" filtering "\"}]," \
	"\"services\":[{\"name\":\"nat\",\"id\":1,\"vni\":10,\"source\":{\"pool\":\"open\"}" more "}," \
	"{\"name\":\"own\",\"id\":2,\"vni\":0,\"src\":\"10.0.0.0/24\",\"source\":{\"pool\":\"open\"}}]}"

static void configure(struct bench *bench, const char *text)
{
	struct error error;
	struct snapshot *old = bench->snapshot;

	bench->snapshot = config_parse(text, old, &error);
	if (!bench->snapshot)
		fail_msg("%s", error.text);
	snapshot_free(old);
}

/* A guest speaks to the far end, which another port of that answers: a flow from outside. */
static void let_in(struct bench *bench, uint32_t service)
{
	struct rw_tuple packet;

	rcu_read_lock();
	begin(bench, service, tuple(service == 1 ? 10 : 0, "10.0.0.5", 4000, "192.0.2.1", 443));
	packet = bench->first.verdict.flow.reply;
	packet.src = bench->first.verdict.flow.orig.dst;
	packet.sport = 444;
	begin(bench, RULES_POOL_POLICY, packet);
	rcu_read_unlock();
	assert_int_equal(bench->first.verdict.flow.policy, service);
	assert_int_equal(bench->first.verdict.flow.reply.sport, 4000);
}

static void assert_recalled(struct bench *bench, uint32_t policy, struct rw_tuple packet)
{
	make_punt(bench, policy, packet, 0x10);
	assert_true(ask(bench));
	assert_memory_equal(&bench->decision.verdict.flow.orig, &bench->first.verdict.flow.orig,
			    sizeof(struct rw_tuple));
	assert_memory_equal(&bench->decision.verdict.flow.reply, &bench->first.verdict.flow.reply,
			    sizeof(struct rw_tuple));
	memory_confirm(bench->memory, bench->decision.record);
}

static void assert_both_ends_go_on(struct bench *bench)
{
	assert_recalled(bench, RULES_POOL_POLICY, bench->first.verdict.flow.orig);
	assert_recalled(bench, bench->first.verdict.flow.policy, bench->first.verdict.flow.reply);
	assert_recalled(bench, RULES_GUARD_POLICY, bench->first.verdict.flow.reply);
}

static void what_came_in_from_outside_goes_on(void **context)
{
	static const char *const texts[] = {
		OPEN("203.0.113.64", "1024-65535", "endpoint-independent", ""),
		OPEN("203.0.113.64", "1024-65535", "address-dependent", ""),
	};
	struct bench *bench = *context;
	unsigned int i, service;

	for (i = 0; i < 2; i++)
		for (service = 1; service <= 2; service++) {
			memory_free(bench->memory);
			bench->memory = memory_new(100);
			configure(bench, texts[i]);
			let_in(bench, service);
			assert_both_ends_go_on(bench);
		}
	/* Who is let in now is asked of those who come */
	configure(bench, OPEN("203.0.113.64", "1024-65535", "address-and-port-dependent", ""));
	assert_both_ends_go_on(bench);
}

static void where_all_guests_go_does_not_matter_to_who_comes_in(void **context)
{
	struct bench *bench = *context;

	configure(bench, OPEN("203.0.113.64", "1024-65535", "endpoint-independent",
			      ",\"destination\":{\"vni\":0,\"addresses\":[\"192.0.2.9\"]}"));
	let_in(bench, 1);
	assert_both_ends_go_on(bench);
}

static void what_came_in_needs_the_port_and_the_guest_still(void **context)
{
	static const char *const others[] = {
		OPEN("203.0.113.65", "1024-65535", "endpoint-independent", ""),
		OPEN("203.0.113.64", "1-1023", "endpoint-independent", ""),
		"{\"services\":[{\"name\":\"nat\",\"id\":1,\"vni\":10,\"src\":\"10.0.0.0/24\","
		"\"source\":{\"vni\":0,\"addresses\":[\"203.0.113.64\"]}}]}",
		"{\"pools\":[{\"name\":\"open\",\"vni\":0,\"addresses\":[\"203.0.113.64\"]}],"
		"\"services\":[{\"name\":\"nat\",\"id\":1,\"vni\":11,\"source\":{\"pool\":\"open\"}},"
		"{\"name\":\"fixed\",\"id\":3,\"vni\":10,\"source\":{\"vni\":0,\"addresses\":[\"203.0.113.99\"]}}]}",
		"{\"pools\":[{\"name\":\"open\",\"vni\":4,\"addresses\":[\"203.0.113.64\"]}],"
		"\"services\":[{\"name\":\"nat\",\"id\":1,\"vni\":10,\"source\":{\"pool\":\"open\"}}]}",
	};
	struct bench *bench = *context;
	unsigned int i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		configure(bench, OPEN("203.0.113.64", "1024-65535", "endpoint-independent", ""));
		let_in(bench, 1);
		configure(bench, others[i]);
		make_punt(bench, 1, bench->first.verdict.flow.reply, 0x10);
		assert_false(ask(bench));
	}
}

/* Guests of one network that reach each other by the pool, of which one's address is gone. */
static void what_was_turned_around_needs_both_ports(void **context)
{
	struct bench *bench = *context;
	struct rw_flow_spec flow = {
		.orig = tuple(0, "10.0.0.5", 4000, "203.0.113.64", 2000),
		.reply = tuple(0, "10.0.0.6", 5000, "203.0.113.65", 3000),
		.policy = 2, .decision = 1,
	};

	rcu_read_lock();
	memory_confirm(bench->memory, memory_note(bench->memory, &flow));
	rcu_read_unlock();
	configure(bench, OPEN("203.0.113.64/31", "1024-65535", "endpoint-independent", ""));
	make_punt(bench, 2, flow.orig, 0x10);
	assert_true(ask(bench));
	memory_confirm(bench->memory, bench->decision.record);
	configure(bench, OPEN("203.0.113.64", "1024-65535", "endpoint-independent", ""));
	assert_false(ask(bench));
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_ends_get_the_same_again),
		TEST(devices_are_those_of_the_packet),
		TEST(what_begins_anew_is_decided_anew),
		TEST(ipv6_is_looked_into),
		TEST(the_configuration_has_the_last_word),
		TEST(networks_that_are_not_named_are_left_alone),
		TEST(what_came_in_from_outside_goes_on),
		TEST(where_all_guests_go_does_not_matter_to_who_comes_in),
		TEST(what_came_in_needs_the_port_and_the_guest_still),
		TEST(what_was_turned_around_needs_both_ports),
	};
	int failed;

	rcu_register_thread();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_unregister_thread();
	return failed;
}

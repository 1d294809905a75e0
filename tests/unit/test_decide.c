// SPDX-License-Identifier: GPL-2.0
/* The engine: from punts to verdicts. */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "address.h"
#include "config.h"
#include "decide.h"
#include "binding.h"
#include "rules.h"

static const char text[] = "{\"pools\":["
	"{\"name\":\"out\",\"vni\":0,\"addresses\":[\"203.0.113.64/31\",\"2001:db8:f::64\"],\"ports\":\"1024-65535\"},"
	"{\"name\":\"tiny\",\"vni\":0,\"addresses\":[\"198.51.100.1\",\"198.51.100.2\"],\"ports\":\"500-501\",\"pooling\":\"arbitrary\"},"
	"{\"name\":\"inside\",\"vni\":20,\"addresses\":[\"10.1.0.1\"]}],"
	"\"services\":["
	"{\"name\":\"nat\",\"id\":1,\"vni\":10,\"src\":[\"10.0.0.0/24\",\"fd00:10::/64\"],\"source\":{\"pool\":\"out\"}},"
	"{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dst\":[\"203.0.113.10\",\"2001:db8:f::10\"],\"dport\":80,"
	"\"destination\":{\"scheduler\":\"maglev\"},\"backends\":["
	"{\"name\":\"b1\",\"id\":11,\"vni\":20,\"addresses\":[\"10.1.0.11\",\"fd00:20::11\"],\"port\":8080},"
	"{\"name\":\"b2\",\"id\":12,\"vni\":20,\"addresses\":[\"10.1.0.12\"]},"
	"{\"name\":\"b3\",\"id\":13,\"vni\":20,\"addresses\":[\"10.1.0.13\"],\"state\":\"draining\"},"
	"{\"name\":\"b4\",\"id\":14,\"vni\":20,\"addresses\":[\"10.1.0.14\"],\"state\":\"down\"},"
	"{\"name\":\"b5\",\"id\":15,\"vni\":20,\"addresses\":[\"10.1.0.15\"],\"weight\":0}]},"
	"{\"name\":\"full\",\"id\":3,\"vni\":0,\"dst\":\"203.0.113.11\",\"source\":{\"pool\":\"inside\"},"
	"\"destination\":{\"scheduler\":\"round-robin\"},\"backends\":["
	"{\"name\":\"c1\",\"id\":21,\"vni\":20,\"addresses\":[\"10.1.0.21\"],\"port\":443},"
	"{\"name\":\"c2\",\"id\":22,\"vni\":20,\"addresses\":[\"10.1.0.22\"],\"port\":443}]},"
	"{\"name\":\"dead\",\"id\":4,\"vni\":0,\"dst\":\"203.0.113.12\",\"destination\":{},\"backends\":["
	"{\"name\":\"d1\",\"id\":31,\"vni\":20,\"addresses\":[\"10.1.0.31\"],\"state\":\"down\"}]},"
	"{\"name\":\"small\",\"id\":5,\"vni\":30,\"source\":{\"pool\":\"tiny\"}}]}";

struct bench {
	struct snapshot *snapshot;
	struct decider decider;
	struct decision decision;
	struct rw_punt punt;
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
	metadata_raise(bench->decider.metadata, 1000);
	bench->decider.bindings = bindings_new();
	*context = bench;
	return 0;
}

static int tear_down(void **context)
{
	struct bench *bench = *context;

	bindings_free(bench->decider.bindings);
	snapshot_free(bench->snapshot);
	metadata_free(bench->decider.metadata);
	test_free(bench);
	return 0;
}

static struct rw_tuple tuple(uint32_t vni, uint8_t protocol, const char *src, uint16_t sport,
			     const char *dst, uint16_t dport)
{
	struct rw_tuple made = { .vni = vni, .protocol = protocol, .sport = sport, .dport = dport };

	assert_null(rw_addr_parse(src, &made.src));
	assert_null(rw_addr_parse(dst, &made.dst));
	return made;
}

static enum outcome ask(struct bench *bench, uint32_t policy, struct rw_tuple orig)
{
	bench->punt = (struct rw_punt){ .id = 77, .policy = policy, .tuple = orig };
	decide(&bench->decider, bench->snapshot, &bench->punt, 0, &bench->decision);
	assert_int_equal(bench->decision.verdict.punt_id, 77);
	assert_memory_equal(&bench->decision.verdict.flow.orig, &orig, sizeof(orig));
	if (bench->decision.outcome == OUTCOME_FLOW) {
		assert_int_equal(bench->decision.verdict.action, REWIRE_VERDICT_ACTION_FLOW);
		assert_int_equal(bench->decision.verdict.flow.policy, policy);
	} else {
		assert_int_equal(bench->decision.verdict.action, REWIRE_VERDICT_ACTION_DROP);
		assert_int_equal(bench->decision.verdict.lifetime, DECIDE_DROP_LIFETIME);
		assert_int_equal(bench->decision.lease_count, 0);
	}
	return bench->decision.outcome;
}

static const struct range all = { 1, 65535 };

/* The port that the decision took, and of which address. */
static uint16_t port_of(const struct bench *bench)
{
	assert_int_equal(bench->decision.lease_count, 1);
	return bench->decision.leases[0]->key.dport;
}

static struct ports *pool_ports(const struct bench *bench)
{
	assert_int_equal(bench->decision.lease_count, 1);
	return bench->decision.leases[0]->binding->ports;
}

static void assert_reply(struct bench *bench, struct rw_tuple wanted)
{
	assert_memory_equal(&bench->decision.verdict.flow.reply, &wanted, sizeof(wanted));
}

static void nat_takes_a_port_of_the_pool(void **context)
{
	struct bench *bench = *context;
	const struct rw_tuple *reply = &bench->decision.verdict.flow.reply;
	char address[RW_ADDR_TEXT];

	assert_int_equal(ask(bench, 1, tuple(10, IPPROTO_TCP, "10.0.0.5", 4000, "192.0.2.1", 443)),
			 OUTCOME_FLOW);
	assert_in_range(reply->dport, 1024, 65535);
	rw_addr_print(address, &reply->dst);
	assert_true(!strcmp(address, "203.0.113.64") || !strcmp(address, "203.0.113.65"));
	assert_reply(bench, tuple(0, IPPROTO_TCP, "192.0.2.1", 443, address, reply->dport));
	assert_int_equal(port_of(bench), reply->dport);
	assert_int_equal(ports_used(pool_ports(bench), IPPROTO_TCP, all), 1);
	assert_int_equal(bench->decision.verdict.flow.target, 0);
}

/* S3.4 */
static void a_decision_counts_before_its_verdict_is_sent(void **context)
{
	struct bench *bench = *context;
	struct load *load;

	assert_int_equal(ask(bench, 2, tuple(0, IPPROTO_TCP, "192.0.2.1", 4000, "203.0.113.10", 80)),
			 OUTCOME_FLOW);
	load = snapshot_backend(bench->snapshot, bench->decision.verdict.flow.target)->load;
	assert_int_equal(load_total(load), 1);
	assert_int_equal(load->recent[metadata_place(bench->decider.metadata)], 1);
	assert_int_equal(bench->decision.verdict.flow.decision, 1001);
	assert_int_equal(metadata_number(bench->decider.metadata), 1001);
}

/* S3.11 */
static void too_little_is_known_to_take_a_port(void **context)
{
	struct bench *bench = *context;

	bench->decider.stale = true;
	assert_int_equal(ask(bench, 1, tuple(10, IPPROTO_TCP, "10.0.0.5", 4000, "192.0.2.1", 443)),
			 OUTCOME_STALE);
	assert_int_equal(ask(bench, 2, tuple(0, IPPROTO_TCP, "192.0.2.1", 4000, "203.0.113.10", 80)),
			 OUTCOME_FLOW);
	bench->decider.stale = false;
	assert_int_equal(ask(bench, 1, tuple(10, IPPROTO_TCP, "10.0.0.5", 4000, "192.0.2.1", 443)),
			 OUTCOME_FLOW);
}

static void nat_of_ipv6_and_udp(void **context)
{
	struct bench *bench = *context;
	uint16_t port;

	assert_int_equal(ask(bench, 1, tuple(10, IPPROTO_UDP, "fd00:10::5", 4000, "2001:db8::1", 53)),
			 OUTCOME_FLOW);
	port = port_of(bench);
	assert_reply(bench, tuple(0, IPPROTO_UDP, "2001:db8::1", 53, "2001:db8:f::64", port));
}

/* S4.10: the public address of a service is met where it would come back. */
static void nat_to_a_service_turns_around(void **context)
{
	struct bench *bench = *context;
	const struct rw_flow_spec *flow = &bench->decision.verdict.flow;

	assert_int_equal(ask(bench, 1, tuple(10, IPPROTO_TCP, "fd00:10::5", 4000, "2001:db8:f::10", 80)),
			 OUTCOME_FLOW);
	assert_reply(bench, tuple(20, IPPROTO_TCP, "fd00:20::11", 8080, "2001:db8:f::64",
				  port_of(bench)));
	assert_int_equal(flow->target, 11);
	assert_int_equal(flow->policy, 1);
	/* Another port is no service. */
	assert_int_equal(ask(bench, 1, tuple(10, IPPROTO_TCP, "fd00:10::5", 4000, "2001:db8:f::10", 81)),
			 OUTCOME_FLOW);
	assert_int_equal(flow->reply.vni, 0);
	assert_int_equal(flow->target, 0);
	/* One without a backend takes no port. */
	assert_int_equal(ask(bench, 1, tuple(10, IPPROTO_TCP, "10.0.0.5", 4000, "203.0.113.12", 80)),
			 OUTCOME_NO_BACKEND);
}

static void an_echo_gets_a_new_identifier(void **context)
{
	struct bench *bench = *context;
	char address[RW_ADDR_TEXT];

	assert_int_equal(ask(bench, 1, tuple(10, IPPROTO_ICMP, "10.0.0.5", 99, "192.0.2.1", 0)),
			 OUTCOME_FLOW);
	rw_addr_print(address, &bench->decision.verdict.flow.reply.dst);
	assert_reply(bench, tuple(0, IPPROTO_ICMP, "192.0.2.1", 0, address, port_of(bench)));
	assert_int_equal(ask(bench, 1, tuple(10, IPPROTO_ICMPV6, "fd00:10::5", 99, "2001:db8::1", 0)),
			 OUTCOME_FLOW);
	assert_reply(bench, tuple(0, IPPROTO_ICMPV6, "2001:db8::1", 0, "2001:db8:f::64",
				  port_of(bench)));
}

static void an_echo_reply_begins_nothing(void **context)
{
	assert_int_equal(ask(*context, 1, tuple(10, IPPROTO_ICMP, "10.0.0.5", 0, "192.0.2.1", 99)),
			 OUTCOME_UNSUPPORTED);
}

static void every_protocol_with_ports_has_ports_of_its_own(void **context)
{
	static const uint8_t protocols[] = { IPPROTO_SCTP, IPPROTO_UDPLITE, IPPROTO_DCCP };
	struct bench *bench = *context;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		assert_int_equal(ask(bench, 1, tuple(10, protocols[i], "10.0.0.5", 4000, "192.0.2.1", 9)),
				 OUTCOME_FLOW);
		assert_int_equal(ports_used(pool_ports(bench), protocols[i], all), 1);
		assert_int_equal(bench->decision.verdict.flow.reply.dport, port_of(bench));
	}
}

/* Each attempt tries another address; the kernel refuses those that are taken. */
static void without_ports_an_address_is_all_there_is(void **context)
{
	struct bench *bench = *context;
	char first[RW_ADDR_TEXT], second[RW_ADDR_TEXT];

	assert_int_equal(ask(bench, 1, tuple(10, IPPROTO_ESP, "10.0.0.5", 0, "192.0.2.1", 0)),
			 OUTCOME_FLOW);
	assert_int_equal(bench->decision.lease_count, 0);
	rw_addr_print(first, &bench->decision.verdict.flow.reply.dst);
	assert_reply(bench, tuple(0, IPPROTO_ESP, "192.0.2.1", 0, first, 0));
	decide(&bench->decider, bench->snapshot, &bench->punt, 1, &bench->decision);
	assert_int_equal(bench->decision.outcome, OUTCOME_FLOW);
	rw_addr_print(second, &bench->decision.verdict.flow.reply.dst);
	assert_string_not_equal(first, second);
	decide(&bench->decider, bench->snapshot, &bench->punt, 2, &bench->decision);
	assert_int_equal(bench->decision.outcome, OUTCOME_EXHAUSTED);
}

static void a_client_keeps_its_public_address(void **context)
{
	struct bench *bench = *context;
	struct ports *first = NULL, *other = NULL;
	char client[RW_ADDR_TEXT];
	int i;

	for (i = 0; i < 200; i++) {
		ask(bench, 1, tuple(10, IPPROTO_UDP, "10.0.0.5", 4000 + i, "192.0.2.1", 53));
		if (!first)
			first = pool_ports(bench);
		assert_ptr_equal(pool_ports(bench), first);
	}
	for (i = 1; i < 100; i++) {
		snprintf(client, sizeof(client), "10.0.0.%d", i);
		ask(bench, 1, tuple(10, IPPROTO_UDP, client, 4000, "192.0.2.2", 53));
		if (pool_ports(bench) != first)
			other = pool_ports(bench);
	}
	assert_non_null(other);		/* but not all clients share one */
}

static void an_exhausted_pool_is_an_outcome(void **context)
{
	struct bench *bench = *context;
	struct lease *lease;
	int i;

	for (i = 0; i < 4; i++)		/* two addresses with two ports each: the next one is used */
		assert_int_equal(ask(bench, 5, tuple(30, IPPROTO_TCP, "10.0.0.5", 1 + i, "192.0.2.1", 80)),
				 OUTCOME_FLOW);
	lease = bench->decision.leases[0];
	assert_int_equal(ask(bench, 5, tuple(30, IPPROTO_TCP, "10.0.0.5", 9, "192.0.2.1", 80)),
			 OUTCOME_EXHAUSTED);
	assert_int_equal(ask(bench, 5, tuple(30, IPPROTO_TCP, "fd00::5", 9, "2001:db8::1", 80)),
			 OUTCOME_EXHAUSTED);	/* no address of this family */
	bindings_give_back(bench->decider.bindings, lease);
	assert_int_equal(ask(bench, 5, tuple(30, IPPROTO_TCP, "10.0.0.5", 9, "192.0.2.1", 80)),
			 OUTCOME_FLOW);
}

static void balancing_keeps_the_client(void **context)
{
	struct bench *bench = *context;
	int i, seen[5] = { 0 };

	for (i = 0; i < 500; i++) {
		assert_int_equal(ask(bench, 2, tuple(0, IPPROTO_TCP, "198.51.100.9", 1000 + i,
						     "203.0.113.10", 80)), OUTCOME_FLOW);
		assert_int_equal(bench->decision.lease_count, 0);
		assert_in_range(bench->decision.verdict.flow.target, 11, 12);
		seen[bench->decision.verdict.flow.target - 11]++;
		if (bench->decision.verdict.flow.target == 11)
			assert_reply(bench, tuple(20, IPPROTO_TCP, "10.1.0.11", 8080,
						  "198.51.100.9", 1000 + i));
		else		/* without a port of its own it gets the flow's */
			assert_reply(bench, tuple(20, IPPROTO_TCP, "10.1.0.12", 80,
						  "198.51.100.9", 1000 + i));
	}
	assert_in_range(seen[0], 180, 320);
	assert_int_equal(seen[0] + seen[1], 500);
}

static void the_same_flow_gets_the_same_backend(void **context)
{
	struct bench *bench = *context;
	struct rw_tuple orig = tuple(0, IPPROTO_TCP, "198.51.100.9", 7, "203.0.113.10", 80);
	uint32_t target, others = 0;
	unsigned int attempt;
	int i;

	ask(bench, 2, orig);
	target = bench->decision.verdict.flow.target;
	for (i = 0; i < 20; i++) {
		ask(bench, 2, orig);
		assert_int_equal(bench->decision.verdict.flow.target, target);
	}
	/* A key in use: another attempt may go elsewhere */
	for (attempt = 1; attempt < 16; attempt++) {
		decide(&bench->decider, bench->snapshot, &bench->punt, attempt, &bench->decision);
		others += bench->decision.verdict.flow.target != target;
	}
	assert_in_range(others, 1, 15);
}

static void balancing_by_family(void **context)
{
	struct bench *bench = *context;
	int i;

	for (i = 0; i < 50; i++) {
		assert_int_equal(ask(bench, 2, tuple(0, IPPROTO_TCP, "2001:db8::9", 1 + i,
						     "2001:db8:f::10", 80)), OUTCOME_FLOW);
		assert_reply(bench, tuple(20, IPPROTO_TCP, "fd00:20::11", 8080, "2001:db8::9", 1 + i));
	}
}

static void balancing_with_a_pool(void **context)
{
	struct bench *bench = *context;

	ask(bench, 3, tuple(0, IPPROTO_TCP, "198.51.100.9", 7, "203.0.113.11", 80));
	assert_int_equal(bench->decision.verdict.flow.target, 21);
	assert_reply(bench, tuple(20, IPPROTO_TCP, "10.1.0.21", 443, "10.1.0.1",
				  port_of(bench)));
	ask(bench, 3, tuple(0, IPPROTO_ICMP, "198.51.100.9", 7, "203.0.113.11", 0));
	assert_int_equal(bench->decision.verdict.flow.target, 22);
	assert_reply(bench, tuple(20, IPPROTO_ICMP, "10.1.0.22", 0, "10.1.0.1",
				  port_of(bench)));
}

static void a_check_has_a_source_of_the_pool(void **context)
{
	struct bench *bench = *context;
	struct service *service = (struct service *)snapshot_service(bench->snapshot, 3);
	struct rw_tuple orig = tuple(40, IPPROTO_TCP, "10.1.0.254", 7, "203.0.113.11", 443);
	const struct rw_flow_spec *flow = &bench->decision.verdict.flow;
	unsigned int i;

	for (i = 0; i < 100; i++) {
		orig.sport = 1000 + i;
		assert_true(decide_probe(&bench->decider, bench->snapshot, service,
					 &service->backends[1], 8443, &orig, &bench->decision));
		assert_reply(bench, tuple(20, IPPROTO_TCP, "10.1.0.22", 8443, "10.1.0.1",
					  flow->reply.dport));
		assert_int_equal(flow->target, 0);
		assert_int_equal(flow->decision, 0);
		assert_int_equal(bench->decision.lease_count, 1);
		bindings_settle(bench->decider.bindings, bench->decision.leases[0]);
	}
}

static void without_an_active_backend_flows_are_dropped(void **context)
{
	struct bench *bench = *context;
	struct rw_tuple orig = tuple(0, IPPROTO_UDP, "198.51.100.9", 7, "203.0.113.12", 80);

	assert_int_equal(ask(bench, 4, orig), OUTCOME_NO_BACKEND);
	assert_int_equal(bench->decision.verdict.reject, REWIRE_REJECT_SILENT);
	((struct service *)snapshot_service(bench->snapshot, 4))->reject = REWIRE_REJECT_RESET;
	assert_int_equal(ask(bench, 4, orig), OUTCOME_NO_BACKEND);
	assert_int_equal(bench->decision.verdict.reject, REWIRE_REJECT_RESET);
}

/* By the service that a packet would have found, had there been no guard in its way. */
static void what_a_guard_catches_is_decided_without_it(void **context)
{
	static const char more[] = "{\"pools\":["
		"{\"name\":\"out\",\"vni\":0,\"addresses\":\"203.0.113.64\",\"ports\":\"1024-65535\"},"
		"{\"name\":\"open\",\"vni\":0,\"addresses\":\"203.0.113.65\",\"filtering\":\"endpoint-independent\"}],"
		"\"services\":["
		"{\"name\":\"any\",\"id\":1,\"vni\":10,\"source\":{\"pool\":\"open\"}},"
		"{\"name\":\"from\",\"id\":2,\"vni\":10,\"src\":\"10.0.1.0/24\",\"source\":{\"pool\":\"out\"}},"
		"{\"name\":\"to\",\"id\":3,\"vni\":10,\"dst\":\"192.0.2.0/24\",\"source\":{\"pool\":\"out\"}},"
		"{\"name\":\"tcp\",\"id\":4,\"vni\":10,\"dst\":\"192.0.2.0/24\",\"protocol\":\"tcp\",\"source\":{\"pool\":\"out\"}},"
		"{\"name\":\"port\",\"id\":5,\"vni\":10,\"dst\":\"192.0.2.0/24\",\"protocol\":\"tcp\",\"dport\":80,\"source\":{\"pool\":\"out\"}},"
		"{\"name\":\"host\",\"id\":6,\"vni\":0,\"source\":{\"pool\":\"out\"}},"
		"{\"name\":\"own\",\"id\":7,\"vni\":0,\"dst\":\"203.0.113.64\",\"protocol\":\"udp\",\"dport\":5000,\"source\":{\"pool\":\"out\"}}]}";
	static const struct {
		uint32_t vni;
		uint8_t protocol;
		const char *src, *dst;
		uint16_t dport;
		enum outcome outcome;
		uint32_t policy;
	} cases[] = {
		{ 10, IPPROTO_TCP, "10.0.0.5", "198.51.100.1", 80, OUTCOME_FLOW, 1 },
		{ 10, IPPROTO_TCP, "10.0.1.5", "198.51.100.1", 80, OUTCOME_FLOW, 2 },
		{ 10, IPPROTO_UDP, "10.0.1.5", "192.0.2.1", 80, OUTCOME_FLOW, 3 },
		{ 10, IPPROTO_TCP, "10.0.0.5", "192.0.2.1", 443, OUTCOME_FLOW, 4 },
		{ 10, IPPROTO_TCP, "10.0.0.5", "192.0.2.1", 80, OUTCOME_FLOW, 5 },
		{ 10, IPPROTO_ICMP, "10.0.0.5", "198.51.100.1", 1, OUTCOME_UNSUPPORTED, 0 },
		{ 0, IPPROTO_TCP, "198.51.100.1", "198.51.100.2", 2000, OUTCOME_FLOW, 6 },
		{ 0, IPPROTO_TCP, "198.51.100.1", "203.0.113.64", 2000, OUTCOME_FORGOTTEN, 0 },
		{ 0, IPPROTO_GRE, "198.51.100.1", "203.0.113.64", 0, OUTCOME_FORGOTTEN, 0 },
		{ 0, IPPROTO_UDP, "198.51.100.1", "203.0.113.64", 5000, OUTCOME_FLOW, 7 },
		{ 0, IPPROTO_TCP, "198.51.100.1", "203.0.113.65", 2000, OUTCOME_UNMAPPED, 0 },
		{ 0, IPPROTO_ICMP, "198.51.100.1", "203.0.113.65", 2000, OUTCOME_FORGOTTEN, 0 },
		{ 11, IPPROTO_TCP, "10.0.0.5", "198.51.100.1", 80, OUTCOME_FORGOTTEN, 0 },
	};
	struct bench *bench = *context;
	struct error error;
	unsigned int i;

	snapshot_free(bench->snapshot);
	bench->snapshot = config_parse(more, NULL, &error);
	if (!bench->snapshot)
		fail_msg("%s", error.text);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bench->punt = (struct rw_punt){
			.policy = RULES_GUARD_POLICY,
			.tuple = tuple(cases[i].vni, cases[i].protocol, cases[i].src, 4000,
				       cases[i].dst, cases[i].dport),
		};
		decide(&bench->decider, bench->snapshot, &bench->punt, 0, &bench->decision);
		assert_int_equal(bench->decision.outcome, cases[i].outcome);
		assert_int_equal(bench->decision.verdict.flow.policy, cases[i].policy);
	}
}

static void a_wrong_policy_makes_no_flow(void **context)
{
	struct bench *bench = *context;

	assert_int_equal(ask(bench, 99, tuple(10, IPPROTO_TCP, "10.0.0.5", 1, "192.0.2.1", 80)),
			 OUTCOME_UNKNOWN_POLICY);
	assert_int_equal(ask(bench, 1, tuple(11, IPPROTO_TCP, "10.0.0.5", 1, "192.0.2.1", 80)),
			 OUTCOME_MISMATCH);
	assert_int_equal(ask(bench, 1, tuple(10, IPPROTO_TCP, "10.0.1.5", 1, "192.0.2.1", 80)),
			 OUTCOME_MISMATCH);
	assert_int_equal(ask(bench, 2, tuple(0, IPPROTO_TCP, "10.0.0.5", 1, "203.0.113.10", 81)),
			 OUTCOME_MISMATCH);
	assert_int_equal(ask(bench, 2, tuple(0, IPPROTO_UDP, "10.0.0.5", 1, "203.0.113.10", 80)),
			 OUTCOME_MISMATCH);
	assert_int_equal(ask(bench, 2, tuple(0, IPPROTO_TCP, "10.0.0.5", 1, "203.0.113.9", 80)),
			 OUTCOME_MISMATCH);
}

static void decisions_are_numbered(void **context)
{
	struct bench *bench = *context;
	uint64_t i;

	for (i = 1; i < 10; i++) {
		ask(bench, 1, tuple(10, IPPROTO_TCP, "10.0.0.5", i, "192.0.2.1", 80));
		assert_int_equal(bench->decision.verdict.flow.decision, 1000 + i);
	}
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nat_takes_a_port_of_the_pool),
		TEST(a_decision_counts_before_its_verdict_is_sent),
		TEST(too_little_is_known_to_take_a_port),
		TEST(nat_of_ipv6_and_udp),
		TEST(nat_to_a_service_turns_around),
		TEST(an_echo_gets_a_new_identifier),
		TEST(an_echo_reply_begins_nothing),
		TEST(every_protocol_with_ports_has_ports_of_its_own),
		TEST(without_ports_an_address_is_all_there_is),
		TEST(a_client_keeps_its_public_address),
		TEST(an_exhausted_pool_is_an_outcome),
		TEST(balancing_keeps_the_client),
		TEST(the_same_flow_gets_the_same_backend),
		TEST(balancing_by_family),
		TEST(balancing_with_a_pool),
		TEST(a_check_has_a_source_of_the_pool),
		TEST(without_an_active_backend_flows_are_dropped),
		TEST(what_a_guard_catches_is_decided_without_it),
		TEST(a_wrong_policy_makes_no_flow),
		TEST(decisions_are_numbered),
	};

	rcu_register_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

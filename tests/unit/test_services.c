// SPDX-License-Identifier: GPL-2.0
/* Services with fixed ends, copies, priorities, and networks that may be reached. */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "address.h"
#include "binding.h"
#include "codec.h"
#include "config.h"
#include "decide.h"
#include "rules.h"

#define POOLS		"\"pools\":[{\"name\":\"out\",\"vni\":0,\"addresses\":\"203.0.113.64\"}]"
#define SERVICE(rest)	"{\"services\":[{\"name\":\"s\",\"id\":1,\"vni\":10" rest "}]}"
#define TO(rest)	",\"destination\":{\"vni\":30" rest "}"
#define BALANCED(name, id, more) "{\"name\":\"" name "\",\"id\":" id ",\"vni\":10," \
	"\"dst\":\"10.9.0.1\",\"destination\":{}" more "}"
#define BACKENDS(id, state) ",\"backends\":[{\"name\":\"b\",\"id\":" id ",\"vni\":30," \
	"\"addresses\":\"10.1.0." id "\",\"state\":\"" state "\"}]"

struct bench {
	struct snapshot *snapshot;
	struct decider decider;
	struct decision decision;
	struct rw_punt punt;
};

static struct rw_tuple tuple(uint32_t vni, uint8_t protocol, const char *src, uint16_t sport,
			     const char *dst, uint16_t dport)
{
	struct rw_tuple made = { .vni = vni, .protocol = protocol, .sport = sport, .dport = dport };

	assert_null(rw_addr_parse(src, &made.src));
	assert_null(rw_addr_parse(dst, &made.dst));
	return made;
}

static void configure(struct bench *bench, const char *text)
{
	struct error error;

	memset(bench, 0, sizeof(*bench));
	bench->snapshot = config_parse(text, NULL, &error);
	if (!bench->snapshot)
		fail_msg("%s", error.text);
	random_seed(&bench->decider.random);
	bench->decider.metadata = metadata_new();
	bench->decider.bindings = bindings_new();
}

static enum outcome ask(struct bench *bench, uint32_t policy, struct rw_tuple orig,
			unsigned int attempt)
{
	bench->punt = (struct rw_punt){ .id = 77, .policy = policy, .tuple = orig };
	decide(&bench->decider, bench->snapshot, &bench->punt, attempt, &bench->decision);
	return bench->decision.outcome;
}

static void assert_reply(struct bench *bench, struct rw_tuple wanted)
{
	assert_memory_equal(&bench->decision.verdict.flow.reply, &wanted, sizeof(wanted));
}

static void clear(struct bench *bench)
{
	replicas_free(&bench->decider.replicas);
	bindings_free(bench->decider.bindings);
	snapshot_free(bench->snapshot);
	metadata_free(bench->decider.metadata);
}

static void a_fixed_destination_is_taken(void **context)
{
	struct bench bench;

	(void)context;
	configure(&bench, SERVICE(TO(",\"addresses\":\"10.1.0.11\",\"port\":8080")));
	assert_int_equal(ask(&bench, 1, tuple(10, IPPROTO_TCP, "10.0.0.5", 7, "192.0.2.1", 80), 0),
			 OUTCOME_FLOW);
	assert_reply(&bench, tuple(30, IPPROTO_TCP, "10.1.0.11", 8080, "10.0.0.5", 7));
	/* Pings have no port, and there is nothing for IPv6 */
	assert_int_equal(ask(&bench, 1, tuple(10, IPPROTO_ICMP, "10.0.0.5", 7, "192.0.2.1", 0), 0),
			 OUTCOME_FLOW);
	assert_reply(&bench, tuple(30, IPPROTO_ICMP, "10.1.0.11", 0, "10.0.0.5", 7));
	assert_int_equal(ask(&bench, 1, tuple(10, IPPROTO_TCP, "fd00::5", 7, "2001:db8::1", 80), 0),
			 OUTCOME_NO_BACKEND);
	/* A key in use would be in use again */
	assert_int_equal(ask(&bench, 1, tuple(10, IPPROTO_TCP, "10.0.0.5", 7, "192.0.2.1", 80), 1),
			 OUTCOME_EXHAUSTED);
	clear(&bench);
}

static void a_prefix_maps_one_to_one(void **context)
{
	struct bench bench;

	(void)context;
	configure(&bench, SERVICE(",\"source\":{\"vni\":0,\"addresses\":"
				  "[\"203.0.112.0/23\",\"2001:db8:f:8000::/49\"]}"));
	assert_int_equal(ask(&bench, 1, tuple(10, IPPROTO_UDP, "10.0.1.5", 7, "192.0.2.1", 53), 0),
			 OUTCOME_FLOW);
	assert_reply(&bench, tuple(0, IPPROTO_UDP, "192.0.2.1", 53, "203.0.113.5", 7));
	assert_int_equal(ask(&bench, 1, tuple(10, IPPROTO_UDP, "fd00::7fff:1:2:3:5", 7,
					      "2001:db8::1", 53), 0), OUTCOME_FLOW);
	assert_reply(&bench, tuple(0, IPPROTO_UDP, "2001:db8::1", 53, "2001:db8:f:ffff:1:2:3:5", 7));
	clear(&bench);
}

static void a_network_alone_may_be_another(void **context)
{
	struct bench bench;

	(void)context;
	configure(&bench, SERVICE(TO("")));
	assert_int_equal(ask(&bench, 1, tuple(10, IPPROTO_UDP, "10.0.1.5", 7, "192.0.2.1", 53), 0),
			 OUTCOME_FLOW);
	assert_reply(&bench, tuple(30, IPPROTO_UDP, "192.0.2.1", 53, "10.0.1.5", 7));
	clear(&bench);
}

static void copies_go_with_the_flow(void **context)
{
	const struct nlattr *at = NULL;
	const struct rw_flow_spec *flow;
	struct rw_tuple wanted;
	struct bench bench;
	struct rw_copy copy;

	(void)context;
	configure(&bench, SERVICE(",\"one_way\":true" TO(",\"addresses\":\"10.1.0.11\"")
				  ",\"copies\":[{\"vni\":31,\"addresses\":\"10.1.0.12\",\"port\":9},"
				  "{\"vni\":32,\"addresses\":\"fd00::1\"},{\"vni\":33}]"));
	assert_int_equal(ask(&bench, 1, tuple(10, IPPROTO_UDP, "10.0.0.5", 7, "192.0.2.1", 53), 0),
			 OUTCOME_FLOW);
	flow = &bench.decision.verdict.flow;
	assert_true(flow->one_way);
	at = rw_copy_next(flow, at, &copy);
	assert_non_null(at);
	wanted = tuple(31, IPPROTO_UDP, "10.1.0.12", 9, "10.0.0.5", 7);
	assert_memory_equal(&copy.reply, &wanted, sizeof(wanted));
	at = rw_copy_next(flow, at, &copy);		/* not the one of another family */
	assert_non_null(at);
	wanted = tuple(33, IPPROTO_UDP, "192.0.2.1", 53, "10.0.0.5", 7);
	assert_memory_equal(&copy.reply, &wanted, sizeof(wanted));
	assert_null(rw_copy_next(flow, at, &copy));
	clear(&bench);
}

/* All verdicts of a batch have their copies, up to the largest batch there is. */
static void copies_of_a_whole_batch_have_room(void **context)
{
	static char message[16 * 65536], text[4096];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(message);
	struct bench bench;
	int i, length;

	(void)context;
	length = snprintf(text, sizeof(text), "{\"services\":[{\"name\":\"s\",\"id\":1,\"vni\":10"
			  TO(",\"addresses\":\"fd00::1\"") ",\"copies\":[");
	for (i = 0; i < RW_COPIES_MAX; i++)
		length += snprintf(text + length, sizeof(text) - length,
				   "%s{\"vni\":31,\"addresses\":\"fd00::%d\",\"port\":9}",
				   i ? "," : "", i + 2);
	snprintf(text + length, sizeof(text) - length, "]}]}");
	configure(&bench, text);
	for (i = 0; i < REWIRE_VERDICT_BATCH_MAX; i++) {
		assert_int_equal(ask(&bench, 1, tuple(10, IPPROTO_UDP, "fd00::5", 1 + i, "fd00:1::1", 53), 0),
				 OUTCOME_FLOW);
		assert_true(rw_put_verdict(nlh, sizeof(message), &bench.decision.verdict));
	}
	clear(&bench);
}

static void of_one_match_the_highest_priority_counts(void **context)
{
	struct rules rules;
	struct bench bench;

	(void)context;
	configure(&bench, "{\"services\":["
		  BALANCED("low", "1", BACKENDS("11", "active")) ","
		  BALANCED("high", "2", ",\"priority\":7" BACKENDS("12", "active")) "]}");
	rules_make(&rules, bench.snapshot, NULL);
	assert_int_equal(rules.count, 1);
	assert_int_equal(rules.list[0].policy, 2);
	rules_free(&rules);
	assert_int_equal(ask(&bench, 2, tuple(10, IPPROTO_UDP, "10.0.0.5", 7, "10.9.0.1", 53), 0),
			 OUTCOME_FLOW);
	assert_int_equal(bench.decision.verdict.flow.target, 12);
	assert_int_equal(bench.decision.verdict.flow.policy, 2);
	clear(&bench);
}

static void where_it_has_no_backend_the_next_one_does(void **context)
{
	struct bench bench;

	(void)context;
	configure(&bench, "{\"services\":["
		  BALANCED("low", "1", BACKENDS("11", "active")) ","
		  BALANCED("middle", "3", ",\"priority\":6" BACKENDS("13", "draining")) ","
		  BALANCED("high", "2", ",\"priority\":7" BACKENDS("12", "down")) "]}");
	assert_int_equal(ask(&bench, 2, tuple(10, IPPROTO_UDP, "10.0.0.5", 7, "10.9.0.1", 53), 0),
			 OUTCOME_FLOW);
	assert_int_equal(bench.decision.verdict.flow.target, 11);
	assert_int_equal(bench.decision.verdict.flow.policy, 1);
	clear(&bench);
}

static void a_nat_flow_turns_around_at_a_fixed_destination(void **context)
{
	struct bench bench;

	(void)context;
	configure(&bench, "{" POOLS ",\"services\":["
		  "{\"name\":\"nat\",\"id\":1,\"vni\":10,\"source\":{\"pool\":\"out\"}},"
		  "{\"name\":\"web\",\"id\":2,\"vni\":0,\"dst\":\"203.0.113.20\","
		  "\"destination\":{\"vni\":20,\"addresses\":\"10.0.0.2\"}}]}");
	assert_int_equal(ask(&bench, 1, tuple(10, IPPROTO_UDP, "10.0.0.5", 7, "203.0.113.20", 53), 0),
			 OUTCOME_FLOW);
	assert_reply(&bench, tuple(20, IPPROTO_UDP, "10.0.0.2", 53, "203.0.113.64",
				   bench.decision.verdict.flow.reply.dport));
	clear(&bench);
}

/* In VNI 0, with a source pool of 203.0.113.64 where one is named. */
#define CHAIN(services)	"{" POOLS ",\"services\":[" services "]}"
#define LINK(name, id, match, to) "{\"name\":\"" name "\",\"id\":" id ",\"vni\":0," match \
	",\"destination\":{},\"backends\":[{\"name\":\"b" id "\",\"id\":" id ",\"vni\":0," to "}]}"
#define TCP(dst, port)	"\"protocol\":\"tcp\",\"dst\":\"" dst "\",\"dport\":" port
#define AT(address, port) "\"addresses\":\"" address "\",\"port\":" port
#define POOLED		",\"source\":{\"pool\":\"out\"}"
#define FROM(src)	",\"src\":\"" src "\""

#define NETWORKS(rest)	"{\"networks\":[{\"vni\":10,\"reach\":[0]},{\"vni\":0}" rest "],"

static const struct {
	const char *text, *sentence;
} refused[] = {
	{ SERVICE(",\"source\":\"drop\""), "service \"s\": source is not an object" },
	{ SERVICE(",\"source\":\"keep\""), "service \"s\": it has neither source nor destination" },
	{ SERVICE(",\"source\":{\"vni\":0}"), "service \"s\": source: addresses is missing" },
	{ SERVICE(",\"source\":{\"vni\":0,\"addresses\":[\"10.0.0.1\",\"10.0.0.2\"]}"),
	  "service \"s\": source: addresses holds two of one family" },
	{ SERVICE(",\"source\":{\"vni\":0,\"addresses\":\"10.0.0.1\",\"pool\":\"out\"}"),
	  "service \"s\": source: unknown key \"pool\"" },
	{ SERVICE(TO(",\"port\":0")), "service \"s\": destination: port is not a whole number from 1" },
	{ SERVICE(TO("") ",\"backends\":[]"), "service \"s\": backends without a destination that chooses" },
	{ SERVICE(TO("") ",\"copies\":{}"), "service \"s\": copies is not an array" },
	{ SERVICE(TO("") ",\"copies\":[7]"), "service \"s\": copies[0] is not an object" },
	{ SERVICE(TO("") ",\"copies\":[{\"vni\":1},{}]"), "service \"s\": copies[1]: vni is missing" },
	{ SERVICE(TO("") ",\"copies\":[{\"vni\":1},{\"vni\":1},{\"vni\":1},{\"vni\":1},{\"vni\":1},"
		  "{\"vni\":1},{\"vni\":1},{\"vni\":1},{\"vni\":1},{\"vni\":1},{\"vni\":1},{\"vni\":1},"
		  "{\"vni\":1},{\"vni\":1},{\"vni\":1},{\"vni\":1},{\"vni\":1}]"),
	  "service \"s\": it has more than 16 copies" },
	{ SERVICE(TO("") ",\"one_way\":1"), "service \"s\": one_way is not true or false" },
	{ SERVICE(TO("") ",\"priority\":256"), "service \"s\": priority is not a whole number from 0 to 255" },
	{ SERVICE(TO("") ",\"source\":{\"vni\":31,\"addresses\":\"10.0.0.1\"}"),
	  "service \"s\": vni is 30, but the service's source is in VNI 31" },
	{ "{" POOLS ",\"services\":[{\"name\":\"s\",\"id\":1,\"vni\":10,\"source\":{\"vni\":0,"
	  "\"addresses\":\"203.0.113.0/24\"}}]}",
	  "service \"s\": source: its addresses and ports are those of pool \"out\"" },
	{ SERVICE(",\"dst\":\"10.1.0.0/24\",\"destination\":{\"vni\":10,\"addresses\":\"10.1.0.9\"}"),
	  "service \"s\": its destination is the service itself" },
	{ SERVICE(",\"dst\":\"10.1.0.0/24\",\"destination\":{},\"backends\":[{\"name\":\"b\",\"id\":1,"
		  "\"vni\":10,\"addresses\":\"10.1.0.9\"}]"),
	  "service \"s\": its backend \"b\" is the service itself" },
	{ CHAIN(LINK("a", "1", TCP("10.0.0.1", "80") POOLED, AT("10.0.0.1", "80"))),
	  "service \"a\": its backend \"b1\" is the service itself" },
	{ CHAIN(LINK("a", "1", TCP("10.0.0.1", "80") POOLED FROM("203.0.113.0/24"), AT("10.0.0.1", "80"))),
	  "service \"a\": its backend \"b1\" is the service itself" },
	{ CHAIN(LINK("a", "1", TCP("10.0.0.1", "80"), AT("10.0.0.2", "81")) ","
		LINK("b", "2", TCP("10.0.0.0/24", "\"81-90\""), AT("10.0.0.1", "80"))),
	  "service \"a\": its backend \"b1\" is service \"b\", which leads back to it" },
	{ CHAIN(LINK("x", "9", TCP("10.0.0.9", "80"), AT("10.0.0.1", "80")) ","
		LINK("a", "1", TCP("10.0.0.1", "80"), AT("10.0.0.2", "80")) ","
		LINK("b", "2", TCP("10.0.0.2", "80") POOLED, AT("10.0.0.3", "80")) ","
		LINK("c", "3", TCP("10.0.0.3", "80"), AT("10.0.0.1", "80"))),
	  "service \"a\": its backend \"b1\" is service \"b\", which leads back to it" },
	{ CHAIN(LINK("a", "1", TCP("10.0.0.1", "80"), AT("10.0.0.2", "80") "},{\"name\":\"again\","
		     "\"id\":7,\"vni\":0," AT("10.0.0.1", "80")) ","
		LINK("b", "2", TCP("10.0.0.2", "80"), AT("10.0.0.3", "80"))),
	  "service \"a\": its backend \"again\" is the service itself" },
	{ CHAIN(LINK("a", "1", TCP("10.0.0.1", "80") ",\"priority\":9", AT("10.0.0.7", "80")) ","
		LINK("b", "2", TCP("10.0.0.1", "80"), AT("10.0.0.2", "80")) ","
		LINK("c", "3", TCP("10.0.0.2", "80"), AT("10.0.0.1", "80"))),
	  "service \"b\": its backend \"b2\" is service \"c\", which leads back to it" },
	{ CHAIN(LINK("a", "1", "\"dst\":\"fd00::1\"", "\"addresses\":[\"10.0.0.1\",\"fd00::2\"]") ","
		LINK("b", "2", "\"dst\":\"fd00::/64\"", "\"addresses\":\"fd00::1\"")),
	  "service \"a\": its backend \"b1\" is service \"b\", which leads back to it" },
	{ CHAIN("{\"name\":\"a\",\"id\":1,\"vni\":0,\"dst\":\"10.0.0.0/24\","
		"\"destination\":{\"vni\":5,\"addresses\":\"10.1.0.0/24\"}},"
		"{\"name\":\"b\",\"id\":2,\"vni\":5,\"dst\":\"10.1.0.7\","
		"\"destination\":{\"vni\":0,\"addresses\":\"10.0.0.8\"}}"),
	  "service \"a\": its destination is service \"b\", which leads back to it" },
	{ CHAIN("{\"name\":\"a\",\"id\":1,\"vni\":0,\"dst\":\"10.0.0.1\",\"destination\":{\"vni\":5}},"
		"{\"name\":\"b\",\"id\":2,\"vni\":5,\"dst\":\"10.0.0.1\",\"destination\":{\"vni\":0}}"),
	  "service \"a\": its destination is service \"b\", which leads back to it" },
	{ "{\"services\":[" BALANCED("a", "1", ",\"priority\":3" BACKENDS("11", "active")) ","
	  BALANCED("b", "2", ",\"priority\":3" BACKENDS("12", "active")) "]}",
	  "vni, protocol, src, dst and dport are those of service" },
	{ "{\"networks\":[{\"vni\":1},{\"vni\":1}]}", "networks: VNI 1 is there twice" },
	{ "{\"networks\":[{\"vni\":1,\"reach\":[-1]}]}",
	  "networks[0]: reach[0] is not a whole number from 0 to 16777215" },
	{ NETWORKS("") "\"services\":[{\"name\":\"s\",\"id\":1,\"vni\":11" TO("") "}]}",
	  "service \"s\": vni 11 is none of the networks" },
	{ NETWORKS("") "\"services\":[{\"name\":\"s\",\"id\":1,\"vni\":10" TO("") "}]}",
	  "service \"s\": vni 30 is none of the networks" },
	{ NETWORKS(",{\"vni\":30}") "\"services\":[{\"name\":\"s\",\"id\":1,\"vni\":10" TO("") "}]}",
	  "service \"s\": VNI 10 may not reach VNI 30" },
	{ NETWORKS(",{\"vni\":30}") "\"services\":[{\"name\":\"s\",\"id\":1,\"vni\":10,"
	  "\"destination\":{\"vni\":0},\"copies\":[{\"vni\":30}]}]}",
	  "service \"s\": VNI 10 may not reach VNI 30" },
	{ NETWORKS("") "\"services\":[" BALANCED("s", "1", BACKENDS("11", "active")) "]}",
	  "backend \"b\": vni 30 is none of the networks" },
	{ "{\"networks\":[{\"vni\":1}]," POOLS "}", "pool \"out\": vni 0 is none of the networks" },
};

static void bad_ones_are_refused(void **context)
{
	struct snapshot *snapshot;
	struct error error;
	size_t i;

	(void)context;
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		memset(&error, 0, sizeof(error));
		snapshot = config_parse(refused[i].text, NULL, &error);
		if (snapshot)
			fail_msg("taken: %s", refused[i].text);
		if (!strstr(error.text, refused[i].sentence))
			fail_msg("%s\nis refused with \"%s\",\nwanted      \"%s\"", refused[i].text,
				 error.text, refused[i].sentence);
	}
}

/* The negative controls of the refusals above. */
static void what_is_nearly_wrong_is_taken(void **context)
{
	static const char *const texts[] = {
		NETWORKS("") "\"services\":[{\"name\":\"s\",\"id\":1,\"vni\":10,\"destination\":{\"vni\":0}}]}",
		NETWORKS(",{\"vni\":30}") "\"services\":[{\"name\":\"s\",\"id\":1,\"vni\":0" TO("") "}]}",
		SERVICE(",\"dst\":\"10.1.0.0/24\",\"destination\":{\"vni\":11,\"addresses\":\"10.1.0.9\"}"),
		SERVICE(",\"protocol\":\"tcp\",\"dport\":80,\"dst\":\"10.1.0.0/24\","
			"\"destination\":{\"vni\":10,\"addresses\":\"10.1.0.9\",\"port\":81}"),
		"{" POOLS ",\"services\":[{\"name\":\"s\",\"id\":1,\"vni\":10,\"source\":{\"vni\":0,"
		"\"addresses\":\"203.0.113.0/24\",\"port\":1023}}]}",
		"{\"services\":[" BALANCED("a", "1", ",\"priority\":3" BACKENDS("11", "active")) ","
		BALANCED("b", "2", ",\"priority\":4" BACKENDS("12", "active")) "]}",
		/* One leads to another, which leads nowhere; also by way of a range of ports. */
		CHAIN(LINK("a", "1", TCP("10.0.0.1", "80"), AT("10.0.0.2", "81")) ","
		      LINK("b", "2", TCP("10.0.0.0/24", "\"81-90\""), AT("10.0.0.1", "79"))),
		/* Its own source is none that it takes. */
		CHAIN(LINK("a", "1", TCP("10.0.0.1", "80") POOLED FROM("10.0.0.0/8"), AT("10.0.0.1", "80"))),
		CHAIN(LINK("a", "1", TCP("10.0.0.1", "80") ",\"source\":{\"vni\":0,\"addresses\":\"9.0.0.1\"}"
			   FROM("10.0.0.0/8"), AT("10.0.0.1", "80"))),
		/* Another one takes them, which is more exact: by dst, src, protocol or port. */
		CHAIN(LINK("a", "1", TCP("10.0.0.0/24", "80"), AT("10.0.0.1", "80")) ","
		      LINK("b", "2", TCP("10.0.0.1", "80"), AT("10.9.0.1", "80"))),
		CHAIN(LINK("a", "1", TCP("10.0.0.1", "80") POOLED, AT("10.0.0.1", "80")) ","
		      LINK("b", "2", TCP("10.0.0.1", "80") FROM("203.0.113.64"), AT("10.9.0.1", "80"))),
		CHAIN(LINK("a", "1", "\"dst\":\"10.0.0.1\"", AT("10.0.0.2", "80")) ","
		      LINK("b", "2", "\"protocol\":\"tcp\",\"dst\":\"10.0.0.2\"", AT("10.9.0.1", "80"))),
		CHAIN(LINK("a", "1", "\"protocol\":\"tcp\",\"dst\":\"10.0.0.1\"", AT("10.0.0.1", "80")) ","
		      LINK("b", "2", TCP("10.0.0.1", "80"), AT("10.9.0.1", "80"))),
		/* Other protocols. */
		CHAIN(LINK("a", "1", TCP("10.0.0.1", "80"), AT("10.0.0.2", "80")) ","
		      LINK("b", "2", "\"protocol\":\"udp\",\"dst\":\"10.0.0.2\"", AT("10.0.0.1", "80"))),
		/* Another port of an address that a range is translated into. */
		CHAIN("{\"name\":\"a\",\"id\":1,\"vni\":0," TCP("10.0.0.0/24", "80") ","
		      "\"destination\":{\"vni\":0,\"addresses\":\"10.1.0.0/24\",\"port\":81}},"
		      LINK("b", "2", TCP("10.1.0.7", "80"), AT("10.0.0.8", "80"))),
		/* Hairpin: the source is translated on the way to a service. */
		"{" POOLS ",\"services\":[{\"name\":\"nat\",\"id\":1,\"vni\":20,\"source\":{\"pool\":\"out\"}},"
		"{\"name\":\"web\",\"id\":2,\"vni\":0,\"dst\":\"203.0.113.20\","
		"\"destination\":{\"vni\":20,\"addresses\":\"10.0.0.2\"}}]}",
		/* Part of a range is translated into the rest. */
		CHAIN("{\"name\":\"a\",\"id\":1,\"vni\":0,\"dst\":\"10.0.0.0/25\","
		      "\"destination\":{\"vni\":0,\"addresses\":\"10.0.0.128/25\"}}"),
	};
	struct snapshot *snapshot;
	struct error error;
	size_t i;

	(void)context;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		snapshot = config_parse(texts[i], NULL, &error);
		if (!snapshot)
			fail_msg("%s\nis refused with \"%s\"", texts[i], error.text);
		snapshot_free(snapshot);
	}
}

#define NAMED(pool) "{\"pools\":[{\"name\":\"" pool "\",\"vni\":0,\"addresses\":\"203.0.113.64\"}]," \
	"\"services\":[{\"name\":\"s\",\"id\":1,\"vni\":10,\"source\":{\"pool\":\"" pool "\"}," \
	"\"copies\":[{\"vni\":20},{\"vni\":30}]}]}"

static void what_is_known_goes_on_with_the_next_configuration(void **context)
{
	struct snapshot *before, *after;
	struct error error;

	(void)context;
	before = config_parse(NAMED("out"), NULL, &error);
	assert_non_null(before);
	before->pools[0].refusals->exhausted = 3;
	before->services[0].copies[1].lost = true;
	after = config_parse(NAMED("out"), before, &error);
	assert_non_null(after);
	snapshot_free(before);
	assert_int_equal(after->pools[0].refusals->exhausted, 3);
	assert_false(after->services[0].copies[0].lost);
	assert_true(after->services[0].copies[1].lost);

	before = after;
	after = config_parse(NAMED("other"), before, &error);
	assert_non_null(after);
	snapshot_free(before);
	assert_int_equal(after->pools[0].refusals->exhausted, 0);
	snapshot_free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fixed_destination_is_taken),
		cmocka_unit_test(a_prefix_maps_one_to_one),
		cmocka_unit_test(a_network_alone_may_be_another),
		cmocka_unit_test(copies_go_with_the_flow),
		cmocka_unit_test(copies_of_a_whole_batch_have_room),
		cmocka_unit_test(of_one_match_the_highest_priority_counts),
		cmocka_unit_test(where_it_has_no_backend_the_next_one_does),
		cmocka_unit_test(a_nat_flow_turns_around_at_a_fixed_destination),
		cmocka_unit_test(bad_ones_are_refused),
		cmocka_unit_test(what_is_nearly_wrong_is_taken),
		cmocka_unit_test(what_is_known_goes_on_with_the_next_configuration),
	};

	rcu_register_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/* What the words of a command line become, and what is said of wrong ones. */

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "librewire.h"
#include "rewire/args.h"
#include "rewire/key.h"

/* What the tool's main file has, with errors kept to be looked at. */
struct cli cli;
static char message[1024];

void cli_error(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(message, sizeof(message), format, list);
	va_end(list);
}

static struct rw_addr addr(const char *text)
{
	struct rw_addr addr;

	assert_null(rw_addr_parse(text, &addr));
	return addr;
}

static void test_names(void **state)
{
	(void)state;
	assert_int_equal(rw_name_value(rw_flow_state_names, "established"),
			 REWIRE_FLOW_STATE_ESTABLISHED);
	assert_int_equal(rw_name_value(rw_flow_state_names, "est"), REWIRE_FLOW_STATE_ESTABLISHED);
	assert_int_equal(rw_name_value(rw_flow_state_names, "syn-"), -1);
	assert_int_equal(rw_name_value(rw_flow_state_names, "s"), -1);
	assert_int_equal(rw_name_value(rw_flow_state_names, ""), -1);
	assert_string_equal(rw_name(rw_reason_names, REWIRE_REASON_CLOSE_EXIT), "close-exit");
	assert_string_equal(rw_name(rw_reason_names, RW_REASONS), "unknown");
}

static const struct arg flow_table[] = {
	KEY_FLOW_TABLE(REWIRE_A_FLOW_MESSAGE_SPEC),
	{ .name = NULL }
};

/* Read the words of a flow add; 0 or an exit status. */
static int read_flow(const char *line, struct rw_flow_spec *flow, struct args *args)
{
	static char copy[512], *words[64];
	static struct key_values values;	/* copies point into it */
	char *word;
	int ret;

	snprintf(copy, sizeof(copy), "%s", line);
	message[0] = 0;
	memset(&values, 0, sizeof(values));
	memset(flow, 0, sizeof(*flow));
	*args = (struct args){ .object = "flow", .command = "add", .words = words };
	for (word = strtok(copy, " "); word; word = strtok(NULL, " "))
		words[args->count++] = word;
	ret = args_parse(args, flow_table, &values);
	return ret ? ret : key_flow(args, &values, flow);
}

static void test_flow_words(void **state)
{
	struct rw_flow_spec flow;
	struct rw_tuple reply = {
		.vni = 3, .protocol = IPPROTO_TCP, .src = addr("10.1.0.11"), .sport = 8080,
		.dst = addr("203.0.113.1"), .dport = 61000,
	};
	struct args args;

	(void)state;
	assert_int_equal(read_flow("vni 10 proto tcp src 10.0.0.2:4000 dst 192.0.2.1:80 pol 7 to "
				   "src 203.0.113.1:61000 dst 10.1.0.11:8080 vni 3 target 11", &flow,
				   &args), 0);
	assert_int_equal(flow.orig.vni, 10);
	assert_int_equal(flow.orig.sport, 4000);
	assert_memory_equal(&flow.reply, &reply, sizeof(reply));
	assert_int_equal(flow.policy, 7);
	assert_int_equal(flow.target, 11);
	/* What is not named stays, and an echo request's identifier is its source port. */
	assert_int_equal(read_flow("to src 203.0.113.1:99 vni 0 src 1.1.1.1 dst 2.2.2.2", &flow, &args),
			 EXIT_USAGE);
	assert_string_equal(message, "flow add: src is there twice");
	assert_int_equal(read_flow("vni 1 proto icmp src 10.0.0.2:77 dst 192.0.2.1 to src "
				   "203.0.113.1:99", &flow, &args), 0);
	assert_int_equal(flow.orig.sport, 77);
	assert_int_equal(flow.orig.dport, 0);
	assert_int_equal(flow.reply.vni, 1);
	assert_int_equal(flow.reply.sport, 0);
	assert_int_equal(flow.reply.dport, 99);
}

#define PING "vni 1 proto icmp src 1.1.1.1 dst 2.2.2.2 to vni 2 "

/* All that a flow may have beyond a two-way rewrite, through a message and back. */
static void test_flow_shape(void **state)
{
	static char buffer[4096] __attribute__((aligned(8)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct rw_flow_spec flow, got;
	const struct nlattr *attr;
	struct rw_copy copy;
	struct args args;

	(void)state;
	mnl_nlmsg_put_extra_header(request, GENL_HDRLEN);
	assert_int_equal(read_flow(PING "remote 192.0.2.1 id 0x77 lladdr 02:00:00:00:00:01 one-way "
				   "dscp 0 ttl 9 byte-rate 1000 burst 5 copy dst=3.3.3.3,vni=7 "
				   "copy src=4.4.4.4:9,remote=2001:db8::1,id=5", &flow, &args), 0);
	assert_true(rw_put_flow_spec(request, sizeof(buffer), REWIRE_A_FLOW_MESSAGE_SPEC, &flow));
	assert_int_equal(rw_get_flow_spec(mnl_nlmsg_get_payload_offset(request, GENL_HDRLEN), &got), 0);
	assert_true(got.one_way);
	assert_int_equal(got.dscp_plus_1, 1);
	assert_int_equal(got.hops, REWIRE_HOP_MODE_SET);
	assert_int_equal(got.hop_limit, 9);
	assert_int_equal(got.byte_rate, 1000);
	assert_int_equal(got.burst, 5);
	assert_int_equal(got.orig_tunnel.remote.family, 0);
	assert_memory_equal(&got.reply_tunnel, &flow.reply_tunnel, sizeof(got.reply_tunnel));
	assert_int_equal(got.reply_tunnel.id, 0x77);
	assert_int_equal(got.reply_tunnel.lladdr[5], 1);
	attr = rw_copy_next(&got, NULL, &copy);
	assert_non_null(attr);
	assert_int_equal(copy.reply.vni, 7);
	assert_int_equal(copy.reply.src.bytes[0], 3);
	attr = rw_copy_next(&got, attr, &copy);
	assert_non_null(attr);
	assert_int_equal(copy.reply.dport, 9);
	assert_int_equal(copy.reply_tunnel.remote.family, AF_INET6);
	assert_int_equal(copy.reply_tunnel.id, 5);
	assert_null(rw_copy_next(&got, attr, &copy));
}

static void test_wrong_words(void **state)
{
	static const char *const cases[][2] = {
		{ "vni 10 dst 300.1.1.1", "flow add: dst: \"300.1.1.1\" is not an address" },
		{ "vni 16777216", "flow add: vni: \"16777216\" is not a number from 0 to 16777215" },
		{ "vni", "flow add: vni needs a value" },
		{ "vni 1 vni 1", "flow add: vni is there twice" },
		{ "t 3", "flow add: \"t\" could be to or ttl" },
		{ "colour 3", "flow add: unknown argument \"colour\"" },
		{ "", "flow add: vni is missing" },
		{ "vni 1 proto udp src 1.1.1.1 dst 2.2.2.2:2", "flow add: src: \"1.1.1.1\" has no port" },
		{ "vni 1 proto icmp src 1.1.1.1 dst 2.2.2.2", "flow add: to is missing" },
		{ "vni 1 proto icmp src 1.1.1.1 dst 2.2.2.2 to", "flow add: to needs vni, src or dst" },
		{ "to dst x", "flow add: to dst: \"x\" is not an address" },
		{ PING "dscp 64", "flow add: dscp: \"64\" is not a number from 0 to 63" },
		{ PING "ttl 0", "flow add: ttl: \"0\" is not one of decrement, keep, 1 to 255" },
		{ PING "id 3", "flow add: to remote is missing" },
		{ PING "lladdr x", "flow add: to lladdr: \"x\" is not a hardware address" },
		{ PING "copy dst", "flow add: copy: \"dst\" is not NAME=VALUE" },
		{ PING "copy dst=x", "flow add: copy: dst: \"x\" is not an address" },
		{ PING "copy x=1", "flow add: copy: x: \"1\" is not for vni, src, dst, dev, remote, id or lladdr" },
	};
	struct rw_flow_spec flow;
	struct args args;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_flow(cases[i][0], &flow, &args), EXIT_USAGE);
		assert_string_equal(message, cases[i][1]);
	}
}

/* The attribute that the kernel names is the argument that went into it. */
static void test_refusal(void **state)
{
	struct rw_flow_spec flow;
	struct args args;
	struct rw_error error = {
		.sentence = "Taken", .depth = 3,
		.path = { REWIRE_A_FLOW_MESSAGE_SPEC, REWIRE_A_FLOW_REPLY, REWIRE_A_TUPLE_DPORT },
	};

	(void)state;
	assert_int_equal(read_flow("vni 1 proto icmp src 1.1.1.1:5 dst 2.2.2.2 to src 3.3.3.3:7 target 9",
				   &flow, &args), 0);
	assert_int_equal(args_refused(&args, flow_table, &error), EXIT_REFUSED);
	assert_string_equal(message, "flow add: Taken (to src 3.3.3.3:7)");
	error.depth = 2;
	error.path[1] = REWIRE_A_FLOW_TARGET;
	args_refused(&args, flow_table, &error);
	assert_string_equal(message, "flow add: Taken (target 9)");
	error.depth = 1;
	error.missing = REWIRE_A_FLOW_POLICY;
	args_refused(&args, flow_table, &error);
	assert_string_equal(message, "flow add: Taken (policy is missing)");
	error.missing = 0;
	error.depth = 0;
	args_refused(&args, flow_table, &error);
	assert_string_equal(message, "flow add: Taken");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_flow_words),
		cmocka_unit_test(test_flow_shape),
		cmocka_unit_test(test_wrong_words),
		cmocka_unit_test(test_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/* rewire monitor: what happens in the namespace, as it happens. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "control.h"
#include "objects.h"
#include "print.h"

static const char usage[] =
	"Usage: rewire monitor [ flow | punt | config | daemon ]\n"
	"Prints flows that are made and that end, questions to the daemon, and changes of attaches,\n"
	"rules, targets, limits and policies, or one of these, until it is interrupted. What the daemon tells is\n"
	"printed alone: pools that have no port left, backends that are up or down. A line says when some were lost.\n";

#define RECEIVE_BUFFER	(8 << 20)

struct monitor {
	uint64_t flow;		/* sequence of the last event; 0, none yet */
	uint32_t config;
};

static void print_lost(const char *kind, uint64_t count)
{
	print_record();
	print_string("event", "", "lost");
	print_string("kind", "", kind);
	if (count)
		print_number("count", "", count);
	print_record_end();
}

static int take_flow(const struct nlmsghdr *nlh, struct monitor *monitor)
{
	struct rw_flow_event event;
	int ret = rw_get_flow_event(nlh, &event);

	if (ret)
		return ret;
	if (monitor->flow && event.sequence != monitor->flow + 1)
		print_lost("flow", event.sequence - monitor->flow - 1);
	monitor->flow = event.sequence;
	print_record();
	print_string("event", "", event.ended ? "close" : "new");
	if (event.ended)
		print_string("reason", "", rw_name(rw_reason_names, event.reason));
	flow_print_members(&event.flow);
	print_record_end();
	return 0;
}

static int take_punts(const struct nlmsghdr *nlh)
{
	struct rw_punt punts[64];
	ssize_t count = rw_get_punts(nlh, punts, sizeof(punts) / sizeof(punts[0])), i;

	for (i = 0; i < count; i++) {
		print_record();
		print_string("event", "", "ask");
		punt_print_members(&punts[i]);
		print_record_end();
	}
	return count < 0 ? (int)count : 0;
}

/* By notification */
static const char *const config_objects[] = {
	[REWIRE_CMD_ATTACH_NTF]	  = "attach",
	[REWIRE_CMD_RULE_NTF]	  = "rule",
	[REWIRE_CMD_TARGET_NTF]	  = "target",
	[REWIRE_CMD_LIMIT_NTF]	  = "limit",
	[REWIRE_CMD_POLICY_NTF]	  = "policy",
	[REWIRE_CMD_DELEGATE_NTF] = "delegate",
};

static int print_object_of(const struct nlmsghdr *nlh, uint8_t command)
{
	struct rw_attach attach;
	struct rw_rule rule;
	struct rw_target target;
	struct rw_limit limit;
	struct rw_policy policy;
	struct rw_delegate delegate;
	int ret;

	switch (command) {
	case REWIRE_CMD_ATTACH_NTF:
		ret = rw_get_attach(nlh, &attach);
		if (!ret)
			attach_print_members(&attach);
		return ret;
	case REWIRE_CMD_RULE_NTF:
		ret = rw_get_rule(nlh, &rule);
		if (!ret)
			rule_print_members(&rule);
		return ret;
	case REWIRE_CMD_TARGET_NTF:
		ret = rw_get_target(nlh, &target);
		if (!ret)
			target_print_members(&target);
		return ret;
	case REWIRE_CMD_LIMIT_NTF:
		ret = rw_get_limit(nlh, &limit);
		if (!ret)
			limit_print_members(&limit);
		return ret;
	case REWIRE_CMD_POLICY_NTF:
		ret = rw_get_policy(nlh, &policy);
		if (!ret)
			policy_print_members(&policy);
		return ret;
	default:
		ret = rw_get_delegate(nlh, &delegate);
		if (!ret)
			delegate_print_members(&delegate);
		return ret;
	}
}

static int take_config(const struct nlmsghdr *nlh, uint8_t command, struct monitor *monitor)
{
	struct rw_config_event event;
	int ret = rw_get_config_event(nlh, command, &event);

	if (ret)
		return ret;
	if (monitor->config && event.sequence != monitor->config + 1)
		print_lost("config", event.sequence - monitor->config - 1);
	monitor->config = event.sequence;
	print_record();
	print_string("event", "", rw_name(rw_config_change_names, event.change));
	print_string("object", command == REWIRE_CMD_POLICY_NTF ? "" : NULL,
		     config_objects[command]);
	ret = print_object_of(nlh, command);
	print_record_end();
	return ret;
}

static int take(const struct nlmsghdr *nlh, struct monitor *monitor)
{
	uint8_t command = rw_message_command(cli.socket, nlh);

	switch (command) {
	case REWIRE_CMD_FLOW_NTF:
		return take_flow(nlh, monitor);
	case REWIRE_CMD_PUNT_NTF:
		return take_punts(nlh);
	case REWIRE_CMD_ATTACH_NTF:
	case REWIRE_CMD_RULE_NTF:
	case REWIRE_CMD_TARGET_NTF:
	case REWIRE_CMD_LIMIT_NTF:
	case REWIRE_CMD_POLICY_NTF:
	case REWIRE_CMD_DELEGATE_NTF:
		return take_config(nlh, command, monitor);
	default:
		return 0;	/* of a newer module */
	}
}

static int watch(const struct args *args, struct monitor *monitor)
{
	static char buffer[RW_MESSAGE_MAX];

	for (;;) {
		ssize_t received = rw_socket_receive(cli.socket, buffer, sizeof(buffer), 0);
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)buffer;
		int length = received, ret;

		print_forget_devices();
		if (received == -ENOBUFS) {
			print_lost("any", 0);
			fflush(stdout);
			continue;
		}
		if (received < 0) {
			cli_error("%s: %s", args->object, strerror(-received));
			return EXIT_REFUSED;
		}
		for (; mnl_nlmsg_ok(nlh, length); nlh = mnl_nlmsg_next(nlh, &length)) {
			ret = take(nlh, monitor);
			if (ret) {
				cli_error("%s: a notification is malformed", args->object);
				return EXIT_REFUSED;
			}
		}
		if (fflush(stdout))
			return 0;	/* main says why */
	}
}

static void tell(const json_t *event)
{
	const char *key;
	json_t *value;

	print_record();
	json_object_foreach((json_t *)event, key, value) {
		const char *word = strcmp(key, "event") ? key : "";

		if (json_is_string(value))
			print_string(key, word, json_string_value(value));
		else if (json_is_integer(value))
			print_number(key, word, json_integer_value(value));
	}
	print_record_end();
}

static int run(struct args *args)
{
	static const struct rw_name groups[] = {
		{ REWIRE_MCGRP_FLOW, "" }, { REWIRE_MCGRP_PUNT, "" }, { REWIRE_MCGRP_CONFIG, "" },
		{ "daemon", "" }, { NULL, NULL }
	};
	int i, only = args->count ? args_match(groups, sizeof(groups[0]), args->words[0]) : 0;
	struct monitor monitor = { 0 };
	struct rw_error error;

	if (args->count > 1 || only < 0)
		return args_error(args, "unknown argument \"%s\"", args->words[args->count > 1]);
	if (args->count && !strcmp(groups[only].name, "daemon"))
		return control_follow(args, tell);
	if (!cli_socket())
		return EXIT_REFUSED;
	rw_socket_set_buffers(cli.socket, RECEIVE_BUFFER, 0);
	for (i = 0; groups[i].name; i++) {
		if (args->count ? i != only : !strcmp(groups[i].name, "daemon"))
			continue;
		if (rw_socket_join(cli.socket, groups[i].name, &error)) {
			cli_error("%s: %s", args->object, error.sentence);
			return EXIT_REFUSED;
		}
	}
	return watch(args, &monitor);
}

const struct object monitor_object = { "monitor", usage, NULL, run };

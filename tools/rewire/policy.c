// SPDX-License-Identifier: GPL-2.0
/* rewire policy: how flows are kept and their packets checked. */

#include "args.h"
#include "objects.h"
#include "print.h"

static const char usage[] =
	"Usage: rewire policy set id N [ tcp { loose | strict | off } ] [ pickup { no | yes } ]\n"
	"                         [ mss N ] [ TIMEOUT MS ]...\n"
	"       rewire policy del id N\n"
	"       rewire policy [ show ]\n"
	"where  TIMEOUT := { tcp-unreplied | tcp-syn-sent | tcp-syn-received | tcp-established |\n"
	"                    tcp-fin-wait | tcp-last-ack | tcp-time-wait | tcp-closed |\n"
	"                    udp-unreplied | udp-replied | icmp | other-unreplied | other-replied }\n"
	"set changes what is given, or makes a policy with defaults for the rest. mss 0 lets any\n"
	"maximum segment size pass, mss 1 what fits the devices of both ends.\n";

static const struct rw_name pickup_names[] = {
	{ "no", "" }, { "yes", "" }, { NULL, NULL }
};

enum { ID, TCP, PICKUP, MSS };

#define TIMEOUT(name_, kind_)									\
	{ .name = name_, .kind = ARG_U32, .min = 1,						\
	  .offset = offsetof(struct rw_policy, timeouts) +					\
		    REWIRE_A_TIMEOUTS_##kind_ * sizeof(uint32_t),				\
	  .path = { { REWIRE_A_POLICY_TIMEOUTS, REWIRE_A_TIMEOUTS_##kind_ } } }

static const struct arg table[] = {
	[ID] = { .name = "id", .kind = ARG_U32, .min = 1, .offset = offsetof(struct rw_policy, id),
		 .path = { { REWIRE_A_POLICY_ID } } },
	[TCP] = { .name = "tcp", .kind = ARG_NAME, .names = rw_tcp_mode_names,
		  .offset = offsetof(struct rw_policy, tcp), .path = { { REWIRE_A_POLICY_TCP } } },
	[PICKUP] = { .name = "pickup", .kind = ARG_NAME, .names = pickup_names,
		     .offset = offsetof(struct rw_policy, pickup),
		     .path = { { REWIRE_A_POLICY_PICKUP } } },
	[MSS] = { .name = "mss", .kind = ARG_U32, .max = UINT16_MAX,
		  .offset = offsetof(struct rw_policy, mss), .path = { { REWIRE_A_POLICY_MSS } } },
	TIMEOUT("tcp-unreplied", TCP_UNREPLIED), TIMEOUT("tcp-syn-sent", TCP_SYN_SENT),
	TIMEOUT("tcp-syn-received", TCP_SYN_RECEIVED), TIMEOUT("tcp-established", TCP_ESTABLISHED),
	TIMEOUT("tcp-fin-wait", TCP_FIN_WAIT), TIMEOUT("tcp-last-ack", TCP_LAST_ACK),
	TIMEOUT("tcp-time-wait", TCP_TIME_WAIT), TIMEOUT("tcp-closed", TCP_CLOSED),
	TIMEOUT("udp-unreplied", UDP_UNREPLIED), TIMEOUT("udp-replied", UDP_REPLIED),
	TIMEOUT("icmp", ICMP), TIMEOUT("other-unreplied", OTHER_UNREPLIED),
	TIMEOUT("other-replied", OTHER_REPLIED),
	{ .name = NULL }
};

#define TIMEOUTS	(MSS + 1)	/* the first of them, in the order of their attributes */

static int parse(struct args *args, struct rw_policy *policy)
{
	int ret = args_parse(args, table, policy);

	if (ret)
		return ret;
	return args->value[ID] ? 0 : args_error(args, "id is missing");
}

static int policy_set(struct args *args)
{
	struct rw_policy policy = { 0 };
	struct rw_error error;
	uint32_t given = 0;
	int place, ret = parse(args, &policy);

	if (ret)
		return ret;
	for (place = ID; place <= MSS; place++)
		if (args->value[place])
			given |= 1U << table[place].path[0][0];
	if (!cli_socket())
		return EXIT_REFUSED;
	return rw_policy_set(cli.socket, &policy, given, &error) ?
	       args_refused(args, table, &error) : 0;
}

static int policy_del(struct args *args)
{
	struct rw_policy policy = { 0 };
	struct rw_error error;
	int place, ret = parse(args, &policy);

	if (ret)
		return ret;
	for (place = TCP; table[place].name; place++)
		if (args->value[place])
			return args_error(args, "unknown argument \"%s\"", table[place].name);
	if (!cli_socket())
		return EXIT_REFUSED;
	return rw_policy_del(cli.socket, policy.id, &error) ? args_refused(args, table, &error) : 0;
}

const char *policy_timeout_name(int attr)
{
	return table[TIMEOUTS + attr - 1].name;
}

void policy_print_members(const struct rw_policy *policy)
{
	int i;

	print_number("id", "id", policy->id);
	print_string("tcp", "tcp", rw_name(rw_tcp_mode_names, policy->tcp));
	print_string("pickup", "pickup", rw_name(pickup_names, policy->pickup));
	print_number("mss", policy->mss || cli.details ? "mss" : NULL, policy->mss);
	print_number("flows", "flows", policy->flows);
	if (cli.details)
		print_line();
	for (i = 1; i <= REWIRE_A_TIMEOUTS_MAX; i++) {
		const char *name = policy_timeout_name(i);

		print_duration(name, cli.details ? name : NULL, policy->timeouts[i]);
	}
}

static int show(const struct rw_policy *policy, void *data)
{
	(void)data;
	print_record();
	policy_print_members(policy);
	print_record_end();
	return 0;
}

static int policy_show(struct args *args)
{
	struct rw_error error;
	int ret = args_none(args);

	if (ret)
		return ret;
	if (!cli_socket())
		return EXIT_REFUSED;
	print_list();
	ret = rw_policy_each(cli.socket, show, NULL, &error);
	print_list_end();
	return ret ? args_refused(args, NULL, &error) : 0;
}

static const struct command commands[] = {
	{ "show", policy_show }, { "set", policy_set }, { "del", policy_del }, { NULL, NULL }
};

const struct object policy_object = { "policy", usage, commands, NULL };

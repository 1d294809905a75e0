// SPDX-License-Identifier: GPL-2.0
/* rewire verdict: answer a punt by hand. */

#include "args.h"
#include "key.h"

static const char usage[] =
	"Usage: rewire verdict add flow KEY to { [ vni N ] [ src ADDR[:PORT] ] [ dst ADDR[:PORT] ] }\n"
	"                               [ punt N ] [ MORE ]\n"
	"       rewire verdict add { drop | pass } KEY [ punt N ] [ lifetime MS ]\n"
	"                               [ reject { prohibited | reset } ]\n"
	"where  KEY := vni N protocol PROTO src ADDR[:PORT] dst ADDR[:PORT]\n"
	"       MORE := as of rewire flow add\n";

enum { FLOW = KEY_ARGS, DROP, PASS, PUNT, LIFETIME, REJECT };

static const struct arg table[] = {
	KEY_FLOW_TABLE(0),
	[FLOW] = { .name = "flow", .kind = ARG_WORD, .min = REWIRE_VERDICT_ACTION_FLOW,
		   .offset = offsetof(struct key_values, action) },
	[DROP] = { .name = "drop", .kind = ARG_WORD, .min = REWIRE_VERDICT_ACTION_DROP,
		   .offset = offsetof(struct key_values, action) },
	[PASS] = { .name = "pass", .kind = ARG_WORD, .min = REWIRE_VERDICT_ACTION_PASS,
		   .offset = offsetof(struct key_values, action) },
	[PUNT] = { .name = "punt", .kind = ARG_U64, .min = 1,
		   .offset = offsetof(struct key_values, punt) },
	[LIFETIME] = { .name = "lifetime", .kind = ARG_U32, .max = 3600000,
		       .offset = offsetof(struct key_values, lifetime) },
	[REJECT] = { .name = "reject", .kind = ARG_NAME, .names = rw_reject_names,
		     .offset = offsetof(struct key_values, reject) },
	{ .name = NULL }
};

/* What a flow alone has must not be there for the other actions, and the other way round. */
static int check(const struct args *args)
{
	int place;

	if (!args->value[FLOW] && !args->value[DROP] && !args->value[PASS])
		return args_error(args, "flow, drop or pass is missing");
	if (args->value[FLOW] && args->value[LIFETIME])
		return args_error(args, "lifetime is for drop and pass only");
	if (args->value[REJECT] && !args->value[DROP])
		return args_error(args, "reject is for drop only");
	for (place = KEY_TO; place < KEY_ARGS && !args->value[FLOW]; place++)
		if (args->value[place])
			return args_error(args, "%s is for flow only", table[place].name);
	return 0;
}

static int verdict_add(struct args *args)
{
	struct key_values values = { 0 };
	struct rw_verdict verdict = { 0 };
	struct rw_error error;
	int ret = args_parse(args, table, &values);

	if (!ret)
		ret = check(args);
	if (!ret && args->value[FLOW])
		ret = key_flow(args, &values, &verdict.flow);
	else if (!ret)
		ret = key_tuple(args, &values.key, &verdict.flow.orig);
	if (ret)
		return ret;
	verdict.action = values.action;
	verdict.punt_id = values.punt;
	verdict.lifetime = values.lifetime;
	verdict.reject = values.reject;
	if (!cli_socket())
		return EXIT_REFUSED;
	return rw_verdict_add(cli.socket, &verdict, &error) ? args_refused(args, NULL, &error) : 0;
}

static const struct command commands[] = {
	{ "add", verdict_add }, { NULL, NULL }
};

const struct object verdict_object = { "verdict", usage, commands, NULL };

// SPDX-License-Identifier: GPL-2.0
/* rewire target: what flows point at. */

#include "args.h"
#include "objects.h"
#include "print.h"

static const char usage[] =
	"Usage: rewire target { add | set } id N [ state { active | draining | down } ]\n"
	"       rewire target del id N\n"
	"       rewire target [ show ]\n"
	"set changes the state of a target, or makes one.\n";

enum { ID, STATE };

static const struct arg table[] = {
	[ID] = { .name = "id", .kind = ARG_U32, .min = 1, .offset = offsetof(struct rw_target, id),
		 .path = { { REWIRE_A_TARGET_ID } } },
	[STATE] = { .name = "state", .kind = ARG_NAME, .names = rw_target_state_names,
		    .offset = offsetof(struct rw_target, state),
		    .path = { { REWIRE_A_TARGET_STATE } } },
	{ .name = NULL }
};

static int parse(struct args *args, struct rw_target *target)
{
	int ret = args_parse(args, table, target);

	if (ret)
		return ret;
	return args->value[ID] ? 0 : args_error(args, "id is missing");
}

static int set(struct args *args, const struct rw_target *target)
{
	struct rw_error error;

	if (!cli_socket())
		return EXIT_REFUSED;
	return rw_target_set(cli.socket, target->id, target->state, &error) ?
	       args_refused(args, table, &error) : 0;
}

static int target_add(struct args *args)
{
	struct rw_target target = { 0 };
	int ret = parse(args, &target);

	return ret ? ret : set(args, &target);
}

static int target_set(struct args *args)
{
	struct rw_target target = { 0 };
	int ret = parse(args, &target);

	if (!ret && !args->value[STATE])
		return args_error(args, "state is missing");
	return ret ? ret : set(args, &target);
}

static int target_del(struct args *args)
{
	struct rw_target target = { 0 };
	struct rw_error error;
	int ret = parse(args, &target);

	if (ret)
		return ret;
	if (args->value[STATE])
		return args_error(args, "unknown argument \"state\"");
	if (!cli_socket())
		return EXIT_REFUSED;
	return rw_target_del(cli.socket, target.id, &error) ? args_refused(args, table, &error) : 0;
}

void target_print_members(const struct rw_target *target)
{
	print_number("id", "target", target->id);
	print_coloured(target->state == REWIRE_TARGET_STATE_ACTIVE ? PRINT_GOOD : PRINT_BAD,
		       "state", "state", rw_name(rw_target_state_names, target->state));
	print_number("flows", "flows", target->flows);
	print_number("generation", cli.details ? "generation" : NULL, target->generation);
	print_number("retired-flows", cli.details ? "retired-flows" : NULL, target->retired_flows);
}

static int show(const struct rw_target *target, void *data)
{
	(void)data;
	print_record();
	target_print_members(target);
	print_record_end();
	return 0;
}

static int target_show(struct args *args)
{
	struct rw_error error;
	int ret = args_none(args);

	if (ret)
		return ret;
	if (!cli_socket())
		return EXIT_REFUSED;
	print_list();
	ret = rw_target_each(cli.socket, show, NULL, &error);
	print_list_end();
	return ret ? args_refused(args, NULL, &error) : 0;
}

static const struct command commands[] = {
	{ "show", target_show }, { "add", target_add }, { "set", target_set },
	{ "del", target_del }, { NULL, NULL }
};

const struct object target_object = { "target", usage, commands, NULL };

// SPDX-License-Identifier: GPL-2.0
/* rewire backend: where services send their flows. */

#include "control.h"

static const char usage[] =
	"Usage: rewire backend [ show [ name NAME ] ]\n"
	"       rewire backend set id N state { active | draining | down }\n";

static const struct arg name_table[] = {
	{ .name = "name", .kind = ARG_TEXT },
	{ .name = NULL }
};

static const struct arg set_table[] = {
	{ .name = "id", .kind = ARG_U32, .min = 1, .offset = offsetof(struct rw_target, id) },
	{ .name = "state", .kind = ARG_NAME, .names = rw_target_state_names,
	  .offset = offsetof(struct rw_target, state) },
	{ .name = NULL }
};

static int backend_show(struct args *args)
{
	const char *name = NULL;
	int ret = args_parse(args, name_table, &name);

	return ret ? ret : control_show_named(args, "backend.show", name);
}

static int backend_set(struct args *args)
{
	struct rw_target target = { 0 };
	int ret = args_parse(args, set_table, &target);
	json_t *result;

	if (ret)
		return ret;
	if (!args->value[0] || !args->value[1])
		return args_error(args, "%s is missing", args->value[0] ? "state" : "id");
	result = control_call(args, "backend.set",
			      json_pack("{s:I, s:s}", "id", (json_int_t)target.id, "state",
					rw_name(rw_target_state_names, target.state)));
	json_decref(result);
	return result ? 0 : EXIT_REFUSED;
}

static const struct command commands[] = {
	{ "show", backend_show }, { "set", backend_set }, { NULL, NULL }
};

const struct object backend_object = { "backend", usage, commands, NULL };

// SPDX-License-Identifier: GPL-2.0
/* rewire service, pool and daemon: what the daemon has and does. */

#include "control.h"

static const char service_usage[] = "Usage: rewire service [ show [ name NAME ] ]\n";
static const char pool_usage[] = "Usage: rewire pool [ show [ name NAME ] ]\n";
static const char daemon_usage[] = "Usage: rewire daemon [ show ]\n";

static const struct arg name_table[] = {
	{ .name = "name", .kind = ARG_TEXT },
	{ .name = NULL }
};

static int show_named(struct args *args, const char *method)
{
	const char *name = NULL;
	int ret = args_parse(args, name_table, &name);

	return ret ? ret : control_show_named(args, method, name);
}

static int service_show(struct args *args)
{
	return show_named(args, "service.show");
}

static int pool_show(struct args *args)
{
	return show_named(args, "pool.show");
}

static int daemon_show(struct args *args)
{
	int ret = args_none(args);

	return ret ? ret : control_show(args, "status", json_object());
}

static const struct command service_commands[] = { { "show", service_show }, { NULL, NULL } };
static const struct command pool_commands[] = { { "show", pool_show }, { NULL, NULL } };
static const struct command daemon_commands[] = { { "show", daemon_show }, { NULL, NULL } };

const struct object service_object = { "service", service_usage, service_commands, NULL };
const struct object pool_object = { "pool", pool_usage, pool_commands, NULL };
const struct object daemon_object = { "daemon", daemon_usage, daemon_commands, NULL };

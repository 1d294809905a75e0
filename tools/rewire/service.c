// SPDX-License-Identifier: GPL-2.0
/* rewire service, pool and daemon: what the daemon has and does. */

#include "control.h"

static const char service_usage[] = "Usage: rewire service [ show [ name NAME ] ]\n";
static const char pool_usage[] =
	"Usage: rewire pool [ { show | clients } [ name NAME ] ]\n"
	"       rewire pool find address ADDR port PORT [ vni N ] [ protocol PROTO ]\n";
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

static int pool_clients(struct args *args)
{
	return show_named(args, "pool.clients");
}

struct port_words {
	const char *address, *protocol;
	uint32_t port, vni;
};

static const struct arg port_table[] = {
	{ .name = "address", .kind = ARG_TEXT, .offset = offsetof(struct port_words, address) },
	{ .name = "port", .kind = ARG_U32, .min = 1, .max = 65535,
	  .offset = offsetof(struct port_words, port) },
	{ .name = "vni", .kind = ARG_U32, .max = REWIRE_VNI_MAX,
	  .offset = offsetof(struct port_words, vni) },
	{ .name = "protocol", .kind = ARG_TEXT, .offset = offsetof(struct port_words, protocol) },
	{ .name = NULL }
};

/* Who has a public port, or by a pool's arithmetic would have it. */
static int pool_find(struct args *args)
{
	struct port_words words = { 0 };
	int ret = args_parse(args, port_table, &words);
	json_t *params;

	if (ret)
		return ret;
	if (!words.address || !words.port)
		return args_error(args, "%s is missing", words.address ? "port" : "address");
	params = json_pack("{s:s, s:i, s:i}", "address", words.address, "port", words.port, "vni",
			   words.vni);
	if (words.protocol)
		json_object_set_new(params, "protocol", json_string(words.protocol));
	return control_show(args, "pool.find", params);
}

static int daemon_show(struct args *args)
{
	int ret = args_none(args);

	return ret ? ret : control_show(args, "status", json_object());
}

static const struct command service_commands[] = { { "show", service_show }, { NULL, NULL } };
static const struct command pool_commands[] = {
	{ "show", pool_show }, { "clients", pool_clients }, { "find", pool_find }, { NULL, NULL }
};
static const struct command daemon_commands[] = { { "show", daemon_show }, { NULL, NULL } };

const struct object service_object = { "service", service_usage, service_commands, NULL };
const struct object pool_object = { "pool", pool_usage, pool_commands, NULL };
const struct object daemon_object = { "daemon", daemon_usage, daemon_commands, NULL };

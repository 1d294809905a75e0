// SPDX-License-Identifier: GPL-2.0
/* rewire attach: devices whose packets belong to a virtual network. */

#include "args.h"
#include "objects.h"
#include "print.h"

static const char usage[] =
	"Usage: rewire attach add { dev DEV | local } { vni N | tunnel }\n"
	"       rewire attach del { dev DEV | local }\n"
	"       rewire attach [ show ]\n";

enum { DEV, LOCAL, VNI, TUNNEL };

struct values {
	uint32_t ifindex, local, vni, tunnel;
};

static const struct arg table[] = {
	[DEV] = { .name = "dev", .kind = ARG_DEVICE, .offset = offsetof(struct values, ifindex),
		  .path = { { REWIRE_A_ATTACH_IFINDEX } } },
	[LOCAL] = { .name = "local", .kind = ARG_WORD, .min = 1,
		    .offset = offsetof(struct values, local), .path = { { REWIRE_A_ATTACH_LOCAL } } },
	[VNI] = { .name = "vni", .kind = ARG_U32, .max = REWIRE_VNI_MAX,
		  .offset = offsetof(struct values, vni), .path = { { REWIRE_A_ATTACH_VNI } } },
	[TUNNEL] = { .name = "tunnel", .kind = ARG_WORD, .min = 1,
		     .offset = offsetof(struct values, tunnel),
		     .path = { { REWIRE_A_ATTACH_TUNNEL } } },
	{ .name = NULL }
};

static int parse(struct args *args, struct rw_attach *attach)
{
	struct values values = { 0 };
	int ret = args_parse(args, table, &values);

	if (ret)
		return ret;
	if (args->value[DEV] && args->value[LOCAL])
		return args_error(args, "dev and local exclude each other");
	if (!args->value[DEV] && !args->value[LOCAL])
		return args_error(args, "dev or local is missing");
	attach->ifindex = values.ifindex;
	attach->local = values.local;
	attach->vni = values.vni;
	attach->tunnel = values.tunnel;
	return 0;
}

static int attach_add(struct args *args)
{
	struct rw_attach attach = { 0 };
	struct rw_error error;
	int ret = parse(args, &attach);

	if (ret)
		return ret;
	if (args->value[VNI] && args->value[TUNNEL])
		return args_error(args, "vni and tunnel exclude each other");
	if (!args->value[VNI] && !args->value[TUNNEL])
		return args_error(args, "vni or tunnel is missing");
	if (!cli_socket())
		return EXIT_REFUSED;
	return rw_attach_add(cli.socket, &attach, &error) ? args_refused(args, table, &error) : 0;
}

static int attach_del(struct args *args)
{
	struct rw_attach attach = { 0 };
	struct rw_error error;
	int ret = parse(args, &attach);

	if (ret)
		return ret;
	if (args->value[VNI] || args->value[TUNNEL])
		return args_error(args, "unknown argument \"%s\"",
				  args->value[VNI] ? "vni" : "tunnel");
	if (!cli_socket())
		return EXIT_REFUSED;
	return rw_attach_del(cli.socket, &attach, &error) ? args_refused(args, table, &error) : 0;
}

void attach_print_members(const struct rw_attach *attach)
{
	print_word("attach");
	if (attach->local)
		print_flag("local", "local", true);
	else if (attach->ifname[0])
		print_coloured(PRINT_DEVICE, "dev", "dev", attach->ifname);
	else
		print_device("dev", "dev", attach->ifindex);
	if (attach->tunnel)
		print_flag("tunnel", "tunnel", true);
	else
		print_number("vni", "vni", attach->vni);
}

static int show(const struct rw_attach *attach, void *data)
{
	(void)data;
	print_record();
	attach_print_members(attach);
	print_record_end();
	return 0;
}

static int attach_show(struct args *args)
{
	struct rw_error error;
	int ret = args_none(args);

	if (ret)
		return ret;
	if (!cli_socket())
		return EXIT_REFUSED;
	print_list();
	ret = rw_attach_each(cli.socket, show, NULL, &error);
	print_list_end();
	return ret ? args_refused(args, NULL, &error) : 0;
}

static const struct command commands[] = {
	{ "show", attach_show }, { "add", attach_add }, { "del", attach_del }, { NULL, NULL }
};

const struct object attach_object = { "attach", usage, commands, NULL };

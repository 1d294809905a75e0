// SPDX-License-Identifier: GPL-2.0
/* rewire delegate: decisions that the kernel makes by itself. */

#include "address.h"
#include "args.h"
#include "objects.h"
#include "print.h"

static const char usage[] =
	"Usage: rewire delegate set id N from N vni N ports N[-N] address ADDR... [ to ADDR... ] [ to-port N ]\n"
	"                           [ decision N ]\n"
	"       rewire delegate del id N\n"
	"       rewire delegate [ show ]\n"
	"id is the policy of punt rules. New flows from virtual network from that meet them, of UDP or with a\n"
	"TCP SYN, lead to vni, and get one of the addresses (each is written as address ADDR, at most 16) and\n"
	"one of the ports from the kernel itself; to and to-port replace their destination.\n";

struct values {
	struct rw_delegate delegate;
	struct arg_ports ports;
	struct arg_list addresses, to;
	uint32_t to_port;
};

enum { ID, FROM, VNI, PORTS, ADDRESS, TO, TO_PORT, DECISION };

static const struct arg table[] = {
	[ID] = { .name = "id", .kind = ARG_U32, .min = 1, .offset = offsetof(struct values, delegate.id),
		 .path = { { REWIRE_A_DELEGATE_ID } } },
	[FROM] = { .name = "from", .kind = ARG_U32, .max = 0xffffff,
		   .offset = offsetof(struct values, delegate.from), .path = { { REWIRE_A_DELEGATE_FROM } } },
	[VNI] = { .name = "vni", .kind = ARG_U32, .max = 0xffffff,
		  .offset = offsetof(struct values, delegate.vni), .path = { { REWIRE_A_DELEGATE_VNI } } },
	[PORTS] = { .name = "ports", .kind = ARG_PORTS, .offset = offsetof(struct values, ports),
		    .path = { { REWIRE_A_DELEGATE_PORT_MIN }, { REWIRE_A_DELEGATE_PORT_MAX } } },
	[ADDRESS] = { .name = "address", .kind = ARG_LIST, .offset = offsetof(struct values, addresses),
		      .path = { { REWIRE_A_DELEGATE_ADDRESS } } },
	[TO] = { .name = "to", .kind = ARG_LIST, .offset = offsetof(struct values, to),
		 .path = { { REWIRE_A_DELEGATE_TO } } },
	[TO_PORT] = { .name = "to-port", .kind = ARG_U32, .min = 1, .max = 65535,
		      .offset = offsetof(struct values, to_port),
		      .path = { { REWIRE_A_DELEGATE_TO_PORT } } },
	[DECISION] = { .name = "decision", .kind = ARG_U64,
		       .offset = offsetof(struct values, delegate.decision),
		       .path = { { REWIRE_A_DELEGATE_DECISION } } },
	{ .name = NULL }
};

static int parse(struct args *args, struct values *values)
{
	int ret = args_parse(args, table, values);

	if (ret)
		return ret;
	return args->value[ID] ? 0 : args_error(args, "id is missing");
}

static int parse_addresses(struct args *args, const char *name, const struct arg_list *list,
			   struct rw_addr *addresses)
{
	const char *wrong;
	unsigned int i;

	for (i = 0; i < list->count; i++) {
		wrong = rw_addr_parse(list->text[i], &addresses[i]);
		if (wrong)
			return args_error(args, "%s \"%s\" %s", name, list->text[i], wrong);
	}
	return 0;
}

static int parse_all(struct args *args, struct values *values)
{
	struct rw_delegate *delegate = &values->delegate;
	int ret = parse(args, values);

	if (ret)
		return ret;
	if (!args->value[FROM] || !args->value[VNI] || !args->value[PORTS] || !args->value[ADDRESS])
		return args_error(args, "from, vni, ports and address are needed");
	if (values->to.count > 2)
		return args_error(args, "to is there more than twice");
	delegate->port_min = values->ports.min;
	delegate->port_max = values->ports.max;
	delegate->to_port = values->to_port;
	delegate->count = values->addresses.count;
	ret = parse_addresses(args, "address", &values->addresses, delegate->addresses);
	return ret ? ret : parse_addresses(args, "to", &values->to, delegate->to);
}

static int delegate_set(struct args *args)
{
	struct values values = { 0 };
	struct rw_error error;
	int ret = parse_all(args, &values);

	if (ret)
		return ret;
	if (!cli_socket())
		return EXIT_REFUSED;
	return rw_delegate_set(cli.socket, &values.delegate, &error) ?
	       args_refused(args, table, &error) : 0;
}

static int delegate_del(struct args *args)
{
	struct values values = { 0 };
	struct rw_error error;
	int i, ret = parse(args, &values);

	if (ret)
		return ret;
	for (i = FROM; i <= DECISION; i++)
		if (args->value[i])
			return args_error(args, "id alone is needed");
	if (!cli_socket())
		return EXIT_REFUSED;
	return rw_delegate_del(cli.socket, values.delegate.id, &error) ?
	       args_refused(args, table, &error) : 0;
}

void delegate_print_members(const struct rw_delegate *delegate)
{
	char text[RW_ADDR_TEXT];
	uint32_t i;

	print_number("id", "delegate", delegate->id);
	print_number("from", "from", delegate->from);
	print_number("vni", "vni", delegate->vni);
	print_ports("ports", "ports", delegate->port_min, delegate->port_max);
	print_array("addresses", "address");
	for (i = 0; i < delegate->count; i++)
		print_coloured(PRINT_ADDR, NULL, "", rw_addr_print(text, &delegate->addresses[i]));
	print_array_end();
	print_array("to", delegate->to[0].family || delegate->to[1].family ? "to" : NULL);
	for (i = 0; i < 2; i++)
		if (delegate->to[i].family)
			print_coloured(PRINT_ADDR, NULL, "", rw_addr_print(text, &delegate->to[i]));
	print_array_end();
	print_number("to-port", delegate->to_port ? "to-port" : NULL, delegate->to_port);
	print_number("decision", "decision", delegate->decision);
	print_number("flows", "flows", delegate->flows);
	print_number("conflicts", "conflicts", delegate->conflicts);
}

static int show(const struct rw_delegate *delegate, void *data)
{
	(void)data;
	print_record();
	delegate_print_members(delegate);
	print_record_end();
	return 0;
}

static int delegate_show(struct args *args)
{
	struct rw_error error;
	int ret = args_none(args);

	if (ret)
		return ret;
	if (!cli_socket())
		return EXIT_REFUSED;
	print_list();
	ret = rw_delegate_each(cli.socket, show, NULL, &error);
	print_list_end();
	return ret ? args_refused(args, NULL, &error) : 0;
}

static const struct command commands[] = {
	{ "show", delegate_show }, { "set", delegate_set }, { "del", delegate_del }, { NULL, NULL }
};

const struct object delegate_object = { "delegate", usage, commands, NULL };

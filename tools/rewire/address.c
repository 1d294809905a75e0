// SPDX-License-Identifier: GPL-2.0
/* rewire address: addresses inside of virtual networks that are answered for. */

#include "args.h"
#include "print.h"

static const char usage[] =
	"Usage: rewire address { add | del } vni N ip ADDR[/LEN]\n"
	"       rewire address [ show ]\n"
	"Questions of guests by ARP and neighbour discovery about these are answered with the\n"
	"hardware address of the device that they come in by.\n";

enum { VNI, IP };

struct values {
	uint32_t vni;
	struct arg_prefix prefix;
};

static const struct arg table[] = {
	[VNI] = { .name = "vni", .kind = ARG_U32, .max = REWIRE_VNI_MAX,
		  .offset = offsetof(struct values, vni), .path = { { REWIRE_A_ADDRESS_VNI } } },
	[IP] = { .name = "ip", .kind = ARG_PREFIX, .offset = offsetof(struct values, prefix),
		 .path = { { REWIRE_A_ADDRESS_ADDRESS }, { REWIRE_A_ADDRESS_LEN } } },
	{ .name = NULL }
};

static int change(struct args *args, int (*request)(struct rw_socket *socket,
						    const struct rw_service_address *address,
						    struct rw_error *error))
{
	struct rw_service_address address = { 0 };
	struct values values = { 0 };
	struct rw_error error;
	int ret = args_parse(args, table, &values);

	if (ret)
		return ret;
	if (!args->value[VNI])
		return args_error(args, "vni is missing");
	if (!args->value[IP])
		return args_error(args, "ip is missing");
	address.vni = values.vni;
	address.address = values.prefix.addr;
	address.len = values.prefix.len;
	if (!cli_socket())
		return EXIT_REFUSED;
	return request(cli.socket, &address, &error) ? args_refused(args, table, &error) : 0;
}

static int address_add(struct args *args)
{
	return change(args, rw_service_address_add);
}

static int address_del(struct args *args)
{
	return change(args, rw_service_address_del);
}

static int show(const struct rw_service_address *address, void *data)
{
	(void)data;
	print_record();
	print_word("address");
	print_number("vni", "vni", address->vni);
	print_prefix("ip", "ip", &address->address, address->len);
	print_number("answers", "answers", address->answers);
	print_record_end();
	return 0;
}

static int address_show(struct args *args)
{
	struct rw_error error;
	int ret = args_none(args);

	if (ret)
		return ret;
	if (!cli_socket())
		return EXIT_REFUSED;
	print_list();
	ret = rw_service_address_each(cli.socket, show, NULL, &error);
	print_list_end();
	return ret ? args_refused(args, NULL, &error) : 0;
}

static const struct command commands[] = {
	{ "show", address_show }, { "add", address_add }, { "del", address_del }, { NULL, NULL }
};

const struct object address_object = { "address", usage, commands, NULL };

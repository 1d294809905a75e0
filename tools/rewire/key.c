// SPDX-License-Identifier: GPL-2.0
/* The key of a flow and what becomes of it. */

#include "address.h"
#include "key.h"
#include "print.h"

static int check_port(const struct args *args, const char *name, const char *text,
		      const struct arg_endpoint *endpoint, uint8_t protocol)
{
	if (!text)
		return args_error(args, "%s is missing", name);
	if (endpoint->port < 0 && rw_protocol_has_ports(protocol))
		return args_error(args, "%s: \"%s\" has no port", name, text);
	return 0;
}

static uint16_t port_of(const struct arg_endpoint *endpoint)
{
	return endpoint->port < 0 ? 0 : endpoint->port;
}

int key_tuple(const struct args *args, const struct key *key, struct rw_tuple *tuple)
{
	if (!args->value[KEY_VNI])
		return args_error(args, "vni is missing");
	if (!args->value[KEY_PROTOCOL])
		return args_error(args, "protocol is missing");
	if (check_port(args, "src", args->value[KEY_SRC], &key->src, key->protocol) ||
	    check_port(args, "dst", args->value[KEY_DST], &key->dst, key->protocol))
		return EXIT_USAGE;
	*tuple = (struct rw_tuple){
		.vni = key->vni,
		.protocol = key->protocol,
		.src = key->src.addr,
		.dst = key->dst.addr,
		.sport = port_of(&key->src),
		.dport = port_of(&key->dst),
	};
	return 0;
}

static int translate(const struct args *args, const struct key_values *values,
		     struct rw_tuple *tuple)
{
	if (!args->value[KEY_TO])
		return args_error(args, "to is missing");
	if (!args->value[KEY_TO_VNI] && !args->value[KEY_TO_SRC] && !args->value[KEY_TO_DST] &&
	    !args->value[KEY_TO_REMOTE])
		return args_error(args, "to needs vni, src or dst");
	if (args->value[KEY_TO_VNI])
		tuple->vni = values->to_vni;
	if (args->value[KEY_TO_SRC]) {
		tuple->src = values->to_src.addr;
		if (values->to_src.port >= 0)
			tuple->sport = values->to_src.port;
	}
	if (args->value[KEY_TO_DST]) {
		tuple->dst = values->to_dst.addr;
		if (values->to_dst.port >= 0)
			tuple->dport = values->to_dst.port;
	}
	return 0;
}

int key_flow(const struct args *args, struct key_values *values, struct rw_flow_spec *spec)
{
	struct rw_tuple translated;
	int ret = key_tuple(args, &values->key, &spec->orig);

	if (ret)
		return ret;
	translated = spec->orig;
	ret = translate(args, values, &translated);
	if (ret)
		return ret;
	rw_tuple_inverse(&translated, &spec->reply);
	spec->policy = values->policy;
	spec->target = values->target;
	spec->decision = values->decision;
	spec->timeout = values->timeout;
	spec->orig_ifindex = values->ifindex;
	spec->reply_ifindex = values->outindex;
	return key_shape(args, values, spec);
}

void key_print(const char *json_key, const struct rw_tuple *tuple)
{
	char protocol[RW_PROTOCOL_TEXT];

	print_object(json_key, NULL);
	print_string("protocol", "", rw_protocol_print(protocol, tuple->protocol));
	print_number("vni", "vni", tuple->vni);
	print_endpoint("src", "sport", "", &tuple->src, tuple->sport);
	print_endpoint("dst", "dport", ">", &tuple->dst, tuple->dport);
	print_object_end();
}

void key_print_reply(const struct rw_tuple *reply)
{
	char protocol[RW_PROTOCOL_TEXT];

	print_object("reply", "as");
	print_string("protocol", NULL, rw_protocol_print(protocol, reply->protocol));
	print_number("vni", "vni", reply->vni);
	print_endpoint("dst", "dport", "", &reply->dst, reply->dport);
	print_endpoint("src", "sport", ">", &reply->src, reply->sport);
	print_object_end();
}

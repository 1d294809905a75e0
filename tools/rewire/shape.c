// SPDX-License-Identifier: GPL-2.0
/* What a flow has beyond a two-way rewrite, on the command line and in output. */

#include <net/if.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "key.h"
#include "print.h"

static int take_ttl(const struct args *args, const char *text, struct rw_flow_spec *spec)
{
	uint64_t number;

	if (!strcmp(text, "decrement")) {
		spec->hops = REWIRE_HOP_MODE_DECREMENT;
	} else if (!strcmp(text, "keep")) {
		spec->hops = REWIRE_HOP_MODE_KEEP;
	} else if (rw_number_parse(text, 1, 255, &number)) {
		spec->hops = REWIRE_HOP_MODE_SET;
		spec->hop_limit = number;
	} else {
		return args_error(args, "ttl: \"%s\" is not one of decrement, keep, 1 to 255", text);
	}
	return 0;
}

struct part {
	char *name, *value;
};

/* One NAME=VALUE of a copy. NULL, or what is wrong. */
static const char *take_part(const struct part *part, struct rw_tuple *to, struct rw_copy *copy)
{
	struct ether_addr lladdr;
	const char *wrong = NULL;
	uint64_t number;
	int port = -1;

	if (!strcmp(part->name, "src")) {
		wrong = rw_endpoint_parse(part->value, &to->src, &port);
		to->sport = port < 0 ? to->sport : port;
	} else if (!strcmp(part->name, "dst")) {
		wrong = rw_endpoint_parse(part->value, &to->dst, &port);
		to->dport = port < 0 ? to->dport : port;
	} else if (!strcmp(part->name, "remote")) {
		wrong = rw_addr_parse(part->value, &copy->reply_tunnel.remote);
	} else if (!strcmp(part->name, "dev")) {
		copy->reply_ifindex = if_nametoindex(part->value);
		wrong = copy->reply_ifindex ? NULL : "is not a device";
	} else if (!strcmp(part->name, "lladdr")) {
		if (!ether_aton_r(part->value, &lladdr))
			return "is not a hardware address";
		memcpy(copy->reply_tunnel.lladdr, &lladdr, sizeof(lladdr));
	} else if (!strcmp(part->name, "vni") || !strcmp(part->name, "id")) {
		if (!rw_number_parse(part->value, 0, REWIRE_VNI_MAX, &number))
			return "is not a number from 0 to 16777215";
		if (part->name[0] == 'v')
			to->vni = number;
		else
			copy->reply_tunnel.id = number;
	} else {
		wrong = "is not for vni, src, dst, dev, remote, id or lladdr";
	}
	return wrong;
}

static int take_copy(const struct args *args, const char *text, const struct rw_tuple *orig,
		     struct rw_copy *copy)
{
	struct rw_tuple to = *orig;
	char buffer[512], *word, *rest = buffer;

	if (strlen(text) >= sizeof(buffer))
		return args_error(args, "copy: \"%s\" is too long", text);
	strcpy(buffer, text);
	while ((word = strsep(&rest, ","))) {
		struct part part = { .name = strsep(&word, "="), .value = word };
		const char *wrong;

		if (!part.value)
			return args_error(args, "copy: \"%s\" is not NAME=VALUE", part.name);
		wrong = take_part(&part, &to, copy);
		if (wrong)
			return args_error(args, "copy: %s: \"%s\" %s", part.name, part.value, wrong);
	}
	rw_tuple_inverse(&to, &copy->reply);
	return 0;
}

static int take_copies(const struct args *args, struct key_values *values,
		       struct rw_flow_spec *spec)
{
	struct rw_copy copies[ARG_LIST_MAX];
	unsigned int i;

	memset(copies, 0, sizeof(copies));
	for (i = 0; i < values->copies.count; i++)
		if (take_copy(args, values->copies.text[i], &spec->orig, &copies[i]))
			return EXIT_USAGE;
	if (!rw_copies_put((struct nlmsghdr *)values->buffer, sizeof(values->buffer), copies,
			   values->copies.count, spec))
		return args_error(args, "the copies do not fit a message");
	return 0;
}

int key_shape(const struct args *args, struct key_values *values, struct rw_flow_spec *spec)
{
	if (!args->value[KEY_REMOTE] && (args->value[KEY_ID] || args->value[KEY_LLADDR]))
		return args_error(args, "remote is missing");
	if (!args->value[KEY_TO_REMOTE] && (args->value[KEY_TO_ID] || args->value[KEY_TO_LLADDR]))
		return args_error(args, "to remote is missing");
	spec->orig_tunnel = values->from;
	spec->reply_tunnel = values->through;
	spec->one_way = values->one_way;
	if (args->value[KEY_DSCP])
		spec->dscp_plus_1 = values->dscp + 1;
	spec->packet_rate = values->packet_rate;
	spec->byte_rate = values->byte_rate;
	spec->burst = values->burst;
	if (values->ttl && take_ttl(args, values->ttl, spec))
		return EXIT_USAGE;
	return values->copies.count ? take_copies(args, values, spec) : 0;
}

void key_print_tunnel(const char *json_key, const char *word, const struct rw_tunnel *tunnel)
{
	char text[RW_ADDR_TEXT];

	if (!tunnel->remote.family)
		return;
	print_object(json_key, word);
	print_coloured(PRINT_ADDR, "remote", "remote", rw_addr_print(text, &tunnel->remote));
	print_number("id", "id", tunnel->id);
	if (rw_lladdr_print(text, tunnel->lladdr))
		print_string("lladdr", "lladdr", text);
	print_object_end();
}

void key_print_shape(const struct rw_flow_spec *spec)
{
	if (spec->one_way)
		print_flag("one-way", "one-way", true);
	key_print_tunnel("orig-tunnel", "from", &spec->orig_tunnel);
	key_print_tunnel("reply-tunnel", "through", &spec->reply_tunnel);
	if (spec->dscp_plus_1)
		print_number("dscp", "dscp", spec->dscp_plus_1 - 1);
	if (spec->hops == REWIRE_HOP_MODE_SET)
		print_number("ttl", "ttl", spec->hop_limit);
	else if (spec->hops)
		print_string("ttl", "ttl", rw_name(rw_hop_mode_names, spec->hops));
	if (spec->packet_rate)
		print_number("packet-rate", "packet-rate", spec->packet_rate);
	if (spec->byte_rate)
		print_number("byte-rate", "byte-rate", spec->byte_rate);
	if (spec->burst)
		print_number("burst", "burst", spec->burst);
}

void key_print_copies(const struct rw_flow_spec *spec)
{
	const struct nlattr *attr = NULL;
	struct rw_copy copy;

	if (!spec->copies)
		return;
	print_array("copies", NULL);
	while ((attr = rw_copy_next(spec, attr, &copy))) {
		print_line();
		print_object(NULL, "copy");
		key_print_reply(&copy.reply);
		if (copy.reply_ifindex)
			print_device("outdev", "outdev", copy.reply_ifindex);
		key_print_tunnel("reply-tunnel", "through", &copy.reply_tunnel);
		print_number("packets", "packets", copy.counters.packets);
		print_number("bytes", "bytes", copy.counters.bytes);
		print_object_end();
	}
	print_array_end();
}

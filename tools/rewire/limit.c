// SPDX-License-Identifier: GPL-2.0
/* rewire limit: how much there may be, and is. */

#include <errno.h>
#include <stdlib.h>

#include "args.h"
#include "objects.h"
#include "print.h"

static const char usage[] =
	"Usage: rewire limit set { vni N | all } LIMIT...\n"
	"       rewire limit del { vni N | all }\n"
	"       rewire limit [ show [ vni N | all ] ]\n"
	"where  LIMIT := { flows SOFT[:HARD] | rate N | burst N | holds N | held-packets N |\n"
	"                  held-bytes N | udp-share PERCENT }\n"
	"0 is no limit. del takes back what was set; of all, the defaults return.\n"
	"With -stats, show prints what is in use and what was refused.\n";

enum { VNI, ALL, FLOWS, RATE, BURST, HOLDS, HELD_PACKETS, HELD_BYTES, UDP_SHARE };

struct values {
	struct rw_limit limit;
	const char *flows;
	uint32_t all;
};

#define LIMIT(member)	offsetof(struct values, limit.member)

static const struct arg table[] = {
	[VNI] = { .name = "vni", .kind = ARG_U32, .max = REWIRE_VNI_MAX, .offset = LIMIT(vni),
		  .path = { { REWIRE_A_LIMIT_VNI } } },
	[ALL] = { .name = "all", .kind = ARG_WORD, .min = 1, .offset = offsetof(struct values, all),
		  .path = { { REWIRE_A_LIMIT_ALL } } },
	[FLOWS] = { .name = "flows", .kind = ARG_TEXT, .offset = offsetof(struct values, flows),
		    .path = { { REWIRE_A_LIMIT_FLOWS_SOFT }, { REWIRE_A_LIMIT_FLOWS_HARD } } },
	[RATE] = { .name = "rate", .kind = ARG_U32, .offset = LIMIT(rate),
		   .path = { { REWIRE_A_LIMIT_RATE } } },
	[BURST] = { .name = "burst", .kind = ARG_U32, .offset = LIMIT(burst),
		    .path = { { REWIRE_A_LIMIT_BURST } } },
	[HOLDS] = { .name = "holds", .kind = ARG_U32, .offset = LIMIT(holds),
		    .path = { { REWIRE_A_LIMIT_HOLDS } } },
	[HELD_PACKETS] = { .name = "held-packets", .kind = ARG_U32, .offset = LIMIT(held_packets),
			   .path = { { REWIRE_A_LIMIT_HELD_PACKETS } } },
	[HELD_BYTES] = { .name = "held-bytes", .kind = ARG_U64, .offset = LIMIT(held_bytes),
			 .path = { { REWIRE_A_LIMIT_HELD_BYTES } } },
	[UDP_SHARE] = { .name = "udp-share", .kind = ARG_U32, .max = 100, .offset = LIMIT(udp_share),
			.path = { { REWIRE_A_LIMIT_UDP_SHARE } } },
	{ .name = NULL }
};

/* The attributes of arguments that are given, so that a 0 is sent, too. */
static uint32_t given(const struct args *args)
{
	uint32_t bits = 0;
	int i;

	for (i = RATE; i <= UDP_SHARE; i++)
		if (args->value[i])
			bits |= 1U << table[i].path[0][0];
	if (args->value[FLOWS])
		bits |= 1U << REWIRE_A_LIMIT_FLOWS_SOFT | 1U << REWIRE_A_LIMIT_FLOWS_HARD;
	return bits;
}

/* SOFT[:HARD] */
static int parse_flows(const struct args *args, const char *text, struct rw_limit *limit)
{
	unsigned long long soft, hard;
	char *end;

	errno = 0;
	soft = strtoull(text, &end, 10);
	hard = soft;
	if (end != text && *end == ':') {
		text = end + 1;
		hard = strtoull(text, &end, 10);
	}
	if (end == text || *end || *text == '-' || *text == '+' || errno || soft > UINT32_MAX ||
	    hard > UINT32_MAX)
		return args_error(args, "flows: \"%s\" is not SOFT[:HARD]", args->value[FLOWS]);
	limit->flows_soft = soft;
	limit->flows_hard = hard;
	return 0;
}

static int parse(struct args *args, struct rw_limit *limit)
{
	struct values values = { 0 };
	int ret = args_parse(args, table, &values);

	if (ret)
		return ret;
	if (args->value[VNI] && args->value[ALL])
		return args_error(args, "vni and all exclude each other");
	*limit = values.limit;
	limit->all = values.all;
	return args->value[FLOWS] ? parse_flows(args, values.flows, limit) : 0;
}

static int parse_key(struct args *args, struct rw_limit *limit)
{
	int ret = parse(args, limit);

	if (ret)
		return ret;
	return args->value[VNI] || args->value[ALL] ? 0 : args_error(args, "vni or all is missing");
}

static int limit_set(struct args *args)
{
	struct rw_limit limit;
	struct rw_error error;
	int ret = parse_key(args, &limit);

	if (ret)
		return ret;
	if (!given(args))
		return args_error(args, "a limit is missing");
	if (!cli_socket())
		return EXIT_REFUSED;
	return rw_limit_set(cli.socket, &limit, given(args), &error) ?
	       args_refused(args, table, &error) : 0;
}

static int limit_del(struct args *args)
{
	struct rw_limit limit;
	struct rw_error error;
	int ret = parse_key(args, &limit);

	if (ret)
		return ret;
	if (given(args))
		return args_error(args, "del takes no limits");
	if (!cli_socket())
		return EXIT_REFUSED;
	return rw_limit_del(cli.socket, &limit, &error) ? args_refused(args, table, &error) : 0;
}

static void show_limits(const struct rw_limit *limit)
{
	if (limit->flows_hard)
		print_number("flows-soft", "flows-soft", limit->flows_soft);
	if (limit->flows_hard)
		print_number("flows-hard", "flows-hard", limit->flows_hard);
	if (limit->rate)
		print_number("rate", "rate", limit->rate);
	if (limit->burst)
		print_number("burst", "burst", limit->burst);
	if (limit->holds)
		print_number("holds", "holds", limit->holds);
	if (limit->held_packets)
		print_number("held-packets", "held-packets", limit->held_packets);
	if (limit->held_bytes)
		print_number("held-bytes", "held-bytes", limit->held_bytes);
	if (limit->udp_share)
		print_number("udp-share", "udp-share", limit->udp_share);
}

static void show_use(const struct rw_limit *limit)
{
	print_line();
	print_number("flows", "flows", limit->flows);
	print_number("udp-flows", "udp-flows", limit->udp_flows);
	print_number("used-holds", "used-holds", limit->used_holds);
	print_number("used-held-packets", "used-held-packets", limit->used_held_packets);
	print_number("used-held-bytes", "used-held-bytes", limit->used_held_bytes);
	print_line();
	print_number("refused-flows", "refused-flows", limit->refused_flows);
	print_number("refused-udp", "refused-udp", limit->refused_udp);
	print_number("refused-rate", "refused-rate", limit->refused_rate);
	print_number("refused-held", "refused-held", limit->refused_held);
	print_number("evicted", "evicted", limit->evicted);
	print_number("early", "early", limit->early);
}

void limit_print_members(const struct rw_limit *limit)
{
	print_word("limit");
	if (limit->all)
		print_flag("all", "all", true);
	else
		print_number("vni", "vni", limit->vni);
	print_flag("set", "set", limit->set);
	show_limits(limit);
	if (cli.stats || print_style.json)
		show_use(limit);
}

static int show(const struct rw_limit *limit, void *data)
{
	const struct rw_limit *key = data;

	if (key && (key->all != limit->all || key->vni != limit->vni))
		return 0;
	print_record();
	limit_print_members(limit);
	print_record_end();
	return 0;
}

static int limit_show(struct args *args)
{
	struct rw_limit limit;
	struct rw_error error;
	int ret = parse(args, &limit);

	if (ret)
		return ret;
	if (given(args))
		return args_error(args, "show takes no limits");
	if (!cli_socket())
		return EXIT_REFUSED;
	print_list();
	ret = rw_limit_each(cli.socket, show, args->value[VNI] || args->value[ALL] ? &limit : NULL,
			    &error);
	print_list_end();
	return ret ? args_refused(args, NULL, &error) : 0;
}

static const struct command commands[] = {
	{ "show", limit_show }, { "set", limit_set }, { "del", limit_del }, { NULL, NULL }
};

const struct object limit_object = { "limit", usage, commands, NULL };

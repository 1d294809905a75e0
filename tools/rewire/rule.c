// SPDX-License-Identifier: GPL-2.0
/* rewire rule: what a packet without a flow meets. */

#include <sys/socket.h>

#include "args.h"
#include "objects.h"
#include "print.h"

static const char usage[] =
	"Usage: rewire rule add vni N [ SELECTOR ] [ preference N ] ACTION\n"
	"       rewire rule del id N\n"
	"       rewire rule [ show [ vni N ] ]\n"
	"where  SELECTOR := [ family { inet | inet6 } ] [ src PREFIX ] [ dst PREFIX ]\n"
	"                   [ protocol PROTO ] [ sport PORT[-PORT] ] [ dport PORT[-PORT] ]\n"
	"       ACTION := { pass | drop | punt [ hold { hold | drop } ]\n"
	"                   [ orphan { drop | pass | hold } ] |\n"
	"                   forward [ via ADDRESS ] [ dev DEVICE ] [ outvni N ] } [ policy N ]\n"
	"       PROTO := { tcp | udp | udplite | sctp | dccp | icmp | icmpv6 | gre | esp | NUMBER }\n"
	"With -json or -details, add prints the rule's number; with -stats, show prints hits.\n";

enum { VNI, FAMILY, SRC, DST, PROTOCOL, SPORT, DPORT, PREFERENCE, PASS, DROP, PUNT, FORWARD,
       POLICY, HOLD, ORPHAN, VIA, DEV, OUTVNI };

struct values {
	struct rw_rule rule;
	struct arg_prefix src, dst, via;
	struct arg_ports sport, dport;
};

#define RULE(member)	offsetof(struct values, rule.member)

static const struct arg table[] = {
	[VNI] = { .name = "vni", .kind = ARG_U32, .max = REWIRE_VNI_MAX, .offset = RULE(vni),
		  .path = { { REWIRE_A_RULE_VNI } } },
	[FAMILY] = { .name = "family", .kind = ARG_FAMILY, .offset = RULE(family),
		     .path = { { REWIRE_A_RULE_FAMILY } } },
	[SRC] = { .name = "src", .kind = ARG_PREFIX, .offset = offsetof(struct values, src),
		  .path = { { REWIRE_A_RULE_SRC }, { REWIRE_A_RULE_SRC_LEN } } },
	[DST] = { .name = "dst", .kind = ARG_PREFIX, .offset = offsetof(struct values, dst),
		  .path = { { REWIRE_A_RULE_DST }, { REWIRE_A_RULE_DST_LEN } } },
	[PROTOCOL] = { .name = "protocol", .kind = ARG_PROTOCOL, .offset = RULE(protocol),
		       .path = { { REWIRE_A_RULE_PROTOCOL } } },
	[SPORT] = { .name = "sport", .kind = ARG_PORTS, .offset = offsetof(struct values, sport),
		    .path = { { REWIRE_A_RULE_SPORT_MIN }, { REWIRE_A_RULE_SPORT_MAX } } },
	[DPORT] = { .name = "dport", .kind = ARG_PORTS, .offset = offsetof(struct values, dport),
		    .path = { { REWIRE_A_RULE_DPORT_MIN }, { REWIRE_A_RULE_DPORT_MAX } } },
	[PREFERENCE] = { .name = "preference", .kind = ARG_U32, .offset = RULE(preference),
			 .path = { { REWIRE_A_RULE_PREFERENCE } } },
	[PASS] = { .name = "pass", .kind = ARG_WORD, .min = REWIRE_RULE_ACTION_PASS,
		   .offset = RULE(action), .path = { { REWIRE_A_RULE_ACTION } } },
	[DROP] = { .name = "drop", .kind = ARG_WORD, .min = REWIRE_RULE_ACTION_DROP,
		   .offset = RULE(action), .path = { { REWIRE_A_RULE_ACTION } } },
	[PUNT] = { .name = "punt", .kind = ARG_WORD, .min = REWIRE_RULE_ACTION_PUNT,
		   .offset = RULE(action), .path = { { REWIRE_A_RULE_ACTION } } },
	[FORWARD] = { .name = "forward", .kind = ARG_WORD, .min = REWIRE_RULE_ACTION_FORWARD,
		      .offset = RULE(action), .path = { { REWIRE_A_RULE_ACTION } } },
	[POLICY] = { .name = "policy", .kind = ARG_U32, .offset = RULE(policy),
		     .path = { { REWIRE_A_RULE_POLICY } } },
	[HOLD] = { .name = "hold", .kind = ARG_NAME, .names = rw_hold_mode_names,
		   .offset = RULE(hold), .path = { { REWIRE_A_RULE_HOLD } } },
	[ORPHAN] = { .name = "orphan", .kind = ARG_NAME, .names = rw_orphan_mode_names,
		     .offset = RULE(orphan), .path = { { REWIRE_A_RULE_ORPHAN } } },
	[VIA] = { .name = "via", .kind = ARG_PREFIX, .offset = offsetof(struct values, via),
		  .path = { { REWIRE_A_RULE_VIA } } },
	[DEV] = { .name = "dev", .kind = ARG_DEVICE, .offset = RULE(via_ifindex),
		  .path = { { REWIRE_A_RULE_VIA_IFINDEX } } },
	[OUTVNI] = { .name = "outvni", .kind = ARG_U32, .max = REWIRE_VNI_MAX,
		     .offset = RULE(via_vni), .path = { { REWIRE_A_RULE_VIA_VNI } } },
	{ .name = NULL }
};

/* An argument that is for one action only, if it is there without it. */
static const char *misplaced(const struct args *args, int action, int first, int last)
{
	for (; !args->value[action] && first <= last; first++)
		if (args->value[first])
			return table[first].name;
	return NULL;
}

static int check(const struct args *args, const struct values *values)
{
	const char *name;

	if (!args->value[VNI])
		return args_error(args, "vni is missing");
	if (!args->value[PASS] && !args->value[DROP] && !args->value[PUNT] && !args->value[FORWARD])
		return args_error(args, "pass, drop, punt or forward is missing");
	name = misplaced(args, PUNT, HOLD, ORPHAN);
	if (name)
		return args_error(args, "%s is for punt only", name);
	name = misplaced(args, FORWARD, VIA, OUTVNI);
	if (name)
		return args_error(args, "%s is for forward only", name);
	if (args->value[VIA] && values->via.len != rw_addr_bits(&values->via.addr))
		return args_error(args, "via: \"%s\" is a prefix, not an address", args->value[VIA]);
	return 0;
}

static int parse(struct args *args, struct rw_rule *rule)
{
	struct values values = { 0 };
	int ret = args_parse(args, table, &values);

	if (ret)
		return ret;
	ret = check(args, &values);
	if (ret)
		return ret;
	*rule = values.rule;
	rule->src = values.src.addr;
	rule->src_len = values.src.len;
	rule->dst = values.dst.addr;
	rule->dst_len = values.dst.len;
	rule->sport_min = values.sport.min;
	rule->sport_max = values.sport.max;
	rule->dport_min = values.dport.min;
	rule->dport_max = values.dport.max;
	rule->via = values.via.addr;
	rule->has_via_vni = args->value[OUTVNI];
	return 0;
}

static int rule_add(struct args *args)
{
	struct rw_rule rule;
	struct rw_error error;
	int ret = parse(args, &rule);

	if (ret)
		return ret;
	if (!cli_socket())
		return EXIT_REFUSED;
	if (rw_rule_add(cli.socket, &rule, &error))
		return args_refused(args, table, &error);
	if (cli.details || print_style.json) {
		print_record();
		print_number("id", "rule", rule.id);
		print_record_end();
	}
	return 0;
}

static const struct arg id_table[] = {
	{ .name = "id", .kind = ARG_U32, .min = 1, .path = { { REWIRE_A_RULE_ID } } },
	{ .name = NULL }
};

static int rule_del(struct args *args)
{
	struct rw_error error;
	uint32_t id;
	int ret = args_parse(args, id_table, &id);

	if (ret)
		return ret;
	if (!args->value[0])
		return args_error(args, "id is missing");
	if (!cli_socket())
		return EXIT_REFUSED;
	return rw_rule_del(cli.socket, id, &error) ? args_refused(args, id_table, &error) : 0;
}

static void show_selector(const struct rw_rule *rule)
{
	char protocol[RW_PROTOCOL_TEXT];

	if (rule->family && !rule->src.family && !rule->dst.family)
		print_string("family", "family", rule->family == AF_INET ? "inet" : "inet6");
	if (rule->src.family)
		print_prefix("src", "src", &rule->src, rule->src_len);
	if (rule->dst.family)
		print_prefix("dst", "dst", &rule->dst, rule->dst_len);
	if (rule->protocol)
		print_string("protocol", "protocol", rw_protocol_print(protocol, rule->protocol));
	if (rule->sport_max)
		print_ports("sport", "sport", rule->sport_min, rule->sport_max);
	if (rule->dport_max)
		print_ports("dport", "dport", rule->dport_min, rule->dport_max);
}

static void show_forward(const struct rw_rule *rule)
{
	char text[RW_ADDR_TEXT];

	if (rule->via.family)
		print_coloured(PRINT_ADDR, "via", "via", rw_addr_print(text, &rule->via));
	if (rule->via_ifindex)
		print_device("dev", "dev", rule->via_ifindex);
	if (rule->has_via_vni)
		print_number("outvni", "outvni", rule->via_vni);
}

void rule_print_members(const struct rw_rule *rule)
{
	print_number("id", "rule", rule->id);
	print_number("vni", "vni", rule->vni);
	show_selector(rule);
	print_number("preference", "preference", rule->preference);
	print_string("action", "", rw_name(rw_rule_action_names, rule->action));
	if (rule->action == REWIRE_RULE_ACTION_PUNT || rule->policy)
		print_number("policy", "policy", rule->policy);
	if (rule->action == REWIRE_RULE_ACTION_PUNT) {
		print_string("hold", "hold", rw_name(rw_hold_mode_names, rule->hold));
		print_string("orphan", "orphan", rw_name(rw_orphan_mode_names, rule->orphan));
	}
	if (rule->action == REWIRE_RULE_ACTION_FORWARD)
		show_forward(rule);
	if (cli.stats)
		print_number("hits", "hits", rule->hits);
	if (cli.stats && rule->action == REWIRE_RULE_ACTION_FORWARD)
		print_number("bytes", "bytes", rule->bytes);
}

static int show(const struct rw_rule *rule, void *data)
{
	const uint32_t *vni = data;

	if (vni && rule->vni != *vni)
		return 0;
	print_record();
	rule_print_members(rule);
	print_record_end();
	return 0;
}

static const struct arg show_table[] = {
	{ .name = "vni", .kind = ARG_U32, .max = REWIRE_VNI_MAX },
	{ .name = NULL }
};

static int rule_show(struct args *args)
{
	struct rw_error error;
	uint32_t vni;
	int ret = args_parse(args, show_table, &vni);

	if (ret)
		return ret;
	if (!cli_socket())
		return EXIT_REFUSED;
	print_list();
	ret = rw_rule_each(cli.socket, show, args->value[0] ? &vni : NULL, &error);
	print_list_end();
	return ret ? args_refused(args, NULL, &error) : 0;
}

static const struct command commands[] = {
	{ "show", rule_show }, { "add", rule_add }, { "del", rule_del }, { NULL, NULL }
};

const struct object rule_object = { "rule", usage, commands, NULL };

// SPDX-License-Identifier: GPL-2.0
/* rewire flow: both directions of a flow. */

#include <errno.h>

#include "args.h"
#include "key.h"
#include "print.h"

static const char usage[] =
	"Usage: rewire flow add KEY to { [ vni N ] [ src ADDR[:PORT] ] [ dst ADDR[:PORT] ] } [ MORE ]\n"
	"       rewire flow { del | get } KEY\n"
	"       rewire flow [ show [ FILTER ] ]\n"
	"       rewire flow { count | flush } [ FILTER ]\n"
	"where  KEY := vni N protocol PROTO src ADDR[:PORT] dst ADDR[:PORT]\n"
	"       MORE := [ policy N ] [ target N ] [ decision N ] [ timeout MS ] [ dev DEV ]\n"
	"               [ outdev DEV ]\n"
	"       FILTER := [ vni N ] [ protocol PROTO ] [ src ADDR[:PORT] ] [ dst ADDR[:PORT] ]\n"
	"                 [ state STATE ] [ policy N ] [ target N ]\n"
	"       PROTO := { tcp | udp | udplite | sctp | dccp | icmp | icmpv6 | gre | esp | NUMBER }\n"
	"       STATE := { unreplied | replied | syn-sent | syn-received | established |\n"
	"                  fin-wait | last-ack | time-wait | closed }\n"
	"An IPv6 address with a port is [ADDR]:PORT. The identifier of an ICMP echo request is\n"
	"the port of its source. What to does not name stays as it is. With -json or -details,\n"
	"add prints the flow; with -stats, show prints counters.\n";

static const struct arg add_table[] = {
	KEY_FLOW_TABLE(REWIRE_A_FLOW_MESSAGE_SPEC),
	{ .name = NULL }
};

static const struct arg key_table[] = {
	KEY_TABLE(REWIRE_A_FLOW_MESSAGE_FILTER, ARG_ANYWHERE),
	{ .name = NULL }
};

static void show_counters(const char *key, const struct rw_counters *counters)
{
	print_object(key, key);
	print_number("packets", "packets", counters->packets);
	print_number("bytes", "bytes", counters->bytes);
	print_object_end();
}

static enum print_colour colour_of(uint32_t state)
{
	return state == REWIRE_FLOW_STATE_ESTABLISHED || state == REWIRE_FLOW_STATE_REPLIED ?
	       PRINT_GOOD : PRINT_PLAIN;
}

static void show_about(const struct rw_flow_spec *spec)
{
	print_number("policy", spec->policy || cli.details ? "policy" : NULL, spec->policy);
	print_number("target", spec->target || cli.details ? "target" : NULL, spec->target);
	print_number("decision", spec->decision && cli.details ? "decision" : NULL, spec->decision);
	if (spec->timeout)
		print_duration("timeout", "timeout", spec->timeout);
	if (spec->orig_ifindex)
		print_device("dev", "dev", spec->orig_ifindex);
	if (spec->reply_ifindex)
		print_device("outdev", "outdev", spec->reply_ifindex);
}

static int show(const struct rw_flow *flow, void *data)
{
	bool translates = flow->action == REWIRE_FLOW_ACTION_TRANSLATE;

	(void)data;
	print_record();
	print_number("id", "flow", flow->id);
	key_print("orig", &flow->spec.orig);
	if (flow->spec.reply.protocol)
		key_print_reply(&flow->spec.reply);
	print_string("action", translates ? NULL : "action", rw_name(rw_flow_action_names, flow->action));
	print_coloured(colour_of(flow->state), "state", translates ? "state" : NULL,
		       rw_name(rw_flow_state_names, flow->state));
	show_about(&flow->spec);
	print_duration("age", "age", flow->age);
	print_duration("idle", "idle", flow->idle);
	print_duration("expires", "expires", flow->expires);
	if (cli.stats) {
		print_line();
		show_counters("orig-counters", &flow->orig);
		if (flow->spec.reply.protocol)
			show_counters("reply-counters", &flow->reply);
	}
	print_record_end();
	return 0;
}

static int flow_add(struct args *args)
{
	struct key_values values = { 0 };
	struct rw_flow_spec spec = { 0 };
	struct rw_error error;
	struct rw_flow flow;
	int ret = args_parse(args, add_table, &values);

	if (!ret)
		ret = key_flow(args, &values, &spec);
	if (ret)
		return ret;
	if (!cli_socket())
		return EXIT_REFUSED;
	if (rw_flow_add(cli.socket, &spec, &error))
		return args_refused(args, add_table, &error);
	if (!cli.details && !print_style.json)
		return 0;
	if (rw_flow_get(cli.socket, &spec.orig, &flow, &error))
		return args_refused(args, NULL, &error);
	return show(&flow, NULL);
}

static int parse_key(struct args *args, struct rw_tuple *tuple)
{
	struct key_values values = { 0 };
	int ret = args_parse(args, key_table, &values);

	return ret ? ret : key_tuple(args, &values.key, tuple);
}

static int flow_del(struct args *args)
{
	struct rw_error error;
	struct rw_tuple key;
	int ret = parse_key(args, &key);

	if (ret)
		return ret;
	if (!cli_socket())
		return EXIT_REFUSED;
	return rw_flow_del(cli.socket, &key, &error) ? args_refused(args, key_table, &error) : 0;
}

static int flow_get(struct args *args)
{
	struct rw_error error;
	struct rw_tuple key;
	struct rw_flow flow;
	int ret = parse_key(args, &key);

	if (ret)
		return ret;
	if (!cli_socket())
		return EXIT_REFUSED;
	if (rw_flow_get(cli.socket, &key, &flow, &error))
		return args_refused(args, key_table, &error);
	return show(&flow, NULL);
}

enum { FILTER_STATE = KEY_DST + 1, FILTER_POLICY, FILTER_TARGET };

struct filter_values {
	struct key_values key;
	uint32_t state, policy, target;
};

static const struct arg filter_table[] = {
	KEY_TABLE(REWIRE_A_FLOW_MESSAGE_FILTER, ARG_ANYWHERE),
	[FILTER_STATE] = { .name = "state", .kind = ARG_NAME, .names = rw_flow_state_names,
		.offset = offsetof(struct filter_values, state),
		.path = { { REWIRE_A_FLOW_MESSAGE_FILTER, REWIRE_A_FLOW_STATE } } },
	[FILTER_POLICY] = { .name = "policy", .kind = ARG_U32,
		.offset = offsetof(struct filter_values, policy),
		.path = { { REWIRE_A_FLOW_MESSAGE_FILTER, REWIRE_A_FLOW_POLICY } } },
	[FILTER_TARGET] = { .name = "target", .kind = ARG_U32,
		.offset = offsetof(struct filter_values, target),
		.path = { { REWIRE_A_FLOW_MESSAGE_FILTER, REWIRE_A_FLOW_TARGET } } },
	{ .name = NULL }
};

static void filter_key(const struct args *args, const struct key *key, struct rw_flow_filter *filter)
{
	filter->orig = (struct rw_tuple){
		.vni = key->vni, .protocol = key->protocol,
		.src = key->src.addr, .sport = key->src.port,
		.dst = key->dst.addr, .dport = key->dst.port,
	};
	if (args->value[KEY_VNI])
		filter->tuple |= 1U << REWIRE_A_TUPLE_VNI;
	if (args->value[KEY_PROTOCOL])
		filter->tuple |= 1U << REWIRE_A_TUPLE_PROTOCOL;
	if (args->value[KEY_SRC])
		filter->tuple |= 1U << REWIRE_A_TUPLE_SRC;
	if (args->value[KEY_SRC] && key->src.port >= 0)
		filter->tuple |= 1U << REWIRE_A_TUPLE_SPORT;
	if (args->value[KEY_DST])
		filter->tuple |= 1U << REWIRE_A_TUPLE_DST;
	if (args->value[KEY_DST] && key->dst.port >= 0)
		filter->tuple |= 1U << REWIRE_A_TUPLE_DPORT;
}

/* Without arguments there is no filter: *given is NULL. */
static int parse_filter(struct args *args, struct rw_flow_filter *filter,
			struct rw_flow_filter **given)
{
	struct filter_values values = { 0 };
	int ret = args_parse(args, filter_table, &values);

	filter_key(args, &values.key.key, filter);
	filter->state = values.state;
	filter->policy = values.policy;
	filter->target = values.target;
	if (args->value[FILTER_STATE])
		filter->match |= RW_FLOW_MATCH_STATE;
	if (args->value[FILTER_POLICY])
		filter->match |= RW_FLOW_MATCH_POLICY;
	if (args->value[FILTER_TARGET])
		filter->match |= RW_FLOW_MATCH_TARGET;
	*given = args->count ? filter : NULL;
	return ret;
}

static int flow_show(struct args *args)
{
	struct rw_flow_filter filter = { 0 }, *given;
	struct rw_error error;
	int ret = parse_filter(args, &filter, &given);

	if (ret)
		return ret;
	if (!cli_socket())
		return EXIT_REFUSED;
	print_list();
	ret = rw_flow_each(cli.socket, given, show, NULL, &error);
	print_list_end();
	return ret ? args_refused(args, filter_table, &error) : 0;
}

static int count(const struct rw_flow *flow, void *data)
{
	uint64_t *flows = data;

	(void)flow;
	(*flows)++;
	return 0;
}

/* All flows are counted by the kernel, those of a filter here; a disturbed dump would count wrong. */
static int count_flows(const struct rw_flow_filter *filter, uint64_t *flows, struct rw_error *error)
{
	struct rw_stats stats;
	int ret, attempt;

	if (!filter) {
		ret = rw_stats_get(cli.socket, false, &stats, error);
		*flows = stats.flows;
		return ret;
	}
	for (attempt = 0; attempt < 10; attempt++) {
		*flows = 0;
		ret = rw_flow_each(cli.socket, filter, count, flows, error);
		if (ret != -EINTR)
			break;
	}
	return ret;
}

static int flow_count(struct args *args)
{
	struct rw_flow_filter filter = { 0 }, *given;
	struct rw_error error;
	uint64_t flows;
	int ret = parse_filter(args, &filter, &given);

	if (ret)
		return ret;
	if (!cli_socket())
		return EXIT_REFUSED;
	if (count_flows(given, &flows, &error))
		return args_refused(args, filter_table, &error);
	print_record();
	print_number("flows", "", flows);
	print_record_end();
	return 0;
}

static int flow_flush(struct args *args)
{
	struct rw_flow_filter filter = { 0 }, *given;
	struct rw_error error;
	int ret = parse_filter(args, &filter, &given);

	if (ret)
		return ret;
	if (!cli_socket())
		return EXIT_REFUSED;
	return rw_flow_flush(cli.socket, given, &error) ? args_refused(args, filter_table, &error) : 0;
}

static const struct command commands[] = {
	{ "show", flow_show }, { "add", flow_add }, { "del", flow_del }, { "get", flow_get },
	{ "count", flow_count }, { "flush", flow_flush }, { NULL, NULL }
};

const struct object flow_object = { "flow", usage, commands, NULL };

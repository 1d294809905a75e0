// SPDX-License-Identifier: GPL-2.0
/* rewire flow: both directions of a flow. */

#include <stdlib.h>

#include "filter.h"
#include "key.h"
#include "objects.h"
#include "past.h"
#include "print.h"
#include "restore.h"
#include "save.h"

static const char usage[] =
	"Usage: rewire flow add KEY to { [ vni N ] [ src ADDR[:PORT] ] [ dst ADDR[:PORT] ]\n"
	"                            [ TUNNEL ] } [ MORE ]\n"
	"       rewire flow { del | get } KEY\n"
	"       rewire flow [ show [ FILTER ] ]\n"
	"       rewire flow { count | flush } [ FILTER ]\n"
	"       rewire flow save { FILE | - } [ FILTER ]\n"
	"       rewire flow restore { FILE | - }\n"
	"       rewire flow top [ GROUP ] [ by { flows | packets | bytes } ] [ limit N ] [ FILTER ]\n"
	"where  KEY := vni N protocol PROTO src ADDR[:PORT] dst ADDR[:PORT] [ TUNNEL ]\n"
	"       TUNNEL := remote ADDR [ id N ] [ lladdr MAC ]\n"
	"       MORE := [ policy N ] [ target N ] [ decision N ] [ timeout MS ] [ dev DEV ]\n"
	"               [ outdev DEV ] [ one-way ] [ dscp N ] [ ttl { decrement | keep | N } ]\n"
	"               [ { packet-rate | byte-rate } N [ burst N ] ] [ copy COPY ]... [ PAST ]\n"
	"       PAST := [ state STATE ] [ age TIME ] [ idle TIME ] [ counters PACKETS:BYTES ]\n"
	"               [ reply-counters PACKETS:BYTES ] [ tracking SEEN ] [ reply-tracking SEEN ]\n"
	"       SEEN := { end=N | ack=N | window=N | scale=N | fin | last-fin | alive | syn }[,...]\n"
	"       COPY := NAME=VALUE[,NAME=VALUE]... of vni, src, dst, dev, remote, id, lladdr\n"
	FILTER_USAGE
	"       GROUP := group { flow | src | dst | vni | target | policy | state }\n"
	"       PROTO := { tcp | udp | udplite | sctp | dccp | icmp | icmpv6 | gre | esp | NUMBER }\n"
	"       STATE := { unreplied | replied | syn-sent | syn-received | established |\n"
	"                  fin-wait | last-ack | time-wait | closed }\n"
	"An IPv6 address with a port is [ADDR]:PORT. The identifier of an ICMP echo request is\n"
	"the port of its source. What to does not name stays as it is. With -json or -details,\n"
	"add prints the flow; with -stats, show prints counters.\n";

struct add_values {
	struct key_values key;
	struct past_values past;
};

static const struct arg add_table[] = {
	KEY_FLOW_TABLE(REWIRE_A_FLOW_MESSAGE_SPEC),
	PAST_TABLE(KEY_ARGS, struct add_values, past),
	{ .name = NULL }
};

static const struct arg key_table[] = {
	KEY_TABLE(ARG_ANYWHERE, REWIRE_A_FLOW_MESSAGE_KEY),
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
	key_print_shape(spec);
}

void flow_print_members(const struct rw_flow *flow)
{
	bool translates = flow->action == REWIRE_FLOW_ACTION_TRANSLATE;

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
	key_print_copies(&flow->spec);
	if (cli.stats) {
		print_line();
		show_counters("orig-counters", &flow->orig);
		if (flow->spec.reply.protocol)
			show_counters("reply-counters", &flow->reply);
	}
}

static int show(const struct rw_flow *flow, void *data)
{
	(void)data;
	print_record();
	flow_print_members(flow);
	print_record_end();
	return 0;
}

static int flow_add(struct args *args)
{
	struct add_values values = { 0 };
	struct rw_flow_spec spec = { 0 };
	struct rw_error error;
	struct rw_past past;
	struct rw_flow flow;
	int ret = args_parse(args, add_table, &values);

	if (!ret)
		ret = key_flow(args, &values.key, &spec);
	if (!ret)
		ret = past_parse(args, &values.past, &past);
	if (ret)
		return ret;
	if (!cli_socket())
		return EXIT_REFUSED;
	/* The time since it was saved */
	past.age += cli.elapsed;
	past.idle += cli.elapsed;
	if (rw_flow_restore(cli.socket, &spec, past_given(args, KEY_ARGS) ? &past : NULL, &error))
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

static const struct arg filter_table[] = {
	FILTER_TABLE,
	{ .name = NULL }
};

static int parse_filter(struct args *args, struct rw_flow_filter *filter,
			struct rw_flow_filter **given)
{
	struct filter_values values = { 0 };

	return filter_parse(args, filter_table, &values, filter, given);
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
	if (rw_flow_count(cli.socket, given, &flows, &error))
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

/* The first word, which is a file, taken off. */
static const char *take_file(struct args *args)
{
	if (!args->count) {
		args_error(args, "FILE is missing");
		return NULL;
	}
	args->count--;
	return *args->words++;
}

static int flow_save(struct args *args)
{
	const char *path = take_file(args);
	struct rw_flow_filter filter = { 0 }, *given;
	int ret = path ? parse_filter(args, &filter, &given) : EXIT_USAGE;

	return ret ? ret : save_flows(args, path, &filter);
}

static int flow_restore(struct args *args)
{
	const char *path = take_file(args);
	int ret = path ? args_none(args) : EXIT_USAGE;

	return ret ? ret : restore_flows(args, path);
}

enum { TOP_GROUP = FILTER_ARGS, TOP_BY, TOP_LIMIT };

static const struct arg top_table[] = {
	FILTER_TABLE,
	[TOP_GROUP] = { .name = "group", .kind = ARG_NAME, .names = rw_top_group_names,
		.offset = offsetof(struct filter_values, group), .path = { { REWIRE_A_TOP_GROUP } } },
	[TOP_BY] = { .name = "by", .kind = ARG_NAME, .names = rw_top_by_names,
		.offset = offsetof(struct filter_values, by), .path = { { REWIRE_A_TOP_BY } } },
	[TOP_LIMIT] = { .name = "limit", .kind = ARG_U32, .min = 1, .max = REWIRE_TOP_MAX,
		.offset = offsetof(struct filter_values, limit), .path = { { REWIRE_A_TOP_LIMIT } } },
	{ .name = NULL }
};

static void show_top_name(uint32_t group, const struct rw_top_entry *entry)
{
	bool address = group == REWIRE_TOP_GROUP_SRC || group == REWIRE_TOP_GROUP_DST;
	const char *name = rw_top_group_names[group].name;

	if (address || group == REWIRE_TOP_GROUP_VNI)
		print_number("vni", "vni", entry->vni);
	if (address)
		print_prefix(name, name, &entry->address, rw_addr_bits(&entry->address));
	else if (group == REWIRE_TOP_GROUP_STATE)
		print_string(name, name, rw_name(rw_flow_state_names, entry->number));
	else if (group != REWIRE_TOP_GROUP_VNI)
		print_number(name, name, entry->number);
}

static void show_top(const struct rw_top_request *request, const struct rw_top *top)
{
	uint32_t i;

	print_list();
	for (i = 0; i < top->count; i++) {
		const struct rw_top_entry *entry = &top->entries[i];

		if (request->group == REWIRE_TOP_GROUP_FLOW) {
			if (entry->flow.id)
				show(&entry->flow, NULL);
			continue;
		}
		print_record();
		show_top_name(request->group, entry);
		print_number("flows", "flows", entry->flows);
		print_number("packets", "packets", entry->packets);
		print_number("bytes", "bytes", entry->bytes);
		print_number("error", top->error ? "+-" : NULL, top->error);
		print_record_end();
	}
	print_list_end();
}

static int flow_top(struct args *args)
{
	struct rw_flow_filter filter = { 0 }, *given;
	struct filter_values values = { .group = REWIRE_TOP_GROUP_FLOW, .limit = 10 };
	struct rw_top_request request;
	struct rw_error error;
	struct rw_top *top;
	int ret = filter_parse(args, top_table, &values, &filter, &given);

	if (ret)
		return ret;
	if (!args->value[TOP_BY])
		values.by = values.group == REWIRE_TOP_GROUP_FLOW ? REWIRE_TOP_BY_BYTES :
								  REWIRE_TOP_BY_FLOWS;
	request = (struct rw_top_request){
		.filter = given, .group = values.group, .by = values.by, .limit = values.limit,
	};
	if (!cli_socket())
		return EXIT_REFUSED;
	top = calloc(1, sizeof(*top));
	if (!top)
		return args_error(args, "no memory");
	if (values.group == REWIRE_TOP_GROUP_FLOW)
		cli.stats = true;
	ret = rw_flow_top(cli.socket, &request, top, &error);
	if (ret)
		ret = args_refused(args, top_table, &error);
	else
		show_top(&request, top);
	free(top);
	return ret;
}

static const struct command commands[] = {
	{ "show", flow_show }, { "add", flow_add }, { "del", flow_del }, { "get", flow_get },
	{ "count", flow_count }, { "flush", flow_flush }, { "top", flow_top },
	{ "save", flow_save }, { "restore", flow_restore }, { NULL, NULL }
};

const struct object flow_object = { "flow", usage, commands, NULL };

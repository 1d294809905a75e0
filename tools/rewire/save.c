// SPDX-License-Identifier: GPL-2.0
/* rewire save and rewire flow save: the kernel's objects as commands that make them. */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "objects.h"
#include "past.h"
#include "save.h"
#include "statefile.h"

#define LINE_MAX	8192
#define DUMP_TRIES	20

static const char usage[] =
	"Usage: rewire save { FILE | - }\n"
	"Writes what the kernel has (attaches, addresses, rules, limits, policies, targets, how\n"
	"suspicion is set) and the configuration of the daemon, if there is one, in the form that\n"
	"rewire restore reads. Flows are written by rewire flow save.\n";

/* A command that grows word by word. */
struct text {
	size_t length;
	bool full;
	char line[LINE_MAX];
};

static void add(struct text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
	va_list list;
	int length;

	va_start(list, format);
	length = vsnprintf(text->line + text->length, LINE_MAX - text->length, format, list);
	va_end(list);
	if (length < 0 || text->length + length >= LINE_MAX)
		text->full = true;
	else
		text->length += length;
}

static void add_device(struct text *text, const char *before, uint32_t ifindex)
{
	char name[IF_NAMESIZE];

	if (ifindex && if_indextoname(ifindex, name))
		add(text, "%s%s", before, name);
}

static void add_tunnel(struct text *text, const char *separator, const char *assign,
		       const struct rw_tunnel *tunnel)
{
	char address[RW_ADDR_TEXT];

	if (!tunnel->remote.family)
		return;
	add(text, "%sremote%s%s", separator, assign, rw_addr_print(address, &tunnel->remote));
	if (tunnel->id)
		add(text, "%sid%s%u", separator, assign, tunnel->id);
	if (rw_lladdr_print(address, tunnel->lladdr))
		add(text, "%slladdr%s%s", separator, assign, address);
}

/* The packet with this key, with ports as its protocol has them. */
static void add_ends(struct text *text, const char *separator, const char *assign,
		     const struct rw_tuple *tuple)
{
	char src[RW_ENDPOINT_TEXT], dst[RW_ENDPOINT_TEXT];

	add(text, "vni%s%u%ssrc%s%s%sdst%s%s", assign, tuple->vni,
	    separator, assign, rw_endpoint_print(src, &tuple->src, tuple->sport),
	    separator, assign, rw_endpoint_print(dst, &tuple->dst, tuple->dport));
}

static void add_copies(struct text *text, const struct rw_flow_spec *spec)
{
	const struct nlattr *attr = NULL;
	struct rw_tuple to;
	struct rw_copy copy;

	while (spec->copies && (attr = rw_copy_next(spec, attr, &copy))) {
		rw_tuple_inverse(&copy.reply, &to);
		add(text, " copy ");
		add_ends(text, ",", "=", &to);
		add_device(text, ",dev=", copy.reply_ifindex);
		add_tunnel(text, ",", "=", &copy.reply_tunnel);
	}
}

static void add_shape(struct text *text, const struct rw_flow_spec *spec)
{
	if (spec->one_way)
		add(text, " one-way");
	if (spec->dscp_plus_1)
		add(text, " dscp %u", spec->dscp_plus_1 - 1);
	if (spec->hops == REWIRE_HOP_MODE_SET)
		add(text, " ttl %u", spec->hop_limit);
	else if (spec->hops)
		add(text, " ttl %s", rw_name(rw_hop_mode_names, spec->hops));
	if (spec->packet_rate)
		add(text, " packet-rate %u", spec->packet_rate);
	if (spec->byte_rate)
		add(text, " byte-rate %u", spec->byte_rate);
	if (spec->burst)
		add(text, " burst %u", spec->burst);
	add_copies(text, spec);
}

static void add_past(struct text *text, const struct rw_flow *flow)
{
	static const char *const words[] = { "tracking", "reply-tracking" };
	char tracking_text[PAST_TRACKING_TEXT];
	struct rw_tracking tracking;
	unsigned int i;

	add(text, " state %s age %" PRIu64 " idle %" PRIu64, rw_name(rw_flow_state_names, flow->state),
	    flow->age, flow->idle < flow->age ? flow->idle : flow->age);
	add(text, " counters %" PRIu64 ":%" PRIu64 " reply-counters %" PRIu64 ":%" PRIu64,
	    flow->orig.packets, flow->orig.bytes, flow->reply.packets, flow->reply.bytes);
	for (i = 0; i < 2; i++)
		if (rw_get_tracking(flow, i, &tracking))
			add(text, " %s %s", words[i], past_tracking_print(tracking_text, &tracking));
}

static void add_flow(struct text *text, const struct rw_flow *flow)
{
	const struct rw_flow_spec *spec = &flow->spec;
	char protocol[RW_PROTOCOL_TEXT];
	struct rw_tuple to;

	rw_tuple_inverse(&spec->reply, &to);
	add(text, "flow add protocol %s ", rw_protocol_print(protocol, spec->orig.protocol));
	add_ends(text, " ", " ", &spec->orig);
	add_tunnel(text, " ", " ", &spec->orig_tunnel);
	add(text, " to ");
	add_ends(text, " ", " ", &to);
	add_tunnel(text, " ", " ", &spec->reply_tunnel);
	if (spec->policy)
		add(text, " policy %u", spec->policy);
	if (spec->target)
		add(text, " target %u", spec->target);
	if (spec->decision)
		add(text, " decision %" PRIu64, spec->decision);
	if (spec->timeout)
		add(text, " timeout %u", spec->timeout);
	add_device(text, " dev ", spec->orig_ifindex);
	add_device(text, " outdev ", spec->reply_ifindex);
	add_shape(text, spec);
	add_past(text, flow);
}

struct flow_save {
	struct statefile state;
	struct text text;
	unsigned long left_out;
};

static int save_flow(const struct rw_flow *flow, void *data)
{
	struct flow_save *save = data;

	/* The daemon's refusals last a second */
	if (flow->action != REWIRE_FLOW_ACTION_TRANSLATE) {
		save->left_out++;
		return 0;
	}
	save->text.length = 0;
	add_flow(&save->text, flow);
	statefile_line(&save->state, save->text.line);
	return 0;
}

int save_flows(const struct args *args, const char *path, struct rw_flow_filter *filter)
{
	static struct flow_save save;
	struct rw_error error;
	int status;

	memset(&save, 0, sizeof(save));
	filter->tracking = true;
	if (!cli_socket())
		return EXIT_REFUSED;
	status = statefile_create(&save.state, args, path, "flows");
	if (status)
		return status;
	if (rw_flow_each(cli.socket, filter, save_flow, &save, &error))
		status = args_refused(args, NULL, &error);
	if (!status && save.text.full)
		status = args_error(args, "a flow is too long for a line");
	status = statefile_finish(&save.state, status);
	if (!status)
		fprintf(stderr, "saved %lu flows, left out %lu drop and pass entries\n",
			save.state.lines, save.left_out);
	return status;
}

bool saved_add(struct saved_list *saved, const char *line, const char *undo)
{
	struct saved *list, *last;

	if (saved->count == saved->room) {
		list = realloc(saved->list, (2 * saved->room + 64) * sizeof(*list));
		if (!list)
			return false;
		saved->list = list;
		saved->room = 2 * saved->room + 64;
	}
	last = &saved->list[saved->count];
	*last = (struct saved){ strdup(line), undo ? strdup(undo) : NULL };
	saved->count += last->line && (!undo || last->undo);
	return last->line && (!undo || last->undo);
}

void saved_free(struct saved_list *saved)
{
	while (saved->count--) {
		free(saved->list[saved->count].line);
		free(saved->list[saved->count].undo);
	}
	free(saved->list);
	memset(saved, 0, sizeof(*saved));
}

/* Each kind of object, handed on. */
struct hand {
	struct saved_list *saved;
	struct text line, undo;
};

static int hand_on(struct hand *hand)
{
	return saved_add(hand->saved, hand->line.line, hand->undo.line) ? 0 : -ENOMEM;
}

static void begin(struct hand *hand)
{
	hand->line.length = hand->undo.length = 0;
}

static int hand_policy(const struct rw_policy *policy, void *data)
{
	struct hand *hand = data;
	int i;

	begin(hand);
	add(&hand->undo, "policy del id %u", policy->id);
	add(&hand->line, "policy set id %u tcp %s pickup %s mss %u", policy->id,
	    rw_name(rw_tcp_mode_names, policy->tcp), policy->pickup ? "yes" : "no", policy->mss);
	for (i = 1; i <= REWIRE_A_TIMEOUTS_MAX; i++)
		add(&hand->line, " %s %u", policy_timeout_name(i), policy->timeouts[i]);
	return hand_on(hand);
}

static int hand_limit(const struct rw_limit *limit, void *data)
{
	struct hand *hand = data;
	char which[24] = "all";

	if (!limit->set)
		return 0;
	begin(hand);
	if (!limit->all)
		snprintf(which, sizeof(which), "vni %u", limit->vni);
	add(&hand->undo, "limit del %s", which);
	add(&hand->line, "limit set %s flows %u:%u rate %u burst %u holds %u held-packets %u held-bytes %" PRIu64,
	    which, limit->flows_soft, limit->flows_hard, limit->rate, limit->burst, limit->holds,
	    limit->held_packets, limit->held_bytes);
	if (limit->udp_share)
		add(&hand->line, " udp-share %u", limit->udp_share);
	return hand_on(hand);
}

static int hand_attach(const struct rw_attach *attach, void *data)
{
	struct hand *hand = data;
	char which[IF_NAMESIZE + 8] = "local";

	begin(hand);
	if (!attach->local)
		snprintf(which, sizeof(which), "dev %s", attach->ifname);
	add(&hand->undo, "attach del %s", which);
	add(&hand->line, "attach add %s ", which);
	if (attach->tunnel)
		add(&hand->line, "tunnel");
	else
		add(&hand->line, "vni %u", attach->vni);
	return hand_on(hand);
}

static int hand_address(const struct rw_service_address *address, void *data)
{
	struct hand *hand = data;
	char prefix[RW_PREFIX_TEXT];

	begin(hand);
	rw_prefix_print(prefix, &address->address, address->len);
	add(&hand->undo, "address del vni %u ip %s", address->vni, prefix);
	add(&hand->line, "address add vni %u ip %s", address->vni, prefix);
	return hand_on(hand);
}

static int hand_target(const struct rw_target *target, void *data)
{
	struct hand *hand = data;

	begin(hand);
	add(&hand->undo, "target del id %u", target->id);
	add(&hand->line, "target set id %u state %s", target->id,
	    rw_name(rw_target_state_names, target->state));
	return hand_on(hand);
}

static void add_match(struct text *text, const struct rw_rule *rule)
{
	char protocol[RW_PROTOCOL_TEXT], prefix[RW_PREFIX_TEXT];

	add(text, "rule add vni %u", rule->vni);
	if (rule->family && !rule->src_len && !rule->dst_len)
		add(text, " family %s", rule->family == AF_INET ? "inet" : "inet6");
	if (rule->src_len)
		add(text, " src %s", rw_prefix_print(prefix, &rule->src, rule->src_len));
	if (rule->dst_len)
		add(text, " dst %s", rw_prefix_print(prefix, &rule->dst, rule->dst_len));
	if (rule->protocol)
		add(text, " protocol %s", rw_protocol_print(protocol, rule->protocol));
	if (rule->sport_max)
		add(text, " sport %u-%u", rule->sport_min, rule->sport_max);
	if (rule->dport_max)
		add(text, " dport %u-%u", rule->dport_min, rule->dport_max);
}

static int hand_rule(const struct rw_rule *rule, void *data)
{
	struct hand *hand = data;
	char via[RW_ADDR_TEXT];

	begin(hand);
	add(&hand->undo, "rule del id %u", rule->id);
	add_match(&hand->line, rule);
	add(&hand->line, " preference %u %s", rule->preference,
	    rw_name(rw_rule_action_names, rule->action));
	if (rule->action == REWIRE_RULE_ACTION_PUNT)
		add(&hand->line, " hold %s orphan %s", rw_name(rw_hold_mode_names, rule->hold),
		    rw_name(rw_orphan_mode_names, rule->orphan));
	if (rule->via.family)
		add(&hand->line, " via %s", rw_addr_print(via, &rule->via));
	add_device(&hand->line, " dev ", rule->via_ifindex);
	if (rule->has_via_vni)
		add(&hand->line, " outvni %u", rule->via_vni);
	if (rule->policy)
		add(&hand->line, " policy %u", rule->policy);
	return hand_on(hand);
}

/* What was learned is left out: the kernel learns it anew. */
static int hand_suspicion(struct hand *hand, struct rw_error *error)
{
	static struct rw_suspicion suspicion;
	const struct rw_suspicion_value *value;
	int ret = rw_suspicion_get(cli.socket, false, &suspicion, error);

	if (ret)
		return ret;
	begin(hand);
	add(&hand->line, "suspicion set %s interval %u", suspicion.enabled ? "on" : "off",
	    suspicion.interval);
	ret = saved_add(hand->saved, hand->line.line, NULL) ? 0 : -ENOMEM;
	for (value = suspicion.values; !ret && value < suspicion.values + suspicion.count; value++) {
		if (!value->pinned)
			continue;
		begin(hand);
		add(&hand->undo, "suspicion learn attribute %s value %u",
		    rw_name(rw_suspicion_attribute_names, value->attribute), value->number);
		add(&hand->line, "suspicion pin attribute %s value %u weight %u",
		    rw_name(rw_suspicion_attribute_names, value->attribute), value->number,
		    value->weight);
		ret = hand_on(hand);
	}
	return ret;
}

/* In this order: what is about a virtual network needs a device in it. */
static int hand_all(struct hand *hand, struct rw_error *error)
{
	int ret = hand_suspicion(hand, error);

	if (!ret)
		ret = rw_policy_each(cli.socket, hand_policy, hand, error);
	if (!ret)
		ret = rw_attach_each(cli.socket, hand_attach, hand, error);
	if (!ret)
		ret = rw_limit_each(cli.socket, hand_limit, hand, error);
	if (!ret)
		ret = rw_service_address_each(cli.socket, hand_address, hand, error);
	if (!ret)
		ret = rw_target_each(cli.socket, hand_target, hand, error);
	return ret ? ret : rw_rule_each(cli.socket, hand_rule, hand, error);
}

int saved_read(const struct args *args, struct saved_list *saved)
{
	static struct hand hand;
	struct rw_error error = { 0 };
	int ret, tries = 0;

	memset(saved, 0, sizeof(*saved));
	hand.saved = saved;
	if (!cli_socket())
		return EXIT_REFUSED;
	do {
		saved_free(saved);
		ret = hand_all(&hand, &error);
	} while (ret == -EINTR && ++tries < DUMP_TRIES);
	if (!ret)
		return 0;
	saved_free(saved);
	return args_refused(args, NULL, &error);
}

/* The daemon's configuration, on one line; none if there is no daemon. */
static int write_config(const struct args *args, struct statefile *state)
{
	json_t *config;
	char *text, *line;
	int status = 0;

	if (!control_there())
		return 0;
	config = control_call(args, "config.get", json_object());
	text = config ? json_dumps(config, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	if (!text || asprintf(&line, "config %s", text) < 0) {
		status = EXIT_REFUSED;
	} else {
		statefile_line(state, line);
		free(line);
	}
	free(text);
	json_decref(config);
	return status;
}

static int save(struct args *args)
{
	const char *path = args->count ? args->words[0] : NULL;
	struct saved_list saved = { 0 };
	struct statefile state;
	unsigned int i;
	int status;

	if (!path)
		return args_error(args, "FILE is missing");
	if (args->count > 1)
		return args_error(args, "unknown argument \"%s\"", args->words[1]);
	status = saved_read(args, &saved);
	if (!status)
		status = statefile_create(&state, args, path, "objects");
	if (status) {
		saved_free(&saved);
		return status;
	}
	status = write_config(args, &state);
	for (i = 0; i < saved.count; i++)
		statefile_line(&state, saved.list[i].line);
	saved_free(&saved);
	return statefile_finish(&state, status);
}

const struct object save_object = { "save", usage, NULL, save };

// SPDX-License-Identifier: GPL-2.0
/* Which flows a command is about. */

#include "filter.h"

_Static_assert((int)REWIRE_A_FLOW_MESSAGE_FILTER == (int)REWIRE_A_TOP_FILTER,
	       "one table of arguments serves all requests with a filter");

static void set_end(struct rw_flow_match *match, bool given, const struct arg_match *arg, bool src)
{
	if (!given)
		return;
	*(src ? &match->src : &match->dst) = arg->addr;
	*(src ? &match->src_len : &match->dst_len) = arg->len;
	match->given |= src ? 1U << REWIRE_A_FLOW_MATCH_SRC | 1U << REWIRE_A_FLOW_MATCH_SRC_LEN :
			      1U << REWIRE_A_FLOW_MATCH_DST | 1U << REWIRE_A_FLOW_MATCH_DST_LEN;
	if (arg->ports[0] < 0)
		return;
	*(src ? &match->sport_min : &match->dport_min) = arg->ports[0];
	*(src ? &match->sport_max : &match->dport_max) = arg->ports[1];
	match->given |= src ? 1U << REWIRE_A_FLOW_MATCH_SPORT_MIN | 1U << REWIRE_A_FLOW_MATCH_SPORT_MAX :
			      1U << REWIRE_A_FLOW_MATCH_DPORT_MIN | 1U << REWIRE_A_FLOW_MATCH_DPORT_MAX;
}

static void set_match(const struct args *args, enum filter_arg vni, enum filter_arg src,
		      enum filter_arg dst, const struct filter_match *value,
		      struct rw_flow_match *match)
{
	if (args->value[vni]) {
		match->given |= 1U << REWIRE_A_FLOW_MATCH_VNI;
		match->vni = value->vni;
	}
	set_end(match, args->value[src], &value->src, true);
	set_end(match, args->value[dst], &value->dst, false);
}

static void set_numbers(const struct args *args, const struct filter_values *values,
			struct rw_flow_filter *filter)
{
	static const uint8_t attributes[FILTER_ARGS] = {
		[FILTER_STATE] = REWIRE_A_FLOW_FILTER_STATE,
		[FILTER_POLICY] = REWIRE_A_FLOW_FILTER_POLICY,
		[FILTER_TARGET] = REWIRE_A_FLOW_FILTER_TARGET,
		[FILTER_ACTION] = REWIRE_A_FLOW_FILTER_ACTION,
		[FILTER_DEV] = REWIRE_A_FLOW_FILTER_IFINDEX,
		[FILTER_IDLE_MIN] = REWIRE_A_FLOW_FILTER_IDLE_MIN,
		[FILTER_IDLE_MAX] = REWIRE_A_FLOW_FILTER_IDLE_MAX,
		[FILTER_AGE_MIN] = REWIRE_A_FLOW_FILTER_AGE_MIN,
		[FILTER_AGE_MAX] = REWIRE_A_FLOW_FILTER_AGE_MAX,
		[FILTER_SINCE] = REWIRE_A_FLOW_FILTER_IDLE_MAX,
	};
	int i;

	for (i = 0; i < FILTER_ARGS; i++)
		if (args->value[i] && attributes[i])
			filter->given |= 1U << attributes[i];
	filter->state = values->state;
	filter->policy = values->policy;
	filter->target = values->target;
	filter->action = values->action;
	filter->ifindex = values->ifindex;
	filter->idle_min = values->idle_min;
	filter->idle_max = args->value[FILTER_SINCE] ? values->since : values->idle_max;
	filter->age_min = values->age_min;
	filter->age_max = values->age_max;
}

int filter_parse(struct args *args, const struct arg *table, struct filter_values *values,
		 struct rw_flow_filter *filter, struct rw_flow_filter **given)
{
	int ret = args_parse(args, table, values);

	if (!ret && args->value[FILTER_SINCE] && args->value[FILTER_IDLE_MAX])
		ret = args_error(args, "since and idle-max exclude each other");
	if (ret)
		return ret;
	set_match(args, FILTER_VNI, FILTER_SRC, FILTER_DST, &values->orig, &filter->orig);
	set_match(args, FILTER_REPLY_VNI, FILTER_REPLY_SRC, FILTER_REPLY_DST, &values->reply,
		  &filter->reply);
	if (args->value[FILTER_PROTOCOL]) {
		filter->orig.given |= 1U << REWIRE_A_FLOW_MATCH_PROTOCOL;
		filter->orig.protocol = values->orig.protocol;
	}
	set_numbers(args, values, filter);
	*given = filter->given || filter->orig.given || filter->reply.given ? filter : NULL;
	return 0;
}

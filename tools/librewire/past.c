// SPDX-License-Identifier: GPL-2.0
/* What a flow has behind it. */

#include <string.h>

#include "codec.h"
#include "shape.h"

static const struct rw_field tracking_fields[] = {
	[REWIRE_A_TRACKING_END]		= RW_FIELD(RW_U32, struct rw_tracking, end),
	[REWIRE_A_TRACKING_ACK]		= RW_FIELD(RW_U32, struct rw_tracking, ack),
	[REWIRE_A_TRACKING_WINDOW]	= RW_FIELD(RW_U32, struct rw_tracking, window),
	[REWIRE_A_TRACKING_SCALE]	= RW_FIELD(RW_U8, struct rw_tracking, scale),
	[REWIRE_A_TRACKING_FIN]		= RW_FIELD(RW_FLAG, struct rw_tracking, fin),
	[REWIRE_A_TRACKING_LAST_FIN]	= RW_FIELD(RW_FLAG, struct rw_tracking, last_fin),
	[REWIRE_A_TRACKING_ALIVE]	= RW_FIELD(RW_FLAG, struct rw_tracking, alive),
	[REWIRE_A_TRACKING_SYN]		= RW_FIELD(RW_FLAG, struct rw_tracking, syn),
};

static const struct rw_shape tracking_shape = RW_SHAPE(tracking_fields);

static const struct rw_field past_fields[] = {
	[REWIRE_A_FLOW_STATE]		= RW_ALWAYS(RW_U32, struct rw_past, state),
	[REWIRE_A_FLOW_AGE]		= RW_ALWAYS(RW_U64, struct rw_past, age),
	[REWIRE_A_FLOW_IDLE]		= RW_ALWAYS(RW_U64, struct rw_past, idle),
	[REWIRE_A_FLOW_ORIG_COUNTERS]	= RW_NESTED(rw_counters_shape, struct rw_past, counters[0]),
	[REWIRE_A_FLOW_REPLY_COUNTERS]	= RW_NESTED(rw_counters_shape, struct rw_past, counters[1]),
};

static const struct rw_shape past_shape = RW_SHAPE(past_fields);

static bool put_members(struct nlmsghdr *nlh, size_t size, const struct rw_past *past)
{
	static const uint16_t attrs[] = { REWIRE_A_FLOW_ORIG_TRACKING, REWIRE_A_FLOW_REPLY_TRACKING };
	unsigned int i;

	if (!rw_shape_put(nlh, size, &past_shape, past, 0))
		return false;
	for (i = 0; i < 2; i++)
		if (past->has_tracking[i] &&
		    !rw_shape_put_nest(nlh, size, attrs[i], &tracking_shape, &past->tracking[i],
				       past->tracking[i].given))
			return false;
	return true;
}

bool rw_put_past(struct nlmsghdr *nlh, size_t size, uint16_t attr, const struct rw_past *past)
{
	struct nlattr *nest = mnl_attr_nest_start_check(nlh, size, attr);

	if (!nest)
		return false;
	if (!put_members(nlh, size, past)) {
		mnl_attr_nest_cancel(nlh, nest);
		return false;
	}
	mnl_attr_nest_end(nlh, nest);
	return true;
}

bool rw_get_tracking(const struct rw_flow *flow, unsigned int direction,
		     struct rw_tracking *tracking)
{
	memset(tracking, 0, sizeof(*tracking));
	return flow->tracking[direction] &&
	       !rw_shape_get(&tracking_shape, flow->tracking[direction],
			     flow->tracking_len[direction], tracking, &tracking->given);
}

// SPDX-License-Identifier: GPL-2.0
/* What a flow has behind it, told and taken back: a saved flow goes on where it was. */
#include "flow_netlink.h"
#include "past.h"
#include "segment.h"
#include "timeout.h"
#include "tracking.h"

static const int rewire_past_tracking[] = {
	[REWIRE_ORIG]	= REWIRE_A_FLOW_ORIG_TRACKING,
	[REWIRE_REPLY]	= REWIRE_A_FLOW_REPLY_TRACKING,
};

static const int rewire_past_counters[] = {
	[REWIRE_ORIG]	= REWIRE_A_FLOW_ORIG_COUNTERS,
	[REWIRE_REPLY]	= REWIRE_A_FLOW_REPLY_COUNTERS,
};

static int rewire_get_counters(const struct nlattr *nest, struct rewire_past_side *side,
			       struct netlink_ext_ack *extack)
{
	struct nlattr *tb[REWIRE_A_COUNTERS_BYTES + 1];
	int err;

	err = rewire_parse_nest(tb, REWIRE_A_COUNTERS_BYTES, nest, extack);
	if (err)
		return err;
	if (tb[REWIRE_A_COUNTERS_PACKETS])
		side->packets = nla_get_u64(tb[REWIRE_A_COUNTERS_PACKETS]);
	if (tb[REWIRE_A_COUNTERS_BYTES])
		side->bytes = nla_get_u64(tb[REWIRE_A_COUNTERS_BYTES]);
	if (side->packets > REWIRE_TALLY_MAX) {
		NL_SET_ERR_MSG_ATTR(extack, tb[REWIRE_A_COUNTERS_PACKETS],
				    "No flow counts as many packets as that");
		return -ERANGE;
	}
	return 0;
}

static int rewire_get_scale(const struct nlattr *attribute, u8 *scale,
			    struct netlink_ext_ack *extack)
{
	if (!attribute)
		return 0;
	*scale = nla_get_u8(attribute);
	if (*scale <= REWIRE_SCALE_MAX || *scale == REWIRE_SCALE_NONE)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attribute, "A scale is 0 to 14, or 254: there was none");
	return -EINVAL;
}

static int rewire_get_tracking(const struct nlattr *nest, enum rewire_direction direction,
			       struct rewire_past_side *side, struct netlink_ext_ack *extack)
{
	struct nlattr *tb[REWIRE_A_TRACKING_SYN + 1];
	int err;

	err = rewire_parse_nest(tb, REWIRE_A_TRACKING_SYN, nest, extack);
	if (err)
		return err;
	if (tb[REWIRE_A_TRACKING_SYN] && direction != REWIRE_ORIG) {
		NL_SET_ERR_MSG_ATTR(extack, tb[REWIRE_A_TRACKING_SYN],
				    "This is the original direction's");
		return -EINVAL;
	}
	if (tb[REWIRE_A_TRACKING_END])
		side->end = nla_get_u32(tb[REWIRE_A_TRACKING_END]);
	if (tb[REWIRE_A_TRACKING_ACK])
		side->ack = nla_get_u32(tb[REWIRE_A_TRACKING_ACK]);
	if (tb[REWIRE_A_TRACKING_WINDOW])
		side->window = nla_get_u32(tb[REWIRE_A_TRACKING_WINDOW]);
	side->tracking = (tb[REWIRE_A_TRACKING_END] ? TRACKING_SENT(direction) : 0) |
			 (tb[REWIRE_A_TRACKING_ACK] ? TRACKING_ACKED(direction) : 0) |
			 (tb[REWIRE_A_TRACKING_FIN] ? TRACKING_FIN(direction) : 0) |
			 (tb[REWIRE_A_TRACKING_LAST_FIN] ? TRACKING_LAST_FIN(direction) : 0) |
			 (tb[REWIRE_A_TRACKING_ALIVE] ? TRACKING_ALIVE(direction) : 0) |
			 (tb[REWIRE_A_TRACKING_SYN] ? TRACKING_SYN : 0);
	return rewire_get_scale(tb[REWIRE_A_TRACKING_SCALE], &side->scale, extack);
}

static int rewire_get_state(const struct nlattr *attribute, u8 protocol, u32 *state,
			    struct netlink_ext_ack *extack)
{
	bool tcp = protocol == IPPROTO_TCP;

	if (!attribute)
		return 0;
	*state = nla_get_u32(attribute);
	if (*state == REWIRE_FLOW_STATE_UNREPLIED ||
	    (*state == REWIRE_FLOW_STATE_REPLIED) != tcp)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attribute, "The protocol has no such state");
	return -EINVAL;
}

static int rewire_get_times(struct nlattr **tb, struct rewire_past *past,
			    struct netlink_ext_ack *extack)
{
	if (tb[REWIRE_A_FLOW_AGE])
		past->age = nla_get_u64(tb[REWIRE_A_FLOW_AGE]);
	if (tb[REWIRE_A_FLOW_IDLE])
		past->idle = nla_get_u64(tb[REWIRE_A_FLOW_IDLE]);
	if (past->age > rewire_flow_age_max()) {
		NL_SET_ERR_MSG_ATTR(extack, tb[REWIRE_A_FLOW_AGE], "No flow is as old as that");
		return -ERANGE;
	}
	if (past->idle > past->age) {
		NL_SET_ERR_MSG_ATTR(extack, tb[REWIRE_A_FLOW_IDLE],
				    "It is idle for longer than it is there");
		return -EINVAL;
	}
	return 0;
}

/**
 * rewire_get_past() - what a new flow has behind it
 * @nest: the attribute
 * @protocol: of the flow
 * @past: out
 * @extack: a sentence, on failure
 */
int rewire_get_past(const struct nlattr *nest, u8 protocol, struct rewire_past *past,
		    struct netlink_ext_ack *extack)
{
	struct nlattr *tb[REWIRE_A_FLOW_REPLY_TRACKING + 1];
	int err, i;

	err = rewire_parse_nest(tb, REWIRE_A_FLOW_REPLY_TRACKING, nest, extack);
	if (err)
		return err;
	memset(past, 0, sizeof(*past));
	err = rewire_get_state(tb[REWIRE_A_FLOW_STATE], protocol, &past->state, extack) ?:
	      rewire_get_times(tb, past, extack);
	for (i = 0; !err && i < REWIRE_DIRECTIONS; i++) {
		past->side[i].scale = REWIRE_SCALE_UNKNOWN;
		if (tb[rewire_past_counters[i]])
			err = rewire_get_counters(tb[rewire_past_counters[i]], &past->side[i],
						  extack);
		if (err || !tb[rewire_past_tracking[i]])
			continue;
		if (protocol != IPPROTO_TCP) {
			NL_SET_ERR_MSG_ATTR(extack, tb[rewire_past_tracking[i]],
					    "Only TCP has sequence numbers");
			return -EINVAL;
		}
		err = rewire_get_tracking(tb[rewire_past_tracking[i]], i, &past->side[i], extack);
	}
	return err;
}

static bool rewire_put_flag(struct sk_buff *skb, int attribute, bool flag)
{
	return flag && nla_put_flag(skb, attribute);
}

static bool rewire_put_tracking(struct sk_buff *skb, const struct rewire_flow *flow,
				u32 tracking, enum rewire_direction direction)
{
	const struct rewire_tuple *tuple = &flow->tuple[direction];
	struct nlattr *nest = nla_nest_start(skb, rewire_past_tracking[direction]);
	u8 scale = READ_ONCE(tuple->scale);

	if (!nest ||
	    (tracking & TRACKING_SENT(direction) &&
	     nla_put_u32(skb, REWIRE_A_TRACKING_END, READ_ONCE(flow->end[direction]))) ||
	    (tracking & TRACKING_ACKED(direction) &&
	     nla_put_u32(skb, REWIRE_A_TRACKING_ACK, READ_ONCE(flow->ack[direction]))) ||
	    nla_put_u32(skb, REWIRE_A_TRACKING_WINDOW, READ_ONCE(tuple->window)) ||
	    (scale != REWIRE_SCALE_UNKNOWN && nla_put_u8(skb, REWIRE_A_TRACKING_SCALE, scale)) ||
	    rewire_put_flag(skb, REWIRE_A_TRACKING_FIN, tracking & TRACKING_FIN(direction)) ||
	    rewire_put_flag(skb, REWIRE_A_TRACKING_LAST_FIN,
			    tracking & TRACKING_LAST_FIN(direction)) ||
	    rewire_put_flag(skb, REWIRE_A_TRACKING_ALIVE, tracking & TRACKING_ALIVE(direction)) ||
	    rewire_put_flag(skb, REWIRE_A_TRACKING_SYN,
			    direction == REWIRE_ORIG && tracking & TRACKING_SYN))
		return true;
	nla_nest_end(skb, nest);
	return false;
}

/* Context: RCU read side. Return: whether there was no room. */
bool rewire_past_fill(struct sk_buff *skb, const struct rewire_flow *flow)
{
	u32 tracking = READ_ONCE(flow->tracking);

	if (rewire_key_protocol(&flow->tuple[REWIRE_ORIG].key) != IPPROTO_TCP ||
	    rewire_flow_action(flow) != REWIRE_FLOW_ACTION_TRANSLATE)
		return false;
	return rewire_put_tracking(skb, flow, tracking, REWIRE_ORIG) ||
	       rewire_put_tracking(skb, flow, tracking, REWIRE_REPLY);
}

// SPDX-License-Identifier: GPL-2.0
/* Flows as netlink attributes. */
#include "extension.h"
#include "flow_netlink.h"
#include "past.h"
#include "put.h"
#include "target.h"

/* Return: whether there was no room. */
bool rewire_put_counters(struct sk_buff *skb, int attribute, const struct rewire_flow *flow,
			 enum rewire_direction direction)
{
	struct nlattr *nest = rewire_put_nest(skb, attribute);
	u64 packets, bytes;

	rewire_tally_read(&flow->tally[direction], &packets, &bytes);
	if (!nest ||
	    rewire_put_u64(skb, REWIRE_A_COUNTERS_PACKETS, packets, REWIRE_A_COUNTERS_PAD) ||
	    rewire_put_u64(skb, REWIRE_A_COUNTERS_BYTES, bytes, REWIRE_A_COUNTERS_PAD))
		return true;
	nla_nest_end(skb, nest);
	return false;
}

static u32 rewire_flow_idle_jiffies(const struct rewire_flow *flow)
{
	s32 idle = (u32)jiffies - READ_ONCE(flow->last_seen);

	/* Another CPU may have seen a packet later than our jiffies. */
	return max(idle, 0);
}

/* Return: milliseconds since its last packet. */
u64 rewire_flow_idle(const struct rewire_flow *flow)
{
	return jiffies_to_msecs(rewire_flow_idle_jiffies(flow));
}

u32 rewire_flow_target(const struct rewire_flow *flow)
{
	return flow->target ? flow->target->id : 0;
}

static bool rewire_flow_fill_times(struct sk_buff *skb, const struct rewire_flow *flow)
{
	unsigned long timeout = rewire_flow_timeout(flow);
	u32 idle = rewire_flow_idle_jiffies(flow);

	return rewire_put_u64(skb, REWIRE_A_FLOW_AGE, rewire_flow_age(flow),
			      REWIRE_A_FLOW_PAD) ||
	       rewire_put_u64(skb, REWIRE_A_FLOW_IDLE, jiffies_to_msecs(idle),
			      REWIRE_A_FLOW_PAD) ||
	       rewire_put_u64(skb, REWIRE_A_FLOW_EXPIRES,
			      idle < timeout ? jiffies_to_msecs(timeout - idle) : 0,
			      REWIRE_A_FLOW_PAD) ||
	       (flow->timeout && rewire_put_u32(skb, REWIRE_A_FLOW_TIMEOUT,
						jiffies_to_msecs(flow->timeout)));
}

/* The device of a direction, if it is known. Return: whether there was no room. */
bool rewire_put_ifindex(struct sk_buff *skb, int attribute, const struct rewire_flow *flow,
			enum rewire_direction direction)
{
	int ifindex = READ_ONCE(flow->ifindex[direction]);

	return ifindex && rewire_put_u32(skb, attribute, ifindex);
}

static bool rewire_flow_fill_reply(struct sk_buff *skb, const struct rewire_flow *flow)
{
	if (rewire_flow_action(flow) != REWIRE_FLOW_ACTION_TRANSLATE)
		return false;
	return rewire_put_key(skb, REWIRE_A_FLOW_REPLY, &flow->tuple[REWIRE_REPLY].key) ||
	       rewire_put_counters(skb, REWIRE_A_FLOW_REPLY_COUNTERS, flow, REWIRE_REPLY) ||
	       rewire_put_ifindex(skb, REWIRE_A_FLOW_REPLY_IFINDEX, flow, REWIRE_REPLY);
}

static int rewire_flow_fill_nest(struct sk_buff *skb, int attribute,
				 const struct rewire_flow *flow, bool tracking)
{
	struct nlattr *nest = rewire_put_nest(skb, attribute);

	if (!nest ||
	    rewire_put_u64(skb, REWIRE_A_FLOW_ID, flow->id, REWIRE_A_FLOW_PAD) ||
	    rewire_put_key(skb, REWIRE_A_FLOW_ORIG, &flow->tuple[REWIRE_ORIG].key) ||
	    rewire_put_u32(skb, REWIRE_A_FLOW_ACTION, rewire_flow_action(flow)) ||
	    rewire_put_u32(skb, REWIRE_A_FLOW_STATE,
			   rewire_tracking_state(READ_ONCE(flow->tracking))) ||
	    rewire_put_u32(skb, REWIRE_A_FLOW_POLICY, flow->policy_id) ||
	    rewire_put_u32(skb, REWIRE_A_FLOW_TARGET, rewire_flow_target(flow)) ||
	    rewire_put_u64(skb, REWIRE_A_FLOW_DECISION, flow->decision,
			   REWIRE_A_FLOW_PAD) ||
	    rewire_flow_fill_times(skb, flow) ||
	    rewire_put_ifindex(skb, REWIRE_A_FLOW_ORIG_IFINDEX, flow, REWIRE_ORIG) ||
	    rewire_put_counters(skb, REWIRE_A_FLOW_ORIG_COUNTERS, flow, REWIRE_ORIG) ||
	    rewire_flow_fill_reply(skb, flow) || rewire_extension_fill(skb, flow) ||
	    (tracking && rewire_past_fill(skb, flow)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * rewire_flow_fill() - put all that is known of a flow into a message
 * @skb: the message
 * @attribute: of the nest that it goes into
 * @flow: the flow
 *
 * A flow that is being closed may be given only by who knows that it was not yet
 * handed to call_rcu(). Context: RCU read side. Return: 0, or -EMSGSIZE.
 */
int rewire_flow_fill(struct sk_buff *skb, int attribute, const struct rewire_flow *flow)
{
	return rewire_flow_fill_nest(skb, attribute, flow, false);
}

/*
 * The same of a flow that may be closed meanwhile, with what is known of both directions
 * if that is asked for. Return: also -ENOENT, when it was closed.
 */
int rewire_flow_fill_live(struct sk_buff *skb, int attribute, const struct rewire_flow *flow,
			  bool tracking)
{
	int err = rewire_flow_fill_nest(skb, attribute, flow, tracking);

	if (err)
		return err;
	return rewire_flow_was_live(flow) ? 0 : -ENOENT;
}

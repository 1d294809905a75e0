// SPDX-License-Identifier: GPL-2.0
/* Flows listed, and counted. */
#include <linux/delay.h>
#include <linux/slab.h>

#include "flow_netlink.h"

/* Times that flows are counted anew because the table was resized meanwhile. */
#define REWIRE_COUNTS	16

/**
 * struct rewire_flow_dump - a dump under way
 * @walk: of the table
 * @filter: what the request asks for
 * @tracking: whether what is known of both directions is to be told, too
 */
struct rewire_flow_dump {
	struct rewire_flow_walk walk;
	struct rewire_flow_filter filter;
	bool tracking;
};

int rewire_flow_dump_start(struct netlink_callback *cb)
{
	struct rewire_net *ns = rewire_net(sock_net(cb->skb->sk));
	struct nlattr **attrs = genl_info_dump(cb)->attrs;
	struct rewire_flow_dump *dump;
	int err;

	if (attrs && attrs[REWIRE_A_FLOW_MESSAGE_KEY]) {
		NL_SET_ERR_MSG_ATTR(cb->extack, attrs[REWIRE_A_FLOW_MESSAGE_KEY],
				    "A list takes a filter, not a key");
		return -EINVAL;
	}
	dump = kzalloc(sizeof(*dump), GFP_KERNEL);
	if (!dump)
		return -ENOMEM;
	err = rewire_get_flow_filter(attrs ? attrs[REWIRE_A_FLOW_MESSAGE_FILTER] : NULL,
				     &dump->filter, cb->extack);
	if (err) {
		kfree(dump);
		return err;
	}
	dump->tracking = attrs && attrs[REWIRE_A_FLOW_MESSAGE_TRACKING];
	rewire_flow_walk_enter(&dump->walk, ns);
	cb->args[0] = (long)dump;
	cb->seq = 1;
	return 0;
}

int rewire_flow_dump_done(struct netlink_callback *cb)
{
	struct rewire_flow_dump *dump = (struct rewire_flow_dump *)cb->args[0];

	if (dump) {
		rewire_flow_walk_exit(&dump->walk);
		kfree(dump);
	}
	return 0;
}

static int rewire_flow_dump_one(struct sk_buff *skb, struct netlink_callback *cb,
				const struct rewire_flow *flow, bool tracking)
{
	void *header;
	int err;

	header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			     &rewire_family, NLM_F_MULTI, REWIRE_CMD_FLOW_GET);
	if (!header)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, header);
	err = rewire_flow_fill_live(skb, REWIRE_A_FLOW_MESSAGE_FLOW, flow, tracking);
	if (err) {
		genlmsg_cancel(skb, header);
		return err == -ENOENT ? 0 : err;
	}
	genlmsg_end(skb, header);
	return 0;
}

/*
 * A resize sends the walk back to the beginning. The dump goes on, so that it
 * ends, but says that flows come up again.
 */
int rewire_nl_flow_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct rewire_flow_dump *dump = (struct rewire_flow_dump *)cb->args[0];
	struct rewire_flow *flow;
	bool again;

	again = rewire_flow_walk_start(&dump->walk);
	while ((flow = rewire_flow_walk_peek(&dump->walk, &again))) {
		if (again)
			cb->seq++;
		again = false;
		if (rewire_flow_filter_matches(&dump->filter, flow) &&
		    rewire_flow_dump_one(skb, cb, flow, dump->tracking))
			break;
		rewire_flow_walk_take(&dump->walk, flow, &again);
	}
	if (again)
		cb->seq++;
	rewire_flow_walk_stop(&dump->walk);
	return skb->len;
}

/* One walk. Return: whether it saw the whole table, which was not resized meanwhile. */
static bool rewire_flow_collect_once(struct rewire_net *ns,
				     const struct rewire_flow_filter *filter,
				     void (*call)(const struct rewire_flow *flow, void *data),
				     void *data)
{
	struct rewire_flow_walk walk;
	struct rewire_flow *flow;
	bool again = false;

	rewire_flow_walk_enter(&walk, ns);
	rewire_flow_walk_start(&walk);
	while ((flow = rewire_flow_walk_peek(&walk, &again)) && !again) {
		if (rewire_flow_filter_matches(filter, flow))
			call(flow, data);
		rewire_flow_walk_take(&walk, flow, &again);
	}
	rewire_flow_walk_stop(&walk);
	rewire_flow_walk_exit(&walk);
	return !again;
}

/**
 * rewire_flow_collect() - show each flow that matches to a function, once
 * @ns: the namespace
 * @filter: which flows
 * @reset: called when the walk begins anew, to forget what was shown
 * @call: called for each, under RCU
 * @data: for both
 *
 * While the table is resized a flow may be in the old one, in the new one or, to a
 * walk, in both. So this waits until that is over. Context: process, may sleep.
 * Return: 0, -EINTR, or -EAGAIN when the table was resized again and again.
 */
int rewire_flow_collect(struct rewire_net *ns, const struct rewire_flow_filter *filter,
			void (*reset)(void *data),
			void (*call)(const struct rewire_flow *flow, void *data), void *data)
{
	int i;

	for (i = 0; i < REWIRE_COUNTS; i++) {
		reset(data);
		if (rewire_flow_collect_once(ns, filter, call, data))
			return 0;
		if (msleep_interruptible(min(1 << i, 100)))
			return -EINTR;
	}
	return -EAGAIN;
}

void rewire_flow_collect_failed(struct genl_info *info, int err)
{
	if (err == -EAGAIN)
		GENL_SET_ERR_MSG(info, "The table is resized again and again");
	else
		GENL_SET_ERR_MSG(info, "Interrupted by a signal");
}

static void rewire_flow_count_reset(void *data)
{
	*(u64 *)data = 0;
}

static void rewire_flow_count_one(const struct rewire_flow *flow, void *data)
{
	(*(u64 *)data)++;
}

int rewire_nl_flow_count_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_flow_filter filter;
	struct sk_buff *reply;
	void *header;
	u64 count;
	int err;

	err = rewire_get_flow_filter(info->attrs[REWIRE_A_FLOW_MESSAGE_FILTER], &filter,
				     info->extack);
	if (err)
		return err;
	reply = rewire_reply_new(info, NLMSG_DEFAULT_SIZE, &header);
	if (!reply)
		return -ENOMEM;
	err = rewire_flow_collect(ns, &filter, rewire_flow_count_reset, rewire_flow_count_one,
				  &count);
	if (err)
		rewire_flow_collect_failed(info, err);
	else if (nla_put_u64_64bit(reply, REWIRE_A_FLOW_MESSAGE_COUNT, count,
				   REWIRE_A_FLOW_MESSAGE_PAD))
		err = -EMSGSIZE;
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	return rewire_reply_send(info, reply, header);
}

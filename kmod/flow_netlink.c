// SPDX-License-Identifier: GPL-2.0
/* Netlink operations on flows. */
#include <linux/slab.h>

#include "flow.h"
#include "netlink.h"
#include "target.h"

/**
 * struct rewire_flow_filter - which flows a request is about
 * @key: values of those fields of the original key that are given
 * @has: bit by attribute of the tuple, whether it is given
 * @has_state: whether @state is
 * @has_policy: whether @policy is
 * @has_target: whether @target is
 * @state: see struct rewire_flow
 * @policy: see struct rewire_flow
 * @target: number of the target, 0 for flows without one
 */
struct rewire_flow_filter {
	struct rewire_key key;
	unsigned long has;
	bool has_state;
	bool has_policy;
	bool has_target;
	u32 state;
	u32 policy;
	u32 target;
};

static int rewire_get_filter_key(const struct nlattr *nest, struct rewire_flow_filter *filter,
				 struct netlink_ext_ack *extack)
{
	struct nlattr *tb[REWIRE_A_TUPLE_MAX + 1];
	u32 vni = 0;
	u8 protocol = 0;
	int i, err;

	err = nla_parse_nested(tb, REWIRE_A_TUPLE_MAX, nest, rewire_tuple_nl_policy, extack);
	if (err)
		return err;
	for (i = 1; i <= REWIRE_A_TUPLE_MAX; i++) {
		if (tb[i])
			__set_bit(i, &filter->has);
	}
	if (tb[REWIRE_A_TUPLE_SRC])
		err = rewire_get_address(tb[REWIRE_A_TUPLE_SRC], &filter->key.src, extack);
	if (!err && tb[REWIRE_A_TUPLE_DST])
		err = rewire_get_address(tb[REWIRE_A_TUPLE_DST], &filter->key.dst, extack);
	if (err)
		return err;
	if (tb[REWIRE_A_TUPLE_VNI])
		vni = nla_get_u32(tb[REWIRE_A_TUPLE_VNI]);
	if (tb[REWIRE_A_TUPLE_PROTOCOL])
		protocol = nla_get_u8(tb[REWIRE_A_TUPLE_PROTOCOL]);
	filter->key.network = rewire_key_network(vni, protocol);
	if (tb[REWIRE_A_TUPLE_SPORT])
		filter->key.sport = nla_get_be16(tb[REWIRE_A_TUPLE_SPORT]);
	if (tb[REWIRE_A_TUPLE_DPORT])
		filter->key.dport = nla_get_be16(tb[REWIRE_A_TUPLE_DPORT]);
	return 0;
}

static int rewire_get_filter(const struct nlattr *nest, struct rewire_flow_filter *filter,
			     struct netlink_ext_ack *extack)
{
	struct nlattr *tb[REWIRE_A_FLOW_TARGET + 1];
	int err;

	memset(filter, 0, sizeof(*filter));
	if (!nest)
		return 0;
	err = nla_parse_nested(tb, REWIRE_A_FLOW_TARGET, nest, rewire_flow_filter_nl_policy,
			       extack);
	if (err)
		return err;
	filter->has_state = tb[REWIRE_A_FLOW_STATE];
	if (filter->has_state)
		filter->state = nla_get_u32(tb[REWIRE_A_FLOW_STATE]);
	filter->has_policy = tb[REWIRE_A_FLOW_POLICY];
	if (filter->has_policy)
		filter->policy = nla_get_u32(tb[REWIRE_A_FLOW_POLICY]);
	filter->has_target = tb[REWIRE_A_FLOW_TARGET];
	if (filter->has_target)
		filter->target = nla_get_u32(tb[REWIRE_A_FLOW_TARGET]);
	if (!tb[REWIRE_A_FLOW_ORIG])
		return 0;
	return rewire_get_filter_key(tb[REWIRE_A_FLOW_ORIG], filter, extack);
}

static u32 rewire_flow_target(const struct rewire_flow *flow)
{
	return flow->target ? flow->target->id : 0;
}

static bool rewire_filter_has(const struct rewire_flow_filter *filter, int attribute)
{
	return test_bit(attribute, &filter->has);
}

static bool rewire_filter_matches(const struct rewire_flow_filter *filter,
				  const struct rewire_flow *flow)
{
	const struct rewire_key *key = &flow->tuple[REWIRE_ORIG].key, *want = &filter->key;

	if (filter->has_state &&
	    rewire_tracking_state(READ_ONCE(flow->tracking)) != filter->state)
		return false;
	if (filter->has_policy && flow->policy_id != filter->policy)
		return false;
	if (filter->has_target && rewire_flow_target(flow) != filter->target)
		return false;
	if (rewire_filter_has(filter, REWIRE_A_TUPLE_VNI) &&
	    rewire_key_vni(key) != rewire_key_vni(want))
		return false;
	if (rewire_filter_has(filter, REWIRE_A_TUPLE_PROTOCOL) &&
	    rewire_key_protocol(key) != rewire_key_protocol(want))
		return false;
	if (rewire_filter_has(filter, REWIRE_A_TUPLE_SRC) &&
	    !ipv6_addr_equal(&key->src, &want->src))
		return false;
	if (rewire_filter_has(filter, REWIRE_A_TUPLE_DST) &&
	    !ipv6_addr_equal(&key->dst, &want->dst))
		return false;
	if (rewire_filter_has(filter, REWIRE_A_TUPLE_SPORT) && key->sport != want->sport)
		return false;
	return !rewire_filter_has(filter, REWIRE_A_TUPLE_DPORT) || key->dport == want->dport;
}

static bool rewire_put_counters(struct sk_buff *skb, int attribute,
				const struct rewire_flow *flow,
				enum rewire_direction direction)
{
	struct nlattr *nest = nla_nest_start(skb, attribute);

	if (!nest ||
	    nla_put_u64_64bit(skb, REWIRE_A_COUNTERS_PACKETS,
			      atomic64_read(&flow->packets[direction]),
			      REWIRE_A_COUNTERS_PAD) ||
	    nla_put_u64_64bit(skb, REWIRE_A_COUNTERS_BYTES,
			      atomic64_read(&flow->bytes[direction]),
			      REWIRE_A_COUNTERS_PAD))
		return true;
	nla_nest_end(skb, nest);
	return false;
}

static bool rewire_flow_fill_times(struct sk_buff *skb, const struct rewire_flow *flow)
{
	unsigned long timeout = rewire_flow_timeout(flow);
	u32 idle = (u32)jiffies - READ_ONCE(flow->last_seen);

	if ((s32)idle < 0)
		idle = 0;
	return nla_put_u64_64bit(skb, REWIRE_A_FLOW_AGE, rewire_flow_age(flow),
				 REWIRE_A_FLOW_PAD) ||
	       nla_put_u64_64bit(skb, REWIRE_A_FLOW_IDLE, jiffies_to_msecs(idle),
				 REWIRE_A_FLOW_PAD) ||
	       nla_put_u64_64bit(skb, REWIRE_A_FLOW_EXPIRES,
				 idle < timeout ? jiffies_to_msecs(timeout - idle) : 0,
				 REWIRE_A_FLOW_PAD) ||
	       (flow->timeout && nla_put_u32(skb, REWIRE_A_FLOW_TIMEOUT,
					     jiffies_to_msecs(flow->timeout)));
}

static bool rewire_flow_fill_reply(struct sk_buff *skb, const struct rewire_flow *flow)
{
	if (rewire_flow_action(flow) != REWIRE_FLOW_ACTION_TRANSLATE)
		return false;
	return rewire_put_key(skb, REWIRE_A_FLOW_REPLY, &flow->tuple[REWIRE_REPLY].key) ||
	       rewire_put_counters(skb, REWIRE_A_FLOW_REPLY_COUNTERS, flow, REWIRE_REPLY) ||
	       (flow->ifindex[REWIRE_REPLY] &&
		nla_put_u32(skb, REWIRE_A_FLOW_REPLY_IFINDEX, flow->ifindex[REWIRE_REPLY]));
}

/* Return: 0, -EMSGSIZE, or -ENOENT: the flow has ended meanwhile. */
static int rewire_flow_fill(struct sk_buff *skb, const struct rewire_flow *flow)
{
	struct nlattr *nest = nla_nest_start(skb, REWIRE_A_FLOW_MESSAGE_FLOW);

	if (!nest ||
	    nla_put_u64_64bit(skb, REWIRE_A_FLOW_ID, flow->id, REWIRE_A_FLOW_PAD) ||
	    rewire_put_key(skb, REWIRE_A_FLOW_ORIG, &flow->tuple[REWIRE_ORIG].key) ||
	    nla_put_u32(skb, REWIRE_A_FLOW_ACTION, rewire_flow_action(flow)) ||
	    nla_put_u32(skb, REWIRE_A_FLOW_STATE,
			rewire_tracking_state(READ_ONCE(flow->tracking))) ||
	    nla_put_u32(skb, REWIRE_A_FLOW_POLICY, flow->policy_id) ||
	    nla_put_u32(skb, REWIRE_A_FLOW_TARGET, rewire_flow_target(flow)) ||
	    nla_put_u64_64bit(skb, REWIRE_A_FLOW_DECISION, flow->decision,
			      REWIRE_A_FLOW_PAD) ||
	    rewire_flow_fill_times(skb, flow) ||
	    (flow->ifindex[REWIRE_ORIG] &&
	     nla_put_u32(skb, REWIRE_A_FLOW_ORIG_IFINDEX, flow->ifindex[REWIRE_ORIG])) ||
	    rewire_put_counters(skb, REWIRE_A_FLOW_ORIG_COUNTERS, flow, REWIRE_ORIG) ||
	    rewire_flow_fill_reply(skb, flow))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return rewire_flow_was_live(flow) ? 0 : -ENOENT;
}

int rewire_nl_flow_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_flow_spec spec;
	struct sk_buff *reply;
	struct nlattr *nest;
	void *header;
	u64 id;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, REWIRE_A_FLOW_MESSAGE_SPEC)) {
		GENL_SET_ERR_MSG(info, "A flow has to be given");
		return -EINVAL;
	}
	err = rewire_get_flow_spec(ns, info->attrs[REWIRE_A_FLOW_MESSAGE_SPEC], &spec,
				   info->extack);
	if (err)
		return err;
	reply = rewire_reply_new(info, NLMSG_DEFAULT_SIZE, &header);
	if (!reply)
		return -ENOMEM;

	rcu_read_lock();
	local_bh_disable();
	err = rewire_flow_add(ns, &spec, &id, info->extack);
	local_bh_enable();
	rcu_read_unlock();
	if (err)
		goto free;

	nest = nla_nest_start(reply, REWIRE_A_FLOW_MESSAGE_FLOW);
	if (!nest || nla_put_u64_64bit(reply, REWIRE_A_FLOW_ID, id, REWIRE_A_FLOW_PAD)) {
		err = -EMSGSIZE;
		goto free;
	}
	nla_nest_end(reply, nest);
	return rewire_reply_send(info, reply, header);
free:
	nlmsg_free(reply);
	return err;
}

/* The whole key in a request's filter, and nothing else. */
static int rewire_get_whole_key(struct genl_info *info, struct rewire_key *key)
{
	struct nlattr *tb[REWIRE_A_FLOW_TARGET + 1];
	struct nlattr *filter = info->attrs[REWIRE_A_FLOW_MESSAGE_FILTER];
	int err;

	if (!filter) {
		GENL_SET_ERR_MSG(info, "A whole key has to be given");
		return -EINVAL;
	}
	err = nla_parse_nested(tb, REWIRE_A_FLOW_TARGET, filter,
			       rewire_flow_filter_nl_policy, info->extack);
	if (err)
		return err;
	if (!tb[REWIRE_A_FLOW_ORIG] || tb[REWIRE_A_FLOW_STATE] ||
	    tb[REWIRE_A_FLOW_POLICY] || tb[REWIRE_A_FLOW_TARGET]) {
		NL_SET_ERR_MSG_ATTR(info->extack, filter,
				    "A whole key has to be given, and nothing else");
		return -EINVAL;
	}
	return rewire_get_key(tb[REWIRE_A_FLOW_ORIG], key, info->extack);
}

/* Context: RCU read side. */
static struct rewire_flow *rewire_flow_find(struct rewire_net *ns,
					    const struct rewire_key *key)
{
	struct rewire_tuple *tuple = rewire_tuple_lookup(ns, key);
	struct rewire_flow *flow;

	if (!tuple || tuple->direction == REWIRE_HOLD)
		return NULL;
	flow = rewire_tuple_flow(tuple);
	return rewire_flow_is_live(flow) && !rewire_flow_expired(flow) ? flow : NULL;
}

static int rewire_flow_missing(struct genl_info *info)
{
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[REWIRE_A_FLOW_MESSAGE_FILTER],
			    "No flow has this key");
	return -ENOENT;
}

int rewire_nl_flow_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_flow *flow;
	struct rewire_key key;
	int err = rewire_get_whole_key(info, &key);

	if (err)
		return err;
	rcu_read_lock();
	flow = rewire_flow_find(ns, &key);
	if (flow)
		rewire_flow_close(ns, flow, REWIRE_REASON_CLOSE_DELETED);
	rcu_read_unlock();
	return flow ? 0 : rewire_flow_missing(info);
}

int rewire_nl_flow_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_flow *flow;
	struct rewire_key key;
	struct sk_buff *reply;
	void *header;
	int err = rewire_get_whole_key(info, &key);

	if (err)
		return err;
	reply = rewire_reply_new(info, NLMSG_DEFAULT_SIZE, &header);
	if (!reply)
		return -ENOMEM;
	rcu_read_lock();
	flow = rewire_flow_find(ns, &key);
	err = flow ? rewire_flow_fill(reply, flow) : -ENOENT;
	if (err == -ENOENT)
		rewire_flow_missing(info);
	rcu_read_unlock();
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	return rewire_reply_send(info, reply, header);
}

static void rewire_flow_flush_one(struct rewire_net *ns, struct rewire_flow *flow, void *data)
{
	if (rewire_filter_matches(data, flow))
		rewire_flow_close(ns, flow, REWIRE_REASON_CLOSE_DELETED);
}

int rewire_nl_flow_flush_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_flow_filter filter;
	int err;

	err = rewire_get_filter(info->attrs[REWIRE_A_FLOW_MESSAGE_FILTER], &filter,
				info->extack);
	if (err)
		return err;
	rewire_flow_for_each(rewire_info_net(info), rewire_flow_flush_one, &filter);
	return 0;
}

/**
 * struct rewire_flow_dump - a dump under way
 * @walk: of the table
 * @filter: what the request asks for
 */
struct rewire_flow_dump {
	struct rhashtable_iter walk;
	struct rewire_flow_filter filter;
};

int rewire_flow_dump_start(struct netlink_callback *cb)
{
	struct rewire_net *ns = rewire_net(sock_net(cb->skb->sk));
	struct nlattr **attrs = genl_info_dump(cb)->attrs;
	struct rewire_flow_dump *dump;
	int err;

	dump = kzalloc(sizeof(*dump), GFP_KERNEL);
	if (!dump)
		return -ENOMEM;
	err = rewire_get_filter(attrs ? attrs[REWIRE_A_FLOW_MESSAGE_FILTER] : NULL,
				&dump->filter, cb->extack);
	if (err) {
		kfree(dump);
		return err;
	}
	rhashtable_walk_enter(&ns->flows, &dump->walk);
	cb->args[0] = (long)dump;
	cb->seq = 1;
	return 0;
}

int rewire_flow_dump_done(struct netlink_callback *cb)
{
	struct rewire_flow_dump *dump = (struct rewire_flow_dump *)cb->args[0];

	if (dump) {
		rhashtable_walk_exit(&dump->walk);
		kfree(dump);
	}
	return 0;
}

static int rewire_flow_dump_one(struct sk_buff *skb, struct netlink_callback *cb,
				const struct rewire_flow *flow)
{
	void *header;
	int err;

	header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			     &rewire_family, NLM_F_MULTI, REWIRE_CMD_FLOW_GET);
	if (!header)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, header);
	err = rewire_flow_fill(skb, flow);
	if (err) {
		genlmsg_cancel(skb, header);
		return err == -ENOENT ? 0 : err;
	}
	genlmsg_end(skb, header);
	return 0;
}

/*
 * A resize sends the walk back to the beginning. The dump goes on, so that it
 * ends, but says that it is not consistent.
 */
int rewire_nl_flow_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct rewire_flow_dump *dump = (struct rewire_flow_dump *)cb->args[0];
	struct rewire_tuple *tuple;
	struct rewire_flow *flow;

	if (rhashtable_walk_start_check(&dump->walk) == -EAGAIN)
		cb->seq++;
	for (tuple = rhashtable_walk_peek(&dump->walk); tuple;
	     tuple = rhashtable_walk_next(&dump->walk)) {
		if (IS_ERR(tuple)) {
			cb->seq++;
			continue;
		}
		if (tuple->direction != REWIRE_ORIG)
			continue;
		flow = rewire_tuple_flow(tuple);
		if (!rewire_flow_is_live(flow) || rewire_flow_expired(flow) ||
		    !rewire_filter_matches(&dump->filter, flow))
			continue;
		if (rewire_flow_dump_one(skb, cb, flow))
			break;
	}
	rhashtable_walk_stop(&dump->walk);
	return skb->len;
}

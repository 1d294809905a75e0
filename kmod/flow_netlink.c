// SPDX-License-Identifier: GPL-2.0
/* Netlink operations on flows that change or name them. */
#include "extension.h"
#include "flow_netlink.h"
#include "network.h"
#include "past.h"

int rewire_nl_flow_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_flow_spec spec;
	struct rewire_past past;
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
	nest = info->attrs[REWIRE_A_FLOW_MESSAGE_PAST];
	if (nest) {
		err = rewire_get_past(nest, rewire_key_protocol(&spec.key[REWIRE_ORIG]), &past,
				      info->extack);
		if (err)
			goto free_extension;
		spec.past = &past;
	}
	reply = rewire_reply_new(info, NLMSG_DEFAULT_SIZE, &header);
	if (!reply) {
		err = -ENOMEM;
		goto free_extension;
	}

	rcu_read_lock();
	local_bh_disable();
	err = rewire_networks_check(ns, &spec, info->extack);
	if (!err)
		err = rewire_flow_add(ns, &spec, &id, info->extack);
	local_bh_enable();
	rcu_read_unlock();
	rewire_extension_free(spec.extension);
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
free_extension:
	rewire_extension_free(spec.extension);
	return err;
}

/* The key that a request names its flow by. */
static int rewire_get_flow_key(struct genl_info *info, struct rewire_key *key)
{
	if (GENL_REQ_ATTR_CHECK(info, REWIRE_A_FLOW_MESSAGE_KEY)) {
		GENL_SET_ERR_MSG(info, "A key has to be given");
		return -EINVAL;
	}
	return rewire_get_key(info->attrs[REWIRE_A_FLOW_MESSAGE_KEY], key, info->extack);
}

/* Context: RCU read side. */
struct rewire_flow *rewire_flow_find(struct rewire_net *ns, const struct rewire_key *key)
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
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[REWIRE_A_FLOW_MESSAGE_KEY],
			    "No flow has this key");
	return -ENOENT;
}

int rewire_nl_flow_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_flow *flow;
	struct rewire_key key;
	int err = rewire_get_flow_key(info, &key);

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
	int err = rewire_get_flow_key(info, &key);

	if (err)
		return err;
	reply = rewire_reply_new(info, NLMSG_DEFAULT_SIZE, &header);
	if (!reply)
		return -ENOMEM;
	rcu_read_lock();
	flow = rewire_flow_find(ns, &key);
	err = flow ? rewire_flow_fill_live(reply, REWIRE_A_FLOW_MESSAGE_FLOW, flow,
					   info->attrs[REWIRE_A_FLOW_MESSAGE_TRACKING]) :
		     -ENOENT;
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
	if (rewire_flow_filter_matches(data, flow))
		rewire_flow_close(ns, flow, REWIRE_REASON_CLOSE_DELETED);
}

int rewire_nl_flow_flush_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_flow_filter filter;
	int err;

	err = rewire_get_flow_filter(info->attrs[REWIRE_A_FLOW_MESSAGE_FILTER], &filter,
				     info->extack);
	if (err)
		return err;
	rewire_flow_for_each(rewire_info_net(info), rewire_flow_flush_one, &filter);
	return 0;
}

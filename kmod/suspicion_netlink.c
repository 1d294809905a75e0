// SPDX-License-Identifier: GPL-2.0
/* What is unusual, as requests see it and set it. */
#include <net/netlink.h>

#include "namespace.h"
#include "netlink.h"
#include "suspicion.h"

static int rewire_suspicion_fill_value(struct sk_buff *skb,
				       const struct rewire_suspicion *suspicion, bool all,
				       u32 i, u32 value)
{
	bool pinned = suspicion->pinned[i] & BIT(value);
	struct nlattr *nest;

	if (!all && !pinned && !suspicion->history[i][value])
		return 0;
	nest = nla_nest_start(skb, REWIRE_A_SUSPICION_VALUE);
	if (!nest || nla_put_u32(skb, REWIRE_A_ODDITY_ATTRIBUTE, i) ||
	    nla_put_u32(skb, REWIRE_A_ODDITY_NUMBER, value) ||
	    nla_put_u32(skb, REWIRE_A_ODDITY_SEEN, suspicion->history[i][value]) ||
	    nla_put_u32(skb, REWIRE_A_ODDITY_WEIGHT, suspicion->weight[i][value]) ||
	    (pinned && nla_put_flag(skb, REWIRE_A_ODDITY_PINNED)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int rewire_suspicion_fill(struct sk_buff *skb, const struct rewire_suspicion *suspicion,
				 bool all)
{
	u32 i, value;

	if (nla_put_u32(skb, REWIRE_A_SUSPICION_ENABLED, suspicion->enabled) ||
	    nla_put_u32(skb, REWIRE_A_SUSPICION_INTERVAL, suspicion->interval))
		return -EMSGSIZE;
	for (i = 0; i < REWIRE_SUSPICION_ATTRIBUTES; i++) {
		for (value = 1; value < REWIRE_SUSPICION_VALUES; value++) {
			if (rewire_suspicion_fill_value(skb, suspicion, all, i, value))
				return -EMSGSIZE;
		}
	}
	return 0;
}

int rewire_nl_suspicion_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	const size_t size = nla_total_size(4 * nla_total_size(sizeof(u32)) + nla_total_size(0));
	struct rewire_net *ns = rewire_info_net(info);
	struct sk_buff *reply;
	void *header;
	int err;

	reply = rewire_reply_new(info, NLMSG_DEFAULT_SIZE + size * REWIRE_SUSPICION_ATTRIBUTES *
				 REWIRE_SUSPICION_VALUES, &header);
	if (!reply)
		return -ENOMEM;
	mutex_lock(&ns->lock);
	err = rewire_suspicion_fill(reply, ns->suspicion,
				    info->attrs[REWIRE_A_SUSPICION_ALL]);
	mutex_unlock(&ns->lock);
	if (!err)
		return rewire_reply_send(info, reply, header);
	nlmsg_free(reply);
	return err;
}

/* A weight that is given stays; one that is not is learned again. */
static int rewire_suspicion_set_value(struct rewire_suspicion *suspicion,
				      const struct nlattr *nest, bool apply,
				      struct netlink_ext_ack *extack)
{
	struct nlattr *tb[REWIRE_A_ODDITY_WEIGHT + 1], *weight;
	u32 i, value;
	int err;

	err = rewire_parse_nest(tb, REWIRE_A_ODDITY_WEIGHT, nest, extack);
	if (err)
		return err;
	if (!tb[REWIRE_A_ODDITY_ATTRIBUTE] || !tb[REWIRE_A_ODDITY_NUMBER]) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "An attribute and a value have to be given");
		return -EINVAL;
	}
	if (!apply)
		return 0;
	i = nla_get_u32(tb[REWIRE_A_ODDITY_ATTRIBUTE]);
	value = nla_get_u32(tb[REWIRE_A_ODDITY_NUMBER]);
	weight = tb[REWIRE_A_ODDITY_WEIGHT];
	if (weight)
		suspicion->pinned[i] |= BIT(value);
	else
		suspicion->pinned[i] &= ~BIT(value);
	WRITE_ONCE(suspicion->weight[i][value],
		   weight ? nla_get_u32(weight) :
			    rewire_suspicion_weight(suspicion->history[i][value]));
	return 0;
}

/* All values of a request, first to check them, then to set them. */
static int rewire_suspicion_set_values(struct rewire_suspicion *suspicion,
				       struct genl_info *info, bool apply)
{
	const struct nlattr *attribute;
	int rest, err;

	nlmsg_for_each_attr(attribute, info->nlhdr, GENL_HDRLEN, rest) {
		if (nla_type(attribute) != REWIRE_A_SUSPICION_VALUE)
			continue;
		err = rewire_suspicion_set_value(suspicion, attribute, apply, info->extack);
		if (err)
			return err;
	}
	return 0;
}

int rewire_nl_suspicion_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *enabled = info->attrs[REWIRE_A_SUSPICION_ENABLED];
	struct nlattr *interval = info->attrs[REWIRE_A_SUSPICION_INTERVAL];
	struct rewire_net *ns = rewire_info_net(info);
	int err;

	mutex_lock(&ns->lock);
	err = rewire_suspicion_set_values(ns->suspicion, info, false);
	if (err)
		goto unlock;
	rewire_suspicion_set_values(ns->suspicion, info, true);
	if (enabled)
		WRITE_ONCE(ns->suspicion->enabled, nla_get_u32(enabled));
	if (interval)
		WRITE_ONCE(ns->suspicion->interval, nla_get_u32(interval));
	if (interval && delayed_work_pending(&ns->suspicion->refresh))
		mod_delayed_work(rewire_workqueue, &ns->suspicion->refresh,
				 msecs_to_jiffies(ns->suspicion->interval));
unlock:
	mutex_unlock(&ns->lock);
	return err;
}

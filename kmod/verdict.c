// SPDX-License-Identifier: GPL-2.0
/*
 * Verdicts: the daemon's answers. Each takes effect by itself: the flow gets
 * into the table in place of the hold, then what was held takes it.
 */
#include <linux/netlink.h>

#include "attach.h"
#include "extension.h"
#include "flow.h"
#include "hold.h"
#include "netlink.h"
#include "network.h"
#include "punt.h"
#include "trace.h"

/* A pass without a lifetime: what was held needs something to tell it. */
#define REWIRE_PASS_LIFETIME	1000

/* Room in an answer for each failure. */
#define REWIRE_FAILURE_SIZE	192

/* Drop what is held under a key, and leave nothing behind. */
static int rewire_verdict_drop_held(struct rewire_net *ns, const struct rewire_key *key,
				    enum rewire_reject reject)
{
	struct rewire_tuple *tuple = rewire_tuple_lookup(ns, key);

	if (!tuple || tuple->direction != REWIRE_HOLD || !rewire_tuple_remove(ns, tuple))
		return 0;	/* it has timed out */
	if (reject)
		rewire_hold_reject(ns, rewire_tuple_hold(tuple), reject);
	else
		rewire_hold_drop(ns, rewire_tuple_hold(tuple), REWIRE_REASON_DROP_VERDICT);
	return 0;
}

/* What an action other than flow asks for. */
static int rewire_get_entry_spec(struct rewire_net *ns, struct nlattr **tb, u32 action,
				 struct rewire_flow_spec *spec,
				 struct netlink_ext_ack *extack)
{
	int err;

	if (!tb[REWIRE_A_VERDICT_TUPLE] || tb[REWIRE_A_VERDICT_FLOW]) {
		NL_SET_ERR_MSG(extack, "This action needs a tuple, and no flow");
		return -EINVAL;
	}
	memset(spec, 0, sizeof(*spec));
	err = rewire_get_key(tb[REWIRE_A_VERDICT_TUPLE], &spec->key[REWIRE_ORIG], extack);
	if (err)
		return err;
	if (tb[REWIRE_A_VERDICT_LIFETIME])
		spec->timeout = nla_get_u32(tb[REWIRE_A_VERDICT_LIFETIME]);
	if (tb[REWIRE_A_VERDICT_REJECT])
		spec->reject = nla_get_u32(tb[REWIRE_A_VERDICT_REJECT]);
	spec->action = action == REWIRE_VERDICT_ACTION_DROP ? REWIRE_FLOW_ACTION_DROP :
							      REWIRE_FLOW_ACTION_PASS;
	if (spec->action == REWIRE_FLOW_ACTION_PASS && spec->reject) {
		NL_SET_ERR_MSG_ATTR(extack, tb[REWIRE_A_VERDICT_REJECT],
				    "What is left to the host is not rejected");
		return -EINVAL;
	}
	if (spec->action == REWIRE_FLOW_ACTION_PASS && !spec->timeout)
		spec->timeout = REWIRE_PASS_LIFETIME;
	/* What stays, stays in a virtual network that there is. */
	if (spec->timeout &&
	    !rewire_attach_has_vni(ns, rewire_key_vni(&spec->key[REWIRE_ORIG]))) {
		NL_SET_ERR_MSG_ATTR(extack, tb[REWIRE_A_VERDICT_TUPLE],
				    "No device is attached to this virtual network");
		return -ENOENT;
	}
	return 0;
}

static int rewire_get_verdict(struct rewire_net *ns, struct nlattr **tb,
			      struct rewire_flow_spec *spec,
			      struct netlink_ext_ack *extack)
{
	u32 action;

	if (!tb[REWIRE_A_VERDICT_ACTION]) {
		NL_SET_ERR_MSG(extack, "A verdict needs an action");
		return -EINVAL;
	}
	action = nla_get_u32(tb[REWIRE_A_VERDICT_ACTION]);
	if (action != REWIRE_VERDICT_ACTION_FLOW)
		return rewire_get_entry_spec(ns, tb, action, spec, extack);
	if (!tb[REWIRE_A_VERDICT_FLOW] || tb[REWIRE_A_VERDICT_TUPLE] ||
	    tb[REWIRE_A_VERDICT_LIFETIME] || tb[REWIRE_A_VERDICT_REJECT]) {
		NL_SET_ERR_MSG(extack, "This action needs a flow, and nothing else");
		return -EINVAL;
	}
	return rewire_get_flow_spec(ns, tb[REWIRE_A_VERDICT_FLOW], spec, extack);
}

static int rewire_verdict_carry_out(struct rewire_net *ns, struct nlattr **tb,
				    struct netlink_ext_ack *extack)
{
	struct rewire_flow_spec spec = {};
	u64 id;
	int err;

	err = rewire_get_verdict(ns, tb, &spec, extack);
	if (err) {
		rewire_decision_done(&ns->decisions, spec.decision);
		return err;
	}

	/* What was held is sent in the context that the packet path expects. */
	rcu_read_lock();
	local_bh_disable();
	err = rewire_networks_check(ns, &spec, extack);
	if (err)	/* No other answer will come: it need not wait for one, in others' way */
		rewire_verdict_drop_held(ns, &spec.key[REWIRE_ORIG], 0);
	else if (spec.action == REWIRE_FLOW_ACTION_DROP && !spec.timeout)
		err = rewire_verdict_drop_held(ns, &spec.key[REWIRE_ORIG], spec.reject);
	else
		err = rewire_flow_add(ns, &spec, &id, extack);
	local_bh_enable();
	rcu_read_unlock();
	rewire_extension_free(spec.extension);
	/* After what it made was counted */
	rewire_decision_done(&ns->decisions, spec.decision);
	return err;
}

static bool rewire_failure_fill(struct sk_buff *skb, u32 index, const struct nlattr *punt,
				int err, const struct netlink_ext_ack *extack)
{
	struct nlattr *nest = nla_nest_start(skb, REWIRE_A_VERDICT_BATCH_FAILURE);

	if (!nest || nla_put_u32(skb, REWIRE_A_FAILURE_INDEX, index) ||
	    (punt && nla_put_u64_64bit(skb, REWIRE_A_FAILURE_PUNT_ID, nla_get_u64(punt),
				       REWIRE_A_FAILURE_PAD)) ||
	    nla_put_u32(skb, REWIRE_A_FAILURE_ERROR, -err) ||
	    (extack->_msg && nla_put_string(skb, REWIRE_A_FAILURE_MESSAGE, extack->_msg)))
		return true;
	nla_nest_end(skb, nest);
	return false;
}

static int rewire_verdict_one(struct rewire_net *ns, const struct nlattr *attribute,
			      u32 index, struct sk_buff *reply)
{
	struct nlattr *tb[REWIRE_A_VERDICT_REJECT + 1];
	struct netlink_ext_ack extack = {};
	int err;

	err = rewire_parse_nest(tb, REWIRE_A_VERDICT_REJECT, attribute, &extack);
	if (err)
		return err;
	err = rewire_verdict_carry_out(ns, tb, &extack);
	if (tb[REWIRE_A_VERDICT_ACTION])
		trace_rewire_verdict(nla_get_u32(tb[REWIRE_A_VERDICT_ACTION]), err);
	if (!err) {
		this_cpu_inc(ns->stats->verdicts);
		return 1;
	}
	this_cpu_inc(ns->stats->verdict_failures);
	if (rewire_failure_fill(reply, index, tb[REWIRE_A_VERDICT_PUNT_ID], err, &extack))
		return -EMSGSIZE;
	return 0;
}

static unsigned int rewire_verdict_count(struct genl_info *info)
{
	const struct nlattr *attribute;
	unsigned int n = 0;
	int rest;

	nlmsg_for_each_attr(attribute, info->nlhdr, GENL_HDRLEN, rest) {
		if (nla_type(attribute) == REWIRE_A_VERDICT_BATCH_VERDICT)
			n++;
	}
	return n;
}

int rewire_nl_verdict_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	unsigned int n = rewire_verdict_count(info), index = 0, accepted = 0;
	const struct nlattr *attribute;
	struct sk_buff *reply;
	int rest, result = 0;
	void *header;

	if (!n && !info->attrs[REWIRE_A_VERDICT_BATCH_SETTLED]) {
		GENL_SET_ERR_MSG(info, "A verdict has to be given");
		return -EINVAL;
	}
	if (n > REWIRE_VERDICT_BATCH_MAX) {
		GENL_SET_ERR_MSG(info, "More verdicts than one message may carry");
		return -EMSGSIZE;
	}
	reply = rewire_reply_new(info, NLMSG_GOODSIZE + n * REWIRE_FAILURE_SIZE, &header);
	if (!reply)
		return -ENOMEM;
	if (info->attrs[REWIRE_A_VERDICT_BATCH_SETTLED])
		rewire_decisions_settle(&ns->decisions,
					nla_get_u64(info->attrs[REWIRE_A_VERDICT_BATCH_SETTLED]));
	nlmsg_for_each_attr(attribute, info->nlhdr, GENL_HDRLEN, rest) {
		if (nla_type(attribute) != REWIRE_A_VERDICT_BATCH_VERDICT)
			continue;
		result = rewire_verdict_one(ns, attribute, index++, reply);
		if (result < 0)
			break;
		accepted += result;
		cond_resched();
	}
	rewire_punt_go_on(ns);
	if (result < 0 || nla_put_u32(reply, REWIRE_A_VERDICT_BATCH_ACCEPTED, accepted)) {
		nlmsg_free(reply);
		return result < 0 ? result : -EMSGSIZE;
	}
	return rewire_reply_send(info, reply, header);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The summary of flows: what is counted all the time (live.c, decision.c), in a size that
 * follows from devices and targets alone. It is an answer in several messages: first the
 * numbers of the whole, then virtual networks and targets by their numbers.
 */
#include <linux/random.h>

#include "attach.h"
#include "netlink.h"
#include "target.h"

/* Where a dump goes on: cb->args[0] is the part, cb->args[1] the next number in it. */
enum rewire_summary_part {
	REWIRE_SUMMARY_WHOLE,
	REWIRE_SUMMARY_NETWORKS,
	REWIRE_SUMMARY_TARGETS,
};

void rewire_summary_init(struct rewire_net *ns)
{
	ns->epoch = get_random_u64();
}

static bool rewire_summary_fill_live(struct sk_buff *skb, const struct rewire_live *live)
{
	static const int attributes[REWIRE_CLASSES] = {
		[REWIRE_CLASS_HALF_OPEN] = REWIRE_A_SUMMARY_HALF_OPEN,
		[REWIRE_CLASS_CLOSING] = REWIRE_A_SUMMARY_CLOSING,
		[REWIRE_CLASS_ONE_WAY] = REWIRE_A_SUMMARY_ONE_WAY,
		[REWIRE_CLASS_TWO_WAY] = REWIRE_A_SUMMARY_TWO_WAY,
		[REWIRE_CLASS_ESTABLISHED] = REWIRE_A_SUMMARY_ESTABLISHED,
	};
	unsigned int i;

	for (i = 0; i < REWIRE_CLASSES; i++) {
		/* A flow that is just counted in another class may have left this one first. */
		int flows = live ? atomic_read(&live->flows[i]) : 0;

		if (nla_put_u32(skb, attributes[i], max(flows, 0)))
			return true;
	}
	return false;
}

static bool rewire_summary_fill_whole(struct sk_buff *skb, struct rewire_net *ns)
{
	u64 watermark, newest;

	rewire_decisions_read(&ns->decisions, &watermark, &newest);
	return nla_put_u64_64bit(skb, REWIRE_A_SUMMARY_EPOCH, ns->epoch,
				 REWIRE_A_SUMMARY_PAD) ||
	       nla_put_u64_64bit(skb, REWIRE_A_SUMMARY_GENERATION,
				 atomic64_inc_return(&ns->summaries), REWIRE_A_SUMMARY_PAD) ||
	       nla_put_u64_64bit(skb, REWIRE_A_SUMMARY_WATERMARK, watermark,
				 REWIRE_A_SUMMARY_PAD) ||
	       nla_put_u64_64bit(skb, REWIRE_A_SUMMARY_NEWEST, newest,
				 REWIRE_A_SUMMARY_PAD) ||
	       nla_put_u32(skb, REWIRE_A_SUMMARY_FLOWS, atomic_read(&ns->all.flows));
}

static bool rewire_summary_fill_network(struct sk_buff *skb, u32 vni,
					const struct rewire_quota *limit)
{
	return nla_put_u32(skb, REWIRE_A_SUMMARY_VNI, vni) ||
	       nla_put_u32(skb, REWIRE_A_SUMMARY_FLOWS,
			   limit ? atomic_read(&limit->flows) : 0) ||
	       rewire_summary_fill_live(skb, limit ? &limit->live : NULL);
}

static bool rewire_summary_fill_target(struct sk_buff *skb, const struct rewire_target *target)
{
	return nla_put_u32(skb, REWIRE_A_SUMMARY_TARGET, target->id) ||
	       nla_put_u32(skb, REWIRE_A_SUMMARY_TARGET_GENERATION, target->generation) ||
	       nla_put_u32(skb, REWIRE_A_SUMMARY_FLOWS, atomic_read(&target->flows)) ||
	       nla_put_u32(skb, REWIRE_A_SUMMARY_RETIRED_FLOWS,
			   rewire_target_retired(target)) ||
	       rewire_summary_fill_live(skb, &target->live);
}

static void *rewire_summary_put(struct sk_buff *skb, struct netlink_callback *cb)
{
	return genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			   &rewire_family, NLM_F_MULTI, REWIRE_CMD_SUMMARY_GET);
}

/* Return: whether there was no room. */
static bool rewire_summary_end(struct sk_buff *skb, void *header, bool full)
{
	if (full)
		genlmsg_cancel(skb, header);
	else
		genlmsg_end(skb, header);
	return full;
}

/*
 * The next virtual network from a number on that has a device, whether it has flows or
 * not, or anything that is counted. Context: RCU read side.
 */
static bool rewire_summary_next(struct rewire_net *ns, unsigned long from, unsigned long *vni,
				struct rewire_quota **limit)
{
	const struct rewire_attach *attach;
	unsigned long counted = from;

	*limit = xa_find(&ns->limits, &counted, REWIRE_VNI_MAX, XA_PRESENT);
	*vni = *limit ? counted : ULONG_MAX;
	list_for_each_entry_rcu(attach, &ns->attaches, list) {
		if (!attach->tunnel && attach->vni >= from && attach->vni < *vni) {
			*vni = attach->vni;
			*limit = NULL;
		}
	}
	return *vni != ULONG_MAX;
}

/* Return: whether all are in. Context: RCU read side. */
static bool rewire_summary_networks(struct sk_buff *skb, struct netlink_callback *cb,
				    struct rewire_net *ns)
{
	struct rewire_quota *limit;
	unsigned long vni;
	void *header;

	while (rewire_summary_next(ns, cb->args[1], &vni, &limit)) {
		header = rewire_summary_put(skb, cb);
		if (!header ||
		    rewire_summary_end(skb, header, rewire_summary_fill_network(skb, vni, limit)))
			return false;
		cb->args[1] = vni + 1;
	}
	return true;
}

/* Likewise. */
static bool rewire_summary_targets(struct sk_buff *skb, struct netlink_callback *cb,
				   struct rewire_net *ns)
{
	struct rewire_target *target;
	unsigned long id;
	void *header;

	xa_for_each_start(&ns->targets, id, target, cb->args[1]) {
		header = rewire_summary_put(skb, cb);
		if (!header ||
		    rewire_summary_end(skb, header, rewire_summary_fill_target(skb, target)))
			return false;
		cb->args[1] = id + 1;
	}
	return true;
}

static void rewire_summary_go_on(struct netlink_callback *cb, enum rewire_summary_part part)
{
	cb->args[0] = part;
	cb->args[1] = 0;
}

/* Context: RCU read side. */
static int rewire_summary_fill(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *network = info->attrs[REWIRE_A_SUMMARY_VNI];
	const struct nlattr *number = info->attrs[REWIRE_A_SUMMARY_TARGET];
	struct rewire_net *ns = rewire_info_net(info);
	const struct rewire_target *target;
	struct rewire_quota *limit;
	unsigned long vni;

	if (network) {
		if (!rewire_summary_next(ns, nla_get_u32(network), &vni, &limit) ||
		    vni != nla_get_u32(network)) {
			NL_SET_ERR_MSG_ATTR(info->extack, network,
					    "Nothing is in this virtual network");
			return -ENOENT;
		}
		return rewire_summary_fill_network(skb, vni, limit) ? -EMSGSIZE : 0;
	}
	if (!number)
		return rewire_summary_fill_whole(skb, ns) ? -EMSGSIZE : 0;
	target = xa_load(&ns->targets, nla_get_u32(number));
	if (!target) {
		NL_SET_ERR_MSG_ATTR(info->extack, number, "No target has this number");
		return -ENOENT;
	}
	return rewire_summary_fill_target(skb, target) ? -EMSGSIZE : 0;
}

int rewire_nl_summary_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	void *header;
	int err;

	if (info->attrs[REWIRE_A_SUMMARY_VNI] && info->attrs[REWIRE_A_SUMMARY_TARGET]) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[REWIRE_A_SUMMARY_TARGET],
				    "Either a virtual network or a target may be given");
		return -EINVAL;
	}
	reply = rewire_reply_new(info, NLMSG_DEFAULT_SIZE, &header);
	if (!reply)
		return -ENOMEM;
	rcu_read_lock();
	err = rewire_summary_fill(reply, info);
	rcu_read_unlock();
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	return rewire_reply_send(info, reply, header);
}

int rewire_nl_summary_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct rewire_net *ns = rewire_net(sock_net(skb->sk));
	void *header;

	if (cb->args[0] == REWIRE_SUMMARY_WHOLE) {
		header = rewire_summary_put(skb, cb);
		if (!header || rewire_summary_end(skb, header, rewire_summary_fill_whole(skb, ns)))
			return -EMSGSIZE;
		rewire_summary_go_on(cb, REWIRE_SUMMARY_NETWORKS);
	}
	rcu_read_lock();
	if (cb->args[0] == REWIRE_SUMMARY_NETWORKS && rewire_summary_networks(skb, cb, ns))
		rewire_summary_go_on(cb, REWIRE_SUMMARY_TARGETS);
	if (cb->args[0] == REWIRE_SUMMARY_TARGETS)
		rewire_summary_targets(skb, cb, ns);
	rcu_read_unlock();
	return skb->len;
}

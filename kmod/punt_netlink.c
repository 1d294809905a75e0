// SPDX-License-Identifier: GPL-2.0
/* Punts in netlink messages: to the daemon, and to whom asks what is held. */
#include <net/genetlink.h>

#include "hold.h"
#include "netlink.h"
#include "packet.h"
#include "punt.h"
#include "put.h"

static bool rewire_punt_fill_question(struct sk_buff *skb, const struct rewire_hold *hold)
{
	return rewire_put_u64(skb, REWIRE_A_PUNT_ID, hold->id, REWIRE_A_PUNT_PAD) ||
	       rewire_put_key(skb, REWIRE_A_PUNT_TUPLE, &hold->tuple.key) ||
	       rewire_put_u32(skb, REWIRE_A_PUNT_POLICY, hold->policy) ||
	       rewire_put_u32(skb, REWIRE_A_PUNT_RULE, hold->rule) ||
	       rewire_put_u32(skb, REWIRE_A_PUNT_REASON, hold->reason) ||
	       (hold->ifindex != REWIRE_IFINDEX_LOCAL &&
		rewire_put_u32(skb, REWIRE_A_PUNT_IFINDEX, hold->ifindex)) ||
	       (hold->tunnelled && rewire_put_remote(skb, REWIRE_A_PUNT_TUNNEL, &hold->remote)) ||
	       rewire_put_u32(skb, REWIRE_A_PUNT_LENGTH, hold->length) ||
	       rewire_put_u32(skb, REWIRE_A_PUNT_SCORE, hold->score);
}

/* Context: RCU read side, or the hold's queue is locked. */
int rewire_punt_fill(struct sk_buff *skb, const struct rewire_hold *hold)
{
	u64 age = jiffies_to_msecs(jiffies - hold->since);
	struct nlattr *nest;

	nest = rewire_put_nest(skb, REWIRE_A_PUNT_BATCH_PUNT);
	if (!nest)
		return -EMSGSIZE;
	if (rewire_punt_fill_question(skb, hold) ||
	    nla_put(skb, REWIRE_A_PUNT_HEADER, hold->header_length, hold->header) ||
	    rewire_put_u32(skb, REWIRE_A_PUNT_PACKETS, skb_queue_len_lockless(&hold->packets)) ||
	    rewire_put_u64(skb, REWIRE_A_PUNT_AGE, age, REWIRE_A_PUNT_PAD)) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

/* Room for its attributes. */
size_t rewire_punt_size(const struct rewire_hold *hold)
{
	size_t tuple = nla_total_size(sizeof(u32)) + nla_total_size(sizeof(u8)) +
		       2 * nla_total_size(sizeof(struct in6_addr)) +
		       2 * nla_total_size(sizeof(__be16));
	size_t remote = nla_total_size(sizeof(struct in6_addr)) + nla_total_size(sizeof(u32)) +
			nla_total_size(ETH_ALEN);

	return nla_total_size(2 * nla_total_size_64bit(sizeof(u64)) + nla_total_size(tuple) +
			      7 * nla_total_size(sizeof(u32)) +
			      (hold->tunnelled ? nla_total_size(remote) : 0) +
			      nla_total_size(hold->header_length));
}

static struct rewire_hold *rewire_punt_find(struct list_head *list, u64 id)
{
	struct rewire_hold *hold;

	list_for_each_entry(hold, list, list) {
		if (hold->id == id)
			return hold;
	}
	return NULL;
}

static int rewire_punt_fill_by_id(struct rewire_net *ns, u64 id, struct sk_buff *skb)
{
	struct rewire_hold *hold;
	int cpu, err = -ENOENT;

	for_each_possible_cpu(cpu) {
		struct rewire_punt_queue *queue = per_cpu_ptr(ns->punt_queues, cpu);

		spin_lock_bh(&queue->lock);
		hold = rewire_punt_find(&queue->holds, id);
		if (hold)
			err = rewire_punt_fill(skb, hold);
		spin_unlock_bh(&queue->lock);
		if (hold)
			break;
	}
	return err;
}

int rewire_nl_punt_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct sk_buff *reply;
	void *header;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, REWIRE_A_PUNT_BATCH_ID)) {
		GENL_SET_ERR_MSG(info, "A number has to be given");
		return -EINVAL;
	}
	reply = rewire_reply_new(info, NLMSG_DEFAULT_SIZE, &header);
	if (!reply)
		return -ENOMEM;
	err = rewire_punt_fill_by_id(ns, nla_get_u64(info->attrs[REWIRE_A_PUNT_BATCH_ID]),
				     reply);
	if (err) {
		if (err == -ENOENT)
			NL_SET_ERR_MSG_ATTR(info->extack,
					    info->attrs[REWIRE_A_PUNT_BATCH_ID],
					    "Nothing is held under this number");
		nlmsg_free(reply);
		return err;
	}
	return rewire_reply_send(info, reply, header);
}

/*
 * Of one queue, those numbered above what this CPU's part has shown already: numbers
 * grow along the list.
 */
static bool rewire_punt_dump_list(struct sk_buff *skb, struct netlink_callback *cb,
				  struct list_head *list)
{
	struct rewire_hold *hold;
	void *header;

	list_for_each_entry(hold, list, list) {
		if (hold->id <= (u64)cb->args[1])
			continue;
		header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				     &rewire_family, NLM_F_MULTI, REWIRE_CMD_PUNT_GET);
		if (!header)
			return false;
		if (rewire_punt_fill(skb, hold)) {
			genlmsg_cancel(skb, header);
			return false;
		}
		genlmsg_end(skb, header);
		cb->args[1] = hold->id;
	}
	return true;
}

int rewire_nl_punt_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct rewire_net *ns = rewire_net(sock_net(skb->sk));
	struct rewire_punt_queue *queue;
	bool whole;
	int cpu;

	for_each_possible_cpu(cpu) {
		if (cpu < cb->args[0])
			continue;
		queue = per_cpu_ptr(ns->punt_queues, cpu);
		spin_lock_bh(&queue->lock);
		whole = rewire_punt_dump_list(skb, cb, &queue->holds);
		spin_unlock_bh(&queue->lock);
		if (!whole)
			break;
		cb->args[0] = cpu + 1;
		cb->args[1] = 0;
	}
	return skb->len;
}

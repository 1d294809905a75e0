// SPDX-License-Identifier: GPL-2.0
/*
 * Notifications, built only while somebody listens. Those of flows come from the way
 * of packets: they are put into one message after the other under a lock, and a work
 * sends the messages, and copies of those that ask the daemon. What there is no memory or
 * no room for advances the sequence all the same, so that who watches sees that something
 * is missing.
 */
#include <linux/rwsem.h>
#include <linux/skbuff.h>

#include "event.h"
#include "flow_netlink.h"

#define REWIRE_EVENT_SIZE	8000U
/* Messages of a group that wait to be sent */
#define REWIRE_EVENT_BACKLOG	128U

const struct genl_multicast_group rewire_groups[REWIRE_NLGRP_CONFIG + 1] = {
	[REWIRE_NLGRP_FLOW] = {
		.name = REWIRE_MCGRP_FLOW, .flags = GENL_MCAST_CAP_NET_ADMIN,
	},
	[REWIRE_NLGRP_PUNT] = {
		.name = REWIRE_MCGRP_PUNT, .flags = GENL_MCAST_CAP_NET_ADMIN,
	},
	[REWIRE_NLGRP_CONFIG] = {
		.name = REWIRE_MCGRP_CONFIG, .flags = GENL_MCAST_CAP_NET_ADMIN,
	},
};

/*
 * Whether the groups are the family's: after it they may become another's. Written
 * under the lock; who sends holds it over the sending.
 */
static DECLARE_RWSEM(rewire_event_lock);
static bool rewire_event_allowed;

/* Context: process. When it is not allowed any more, nothing is being sent. */
void rewire_event_allow(bool allow)
{
	down_write(&rewire_event_lock);
	WRITE_ONCE(rewire_event_allowed, allow);
	up_write(&rewire_event_lock);
}

static void rewire_event_send(struct rewire_net *ns, struct sk_buff *skb, unsigned int group)
{
	down_read(&rewire_event_lock);
	if (rewire_event_allowed)
		genlmsg_multicast_netns(&rewire_family, ns->net, skb, 0, group, GFP_KERNEL);
	else
		nlmsg_free(skb);
	up_read(&rewire_event_lock);
}

bool rewire_event_wanted(struct rewire_net *ns, unsigned int group)
{
	return READ_ONCE(rewire_event_allowed) &&
	       genl_has_listeners(&rewire_family, ns->net, group);
}

static bool rewire_event_send_next(struct rewire_net *ns, struct sk_buff_head *queue,
				   unsigned int group)
{
	struct sk_buff *skb = skb_dequeue(queue);

	if (!skb)
		return false;
	rewire_event_send(ns, skb, group);
	cond_resched();
	return true;
}

/* As when there is no room in a listener's socket: it learns that something is missing. */
static void rewire_event_tell_loss(struct rewire_net *ns, unsigned int group)
{
	down_read(&rewire_event_lock);
	if (rewire_event_allowed)
		genl_set_err(&rewire_family, ns->net, 0, group, ENOBUFS);
	up_read(&rewire_event_lock);
}

static void rewire_event_work(struct work_struct *work)
{
	struct rewire_net *ns = container_of(work, struct rewire_net, event_work.work);

	bool more;

	/* By turns, for either may get more all the time */
	do {
		more = rewire_event_send_next(ns, &ns->event_queue, REWIRE_NLGRP_FLOW);
		more |= rewire_event_send_next(ns, &ns->punt_copies, REWIRE_NLGRP_PUNT);
	} while (more);
	if (xchg(&ns->punt_copies_lost, false))
		rewire_event_tell_loss(ns, REWIRE_NLGRP_PUNT);
}

/* The message that events go into; a new one if there is none, or it is full. */
static struct sk_buff *rewire_event_message(struct rewire_net *ns, bool full)
{
	struct sk_buff *skb = skb_peek_tail(&ns->event_queue);

	lockdep_assert_held(&ns->event_queue.lock);
	if (skb && !full)
		return skb;
	if (skb_queue_len(&ns->event_queue) >= REWIRE_EVENT_BACKLOG)
		return NULL;
	skb = nlmsg_new(REWIRE_EVENT_SIZE, GFP_ATOMIC | __GFP_NOWARN);
	if (skb)
		__skb_queue_tail(&ns->event_queue, skb);
	return skb;
}

static int rewire_event_fill(struct sk_buff *skb, u64 sequence,
			     const struct rewire_flow *flow, bool ended,
			     enum rewire_reason reason)
{
	void *header = genlmsg_put(skb, 0, 0, &rewire_family, 0, REWIRE_CMD_FLOW_NTF);

	if (!header)
		return -EMSGSIZE;
	if (nla_put_u64_64bit(skb, REWIRE_A_FLOW_EVENT_SEQUENCE, sequence,
			      REWIRE_A_FLOW_EVENT_PAD) ||
	    rewire_flow_fill(skb, REWIRE_A_FLOW_EVENT_FLOW, flow) ||
	    (ended && nla_put_u32(skb, REWIRE_A_FLOW_EVENT_REASON, reason))) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

/**
 * rewire_event_flow() - tell that a flow was made or has ended
 * @ns: the namespace
 * @flow: not LIVE yet, so that nobody ends it, or ended and not freed
 * @ended: which
 * @reason: why it has ended
 *
 * Context: RCU read side.
 */
void rewire_event_flow(struct rewire_net *ns, const struct rewire_flow *flow, bool ended,
		       enum rewire_reason reason)
{
	struct sk_buff *skb;
	u64 sequence;

	if (!rewire_event_wanted(ns, REWIRE_NLGRP_FLOW))
		return;
	spin_lock_bh(&ns->event_queue.lock);
	sequence = ++ns->event_sequence;
	skb = rewire_event_message(ns, false);
	if (skb && rewire_event_fill(skb, sequence, flow, ended, reason)) {
		skb = rewire_event_message(ns, true);
		if (skb)
			rewire_event_fill(skb, sequence, flow, ended, reason);
	}
	spin_unlock_bh(&ns->event_queue.lock);
	queue_delayed_work(rewire_workqueue, &ns->event_work, 1);
}

/*
 * A copy of a message with punts, which is consumed; NULL, there was no memory for it. These have
 * no sequence. Context: any but hard interrupts.
 */
void rewire_event_punt(struct rewire_net *ns, struct sk_buff *copy)
{
	if (copy && skb_queue_len_lockless(&ns->punt_copies) < REWIRE_EVENT_BACKLOG) {
		skb_queue_tail(&ns->punt_copies, copy);
	} else {
		nlmsg_free(copy);
		WRITE_ONCE(ns->punt_copies_lost, true);
	}
	queue_delayed_work(rewire_workqueue, &ns->event_work, 0);
}

/**
 * rewire_event_config() - tell that an object was made, changed or deleted
 * @ns: the namespace
 * @command: of the notification, of enum rewire_cmd
 * @change: what was done to it
 * @fill: puts the object's attributes into a message
 * @object: for @fill
 *
 * Context: process, the namespace's lock, so that notifications are in order.
 */
void rewire_event_config(struct rewire_net *ns, u8 command, enum rewire_config_change change,
			 int (*fill)(struct sk_buff *skb, const void *object),
			 const void *object)
{
	static const int attributes[][2] = {
		[REWIRE_CMD_ATTACH_NTF] = { REWIRE_A_ATTACH_CHANGE, REWIRE_A_ATTACH_SEQUENCE },
		[REWIRE_CMD_RULE_NTF] = { REWIRE_A_RULE_CHANGE, REWIRE_A_RULE_SEQUENCE },
		[REWIRE_CMD_TARGET_NTF] = { REWIRE_A_TARGET_CHANGE, REWIRE_A_TARGET_SEQUENCE },
		[REWIRE_CMD_LIMIT_NTF] = { REWIRE_A_LIMIT_CHANGE, REWIRE_A_LIMIT_SEQUENCE },
		[REWIRE_CMD_POLICY_NTF] = { REWIRE_A_POLICY_CHANGE, REWIRE_A_POLICY_SEQUENCE },
		[REWIRE_CMD_DELEGATE_NTF] = { REWIRE_A_DELEGATE_CHANGE,
					      REWIRE_A_DELEGATE_SEQUENCE },
	};
	const int *attribute = attributes[command];
	struct sk_buff *skb;
	void *header;

	lockdep_assert_held(&ns->lock);
	if (!rewire_event_wanted(ns, REWIRE_NLGRP_CONFIG))
		return;
	ns->config_sequence++;
	skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return;
	header = genlmsg_put(skb, 0, 0, &rewire_family, 0, command);
	if (!header || fill(skb, object) || nla_put_u32(skb, attribute[0], change) ||
	    nla_put_u32(skb, attribute[1], ns->config_sequence)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, header);
	rewire_event_send(ns, skb, REWIRE_NLGRP_CONFIG);
}

void rewire_event_init(struct rewire_net *ns)
{
	skb_queue_head_init(&ns->event_queue);
	skb_queue_head_init(&ns->punt_copies);
	INIT_DELAYED_WORK(&ns->event_work, rewire_event_work);
}

/* No flows are left. */
void rewire_event_exit(struct rewire_net *ns)
{
	cancel_delayed_work_sync(&ns->event_work);
	skb_queue_purge(&ns->event_queue);
	skb_queue_purge(&ns->punt_copies);
}

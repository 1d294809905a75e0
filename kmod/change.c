// SPDX-License-Identifier: GPL-2.0
/*
 * The log of flows that have changed, so that to read what is new costs as much as
 * is new. It is kept only while somebody reads it: one socket of a namespace.
 *
 * Each CPU has a list of chunks of pointers. A flow is in the log once: who sets its
 * LOGGED bit puts it there, and the reader clears the bit before it reads the flow,
 * so what changes afterwards is logged again. Whoever takes a flow off the log
 * clears LOGGED, and no one else does.
 *
 * A flow that ends while it is LOGGED is not freed by its closer, but by who takes it
 * off the log. The closer says GONE when it is done with the flow; of LOGGED and
 * GONE, each set or cleared in one step that tells what was there, the one who comes
 * second frees the flow. A flow that ends when it is not LOGGED is logged by its
 * closer. So every flow that ends is reported, as it was.
 *
 * What is in the log is not handed to call_rcu() yet, so nothing of it is overwritten.
 */
#include <linux/mm.h>
#include <linux/netlink.h>

#include "change.h"
#include "flow_netlink.h"

/* More than any flow takes in a message */
#define REWIRE_CHANGE_ROOM	3328

/**
 * struct rewire_change_chunk - a page of the log
 * @list: of a queue
 * @count: of @flows
 * @flows: oldest first
 */
struct rewire_change_chunk {
	struct list_head list;
	unsigned int count;
	struct rewire_flow *flows[];
};

#define REWIRE_CHANGE_CHUNK \
	((PAGE_SIZE - offsetof(struct rewire_change_chunk, flows)) / sizeof(void *))

/**
 * struct rewire_change_queue - what one CPU has logged
 * @lock: protects the rest
 * @on: whether there is a reader
 * @chunks: oldest first
 */
struct rewire_change_queue {
	spinlock_t lock;	/* on, chunks */
	bool on;
	struct list_head chunks;
};

static struct rewire_change_chunk *rewire_change_room(struct rewire_change_queue *queue)
{
	struct rewire_change_chunk *chunk;

	lockdep_assert_held(&queue->lock);
	if (!list_empty(&queue->chunks)) {
		chunk = list_last_entry(&queue->chunks, struct rewire_change_chunk, list);
		if (chunk->count < REWIRE_CHANGE_CHUNK)
			return chunk;
	}
	chunk = (void *)__get_free_page(GFP_ATOMIC | __GFP_NOWARN);
	if (!chunk)
		return NULL;
	percpu_counter_inc(&rewire_objects);
	chunk->count = 0;
	list_add_tail(&chunk->list, &queue->chunks);
	return chunk;
}

static void rewire_change_chunk_free(struct rewire_change_chunk *chunk)
{
	free_page((unsigned long)chunk);
	percpu_counter_dec(&rewire_objects);
}

/* Return: whether it is in the log now. */
static bool rewire_change_append(struct rewire_net *ns, struct rewire_flow *flow)
{
	struct rewire_change_queue *queue;
	struct rewire_change_chunk *chunk;
	bool on;

	/* Who reads next reads everything anew. Pairs with the barrier of a dump's start. */
	if (READ_ONCE(ns->changes_overflow))
		return false;
	if (atomic_inc_return(&ns->change_count) > REWIRE_CHANGES_MAX)
		goto overflow;
	local_bh_disable();
	queue = this_cpu_ptr(ns->change_queues);
	spin_lock(&queue->lock);
	on = queue->on;
	chunk = on ? rewire_change_room(queue) : NULL;
	if (chunk)
		chunk->flows[chunk->count++] = flow;
	spin_unlock(&queue->lock);
	local_bh_enable();
	if (chunk)
		return true;
	if (!on) {	/* the reader is gone */
		atomic_dec(&ns->change_count);
		return false;
	}
overflow:
	atomic_dec(&ns->change_count);
	WRITE_ONCE(ns->changes_overflow, true);
	return false;
}

/*
 * Take a flow off the log. Return: its flags before. If it was GONE, it is the
 * caller's to free.
 */
static u32 rewire_change_take(struct rewire_flow *flow)
{
	return atomic_fetch_andnot(REWIRE_FLOW_LOGGED, &flow->flags);
}

/* Context: RCU read side. */
void rewire_change_log(struct rewire_net *ns, struct rewire_flow *flow)
{
	int flags = atomic_read(&flow->flags);

	if (READ_ONCE(ns->changes_overflow))
		return;
	/* What is not LIVE yet may never be; its maker logs it when it is. */
	do {
		if ((flags & (REWIRE_FLOW_LIVE | REWIRE_FLOW_DYING | REWIRE_FLOW_LOGGED)) !=
		    REWIRE_FLOW_LIVE)
			return;
	} while (!atomic_try_cmpxchg(&flow->flags, &flags, flags | REWIRE_FLOW_LOGGED));
	if (!rewire_change_append(ns, flow) && (rewire_change_take(flow) & REWIRE_FLOW_GONE))
		rewire_flow_let_go(flow);
}

/**
 * rewire_change_closed() - a flow has ended
 * @ns: the namespace
 * @flow: the flow; its closer does nothing to it afterwards, but for freeing it
 * @reason: why
 *
 * Return: whether the closer has to free it.
 */
bool rewire_change_closed(struct rewire_net *ns, struct rewire_flow *flow,
			  enum rewire_reason reason)
{
	bool on = READ_ONCE(ns->changes_on);
	u32 bits = REWIRE_FLOW_GONE | FIELD_PREP(REWIRE_FLOW_REASON, (u32)reason);

	if (on)
		bits |= REWIRE_FLOW_LOGGED;
	if (atomic_fetch_or(bits, &flow->flags) & REWIRE_FLOW_LOGGED)
		return false;
	return !on || !rewire_change_append(ns, flow);
}

/* Take all that CPUs have logged. */
static void rewire_change_collect(struct rewire_net *ns, bool on, struct list_head *chunks)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct rewire_change_queue *queue = per_cpu_ptr(ns->change_queues, cpu);

		spin_lock_bh(&queue->lock);
		queue->on = on;
		list_splice_tail_init(&queue->chunks, chunks);
		spin_unlock_bh(&queue->lock);
	}
}

/* Forget what was taken. */
static void rewire_change_discard(struct rewire_net *ns, struct list_head *chunks)
{
	struct rewire_change_chunk *chunk, *next;
	unsigned int i;

	list_for_each_entry_safe(chunk, next, chunks, list) {
		rcu_read_lock();
		for (i = 0; i < chunk->count; i++) {
			struct rewire_flow *flow = chunk->flows[i];

			if (!flow)
				continue;
			if (rewire_change_take(flow) & REWIRE_FLOW_GONE)
				rewire_flow_let_go(flow);
			atomic_dec(&ns->change_count);
		}
		rcu_read_unlock();
		list_del(&chunk->list);
		rewire_change_chunk_free(chunk);
		cond_resched();
	}
}

/* Context: process, may sleep. */
static void rewire_change_stop(struct rewire_net *ns, u32 portid)
{
	LIST_HEAD(chunks);

	mutex_lock(&ns->changes_lock);
	if (portid == ns->change_reader) {
		ns->change_reader = 0;
		WRITE_ONCE(ns->changes_on, false);
		rewire_change_collect(ns, false, &chunks);
		list_splice_tail_init(&ns->changes_taken, &chunks);
		rewire_change_discard(ns, &chunks);
		WRITE_ONCE(ns->changes_overflow, false);
	}
	mutex_unlock(&ns->changes_lock);
}

int rewire_nl_change_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	LIST_HEAD(none);
	int err = 0;

	if (GENL_REQ_ATTR_CHECK(info, REWIRE_A_CHANGE_VERSION)) {
		GENL_SET_ERR_MSG(info, "The version of the interface has to be given");
		return -EINVAL;
	}
	if (nla_get_u32(info->attrs[REWIRE_A_CHANGE_VERSION]) != REWIRE_INTERFACE_VERSION) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[REWIRE_A_CHANGE_VERSION],
				    "This module speaks version 1 of the interface");
		return -EPROTO;
	}
	mutex_lock(&ns->changes_lock);
	if (ns->change_reader && ns->change_reader != info->snd_portid) {
		GENL_SET_ERR_MSG(info, "Another socket reads the changes of this namespace");
		err = -EBUSY;
	} else if (!ns->change_reader) {
		ns->change_reader = info->snd_portid;
		rewire_change_collect(ns, true, &none);
		WRITE_ONCE(ns->changes_on, true);
	}
	mutex_unlock(&ns->changes_lock);
	return err;
}

/* What is logged while a dump is under way is for the next one. */
int rewire_change_dump_start(struct netlink_callback *cb)
{
	struct rewire_net *ns = rewire_net(sock_net(cb->skb->sk));
	int err = 0;

	mutex_lock(&ns->changes_lock);
	if (ns->change_reader != NETLINK_CB(cb->skb).portid) {
		NL_SET_ERR_MSG(cb->extack, "This socket does not listen to changes");
		err = -EPERM;
		goto unlock;
	}
	cb->args[0] = READ_ONCE(ns->changes_overflow);
	if (cb->args[0])	/* what overflows from now on is for the next reading */
		smp_store_mb(ns->changes_overflow, false);
	rewire_change_collect(ns, true, &ns->changes_taken);
	if (cb->args[0])
		rewire_change_discard(ns, &ns->changes_taken);
unlock:
	mutex_unlock(&ns->changes_lock);
	return err;
}

static void *rewire_change_put_header(struct sk_buff *skb, struct netlink_callback *cb)
{
	return genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			   &rewire_family, NLM_F_MULTI, REWIRE_CMD_CHANGE_GET);
}

static void rewire_change_dump_overflow(struct sk_buff *skb, struct netlink_callback *cb)
{
	void *header = rewire_change_put_header(skb, cb);

	if (!header)
		return;
	if (nla_put_flag(skb, REWIRE_A_CHANGE_OVERFLOW)) {
		genlmsg_cancel(skb, header);
		return;
	}
	genlmsg_end(skb, header);
	cb->args[0] = 0;
}

/*
 * Report a flow that was just taken off the log. One that is being closed is put
 * there again by its closer.
 */
static int rewire_change_fill(struct sk_buff *skb, struct netlink_callback *cb,
			      const struct rewire_flow *flow, u32 flags)
{
	void *header = rewire_change_put_header(skb, cb);
	int err;

	if (!header)
		return -EMSGSIZE;
	if (flags & REWIRE_FLOW_GONE)
		err = rewire_flow_fill(skb, REWIRE_A_CHANGE_FLOW, flow) ?:
		      nla_put_u32(skb, REWIRE_A_CHANGE_REASON,
				  FIELD_GET(REWIRE_FLOW_REASON, flags));
	else
		err = rewire_flow_fill_live(skb, REWIRE_A_CHANGE_FLOW, flow, false);
	if (err) {
		genlmsg_cancel(skb, header);
		return err == -ENOENT ? 0 : err;
	}
	genlmsg_end(skb, header);
	return 0;
}

/* Return: whether the chunk was read to its end. */
static bool rewire_change_dump_chunk(struct sk_buff *skb, struct netlink_callback *cb,
				     struct rewire_net *ns, struct rewire_change_chunk *chunk)
{
	unsigned int i;
	u32 flags;

	for (i = 0; i < chunk->count; i++) {
		struct rewire_flow *flow = chunk->flows[i];

		if (!flow)
			continue;
		if (skb_tailroom(skb) < REWIRE_CHANGE_ROOM)
			return false;
		chunk->flows[i] = NULL;
		atomic_dec(&ns->change_count);
		flags = rewire_change_take(flow);
		if (rewire_change_fill(skb, cb, flow, flags))
			WRITE_ONCE(ns->changes_overflow, true);
		if (flags & REWIRE_FLOW_GONE)
			rewire_flow_let_go(flow);
	}
	return true;
}

int rewire_nl_change_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct rewire_net *ns = rewire_net(sock_net(skb->sk));
	struct rewire_change_chunk *chunk, *next;

	if (cb->args[0])
		rewire_change_dump_overflow(skb, cb);
	rcu_read_lock();
	list_for_each_entry_safe(chunk, next, &ns->changes_taken, list) {
		if (!rewire_change_dump_chunk(skb, cb, ns, chunk))
			break;
		list_del(&chunk->list);
		rewire_change_chunk_free(chunk);
	}
	rcu_read_unlock();
	return skb->len;
}

static int rewire_change_socket_event(struct notifier_block *block, unsigned long event,
				      void *data)
{
	const struct netlink_notify *notify = data;

	if (event == NETLINK_URELEASE && notify->protocol == NETLINK_GENERIC)
		rewire_change_stop(rewire_net(notify->net), notify->portid);
	return NOTIFY_DONE;
}

static struct notifier_block rewire_change_notifier = {
	.notifier_call = rewire_change_socket_event,
};

int rewire_change_notifier_register(void)
{
	return netlink_register_notifier(&rewire_change_notifier);
}

void rewire_change_notifier_unregister(void)
{
	netlink_unregister_notifier(&rewire_change_notifier);
}

int rewire_change_init(struct rewire_net *ns)
{
	int cpu;

	ns->change_queues = alloc_percpu_gfp(struct rewire_change_queue, GFP_KERNEL_ACCOUNT);
	if (!ns->change_queues)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct rewire_change_queue *queue = per_cpu_ptr(ns->change_queues, cpu);

		spin_lock_init(&queue->lock);
		INIT_LIST_HEAD(&queue->chunks);
	}
	mutex_init(&ns->changes_lock);
	INIT_LIST_HEAD(&ns->changes_taken);
	return 0;
}

/* No flows are left. */
void rewire_change_exit(struct rewire_net *ns)
{
	rewire_change_stop(ns, ns->change_reader);
	free_percpu(ns->change_queues);
}

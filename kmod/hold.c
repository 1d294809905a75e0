// SPDX-License-Identifier: GPL-2.0
/*
 * Holds: the first packet of an unknown flow puts one into the table, later
 * packets join it, the verdict lets them go. Bounded in number, packets, bytes
 * and time.
 */
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/slab.h>
#include <net/dst.h>

#include "attach.h"
#include "hold.h"
#include "namespace.h"
#include "packet.h"
#include "punt.h"
#include "reject.h"
#include "rule.h"
#include "suspicion.h"
#include "trace.h"

#ifndef CONFIG_NET_CLS_ACT
#error "Without CONFIG_NET_CLS_ACT a packet cannot skip the hooks that it has been through"
#endif

#define REWIRE_HOLD_TICK	(HZ / 10)
/* Holds that end in one go, while bottom halves are disabled. */
#define REWIRE_HOLD_PORTION	512

static struct kmem_cache *rewire_hold_cache;

DEFINE_PER_CPU(struct sk_buff *, rewire_let_by);

static void rewire_hold_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(rewire_hold_cache, container_of(rcu, struct rewire_hold, rcu));
	percpu_counter_dec(&rewire_objects);
}

/*
 * What a packet borrows until the hook returns: the host's own its route and, from a
 * tunnel, its device; one that came in perhaps a socket. Return: whether it can do
 * with what it owns.
 */
static bool rewire_hold_own(const struct rewire_hold *hold, struct sk_buff *skb)
{
	if (hold->ifindex == REWIRE_IFINDEX_LOCAL)
		skb->dev = NULL;
	else
		skb_orphan(skb);
	return !skb_dst(skb) || skb_dst_force(skb);
}

/* Whether a packet cannot be kept, and why. The hold is locked, or nobody else has it yet. */
static bool rewire_hold_refuses(const struct rewire_hold *hold, unsigned int bytes,
				enum rewire_reason *reason)
{
	if (!hold->keep) {
		*reason = REWIRE_REASON_DROP_HOLD_MODE;
		return true;
	}
	*reason = REWIRE_REASON_DROP_HOLD_PACKETS;
	return skb_queue_len(&hold->packets) >= REWIRE_HOLD_PACKETS ||
	       hold->bytes + bytes > REWIRE_HOLD_BYTES;
}

/* Keep a packet, or drop it. Locked likewise. */
static enum rewire_hold_result rewire_hold_keep(struct rewire_net *ns,
						struct rewire_hold *hold,
						struct sk_buff *skb)
{
	enum rewire_reason reason;

	if (rewire_hold_refuses(hold, skb->truesize, &reason)) {
		/* counted below */
	} else if (!rewire_hold_own(hold, skb)) {
		reason = REWIRE_REASON_DROP_NO_ROUTE;
	} else if (rewire_limit_keep(ns, hold->limit, skb->truesize, &reason)) {
		hold->bytes += skb->truesize;
		__skb_queue_tail(&hold->packets, skb);
		return REWIRE_HOLD_KEPT;
	}
	rewire_drop(ns, skb, reason);
	return REWIRE_HOLD_DROPPED;
}

static struct rewire_hold *rewire_hold_make(struct rewire_net *ns, struct sk_buff *skb,
					    const struct rewire_packet *packet,
					    const struct rewire_rule *rule,
					    enum rewire_punt_reason reason)
{
	struct rewire_hold *hold;

	hold = kmem_cache_alloc(rewire_hold_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!hold)
		return NULL;
	percpu_counter_inc(&rewire_objects);
	memset(hold, 0, offsetof(struct rewire_hold, header));
	hold->tuple.key = packet->key;
	hold->tuple.direction = REWIRE_HOLD;
	spin_lock_init(&hold->lock);
	__skb_queue_head_init(&hold->packets);
	INIT_LIST_HEAD(&hold->list);
	INIT_LIST_HEAD(&hold->turn);
	hold->since = jiffies;
	hold->id = atomic64_inc_return(&ns->punt_id);
	hold->policy = rule->policy;
	hold->rule = rule->id;
	hold->keep = rule->hold == REWIRE_HOLD_MODE_HOLD;
	hold->reason = reason;
	hold->kind = reason == REWIRE_PUNT_REASON_MISS ? REWIRE_TURN_NEW : REWIRE_TURN_AGAIN;
	hold->score = rewire_suspicion_score(ns, skb, packet);
	hold->band = hold->kind == REWIRE_TURN_NEW ? rewire_suspicion_band(hold->score) : 0;
	hold->ifindex = packet->ifindex;
	hold->tunnelled = rewire_tunnel_remote(skb, &hold->remote);
	hold->length = skb->len;
	hold->header_length = min_t(unsigned int, skb->len, REWIRE_PUNT_HEADER_MAX);
	skb_copy_bits(skb, 0, hold->header, hold->header_length);
	return hold;
}

/*
 * Into the queue and into the table in one step: who takes it out of the table
 * waits for the queue's lock, and then finds it in the queue.
 */
static struct rewire_tuple *rewire_hold_insert(struct rewire_net *ns,
					       struct rewire_hold *hold)
{
	struct rewire_punt_queue *queue = hold->queue;
	struct rewire_tuple *there;
	int err;

	lockdep_assert_held(&queue->lock);
	/* Detaching unlinks the attach, then looks for holds under this lock. */
	if (!rewire_attach_find(ns, hold->ifindex))
		return ERR_PTR(-ENODEV);
	err = rewire_punt_add(queue, hold);
	if (err)
		return ERR_PTR(err);
	there = rewire_tuple_insert(ns, &hold->tuple);
	if (there)
		rewire_punt_leave(queue, hold);
	else
		list_add_tail(&hold->list, &queue->holds);
	return there;
}

/* A virtual network with more holds than its share loses one of its own. */
static struct rewire_hold *rewire_hold_victim(struct rewire_net *ns,
					      struct rewire_hold *hold)
{
	return rewire_limit_crowds(ns, hold->limit) ? rewire_lane_victim(hold->queue, hold) : NULL;
}

/*
 * Return: what rewire_tuple_insert() does; -ENOBUFS, it has to go itself. Another that
 * has to go for it is out of the table then, and to be dropped.
 */
static struct rewire_tuple *rewire_hold_publish(struct rewire_net *ns,
						struct rewire_hold *hold,
						struct rewire_hold **pushed)
{
	struct rewire_punt_queue *queue = this_cpu_ptr(ns->punt_queues);
	struct rewire_hold *victim;
	struct rewire_tuple *there;
	bool due;

	hold->queue = queue;
	*pushed = NULL;
	spin_lock_bh(&queue->lock);
	victim = rewire_hold_victim(ns, hold);
	there = victim == hold ? ERR_PTR(-ENOBUFS) : rewire_hold_insert(ns, hold);
	if (!there && victim && rewire_tuple_remove(ns, &victim->tuple)) {
		rewire_punt_leave(queue, victim);
		*pushed = victim;
	}
	due = !there && rewire_punt_due(queue);
	spin_unlock_bh(&queue->lock);
	if (!there)
		trace_rewire_punt(hold);
	if (due)
		rewire_punt_send(queue);
	return there;
}

/* Why one goes while its virtual network has more than its share. */
static enum rewire_reason rewire_hold_reason(struct rewire_hold *hold)
{
	rewire_limit_refuse_hold(hold->limit);
	return hold->band ? REWIRE_REASON_DROP_SUSPICIOUS : REWIRE_REASON_DROP_PUNT_FULL;
}

/* It did not get into the table. Return: the packet, unless it was dropped. */
static struct sk_buff *rewire_hold_undo(struct rewire_net *ns, struct rewire_hold *hold)
{
	struct sk_buff *skb = __skb_dequeue(&hold->packets);

	if (skb)
		rewire_limit_unkeep(ns, hold->limit, skb->truesize);
	rewire_limit_unhold(ns, hold->limit);
	kmem_cache_free(rewire_hold_cache, hold);
	percpu_counter_dec(&rewire_objects);
	return skb;
}

static enum rewire_hold_result rewire_hold_refuse(struct rewire_net *ns,
						  struct rewire_hold *hold,
						  struct rewire_tuple *there)
{
	enum rewire_reason reason = REWIRE_REASON_DROP_MEMORY;
	struct sk_buff *skb;

	if (PTR_ERR(there) == -ENOBUFS)
		reason = rewire_hold_reason(hold);
	else if (PTR_ERR(there) == -ENODEV)
		reason = REWIRE_REASON_DROP_DETACHED;
	skb = rewire_hold_undo(ns, hold);
	if (!skb)
		return REWIRE_HOLD_DROPPED;
	if (!IS_ERR(there))
		return REWIRE_HOLD_AGAIN;
	rewire_drop(ns, skb, reason);
	return REWIRE_HOLD_DROPPED;
}

/**
 * rewire_hold_new() - hold the first packet of an unknown flow, and punt it
 * @ns: the namespace
 * @skb: the packet, consumed unless REWIRE_HOLD_AGAIN is returned
 * @packet: what the parser says of it
 * @rule: the rule that punts it
 * @reason: why
 *
 * Context: RCU read side, bottom halves disabled.
 */
enum rewire_hold_result rewire_hold_new(struct rewire_net *ns, struct sk_buff *skb,
					const struct rewire_packet *packet,
					const struct rewire_rule *rule,
					enum rewire_punt_reason reason)
{
	enum rewire_hold_result result;
	struct rewire_quota *limit;
	struct rewire_hold *hold, *pushed;
	struct rewire_tuple *there;
	enum rewire_reason full;

	limit = rewire_limit_hold(ns, rewire_key_vni(&packet->key), &full);
	if (!limit) {
		rewire_drop(ns, skb, full);
		return REWIRE_HOLD_DROPPED;
	}
	hold = rewire_hold_make(ns, skb, packet, rule, reason);
	if (!hold) {
		rewire_limit_unhold(ns, limit);
		rewire_drop(ns, skb, REWIRE_REASON_DROP_MEMORY);
		return REWIRE_HOLD_DROPPED;
	}
	hold->limit = limit;
	result = rewire_hold_keep(ns, hold, skb);
	there = rewire_hold_publish(ns, hold, &pushed);
	if (there)
		return rewire_hold_refuse(ns, hold, there);

	if (pushed)
		rewire_hold_drop(ns, pushed, rewire_hold_reason(pushed));
	queue_delayed_work(rewire_workqueue, &ns->hold_timeout, REWIRE_HOLD_TICK);
	return result;
}

/**
 * rewire_hold_join() - hold another packet of a flow that is being decided
 * @ns: the namespace
 * @hold: found in the table
 * @skb: the packet, consumed unless REWIRE_HOLD_AGAIN is returned
 * @packet: what the parser says of it
 *
 * A hold keeps the packets of one device, so that it can go with the device.
 * Context: RCU read side, bottom halves disabled.
 */
enum rewire_hold_result rewire_hold_join(struct rewire_net *ns,
					 struct rewire_hold *hold,
					 struct sk_buff *skb,
					 const struct rewire_packet *packet)
{
	enum rewire_hold_result result;

	if (packet->ifindex != hold->ifindex) {
		rewire_drop(ns, skb, REWIRE_REASON_DROP_HOLD_PACKETS);
		return REWIRE_HOLD_DROPPED;
	}
	spin_lock_bh(&hold->lock);
	result = hold->done ? REWIRE_HOLD_AGAIN : rewire_hold_keep(ns, hold, skb);
	spin_unlock_bh(&hold->lock);
	return result;
}

/* Whether rewire_hold_join() would keep a packet, and why not. Context: RCU read side. */
bool rewire_hold_would_join(struct rewire_net *ns, struct rewire_hold *hold,
			    const struct sk_buff *skb, const struct rewire_packet *packet,
			    enum rewire_reason *reason)
{
	bool refuses;

	*reason = REWIRE_REASON_DROP_HOLD_PACKETS;
	if (packet->ifindex != hold->ifindex)
		return false;
	spin_lock_bh(&hold->lock);
	refuses = rewire_hold_refuses(hold, skb->truesize, reason);
	spin_unlock_bh(&hold->lock);
	return !refuses &&
	       rewire_limit_may_join(ns, rewire_key_vni(&packet->key), reason);
}

/* End a hold that is out of the table, and take its packets. */
static void rewire_hold_end(struct rewire_net *ns, struct rewire_hold *hold,
			    struct sk_buff_head *packets)
{
	struct rewire_punt_queue *queue = hold->queue;
	struct sk_buff *skb;

	__skb_queue_head_init(packets);
	spin_lock_bh(&queue->lock);
	rewire_punt_answered(queue, hold);
	list_del_init(&hold->list);
	rewire_punt_later(queue);
	spin_unlock_bh(&queue->lock);

	spin_lock_bh(&hold->lock);
	hold->done = true;
	skb_queue_splice_init(&hold->packets, packets);
	spin_unlock_bh(&hold->lock);

	skb_queue_walk(packets, skb)
		rewire_limit_unkeep(ns, hold->limit, skb->truesize);
	rewire_limit_unhold(ns, hold->limit);
	call_rcu(&hold->rcu, rewire_hold_free_rcu);
}

/*
 * The host's stack goes on with a packet that was held. One that came in goes on
 * behind the taps, classifiers and ingress hooks that have seen it; so has a program
 * of generic XDP, which leaves alone what was redirected. The host's own
 * has to go through all output hooks again, a firewall's among them; ours lets it by.
 */
void rewire_hold_continue(struct rewire_net *ns, struct sk_buff *skb, int ifindex)
{
	if (ifindex != REWIRE_IFINDEX_LOCAL) {
		skb->tc_skip_classify = 1;
		if (rcu_access_pointer(skb->dev->xdp_prog))
			skb_set_redirected(skb, false);
		netif_receive_skb_core(skb);
		return;
	}
	this_cpu_write(rewire_let_by, skb);
	NF_HOOK(skb->protocol == htons(ETH_P_IP) ? NFPROTO_IPV4 : NFPROTO_IPV6,
		NF_INET_LOCAL_OUT, ns->net, skb->sk, skb, NULL,
		dst_dev_rcu(skb_dst(skb)), dst_output);
	this_cpu_write(rewire_let_by, NULL);
}

/**
 * rewire_hold_release() - let held packets go
 * @ns: the namespace
 * @hold: replaced in the table by the flow that they now take; consumed
 *
 * Context: RCU read side, bottom halves disabled.
 */
void rewire_hold_release(struct rewire_net *ns, struct rewire_hold *hold)
{
	u32 vni = rewire_key_vni(&hold->tuple.key);
	int ifindex = hold->ifindex;
	struct sk_buff_head packets;
	struct sk_buff *skb;

	rewire_hold_end(ns, hold, &packets);
	while ((skb = __skb_dequeue(&packets))) {
		if (rewire_packet_resume(ns, skb, vni, ifindex) == NF_ACCEPT)
			rewire_hold_continue(ns, skb, ifindex);
	}
}

/**
 * rewire_hold_drop() - drop held packets
 * @ns: the namespace
 * @hold: out of the table; consumed
 * @reason: to count
 */
void rewire_hold_drop(struct rewire_net *ns, struct rewire_hold *hold,
		      enum rewire_reason reason)
{
	struct sk_buff_head packets;
	struct sk_buff *skb;

	rewire_hold_end(ns, hold, &packets);
	while ((skb = __skb_dequeue(&packets)))
		rewire_drop(ns, skb, reason);
}

/**
 * rewire_hold_reject() - drop held packets, and tell their sender once
 * @ns: the namespace
 * @hold: out of the table; consumed
 * @how: what to tell
 *
 * Context: RCU read side, bottom halves disabled.
 */
void rewire_hold_reject(struct rewire_net *ns, struct rewire_hold *hold,
			enum rewire_reject how)
{
	u32 vni = rewire_key_vni(&hold->tuple.key);
	int ifindex = hold->ifindex;
	struct sk_buff_head packets;
	struct sk_buff *skb;

	rewire_hold_end(ns, hold, &packets);
	skb = skb_peek(&packets);
	if (skb)
		rewire_reject(ns, skb, vni, ifindex, how);
	while ((skb = __skb_dequeue(&packets)))
		rewire_drop(ns, skb, REWIRE_REASON_DROP_REJECTED);
}

/* Whether a hold ends for this reason; ifindex: of the device that is detached. */
static bool rewire_hold_ends(const struct rewire_hold *hold, enum rewire_reason reason,
			     int ifindex)
{
	switch (reason) {
	case REWIRE_REASON_DROP_DETACHED:
		return hold->ifindex == ifindex;
	case REWIRE_REASON_DROP_HOLD_TIMEOUT:
		return time_after(jiffies, hold->since + REWIRE_HOLD_TIME);
	default:
		return true;
	}
}

/*
 * Move some of a queue that are to end, and that nobody else ends, to a list. Nobody is asked
 * about them any more. A daemon that has not answered in time is slow.
 * Return: whether there may be more.
 */
static bool rewire_hold_collect(struct rewire_punt_queue *queue, enum rewire_reason reason,
				int ifindex, struct list_head *to)
{
	struct rewire_hold *hold, *next;
	unsigned int n = 0;

	lockdep_assert_held(&queue->lock);
	list_for_each_entry_safe(hold, next, &queue->holds, list) {
		if (n == REWIRE_HOLD_PORTION)
			return true;
		if (!rewire_hold_ends(hold, reason, ifindex)) {
			/* They are there in the order in which they came. */
			if (reason == REWIRE_REASON_DROP_HOLD_TIMEOUT)
				break;
			continue;
		}
		if (rewire_tuple_remove(queue->ns, &hold->tuple)) {
			if (reason == REWIRE_REASON_DROP_HOLD_TIMEOUT)
				rewire_punt_answered(queue, hold);
			else
				rewire_punt_leave(queue, hold);
			list_move_tail(&hold->list, to);
			n++;
		}
	}
	return false;
}

static void rewire_hold_drop_all(struct rewire_net *ns, enum rewire_reason reason, int ifindex)
{
	struct rewire_hold *hold, *next;
	LIST_HEAD(ended);
	bool more;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct rewire_punt_queue *queue = per_cpu_ptr(ns->punt_queues, cpu);

		do {
			spin_lock_bh(&queue->lock);
			more = rewire_hold_collect(queue, reason, ifindex, &ended);
			spin_unlock_bh(&queue->lock);
		} while (more);
	}
	list_for_each_entry_safe(hold, next, &ended, list)
		rewire_hold_drop(ns, hold, reason);
	rewire_punt_go_on(ns);
}

/* Drop what is held from a device. */
void rewire_hold_detach(struct rewire_net *ns, int ifindex)
{
	rewire_hold_drop_all(ns, REWIRE_REASON_DROP_DETACHED, ifindex);
}

static void rewire_hold_timeout_work(struct work_struct *work)
{
	struct rewire_net *ns = container_of(work, struct rewire_net, hold_timeout.work);

	/* Scoring itself does not start it, for it takes no lock. */
	rewire_suspicion_refresh(ns->suspicion);
	rewire_hold_drop_all(ns, REWIRE_REASON_DROP_HOLD_TIMEOUT, 0);
	if (atomic_read(&ns->all.holds))
		queue_delayed_work(rewire_workqueue, &ns->hold_timeout, REWIRE_HOLD_TICK);
}

void rewire_hold_init(struct rewire_net *ns)
{
	INIT_DELAYED_WORK(&ns->hold_timeout, rewire_hold_timeout_work);
}

/* No packets come any more. */
void rewire_hold_exit(struct rewire_net *ns)
{
	cancel_delayed_work_sync(&ns->hold_timeout);
	rewire_hold_drop_all(ns, REWIRE_REASON_DROP_EXIT, 0);
}

int rewire_hold_cache_create(void)
{
	rewire_hold_cache = kmem_cache_create("rewire_hold", sizeof(struct rewire_hold),
					      0, SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT, NULL);
	return rewire_hold_cache ? 0 : -ENOMEM;
}

void rewire_hold_cache_destroy(void)
{
	kmem_cache_destroy(rewire_hold_cache);
}

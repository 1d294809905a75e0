// SPDX-License-Identifier: GPL-2.0
/*
 * Punts: each CPU sends those of its own holds, in batches, to one of the
 * daemon's sockets. Who makes a question sends it at once when the daemon has nothing in
 * hand, and who has carried out a message of answers sends what has come meanwhile: so messages
 * are as full as the daemon is busy. A work sends what neither of them could, or would have had
 * to send alone.
 */
#include <linux/netlink.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "event.h"
#include "handler.h"
#include "hold.h"
#include "netlink.h"
#include "packet.h"
#include "punt.h"

#define REWIRE_PUNT_RETRY	max(HZ / 100, 1)
/* A window has room for so many batches at most. */
#define REWIRE_PUNT_ROUNDS	16
/* Room for a punt with all that it may have. */
#define REWIRE_PUNT_SIZE	384

/* Questions that are asked together. */
struct rewire_punt_batch {
	struct rewire_hold *holds[REWIRE_PUNT_BATCH];
	unsigned int count;
	u64 sent;		/* nanoseconds, as in the holds */
	u32 portid;
};

/* The timer of a CPU that is offline would never end, nor would one that comes while it goes. */
static void rewire_punt_kick(struct rewire_punt_queue *queue, unsigned long delay)
{
	int cpu;

	preempt_disable();
	cpu = cpu_online(queue->cpu) ? queue->cpu : WORK_CPU_UNBOUND;
	if (delay)
		queue_delayed_work_on(cpu, rewire_workqueue, &queue->send, delay);
	else
		mod_delayed_work_on(cpu, rewire_workqueue, &queue->send, 0);
	preempt_enable();
}

/* Lanes that need not wait may have so many beyond the window. */
static bool rewire_punt_room_for_sparse(const struct rewire_punt_queue *queue)
{
	return queue->asked < queue->window.size + REWIRE_PUNT_SPARSE;
}

/* Whether the daemon has so little in hand that it could have a good part of a message more. */
static bool rewire_punt_room(const struct rewire_punt_queue *queue)
{
	const unsigned int size = queue->window.size;

	return queue->asked <= size / 2 || queue->asked + REWIRE_PUNT_BATCH <= size;
}

/* Whether something could be asked, and if so, whether it is worth a message already. */
static bool rewire_punt_could(const struct rewire_punt_queue *queue, bool *worth)
{
	*worth = true;
	if (rewire_lane_sparse(queue) && rewire_punt_room_for_sparse(queue))
		return true;
	*worth = !queue->asked || queue->queued >= REWIRE_PUNT_BATCH;
	return queue->queued && rewire_punt_room(queue);
}

/**
 * rewire_punt_due() - whether to send a batch now
 * @queue: which has got a question, or answers; locked
 *
 * What waits for others to be answered, does so for two ticks at most: answers can get lost.
 * Packets of a flood send nothing: they find the window full, and answers make room for
 * several at once.
 */
bool rewire_punt_due(struct rewire_punt_queue *queue)
{
	bool worth;

	lockdep_assert_held(&queue->lock);
	if (!list_empty(&queue->ready)) {
		rewire_punt_kick(queue, REWIRE_PUNT_RETRY);
		return false;
	}
	if (!rewire_punt_could(queue, &worth))
		return false;
	if (!worth)
		rewire_punt_kick(queue, 1);
	return worth;
}

/**
 * rewire_punt_later() - see to it that what has room now is sent
 * @queue: which has got an answer; locked
 *
 * By who carries out more answers, or else by the work.
 */
void rewire_punt_later(struct rewire_punt_queue *queue)
{
	bool worth;

	lockdep_assert_held(&queue->lock);
	if (rewire_punt_could(queue, &worth))
		rewire_punt_kick(queue, 1);
}

/**
 * rewire_punt_add() - a new question
 * @queue: the queue of this CPU, locked
 * @hold: what it is about
 *
 * Return: 0, or -ENOMEM.
 */
int rewire_punt_add(struct rewire_punt_queue *queue, struct rewire_hold *hold)
{
	hold->stage = REWIRE_HOLD_QUEUED;
	return rewire_lane_add(queue, hold);
}

/**
 * rewire_punt_leave() - a question ends, if it has not
 * @queue: the queue that it is in, locked
 * @hold: what it is about
 */
void rewire_punt_leave(struct rewire_punt_queue *queue, struct rewire_hold *hold)
{
	lockdep_assert_held(&queue->lock);
	switch (hold->stage) {
	case REWIRE_HOLD_QUEUED:
		rewire_lane_remove(queue, hold);
		break;
	case REWIRE_HOLD_ASKED:
	case REWIRE_HOLD_READY:
		list_del_init(&hold->turn);
		rewire_lane_answered(queue, hold);
		break;
	}
	hold->stage = REWIRE_HOLD_ENDED;
}

/**
 * rewire_punt_answered() - a question ends by its answer, or for want of one
 * @queue: the queue that it is in, locked
 * @hold: what it is about
 */
void rewire_punt_answered(struct rewire_punt_queue *queue, struct rewire_hold *hold)
{
	if (hold->stage == REWIRE_HOLD_ASKED)
		rewire_window_learn(&queue->window, hold->sent, ktime_get_ns(), queue->queued);
	rewire_punt_leave(queue, hold);
}

int rewire_punt_fill_gauges(struct sk_buff *skb, struct rewire_net *ns)
{
	unsigned int asked = 0, queued = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct rewire_punt_queue *queue = per_cpu_ptr(ns->punt_queues, cpu);

		asked += READ_ONCE(queue->asked);
		queued += READ_ONCE(queue->queued);
	}
	if (nla_put_u32(skb, REWIRE_A_STATS_PUNTS_ASKED, asked) ||
	    nla_put_u32(skb, REWIRE_A_STATS_PUNTS_QUEUED, queued))
		return -EMSGSIZE;
	return 0;
}

/* Those whose turn it is: they are asked about from now on. */
static void rewire_punt_take(struct rewire_punt_queue *queue, bool sparse,
			     struct rewire_punt_batch *batch)
{
	struct rewire_hold *hold;

	lockdep_assert_held(&queue->lock);
	batch->sent = ktime_get_ns();
	while (batch->count < REWIRE_PUNT_BATCH) {
		hold = sparse ? NULL :
		       list_first_entry_or_null(&queue->ready, struct rewire_hold, turn);
		if (hold)
			list_del_init(&hold->turn);
		else
			hold = rewire_lane_next(queue, sparse);
		if (!hold)
			break;
		hold->stage = REWIRE_HOLD_ASKED;
		hold->sent = batch->sent;
		list_add_tail(&hold->turn, &queue->waiting);
		batch->holds[batch->count++] = hold;
	}
}

/* Nobody has got these: those that have not ended, nor been sent by others, are the next. */
static void rewire_punt_untake(struct rewire_punt_queue *queue,
			       const struct rewire_punt_batch *batch)
{
	struct rewire_hold *hold;
	unsigned int n;

	spin_lock(&queue->lock);
	for (n = batch->count; n--;) {
		hold = batch->holds[n];
		if (hold->stage != REWIRE_HOLD_ASKED || hold->sent != batch->sent)
			continue;
		hold->stage = REWIRE_HOLD_READY;
		list_move(&hold->turn, &queue->ready);
	}
	spin_unlock(&queue->lock);
}

/* Whether others are asked about, or wait for that. */
static bool rewire_punt_busy(const struct rewire_punt_queue *queue)
{
	return queue->asked || !list_empty(&queue->round[REWIRE_TURN_AGAIN].lanes) ||
	       !list_empty(&queue->round[REWIRE_TURN_NEW].lanes);
}

/*
 * Each CPU keeps to one socket, but the last is for all of them: who need not wait is
 * asked about there while the CPU's own is busy with others. Return: 0, nobody listens.
 */
static u32 rewire_punt_portid(struct rewire_punt_queue *queue, bool *sparse)
{
	struct rewire_handlers *handlers;
	unsigned int last;
	u32 portid = 0;

	lockdep_assert_held(&queue->lock);
	rcu_read_lock();
	handlers = rcu_dereference(queue->ns->handlers);
	if (handlers) {
		last = READ_ONCE(handlers->count) - 1;
		*sparse = last && rewire_lane_sparse(queue) && rewire_punt_busy(queue) &&
			  rewire_punt_room_for_sparse(queue);
		portid = READ_ONCE(handlers->portid[*sparse || !last ? last :
						    queue->cpu % last]);
	}
	rcu_read_unlock();
	return portid;
}

static struct sk_buff *rewire_punt_message(const struct rewire_punt_batch *batch)
{
	size_t size = 0;
	unsigned int i;

	for (i = 0; i < batch->count; i++)
		size += rewire_punt_size(batch->holds[i]);
	return genlmsg_new(size, GFP_ATOMIC | __GFP_NOWARN);
}

/* Return: 0, or a negative error: then nothing is in the message. */
static int rewire_punt_compose(struct sk_buff *skb, const struct rewire_punt_batch *batch)
{
	void *header = genlmsg_put(skb, 0, 0, &rewire_family, 0, REWIRE_CMD_PUNT_NTF);
	unsigned int i;

	if (!header)
		return -EMSGSIZE;
	for (i = 0; i < batch->count; i++) {
		if (WARN_ON_ONCE(rewire_punt_fill(skb, batch->holds[i]))) {
			genlmsg_cancel(skb, header);
			return -EMSGSIZE;
		}
	}
	genlmsg_end(skb, header);
	return 0;
}

/* The message is consumed. Return: 0 or a negative error. */
static int rewire_punt_ask(struct rewire_net *ns, struct sk_buff *skb,
			   const struct rewire_punt_batch *batch)
{
	bool watched = rewire_event_wanted(ns, REWIRE_NLGRP_PUNT);
	struct sk_buff *copy = NULL;
	int err = rewire_punt_compose(skb, batch);

	if (err) {
		nlmsg_free(skb);
		return err;
	}
	if (watched)
		copy = skb_copy(skb, GFP_ATOMIC | __GFP_NOWARN);
	err = genlmsg_unicast(ns->net, skb, batch->portid);
	if (err) {
		nlmsg_free(copy);
		this_cpu_inc(ns->stats->punt_retries);
		return err;
	}
	this_cpu_add(ns->stats->punts, batch->count);
	this_cpu_inc(ns->stats->punt_batches);
	if (watched)
		rewire_event_punt(ns, copy);
	return 0;
}

/*
 * Send one batch, in a message that is consumed, if there is one. The holds are in hand by
 * RCU alone while it is filled: that takes as long as many packets do, and these want the
 * queue's lock. What ends meanwhile is answered all the same. Bottom halves stay disabled,
 * by which netlink knows that it must not sleep.
 * Return: how many were sent, or a negative error.
 */
static int rewire_punt_send_batch(struct rewire_punt_queue *queue, struct sk_buff *skb)
{
	struct rewire_punt_batch batch;
	bool sparse;
	int err = 0;

	batch.count = 0;
	rcu_read_lock_bh();
	spin_lock(&queue->lock);
	batch.portid = rewire_punt_portid(queue, &sparse);
	if (batch.portid)
		rewire_punt_take(queue, sparse, &batch);
	spin_unlock(&queue->lock);
	if (!batch.count) {
		nlmsg_free(skb);
	} else {
		if (!skb)
			skb = rewire_punt_message(&batch);
		err = skb ? rewire_punt_ask(queue->ns, skb, &batch) : -ENOMEM;
		if (err)
			rewire_punt_untake(queue, &batch);
	}
	rcu_read_unlock_bh();
	return err ?: (int)batch.count;
}

/**
 * rewire_punt_send() - send one batch
 * @queue: not locked
 *
 * What is left then, and what found no memory here, is the work's.
 * Context: any but hard interrupts.
 * Return: whether it was sent.
 */
bool rewire_punt_send(struct rewire_punt_queue *queue)
{
	int n = rewire_punt_send_batch(queue, NULL);

	if (n == REWIRE_PUNT_BATCH)
		rewire_punt_kick(queue, 1);
	else if (n < 0)
		rewire_punt_kick(queue, n == -ENOMEM ? 0 : REWIRE_PUNT_RETRY);
	return n > 0;
}

static bool rewire_punt_is_due(struct rewire_punt_queue *queue)
{
	bool due;

	spin_lock_bh(&queue->lock);
	due = rewire_punt_due(queue);
	spin_unlock_bh(&queue->lock);
	return due;
}

/**
 * rewire_punt_go_on() - send what answers have made room for
 * @ns: the namespace
 *
 * After several of them, that messages are full, and what was held does not wait for it.
 * Context: process, or bottom halves.
 */
void rewire_punt_go_on(struct rewire_net *ns)
{
	int cpu, round;

	for_each_possible_cpu(cpu) {
		struct rewire_punt_queue *queue = per_cpu_ptr(ns->punt_queues, cpu);

		for (round = 0; round < REWIRE_PUNT_ROUNDS; round++) {
			if (!READ_ONCE(queue->queued) || !rewire_punt_is_due(queue) ||
			    !rewire_punt_send(queue))
				break;
		}
	}
}

static void rewire_punt_work(struct work_struct *work)
{
	struct rewire_punt_queue *queue =
		container_of(work, struct rewire_punt_queue, send.work);
	struct sk_buff *skb;
	int n;

	do {
		skb = genlmsg_new(REWIRE_PUNT_BATCH * REWIRE_PUNT_SIZE, GFP_KERNEL);
		n = skb ? rewire_punt_send_batch(queue, skb) : -ENOMEM;
		cond_resched();
	} while (n > 0);
	if (n < 0)
		rewire_punt_kick(queue, REWIRE_PUNT_RETRY);
}

/* What was sent to a socket that is closed now, perhaps nobody has read. */
void rewire_punt_send_again(struct rewire_net *ns)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct rewire_punt_queue *queue = per_cpu_ptr(ns->punt_queues, cpu);
		struct rewire_hold *hold;

		spin_lock_bh(&queue->lock);
		list_for_each_entry(hold, &queue->waiting, turn)
			hold->stage = REWIRE_HOLD_READY;
		list_splice_init(&queue->waiting, &queue->ready);
		spin_unlock_bh(&queue->lock);
		rewire_punt_kick(queue, 0);
	}
}

int rewire_punt_init(struct rewire_net *ns)
{
	int cpu, i;

	ns->secret = get_random_u32();
	ns->punt_queues = alloc_percpu_gfp(struct rewire_punt_queue, GFP_KERNEL_ACCOUNT);
	if (!ns->punt_queues)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct rewire_punt_queue *queue = per_cpu_ptr(ns->punt_queues, cpu);

		queue->ns = ns;
		queue->cpu = cpu;
		spin_lock_init(&queue->lock);
		INIT_LIST_HEAD(&queue->holds);
		for (i = 0; i < REWIRE_TURNS; i++) {
			INIT_LIST_HEAD(&queue->round[i].sparse);
			INIT_LIST_HEAD(&queue->round[i].lanes);
		}
		INIT_LIST_HEAD(&queue->ready);
		INIT_LIST_HEAD(&queue->waiting);
		rewire_window_init(&queue->window);
		INIT_DELAYED_WORK(&queue->send, rewire_punt_work);
	}
	return 0;
}

/* No packets come any more, and nothing is held. */
void rewire_punt_exit(struct rewire_net *ns)
{
	int cpu;

	for_each_possible_cpu(cpu)
		cancel_delayed_work_sync(&per_cpu_ptr(ns->punt_queues, cpu)->send);
	free_percpu(ns->punt_queues);
}

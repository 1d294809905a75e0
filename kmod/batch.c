// SPDX-License-Identifier: GPL-2.0
/*
 * Batches. In a large table a packet's way is a wait for memory: for its place in the table, then
 * for the flow that is there. Devices deliver packets one after the other without a pause, so
 * a few of them go together: while the places of some are fetched, the next ones are parsed, and
 * while one is rewritten and sent, the flows of those behind it are fetched.
 *
 * A batch belongs to a CPU, and only code with bottom halves disabled touches it. It goes its way
 * when it is full, when the CPU has seen to all that its devices had for it, and before IP that
 * does not wait: so packets keep their order. One that was alone has waited in vain, so then
 * the next ones do not.
 *
 * Its packets outlive the RCU read side that they came in: so who detaches a device waits for
 * the batches, as it waits for readers.
 */
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/moduleparam.h>
#include <linux/netfilter_netdev.h>
#include <linux/percpu.h>
#include <net/dst.h>
#include <net/sock.h>

#include "batch.h"
#include "namespace.h"
#include "packet.h"

/* Packets of a batch: what it keeps of them should not push out of the cache what they need */
#define REWIRE_BATCH_MAX	16
/* A flow is fetched so many packets behind the fetch of its place: by then that has come */
#define REWIRE_BATCH_AHEAD	4
/* And where it is another one, the next is fetched so many packets before it is needed */
#define REWIRE_BATCH_NEXT	2
/* Packets that do not wait after one that has waited in vain */
#define REWIRE_BATCH_REST	64

static unsigned int rewire_batch_flows = 4096;
module_param_named(batch_flows, rewire_batch_flows, uint, 0644);
MODULE_PARM_DESC(batch_flows,
		 "From about so many flows of a network namespace on, packets go in batches");

/**
 * struct rewire_waiting - a packet in a batch
 * @ns: the namespace
 * @skb: the packet
 * @place: where its key is in the table
 * @packet: what the parser says of it
 */
struct rewire_waiting {
	struct rewire_net *ns;
	struct sk_buff *skb;
	struct rewire_place place;
	struct rewire_packet packet;
};

/**
 * struct rewire_batch - a CPU's
 * @tasklet: lets it go when the CPU has no more for it
 * @count: packets that wait
 * @fetched: of them, those whose flows have been asked for
 * @rest: packets that will not wait
 * @runs: how often it has gone its way
 * @running: it is on its way: what comes meanwhile comes out of it, and does not wait
 * @most: packets that have gone together since the tasklet ran, at most
 * @waiting: the packets, in the order in which they came
 */
struct rewire_batch {
	struct tasklet_struct tasklet;
	unsigned int count;
	unsigned int fetched;
	unsigned int rest;
	unsigned int runs;
	unsigned int most;
	bool running;
	struct rewire_waiting waiting[REWIRE_BATCH_MAX];
};

static struct rewire_batch __percpu *rewire_batches;

static void rewire_batch_fetch(struct rewire_batch *batch)
{
	const struct rewire_waiting *waiting = &batch->waiting[batch->fetched++];

	rewire_place_prefetch(waiting->ns, waiting->place);
}

/* Context: RCU read side, bottom halves disabled. */
static void rewire_batch_run(struct rewire_batch *batch)
{
	struct rewire_waiting *waiting, *next, *end = batch->waiting + batch->count;

	batch->running = true;
	batch->most = max(batch->most, batch->count);
	while (batch->fetched < batch->count)
		rewire_batch_fetch(batch);
	for (waiting = batch->waiting; waiting < end; waiting++) {
		if (batch->count > 1)
			this_cpu_inc(waiting->ns->stats->batched);
		next = waiting + REWIRE_BATCH_NEXT;
		if (next < end)
			rewire_place_prefetch_next(next->ns, &next->packet.key, next->place);
		rewire_packet_continue(waiting->ns, waiting->skb, &waiting->packet,
				       waiting->place);
	}
	batch->fetched = 0;
	batch->running = false;
	smp_store_release(&batch->count, 0);	/* who waits for it sees all of it done */
	smp_store_release(&batch->runs, batch->runs + 1);	/* likewise */
}

static void rewire_batch_tasklet(struct tasklet_struct *tasklet)
{
	struct rewire_batch *batch = container_of(tasklet, struct rewire_batch, tasklet);

	rcu_read_lock();
	rewire_batch_run(batch);
	rcu_read_unlock();
	if (batch->most == 1)
		batch->rest = REWIRE_BATCH_REST;
	batch->most = 0;
}

/*
 * A small table is in the processor's own cache. One has about four places for each flow, but
 * for one with room for flows to come, which is looked at four times a second.
 */
static bool rewire_batch_pays(struct rewire_net *ns)
{
	u64 flows = READ_ONCE(rewire_batch_flows);

	return rht_dereference_rcu(ns->flows.tbl, &ns->flows)->size >= 4 * flows &&
	       (!flows || !READ_ONCE(ns->flows_few));
}

/* By the expiry scan. It stays what it is in between, as a table that grows and shrinks does. */
void rewire_batch_look(struct rewire_net *ns)
{
	u64 flows = READ_ONCE(rewire_batch_flows), there = atomic_read(&ns->all.flows);

	if (READ_ONCE(ns->flows.p.automatic_shrinking) || there >= flows)
		WRITE_ONCE(ns->flows_few, false);
	else if (there < flows / 2)
		WRITE_ONCE(ns->flows_few, true);
}

/**
 * rewire_batch_takes() - whether packets like this one wait for each other
 * @ns: the namespace
 * @skb: the packet, of an attached device
 *
 * What others have a part in cannot be kept, nor what refers to things that are there within the
 * RCU read side alone, or was given memory for emergencies. What is passed after it was kept
 * has left behind the other hooks of its device, and looks to generic XDP of those above as if
 * it had been redirected. Where bottom halves can be preempted, a CPU's batch is not its own.
 * Context: RCU read side.
 */
bool rewire_batch_takes(struct rewire_net *ns, struct sk_buff *skb)
{
	const struct nf_hook_entries *hooks;

	if (IS_ENABLED(CONFIG_PREEMPT_RT) || !rewire_batch_pays(ns))
		return false;
	hooks = rcu_dereference(skb->dev->nf_hooks_ingress);
	return hooks && hooks->num_hook_entries == 1 &&
	       !rcu_access_pointer(skb->dev->xdp_prog) && !skb_shared(skb) && !skb_dst(skb) &&
	       !skb_sk_is_prefetched(skb) && !skb_pfmemalloc(skb);
}

/* Let those go that wait, before a packet that does not. */
void rewire_batch_go(void)
{
	struct rewire_batch *batch = this_cpu_ptr(rewire_batches);

	if (batch->count && !batch->running)
		rewire_batch_run(batch);
}

/**
 * rewire_batch_room() - ask a packet to wait for others
 *
 * Context: bottom halves disabled.
 * Return: where to parse it to, for rewire_batch_add(); or NULL: it is its turn now.
 */
struct rewire_packet *rewire_batch_room(void)
{
	struct rewire_batch *batch = this_cpu_ptr(rewire_batches);

	if (batch->running)
		return NULL;
	if (batch->rest) {
		batch->rest--;
		return NULL;
	}
	return &batch->waiting[batch->count].packet;
}

/**
 * rewire_batch_add() - let a packet wait for others
 * @ns: the namespace
 * @skb: the packet, for which there was room, and which was parsed; consumed
 *
 * When the CPU is wanted for something else, so may be the tasklet, and then nobody waits.
 * Context: RCU read side, bottom halves disabled.
 */
void rewire_batch_add(struct rewire_net *ns, struct sk_buff *skb)
{
	struct rewire_batch *batch = this_cpu_ptr(rewire_batches);
	struct rewire_waiting *waiting = &batch->waiting[batch->count];

	waiting->ns = ns;
	waiting->skb = skb;
	waiting->place = rewire_place_find(ns, &waiting->packet.key);
	WRITE_ONCE(batch->count, batch->count + 1);
	if (batch->count > REWIRE_BATCH_AHEAD)
		rewire_batch_fetch(batch);
	if (batch->count == 1)
		tasklet_schedule(&batch->tasklet);
	if (batch->count == REWIRE_BATCH_MAX || need_resched())
		rewire_batch_run(batch);
}

/**
 * rewire_batch_wait() - wait for the packets that are in batches now
 *
 * They have gone their way when it returns. Context: process.
 */
void rewire_batch_wait(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct rewire_batch *batch = per_cpu_ptr(rewire_batches, cpu);
		unsigned int runs = READ_ONCE(batch->runs);

		/* Both pair with the releases of rewire_batch_run(). */
		while (smp_load_acquire(&batch->count) &&	/* none, or others */
		       smp_load_acquire(&batch->runs) == runs)	/* others by now */
			usleep_range(10, 100);
	}
}

int rewire_batch_init(void)
{
	int cpu;

	rewire_batches = alloc_percpu(struct rewire_batch);
	if (!rewire_batches)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		tasklet_setup(&per_cpu_ptr(rewire_batches, cpu)->tasklet, rewire_batch_tasklet);
	return 0;
}

/* Nobody adds packets any more. */
void rewire_batch_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		tasklet_kill(&per_cpu_ptr(rewire_batches, cpu)->tasklet);
	free_percpu(rewire_batches);
}

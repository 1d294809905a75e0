// SPDX-License-Identifier: GPL-2.0
/*
 * The flow table: a hash of tuples that grows and shrinks by itself, unless there is room for
 * flows to come, and that readers never wait for. Its keyed hash keeps tenants from choosing
 * colliding flows; both the secret and the table's own seed go into it.
 */
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/once.h>
#include <linux/prefetch.h>
#include <linux/sched.h>

#include "batch.h"
#include "flow.h"
#include "key_hash.h"
#include "namespace.h"

/* Chains that one run of the expiry scan looks at, at least. */
#define REWIRE_EXPIRY_SLICE	4096U
/* The runs that one scan of a large table is spread over. */
#define REWIRE_EXPIRY_RUNS	128U
#define REWIRE_EXPIRY_PERIOD	(HZ / 4)
/* While there are more flows than a soft limit. */
#define REWIRE_EXPIRY_PRESSED	(HZ / 16)
/* Chains from here that a walk asks for memory at. */
#define REWIRE_WALK_AHEAD	8
/* Room for more flows than these is not made beforehand: a table of 64 MiB. */
#define REWIRE_ROOM_MAX		(2U << 20)
/* Chains for one of a table that grew by itself, at most, where a few entries are looked for. */
#define REWIRE_SPREAD_MAX	4U

static DEFINE_MUTEX(rewire_room_lock);	/* one at a time makes its table large */
static unsigned int rewire_flow_room;
module_param_named(flow_room, rewire_flow_room, uint, 0644);
MODULE_PARM_DESC(flow_room,
		 "Flows that the table of a namespace of the host's has room for from its next device on");

static struct rewire_hash_secret rewire_hash_secret __read_mostly;

/* The key that a CPU has looked up last, for those that come several times in a row. */
struct rewire_recent {
	struct rewire_key key;
	struct rewire_place place;
};

static DEFINE_PER_CPU(struct rewire_recent, rewire_recent);

static __always_inline u32 rewire_key_hash(const void *key, u32 length, u32 seed)
{
	return rewire_key_hash_with(&rewire_hash_secret, key, seed);
}

/*
 * Get all lines of a tuple's flow while the key is compared: packets need them all, and one
 * after the other they would have to be waited for one by one. A hold's neighbourhood comes
 * for nothing.
 */
static __always_inline void rewire_flow_prefetch(const struct rewire_tuple *tuple)
{
	const struct rewire_flow *flow = PTR_ALIGN_DOWN((const void *)tuple,
							sizeof(struct rewire_flow));

	prefetchw(&flow->tally);
	prefetch(&flow->tuple[REWIRE_ORIG]);
	prefetch(&flow->tuple[REWIRE_REPLY]);
	prefetch(&flow->id);
}

static __always_inline int rewire_key_compare(struct rhashtable_compare_arg *arg,
					      const void *object)
{
	const struct rewire_tuple *tuple = object;

	rewire_flow_prefetch(tuple);
	return !rewire_key_equal(arg->key, &tuple->key);
}

const struct rhashtable_params rewire_flow_table_params = {
	.head_offset = offsetof(struct rewire_tuple, node),
	.key_offset = offsetof(struct rewire_tuple, key),
	.key_len = sizeof(struct rewire_key),
	.min_size = 64,
	.automatic_shrinking = true,
	.hashfn = rewire_key_hash,
	.obj_cmpfn = rewire_key_compare,
};

struct rewire_tuple *rewire_tuple_lookup(struct rewire_net *ns,
					 const struct rewire_key *key)
{
	return rhashtable_lookup(&ns->flows, key, rewire_flow_table_params);
}

/* Where a key is, and fetch that. Context of this and the next ones: RCU read side. */
static __always_inline struct rewire_place
rewire_place_fetch(const struct bucket_table *buckets, const struct rewire_key *key)
{
	u32 hash = rewire_key_hash(key, sizeof(*key), buckets->hash_rnd);

	prefetch(rht_bucket(buckets, hash & (buckets->size - 1)));
	return (struct rewire_place){ .hash = hash, .seed = buckets->hash_rnd };
}

struct rewire_place rewire_place_find(struct rewire_net *ns, const struct rewire_key *key)
{
	return rewire_place_fetch(rht_dereference_rcu(ns->flows.tbl, &ns->flows), key);
}

/*
 * The same for a key that is often that of the packet before. Bottom halves disabled; where they
 * can be preempted, nothing is remembered.
 */
struct rewire_place rewire_place_find_again(struct rewire_net *ns, const struct rewire_key *key)
{
	const struct bucket_table *buckets = rht_dereference_rcu(ns->flows.tbl, &ns->flows);
	struct rewire_recent *recent = this_cpu_ptr(&rewire_recent);
	struct rewire_place place;

	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		return rewire_place_fetch(buckets, key);
	/* Mostly it is the ports that differ. */
	if (key->sport == recent->key.sport && recent->place.seed == buckets->hash_rnd &&
	    rewire_key_equal(key, &recent->key))
		return recent->place;
	place = rewire_place_fetch(buckets, key);
	recent->place = place;
	recent->key = *key;
	return place;
}

/* Return: where a place's chain begins, or NULL: the table is another one by now. */
static struct rhash_lock_head __rcu *const *
rewire_place_bucket(const struct bucket_table *buckets, struct rewire_place place)
{
	if (unlikely(buckets->hash_rnd != place.seed))
		return NULL;
	return rht_bucket(buckets, place.hash & (buckets->size - 1));
}

/* Return: the first entry there, or NULL. */
static struct rewire_tuple *rewire_place_first(struct rewire_net *ns, struct rewire_place place)
{
	const struct bucket_table *buckets = rht_dereference_rcu(ns->flows.tbl, &ns->flows);
	struct rhash_lock_head __rcu *const *bucket = rewire_place_bucket(buckets, place);
	struct rhash_head *head = bucket ? rht_ptr_rcu(bucket) : NULL;

	if (!head || rht_is_a_nulls(head))
		return NULL;
	return container_of(head, struct rewire_tuple, node);
}

/* Fetch the flow that is there, when the place itself has come. */
void rewire_place_prefetch(struct rewire_net *ns, struct rewire_place place)
{
	struct rewire_tuple *tuple = rewire_place_first(ns, place);

	if (tuple)
		rewire_flow_prefetch(tuple);
}

/* Where the first flow there is another one, fetch the next. */
void rewire_place_prefetch_next(struct rewire_net *ns, const struct rewire_key *key,
				struct rewire_place place)
{
	struct rewire_tuple *tuple = rewire_place_first(ns, place);
	struct rhash_head *next;

	if (!tuple || rewire_key_equal(key, &tuple->key))
		return;
	next = rcu_dereference(tuple->node.next);
	if (!rht_is_a_nulls(next))
		rewire_flow_prefetch(container_of(next, struct rewire_tuple, node));
}

/* As rhashtable_lookup() does, for a key whose place is known: what was found before may be old. */
struct rewire_tuple *rewire_place_lookup(struct rewire_net *ns, const struct rewire_key *key,
					 struct rewire_place place)
{
	const struct bucket_table *buckets = rht_dereference_rcu(ns->flows.tbl, &ns->flows);
	struct rhash_lock_head __rcu *const *bucket = rewire_place_bucket(buckets, place);
	struct rewire_tuple *tuple;
	struct rhash_head *head;

	if (unlikely(!bucket))
		return rewire_tuple_lookup(ns, key);
	do {
		for (head = rht_ptr_rcu(bucket); !rht_is_a_nulls(head);
		     head = rcu_dereference(head->next)) {
			tuple = container_of(head, struct rewire_tuple, node);
			rewire_flow_prefetch(tuple);
			if (rewire_key_equal(key, &tuple->key))
				return tuple;
		}
	} while (head != RHT_NULLS_MARKER(bucket));	/* the end of another chain */
	smp_rmb();	/* who does not find it here sees the table that it has been moved to */
	return unlikely(rcu_access_pointer(buckets->future_tbl)) ? rewire_tuple_lookup(ns, key) :
								   NULL;
}

/* Return: NULL, or who has the key already, or an error pointer. */
struct rewire_tuple *rewire_tuple_insert(struct rewire_net *ns,
					 struct rewire_tuple *tuple)
{
	return rhashtable_lookup_get_insert_fast(&ns->flows, &tuple->node,
						 rewire_flow_table_params);
}

/* Return: 0, or -ENOENT: the old one is not in the table any more. */
int rewire_tuple_replace(struct rewire_net *ns, struct rewire_tuple *old,
			 struct rewire_tuple *new)
{
	return rhashtable_replace_fast(&ns->flows, &old->node, &new->node,
				       rewire_flow_table_params);
}

/* Return: whether it was in the table. */
bool rewire_tuple_remove(struct rewire_net *ns, struct rewire_tuple *tuple)
{
	return !rhashtable_remove_fast(&ns->flows, &tuple->node,
				       rewire_flow_table_params);
}

/* What a walk of the table has met, if it is a live flow; each comes up once. */
static struct rewire_flow *rewire_walk_flow(struct rewire_tuple *tuple)
{
	struct rewire_flow *flow;

	if (IS_ERR(tuple) || tuple->direction != REWIRE_ORIG)
		return NULL;
	flow = rewire_tuple_flow(tuple);
	return rewire_flow_is_live(flow) ? flow : NULL;
}

/* Some kernels stay on an entry of a table that has been replaced, and freed, meanwhile. */
int rewire_walk_start(struct rhashtable_iter *walk)
	__acquires(RCU)
{
	int err = rhashtable_walk_start_check(walk);

	if (err == -EAGAIN)
		walk->p = NULL;
	return err;
}

/*
 * Get what a walk comes to soon: the first entry of a chain, and when that has come, the rest
 * of its flow, of which the reply tuple is only for who asks for @whole ones. One after the
 * other each would have to be waited for.
 */
static void rewire_chain_prefetch(const struct bucket_table *buckets, u32 place, bool whole)
{
	u32 near = (place + REWIRE_WALK_AHEAD) & (buckets->size - 1);
	u32 far = (place + 2 * REWIRE_WALK_AHEAD) & (buckets->size - 1);
	struct rhash_head *head = rht_ptr_rcu(rht_bucket(buckets, near));
	struct rewire_tuple *tuple = container_of(head, struct rewire_tuple, node);
	struct rewire_flow *flow;

	prefetch(rht_ptr_rcu(rht_bucket(buckets, far)));
	if (rht_is_a_nulls(head))
		return;
	prefetch(rcu_dereference_raw(head->next));
	if (tuple->direction != REWIRE_ORIG)
		return;
	flow = rewire_tuple_flow(tuple);
	prefetch(&flow->tally);
	prefetch(&flow->id);
	if (whole)
		prefetch(&flow->tuple[REWIRE_REPLY]);
}

/* As rhashtable_walk_next(), with what comes soon on its way. */
struct rewire_tuple *rewire_walk_next(struct rhashtable_iter *walk)
{
	u32 place = walk->slot;
	struct rewire_tuple *tuple = rhashtable_walk_next(walk);

	if (!IS_ERR_OR_NULL(tuple)) {
		/* What it has passed by, for nothing was there, need not come any more. */
		place = max(place, walk->slot - min(walk->slot, 2U * REWIRE_WALK_AHEAD));
		while (place < walk->slot)
			rewire_chain_prefetch(walk->walker.tbl, ++place, true);
	}
	return tuple;
}

/**
 * rewire_flow_for_each() - call a function for each flow
 * @ns: the namespace
 * @call: the function, called under RCU; it may close the flow
 * @data: for it
 *
 * Flows made meanwhile may be left out; others may come up more than once.
 * Context: process, may sleep.
 */
void rewire_flow_for_each(struct rewire_net *ns,
			  void (*call)(struct rewire_net *ns,
				       struct rewire_flow *flow, void *data),
			  void *data)
{
	const u64 last = atomic64_read(&ns->flow_id);	/* so that it ends */
	struct rhashtable_iter walk;
	struct rewire_tuple *tuple;
	struct rewire_flow *flow;
	bool rested, closed;

	if (!atomic_read(&ns->all.flows))
		return;
again:
	rested = false;
	closed = false;
	rhashtable_walk_enter(&ns->flows, &walk);
	rewire_walk_start(&walk);
	while ((tuple = rewire_walk_next(&walk))) {
		flow = rewire_walk_flow(tuple);
		if (flow && flow->id <= last) {
			call(ns, flow, data);
			closed |= !rewire_flow_is_live(flow);
		}
		if (need_resched()) {
			rested = true;
			rhashtable_walk_stop(&walk);
			cond_resched();
			rewire_walk_start(&walk);
		}
	}
	rhashtable_walk_stop(&walk);
	rhashtable_walk_exit(&walk);
	/* A walk that rests on what is closed meanwhile leaves out its neighbour. */
	if (rested && closed)
		goto again;
}

/* How much thinner a table is than one that grew by itself, since it has room for flows to come */
u32 rewire_table_spread(struct rewire_net *ns)
{
	u32 size = rht_dereference_rcu(ns->flows.tbl, &ns->flows)->size;

	return clamp(size / 4 / max(atomic_read(&ns->flows.nelems), 1), 1U, REWIRE_SPREAD_MAX);
}

/*
 * Look at the next chains of the table, so many that a run is bounded, and end what has been
 * idle for too long. A large table takes REWIRE_EXPIRY_RUNS runs; what is overdue
 * meanwhile is already dead to packets, which check by themselves. What a resize moves out
 * of the way is looked at the next time around.
 * Return: whether flows of those looked at are beyond a soft limit.
 */
static bool rewire_expiry_run(struct rewire_net *ns)
{
	const struct bucket_table *buckets;
	struct rewire_flow *flow;
	struct rhash_head *head;
	bool pressed = false;
	unsigned int n;

	rcu_read_lock();
	buckets = rht_dereference_rcu(ns->flows.tbl, &ns->flows);
	n = min(buckets->size, max(REWIRE_EXPIRY_SLICE, buckets->size / REWIRE_EXPIRY_RUNS) *
			       rewire_table_spread(ns));
	for (; n; n--, ns->expiry_place++) {
		if (need_resched()) {
			rcu_read_unlock();
			cond_resched();
			rcu_read_lock();
			buckets = rht_dereference_rcu(ns->flows.tbl, &ns->flows);
		}
		rewire_chain_prefetch(buckets, ns->expiry_place, false);
		rht_for_each_rcu(head, buckets, ns->expiry_place & (buckets->size - 1)) {
			flow = rewire_walk_flow(container_of(head, struct rewire_tuple, node));
			if (flow && rewire_flow_expired(flow))
				rewire_flow_close(ns, flow, REWIRE_REASON_CLOSE_IDLE);
			else if (flow)
				rewire_evict_early(ns, flow, &pressed);
		}
	}
	rcu_read_unlock();
	return pressed;
}

static void rewire_flow_expiry_work(struct work_struct *work)
{
	struct rewire_net *ns = container_of(work, struct rewire_net, expiry.work);
	u64 began = ktime_get_ns();
	bool pressed = rewire_expiry_run(ns);

	this_cpu_add(ns->stats->expiry_ns, ktime_get_ns() - began);
	rewire_batch_look(ns);
	if (atomic_read(&ns->all.flows))
		queue_delayed_work(rewire_workqueue, &ns->expiry,
				   pressed ? REWIRE_EXPIRY_PRESSED : REWIRE_EXPIRY_PERIOD);
}

/* Called when there is a flow: the scan rests while there is none. */
void rewire_flow_expiry_start(struct rewire_net *ns)
{
	if (!delayed_work_pending(&ns->expiry))
		queue_delayed_work(rewire_workqueue, &ns->expiry, REWIRE_EXPIRY_PERIOD);
}

int rewire_flow_table_init(struct rewire_net *ns)
{
	int err;

	get_random_once(&rewire_hash_secret, sizeof(rewire_hash_secret));
	err = rhashtable_init(&ns->flows, &rewire_flow_table_params);
	if (err)
		return err;
	INIT_DELAYED_WORK(&ns->expiry, rewire_flow_expiry_work);
	return 0;
}

static u32 rewire_table_size(struct rewire_net *ns)
{
	u32 size;

	rcu_read_lock();
	size = rht_dereference_rcu(ns->flows.tbl, &ns->flows)->size;
	rcu_read_unlock();
	return size;
}

/* As if it were full, which is what a hash table of the kernel's grows by. */
static void rewire_table_double(struct rewire_net *ns, u32 size)
{
	int more = max((int)(size / 4 * 3) + 1 - atomic_read(&ns->flows.nelems), 0);

	atomic_add(more, &ns->flows.nelems);
	schedule_work(&ns->flows.run_work);
	flush_work(&ns->flows.run_work);
	atomic_sub(more, &ns->flows.nelems);
}

/**
 * rewire_flow_table_reserve() - make a table as large as the module's parameter says
 * @ns: the namespace, which has got a device
 *
 * A table that grows while flows come is moved entry by entry, on the processor that they come
 * to, which takes as long as setting them up. The kernel lets no table begin with more chains
 * than 131072, so it is made to grow, best while it is empty. It stays as large. A namespace
 * that is not the host's would have it on nobody's account, and gets none.
 * Context: process, may sleep, nothing locked.
 */
void rewire_flow_table_reserve(struct rewire_net *ns)
{
	const u32 flows = min3(READ_ONCE(rewire_flow_room), REWIRE_ROOM_MAX,
			       READ_ONCE(ns->all.may.flows_hard));
	unsigned int failures = 0;
	u32 size;

	if (!flows || ns->net->user_ns != &init_user_ns)
		return;
	mutex_lock(&rewire_room_lock);
	WRITE_ONCE(ns->flows.p.automatic_shrinking, false);
	while ((size = rewire_table_size(ns)) / 4 * 3 < flows * REWIRE_DIRECTIONS) {
		rewire_table_double(ns, size);
		/* It may have been about to shrink, but with no memory it stays as it is. */
		failures = rewire_table_size(ns) > size ? 0 : failures + 1;
		if (failures > 1)
			break;
	}
	mutex_unlock(&rewire_room_lock);
	rewire_batch_look(ns);
}

static void rewire_flow_end(struct rewire_net *ns, struct rewire_flow *flow, void *data)
{
	rewire_flow_close(ns, flow, REWIRE_REASON_CLOSE_EXIT);
}

/* Nobody adds flows any more. */
void rewire_flow_table_exit(struct rewire_net *ns)
{
	cancel_delayed_work_sync(&ns->expiry);
	while (atomic_read(&ns->all.flows))
		rewire_flow_for_each(ns, rewire_flow_end, NULL);
	rhashtable_destroy(&ns->flows);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Limits: what each virtual network, and the namespace as a whole, has and may have.
 *
 * A virtual network's object is made with its first flow or hold, or on request, and
 * goes with the last; so there are no more of them than flows, holds and requests.
 * Counters are atomic, and a count is taken only where it is below its limit: first
 * the network's, then the namespace's.
 */
#include <linux/ktime.h>
#include <linux/slab.h>

#include "bucket.h"
#include "limit.h"
#include "namespace.h"
#include "netlink.h"
#include "packet.h"

/* A virtual network may hold so many times what is left free for all. */
#define REWIRE_LIMIT_FACTOR	4

/* Times that the place of an evicted flow may be lost to another new one. */
#define REWIRE_EVICTIONS	4

const struct rewire_limits rewire_limits_default = {
	.flows_soft = 917504,
	.flows_hard = 1048576,
	.holds = 16384,
	.held_packets = 65536,
	.held_bytes = 64ULL << 20,
};

/* Context: RCU read side. */
struct rewire_quota *rewire_limit_find(struct rewire_net *ns, u32 vni)
{
	return xa_load(&ns->limits, vni);
}

/* Context: RCU read side. Return: the object with a reference, or NULL: it is not there. */
struct rewire_quota *rewire_limit_try(struct rewire_net *ns, u32 vni)
{
	struct rewire_quota *limit = rewire_limit_find(ns, vni);

	return limit && refcount_inc_not_zero(&limit->references) ? limit : NULL;
}

/**
 * rewire_limit_get() - find or make the object of a virtual network
 * @ns: the namespace
 * @vni: the virtual network
 *
 * Context: RCU read side.
 * Return: the object with a reference, or NULL: no memory.
 */
struct rewire_quota *rewire_limit_get(struct rewire_net *ns, u32 vni)
{
	struct rewire_quota *limit = rewire_limit_try(ns, vni), *new;

	if (limit)
		return limit;
	new = kzalloc(sizeof(*new), GFP_ATOMIC | __GFP_NOWARN | __GFP_ACCOUNT);
	if (!new)
		return NULL;
	refcount_set(&new->references, 1);
	new->vni = vni;
	new->barren[0] = jiffies - 1;
	new->barren[1] = jiffies - 1;

	xa_lock_bh(&ns->limits);
	limit = rewire_limit_try(ns, vni);
	/* One that is about to go is replaced. */
	if (!limit && !xa_is_err(__xa_store(&ns->limits, vni, new, GFP_ATOMIC | __GFP_NOWARN)))
		limit = new;
	xa_unlock_bh(&ns->limits);
	if (limit != new) {
		kfree(new);
		return limit;
	}
	atomic_inc(&ns->limit_count);
	percpu_counter_inc(&rewire_objects);
	return limit;
}

static void rewire_limit_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct rewire_quota, rcu));
	percpu_counter_dec(&rewire_objects);
}

void rewire_limit_put(struct rewire_net *ns, struct rewire_quota *limit)
{
	if (!refcount_dec_and_test(&limit->references))
		return;
	xa_cmpxchg_bh(&ns->limits, limit->vni, limit, NULL, GFP_ATOMIC);
	atomic_dec(&ns->limit_count);
	call_rcu(&limit->rcu, rewire_limit_free_rcu);
}

/* Count one more, unless there are as many as there may be. */
static bool rewire_count(atomic_t *count, u32 most)
{
	int old = atomic_read(count);

	do {
		if (most && old >= (int)most)
			return false;
	} while (!atomic_try_cmpxchg(count, &old, old + 1));
	return true;
}

static void rewire_refuse(struct rewire_quota *limit, enum rewire_refusal refusal)
{
	atomic64_inc(&limit->refused[refusal]);
}

bool rewire_limit_full(const struct rewire_quota *limit)
{
	u32 most = READ_ONCE(limit->may.flows_hard);

	return most && atomic_read(&limit->flows) >= (int)most;
}

bool rewire_limit_udp_full(const struct rewire_quota *limit)
{
	u32 most = rewire_limit_udp(limit);

	return most && atomic_read(&limit->udp_flows) >= (int)most;
}

/* Whether there is a token, which may be taken at once. */
static bool rewire_limit_token(struct rewire_quota *limit, bool take)
{
	u32 rate = READ_ONCE(limit->may.rate);
	u32 burst = READ_ONCE(limit->may.burst) ?: rate;
	u64 cost;

	if (!rate)
		return true;
	cost = NSEC_PER_SEC / rate;
	if (!take)
		return rewire_bucket_next(atomic64_read(&limit->bucket), ktime_get_ns(), cost,
					  cost * burst);
	return rewire_bucket_take(&limit->bucket, ktime_get_ns(), cost, cost * burst);
}

/* For what would exceed a limit: whether a flow might give way to it. */
static bool rewire_limit_yields(struct rewire_net *ns, struct rewire_quota *limit, u32 vni,
				bool udp, bool take)
{
	return rewire_evict(ns, limit, vni, udp, take ? REWIRE_EVICT_ASK : REWIRE_EVICT_PEEK);
}

static bool rewire_limit_admit_flow(struct rewire_net *ns, struct rewire_quota *limit, u32 vni,
				    bool udp, bool take, enum rewire_reason *reason)
{
	enum rewire_refusal refusal;

	if (rewire_limit_full(limit) && !rewire_limit_yields(ns, limit, vni, false, take)) {
		refusal = REWIRE_REFUSED_FLOWS;
		*reason = limit == &ns->all ? REWIRE_REASON_DROP_FLOWS_FULL :
					      REWIRE_REASON_DROP_VNI_FULL;
	} else if (udp && rewire_limit_udp_full(limit) &&
		   !rewire_limit_yields(ns, limit, vni, true, take)) {
		refusal = REWIRE_REFUSED_UDP;
		*reason = REWIRE_REASON_DROP_UDP_SHARE;
	} else {
		return true;
	}
	if (take)
		rewire_refuse(limit, refusal);
	return false;
}

static bool rewire_limit_admit_rate(struct rewire_quota *limit, bool take,
				    enum rewire_reason *reason)
{
	if (rewire_limit_token(limit, take))
		return true;
	if (take)
		rewire_refuse(limit, REWIRE_REFUSED_RATE);
	*reason = REWIRE_REASON_DROP_RATE;
	return false;
}

/* Whether no more packets may be held; who comes then is not asked about either. */
static bool rewire_limit_holds_all(const struct rewire_quota *limit)
{
	u32 packets = READ_ONCE(limit->may.held_packets);
	u64 bytes = READ_ONCE(limit->may.held_bytes);

	return (packets && atomic_read(&limit->held_packets) >= (int)packets) ||
	       (bytes && atomic64_read(&limit->held_bytes) >= (s64)bytes);
}

static bool rewire_limit_holds_full(const struct rewire_quota *limit)
{
	u32 most = READ_ONCE(limit->may.holds);

	return rewire_limit_holds_all(limit) || (most && atomic_read(&limit->holds) >= (int)most);
}

/* Limit: of the virtual network, or NULL. New: whether it is the first packet of its flow. */
static bool rewire_limit_has_room(const struct rewire_net *ns, const struct rewire_quota *limit,
				  bool new, enum rewire_reason *reason)
{
	bool (*full)(const struct rewire_quota *limit) =
		new ? rewire_limit_holds_full : rewire_limit_holds_all;

	*reason = REWIRE_REASON_DROP_VNI_HELD;
	if (limit && full(limit))
		return false;
	*reason = REWIRE_REASON_DROP_HOLD_FULL;
	return !full(&ns->all);
}

/**
 * rewire_limit_may_join() - whether a packet may be held with others of its flow
 * @ns: the namespace
 * @vni: virtual network of its key
 * @reason: out: why not
 *
 * Changes nothing. Context: RCU read side.
 */
bool rewire_limit_may_join(struct rewire_net *ns, u32 vni, enum rewire_reason *reason)
{
	return rewire_limit_has_room(ns, rewire_limit_find(ns, vni), false, reason);
}

static bool rewire_limit_admit_hold(struct rewire_net *ns, struct rewire_quota *limit,
				    bool take, enum rewire_reason *reason)
{
	if (rewire_limit_has_room(ns, limit, true, reason))
		return true;
	if (take)
		rewire_refuse(*reason == REWIRE_REASON_DROP_VNI_HELD ? limit : &ns->all,
			      REWIRE_REFUSED_HELD);
	return false;
}

/* Whether a packet that may begin a flow may be held, too. Context: RCU read side. */
bool rewire_limit_may_hold(struct rewire_net *ns, u32 vni, enum rewire_reason *reason)
{
	return rewire_limit_admit_hold(ns, rewire_limit_find(ns, vni), true, reason);
}

/* Why there was no room for a packet's flow. Context: RCU read side. */
enum rewire_reason rewire_limit_why_full(struct rewire_net *ns,
					 const struct rewire_packet *packet)
{
	const struct rewire_quota *limit = rewire_limit_find(ns, rewire_key_vni(&packet->key));

	if (limit && rewire_limit_full(limit))
		return REWIRE_REASON_DROP_VNI_FULL;
	return rewire_limit_full(&ns->all) ? REWIRE_REASON_DROP_FLOWS_FULL :
					     REWIRE_REASON_DROP_UDP_SHARE;
}

/**
 * rewire_limit_admit() - whether a packet without a flow may begin one
 * @ns: the namespace
 * @packet: what the parser says of it
 * @held: whether it is held meanwhile, and punted
 * @take: take a token of the rate, and count a refusal; else change nothing
 * @reason: out: why not
 *
 * Nothing but the token is taken yet.
 * Context: RCU read side, bottom halves disabled.
 */
bool rewire_limit_admit(struct rewire_net *ns, const struct rewire_packet *packet, bool held,
			bool take, enum rewire_reason *reason)
{
	bool udp = rewire_key_protocol(&packet->key) != IPPROTO_TCP;
	u32 vni = rewire_key_vni(&packet->key);
	struct rewire_quota *limit = rewire_limit_find(ns, vni);

	/* What cannot be held takes no token; and rates bound the searches for flows to evict. */
	if (held && !rewire_limit_admit_hold(ns, limit, take, reason))
		return false;
	if (limit && (!rewire_limit_admit_rate(limit, take, reason) ||
		      !rewire_limit_admit_flow(ns, limit, vni, udp, take, reason)))
		return false;
	return rewire_limit_admit_rate(&ns->all, take, reason) &&
	       rewire_limit_admit_flow(ns, &ns->all, vni, udp, take, reason);
}

/* Take a place, of a flow that is evicted if need be. */
static bool rewire_limit_take(struct rewire_net *ns, struct rewire_quota *limit, u32 vni,
			      bool udp)
{
	atomic_t *count = udp ? &limit->udp_flows : &limit->flows;
	int i;

	for (i = 0; i <= REWIRE_EVICTIONS; i++) {
		u32 most = udp ? rewire_limit_udp(limit) : READ_ONCE(limit->may.flows_hard);

		if (rewire_count(count, most))
			return true;
		if (i == REWIRE_EVICTIONS ||
		    !rewire_evict(ns, limit, vni, udp, REWIRE_EVICT_CLOSE))
			break;
	}
	rewire_refuse(limit, udp ? REWIRE_REFUSED_UDP : REWIRE_REFUSED_FLOWS);
	return false;
}

static int rewire_limit_take_all(struct rewire_net *ns, struct rewire_quota *limit, bool udp,
				 struct netlink_ext_ack *extack)
{
	u32 vni = limit->vni;

	if (!rewire_limit_take(ns, limit, vni, false)) {
		NL_SET_ERR_MSG(extack, "The virtual network has as many flows as it may");
		return -ENOSPC;
	}
	if (!rewire_limit_take(ns, &ns->all, vni, false)) {
		NL_SET_ERR_MSG(extack, "The flow table is full");
		goto put_flow;
	}
	if (!udp)
		return 0;
	if (!rewire_limit_take(ns, limit, vni, true))
		goto put_all;
	if (rewire_limit_take(ns, &ns->all, vni, true))
		return 0;
	atomic_dec(&limit->udp_flows);
put_all:
	NL_SET_ERR_MSG(extack, "Flows of protocols other than TCP have their share of the table");
	atomic_dec(&ns->all.flows);
put_flow:
	atomic_dec(&limit->flows);
	return -ENOSPC;
}

/**
 * rewire_limit_flow() - count a new flow, if there may be one
 * @ns: the namespace
 * @vni: virtual network of its original key
 * @protocol: of its keys
 * @extack: a sentence, on failure
 *
 * Context: RCU read side, bottom halves disabled.
 * Return: 0, -ENOSPC or -ENOMEM.
 */
int rewire_limit_flow(struct rewire_net *ns, u32 vni, u8 protocol,
		      struct netlink_ext_ack *extack)
{
	struct rewire_quota *limit = rewire_limit_get(ns, vni);
	int err;

	if (!limit)
		return -ENOMEM;
	err = rewire_limit_take_all(ns, limit, protocol != IPPROTO_TCP, extack);
	if (err)
		rewire_limit_put(ns, limit);
	return err;
}

/* A flow has ended. Context: RCU read side. */
void rewire_limit_unflow(struct rewire_net *ns, u32 vni, u8 protocol)
{
	struct rewire_quota *limit = rewire_limit_find(ns, vni);

	if (protocol != IPPROTO_TCP) {
		atomic_dec(&limit->udp_flows);
		atomic_dec(&ns->all.udp_flows);
	}
	atomic_dec(&limit->flows);
	atomic_dec(&ns->all.flows);
	rewire_limit_put(ns, limit);
}

/**
 * rewire_limit_hold() - count a new hold, if there may be one
 * @ns: the namespace
 * @vni: virtual network of its key
 * @reason: out: why not
 *
 * Context: RCU read side.
 * Return: the object that counts it, with a reference; or NULL.
 */
struct rewire_quota *rewire_limit_hold(struct rewire_net *ns, u32 vni,
				       enum rewire_reason *reason)
{
	struct rewire_quota *limit = rewire_limit_get(ns, vni);

	if (!limit) {
		*reason = REWIRE_REASON_DROP_MEMORY;
		return NULL;
	}
	if (rewire_limit_holds_all(limit) ||
	    !rewire_count(&limit->holds, READ_ONCE(limit->may.holds))) {
		rewire_refuse(limit, REWIRE_REFUSED_HELD);
		*reason = REWIRE_REASON_DROP_VNI_HELD;
		goto put;
	}
	if (!rewire_limit_holds_all(&ns->all) &&
	    rewire_count(&ns->all.holds, READ_ONCE(ns->all.may.holds)))
		return limit;
	rewire_refuse(&ns->all, REWIRE_REFUSED_HELD);
	*reason = REWIRE_REASON_DROP_HOLD_FULL;
	atomic_dec(&limit->holds);
put:
	rewire_limit_put(ns, limit);
	return NULL;
}

void rewire_limit_unhold(struct rewire_net *ns, struct rewire_quota *limit)
{
	atomic_dec(&limit->holds);
	atomic_dec(&ns->all.holds);
	rewire_limit_put(ns, limit);
}

/*
 * Dynamic thresholds: one alone may have four fifths, two have four ninths each, and
 * whoever comes finds room. What is asked about is counted already.
 */
static bool rewire_exceeds(u64 mine, u64 all, u64 most)
{
	return most && (all >= most || mine > REWIRE_LIMIT_FACTOR * (most - all));
}

/* Whether a virtual network has more holds than its share. */
bool rewire_limit_crowds(const struct rewire_net *ns, const struct rewire_quota *limit)
{
	return rewire_exceeds(atomic_read(&limit->holds), atomic_read(&ns->all.holds),
			      READ_ONCE(ns->all.may.holds));
}

/* A hold had to go for want of room. */
void rewire_limit_refuse_hold(struct rewire_quota *limit)
{
	rewire_refuse(limit, REWIRE_REFUSED_HELD);
}

/* Likewise of what is held, of which nothing is taken back. */
static bool rewire_limit_crowds_out(const struct rewire_net *ns,
				    const struct rewire_quota *limit)
{
	return rewire_exceeds(atomic_read(&limit->held_packets),
			      atomic_read(&ns->all.held_packets),
			      READ_ONCE(ns->all.may.held_packets)) ||
	       rewire_exceeds(atomic64_read(&limit->held_bytes),
			      atomic64_read(&ns->all.held_bytes),
			      READ_ONCE(ns->all.may.held_bytes));
}

static bool rewire_limit_keep_one(struct rewire_quota *limit, unsigned int bytes)
{
	u64 most = READ_ONCE(limit->may.held_bytes);

	if (!rewire_count(&limit->held_packets, READ_ONCE(limit->may.held_packets))) {
		rewire_refuse(limit, REWIRE_REFUSED_HELD);
		return false;
	}
	if (atomic64_add_return(bytes, &limit->held_bytes) <= (s64)most || !most)
		return true;
	atomic64_sub(bytes, &limit->held_bytes);
	atomic_dec(&limit->held_packets);
	rewire_refuse(limit, REWIRE_REFUSED_HELD);
	return false;
}

static void rewire_limit_unkeep_one(struct rewire_quota *limit, unsigned int bytes)
{
	atomic64_sub(bytes, &limit->held_bytes);
	atomic_dec(&limit->held_packets);
}

/* Count a packet of a hold, if it may be kept; and if not, say why. */
bool rewire_limit_keep(struct rewire_net *ns, struct rewire_quota *limit, unsigned int bytes,
		       enum rewire_reason *reason)
{
	if (!rewire_limit_keep_one(limit, bytes)) {
		*reason = REWIRE_REASON_DROP_VNI_HELD;
		return false;
	}
	if (rewire_limit_keep_one(&ns->all, bytes)) {
		if (!rewire_limit_crowds_out(ns, limit))
			return true;
		rewire_limit_unkeep_one(&ns->all, bytes);
		rewire_refuse(limit, REWIRE_REFUSED_HELD);
	}
	rewire_limit_unkeep_one(limit, bytes);
	*reason = REWIRE_REASON_DROP_HOLD_FULL;
	return false;
}

void rewire_limit_unkeep(struct rewire_net *ns, struct rewire_quota *limit, unsigned int bytes)
{
	rewire_limit_unkeep_one(limit, bytes);
	rewire_limit_unkeep_one(&ns->all, bytes);
}

void rewire_limit_init(struct rewire_net *ns)
{
	xa_init_flags(&ns->limits, XA_FLAGS_LOCK_BH | XA_FLAGS_ACCOUNT);
	ns->all.all = true;
	ns->all.may = rewire_limits_default;
	ns->all.barren[0] = jiffies - 1;
	ns->all.barren[1] = jiffies - 1;
}

/* There are no flows and holds any more: what is left was set on request. */
void rewire_limit_exit(struct rewire_net *ns)
{
	struct rewire_quota *limit;
	unsigned long vni;

	rcu_read_lock();
	xa_for_each(&ns->limits, vni, limit)
		rewire_limit_put(ns, limit);
	rcu_read_unlock();
	xa_destroy(&ns->limits);
}

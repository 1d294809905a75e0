// SPDX-License-Identifier: GPL-2.0
/*
 * What ends before its time when there are too many flows: at the hard limit a new
 * flow may take the place of one that matters less, and beyond the soft limit idle
 * flows are not waited for as long.
 */
#include <linux/random.h>

#include "flow.h"
#include "limit.h"
#include "namespace.h"
#include "timeout.h"

/* Who has had a packet within that time is using its flow. */
#define REWIRE_EVICT_IDLE	(5 * HZ)

/* Chains of the table, and entries in them, that a search looks at. */
#define REWIRE_EVICT_CHAINS	128U
#define REWIRE_EVICT_ENTRIES	256U

/**
 * struct rewire_search - for a flow to evict
 * @ns: the namespace
 * @vni: of the new flow
 * @flows: that this virtual network has
 * @own: only flows of it will do
 * @udp: only flows of protocols other than TCP will do
 * @seen: entries looked at
 * @found: the best one up to now, or NULL
 * @rank: of it; the lower, the better
 * @idle: its idle time, in jiffies
 */
struct rewire_search {
	struct rewire_net *ns;
	u32 vni;
	int flows;
	bool own;
	bool udp;
	unsigned int seen;
	struct rewire_flow *found;
	unsigned int rank;
	u32 idle;
};

static u32 rewire_flow_vni(const struct rewire_flow *flow)
{
	return rewire_key_vni(&flow->tuple[REWIRE_ORIG].key);
}

static bool rewire_flow_is_udp(const struct rewire_flow *flow)
{
	return rewire_key_protocol(&flow->tuple[REWIRE_ORIG].key) != IPPROTO_TCP;
}

static u32 rewire_flow_idle(const struct rewire_flow *flow)
{
	return rewire_idle_since(jiffies, READ_ONCE(flow->last_seen));
}

static bool rewire_is_over_soft(const struct rewire_quota *limit)
{
	u32 soft = rewire_limit_soft(limit);

	return soft && atomic_read(&limit->flows) > (int)soft;
}

static bool rewire_vni_is_over_soft(struct rewire_net *ns, u32 vni)
{
	const struct rewire_quota *limit = rewire_limit_find(ns, vni);

	return limit && rewire_is_over_soft(limit);
}

/* Of a network, as many as the limit counts that is full. */
static int rewire_vni_flows(struct rewire_net *ns, u32 vni, bool udp)
{
	const struct rewire_quota *limit = rewire_limit_find(ns, vni);

	if (!limit)
		return 0;
	return atomic_read(udp ? &limit->udp_flows : &limit->flows);
}

/*
 * An established connection, or another flow with answers that is in use, goes only where
 * its own network has too many flows.
 */
static bool rewire_search_fits(const struct rewire_search *search,
			       const struct rewire_flow *flow, enum rewire_class class, u32 idle)
{
	u32 vni = rewire_flow_vni(flow);

	if (!rewire_flow_is_live(flow) || (search->own && vni != search->vni) ||
	    (search->udp && !rewire_flow_is_udp(flow)))
		return false;
	if (class < REWIRE_CLASS_TWO_WAY)
		return true;
	if (class == REWIRE_CLASS_TWO_WAY && idle >= REWIRE_EVICT_IDLE)
		return true;
	return rewire_vni_is_over_soft(search->ns, vni);
}

/* By class, and of one class its own first; but not at the cost of who has less. */
static unsigned int rewire_search_rank(const struct rewire_search *search,
				       const struct rewire_flow *flow,
				       enum rewire_class class)
{
	u32 vni = rewire_flow_vni(flow);

	if (vni == search->vni)
		return 2 * class;
	return 2 * class + 1 +
	       (rewire_vni_flows(search->ns, vni, search->udp) <= search->flows ?
		2 * REWIRE_CLASSES : 0);
}

static void rewire_search_look(struct rewire_search *search, struct rewire_flow *flow)
{
	enum rewire_class class = rewire_flow_class(flow);
	u32 idle = rewire_flow_idle(flow);
	unsigned int rank;

	if (!rewire_search_fits(search, flow, class, idle))
		return;
	rank = rewire_search_rank(search, flow, class);
	if (search->found && (rank > search->rank ||
			      (rank == search->rank && idle <= search->idle)))
		return;
	search->found = flow;
	search->rank = rank;
	search->idle = idle;
}

/*
 * Look at some chains of the table that lie side by side. Their entries are there
 * by a keyed hash, so they are a random sample, and all of a small table.
 */
static void rewire_search_run(struct rewire_search *search)
{
	struct rhashtable *table = &search->ns->flows;
	struct bucket_table *buckets = rht_dereference_rcu(table->tbl, table);
	u32 i, n = min(buckets->size, REWIRE_EVICT_CHAINS * rewire_table_spread(search->ns));
	u32 start = get_random_u32();
	struct rewire_tuple *tuple;
	struct rhash_head *head;

	for (i = 0; i < n && search->seen < REWIRE_EVICT_ENTRIES; i++) {
		rht_for_each_rcu(head, buckets, (start + i) & (buckets->size - 1)) {
			if (search->seen++ >= REWIRE_EVICT_ENTRIES)
				break;
			tuple = container_of(head, struct rewire_tuple, node);
			if (tuple->direction == REWIRE_ORIG)
				rewire_search_look(search, rewire_tuple_flow(tuple));
		}
	}
}

/**
 * rewire_evict() - make room for a new flow
 * @ns: the namespace
 * @full: the limit that is reached
 * @vni: virtual network of the new flow
 * @udp: the limit is that of protocols other than TCP
 * @mode: what to do with the flow that is found
 *
 * When the limit is that of the virtual network, only its own flows will do; when it is
 * that of all, those of networks that have more go before those of such as have less. The
 * search is bounded, and may miss what is rare in a large table. One that finds nothing is
 * not repeated within a jiffy, so a flood of new flows costs little.
 * Context: RCU read side, bottom halves disabled.
 */
bool rewire_evict(struct rewire_net *ns, struct rewire_quota *full, u32 vni, bool udp,
		  enum rewire_evict_mode mode)
{
	struct rewire_search search = {
		.ns = ns, .vni = vni, .flows = rewire_vni_flows(ns, vni, udp),
		.own = full != &ns->all, .udp = udp,
	};
	struct rewire_quota *limit;

	if (READ_ONCE(full->barren[udp]) == (u32)jiffies)
		return false;
	rewire_search_run(&search);
	if (!search.found) {
		if (mode != REWIRE_EVICT_PEEK)
			WRITE_ONCE(full->barren[udp], jiffies);
		return false;
	}
	if (mode != REWIRE_EVICT_CLOSE)
		return true;
	limit = rewire_limit_find(ns, rewire_flow_vni(search.found));
	if (limit)
		atomic64_inc(&limit->evicted);
	atomic64_inc(&ns->all.evicted);
	rewire_flow_close(ns, search.found, REWIRE_REASON_CLOSE_EVICTED);
	return true;
}

static u32 rewire_early_flows(const struct rewire_quota *limit)
{
	return rewire_timeout_scale(atomic_read(&limit->flows), rewire_limit_soft(limit),
				  READ_ONCE(limit->may.flows_hard));
}

/* The share of other protocols than TCP has its soft limit at 7/8. */
static u32 rewire_early_udp(const struct rewire_quota *limit)
{
	u32 most = rewire_limit_udp(limit);

	return rewire_timeout_scale(atomic_read(&limit->udp_flows), most - most / 8, most);
}

static u32 rewire_early_of(struct rewire_net *ns, const struct rewire_quota *limit,
			   const struct rewire_flow *flow)
{
	u32 scale = rewire_early_flows(limit);

	if (rewire_flow_class(flow) != REWIRE_CLASS_ESTABLISHED)
		scale = min(scale, rewire_early_flows(&ns->all));
	if (rewire_flow_is_udp(flow))
		scale = min3(scale, rewire_early_udp(limit), rewire_early_udp(&ns->all));
	return scale;
}

/**
 * rewire_evict_early() - end an idle flow early, if there are too many
 * @ns: the namespace
 * @flow: the flow
 * @pressed: set when there are too many, whether it ends or not
 *
 * Context: RCU read side.
 * Return: whether it has ended.
 */
bool rewire_evict_early(struct rewire_net *ns, struct rewire_flow *flow, bool *pressed)
{
	struct rewire_quota *limit = rewire_limit_find(ns, rewire_flow_vni(flow));
	u32 scale = limit ? rewire_early_of(ns, limit, flow) : REWIRE_TIMEOUT_WHOLE;

	if (scale == REWIRE_TIMEOUT_WHOLE)
		return false;
	*pressed = true;
	if (!rewire_idle_exceeds(rewire_flow_idle(flow), (u64)rewire_flow_timeout(flow) * scale /
							 REWIRE_TIMEOUT_WHOLE))
		return false;
	atomic64_inc(&limit->early);
	atomic64_inc(&ns->all.early);
	rewire_flow_close(ns, flow, REWIRE_REASON_CLOSE_EARLY);
	return true;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Suspicion: the rarer an unexpected value of a header was among packets without a
 * flow, the more it weighs; the score of a packet is the sum. It says who goes first
 * when there is no room, and nothing else.
 *
 * What is learned is what came, whether it was dropped or not, but little from each
 * source prefix: who wants to look normal needs many.
 */
#include <linux/jhash.h>
#include <linux/mm.h>
#include <linux/percpu.h>

#include "header.h"
#include "lane.h"
#include "namespace.h"
#include "suspicion.h"

#define REWIRE_SUSPICION_INTERVAL	10000

static unsigned int rewire_suspicion_prefix(struct rewire_net *ns,
					    const struct rewire_key *key)
{
	/* An IPv4 /24 is as cheap to have as an IPv6 /48. */
	bool ipv4 = rewire_key_is_ipv4(key);
	const __be32 *src = key->src.s6_addr32;
	u32 prefix[] = {
		rewire_key_vni(key),
		ipv4 ? ntohl(src[3]) >> 8 : ntohl(src[0]),
		ipv4 ? 0 : ntohl(src[1]) >> 16,
	};

	return jhash2(prefix, ARRAY_SIZE(prefix), ns->secret) % REWIRE_SUSPICION_PREFIXES;
}

/* Whether to learn from a packet. A count that is lost in a race does no harm. */
static bool rewire_suspicion_learns(struct rewire_net *ns, const struct rewire_key *key)
{
	u8 *lessons = &ns->suspicion->lessons[rewire_suspicion_prefix(ns, key)];
	u8 n = READ_ONCE(*lessons);

	if (n >= REWIRE_SUSPICION_LESSONS)
		return false;
	WRITE_ONCE(*lessons, n + 1);
	return true;
}

/**
 * rewire_suspicion_score() - how unusual a packet without a flow looks
 * @ns: the namespace
 * @skb: the packet, its data begins at the network header
 * @packet: what the parser says of it
 *
 * Takes no lock, allocates nothing, and loops over no more than a header's options.
 * Context: RCU read side, bottom halves disabled.
 */
u32 rewire_suspicion_score(struct rewire_net *ns, const struct sk_buff *skb,
			   const struct rewire_packet *packet)
{
	struct rewire_suspicion *suspicion = ns->suspicion;
	u8 values[REWIRE_SUSPICION_ATTRIBUTES] = {};
	bool learns, unusual = false;
	u32 score = 0;
	int i;

	if (!READ_ONCE(suspicion->enabled))
		return 0;
	rewire_header_values(skb, packet, values);
	for (i = 0; i < REWIRE_SUSPICION_ATTRIBUTES; i++) {
		if (values[i]) {
			score += READ_ONCE(suspicion->weight[i][values[i]]);
			unusual = true;
		}
	}
	learns = unusual && rewire_suspicion_learns(ns, &packet->key);
	for (i = 0; learns && i < REWIRE_SUSPICION_ATTRIBUTES; i++) {
		if (values[i])
			this_cpu_inc(suspicion->counts->seen[i][values[i]]);
	}
	return score;
}

/* Bands of a lane: nothing unusual, common, uncommon and rare oddities. */
u8 rewire_suspicion_band(u32 score)
{
	static_assert(REWIRE_LANE_BANDS == 4);
	if (!score)
		return 0;
	if (score < REWIRE_SUSPICION_WEIGHT >> 9)
		return 1;
	return score < REWIRE_SUSPICION_WEIGHT >> 4 ? 2 : 3;
}

static u32 rewire_suspicion_sum(const struct rewire_suspicion *suspicion, int i, int value)
{
	u32 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(suspicion->counts, cpu)->seen[i][value]);
	return sum;
}

/* Return: whether there is any history. */
static bool rewire_suspicion_refresh_value(struct rewire_suspicion *suspicion, int i,
					   int value)
{
	u32 sum = rewire_suspicion_sum(suspicion, i, value);
	u32 *history = &suspicion->history[i][value];

	*history = *history / 2 + (sum - suspicion->taken[i][value]);
	suspicion->taken[i][value] = sum;
	if (!(suspicion->pinned[i] & BIT(value)))
		WRITE_ONCE(suspicion->weight[i][value], rewire_suspicion_weight(*history));
	return *history;
}

/* Compute weights before long, if that is not about to be done. */
void rewire_suspicion_refresh(struct rewire_suspicion *suspicion)
{
	queue_delayed_work(rewire_workqueue, &suspicion->refresh,
			   msecs_to_jiffies(READ_ONCE(suspicion->interval)));
}

static void rewire_suspicion_work(struct work_struct *work)
{
	struct rewire_suspicion *suspicion =
		container_of(work, struct rewire_suspicion, refresh.work);
	struct rewire_net *ns = suspicion->ns;
	bool any = false;
	int i, value;

	mutex_lock(&ns->lock);
	for (i = 0; i < REWIRE_SUSPICION_ATTRIBUTES; i++) {
		for (value = 1; value < REWIRE_SUSPICION_VALUES; value++)
			any |= rewire_suspicion_refresh_value(suspicion, i, value);
	}
	memset(suspicion->lessons, 0, sizeof(suspicion->lessons));
	if (any)
		rewire_suspicion_refresh(suspicion);
	mutex_unlock(&ns->lock);
}

int rewire_suspicion_init(struct rewire_net *ns)
{
	struct rewire_suspicion *suspicion;
	unsigned int i, value;

	suspicion = kvzalloc(sizeof(*suspicion), GFP_KERNEL_ACCOUNT);
	if (!suspicion)
		return -ENOMEM;
	suspicion->counts = alloc_percpu_gfp(struct rewire_suspicion_counts,
					     GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!suspicion->counts) {
		kvfree(suspicion);
		return -ENOMEM;
	}
	for (i = 0; i < REWIRE_SUSPICION_ATTRIBUTES; i++) {
		for (value = 1; value < REWIRE_SUSPICION_VALUES; value++)
			suspicion->weight[i][value] = REWIRE_SUSPICION_WEIGHT;
	}
	suspicion->ns = ns;
	suspicion->enabled = true;
	suspicion->interval = REWIRE_SUSPICION_INTERVAL;
	INIT_DELAYED_WORK(&suspicion->refresh, rewire_suspicion_work);
	ns->suspicion = suspicion;
	return 0;
}

/* No packets come any more. */
void rewire_suspicion_exit(struct rewire_net *ns)
{
	struct rewire_suspicion *suspicion = ns->suspicion;

	cancel_delayed_work_sync(&suspicion->refresh);
	free_percpu(suspicion->counts);
	kvfree(suspicion);
}

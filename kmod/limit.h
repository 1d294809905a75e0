/* SPDX-License-Identifier: GPL-2.0 */
/* Limits: how much a virtual network, and the namespace, may have at once. */
#ifndef REWIRE_LIMIT_H
#define REWIRE_LIMIT_H

#include <linux/atomic.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <uapi/linux/rewire.h>

#include "live.h"

struct netlink_ext_ack;
struct rewire_net;
struct rewire_packet;

/**
 * struct rewire_limits - what there may be; 0: no limit
 * @flows_soft: flows, beyond which idle ones end early
 * @flows_hard: flows, beyond which a new one needs one to evict
 * @rate: new flows a second
 * @burst: new flows at once
 * @holds: flows that wait for a verdict
 * @held_packets: packets of them
 * @held_bytes: their bytes, buffers included
 * @udp_share: percent of @flows_hard for protocols other than TCP
 */
struct rewire_limits {
	u32 flows_soft;
	u32 flows_hard;
	u32 rate;
	u32 burst;
	u32 holds;
	u32 held_packets;
	u64 held_bytes;
	u32 udp_share;
};

enum rewire_refusal {
	REWIRE_REFUSED_FLOWS,
	REWIRE_REFUSED_UDP,
	REWIRE_REFUSED_RATE,
	REWIRE_REFUSED_HELD,
	REWIRE_REFUSALS,
};

/**
 * struct rewire_quota - what a virtual network has, and may have
 * @references: of each flow and hold, and of what was set on request; when none is
 *		left, the object goes. The namespace's own is a part of it
 * @vni: the virtual network
 * @all: it is the namespace's own instead
 * @set: limits were set on request; under the namespace's lock
 * @may: limits, each read and written by itself
 * @flows: flows, drop and pass entries included
 * @udp_flows: those of protocols other than TCP
 * @live: flows by class; not of the namespace's own
 * @holds: flows that wait for a verdict
 * @held_packets: packets of them
 * @held_bytes: their bytes
 * @bucket: of tokens for new flows, see rewire_bucket_next()
 * @barren: jiffies when a search for a flow to evict last found none: of any
 *	    protocol, and of those other than TCP
 * @refused: packets and requests, by enum rewire_refusal
 * @evicted: flows that gave way to new ones
 * @early: flows that ended early
 * @rcu: for the grace period before it is freed
 *
 * Lifetime: found under RCU by its number. A flow finds the object that counts it
 * by number again when it ends: its own reference keeps it there.
 */
struct rewire_quota {
	refcount_t references;
	u32 vni;
	bool all;
	bool set;
	struct rewire_limits may;
	atomic_t flows;
	atomic_t udp_flows;
	struct rewire_live live;
	atomic_t holds;
	atomic_t held_packets;
	atomic64_t held_bytes;
	atomic64_t bucket;
	u32 barren[2];
	atomic64_t refused[REWIRE_REFUSALS];
	atomic64_t evicted;
	atomic64_t early;
	struct rcu_head rcu;
};

/* limit.c */
extern const struct rewire_limits rewire_limits_default;
struct rewire_quota *rewire_limit_find(struct rewire_net *ns, u32 vni);
struct rewire_quota *rewire_limit_try(struct rewire_net *ns, u32 vni);
struct rewire_quota *rewire_limit_get(struct rewire_net *ns, u32 vni);
void rewire_limit_put(struct rewire_net *ns, struct rewire_quota *limit);
bool rewire_limit_full(const struct rewire_quota *limit);
bool rewire_limit_udp_full(const struct rewire_quota *limit);
bool rewire_limit_admit(struct rewire_net *ns, const struct rewire_packet *packet, bool held,
			bool take, enum rewire_reason *reason);
enum rewire_reason rewire_limit_why_full(struct rewire_net *ns,
					 const struct rewire_packet *packet);
bool rewire_limit_may_hold(struct rewire_net *ns, u32 vni, enum rewire_reason *reason);
bool rewire_limit_may_join(struct rewire_net *ns, u32 vni, enum rewire_reason *reason);
int rewire_limit_flow(struct rewire_net *ns, u32 vni, u8 protocol,
		      struct netlink_ext_ack *extack);
void rewire_limit_unflow(struct rewire_net *ns, u32 vni, u8 protocol);
struct rewire_quota *rewire_limit_hold(struct rewire_net *ns, u32 vni,
				       enum rewire_reason *reason);
bool rewire_limit_crowds(const struct rewire_net *ns, const struct rewire_quota *limit);
void rewire_limit_refuse_hold(struct rewire_quota *limit);
void rewire_limit_unhold(struct rewire_net *ns, struct rewire_quota *limit);
bool rewire_limit_keep(struct rewire_net *ns, struct rewire_quota *limit, unsigned int bytes,
		       enum rewire_reason *reason);
void rewire_limit_unkeep(struct rewire_net *ns, struct rewire_quota *limit,
			 unsigned int bytes);
void rewire_limit_init(struct rewire_net *ns);
void rewire_limit_exit(struct rewire_net *ns);

/* evict.c */
struct rewire_flow;
enum rewire_evict_mode {
	REWIRE_EVICT_PEEK,	/* tell whether there is a flow to evict, and remember nothing */
	REWIRE_EVICT_ASK,	/* tell whether there is one */
	REWIRE_EVICT_CLOSE,	/* end it */
};

bool rewire_evict(struct rewire_net *ns, struct rewire_quota *full, u32 vni, bool udp,
		  enum rewire_evict_mode mode);
bool rewire_evict_early(struct rewire_net *ns, struct rewire_flow *flow, bool *pressed);

static inline u32 rewire_limit_soft(const struct rewire_quota *limit)
{
	return READ_ONCE(limit->may.flows_soft) ?: READ_ONCE(limit->may.flows_hard);
}

/* Flows of protocols other than TCP that there may be; 0: no limit. */
static inline u32 rewire_limit_udp(const struct rewire_quota *limit)
{
	u32 share = READ_ONCE(limit->may.udp_share);

	if (!share)
		return 0;
	return max_t(u64, 1, (u64)READ_ONCE(limit->may.flows_hard) * share / 100);
}

#endif /* REWIRE_LIMIT_H */

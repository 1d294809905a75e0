/* SPDX-License-Identifier: GPL-2.0 */
/* What a network namespace has of its own. */
#ifndef REWIRE_NAMESPACE_H
#define REWIRE_NAMESPACE_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/percpu_counter.h>
#include <linux/rhashtable.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "attach.h"
#include "decision.h"
#include "limit.h"
#include "neighbour.h"
#include "stats.h"

#define REWIRE_RULES_MAX	131072U
#define REWIRE_RULE_PIECES_MAX	(32 * REWIRE_RULES_MAX)
/* Looks into the index that a packet of a virtual network may cost, a tenant's and the host's. */
#define REWIRE_RULE_LOOKS_MAX	4096
#define REWIRE_RULE_LOOKS_MAX_HOST	32768
#define REWIRE_TARGETS_MAX	65536U
#define REWIRE_POLICIES_MAX	65536U
#define REWIRE_DELEGATES_MAX	65536U

struct rewire_change_queue;
struct rewire_handlers;
struct rewire_networks;
struct rewire_punt_queue;
struct rewire_share;

/**
 * struct rewire_net - the objects of one network namespace
 * @net: the namespace
 * @lock: serialises changes of attaches, limits, rules, targets, policies and
 *	  delegates. Taken inside RTNL.
 * @attaches: of struct rewire_attach; read under RCU
 * @attach_by_ifindex: the same, by device number
 * @attach_by_vni: the same, by virtual network
 * @local: the attach of the host's own packets, if any; read under RCU
 * @rules: struct rewire_rule by number
 * @rule_index: struct rewire_rule_node, by which packets find rules; read under RCU
 * @rule_matches: struct rewire_rule by what they match
 * @tunnels: attaches whose packets tell their virtual network
 * @rule_count: rules, of at most REWIRE_RULES_MAX
 * @rule_pieces: of them in @rule_index, of at most REWIRE_RULE_PIECES_MAX
 * @rule_id: the next rule number to give
 * @addresses: struct rewire_address that are answered for; read under RCU
 * @address_count: of those, at most REWIRE_ADDRESSES_MAX
 * @address_lens: how many of each prefix length
 * @generation: grows when attaches or rules change; dumps resume by position
 * @targets: struct rewire_target by number; read under RCU
 * @target_count: targets, of at most REWIRE_TARGETS_MAX
 * @policies: struct rewire_policy by number; read under RCU
 * @policy_count: policies, of at most REWIRE_POLICIES_MAX
 * @delegates: struct rewire_delegate by number of the policy; read under RCU
 * @delegate_count: delegates, of at most REWIRE_DELEGATES_MAX
 * @delegates_session: the last one of @handlers_session that void ones were deleted in
 * @shares: what waits of fragments of IPv6 and of IPv4, since the first attach
 * @flows_few: whether a table with room for flows to come has few, so that it is small to caches
 * @flows: table of struct rewire_tuple, those of flows and those of holds
 * @all: what the namespace has and may have of flows and holds
 * @limits: struct rewire_quota by virtual network; read under RCU
 * @limit_count: how many there are
 * @limits_set: of them, those that were set on request
 * @flow_id: the last flow number given
 * @decisions: those of the daemon that have been carried out
 * @epoch: a number by which this namespace's summaries are told from those of another
 * @summaries: how many were given
 * @expiry: scans a slice of the table, while there are flows
 * @expiry_place: the chain that the scan goes on with, modulo their number
 * @punt_id: the last punt number given
 * @punt_queues: per CPU
 * @secret: of the hashes of clients
 * @suspicion: what is unusual
 * @hold_timeout: ends holds that had no verdict in time, while there are any
 * @handlers: the sockets that punts go to; read under RCU
 * @handlers_lock: serialises changes of @handlers, @handlers_owner and @networks
 * @handlers_owner: the process they belong to
 * @handlers_session: how often they have become another process's, or nobody's
 * @networks: those that it decides for, or NULL: all; read under RCU
 * @icmp_full: when the token bucket of ICMP errors of our own will be full, see icmp_send.c
 * @stats: per CPU
 * @changes_on: whether flows that change are logged
 * @changes_overflow: whether some could not be
 * @changes_lock: serialises the readers of the log
 * @change_reader: port identifier of the socket that reads it, or 0
 * @change_queues: the log, per CPU
 * @changes_taken: the part of the log that is being read
 * @change_count: flows in the log
 * @event_queue: messages with flow events that are to be sent
 * @event_sequence: of the last flow event
 * @punt_copies: copies of questions, for who watches
 * @punt_copies_lost: one had no room there, which nobody was told yet
 * @event_work: sends both
 * @config_sequence: of the last notification about the configuration
 */
struct rewire_net {
	struct net *net;
	struct mutex lock;	/* attaches, rules, targets, policies, delegates */

	struct list_head attaches;
	struct hlist_head attach_by_ifindex[1 << REWIRE_ATTACH_HASH_BITS];
	struct hlist_head attach_by_vni[1 << REWIRE_ATTACH_HASH_BITS];
	struct rewire_attach __rcu *local;
	struct xarray rules;
	struct rhashtable rule_index;
	struct rhashtable rule_matches;
	unsigned int tunnels;
	unsigned int rule_count;
	unsigned int rule_pieces;
	u32 rule_id;
	struct hlist_head addresses[1 << REWIRE_ADDRESS_HASH_BITS];
	unsigned int address_count;
	unsigned int address_lens[129];
	unsigned int generation;
	struct xarray targets;
	unsigned int target_count;
	struct xarray policies;
	unsigned int policy_count;
	struct xarray delegates;
	unsigned int delegate_count;
	u32 delegates_session;

	struct rewire_share *shares;

	bool flows_few;		/* packets read it along with flows */
	struct rhashtable flows;
	struct rewire_quota all;
	struct xarray limits;
	atomic_t limit_count;
	unsigned int limits_set;
	atomic64_t flow_id;
	struct rewire_decisions decisions;
	u64 epoch;
	atomic64_t summaries;
	struct delayed_work expiry;
	u32 expiry_place;

	atomic64_t punt_id;
	struct rewire_punt_queue __percpu *punt_queues;
	u32 secret;
	struct rewire_suspicion *suspicion;
	struct delayed_work hold_timeout;
	struct rewire_handlers __rcu *handlers;
	spinlock_t handlers_lock;	/* handlers, handlers_owner, networks */
	struct pid *handlers_owner;
	u32 handlers_session;
	struct rewire_networks __rcu *networks;

	atomic64_t icmp_full;
	struct rewire_stats __percpu *stats;
	bool changes_on;	/* packets read it along with stats */

	bool changes_overflow;
	struct mutex changes_lock;	/* change_reader, changes_taken */
	u32 change_reader;
	struct rewire_change_queue __percpu *change_queues;
	struct list_head changes_taken;
	atomic_t change_count;

	struct sk_buff_head event_queue;
	struct sk_buff_head punt_copies;
	bool punt_copies_lost;
	u64 event_sequence;
	struct delayed_work event_work;
	u32 config_sequence;
};

extern unsigned int rewire_net_id;
extern struct workqueue_struct *rewire_workqueue;

/* Objects alive in all namespaces, those waiting for a grace period included. */
extern struct percpu_counter rewire_objects;

static inline struct rewire_net *rewire_net(const struct net *net)
{
	return net_generic(net, rewire_net_id);
}

#endif /* REWIRE_NAMESPACE_H */

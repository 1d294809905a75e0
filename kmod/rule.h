/* SPDX-License-Identifier: GPL-2.0 */
/* Rules: what a flow-table miss does. */
#ifndef REWIRE_RULE_H
#define REWIRE_RULE_H

#include <linux/atomic.h>
#include <linux/in6.h>
#include <linux/rhashtable-types.h>
#include <linux/types.h>
#include <uapi/linux/rewire.h>

struct netlink_ext_ack;
struct rewire_net;
struct rewire_packet;
struct rewire_rule_piece;

/**
 * struct rewire_ports - a range of ports, in host byte order
 * @min: lowest
 * @max: highest
 */
struct rewire_ports {
	u16 min;
	u16 max;
};

/**
 * struct rewire_match - which packets a rule is about
 * @dst: destination prefix; IPv4 is IPv4-mapped, as in struct rewire_key
 * @src: source prefix
 * @dst_len: bits of it, 96 more than those of an IPv4 prefix
 * @src_len: likewise
 * @family: AF_INET, AF_INET6, or AF_UNSPEC for both
 * @protocol: or 0 for any
 * @dport: 0 to 65535 for any
 * @sport: likewise
 * @preference: the lower, the earlier, among rules that match as exactly
 */
struct rewire_match {
	struct in6_addr dst;
	struct in6_addr src;
	u8 dst_len;
	u8 src_len;
	u8 family;
	u8 protocol;
	struct rewire_ports dport;
	struct rewire_ports sport;
	u32 preference;
};

/**
 * struct rewire_forward_counters - what one CPU has forwarded by a rule
 * @packets: this many
 * @bytes: from the network header on
 */
struct rewire_forward_counters {
	u64 packets;
	u64 bytes;
};

/**
 * struct rewire_forward - where a forward rule sends packets
 * @counters: per CPU
 * @via: the next hop, if @has_via; else the packet's destination
 * @ifindex: the device, or 0: that of the route
 * @vni: if @has_vni, the device has to be attached to this virtual network
 * @has_via: whether there is a next hop
 * @has_vni: whether there is a virtual network
 */
struct rewire_forward {
	struct rewire_forward_counters __percpu *counters;
	struct in6_addr via;
	int ifindex;
	u32 vni;
	bool has_via;
	bool has_vni;
};

/**
 * struct rewire_rule - what to do with packets without a flow
 * @same: of the namespace's matches, by @match and @vni
 * @match: which packets
 * @vni: virtual network, right behind @match
 * @id: number; of two that match as exactly, the lower counts
 * @pieces: where it is in the index; not for readers
 * @piece_count: how many
 * @policy: number by which the daemon knows what a punt is about
 * @action: enum rewire_rule_action
 * @hold: enum rewire_hold_mode
 * @orphan: enum rewire_orphan_mode
 * @forward: of a forward rule, where to
 * @hits: packets that it decided, but for a forward rule, which counts them by CPU
 * @rcu: for the grace period before it is freed
 */
struct rewire_rule {
	struct rhash_head same;
	struct rewire_match match;
	u32 vni;
	u32 id;
	struct rewire_rule_piece *pieces;
	unsigned int piece_count;
	u32 policy;
	u8 action;
	u8 hold;
	u8 orphan;
	struct rewire_forward forward;
	atomic64_t hits;
	struct rcu_head rcu;
};

/* rule.c */
struct rewire_rule *rewire_rule_alloc(void);
void rewire_rule_free(struct rewire_rule *rule);
int rewire_rule_insert(struct rewire_net *ns, struct rewire_rule *rule,
		       struct netlink_ext_ack *extack);
void rewire_rule_remove(struct rewire_net *ns, struct rewire_rule *rule);
struct rewire_rule *rewire_rule_lookup(struct rewire_net *ns,
				       const struct rewire_packet *packet);
int rewire_rule_init(struct rewire_net *ns);
void rewire_rule_exit(struct rewire_net *ns);

/* rule_index.c */
int rewire_index_init(struct rewire_net *ns);
void rewire_index_exit(struct rewire_net *ns);
int rewire_index_add(struct rewire_net *ns, struct rewire_rule *rule, unsigned int looks,
		     struct netlink_ext_ack *extack);
void rewire_index_remove(struct rewire_net *ns, struct rewire_rule *rule);
struct rewire_rule *rewire_index_lookup(struct rewire_net *ns,
					const struct rewire_packet *packet);

#endif /* REWIRE_RULE_H */

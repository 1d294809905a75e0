/* SPDX-License-Identifier: GPL-2.0 */
/* Rules: what a flow-table miss does. */
#ifndef REWIRE_RULE_H
#define REWIRE_RULE_H

#include <linux/atomic.h>
#include <linux/in6.h>
#include <linux/list.h>
#include <linux/types.h>
#include <uapi/linux/rewire.h>

struct rewire_net;
struct rewire_packet;

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

struct rewire_rule {
	struct list_head list;		/* of its ruleset, RCU */
	struct rewire_match match;
	u32 id;
	u32 vni;
	u32 policy;
	u8 action;			/* enum rewire_rule_action */
	u8 hold;			/* enum rewire_hold_mode */
	u8 orphan;			/* enum rewire_orphan_mode */
	atomic64_t hits;
	struct rcu_head rcu;
};

struct rewire_rule *rewire_rule_lookup(struct rewire_net *ns,
				       const struct rewire_packet *packet);
void rewire_rule_exit(struct rewire_net *ns);

#endif /* REWIRE_RULE_H */

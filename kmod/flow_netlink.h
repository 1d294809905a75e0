/* SPDX-License-Identifier: GPL-2.0 */
/* What the netlink operations on flows share. */
#ifndef REWIRE_FLOW_NETLINK_H
#define REWIRE_FLOW_NETLINK_H

#include "flow.h"
#include "netlink.h"

/**
 * struct rewire_filter_key - what a direction's key has to agree with
 * @given: whether there is anything
 * @src: source prefix; IPv4 is IPv4-mapped
 * @dst: destination prefix
 * @src_len: bits of it, 0 for any
 * @dst_len: likewise
 * @network: those bits of struct rewire_key.network that @mask has
 * @mask: of the virtual network, the protocol, both or none
 * @sport_min: lowest source port, in host byte order
 * @sport_max: highest
 * @dport_min: lowest destination port
 * @dport_max: highest
 */
struct rewire_filter_key {
	bool given;
	struct in6_addr src;
	struct in6_addr dst;
	u8 src_len;
	u8 dst_len;
	u32 network;
	u32 mask;
	u16 sport_min;
	u16 sport_max;
	u16 dport_min;
	u16 dport_max;
};

/**
 * struct rewire_flow_filter - which flows a request is about
 * @key: by direction
 * @has: bit by attribute, whether @number is given
 * @number: by attribute
 */
struct rewire_flow_filter {
	struct rewire_filter_key key[REWIRE_DIRECTIONS];
	unsigned long has;
	u64 number[REWIRE_A_FLOW_FILTER_MAX + 1];
};

/**
 * struct rewire_flow_walk - a walk over all flows
 * @ns: the namespace
 * @table: of the table
 * @slot: bucket of the last flows given
 * @given: numbers of those
 * @count: of @given
 * @taken: flows that did not have to come up again
 *
 * Every flow that is there from the first step to the last is given. None is given
 * twice, but after the table was resized: then the walk begins again.
 */
struct rewire_flow_walk {
	struct rewire_net *ns;
	struct rhashtable_iter table;
	unsigned int slot;
	u64 given[32];
	unsigned int count;
	unsigned int taken;
};

/* flow_netlink.c */
struct rewire_flow *rewire_flow_find(struct rewire_net *ns, const struct rewire_key *key);

/* flow_walk.c */
void rewire_flow_walk_enter(struct rewire_flow_walk *walk, struct rewire_net *ns);
void rewire_flow_walk_exit(struct rewire_flow_walk *walk);
bool rewire_flow_walk_start(struct rewire_flow_walk *walk);
void rewire_flow_walk_stop(struct rewire_flow_walk *walk);
struct rewire_flow *rewire_flow_walk_peek(struct rewire_flow_walk *walk, bool *again);
void rewire_flow_walk_take(struct rewire_flow_walk *walk, const struct rewire_flow *flow,
			   bool *again);

/* flow_filter.c */
int rewire_get_flow_filter(const struct nlattr *nest, struct rewire_flow_filter *filter,
			   struct netlink_ext_ack *extack);
bool rewire_flow_filter_matches(const struct rewire_flow_filter *filter,
				const struct rewire_flow *flow);

/* flow_dump.c */
int rewire_flow_collect(struct rewire_net *ns, const struct rewire_flow_filter *filter,
			void (*reset)(void *data),
			void (*call)(const struct rewire_flow *flow, void *data), void *data);
void rewire_flow_collect_failed(struct genl_info *info, int err);

/* flow_fill.c */
u64 rewire_flow_idle(const struct rewire_flow *flow);
u32 rewire_flow_target(const struct rewire_flow *flow);
int rewire_flow_fill(struct sk_buff *skb, int attribute, const struct rewire_flow *flow);
int rewire_flow_fill_live(struct sk_buff *skb, int attribute, const struct rewire_flow *flow,
			  bool tracking);

#endif /* REWIRE_FLOW_NETLINK_H */

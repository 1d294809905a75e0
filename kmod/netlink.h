/* SPDX-License-Identifier: GPL-2.0 */
/* What the objects' netlink operations share. */
#ifndef REWIRE_NETLINK_H
#define REWIRE_NETLINK_H

#include <net/genetlink.h>

#include "flow.h"
#include "key.h"
#include "namespace.h"
#include "netlink-gen.h"

struct rewire_flow;
struct rewire_flow_spec;

extern struct genl_family rewire_family;

static inline struct rewire_net *rewire_info_net(struct genl_info *info)
{
	return rewire_net(genl_info_net(info));
}

/* The attributes of a nest, which was checked with its message, by the policy of that. */
static inline int rewire_parse_nest(struct nlattr **tb, int type_max, const struct nlattr *nest,
				    struct netlink_ext_ack *extack)
{
	return nla_parse_nested(tb, type_max, nest, NULL, extack);
}

/* A reply that one object's fill function completes. */
struct sk_buff *rewire_reply_new(struct genl_info *info, size_t size, void **header);
int rewire_reply_send(struct genl_info *info, struct sk_buff *skb, void *header);

/* Objects that are kept by number, under the namespace's lock: rules, targets, policies. */
int rewire_get_number(struct genl_info *info, int attribute, u32 *number);
int rewire_numbered_get(struct genl_info *info, struct xarray *objects, int attribute,
			int (*fill)(struct sk_buff *skb, const void *object));
int rewire_numbered_dump(struct sk_buff *skb, struct netlink_callback *cb,
			 struct xarray *objects, u8 command,
			 int (*fill)(struct sk_buff *skb, const void *object));

int rewire_put_address(struct sk_buff *skb, int attribute, const struct in6_addr *address);
int rewire_put_key(struct sk_buff *skb, int attribute, const struct rewire_key *key);
int rewire_get_address(const struct nlattr *attribute, struct in6_addr *address,
		       struct netlink_ext_ack *extack);
int rewire_get_key(const struct nlattr *nest, struct rewire_key *key,
		   struct netlink_ext_ack *extack);
int rewire_get_flow_spec(struct rewire_net *ns, const struct nlattr *nest,
			 struct rewire_flow_spec *spec, struct netlink_ext_ack *extack);

bool rewire_put_counters(struct sk_buff *skb, int attribute, const struct rewire_flow *flow,
			 enum rewire_direction direction);
bool rewire_put_ifindex(struct sk_buff *skb, int attribute, const struct rewire_flow *flow,
			enum rewire_direction direction);
int rewire_check_keys(struct rewire_net *ns, const struct nlattr *nest,
		      const struct rewire_flow_spec *spec, struct netlink_ext_ack *extack);

/* summary.c */
void rewire_summary_init(struct rewire_net *ns);

int rewire_netlink_register(void);
void rewire_netlink_unregister(void);

#endif /* REWIRE_NETLINK_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* Routes of translated packets. */
#ifndef REWIRE_ROUTE_H
#define REWIRE_ROUTE_H

#include <linux/rtnetlink.h>
#include <net/ip6_fib.h>
#include <net/route.h>

#include "flow.h"

struct dst_entry *rewire_route(struct net *net, const struct in6_addr *address, int oif);
struct dst_entry *rewire_route_renew(struct rewire_net *ns, struct rewire_flow *flow,
				     enum rewire_direction direction);
struct dst_entry *rewire_route_peek(struct rewire_net *ns, const struct rewire_flow *flow,
				    enum rewire_direction direction);
bool rewire_route_uses(const struct rewire_tuple *tuple, int ifindex);
void rewire_route_forget(struct rewire_tuple *tuple);

/* Whether a route leads to the host itself. */
static inline bool rewire_route_is_local(const struct dst_entry *dst)
{
	if (dst->ops->family == AF_INET)
		return dst_rtable(dst)->rt_flags & RTCF_LOCAL;
	return dst_rt6_info(dst)->rt6i_flags & RTF_LOCAL;
}

/**
 * rewire_route_get() - the route of a direction's translated packets
 * @ns: the namespace
 * @flow: the flow
 * @direction: the direction
 *
 * A flow that is being closed keeps no route: its closer sets DYING before it takes
 * the route away, and where one is renewed DYING is read after the route was put there.
 * Context: RCU read side.
 * Return: the route, valid within the RCU read side, or an error.
 */
static inline struct dst_entry *rewire_route_get(struct rewire_net *ns, struct rewire_flow *flow,
						 enum rewire_direction direction)
{
	struct dst_entry *dst = rcu_dereference(flow->tuple[direction].dst);

	if (likely(dst && dst_check(dst, READ_ONCE(flow->dst_cookie[direction]))))
		return dst;
	return rewire_route_renew(ns, flow, direction);
}

#endif /* REWIRE_ROUTE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* Routes of translated packets. */
#ifndef REWIRE_ROUTE_H
#define REWIRE_ROUTE_H

#include "flow.h"

struct dst_entry *rewire_route(struct net *net, const struct in6_addr *address, int oif);
bool rewire_route_is_local(const struct dst_entry *dst);
struct dst_entry *rewire_route_get(struct rewire_net *ns, struct rewire_flow *flow,
				   enum rewire_direction direction);
struct dst_entry *rewire_route_peek(struct rewire_net *ns, const struct rewire_flow *flow,
				    enum rewire_direction direction);
bool rewire_route_uses(const struct rewire_tuple *tuple, int ifindex);
void rewire_route_forget(struct rewire_tuple *tuple);

#endif /* REWIRE_ROUTE_H */

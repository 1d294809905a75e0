/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRE_COMPAT_NET_IP6_ROUTE_H
#define REWIRE_COMPAT_NET_IP6_ROUTE_H

#include_next <net/ip6_route.h>

/* As long as IPv6 could be a module, others called it by a table. */
#ifdef REWIRE_HAS_IPV6_STUB_FRAGMENT
#include <net/ipv6_stubs.h>
#define ip6_fragment(net, sk, skb, output) \
	ipv6_stub->ipv6_fragment(net, sk, skb, output)
#endif

#endif /* REWIRE_COMPAT_NET_IP6_ROUTE_H */

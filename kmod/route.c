// SPDX-License-Identifier: GPL-2.0
/*
 * Routes of translated packets.
 *
 * A translated packet leaves by a device of the virtual network that the other
 * direction comes from, so guests that share addresses are told apart by their
 * devices. Each direction keeps its route. A route is looked up again when the
 * kernel says that it is stale.
 *
 * Where there is none, the error is the kernel's for it, -ENETUNREACH for our own reasons:
 * -EACCES for a route of type prohibit, and -EINVAL for a blackhole, of which nobody is told.
 */
#include <net/addrconf.h>
#include <net/ip.h>
#include <net/ip_fib.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/l3mdev.h>
#include <net/route.h>

#include "attach.h"
#include "namespace.h"
#include "route.h"

/*
 * By a given device, the kernel takes what it finds no route to for a host on its link. So
 * it does where it finds a route that refuses. Return: the error of such a route, or 0.
 */
static int rewire_route_refuses_ipv4(struct net *net, const struct flowi4 *key)
{
	struct fib_result result;
	struct flowi4 fl4 = *key;
	int err;

	fl4.flowi4_iif = LOOPBACK_IFINDEX;
	err = fib_lookup(net, &fl4, &result, 0);
	return err == -ENETUNREACH ? 0 : err;
}

static struct dst_entry *rewire_route_ipv4(struct net *net, __be32 address, int oif)
{
	const struct flowi4 key = {
		.daddr = address,
		.flowi4_oif = oif,
		.flowi4_scope = RT_SCOPE_UNIVERSE,
	};
	struct flowi4 fl4 = key;
	struct rtable *rt = ip_route_output_key(net, &fl4);
	int err = 0;

	if (IS_ERR(rt))
		return ERR_CAST(rt);
	/* To one host, never to all of a link; nor is anybody told (RFC 1812, 4.3.2.7). */
	if (rt->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST))
		err = -EINVAL;
	else if (oif && !rt->rt_gw_family)
		err = rewire_route_refuses_ipv4(net, &key);
	if (!err)
		return &rt->dst;
	ip_rt_put(rt);
	return ERR_PTR(err);
}

static struct dst_entry *rewire_route_lookup_ipv6(struct net *net,
						  const struct in6_addr *address,
						  const struct in6_addr *source, int oif)
{
	struct flowi6 fl6 = {
		.daddr = *address,
		.saddr = *source,
		.flowi6_oif = oif,
	};
	struct dst_entry *dst = ip6_route_output(net, NULL, &fl6);
	int err = dst->error;

	if (!err)
		return dst;
	dst_release(dst);
	return ERR_PTR(err);
}

/*
 * By a given device, the kernel passes by routes that refuse, for they have none, unless
 * the packet has a source: then it takes the most exact route, by whatever device.
 */
static struct dst_entry *rewire_route_ipv6(struct net *net,
					   const struct in6_addr *address, int oif)
{
	struct dst_entry *dst = rewire_route_lookup_ipv6(net, address, &in6addr_loopback, oif);

	if (IS_ERR(dst) || !oif || dst_dev_rcu(dst)->ifindex == oif)
		return dst;
	dst_release(dst);
	return rewire_route_lookup_ipv6(net, address, &in6addr_any, oif);
}

/**
 * rewire_route() - the host's route to an address
 * @net: the namespace
 * @address: an IPv4-mapped or IPv6 address
 * @oif: the device to leave by, or 0
 *
 * Context: RCU read side.
 * Return: a route with a reference, or an error.
 */
struct dst_entry *rewire_route(struct net *net, const struct in6_addr *address, int oif)
{
	if (ipv6_addr_v4mapped(address))
		return rewire_route_ipv4(net, address->s6_addr32[3], oif);
	return rewire_route_ipv6(net, address, oif);
}

static bool rewire_address_is_local(struct net *net, const struct in6_addr *address)
{
	if (ipv6_addr_v4mapped(address))
		return inet_addr_type(net, address->s6_addr32[3]) == RTN_LOCAL;
	return ipv6_chk_addr(net, address, NULL, 0);
}

/* Return: the VRF that a device is in, whose table its routes are in; or 0. */
static int rewire_vrf(struct net *net, int ifindex)
{
	struct net_device *dev = dev_get_by_index_rcu(net, ifindex);

	return dev ? l3mdev_master_ifindex_rcu(dev) : 0;
}

/*
 * Find the way for a direction's translated packets. Devices attached to the
 * virtual network are the only ways into it: by the one that the flow names, by
 * the only one, or by that of several which a route leads to: one of their VRF, if
 * they are in one, else one of the main table. Only: out: the device that was the only
 * one, or 0.
 */
static struct dst_entry *rewire_route_find(struct rewire_net *ns,
					   const struct rewire_flow *flow,
					   enum rewire_direction direction, int *only)
{
	const struct rewire_key *inverse = &flow->tuple[!direction].key;
	const struct in6_addr *address = &inverse->src;
	u32 vni = rewire_key_vni(inverse);
	struct dst_entry *dst;
	bool several = false;
	int oif;

	*only = 0;
	oif = READ_ONCE(flow->ifindex[!direction]);
	if (oif && !rewire_attach_is(ns, oif, vni))
		return ERR_PTR(-ENETUNREACH);
	if (!oif) {
		const struct rewire_attach *local = rcu_dereference(ns->local);

		if (local && local->vni == vni && rewire_address_is_local(ns->net, address))
			return rewire_route(ns->net, address, 0);
		oif = rewire_attach_output(ns, vni, &several);
		if (!oif)
			return ERR_PTR(-ENETUNREACH);
		if (!several)
			*only = oif;
	}
	dst = rewire_route(ns->net, address, several ? rewire_vrf(ns->net, oif) : oif);
	/* An encapsulation by route is the work of dst->output, which is left out. */
	if (!IS_ERR(dst) && (dst->lwtstate ||
			     !rewire_attach_is(ns, dst_dev_rcu(dst)->ifindex, vni))) {
		dst_release(dst);
		return ERR_PTR(-ENETUNREACH);
	}
	return dst;
}

/* Context: RCU read side. Return: whether a direction's packets leave by a device. */
bool rewire_route_uses(const struct rewire_tuple *tuple, int ifindex)
{
	const struct dst_entry *dst = rcu_dereference(tuple->dst);

	return dst && dst_dev_rcu(dst)->ifindex == ifindex;
}

/* Let go of a direction's route. */
void rewire_route_forget(struct rewire_tuple *tuple)
{
	struct dst_entry *dst;

	dst = (__force struct dst_entry *)xchg(&tuple->dst, NULL);
	dst_release(dst);
}

/* Look a direction's route up, and keep it; see rewire_route_get(). */
struct dst_entry *rewire_route_renew(struct rewire_net *ns, struct rewire_flow *flow,
				     enum rewire_direction direction)
{
	struct rewire_tuple *tuple = &flow->tuple[direction];
	struct dst_entry *dst, *old;
	int device, only;

again:
	device = READ_ONCE(flow->ifindex[!direction]);
	dst = rewire_route_find(ns, flow, direction, &only);
	/* The only way: the flow ends when this device goes. */
	if (only)
		cmpxchg(&flow->ifindex[!direction], 0, only);
	if (IS_ERR(dst))
		return dst;
	if (dst->ops->family == AF_INET6)
		WRITE_ONCE(flow->dst_cookie[direction], rt6_get_cookie(dst_rt6_info(dst)));
	old = (__force struct dst_entry *)xchg(&tuple->dst,
					       (__force struct dst_entry __rcu *)dst);
	dst_release(old);
	if (rewire_flow_is_dying(flow)) {
		rewire_route_forget(tuple);
	} else if (READ_ONCE(flow->ifindex[!direction]) != (only ?: device)) {
		/* It has been learned meanwhile, see rewire_flow_learn(), and once only. */
		rewire_route_forget(tuple);
		goto again;
	}
	return dst;
}

/* What rewire_route_get() would return, with a reference and without a trace of it. */
struct dst_entry *rewire_route_peek(struct rewire_net *ns, const struct rewire_flow *flow,
				    enum rewire_direction direction)
{
	struct dst_entry *dst = rcu_dereference(flow->tuple[direction].dst);
	int only;

	if (dst && dst_check(dst, READ_ONCE(flow->dst_cookie[direction])) &&
	    dst_hold_safe(dst))
		return dst;
	return rewire_route_find(ns, flow, direction, &only);
}

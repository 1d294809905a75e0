// SPDX-License-Identifier: GPL-2.0
/*
 * Tunnels whose device has no far end of its own: VXLAN and Geneve devices with
 * "external". Where a packet comes from is in its metadata, and so is where it is to
 * go. Guests of different virtual networks may have the same address behind one such
 * device, so a far end has the hardware address, too, and no neighbour is asked for.
 */
#include <linux/etherdevice.h>
#include <linux/slab.h>
#include <net/arp.h>
#include <net/ip6_fib.h>
#include <net/ndisc.h>
#include <net/neighbour.h>
#include <net/route.h>

#include "attach.h"
#include "extension.h"
#include "fragment.h"
#include "namespace.h"
#include "packet.h"
#include "tunnel.h"

static const struct ip_tunnel_info *rewire_tunnel_info(struct sk_buff *skb)
{
	const struct ip_tunnel_info *info = skb_tunnel_info(skb);

	return info && !(info->mode & IP_TUNNEL_INFO_TX) ? info : NULL;
}

/* Return: whether a packet has come through a tunnel with such an identifier. */
bool rewire_tunnel_vni(struct sk_buff *skb, u32 *vni)
{
	const struct ip_tunnel_info *info = rewire_tunnel_info(skb);

	if (!info || be64_to_cpu(info->key.tun_id) > REWIRE_VNI_MAX)
		return false;
	*vni = be64_to_cpu(info->key.tun_id);
	return true;
}

/* Return: whether a packet has come through a tunnel, and where from. */
bool rewire_tunnel_remote(struct sk_buff *skb, struct rewire_remote *remote)
{
	const struct ip_tunnel_info *info = rewire_tunnel_info(skb);

	memset(remote, 0, sizeof(*remote));
	if (!info || !rewire_tunnel_vni(skb, &remote->id))
		return false;
	if (ip_tunnel_info_af(info) == AF_INET6)
		remote->address = info->key.u.ipv6.src;
	else
		ipv6_addr_set_v4mapped(info->key.u.ipv4.src, &remote->address);
	if (skb_mac_header_was_set(skb) && skb->dev && skb->dev->type == ARPHRD_ETHER) {
		ether_addr_copy(remote->lladdr, eth_hdr(skb)->h_source);
		remote->has_lladdr = is_valid_ether_addr(remote->lladdr);
	}
	return true;
}

/* Payer: of the flow, see rewire_flow_payer(). */
struct rewire_tunnel *rewire_tunnel_new(const struct rewire_remote *remote, gfp_t payer)
{
	struct rewire_tunnel *tunnel;

	tunnel = kzalloc(sizeof(*tunnel), GFP_ATOMIC | __GFP_NOWARN | payer);
	if (!tunnel)
		return NULL;
	tunnel->remote = *remote;
	tunnel->dst = rewire_metadata_new(&remote->address, cpu_to_be64(remote->id));
	if (!tunnel->dst) {
		kfree(tunnel);
		return NULL;
	}
	percpu_counter_inc(&rewire_objects);
	return tunnel;
}

void rewire_tunnel_free(struct rewire_tunnel *tunnel)
{
	if (!tunnel)
		return;
	dst_release(&tunnel->dst->dst);
	kfree(tunnel);
	percpu_counter_dec(&rewire_objects);
}

/* Remember where a direction's first packet came from, if nobody has said it. */
void rewire_tunnel_learn(struct rewire_flow *flow, enum rewire_direction direction,
			 struct sk_buff *skb)
{
	struct rewire_flow_extension *extension = flow->extension;
	struct rewire_tunnel *tunnel;
	struct rewire_remote remote;

	if (rcu_access_pointer(extension->tunnel[direction]) ||
	    !rewire_tunnel_remote(skb, &remote))
		return;
	tunnel = rewire_tunnel_new(&remote, rewire_flow_payer(rewire_net(dev_net(skb->dev))));
	if (!tunnel)
		return;		/* the next packet will do */
	if (!READ_ONCE(flow->ifindex[direction]))
		WRITE_ONCE(flow->ifindex[direction], skb->dev->ifindex);
	if (cmpxchg((__force struct rewire_tunnel **)&extension->tunnel[direction], NULL,
		    tunnel))
		rewire_tunnel_free(tunnel);
}

/**
 * rewire_tunnel_device() - the tunnel that a direction's packets leave through
 * @ns: the namespace
 * @flow: the flow, which has an extension
 * @direction: the direction
 * @tunnel: out: the far end
 *
 * Context: RCU read side.
 * Return: the device, or NULL: none. -ENETUNREACH: there should be one.
 */
struct net_device *rewire_tunnel_device(struct rewire_net *ns,
					const struct rewire_flow *flow,
					enum rewire_direction direction,
					const struct rewire_tunnel **tunnel)
{
	u32 vni = rewire_key_vni(&flow->tuple[!direction].key);
	const struct rewire_attach *attach;

	*tunnel = rcu_dereference(flow->extension->tunnel[!direction]);
	if (!*tunnel)
		return NULL;
	attach = rewire_attach_find(ns, READ_ONCE(flow->ifindex[!direction]));
	if (!attach || !attach->dev || !(attach->dev->flags & IFF_UP) ||
	    vni != (attach->tunnel ? (*tunnel)->remote.id : attach->vni))
		return ERR_PTR(-ENETUNREACH);
	return attach->dev;
}

/* Send a packet by a tunnel's device. Consumes the packet. */
int rewire_tunnel_transmit(struct sk_buff *skb, struct net_device *dev,
			   const struct rewire_tunnel *tunnel)
{
	__be32 hop;

	skb->dev = dev;
	skb_dst_set(skb, dst_clone(&tunnel->dst->dst));
	if (tunnel->remote.has_lladdr || dev->type != ARPHRD_ETHER) {
		if (dev_hard_header(skb, dev, ntohs(skb->protocol), tunnel->remote.lladdr,
				    dev->dev_addr, skb->len) < 0) {
			kfree_skb(skb);
			return -EINVAL;
		}
		return dev_queue_xmit(skb);
	}
	if (skb->protocol == htons(ETH_P_IPV6))
		return neigh_xmit(NEIGH_ND_TABLE, dev, &ipv6_hdr(skb)->daddr, skb);
	hop = ip_hdr(skb)->daddr;
	return neigh_xmit(NEIGH_ARP_TABLE, dev, &hop, skb);
}

/*
 * What the kernel splits has to have a route. A tunnel's packets have none, so they get
 * this, which lives as long as the call: whoever sends a fragment takes it off first.
 */
struct rewire_tunnel_route {
	union {
		struct dst_entry dst;
		struct rtable ipv4;
		struct rt6_info ipv6;
	};
	const struct rewire_tunnel *tunnel;
};

static unsigned int rewire_tunnel_mtu(const struct dst_entry *dst)
{
	return READ_ONCE(dst_dev_rcu(dst)->mtu);
}

static struct dst_ops rewire_tunnel_ops = {
	.family = AF_UNSPEC,
	.mtu = rewire_tunnel_mtu,
};

static int rewire_tunnel_fragment_transmit(struct net *net, struct sock *sk,
					   struct sk_buff *skb)
{
	struct rewire_tunnel_route *route;

	route = container_of(skb_dst(skb), struct rewire_tunnel_route, dst);
	skb_dst_drop(skb);
	return rewire_tunnel_transmit(skb, route->dst.dev, route->tunnel);
}

/* Split a packet, and send the fragments by a tunnel's device. Consumes the packet. */
int rewire_tunnel_fragment(struct net *net, struct sk_buff *skb, struct net_device *dev,
			   const struct rewire_tunnel *tunnel)
{
	struct rewire_tunnel_route route = { .tunnel = tunnel };

	rewire_dst_init(&route.dst, &rewire_tunnel_ops);
	route.dst.dev = dev;
	skb_dst_set_noref(skb, &route.dst);
	return rewire_fragment_send(net, skb, rewire_tunnel_fragment_transmit);
}

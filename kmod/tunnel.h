/* SPDX-License-Identifier: GPL-2.0 */
/* Far ends of tunnels whose device takes them from the packet. */
#ifndef REWIRE_TUNNEL_H
#define REWIRE_TUNNEL_H

#include <linux/if_ether.h>
#include <linux/in6.h>
#include <net/dst_metadata.h>

#include "flow.h"

struct nlattr;
struct netlink_ext_ack;
struct rewire_attach;

/**
 * struct rewire_remote - a far end, as packets and requests tell it
 * @address: of the host there; IPv4 is IPv4-mapped
 * @id: of the tunnel, such as a VXLAN network identifier
 * @lladdr: hardware address of who is behind it
 * @has_lladdr: whether @lladdr is known; else neighbours are asked for
 */
struct rewire_remote {
	struct in6_addr address;
	u32 id;
	u8 lladdr[ETH_ALEN];
	bool has_lladdr;
};

/**
 * struct rewire_tunnel - where a direction's packets come from through a tunnel
 * @remote: the far end
 * @dst: tells the tunnel's device where to send a packet
 *
 * Belongs to a flow's extension. Put there once, and never changed.
 */
struct rewire_tunnel {
	struct rewire_remote remote;
	struct metadata_dst *dst;
};

bool rewire_tunnel_vni(struct sk_buff *skb, u32 *vni);
bool rewire_tunnel_remote(struct sk_buff *skb, struct rewire_remote *remote);
struct rewire_tunnel *rewire_tunnel_new(const struct rewire_remote *remote, gfp_t payer);
void rewire_tunnel_free(struct rewire_tunnel *tunnel);
void rewire_tunnel_learn(struct rewire_flow *flow, enum rewire_direction direction,
			 struct sk_buff *skb);
struct net_device *rewire_tunnel_device(struct rewire_net *ns,
					const struct rewire_flow *flow,
					enum rewire_direction direction,
					const struct rewire_tunnel **tunnel);
int rewire_tunnel_transmit(struct sk_buff *skb, struct net_device *dev,
			   const struct rewire_tunnel *tunnel);
int rewire_tunnel_fragment(struct net *net, struct sk_buff *skb, struct net_device *dev,
			   const struct rewire_tunnel *tunnel);

/* tunnel_netlink.c */
int rewire_get_remote(const struct nlattr *nest, u32 vni, struct rewire_remote *remote,
		      struct netlink_ext_ack *extack);
bool rewire_put_remote(struct sk_buff *skb, int attribute,
		       const struct rewire_remote *remote);

#endif /* REWIRE_TUNNEL_H */

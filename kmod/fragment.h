/* SPDX-License-Identifier: GPL-2.0 */
/* Fragments: made whole on the way in, split again on the way out. */
#ifndef REWIRE_FRAGMENT_H
#define REWIRE_FRAGMENT_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <net/ip.h>

struct rewire_net;

int rewire_fragment_init(struct rewire_net *ns);
void rewire_fragment_exit(struct rewire_net *ns);
bool rewire_fragment_gather(struct rewire_net *ns, struct sk_buff *skb, u32 vni,
			    int ifindex);
int rewire_fragment_send(struct net *net, struct sk_buff *skb,
			 int (*output)(struct net *net, struct sock *sk,
				       struct sk_buff *skb));

/*
 * The largest fragment that a packet was made of is kept where the IP layer keeps
 * it, in the packet's control block, also while the packet is held. A packet that
 * comes in by a device has there what others left.
 */
static inline void rewire_fragment_clear(struct sk_buff *skb)
{
	IPCB(skb)->flags = 0;
	IPCB(skb)->frag_max_size = 0;
	IP6CB(skb)->frag_max_size = 0;
}

/* Return: 0: the packet came whole. */
static inline unsigned int rewire_fragment_size(const struct sk_buff *skb, bool ipv4)
{
	return ipv4 ? IPCB(skb)->frag_max_size : IP6CB(skb)->frag_max_size;
}

#endif /* REWIRE_FRAGMENT_H */

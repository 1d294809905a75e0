// SPDX-License-Identifier: GPL-2.0
/*
 * Fragments, as connection tracking treats them: the kernel's own queues make them
 * whole before anything is looked up, and the packet is split again on its way out,
 * into fragments no larger than those that came.
 *
 * The kernel bounds the memory of the queues and the time that fragments wait, for
 * each network namespace; virtual networks share it, see fragment_share.c. What waits
 * there refers to no device, attach or flow, so all of them may go meanwhile.
 */
#include <linux/jhash.h>
#include <linux/mm.h>
#include <net/dst.h>
#include <net/gso.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/ipv6_frag.h>
#include <net/netfilter/ipv6/nf_defrag_ipv6.h>

#include "fragment.h"
#include "fragment_share.h"
#include "namespace.h"
#include "packet.h"

/*
 * Whose fragments: those of a virtual network and of nobody else, the kernel's own
 * users included, be their addresses and identifications the same.
 */
#define REWIRE_FRAGMENT_USER_DEVICE	0x52000000U
#define REWIRE_FRAGMENT_USER_LOCAL	0x53000000U

static_assert(REWIRE_FRAGMENT_USER_DEVICE > (u32)IP_DEFRAG_MACVLAN);
static_assert(REWIRE_FRAGMENT_USER_DEVICE > (u32)__IP6_DEFRAG_CONNTRACK_BRIDGE_IN);
static_assert(REWIRE_FRAGMENT_USER_LOCAL - REWIRE_FRAGMENT_USER_DEVICE > REWIRE_VNI_MAX);

static u32 rewire_fragment_user(u32 vni, int ifindex)
{
	return vni | (ifindex == REWIRE_IFINDEX_LOCAL ? REWIRE_FRAGMENT_USER_LOCAL :
							REWIRE_FRAGMENT_USER_DEVICE);
}

/*
 * What the queues of a family may have, and for how long. Those of IPv6 belong to
 * connection tracking, which lets nobody look; so the host's own for IPv6 stand for
 * them, whose bounds are the same unless they are set.
 */
static void rewire_fragment_bounds(struct net *net, bool ipv4,
				   struct rewire_share_bounds *bounds)
{
	const struct fqdir *queues = ipv4 ? net->ipv4.fqdir : net->ipv6.fqdir;

	if (!queues) {	/* the host has no IPv6 */
		bounds->high = IPV6_FRAG_HIGH_THRESH;
		bounds->used = 0;
		bounds->time = IPV6_FRAG_TIMEOUT;
		return;
	}
	bounds->high = READ_ONCE(queues->high_thresh);
	bounds->used = ipv4 ? frag_mem_limit(queues) : 0;
	bounds->time = READ_ONCE(queues->timeout);
}

/* What was charged for a fragment is kept where the queues do not look. */
static int *rewire_fragment_charge(const struct sk_buff *skb)
{
	static_assert(!offsetof(struct inet_skb_parm, iif));
	static_assert(!offsetof(struct inet6_skb_parm, iif));
	return &IPCB(skb)->iif;
}

/* The queue of each packet is charged with all of its fragments, as any may be the first. */
static bool rewire_fragment_take(struct rewire_net *ns, struct sk_buff *skb, u32 who)
{
	bool ipv4 = skb->protocol == htons(ETH_P_IP);
	struct rewire_share_bounds bounds;
	u32 charge;

	rewire_fragment_bounds(ns->net, ipv4, &bounds);
	if (!rewire_share_take(&ns->shares[ipv4], who,
			       skb->truesize + sizeof(struct frag_queue), &bounds, jiffies,
			       &charge))
		return false;
	*rewire_fragment_charge(skb) = charge;
	return true;
}

/*
 * A packet waits no more, whole or as a fragment that did not get in: all of its fragments
 * are given back, together if of one turn.
 */
static void rewire_fragment_give(struct rewire_share *share, struct sk_buff *skb, u32 who)
{
	u32 charge = *rewire_fragment_charge(skb), next;
	bool whole = rewire_fragment_size(skb, skb->protocol == htons(ETH_P_IP));
	struct sk_buff *fragment = whole ? skb_shinfo(skb)->frag_list : NULL;
	u32 bytes = rewire_share_bytes(charge);

	*rewire_fragment_charge(skb) = 0;
	for (; fragment; fragment = fragment->next) {
		next = *rewire_fragment_charge(fragment);
		if (rewire_share_turn(next) != rewire_share_turn(charge)) {
			rewire_share_give(share, who, rewire_share_turn(charge), bytes);
			charge = next;
			bytes = 0;
		}
		bytes += rewire_share_bytes(next);
	}
	rewire_share_give(share, who, rewire_share_turn(charge), bytes);
}

/*
 * The kernel gives a packet of IPv4 up when many fragments of the same source came
 * meanwhile (net.ipv4.ipfrag_max_dist), but sources of all virtual networks are one to
 * it. It does not count what says that it was whole on this host before.
 * Return: as ip_defrag(): 0, or the packet is the queue's or gone.
 */
static int rewire_fragment_queue(struct net *net, struct sk_buff *skb, u32 user)
{
	int err;

	if (skb->protocol == htons(ETH_P_IP)) {
		IPCB(skb)->flags |= IPSKB_FRAG_COMPLETE;
		err = ip_defrag(net, skb, user);
		if (!err)
			IPCB(skb)->flags &= ~IPSKB_FRAG_COMPLETE;
		return err;
	}
	err = nf_ct_frag6_gather(net, skb, user);
	if (err && err != -EINPROGRESS)
		kfree_skb_reason(skb, SKB_DROP_REASON_NETFILTER_DROP);
	return err;
}

/**
 * rewire_fragment_gather() - a fragment waits for the rest of its packet
 * @ns: the namespace
 * @skb: the fragment, its headers checked
 * @vni: of the virtual network it came from
 * @ifindex: the device it came in by, or REWIRE_IFINDEX_LOCAL
 *
 * Context: RCU read side, bottom halves disabled.
 * Return: true: @skb is the whole packet now, or a fragment that nothing can be made
 * of. False: it is consumed.
 */
bool rewire_fragment_gather(struct rewire_net *ns, struct sk_buff *skb, u32 vni,
			    int ifindex)
{
	struct rewire_share *share = &ns->shares[skb->protocol == htons(ETH_P_IP)];
	u32 user = rewire_fragment_user(vni, ifindex);
	u32 who = jhash_1word(user, ns->secret), charge;
	u8 type = skb->pkt_type;
	int err;

	if (ifindex != REWIRE_IFINDEX_LOCAL) {
		skb_orphan(skb);
		memset(skb->cb, 0, sizeof(skb->cb));
	}
	if (!rewire_fragment_take(ns, skb, who)) {
		this_cpu_inc(ns->stats->received);
		rewire_drop(ns, skb, REWIRE_REASON_DROP_FRAGMENT_SHARE);
		return false;
	}
	charge = *rewire_fragment_charge(skb);
	/*
	 * When the time is over, the kernel would tell the sender by the host's routes,
	 * which know no virtual networks; but not the sender of others' packets.
	 */
	skb->pkt_type = PACKET_OTHERHOST;
	err = rewire_fragment_queue(ns->net, skb, user);
	if (!err) {
		rewire_fragment_give(share, skb, who);
		skb->pkt_type = type;
		skb->ignore_df = 1;
		skb_clear_hash(skb);
		return true;
	}
	if (err != -EINPROGRESS) {
		rewire_share_give(share, who, rewire_share_turn(charge),
				  rewire_share_bytes(charge));
		this_cpu_inc(ns->stats->received);
		this_cpu_inc(ns->stats->reason[REWIRE_REASON_DROP_FRAGMENT]);
	}
	return false;
}

/* What the IP layer would have noted on the way in. */
static void rewire_fragment_prepare(struct sk_buff *skb)
{
	const struct iphdr *ip = ip_hdr(skb);
	struct inet_skb_parm parm = {
		.flags = IPCB(skb)->flags & IPSKB_FRAG_PMTU,
		.frag_max_size = IPCB(skb)->frag_max_size,
		.opt.optlen = ip->ihl * 4 - sizeof(*ip),
	};

	*IPCB(skb) = parm;
}

/* A super-packet whose segments do not fit: each of them is split. */
static int rewire_fragment_segments(struct net *net, struct sk_buff *skb,
				    int (*output)(struct net *net, struct sock *sk,
						  struct sk_buff *skb))
{
	struct sk_buff *segments, *next;
	int err = 0, ret;

	segments = skb_gso_segment(skb, 0);
	if (IS_ERR_OR_NULL(segments)) {
		kfree_skb(skb);
		return -ENOMEM;
	}
	consume_skb(skb);
	skb_list_walk_safe(segments, segments, next) {
		skb_mark_not_on_list(segments);
		ret = ip_do_fragment(net, NULL, segments, output);
		err = err ?: ret;
	}
	return err;
}

/**
 * rewire_fragment_send() - split a packet, and send the fragments
 * @net: the network namespace
 * @skb: the packet, with a reference to its route; consumed
 * @output: sends a fragment, which has the route
 *
 * Context: RCU read side, bottom halves disabled.
 * Return: 0, or errno: not all of it was sent.
 */
int rewire_fragment_send(struct net *net, struct sk_buff *skb,
			 int (*output)(struct net *net, struct sock *sk,
				       struct sk_buff *skb))
{
	int err;

	skb_orphan(skb);
	/* The kernel would finish any checksum as if it were the Internet's, SCTP's too. */
	if (skb->ip_summed == CHECKSUM_PARTIAL && !skb_is_gso(skb)) {
		err = skb_csum_hwoffload_help(skb, 0);
		if (err) {
			kfree_skb(skb);
			return err;
		}
	}
	if (skb->protocol == htons(ETH_P_IPV6))
		return ip6_fragment(net, NULL, skb, output);
	rewire_fragment_prepare(skb);
	if (skb_is_gso(skb))
		return rewire_fragment_segments(net, skb, output);
	return ip_do_fragment(net, NULL, skb, output);
}

/* The first device is about to be attached. Return: 0, or -ENOMEM. */
int rewire_fragment_init(struct rewire_net *ns)
{
	struct rewire_share *shares;

	lockdep_assert_held(&ns->lock);
	if (ns->shares)
		return 0;
	shares = kvcalloc(2, sizeof(*shares), GFP_KERNEL_ACCOUNT);
	if (!shares)
		return -ENOMEM;
	rewire_share_init(&shares[0]);
	rewire_share_init(&shares[1]);
	ns->shares = shares;
	return 0;
}

/* No packets come any more. */
void rewire_fragment_exit(struct rewire_net *ns)
{
	kvfree(ns->shares);
}

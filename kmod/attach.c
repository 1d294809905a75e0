// SPDX-License-Identifier: GPL-2.0
/*
 * Attaches: a device's ingress hook, or the host's own output hooks.
 *
 * A device is attached under RTNL, so it cannot go away meanwhile, and is
 * detached at the latest when it is unregistered. By then it delivers no packets
 * any more, so the purge of what it has left behind is complete.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/inetdevice.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/netfilter_netdev.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/ipv6.h>
#include <net/route.h>

#include "attach.h"
#include "batch.h"
#include "flow.h"
#include "fragment.h"
#include "hold.h"
#include "event.h"
#include "neighbour.h"
#include "netlink.h"
#include "packet.h"
#include "tunnel.h"

/* No virtual network: identifiers are up to REWIRE_VNI_MAX. */
#define REWIRE_VNI_NONE		U32_MAX

/* After defragmentation and the raw table, before connection tracking. */
#define REWIRE_PRIORITY_LOCAL	(NF_IP_PRI_CONNTRACK - 50)

/* A packet that came through a tunnel is of the virtual network that the tunnel says. */
static unsigned int rewire_attach_tunnelled(const struct rewire_attach *attach,
					    struct sk_buff *skb)
{
	u32 vni;

	if (rewire_tunnel_vni(skb, &vni))
		return rewire_packet_handle(attach->ns, skb, vni, attach->ifindex);
	if (skb->protocol != htons(ETH_P_IP) && skb->protocol != htons(ETH_P_IPV6))
		return NF_ACCEPT;
	this_cpu_inc(attach->ns->stats->received);
	rewire_drop(attach->ns, skb, REWIRE_REASON_DROP_TUNNEL);
	return NF_STOLEN;
}

/*
 * A VLAN's packets belong to the device on top. A tag of no VLAN, but a priority, makes
 * no difference to the host's stack (IEEE 802.1Q, 6.9), so it makes none here.
 */
static bool rewire_attach_is_tagged(struct sk_buff *skb)
{
	if (likely(!skb_vlan_tag_present(skb)))
		return false;
	if (skb_vlan_tag_get_id(skb) || eth_type_vlan(skb->protocol))
		return true;
	__vlan_hwaccel_clear_tag(skb);
	return false;
}

/* Whether it is IP for one host, and not for a group or everybody. */
static bool rewire_attach_is_for_one(struct sk_buff *skb)
{
	const struct iphdr *ip;
	unsigned int type;

	switch (skb->protocol) {
	case htons(ETH_P_IP):
		if (!pskb_may_pull(skb, sizeof(*ip)))
			return false;
		ip = (const struct iphdr *)skb->data;
		type = inet_addr_type_dev_table(dev_net(skb->dev), skb->dev, ip->daddr);
		return type != RTN_BROADCAST && type != RTN_MULTICAST;
	case htons(ETH_P_IPV6):
		return pskb_may_pull(skb, sizeof(struct ipv6hdr)) &&
		       !ipv6_addr_is_multicast(&((const struct ipv6hdr *)skb->data)->daddr);
	default:
		return false;
	}
}

/*
 * Frames for others, for groups and for everybody are none of our business. But in one for
 * everybody the host's stack takes what is for an address of its own, past all rules, where
 * RFC 1122, 3.3.6, would have it drop that. The port of a bridge only carries it on.
 */
static unsigned int rewire_attach_broadcast(const struct rewire_attach *attach,
					    struct sk_buff *skb)
{
	if (skb->pkt_type == PACKET_OTHERHOST || rcu_access_pointer(skb->dev->rx_handler) ||
	    !rewire_attach_is_for_one(skb))
		return NF_ACCEPT;
	this_cpu_inc(attach->ns->stats->received);
	rewire_drop(attach->ns, skb, REWIRE_REASON_DROP_BROADCAST);
	return NF_STOLEN;
}

static unsigned int rewire_hook_ingress(void *priv, struct sk_buff *skb,
					const struct nf_hook_state *state)
{
	struct rewire_attach *attach = priv;

	if (rewire_attach_is_tagged(skb))
		return NF_ACCEPT;
	if (READ_ONCE(attach->ns->address_count) && rewire_neighbour_answer(attach, skb))
		return NF_STOLEN;
	if (skb->pkt_type != PACKET_HOST)
		return rewire_attach_broadcast(attach, skb);
	rewire_fragment_clear(skb);
	if (attach->tunnel)
		return rewire_attach_tunnelled(attach, skb);
	return rewire_packet_receive(attach->ns, skb, attach->vni, attach->ifindex);
}

static unsigned int rewire_hook_output(void *priv, struct sk_buff *skb,
				       const struct nf_hook_state *state)
{
	const struct rewire_attach *attach = priv;

	unsigned int verdict;

	if (unlikely(this_cpu_read(rewire_let_by) == skb)) {
		this_cpu_write(rewire_let_by, NULL);
		return NF_ACCEPT;
	}
	local_bh_disable();
	verdict = rewire_packet_handle(attach->ns, skb, attach->vni,
				       REWIRE_IFINDEX_LOCAL);
	local_bh_enable();
	return verdict;
}

static unsigned int rewire_attach_hooks(struct rewire_attach *attach)
{
	unsigned int i, n = attach->dev ? 1 : 2;

	for (i = 0; i < n; i++)
		attach->hook[i].priv = attach;
	if (attach->dev) {
		attach->hook[0].hook = rewire_hook_ingress;
		attach->hook[0].pf = NFPROTO_NETDEV;
		attach->hook[0].hooknum = NF_NETDEV_INGRESS;
		attach->hook[0].dev = attach->dev;
		return n;
	}
	attach->hook[0].hook = rewire_hook_output;
	attach->hook[0].pf = NFPROTO_IPV4;
	attach->hook[0].hooknum = NF_INET_LOCAL_OUT;
	attach->hook[0].priority = REWIRE_PRIORITY_LOCAL;
	attach->hook[1] = attach->hook[0];
	attach->hook[1].pf = NFPROTO_IPV6;
	return n;
}

static int rewire_attach_fill(struct sk_buff *skb, const void *object)
{
	const struct rewire_attach *attach = object;

	if (attach->tunnel ? nla_put_flag(skb, REWIRE_A_ATTACH_TUNNEL) :
			     nla_put_u32(skb, REWIRE_A_ATTACH_VNI, attach->vni))
		return -EMSGSIZE;
	if (!attach->dev)
		return nla_put_flag(skb, REWIRE_A_ATTACH_LOCAL);
	if (nla_put_u32(skb, REWIRE_A_ATTACH_IFINDEX, attach->ifindex) ||
	    nla_put_string(skb, REWIRE_A_ATTACH_IFNAME, attach->dev->name))
		return -EMSGSIZE;
	return 0;
}

/* Tell who watches. */
static void rewire_attach_tell(struct rewire_net *ns, const struct rewire_attach *attach,
			       enum rewire_config_change change)
{
	rewire_event_config(ns, REWIRE_CMD_ATTACH_NTF, change, rewire_attach_fill, attach);
}

/* VNI: NULL for the one that the packets' tunnels say. */
static int rewire_attach_new(struct rewire_net *ns, struct net_device *dev, const u32 *vni)
{
	struct rewire_attach *attach;
	int err;

	err = rewire_fragment_init(ns);
	if (err)
		return err;
	attach = kzalloc(sizeof(*attach), GFP_KERNEL_ACCOUNT);
	if (!attach)
		return -ENOMEM;
	attach->ns = ns;
	attach->dev = dev;
	attach->ifindex = dev ? dev->ifindex : REWIRE_IFINDEX_LOCAL;
	attach->vni = vni ? *vni : REWIRE_VNI_NONE;
	attach->tunnel = !vni;

	err = nf_register_net_hooks(ns->net, attach->hook, rewire_attach_hooks(attach));
	if (err) {
		kfree_rcu(attach, rcu);	/* the first of two hooks may have seen packets */
		return err;
	}
	if (dev) {
		dev_disable_lro(dev);	/* merged packets could not be split again */
		dev_hold(dev);
	} else {
		rcu_assign_pointer(ns->local, attach);
	}
	ns->generation++;
	rewire_attach_insert(ns, attach);
	percpu_counter_inc(&rewire_objects);
	rewire_attach_tell(ns, attach, REWIRE_CONFIG_CHANGE_NEW);
	return 0;
}

static void rewire_attach_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct rewire_attach, rcu));
	percpu_counter_dec(&rewire_objects);
}

/* Leave the device; its packets may still be under way on other CPUs. */
static void rewire_attach_unhook(struct rewire_attach *attach)
{
	struct rewire_net *ns = attach->ns;

	lockdep_assert_held(&ns->lock);
	rewire_attach_tell(ns, attach, REWIRE_CONFIG_CHANGE_DELETE);
	rewire_attach_remove(ns, attach);
	ns->generation++;
	if (!attach->dev)
		RCU_INIT_POINTER(ns->local, NULL);
	nf_unregister_net_hooks(ns->net, attach->hook, attach->dev ? 1 : 2);
}

/* Wait until none of its packets is under way, and none is in a batch. */
static void rewire_attach_wait(void)
{
	synchronize_net();
	rewire_batch_wait();
}

/* None is under way any more: end what the device has left behind. */
static void rewire_attach_purge(struct rewire_attach *attach)
{
	rewire_hold_detach(attach->ns, attach->ifindex);
	rewire_flow_detach(attach->ns, attach);
	if (attach->dev)
		dev_put(attach->dev);
	call_rcu(&attach->rcu, rewire_attach_free_rcu);
}

static int rewire_attach_device_event(struct notifier_block *block,
				      unsigned long event, void *data)
{
	struct net_device *dev = netdev_notifier_info_to_dev(data);
	struct rewire_net *ns = rewire_net(dev_net(dev));
	struct rewire_attach *attach;

	if (event != NETDEV_UNREGISTER)
		return NOTIFY_DONE;
	mutex_lock(&ns->lock);
	attach = rewire_attach_find(ns, dev->ifindex);
	if (attach) {
		rewire_attach_unhook(attach);
		rewire_attach_wait();
		rewire_attach_purge(attach);
	}
	mutex_unlock(&ns->lock);
	return NOTIFY_DONE;
}

static struct notifier_block rewire_attach_notifier = {
	.notifier_call = rewire_attach_device_event,
};

int rewire_attach_notifier_register(void)
{
	return register_netdevice_notifier(&rewire_attach_notifier);
}

void rewire_attach_notifier_unregister(void)
{
	unregister_netdevice_notifier(&rewire_attach_notifier);
}

/* The namespace ends, or the module is unloaded. */
void rewire_attach_exit(struct rewire_net *ns)
{
	struct rewire_attach *attach, *next;
	LIST_HEAD(gone);

	rtnl_lock();
	mutex_lock(&ns->lock);
	list_for_each_entry_safe(attach, next, &ns->attaches, list) {
		rewire_attach_unhook(attach);
		list_add(&attach->gone, &gone);
	}
	if (!list_empty(&gone))
		rewire_attach_wait();
	list_for_each_entry_safe(attach, next, &gone, gone)
		rewire_attach_purge(attach);
	mutex_unlock(&ns->lock);
	rtnl_unlock();
}

/* The device that a request is about; 0: the host itself; negative: errno. */
static int rewire_attach_key(struct genl_info *info)
{
	bool local = info->attrs[REWIRE_A_ATTACH_LOCAL];

	if (local == !!info->attrs[REWIRE_A_ATTACH_IFINDEX]) {
		GENL_SET_ERR_MSG(info, "Either a device or local has to be given");
		return -EINVAL;
	}
	if (local)
		return REWIRE_IFINDEX_LOCAL;
	if (nla_get_u32(info->attrs[REWIRE_A_ATTACH_IFINDEX]) > INT_MAX) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[REWIRE_A_ATTACH_IFINDEX],
				    "There is no such device");
		return -ENODEV;
	}
	return nla_get_u32(info->attrs[REWIRE_A_ATTACH_IFINDEX]);
}

int rewire_nl_attach_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	bool tunnel = info->attrs[REWIRE_A_ATTACH_TUNNEL];
	int ifindex = rewire_attach_key(info), err;
	struct net_device *dev = NULL;
	u32 vni = 0;

	if (ifindex < 0)
		return ifindex;
	if (!tunnel == !info->attrs[REWIRE_A_ATTACH_VNI]) {
		GENL_SET_ERR_MSG(info, "Either a virtual network or tunnel has to be given");
		return -EINVAL;
	}
	if (tunnel && ifindex == REWIRE_IFINDEX_LOCAL) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[REWIRE_A_ATTACH_TUNNEL],
				    "The host's own packets come through no tunnel");
		return -EINVAL;
	}
	if (!tunnel)
		vni = nla_get_u32(info->attrs[REWIRE_A_ATTACH_VNI]);

	rtnl_lock();
	mutex_lock(&ns->lock);
	if (ifindex != REWIRE_IFINDEX_LOCAL) {
		dev = __dev_get_by_index(ns->net, ifindex);
		if (!dev) {
			NL_SET_ERR_MSG_ATTR(info->extack,
					    info->attrs[REWIRE_A_ATTACH_IFINDEX],
					    "There is no such device");
			err = -ENODEV;
			goto unlock;
		}
	}
	if (rewire_attach_find(ns, ifindex)) {
		GENL_SET_ERR_MSG(info, "It is attached already");
		err = -EBUSY;
		goto unlock;
	}
	err = rewire_attach_new(ns, dev, tunnel ? NULL : &vni);
unlock:
	mutex_unlock(&ns->lock);
	rtnl_unlock();
	if (!err)
		rewire_flow_table_reserve(ns);
	return err;
}

int rewire_nl_attach_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	int ifindex = rewire_attach_key(info), err = 0;
	struct rewire_attach *attach;

	if (ifindex < 0)
		return ifindex;
	rtnl_lock();
	mutex_lock(&ns->lock);
	attach = rewire_attach_find(ns, ifindex);
	if (attach) {
		rewire_attach_unhook(attach);
		rewire_attach_wait();
		rewire_attach_purge(attach);
	} else {
		GENL_SET_ERR_MSG(info, "It is not attached");
		err = -ENOENT;
	}
	mutex_unlock(&ns->lock);
	rtnl_unlock();
	return err;
}

int rewire_nl_attach_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_attach *attach;
	struct sk_buff *reply;
	void *header;
	int ifindex = rewire_attach_key(info), err;

	if (ifindex < 0)
		return ifindex;
	reply = rewire_reply_new(info, NLMSG_DEFAULT_SIZE, &header);
	if (!reply)
		return -ENOMEM;
	mutex_lock(&ns->lock);
	attach = rewire_attach_find(ns, ifindex);
	err = attach ? rewire_attach_fill(reply, attach) : -ENOENT;
	mutex_unlock(&ns->lock);
	if (err) {
		if (err == -ENOENT)
			GENL_SET_ERR_MSG(info, "It is not attached");
		nlmsg_free(reply);
		return err;
	}
	return rewire_reply_send(info, reply, header);
}

int rewire_nl_attach_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct rewire_net *ns = rewire_net(sock_net(skb->sk));
	struct rewire_attach *attach;
	long i = 0;

	mutex_lock(&ns->lock);
	cb->seq = ns->generation;
	list_for_each_entry(attach, &ns->attaches, list) {
		void *header;

		if (i++ < cb->args[0])
			continue;
		header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				     &rewire_family, NLM_F_MULTI, REWIRE_CMD_ATTACH_GET);
		if (!header)
			break;
		genl_dump_check_consistent(cb, header);
		if (rewire_attach_fill(skb, attach)) {
			genlmsg_cancel(skb, header);
			break;
		}
		genlmsg_end(skb, header);
		cb->args[0] = i;
	}
	mutex_unlock(&ns->lock);
	return skb->len;
}

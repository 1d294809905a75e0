// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses inside of virtual networks that the module answers for. They are found
 * by their prefix: a lookup tries each length that there is, the longest first.
 */
#include <linux/hash.h>
#include <linux/jhash.h>
#include <linux/slab.h>

#include "neighbour.h"
#include "netlink.h"

struct rewire_address {
	struct hlist_node node;		/* of its bucket, RCU */
	struct in6_addr address;	/* IPv4 is IPv4-mapped */
	u32 vni;
	u8 len;				/* bits, 96 more than those of an IPv4 prefix */
	atomic64_t answers;
	struct rcu_head rcu;
};

static u32 rewire_address_bucket(u32 vni, const struct in6_addr *address)
{
	return hash_32(jhash(address, sizeof(*address), vni), REWIRE_ADDRESS_HASH_BITS);
}

/* Context: RCU read side, or the namespace's lock. */
static struct rewire_address *rewire_address_find(struct rewire_net *ns, u32 vni,
						  const struct in6_addr *address, u8 len)
{
	struct hlist_head *head = &ns->addresses[rewire_address_bucket(vni, address)];
	struct rewire_address *there;

	hlist_for_each_entry_rcu(there, head, node, lockdep_is_held(&ns->lock)) {
		if (there->vni == vni && there->len == len &&
		    ipv6_addr_equal(&there->address, address))
			return there;
	}
	return NULL;
}

/* Context: RCU read side. Return: the longest prefix that has an address, or NULL. */
struct rewire_address *rewire_address_lookup(struct rewire_net *ns, u32 vni,
					     const struct in6_addr *address)
{
	struct rewire_address *there;
	const int least = ipv6_addr_v4mapped(address) ? 96 : 0;
	struct in6_addr prefix;
	int len;

	for (len = 128; len >= least; len--) {
		if (!READ_ONCE(ns->address_lens[len]))
			continue;
		ipv6_addr_prefix(&prefix, address, len);
		there = rewire_address_find(ns, vni, &prefix, len);
		if (there)
			return there;
	}
	return NULL;
}

void rewire_address_answered(struct rewire_address *address)
{
	atomic64_inc(&address->answers);
}

/* Whether it is one address, and not all of a prefix. */
bool rewire_address_is_whole(const struct rewire_address *address)
{
	return address->len == 128;
}

/* Whether no single host has it. */
static bool rewire_address_is_nobodys(const struct in6_addr *address, u8 len)
{
	__be32 ipv4 = address->s6_addr32[3];

	if (!ipv6_addr_v4mapped(address))
		return ipv6_addr_is_multicast(address) || ipv6_addr_loopback(address) ||
		       (len == 128 && ipv6_addr_any(address));
	return ipv4_is_multicast(ipv4) || ipv4_is_lbcast(ipv4) || ipv4_is_loopback(ipv4) ||
	       (len == 128 && ipv4_is_zeronet(ipv4));
}

static int rewire_address_check(const struct nlattr *attribute, const struct in6_addr *address,
				u8 len, struct netlink_ext_ack *extack)
{
	struct in6_addr prefix;

	ipv6_addr_prefix(&prefix, address, len);
	if (!ipv6_addr_equal(&prefix, address)) {
		NL_SET_ERR_MSG_ATTR(extack, attribute,
				    "The address has bits beyond the prefix length");
		return -EINVAL;
	}
	if (rewire_address_is_nobodys(address, len)) {
		NL_SET_ERR_MSG_ATTR(extack, attribute,
				    "Nobody has this address in a network");
		return -EINVAL;
	}
	return 0;
}

/* The key of an address in a request. */
static int rewire_get_prefix(struct genl_info *info, struct in6_addr *address, u8 *len,
			     u32 *vni)
{
	struct nlattr *attribute = info->attrs[REWIRE_A_ADDRESS_ADDRESS];
	struct nlattr *bits = info->attrs[REWIRE_A_ADDRESS_LEN];
	u8 base;
	int err;

	if (!attribute || !info->attrs[REWIRE_A_ADDRESS_VNI]) {
		GENL_SET_ERR_MSG(info, "A virtual network and an address have to be given");
		return -EINVAL;
	}
	err = rewire_get_address(attribute, address, info->extack);
	if (err)
		return err;
	base = ipv6_addr_v4mapped(address) ? 96 : 0;
	*len = bits ? nla_get_u8(bits) : 128 - base;
	if (*len > 128 - base) {
		NL_SET_ERR_MSG_ATTR(info->extack, bits,
				    "The prefix is longer than an address");
		return -EINVAL;
	}
	*len += base;
	*vni = nla_get_u32(info->attrs[REWIRE_A_ADDRESS_VNI]);
	return rewire_address_check(attribute, address, *len, info->extack);
}

static int rewire_address_new(struct rewire_net *ns, u32 vni, const struct in6_addr *address,
			      u8 len)
{
	struct rewire_address *new;

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->address = *address;
	new->vni = vni;
	new->len = len;
	percpu_counter_inc(&rewire_objects);
	hlist_add_head_rcu(&new->node, &ns->addresses[rewire_address_bucket(vni, address)]);
	WRITE_ONCE(ns->address_lens[len], ns->address_lens[len] + 1);
	WRITE_ONCE(ns->address_count, ns->address_count + 1);
	ns->generation++;
	return 0;
}

static void rewire_address_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct rewire_address, rcu));
	percpu_counter_dec(&rewire_objects);
}

static void rewire_address_remove(struct rewire_net *ns, struct rewire_address *address)
{
	lockdep_assert_held(&ns->lock);
	hlist_del_rcu(&address->node);
	WRITE_ONCE(ns->address_lens[address->len], ns->address_lens[address->len] - 1);
	WRITE_ONCE(ns->address_count, ns->address_count - 1);
	ns->generation++;
	call_rcu(&address->rcu, rewire_address_free_rcu);
}

int rewire_nl_address_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct in6_addr address;
	u32 vni;
	u8 len;
	int err = rewire_get_prefix(info, &address, &len, &vni);

	if (err)
		return err;
	mutex_lock(&ns->lock);
	if (rewire_address_find(ns, vni, &address, len)) {
		GENL_SET_ERR_MSG(info, "The virtual network has this address already");
		err = -EEXIST;
	} else if (ns->address_count >= REWIRE_ADDRESSES_MAX) {
		GENL_SET_ERR_MSG(info, "There are as many addresses as there may be");
		err = -ENOSPC;
	} else {
		err = rewire_address_new(ns, vni, &address, len);
	}
	mutex_unlock(&ns->lock);
	return err;
}

int rewire_nl_address_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_address *there;
	struct in6_addr address;
	u32 vni;
	u8 len;
	int err = rewire_get_prefix(info, &address, &len, &vni);

	if (err)
		return err;
	mutex_lock(&ns->lock);
	there = rewire_address_find(ns, vni, &address, len);
	if (there) {
		rewire_address_remove(ns, there);
	} else {
		GENL_SET_ERR_MSG(info, "The virtual network does not have this address");
		err = -ENOENT;
	}
	mutex_unlock(&ns->lock);
	return err;
}

static bool rewire_address_fill(struct sk_buff *skb, const struct rewire_address *address)
{
	u8 base = ipv6_addr_v4mapped(&address->address) ? 96 : 0;

	return nla_put_u32(skb, REWIRE_A_ADDRESS_VNI, address->vni) ||
	       rewire_put_address(skb, REWIRE_A_ADDRESS_ADDRESS, &address->address) ||
	       nla_put_u8(skb, REWIRE_A_ADDRESS_LEN, address->len - base) ||
	       nla_put_u64_64bit(skb, REWIRE_A_ADDRESS_ANSWERS,
				 atomic64_read(&address->answers), REWIRE_A_ADDRESS_PAD);
}

int rewire_nl_address_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_address *there;
	struct in6_addr address;
	struct sk_buff *reply;
	void *header;
	u32 vni;
	u8 len;
	int err = rewire_get_prefix(info, &address, &len, &vni);

	if (err)
		return err;
	reply = rewire_reply_new(info, NLMSG_DEFAULT_SIZE, &header);
	if (!reply)
		return -ENOMEM;
	mutex_lock(&ns->lock);
	there = rewire_address_find(ns, vni, &address, len);
	if (!there)
		err = -ENOENT;
	else if (rewire_address_fill(reply, there))
		err = -EMSGSIZE;
	mutex_unlock(&ns->lock);
	if (!err)
		return rewire_reply_send(info, reply, header);
	if (err == -ENOENT)
		GENL_SET_ERR_MSG(info, "The virtual network does not have this address");
	nlmsg_free(reply);
	return err;
}

static int rewire_address_dump_one(struct sk_buff *skb, struct netlink_callback *cb,
				   const struct rewire_address *address)
{
	void *header;

	header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			     &rewire_family, NLM_F_MULTI, REWIRE_CMD_ADDRESS_GET);
	if (!header)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, header);
	if (rewire_address_fill(skb, address)) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

int rewire_nl_address_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct rewire_net *ns = rewire_net(sock_net(skb->sk));
	struct rewire_address *address;
	long i;

	mutex_lock(&ns->lock);
	cb->seq = ns->generation;
	for (; cb->args[0] < ARRAY_SIZE(ns->addresses); cb->args[0]++, cb->args[1] = 0) {
		i = 0;
		hlist_for_each_entry(address, &ns->addresses[cb->args[0]], node) {
			if (i++ < cb->args[1])
				continue;
			if (rewire_address_dump_one(skb, cb, address))
				goto unlock;
			cb->args[1] = i;
		}
	}
unlock:
	mutex_unlock(&ns->lock);
	return skb->len;
}

/* No packets come any more. */
void rewire_address_exit(struct rewire_net *ns)
{
	struct rewire_address *address;
	struct hlist_node *next;
	int i;

	mutex_lock(&ns->lock);
	for (i = 0; i < ARRAY_SIZE(ns->addresses); i++) {
		hlist_for_each_entry_safe(address, next, &ns->addresses[i], node)
			rewire_address_remove(ns, address);
	}
	mutex_unlock(&ns->lock);
}

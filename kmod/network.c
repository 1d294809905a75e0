// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual networks that the process which listens for punts decides for. What it
 * installs has no other: a mistake in a policy of one tenant cannot reach another. It
 * binds the process that has said so, by all its sockets, and nobody else.
 */
#include <linux/bsearch.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sort.h>

#include "extension.h"
#include "netlink.h"
#include "network.h"

static int rewire_network_compare(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return (x > y) - (x < y);
}

static void rewire_networks_free(struct rewire_networks *networks)
{
	put_pid(networks->owner);
	kvfree(networks);
	percpu_counter_dec(&rewire_objects);
}

static void rewire_networks_free_rcu(struct rcu_head *rcu)
{
	rewire_networks_free(container_of(rcu, struct rewire_networks, rcu));
}

/* One that nobody else has seen, or NULL. */
void rewire_networks_discard(struct rewire_networks *networks)
{
	if (networks)
		rewire_networks_free(networks);
}

static struct rewire_networks *rewire_networks_alloc(unsigned int count)
{
	struct rewire_networks *networks;

	networks = kvmalloc(struct_size(networks, vni, count), GFP_KERNEL_ACCOUNT);
	if (!networks)
		return NULL;
	networks->owner = get_pid(task_tgid(current));
	networks->count = 0;
	percpu_counter_inc(&rewire_objects);
	return networks;
}

static unsigned int rewire_networks_given(struct genl_info *info)
{
	const struct nlattr *attribute;
	unsigned int n = 0;
	int rest;

	nlmsg_for_each_attr(attribute, info->nlhdr, GENL_HDRLEN, rest)
		n += nla_type(attribute) == REWIRE_A_PUNT_BATCH_NETWORK;
	return n;
}

static bool rewire_networks_repeat(const struct rewire_networks *networks)
{
	unsigned int i;

	for (i = 1; i < networks->count; i++) {
		if (networks->vni[i] == networks->vni[i - 1])
			return true;
	}
	return false;
}

/**
 * rewire_get_networks() - the set that a request gives
 * @info: the request
 *
 * Return: for the process that asks; NULL, none was given; -E2BIG, -EINVAL, -ENOMEM.
 */
struct rewire_networks *rewire_get_networks(struct genl_info *info)
{
	unsigned int n = rewire_networks_given(info);
	struct rewire_networks *networks;
	const struct nlattr *attribute;
	int rest;

	if (!n)
		return NULL;
	if (n > REWIRE_NETWORKS_MAX) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[REWIRE_A_PUNT_BATCH_NETWORK],
				    "A process decides for 131072 virtual networks at most");
		return ERR_PTR(-E2BIG);
	}
	networks = rewire_networks_alloc(n);
	if (!networks)
		return ERR_PTR(-ENOMEM);
	nlmsg_for_each_attr(attribute, info->nlhdr, GENL_HDRLEN, rest) {
		if (nla_type(attribute) == REWIRE_A_PUNT_BATCH_NETWORK)
			networks->vni[networks->count++] = nla_get_u32(attribute);
	}
	sort(networks->vni, n, sizeof(u32), rewire_network_compare, NULL);
	if (rewire_networks_repeat(networks)) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[REWIRE_A_PUNT_BATCH_NETWORK],
				    "A virtual network is given twice");
		rewire_networks_discard(networks);
		return ERR_PTR(-EINVAL);
	}
	return networks;
}

/* NULL: there is no limit any more. */
void rewire_networks_replace(struct rewire_net *ns, struct rewire_networks *networks)
{
	struct rewire_networks *old;

	old = rcu_replace_pointer(ns->networks, networks,
				  lockdep_is_held(&ns->handlers_lock));
	if (old)
		call_rcu(&old->rcu, rewire_networks_free_rcu);
}

static bool rewire_networks_find(const struct rewire_networks *networks, u32 vni)
{
	return bsearch(&vni, networks->vni, networks->count, sizeof(u32),
		       rewire_network_compare);
}

/* Whether who listens decides for a virtual network. Context: RCU read side. */
bool rewire_networks_have(struct rewire_net *ns, u32 vni)
{
	const struct rewire_networks *networks = rcu_dereference(ns->networks);

	return !networks || rewire_networks_find(networks, vni);
}

/* Drop and pass entries, and copies, have one key that is their own. */
static bool rewire_networks_allow(const struct rewire_networks *networks,
				  const struct rewire_flow_spec *spec)
{
	const struct rewire_flow_extension *extension = spec->extension;
	const struct rewire_key *key = spec->key;
	unsigned int i;

	if (!rewire_networks_find(networks, rewire_key_vni(&key[REWIRE_ORIG])))
		return false;
	if (spec->action == REWIRE_FLOW_ACTION_TRANSLATE &&
	    !rewire_networks_find(networks, rewire_key_vni(&key[REWIRE_REPLY])))
		return false;
	for (i = 0; extension && i < extension->copies; i++) {
		key = &extension->copy[i]->tuple[REWIRE_REPLY].key;
		if (!rewire_networks_find(networks, rewire_key_vni(key)))
			return false;
	}
	return true;
}

/**
 * rewire_networks_check() - whether this process may install what it asks for
 * @ns: the namespace
 * @spec: what it asks for
 * @extack: a sentence, on failure
 *
 * Context: RCU read side, so that the owner's address is not another process's.
 * Return: 0 or -EPERM, which is counted.
 */
int rewire_networks_check(struct rewire_net *ns, const struct rewire_flow_spec *spec,
			  struct netlink_ext_ack *extack)
{
	const struct rewire_networks *networks = rcu_dereference(ns->networks);

	if (!networks || networks->owner != task_tgid(current) ||
	    rewire_networks_allow(networks, spec))
		return 0;
	this_cpu_inc(ns->stats->verdicts_forbidden);
	NL_SET_ERR_MSG(extack, "This process does not decide for the virtual network");
	return -EPERM;
}

int rewire_nl_network_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_networks *networks = rewire_get_networks(info);
	struct rewire_net *ns = rewire_info_net(info);
	bool owner;

	if (IS_ERR(networks))
		return PTR_ERR(networks);
	spin_lock_bh(&ns->handlers_lock);
	owner = ns->handlers_owner == task_tgid(current);
	if (owner)
		rewire_networks_replace(ns, networks);
	spin_unlock_bh(&ns->handlers_lock);
	if (owner)
		return 0;
	GENL_SET_ERR_MSG(info, "No socket of this process listens for punts");
	rewire_networks_discard(networks);
	return -ESRCH;
}

int rewire_nl_network_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct sk_buff *reply;
	void *header;
	bool has;
	u32 vni;
	int err = rewire_get_number(info, REWIRE_A_PUNT_BATCH_NETWORK, &vni);

	if (err)
		return err;
	rcu_read_lock();
	has = rewire_networks_have(ns, vni);
	rcu_read_unlock();
	if (!has) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[REWIRE_A_PUNT_BATCH_NETWORK],
				    "Who listens does not decide for this virtual network");
		return -ENOENT;
	}
	reply = rewire_reply_new(info, NLMSG_DEFAULT_SIZE, &header);
	if (!reply)
		return -ENOMEM;
	if (nla_put_u32(reply, REWIRE_A_PUNT_BATCH_NETWORK, vni)) {
		nlmsg_free(reply);
		return -EMSGSIZE;
	}
	return rewire_reply_send(info, reply, header);
}

/* Go on with those above what was shown, so a set that takes the place of another does no harm. */
static void rewire_networks_fill(struct sk_buff *skb, struct netlink_callback *cb,
				 const struct rewire_networks *networks)
{
	unsigned int i;

	for (i = 0; i < networks->count; i++) {
		if (networks->vni[i] < cb->args[0])
			continue;
		if (nla_put_u32(skb, REWIRE_A_PUNT_BATCH_NETWORK, networks->vni[i]))
			return;
		cb->args[0] = networks->vni[i] + 1;
	}
	cb->args[1] = true;
}

int rewire_nl_network_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct rewire_net *ns = rewire_net(sock_net(skb->sk));
	const struct rewire_networks *networks;
	void *header;

	rcu_read_lock();
	networks = rcu_dereference(ns->networks);
	if (networks && !cb->args[1]) {
		header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				     &rewire_family, NLM_F_MULTI, REWIRE_CMD_NETWORK_GET);
		if (header) {
			rewire_networks_fill(skb, cb, networks);
			genlmsg_end(skb, header);
		}
	}
	rcu_read_unlock();
	return skb->len;
}

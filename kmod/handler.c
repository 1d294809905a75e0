// SPDX-License-Identifier: GPL-2.0
/* Handlers: the daemon's sockets that listen for punts. */
#include <linux/netlink.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "handler.h"
#include "netlink.h"
#include "network.h"
#include "punt.h"

/* Return: sockets that listen. */
unsigned int rewire_handlers_count(struct rewire_net *ns)
{
	struct rewire_handlers *handlers;
	unsigned int count;

	rcu_read_lock();
	handlers = rcu_dereference(ns->handlers);
	count = handlers ? handlers->count : 0;
	rcu_read_unlock();
	return count;
}

/* Whether somebody listens who decides for a virtual network. Context: RCU read side. */
bool rewire_handlers_hear(struct rewire_net *ns, u32 vni)
{
	return rcu_access_pointer(ns->handlers) && rewire_networks_have(ns, vni);
}

static struct rewire_handlers *rewire_handlers_get(struct rewire_net *ns)
{
	return rcu_dereference_protected(ns->handlers,
					 lockdep_is_held(&ns->handlers_lock));
}

static struct rewire_handlers *rewire_handlers_with(const struct rewire_handlers *old,
						    u32 portid)
{
	unsigned int count = old ? old->count : 0;
	struct rewire_handlers *new;

	new = kmalloc(struct_size(new, portid, count + 1), GFP_ATOMIC);
	if (!new)
		return NULL;
	if (old)
		memcpy(new->portid, old->portid, count * sizeof(u32));
	new->portid[count] = portid;
	new->count = count + 1;
	return new;
}

static bool rewire_handlers_have(const struct rewire_handlers *handlers, u32 portid)
{
	unsigned int i;

	for (i = 0; handlers && i < handlers->count; i++) {
		if (handlers->portid[i] == portid)
			return true;
	}
	return false;
}

/* They belong to this process, which decides for the networks given, if any are. */
static void rewire_handlers_own(struct rewire_net *ns, struct rewire_networks *networks)
{
	bool ours = ns->handlers_owner == task_tgid(current);

	lockdep_assert_held(&ns->handlers_lock);
	if (networks || !ours)
		rewire_networks_replace(ns, networks);
	if (ours)
		return;
	WRITE_ONCE(ns->handlers_session, ns->handlers_session + 1);
	put_pid(ns->handlers_owner);
	ns->handlers_owner = get_pid(task_tgid(current));
}

/* The networks are the namespace's then, unless it fails. */
static int rewire_handlers_add(struct rewire_net *ns, u32 portid,
			       struct rewire_networks *networks,
			       struct netlink_ext_ack *extack)
{
	struct rewire_handlers *old = rewire_handlers_get(ns), *new;

	lockdep_assert_held(&ns->handlers_lock);
	/* Who has it now may not be who had it */
	if (rewire_handlers_have(old, portid)) {
		rewire_handlers_own(ns, networks);
		return old->count;
	}
	if (old && ns->handlers_owner != task_tgid(current)) {
		NL_SET_ERR_MSG(extack, "Another process listens in this namespace");
		return -EBUSY;
	}
	if (old && old->count >= REWIRE_HANDLERS_MAX) {
		NL_SET_ERR_MSG(extack, "As many sockets listen as may");
		return -ENOSPC;
	}
	new = rewire_handlers_with(old, portid);
	if (!new)
		return -ENOMEM;
	rewire_handlers_own(ns, networks);
	rcu_assign_pointer(ns->handlers, new);
	if (old)
		kfree_rcu(old, rcu);
	return new->count;
}

/*
 * Remove in place: a reader that misses an entry or sees one twice does no harm.
 * Return: whether others are left.
 */
static bool rewire_handlers_remove(struct rewire_net *ns, u32 portid)
{
	struct rewire_handlers *handlers;
	bool others = false;
	unsigned int i;

	spin_lock_bh(&ns->handlers_lock);
	handlers = rewire_handlers_get(ns);
	for (i = 0; handlers && i < handlers->count; i++) {
		if (handlers->portid[i] != portid)
			continue;
		if (handlers->count == 1) {
			RCU_INIT_POINTER(ns->handlers, NULL);
			WRITE_ONCE(ns->handlers_session, ns->handlers_session + 1);
			put_pid(ns->handlers_owner);
			ns->handlers_owner = NULL;
			rewire_networks_replace(ns, NULL);
			kfree_rcu(handlers, rcu);
		} else {
			WRITE_ONCE(handlers->portid[i],
				   handlers->portid[handlers->count - 1]);
			WRITE_ONCE(handlers->count, handlers->count - 1);
			others = true;
		}
		break;
	}
	spin_unlock_bh(&ns->handlers_lock);
	return others;
}

static int rewire_handlers_socket_event(struct notifier_block *block, unsigned long event,
					void *data)
{
	const struct netlink_notify *notify = data;
	struct rewire_net *ns;

	if (event != NETLINK_URELEASE || notify->protocol != NETLINK_GENERIC)
		return NOTIFY_DONE;
	ns = rewire_net(notify->net);
	if (rewire_handlers_remove(ns, notify->portid))
		rewire_punt_send_again(ns);
	return NOTIFY_DONE;
}

static struct notifier_block rewire_handlers_notifier = {
	.notifier_call = rewire_handlers_socket_event,
};

int rewire_handlers_notifier_register(void)
{
	return netlink_register_notifier(&rewire_handlers_notifier);
}

void rewire_handlers_notifier_unregister(void)
{
	netlink_unregister_notifier(&rewire_handlers_notifier);
}

void rewire_handlers_init(struct rewire_net *ns)
{
	spin_lock_init(&ns->handlers_lock);
}

/* Nothing is held any more. */
void rewire_handlers_exit(struct rewire_net *ns)
{
	struct rewire_handlers *handlers;

	spin_lock_bh(&ns->handlers_lock);
	handlers = rewire_handlers_get(ns);
	RCU_INIT_POINTER(ns->handlers, NULL);
	if (handlers) {
		put_pid(ns->handlers_owner);
		rewire_networks_replace(ns, NULL);
		kfree_rcu(handlers, rcu);
	}
	spin_unlock_bh(&ns->handlers_lock);
}

int rewire_nl_punt_listen_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_networks *networks;
	struct sk_buff *reply;
	void *header;
	bool first;
	int count;

	if (GENL_REQ_ATTR_CHECK(info, REWIRE_A_PUNT_BATCH_VERSION)) {
		GENL_SET_ERR_MSG(info, "The version of the interface has to be given");
		return -EINVAL;
	}
	if (nla_get_u32(info->attrs[REWIRE_A_PUNT_BATCH_VERSION]) !=
	    REWIRE_INTERFACE_VERSION) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[REWIRE_A_PUNT_BATCH_VERSION],
				    "This module speaks version 1 of the interface");
		return -EPROTO;
	}
	reply = rewire_reply_new(info, NLMSG_DEFAULT_SIZE, &header);
	if (!reply)
		return -ENOMEM;
	networks = rewire_get_networks(info);
	if (IS_ERR(networks)) {
		nlmsg_free(reply);
		return PTR_ERR(networks);
	}
	spin_lock_bh(&ns->handlers_lock);
	first = !rewire_handlers_get(ns);
	count = rewire_handlers_add(ns, info->snd_portid, networks, info->extack);
	spin_unlock_bh(&ns->handlers_lock);
	if (count < 0)
		rewire_networks_discard(networks);
	if (count < 0 || nla_put_u32(reply, REWIRE_A_PUNT_BATCH_HANDLERS, count)) {
		nlmsg_free(reply);
		return count < 0 ? count : -EMSGSIZE;
	}
	if (first)
		rewire_punt_send_again(ns);
	return rewire_reply_send(info, reply, header);
}

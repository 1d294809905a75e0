// SPDX-License-Identifier: GPL-2.0
/*
 * Who is attached, by device and by virtual network. A host may have thousands of guests,
 * each with a device, and packets ask; so nothing here walks over all of them but the
 * count. Read under RCU, changed under the namespace's lock.
 */
#include <linux/hash.h>
#include <linux/rculist.h>

#include "attach.h"
#include "namespace.h"

static u32 rewire_attach_hash(u32 number)
{
	return hash_32(number, REWIRE_ATTACH_HASH_BITS);
}

void rewire_attach_insert(struct rewire_net *ns, struct rewire_attach *attach)
{
	lockdep_assert_held(&ns->lock);
	WRITE_ONCE(ns->tunnels, ns->tunnels + attach->tunnel);
	hlist_add_head_rcu(&attach->by_vni, &ns->attach_by_vni[rewire_attach_hash(attach->vni)]);
	hlist_add_head_rcu(&attach->by_ifindex,
			   &ns->attach_by_ifindex[rewire_attach_hash(attach->ifindex)]);
	list_add_tail_rcu(&attach->list, &ns->attaches);
}

void rewire_attach_remove(struct rewire_net *ns, struct rewire_attach *attach)
{
	lockdep_assert_held(&ns->lock);
	list_del_rcu(&attach->list);
	hlist_del_rcu(&attach->by_ifindex);
	hlist_del_rcu(&attach->by_vni);
	WRITE_ONCE(ns->tunnels, ns->tunnels - attach->tunnel);
}

/**
 * rewire_attach_find() - the attach of a device
 * @ns: the namespace
 * @ifindex: the device's number, or REWIRE_IFINDEX_LOCAL
 *
 * Context: RCU read side, or the namespace's lock.
 */
struct rewire_attach *rewire_attach_find(struct rewire_net *ns, int ifindex)
{
	struct rewire_attach *attach;

	hlist_for_each_entry_rcu(attach, &ns->attach_by_ifindex[rewire_attach_hash(ifindex)],
				 by_ifindex, lockdep_is_held(&ns->lock)) {
		if (attach->ifindex == ifindex)
			return attach;
	}
	return NULL;
}

unsigned int rewire_attach_count(struct rewire_net *ns)
{
	struct rewire_attach *attach;
	unsigned int n = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(attach, &ns->attaches, list)
		n++;
	rcu_read_unlock();
	return n;
}

/* Whether any device that is no tunnel, or the host itself, is in this virtual network. */
bool rewire_attach_names_vni(struct rewire_net *ns, u32 vni)
{
	struct rewire_attach *attach;
	bool found = false;

	rcu_read_lock();
	hlist_for_each_entry_rcu(attach, &ns->attach_by_vni[rewire_attach_hash(vni)], by_vni) {
		if (attach->vni == vni) {
			found = true;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

/* Whether packets can come from this virtual network. A tunnel's may be of any. */
bool rewire_attach_has_vni(struct rewire_net *ns, u32 vni)
{
	return READ_ONCE(ns->tunnels) || rewire_attach_names_vni(ns, vni);
}

/**
 * rewire_attach_output() - the device by which packets enter a virtual network
 * @ns: the namespace
 * @vni: the virtual network
 * @several: out: there is a choice, which routing has to make
 *
 * Context: RCU read side.
 * Return: a device number, or 0: there is none.
 */
int rewire_attach_output(struct rewire_net *ns, u32 vni, bool *several)
{
	struct rewire_attach *attach;
	int ifindex = 0;

	*several = false;
	hlist_for_each_entry_rcu(attach, &ns->attach_by_vni[rewire_attach_hash(vni)], by_vni) {
		if (attach->vni != vni || !attach->dev)
			continue;
		if (ifindex) {
			*several = true;
			break;
		}
		ifindex = attach->ifindex;
	}
	return ifindex;
}

/* Context: RCU read side. Return: whether the device is in the virtual network. */
bool rewire_attach_is(struct rewire_net *ns, int ifindex, u32 vni)
{
	const struct rewire_attach *attach = rewire_attach_find(ns, ifindex);

	return attach && attach->vni == vni;
}

/* SPDX-License-Identifier: GPL-2.0 */
/* Attaches: whose packets the module handles. */
#ifndef REWIRE_ATTACH_H
#define REWIRE_ATTACH_H

#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/types.h>

struct rewire_net;

#define REWIRE_ATTACH_HASH_BITS	8

/**
 * struct rewire_attach - a device, or the host itself, in a virtual network
 * @list: of the namespace's attaches, RCU
 * @by_ifindex: of the namespace's attaches by device number, RCU
 * @by_vni: of them by virtual network, RCU
 * @gone: in a list of those that leave together
 * @ns: the namespace
 * @dev: the device, with a reference; NULL for the host's own packets
 * @ifindex: its number, or REWIRE_IFINDEX_LOCAL
 * @vni: virtual network identifier; of a @tunnel, none that there is
 * @tunnel: the virtual network is that of the tunnel that a packet came through
 * @icmp_full: like that of the namespace, of this device alone
 * @answers: bucket of answers about neighbours, see rewire_bucket_next()
 * @hook: of the device, or for IPv4 and IPv6 of the host's output
 * @rcu: for the grace period before it is freed
 */
struct rewire_attach {
	struct list_head list;
	struct hlist_node by_ifindex;
	struct hlist_node by_vni;
	struct list_head gone;
	struct rewire_net *ns;
	struct net_device *dev;
	int ifindex;
	u32 vni;
	bool tunnel;
	atomic64_t icmp_full;
	atomic64_t answers;
	struct nf_hook_ops hook[2];
	struct rcu_head rcu;
};

/* attach_table.c */
void rewire_attach_insert(struct rewire_net *ns, struct rewire_attach *attach);
void rewire_attach_remove(struct rewire_net *ns, struct rewire_attach *attach);
struct rewire_attach *rewire_attach_find(struct rewire_net *ns, int ifindex);
unsigned int rewire_attach_count(struct rewire_net *ns);
bool rewire_attach_names_vni(struct rewire_net *ns, u32 vni);
bool rewire_attach_has_vni(struct rewire_net *ns, u32 vni);
int rewire_attach_output(struct rewire_net *ns, u32 vni, bool *several);
bool rewire_attach_is(struct rewire_net *ns, int ifindex, u32 vni);

void rewire_attach_exit(struct rewire_net *ns);
int rewire_attach_notifier_register(void);
void rewire_attach_notifier_unregister(void);

#endif /* REWIRE_ATTACH_H */

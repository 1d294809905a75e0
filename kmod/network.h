/* SPDX-License-Identifier: GPL-2.0 */
/* The virtual networks that the process which listens for punts decides for. */
#ifndef REWIRE_NETWORK_H
#define REWIRE_NETWORK_H

#include <linux/types.h>

struct genl_info;
struct netlink_ext_ack;
struct pid;
struct rewire_flow_spec;
struct rewire_net;

/* A daemon's 65536, and those of its next configuration. */
#define REWIRE_NETWORKS_MAX	131072U

/**
 * struct rewire_networks - a set of them
 * @rcu: for the grace period before it is freed
 * @owner: the process that is bound to them; holds a reference
 * @count: of @vni
 * @vni: in ascending order
 *
 * A namespace has one at most, and only while somebody listens. Nothing in it changes
 * once it is there: another one takes its place, under handlers_lock.
 */
struct rewire_networks {
	struct rcu_head rcu;
	struct pid *owner;
	unsigned int count;
	u32 vni[];
};

struct rewire_networks *rewire_get_networks(struct genl_info *info);
void rewire_networks_discard(struct rewire_networks *networks);
void rewire_networks_replace(struct rewire_net *ns, struct rewire_networks *networks);
bool rewire_networks_have(struct rewire_net *ns, u32 vni);
int rewire_networks_check(struct rewire_net *ns, const struct rewire_flow_spec *spec,
			  struct netlink_ext_ack *extack);

#endif /* REWIRE_NETWORK_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* Targets: what flows point at, such as a backend. */
#ifndef REWIRE_TARGET_H
#define REWIRE_TARGET_H

#include <linux/atomic.h>
#include <linux/refcount.h>
#include <linux/types.h>

#include "live.h"

struct netlink_ext_ack;
struct rewire_net;
struct rewire_target_count;

/**
 * struct rewire_target - what flows point at, in one generation
 * @references: one for the namespace's table, one for each flow, ended ones included
 *		that are not freed yet
 * @flows: flows that point at it and have not ended
 * @live: those by class
 * @count: what the generations of a target have in common
 * @id: number
 * @generation: grows when the target is taken down
 * @state: enum rewire_target_state
 * @retired: there is a later generation, or the target was deleted: flows that
 *	     point here are decided anew at their next packet
 * @rcu: for the grace period before it is freed
 *
 * To take a target down puts another object, of the next generation, into the
 * namespace's table; the flows keep the old one.
 */
struct rewire_target {
	refcount_t references;
	atomic_t flows;
	struct rewire_live live;
	struct rewire_target_count *count;
	u32 id;
	u32 generation;
	u8 state;
	bool retired;
	struct rcu_head rcu;
};

int rewire_target_join(struct rewire_net *ns, u32 id, struct rewire_target **target,
		       struct netlink_ext_ack *extack);
void rewire_target_put(struct rewire_target *target);
void rewire_target_count(struct rewire_target *target, int flows);
int rewire_target_retired(const struct rewire_target *target);
void rewire_target_exit(struct rewire_net *ns);

#endif /* REWIRE_TARGET_H */

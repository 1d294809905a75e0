/* SPDX-License-Identifier: GPL-2.0 */
/* Targets: what flows point at, such as a backend. */
#ifndef REWIRE_TARGET_H
#define REWIRE_TARGET_H

#include <linux/atomic.h>
#include <linux/refcount.h>
#include <linux/types.h>

struct rewire_net;

/**
 * struct rewire_target - what flows point at
 * @references: one for the namespace's table, one for each flow
 * @flows: flows that point at it
 * @id: number
 * @generation: grows when it is taken down, which makes the flows of earlier
 *		generations decide anew at their next packet
 * @state: enum rewire_target_state
 * @rcu: for the grace period before it is freed
 */
struct rewire_target {
	refcount_t references;
	atomic_t flows;
	u32 id;
	u32 generation;
	u8 state;
	struct rcu_head rcu;
};

struct rewire_target *rewire_target_get(struct rewire_net *ns, u32 id);
void rewire_target_put(struct rewire_target *target);
void rewire_target_exit(struct rewire_net *ns);

#endif /* REWIRE_TARGET_H */

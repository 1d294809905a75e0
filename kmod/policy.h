/* SPDX-License-Identifier: GPL-2.0 */
/* Policies: how flows are kept and their packets checked. */
#ifndef REWIRE_POLICY_H
#define REWIRE_POLICY_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/refcount.h>
#include <linux/types.h>

#include "timeout.h"

struct rewire_net;

/**
 * struct rewire_policy - how flows are kept and their packets checked
 * @timeout: idle times in jiffies, by REWIRE_A_TIMEOUTS_
 * @tcp: enum rewire_tcp_mode
 * @pickup: whether TCP connections may be picked up in the middle
 * @mss: 0, not clamped; REWIRE_MSS_MTU; or the largest that passes
 * @references: one for the namespace's table, one for each flow
 * @flows: flows that it applies to and that have not ended
 * @id: number
 * @rcu: for the grace period before it is freed
 *
 * A change takes effect at once, also for flows that are there: it is made in
 * place, word by word, under the namespace's lock. Each word is whole for who reads
 * it, and none depends on another. A deleted policy stays with its flows.
 */
struct rewire_policy {
	u32 timeout[REWIRE_A_TIMEOUTS_MAX + 1];
	u8 tcp;
	bool pickup;
	u16 mss;

	refcount_t references ____cacheline_aligned;
	atomic_t flows;
	u32 id;
	struct rcu_head rcu;
};

const struct rewire_policy *rewire_policy_find(struct rewire_net *ns, u32 id);
struct rewire_policy *rewire_policy_join(struct rewire_net *ns, u32 id);
void rewire_policy_put(struct rewire_policy *policy);
void rewire_policy_count(struct rewire_policy *policy, int flows);
void rewire_policy_init(void);
void rewire_policy_exit(struct rewire_net *ns);

#endif /* REWIRE_POLICY_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* The log of flows that have changed. */
#ifndef REWIRE_CHANGE_H
#define REWIRE_CHANGE_H

#include "flow.h"
#include "namespace.h"

/* Entries of the log, flows that have ended among them, before it overflows. */
#define REWIRE_CHANGES_MAX	131072

int rewire_change_init(struct rewire_net *ns);
void rewire_change_exit(struct rewire_net *ns);
int rewire_change_notifier_register(void);
void rewire_change_notifier_unregister(void);
int rewire_change_dump_start(struct netlink_callback *cb);

void rewire_change_log(struct rewire_net *ns, struct rewire_flow *flow);
bool rewire_change_closed(struct rewire_net *ns, struct rewire_flow *flow,
			  enum rewire_reason reason);

/**
 * rewire_change() - a flow has changed
 * @ns: the namespace
 * @flow: the flow
 *
 * Called after it was changed. Context: RCU read side.
 */
static inline void rewire_change(struct rewire_net *ns, struct rewire_flow *flow)
{
	if (likely(!READ_ONCE(ns->changes_on)))
		return;
	/* Pairs with clearing LOGGED, a full barrier, before the flow is read. */
	smp_mb__after_atomic();
	if (!(atomic_read(&flow->flags) & REWIRE_FLOW_LOGGED))
		rewire_change_log(ns, flow);
}

#endif /* REWIRE_CHANGE_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_RECONCILE_H
#define REWIRED_RECONCILE_H

#include "log.h"
#include "retired.h"
#include "rules.h"
#include "socket.h"

/* What a plan changes in the kernel, or has changed. */
struct changes {
	unsigned int rules_added, rules_deleted, targets_set;
	unsigned int targets_deleted;	/* once their last flow has ended */
	unsigned int rules_waiting;	/* their VNI has no device yet; tried again later */
	unsigned int delegates_set, delegates_revoked;
};

struct step;

/*
 * The way from the kernel's rules, targets and delegates to those that a snapshot needs.
 * The daemon owns all punt rules, all rules with a policy from
 * RULES_POOL_POLICY on, the targets of its backends, those that it has retired, and all delegates.
 */
struct plan {
	const struct snapshot *snapshot;
	struct step *steps;
	unsigned int count, room;
	struct changes changes;
};

#define PLAN_LISTS	3	/* requests that making a plan takes: rules, targets, delegates */

/* What a plan is for. */
enum purpose {
	PLAN_CHANGE,		/* somebody has asked for this snapshot */
	PLAN_LOOP,		/* the period has: states that others set stay, unless it wants new ones */
	PLAN_REPAIR,		/* just what is missing */
};

/*
 * Old is the snapshot in force, NULL when the daemon starts, and to repair it. Withheld: the kernel is
 * to decide about nothing, for it does not know of ports that are kept for lost flows.
 */
int plan_make(struct plan *plan, struct rw_socket *socket, const struct snapshot *snapshot,
	      const struct snapshot *old, enum purpose purpose, bool withheld,
	      struct retired *retired, struct error *error);
/* What the kernel must not decide any more, before flows are looked at: it makes no more of them. */
int plan_revoke(struct plan *plan, struct rw_socket *socket, struct error *error);
/* What must be there before the snapshot is published. */
int plan_before(struct plan *plan, struct rw_socket *socket, struct error *error);
/* What may follow only then. */
int plan_after(struct plan *plan, struct rw_socket *socket, struct error *error);
/* After a failure, and when the old snapshot is published again: take back what was done. */
void plan_undo(struct plan *plan, struct rw_socket *socket);
/* When all is done: what has been retired by it. */
void plan_retire(const struct plan *plan, struct retired *retired);
void plan_free(struct plan *plan);

#endif

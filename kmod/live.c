// SPDX-License-Identifier: GPL-2.0
/*
 * Live flows by class, for each virtual network and each target: counted where a flow
 * begins, goes from one class into another, and ends, so that nobody has to walk the
 * table to know.
 *
 * A bit of the tracking word says that the flow is counted, in the class that the rest
 * of the word says. As the word is replaced as a whole, each step from one state into
 * another is counted once, and after the end none is.
 */
#include "flow.h"
#include "limit.h"
#include "namespace.h"
#include "target.h"
#include "tracking.h"

static enum rewire_class rewire_live_class(const struct rewire_flow *flow, u32 tracking)
{
	return rewire_flow_class_in(flow, rewire_tracking_state(tracking));
}

static void rewire_live_add(struct rewire_quota *limit, const struct rewire_flow *flow,
			    enum rewire_class class, int flows)
{
	if (limit)
		atomic_add(flows, &limit->live.flows[class]);
	if (flow->target)
		atomic_add(flows, &flow->target->live.flows[class]);
}

/* It counts the flow, so it is there when the flow begins, and as long as it has not ended. */
static struct rewire_quota *rewire_live_limit(struct rewire_net *ns,
					      const struct rewire_flow *flow)
{
	return rewire_limit_find(ns, rewire_key_vni(&flow->tuple[REWIRE_ORIG].key));
}

/* Exchange the bit. Return: the tracking word as it was. */
static u32 rewire_live_mark(struct rewire_flow *flow, bool counted)
{
	u32 old = READ_ONCE(flow->tracking), seen, new;

	for (;;) {
		new = counted ? old | TRACKING_COUNTED : old & ~TRACKING_COUNTED;
		seen = cmpxchg(&flow->tracking, old, new);
		if (seen == old)
			return old;
		old = seen;
	}
}

/* A flow is in the table, and is counted by its virtual network. Context: RCU read side. */
void rewire_live_begin(struct rewire_net *ns, struct rewire_flow *flow)
{
	rewire_live_add(rewire_live_limit(ns, flow), flow,
			rewire_live_class(flow, rewire_live_mark(flow, true)), 1);
}

/*
 * Its tracking word was replaced. Limit is that of its virtual network, with a reference
 * from before: another CPU may have closed the flow since then, and the object may be gone,
 * or another one in its place. NULL: there was none, so the flow is not counted any more.
 * Context: RCU read side.
 */
void rewire_live_change(struct rewire_quota *limit, const struct rewire_flow *flow, u32 from,
			u32 to)
{
	enum rewire_class old = rewire_live_class(flow, from);
	enum rewire_class new = rewire_live_class(flow, to);

	if (!(from & TRACKING_COUNTED) || old == new)
		return;
	rewire_live_add(limit, flow, new, 1);
	rewire_live_add(limit, flow, old, -1);
}

/* It is closed; its virtual network still counts it. Context: RCU read side. */
void rewire_live_end(struct rewire_net *ns, struct rewire_flow *flow)
{
	rewire_live_add(rewire_live_limit(ns, flow), flow,
			rewire_live_class(flow, rewire_live_mark(flow, false)), -1);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * What would become of a packet. It is looked up and judged by the functions that the
 * way of packets uses (packet.c, output.c, forward.c, hold.c, limit.c); what they find
 * is written down here instead of being carried out.
 */
#include "attach.h"
#include "delegate.h"
#include "explain.h"
#include "forward.h"
#include "hold.h"
#include "namespace.h"
#include "packet.h"
#include "rule.h"

static void rewire_explain_drop(struct rewire_explanation *explanation, enum rewire_reason reason)
{
	explanation->fate = REWIRE_FATE_DROP;
	explanation->reason = reason;
}

/* Of a packet that meets a punt rule. */
static enum rewire_fate rewire_explain_punt(struct rewire_net *ns,
					    const struct rewire_packet *packet,
					    const struct rewire_rule *rule,
					    enum rewire_reason *reason)
{
	bool held = !rewire_delegate_find(ns, packet, rule);

	if (!rewire_limit_admit(ns, packet, held, false, reason))
		return REWIRE_FATE_DROP;
	if (!held)
		return REWIRE_FATE_DECIDE;
	*reason = REWIRE_REASON_DROP_HOLD_MODE;
	return rule->hold == REWIRE_HOLD_MODE_HOLD ? REWIRE_FATE_HOLD : REWIRE_FATE_DROP;
}

static void rewire_explain_miss(struct rewire_net *ns, struct sk_buff *skb,
				const struct rewire_packet *packet, bool whole,
				struct rewire_explanation *explanation)
{
	const struct rewire_rule *rule = rewire_rule_lookup(ns, packet);
	enum rewire_reason *reason = &explanation->reason;

	explanation->rule = rule;
	explanation->fate = rewire_packet_rule_fate(ns, packet, whole, rule, reason);
	if (explanation->fate == REWIRE_FATE_HOLD)
		explanation->fate = rewire_explain_punt(ns, packet, rule, reason);
	else if (explanation->fate == REWIRE_FATE_FORWARD &&
		 !rewire_forward_plan(ns, skb, packet, whole, rule, &explanation->way, reason))
		explanation->fate = REWIRE_FATE_DROP;
}

static void rewire_explain_join(struct rewire_net *ns, const struct sk_buff *skb,
				const struct rewire_packet *packet, struct rewire_hold *hold,
				struct rewire_explanation *explanation)
{
	explanation->punt = hold->id;
	explanation->fate = REWIRE_FATE_JOIN;
	if (!rewire_hold_would_join(ns, hold, skb, packet, &explanation->reason))
		explanation->fate = REWIRE_FATE_DROP;
}

/* Who asks knows no sequence numbers: they are those that come next. */
static void rewire_explain_number(const struct rewire_flow *flow,
				  enum rewire_direction direction,
				  struct rewire_packet *packet)
{
	packet->segment.seq = READ_ONCE(flow->end[direction]);
	packet->segment.ack = READ_ONCE(flow->end[!direction]);
}

/* Return: whether the flow is not over. */
static bool rewire_explain_flow(struct rewire_net *ns, struct sk_buff *skb,
				struct rewire_packet *packet, struct rewire_flow *flow,
				enum rewire_direction direction,
				struct rewire_explanation *explanation)
{
	enum rewire_reason *reason = &explanation->reason;
	enum rewire_punt_reason why;

	explanation->flow = flow;
	explanation->direction = direction;
	explanation->ends = rewire_packet_ends_flow(flow, direction, packet,
						    &explanation->closed, &why);
	if (explanation->ends)
		return false;
	rewire_explain_number(flow, direction, packet);
	explanation->fate = rewire_packet_flow_fate(flow, direction, packet, reason);
	if (explanation->fate == REWIRE_FATE_TRANSLATE &&
	    !rewire_output_plan(ns, skb, packet, flow, direction, &explanation->way, reason))
		explanation->fate = REWIRE_FATE_DROP;
	return true;
}

static void rewire_explain_lookup(struct rewire_net *ns, struct sk_buff *skb,
				  struct rewire_packet *packet,
				  struct rewire_explanation *explanation)
{
	struct rewire_tuple *tuple = rewire_tuple_lookup(ns, &packet->key);

	if (tuple && tuple->direction == REWIRE_HOLD)
		rewire_explain_join(ns, skb, packet, rewire_tuple_hold(tuple), explanation);
	else if (!tuple || !rewire_explain_flow(ns, skb, packet, rewire_tuple_flow(tuple),
						tuple->direction, explanation))
		rewire_explain_miss(ns, skb, packet, true, explanation);
}

/**
 * rewire_explain() - what would become of a packet
 * @ns: the namespace
 * @skb: the packet, by rewire_question_packet()
 * @question: what it was made of
 * @explanation: to fill
 *
 * Changes nothing. Context: RCU read side, bottom halves disabled.
 */
void rewire_explain(struct rewire_net *ns, struct sk_buff *skb,
		    const struct rewire_question *question,
		    struct rewire_explanation *explanation)
{
	struct rewire_packet packet;

	memset(explanation, 0, sizeof(*explanation));
	if (!question->attach)
		return;
	skb->dev = question->attach->dev;
	switch (rewire_packet_parse(skb, rewire_key_vni(&question->key),
				    question->attach->ifindex, &packet)) {
	case REWIRE_KIND_FLOW:
		rewire_explain_lookup(ns, skb, &packet, explanation);
		break;
	case REWIRE_KIND_FOREIGN:
		explanation->foreign = true;
		break;
	case REWIRE_KIND_MALFORMED:
		rewire_explain_drop(explanation, REWIRE_REASON_DROP_MALFORMED);
		break;
	default:
		rewire_explain_miss(ns, skb, &packet, false, explanation);
		break;
	}
}

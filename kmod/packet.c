// SPDX-License-Identifier: GPL-2.0
/*
 * The way of a packet: parse, look its flow up, and do what the flow says; on a
 * miss, what the rules say.
 */
#include <linux/compiler.h>
#include <linux/netfilter.h>
#include <net/gso.h>

#include "attach.h"
#include "batch.h"
#include "change.h"
#include "delegate.h"
#include "flow.h"
#include "forward.h"
#include "fragment.h"
#include "handler.h"
#include "hold.h"
#include "icmp.h"
#include "namespace.h"
#include "output.h"
#include "packet.h"
#include "policy.h"
#include "punt.h"
#include "rule.h"
#include "target.h"
#include "tcp.h"
#include "transport.h"

/* Times that a key is looked up again because its entry has just changed. */
#define REWIRE_LOOKUPS	8

static bool rewire_packet_is_tcp(const struct rewire_packet *packet)
{
	return rewire_key_protocol(&packet->key) == IPPROTO_TCP;
}

/* Whether it comes from the middle of a connection. */
static bool rewire_packet_picks_up(const struct rewire_packet *packet)
{
	return rewire_packet_is_tcp(packet) && !rewire_segment_opens(&packet->segment);
}

/**
 * rewire_packet_rule_fate() - what a rule says about a packet without a flow
 * @ns: the namespace
 * @packet: what the parser says of it
 * @whole: whether its key is whole
 * @rule: the one that it meets, or NULL
 * @reason: out: why it is dropped
 *
 * Changes nothing. Context: RCU read side.
 * Return: for REWIRE_FATE_HOLD, limits are still to be asked.
 */
enum rewire_fate rewire_packet_rule_fate(struct rewire_net *ns,
					 const struct rewire_packet *packet, bool whole,
					 const struct rewire_rule *rule,
					 enum rewire_reason *reason)
{
	if (!rule || (packet->link == REWIRE_LINK_DST && rule->action != REWIRE_RULE_ACTION_DROP))
		return REWIRE_FATE_PASS;
	switch (rule->action) {
	case REWIRE_RULE_ACTION_PASS:
		return REWIRE_FATE_PASS;
	case REWIRE_RULE_ACTION_DROP:
		*reason = REWIRE_REASON_DROP_RULE;
		return REWIRE_FATE_DROP;
	case REWIRE_RULE_ACTION_FORWARD:
		if (!packet->link)
			return REWIRE_FATE_FORWARD;
		break;
	}
	if (!whole) {
		*reason = packet->other;
		return REWIRE_FATE_DROP;
	}
	if (rewire_packet_picks_up(packet) &&
	    !READ_ONCE(rewire_policy_find(ns, rule->policy)->pickup)) {
		*reason = REWIRE_REASON_DROP_TCP_PICKUP;
		return REWIRE_FATE_DROP;
	}
	if (rule->orphan == REWIRE_ORPHAN_MODE_HOLD ||
	    rewire_handlers_hear(ns, rewire_key_vni(&packet->key)))
		return REWIRE_FATE_HOLD;
	if (rule->orphan == REWIRE_ORPHAN_MODE_PASS)
		return REWIRE_FATE_PASS;
	*reason = REWIRE_REASON_DROP_NO_DAEMON;
	return REWIRE_FATE_DROP;
}

/* Whether it is a list of packets with headers of their own, as fraglist GRO makes them. */
static bool rewire_packet_is_list(const struct sk_buff *skb)
{
	return skb_is_gso(skb) && unlikely(skb_shinfo(skb)->gso_type & SKB_GSO_FRAGLIST);
}

/*
 * What is written into a list would reach its first packet alone, so each goes its way by
 * itself. Not before it is clear that the list is not left to the host, which likes it whole.
 * The kernel splits it, as it does for a device: only that knows lists inside of tunnels.
 */
static unsigned int rewire_packet_split(struct rewire_net *ns, struct sk_buff *skb,
					const struct rewire_packet *packet)
{
	u32 vni = rewire_key_vni(&packet->key);
	int link = skb_mac_header_len(skb);
	struct sk_buff *list, *one, *next;

	list = skb_gso_segment(skb, NETIF_F_SG);
	if (IS_ERR_OR_NULL(list)) {
		rewire_drop(ns, skb, REWIRE_REASON_DROP_MEMORY);
		return NF_STOLEN;
	}
	consume_skb(skb);
	skb_list_walk_safe(list, one, next) {
		skb_mark_not_on_list(one);
		skb_set_mac_header(one, -link);
		if (next)	/* the list itself was counted as one */
			this_cpu_inc(ns->stats->received);
		if (rewire_packet_resume(ns, one, vni, packet->ifindex) == NF_ACCEPT)
			rewire_hold_continue(ns, one, packet->ifindex);
	}
	return NF_STOLEN;
}

/* Return: 0: there is a flow now. -EADDRINUSE: ask the daemon. Else why the packet is dropped. */
static int rewire_packet_decide(struct rewire_net *ns, const struct rewire_packet *packet,
				struct rewire_delegate *delegate, struct rewire_rule *rule,
				enum rewire_reason *reason)
{
	int err = rewire_delegate_decide(ns, delegate, packet, rule);

	switch (err) {
	case 0:
		atomic64_inc(&rule->hits);
		return 0;
	case -EADDRINUSE:
		return rewire_limit_may_hold(ns, rewire_key_vni(&packet->key), reason) ?
		       err : -ENOSPC;
	case -ENOMEM:
		*reason = REWIRE_REASON_DROP_MEMORY;
		return err;
	case -ENOENT:
		*reason = REWIRE_REASON_DROP_NO_ROUTE;
		return err;
	default:
		*reason = rewire_limit_why_full(ns, packet);
		return err;
	}
}

/* What a miss does; NF_REPEAT: look again. */
static unsigned int rewire_packet_miss(struct rewire_net *ns, struct sk_buff *skb,
				       const struct rewire_packet *packet,
				       bool whole, enum rewire_punt_reason why)
{
	struct rewire_rule *rule = rewire_rule_lookup(ns, packet);
	struct rewire_delegate *delegate;
	enum rewire_reason reason;
	int err = -EADDRINUSE;

	switch (rewire_packet_rule_fate(ns, packet, whole, rule, &reason)) {
	case REWIRE_FATE_FORWARD:
		if (rewire_packet_is_list(skb))
			return rewire_packet_split(ns, skb, packet);
		return rewire_forward(ns, skb, packet, whole, rule);
	case REWIRE_FATE_HOLD:
		delegate = rewire_delegate_find(ns, packet, rule);
		if (!rewire_limit_admit(ns, packet, !delegate, true, &reason))
			break;
		if (delegate)
			err = rewire_packet_decide(ns, packet, delegate, rule, &reason);
		if (!err)
			return NF_REPEAT;
		if (err != -EADDRINUSE)
			break;
		if (rewire_hold_new(ns, skb, packet, rule, why) == REWIRE_HOLD_AGAIN)
			return NF_REPEAT;
		atomic64_inc(&rule->hits);
		return NF_STOLEN;
	case REWIRE_FATE_PASS:
		if (rule)
			atomic64_inc(&rule->hits);
		this_cpu_inc(ns->stats->passed);
		return NF_ACCEPT;
	default:
		break;
	}
	atomic64_inc(&rule->hits);
	rewire_drop(ns, skb, reason);
	return NF_STOLEN;
}

/**
 * rewire_packet_ends_flow() - whether a packet needs a new decision
 * @flow: its flow
 * @direction: its direction
 * @packet: what the parser says of it
 * @reason: out: why the flow is over: it has expired, points at a target that was taken
 *	    down, or is a closed connection that begins anew
 * @why: out, why to punt the packet
 *
 * Changes nothing: the caller has to close the flow.
 */
bool rewire_packet_ends_flow(const struct rewire_flow *flow, enum rewire_direction direction,
			     const struct rewire_packet *packet, enum rewire_reason *reason,
			     enum rewire_punt_reason *why)
{
	if (rewire_flow_expired(flow)) {
		*reason = REWIRE_REASON_CLOSE_IDLE;
		*why = REWIRE_PUNT_REASON_EXPIRED;
		return true;
	}
	if (direction != REWIRE_ORIG)
		return false;
	if (flow->target && READ_ONCE(flow->target->retired)) {
		*reason = REWIRE_REASON_CLOSE_TARGET;
		*why = REWIRE_PUNT_REASON_TARGET_DOWN;
		return true;
	}
	if (rewire_packet_is_tcp(packet) &&
	    rewire_tcp_reuses(READ_ONCE(flow->tracking), &packet->segment)) {
		*reason = REWIRE_REASON_CLOSE_REUSED;
		*why = REWIRE_PUNT_REASON_REUSED;
		return true;
	}
	return false;
}

/* What a packet's flow says about it, and why it is dropped. Changes nothing. */
enum rewire_fate rewire_packet_flow_fate(const struct rewire_flow *flow,
					 enum rewire_direction direction,
					 const struct rewire_packet *packet,
					 enum rewire_reason *reason)
{
	switch (rewire_flow_action(flow)) {
	case REWIRE_FLOW_ACTION_PASS:
		return REWIRE_FATE_PASS;
	case REWIRE_FLOW_ACTION_DROP:
		*reason = REWIRE_REASON_DROP_VERDICT;
		return REWIRE_FATE_DROP;
	default:
		if (rewire_packet_is_tcp(packet) &&
		    READ_ONCE(flow->policy->tcp) == REWIRE_TCP_MODE_STRICT &&
		    rewire_tcp_refuses(flow, direction, &packet->segment, reason))
			return REWIRE_FATE_DROP;
		return REWIRE_FATE_TRANSLATE;
	}
}

/* Of a flow that translates nothing. */
static void rewire_packet_count(struct rewire_net *ns, struct sk_buff *skb,
				const struct rewire_packet *packet, struct rewire_flow *flow,
				enum rewire_direction direction)
{
	if (packet->quote)
		return;
	rewire_tally_add(&flow->tally[direction], skb->len);
	rewire_change(ns, flow);
}

static unsigned int rewire_packet_flow(struct rewire_net *ns, struct sk_buff *skb,
				       const struct rewire_packet *packet,
				       struct rewire_flow *flow,
				       enum rewire_direction direction)
{
	enum rewire_fate fate;
	enum rewire_reason reason;

	if (rewire_packet_is_list(skb) &&
	    rewire_flow_action(flow) == REWIRE_FLOW_ACTION_TRANSLATE)
		return rewire_packet_split(ns, skb, packet);
	fate = rewire_packet_flow_fate(flow, direction, packet, &reason);
	if (likely(fate == REWIRE_FATE_TRANSLATE))
		return rewire_output(ns, skb, packet, flow, direction);
	if (rewire_flow_action(flow) != REWIRE_FLOW_ACTION_TRANSLATE)
		rewire_packet_count(ns, skb, packet, flow, direction);
	if (fate == REWIRE_FATE_PASS) {
		this_cpu_inc(ns->stats->passed);
		return NF_ACCEPT;
	}
	rewire_drop(ns, skb, reason);
	return NF_STOLEN;
}

/* Place: of its key. */
static unsigned int rewire_packet_lookup(struct rewire_net *ns, struct sk_buff *skb,
					 const struct rewire_packet *packet,
					 struct rewire_place place)
{
	enum rewire_punt_reason why = REWIRE_PUNT_REASON_MISS;
	enum rewire_direction direction;
	enum rewire_reason reason;
	struct rewire_tuple *tuple;
	struct rewire_flow *flow;
	unsigned int verdict;
	int i;

	for (i = 0; i < REWIRE_LOOKUPS; i++) {
		tuple = rewire_place_lookup(ns, &packet->key, place);
		if (!tuple) {
			verdict = rewire_packet_miss(ns, skb, packet, true, why);
			if (verdict == NF_REPEAT)
				continue;
			return verdict;
		}
		if (tuple->direction == REWIRE_HOLD) {
			if (rewire_hold_join(ns, rewire_tuple_hold(tuple), skb, packet) ==
			    REWIRE_HOLD_AGAIN)
				continue;
			return NF_STOLEN;
		}
		flow = rewire_tuple_flow(tuple);
		direction = tuple->direction;
		if (!rewire_packet_ends_flow(flow, direction, packet, &reason, &why))
			return rewire_packet_flow(ns, skb, packet, flow, direction);
		rewire_flow_close(ns, flow, reason);
	}
	rewire_drop(ns, skb, REWIRE_REASON_DROP_RACE);
	return NF_STOLEN;
}

/*
 * The rule that forwards packets like those that an error answers. Nothing is known of
 * these but the rule, which tells who has sent the quoted one by its port (RFC 7690, 3).
 */
static const struct rewire_rule *rewire_packet_quoted_rule(struct rewire_net *ns,
							   const struct rewire_packet *packet,
							   const struct rewire_quote *quote)
{
	struct rewire_packet answered = *packet;
	const struct rewire_rule *rule;

	answered.key = quote->key;
	rule = rewire_rule_lookup(ns, &answered);
	return rule && rule->action == REWIRE_RULE_ACTION_FORWARD ? rule : NULL;
}

/*
 * An error goes by the flow of the packet that it quotes, and neither ends nor revives
 * it. Else it goes where a rule forwards packets of that connection. About anything
 * else, rules may pass it or drop it.
 */
static unsigned int rewire_packet_error(struct rewire_net *ns, struct sk_buff *skb,
					struct rewire_packet *packet)
{
	const struct rewire_rule *rule;
	struct rewire_quote quote;
	struct rewire_tuple *tuple;

	if (rewire_icmp_quote(skb, packet, &quote)) {
		tuple = rewire_tuple_lookup(ns, &quote.key);
		if (tuple && tuple->direction != REWIRE_HOLD &&
		    !rewire_flow_expired(rewire_tuple_flow(tuple))) {
			packet->quote = &quote;
			return rewire_packet_flow(ns, skb, packet, rewire_tuple_flow(tuple),
						  tuple->direction);
		}
		packet->other = REWIRE_REASON_DROP_ERROR_UNKNOWN;
		rule = rewire_packet_quoted_rule(ns, packet, &quote);
		if (rule)
			return rewire_forward(ns, skb, packet, true, rule);
	}
	return rewire_packet_miss(ns, skb, packet, false, REWIRE_PUNT_REASON_MISS);
}

static unsigned int rewire_packet_go_on(struct rewire_net *ns, struct sk_buff *skb,
					struct rewire_packet *packet,
					enum rewire_kind kind)
{
	switch (kind) {
	case REWIRE_KIND_FOREIGN:
		return NF_ACCEPT;
	case REWIRE_KIND_MALFORMED:
		rewire_drop(ns, skb, REWIRE_REASON_DROP_MALFORMED);
		return NF_STOLEN;
	case REWIRE_KIND_ERROR:
		return rewire_packet_error(ns, skb, packet);
	case REWIRE_KIND_FRAGMENT:
		rewire_drop(ns, skb, REWIRE_REASON_DROP_FRAGMENT);
		return NF_STOLEN;
	case REWIRE_KIND_OTHER:
		/* It may be an error about which nobody may be told. */
		packet->mute |= rewire_protocol_is_icmp(rewire_key_protocol(&packet->key));
		return rewire_packet_miss(ns, skb, packet, false, REWIRE_PUNT_REASON_MISS);
	default:
		return rewire_packet_lookup(ns, skb, packet,
					    rewire_place_find_again(ns, &packet->key));
	}
}

/* Kind: what the parser says of it. Return: see rewire_packet_handle(). */
static unsigned int rewire_packet_begin(struct rewire_net *ns, struct sk_buff *skb, u32 vni,
					struct rewire_packet *packet, enum rewire_kind kind)
{
	int ifindex = packet->ifindex;

	if (unlikely(kind == REWIRE_KIND_FRAGMENT)) {
		if (!rewire_fragment_gather(ns, skb, vni, ifindex))
			return NF_STOLEN;
		kind = rewire_packet_parse(skb, vni, ifindex, packet);
		/* Neighbour discovery must not come in fragments (RFC 6980). */
		if (kind == REWIRE_KIND_FOREIGN)
			kind = REWIRE_KIND_FRAGMENT;
	}
	if (kind != REWIRE_KIND_FOREIGN)
		this_cpu_inc(ns->stats->received);
	return rewire_packet_go_on(ns, skb, packet, kind);
}

/**
 * rewire_packet_handle() - the way of a packet through the module
 * @ns: the namespace
 * @skb: the packet, its data begins at the network header
 * @vni: of the virtual network it came from
 * @ifindex: see struct rewire_packet
 *
 * Context: RCU read side, bottom halves disabled.
 * Return: NF_ACCEPT: the host's stack goes on with the packet, be it untouched
 * or translated for the host itself. NF_STOLEN: sent, held or dropped.
 */
unsigned int rewire_packet_handle(struct rewire_net *ns, struct sk_buff *skb,
				  u32 vni, int ifindex)
{
	struct rewire_packet packet __uninitialized;	/* the parser clears it */
	enum rewire_kind kind;

	kind = rewire_packet_parse(skb, vni, ifindex, &packet);
	return rewire_packet_begin(ns, skb, vni, &packet, kind);
}

/*
 * The same for a packet of a device, which may wait for others.
 *
 * Where packets wait, IP that does not reaches the host's stack in the same way, for that delivers
 * what a hook accepts when a whole list has been through the hook, and it might be overtaken.
 */
unsigned int rewire_packet_receive(struct rewire_net *ns, struct sk_buff *skb,
				   u32 vni, int ifindex)
{
	struct rewire_packet *room, packet __uninitialized;
	bool takes = rewire_batch_takes(ns, skb);
	enum rewire_kind kind;

	room = takes ? rewire_batch_room() : NULL;
	kind = rewire_packet_parse(skb, vni, ifindex, room ?: &packet);
	if (room && kind == REWIRE_KIND_FLOW) {
		this_cpu_inc(ns->stats->received);
		rewire_batch_add(ns, skb);
		return NF_STOLEN;
	}
	if (kind == REWIRE_KIND_FOREIGN)
		return NF_ACCEPT;
	if (room)
		packet = *room;
	rewire_batch_go();
	if (rewire_packet_begin(ns, skb, vni, &packet, kind) == NF_STOLEN)
		return NF_STOLEN;
	if (!takes)
		return NF_ACCEPT;
	rewire_hold_continue(ns, skb, ifindex);
	return NF_STOLEN;
}

/* The rest of the way of a packet that has waited, see batch.c. */
void rewire_packet_continue(struct rewire_net *ns, struct sk_buff *skb,
			    const struct rewire_packet *packet,
			    struct rewire_place place)
{
	if (rewire_packet_lookup(ns, skb, packet, place) == NF_ACCEPT)
		rewire_hold_continue(ns, skb, packet->ifindex);
}

/* The same for a packet that was held, and so was counted when it came. */
unsigned int rewire_packet_resume(struct rewire_net *ns, struct sk_buff *skb,
				  u32 vni, int ifindex)
{
	struct rewire_packet packet;
	enum rewire_kind kind;

	kind = rewire_packet_parse(skb, vni, ifindex, &packet);
	return rewire_packet_go_on(ns, skb, &packet, kind);
}

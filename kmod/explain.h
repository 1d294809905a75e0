/* SPDX-License-Identifier: GPL-2.0 */
/* What would become of a packet, and why. */
#ifndef REWIRE_EXPLAIN_H
#define REWIRE_EXPLAIN_H

#include "key.h"
#include "output.h"

struct rewire_attach;
struct rewire_net;
struct rewire_rule;
struct sk_buff;

/**
 * struct rewire_question - a packet that somebody asks about
 * @key: its virtual network, protocol, addresses and ports
 * @attach: where it comes in, or NULL: nowhere
 * @tcp_flags: byte 13 of its TCP header
 * @hop_limit: or time to live
 * @dont_fragment: whether IPv4 must not
 * @length: from the network header on; 0: of the headers alone
 */
struct rewire_question {
	struct rewire_key key;
	const struct rewire_attach *attach;
	u8 tcp_flags;
	u8 hop_limit;
	bool dont_fragment;
	u16 length;
};

/**
 * struct rewire_explanation - what would become of a packet
 * @fate: in one word
 * @reason: why it is dropped
 * @foreign: it is none of the module's business
 * @flow: found by its key, or NULL
 * @direction: of the packet in it
 * @ends: whether the packet finds the flow over
 * @closed: and why
 * @rule: met for want of a flow, or NULL
 * @punt: number of the punt whose verdict it waits for with others, or 0
 * @way: how it leaves; the route has a reference
 *
 * What is pointed to is found under RCU.
 */
struct rewire_explanation {
	enum rewire_fate fate;
	enum rewire_reason reason;
	bool foreign;
	struct rewire_flow *flow;
	enum rewire_direction direction;
	bool ends;
	enum rewire_reason closed;
	const struct rewire_rule *rule;
	u64 punt;
	struct rewire_way way;
};

/* explain.c */
void rewire_explain(struct rewire_net *ns, struct sk_buff *skb,
		    const struct rewire_question *question,
		    struct rewire_explanation *explanation);

/* explain_packet.c */
struct sk_buff *rewire_question_packet(const struct rewire_question *question);

#endif /* REWIRE_EXPLAIN_H */

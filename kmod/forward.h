/* SPDX-License-Identifier: GPL-2.0 */
/* Packets that rules send on as they are. */
#ifndef REWIRE_FORWARD_H
#define REWIRE_FORWARD_H

#include <linux/types.h>
#include <uapi/linux/rewire.h>

struct rewire_net;
struct rewire_packet;
struct rewire_rule;
struct rewire_way;
struct sk_buff;

unsigned int rewire_forward(struct rewire_net *ns, struct sk_buff *skb,
			    const struct rewire_packet *packet, bool whole,
			    const struct rewire_rule *rule);
bool rewire_forward_plan(struct rewire_net *ns, const struct sk_buff *skb,
			 const struct rewire_packet *packet, bool whole,
			 const struct rewire_rule *rule, struct rewire_way *way,
			 enum rewire_reason *reason);
void rewire_forward_count(const struct rewire_rule *rule, u64 *packets, u64 *bytes);

#endif /* REWIRE_FORWARD_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* Translation of packets, and their transmission. */
#ifndef REWIRE_OUTPUT_H
#define REWIRE_OUTPUT_H

#include "flow.h"

struct sk_buff;

unsigned int rewire_output(struct rewire_net *ns, struct sk_buff *skb,
			   const struct rewire_packet *packet,
			   struct rewire_flow *flow,
			   enum rewire_direction direction);

/* transform.c */
void rewire_transform_prepare(struct rewire_flow *flow);
void rewire_transform(struct sk_buff *skb, const struct rewire_packet *packet,
		      const struct rewire_flow *flow,
		      enum rewire_direction direction);

#endif /* REWIRE_OUTPUT_H */

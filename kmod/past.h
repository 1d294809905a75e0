/* SPDX-License-Identifier: GPL-2.0 */
/* What a flow that is restored has behind it. */
#ifndef REWIRE_PAST_H
#define REWIRE_PAST_H

#include "flow.h"

struct nlattr;
struct sk_buff;

/**
 * struct rewire_past_side - of one direction
 * @packets: counted
 * @bytes: counted
 * @tracking: its bits of the tracking word
 * @end: see struct rewire_flow
 * @ack: likewise
 * @window: see struct rewire_tuple
 * @scale: likewise
 */
struct rewire_past_side {
	u64 packets;
	u64 bytes;
	u32 tracking;
	u32 end;
	u32 ack;
	u16 window;
	u8 scale;
};

/**
 * struct rewire_past - of a flow
 * @age: milliseconds since it was made
 * @idle: milliseconds since its last packet, no more than @age
 * @state: enum rewire_flow_state, one that its protocol has
 * @side: by direction
 */
struct rewire_past {
	u64 age;
	u64 idle;
	u32 state;
	struct rewire_past_side side[REWIRE_DIRECTIONS];
};

int rewire_get_past(const struct nlattr *nest, u8 protocol, struct rewire_past *past,
		    struct netlink_ext_ack *extack);
bool rewire_past_fill(struct sk_buff *skb, const struct rewire_flow *flow);

#endif /* REWIRE_PAST_H */

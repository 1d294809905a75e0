/* SPDX-License-Identifier: GPL-2.0 */
/* Connection tracking of TCP. */
#ifndef REWIRE_TCP_H
#define REWIRE_TCP_H

#include "flow.h"
#include "segment.h"

/**
 * enum rewire_tcp_check - what a segment means to a connection
 * @REWIRE_TCP_VALID: it is a part of it
 * @REWIRE_TCP_IGNORED: its receiver has to judge it, so it passes in any mode, but
 *			changes no state here
 * @REWIRE_TCP_WINDOW: its receiver cannot accept its sequence or acknowledgment number
 * @REWIRE_TCP_RESET: its receiver cannot accept this reset
 * @REWIRE_TCP_SYN_AGAIN: it wants to begin what is established
 */
enum rewire_tcp_check {
	REWIRE_TCP_VALID,
	REWIRE_TCP_IGNORED,
	REWIRE_TCP_WINDOW,
	REWIRE_TCP_RESET,
	REWIRE_TCP_SYN_AGAIN,
};

enum rewire_tcp_check rewire_tcp_check(const struct rewire_flow *flow,
				       enum rewire_direction direction,
				       const struct rewire_segment *segment);
bool rewire_tcp_refuses(const struct rewire_flow *flow, enum rewire_direction direction,
			const struct rewire_segment *segment, enum rewire_reason *reason);
bool rewire_tcp_track(struct rewire_flow *flow, enum rewire_direction direction,
		      const struct rewire_segment *segment, enum rewire_tcp_mode mode,
		      u32 *from, u32 *to);
bool rewire_tcp_reuses(u32 tracking, const struct rewire_segment *segment);

#endif /* REWIRE_TCP_H */

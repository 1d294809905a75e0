// SPDX-License-Identifier: GPL-2.0
/*
 * Which TCP segments count (RFC 9293, RFC 5961), as far as an observer can tell:
 * what it takes for the receiver's next expected number is the highest
 * acknowledgment that has passed, and for its window the largest that was
 * advertised. Both are looser than what the receiver does, never tighter.
 */
#include "tcp.h"
#include "tracking.h"

/* The largest window without a scale */
#define TCP_WINDOW	65535U

/* Whether both ends' SYNs were seen, and with them what their windows mean. */
static bool tcp_scales_known(const struct rewire_flow *flow)
{
	return READ_ONCE(flow->tuple[REWIRE_ORIG].scale) != REWIRE_SCALE_UNKNOWN &&
	       READ_ONCE(flow->tuple[REWIRE_REPLY].scale) != REWIRE_SCALE_UNKNOWN;
}

/* Windows are scaled if both ends have said so (RFC 7323, 2.2). */
static unsigned int tcp_scale(const struct rewire_flow *flow, enum rewire_direction direction)
{
	u8 scale = READ_ONCE(flow->tuple[direction].scale);
	u8 other = READ_ONCE(flow->tuple[!direction].scale);

	if (scale == REWIRE_SCALE_NONE || other == REWIRE_SCALE_NONE)
		return 0;
	if (scale == REWIRE_SCALE_UNKNOWN || other == REWIRE_SCALE_UNKNOWN)
		return REWIRE_SCALE_MAX;
	return scale;
}

/* Bytes that a side can have been ready to receive; below 2^30. */
static u32 tcp_window(const struct rewire_flow *flow, enum rewire_direction direction)
{
	u32 window = READ_ONCE(flow->tuple[direction].window);

	if (!window)
		return tcp_scales_known(flow) ? TCP_WINDOW : TCP_WINDOW << REWIRE_SCALE_MAX;
	return window << tcp_scale(flow, direction);
}

/*
 * Its sequence numbers: not beyond the receiver's window, where one byte is a
 * probe of a closed one, and not older than a whole window (retransmissions,
 * keep-alives).
 */
static bool tcp_sequence_fits(const struct rewire_flow *flow, u32 tracking,
			      enum rewire_direction direction,
			      const struct rewire_segment *segment)
{
	u32 end = segment->seq + segment->length, next, window;

	if (!(tracking & TRACKING_ACKED(!direction)))
		return true;
	next = READ_ONCE(flow->ack[!direction]);
	window = tcp_window(flow, !direction);
	return !rewire_seq_after(end, next + window + 1) &&
	       !rewire_seq_before(end, next - max(window, TCP_WINDOW));
}

/*
 * Its acknowledgment: of what was sent, and not older than a whole window (RFC
 * 5961, 5). What was sent before a flow was picked up is not known.
 */
static bool tcp_ack_fits(const struct rewire_flow *flow, u32 tracking,
			 enum rewire_direction direction, const struct rewire_segment *segment)
{
	u32 window = tcp_window(flow, direction), sent;

	if (tracking & TRACKING_SENT(!direction)) {
		sent = READ_ONCE(flow->end[!direction]);
		if (rewire_seq_after(segment->ack, tcp_scales_known(flow) ? sent : sent + window))
			return false;
	}
	return !(tracking & TRACKING_ACKED(direction)) ||
	       !rewire_seq_before(segment->ack, READ_ONCE(flow->ack[direction]) - window);
}

/* Whether it acknowledges a SYN, and maybe some data that came with it. */
static bool tcp_acks_syn(const struct rewire_flow *flow, const struct rewire_segment *segment)
{
	return segment->flags & REWIRE_TCP_ACK &&
	       READ_ONCE(flow->end[REWIRE_ORIG]) - segment->ack <= TCP_WINDOW;
}

/*
 * A reset counts if its number is exactly the next one that its receiver expects
 * (RFC 5961, 3): the one that has been acknowledged, or if what was sent has
 * arrived, the next one of its sender. In the window, but not so, it makes its
 * receiver ask, and the answer will be exact. In SYN-SENT, it has to acknowledge
 * the SYN (RFC 9293, 3.10.7.3).
 */
static enum rewire_tcp_check tcp_check_reset(const struct rewire_flow *flow, u32 tracking,
					     enum rewire_direction direction,
					     const struct rewire_segment *segment)
{
	bool acked = tracking & TRACKING_ACKED(!direction);
	bool sent = tracking & TRACKING_SENT(direction);
	u32 next = READ_ONCE(flow->ack[!direction]);

	if (rewire_tracking_state(tracking) == REWIRE_FLOW_STATE_SYN_SENT &&
	    direction == REWIRE_REPLY)
		return tcp_acks_syn(flow, segment) ? REWIRE_TCP_VALID : REWIRE_TCP_RESET;
	if ((acked && segment->seq == next) ||
	    (sent && segment->seq == READ_ONCE(flow->end[direction])) || (!acked && !sent))
		return REWIRE_TCP_VALID;
	if (acked && (rewire_seq_before(segment->seq, next) ||
		      rewire_seq_after(segment->seq, next + tcp_window(flow, !direction))))
		return REWIRE_TCP_RESET;
	return REWIRE_TCP_IGNORED;
}

static enum rewire_tcp_check tcp_check_syn_sent(const struct rewire_flow *flow,
						enum rewire_direction direction,
						const struct rewire_segment *segment)
{
	/* An old half of a connection makes its receiver reset it (RFC 9293, 3.5.1). */
	if (!(segment->flags & REWIRE_TCP_SYN))
		return REWIRE_TCP_IGNORED;
	if (direction == REWIRE_REPLY && segment->flags & REWIRE_TCP_ACK &&
	    !tcp_acks_syn(flow, segment))
		return REWIRE_TCP_IGNORED;
	return REWIRE_TCP_VALID;
}

static enum rewire_tcp_check tcp_check_numbers(const struct rewire_flow *flow, u32 tracking,
					       enum rewire_direction direction,
					       const struct rewire_segment *segment)
{
	if (!tcp_sequence_fits(flow, tracking, direction, segment))
		return REWIRE_TCP_WINDOW;
	if (segment->flags & REWIRE_TCP_ACK)
		return tcp_ack_fits(flow, tracking, direction, segment) ? REWIRE_TCP_VALID :
									  REWIRE_TCP_WINDOW;
	/* But for a SYN, there is none without an acknowledgment (RFC 9293, 3.10.7.4). */
	return segment->flags & REWIRE_TCP_SYN ? REWIRE_TCP_VALID : REWIRE_TCP_WINDOW;
}

/*
 * A SYN on a connection that is there. It resets nothing: its receiver asks (RFC
 * 5961, 4). When one end has closed and the other has forgotten the connection,
 * both may agree on a new one.
 */
static enum rewire_tcp_check tcp_check_syn(const struct rewire_flow *flow, u32 tracking,
					   enum rewire_direction direction,
					   const struct rewire_segment *segment)
{
	enum rewire_tcp_check check;

	switch (rewire_tracking_state(tracking)) {
	case REWIRE_FLOW_STATE_ESTABLISHED:
		if (rewire_segment_opens(segment))
			return REWIRE_TCP_SYN_AGAIN;
		break;
	case REWIRE_FLOW_STATE_FIN_WAIT:
		if (rewire_segment_opens(segment))
			return direction == REWIRE_ORIG ? REWIRE_TCP_VALID : REWIRE_TCP_IGNORED;
		if (direction == REWIRE_REPLY && tracking & TRACKING_SYN)
			return REWIRE_TCP_VALID;
		break;
	default:
		if (rewire_segment_opens(segment))
			return REWIRE_TCP_IGNORED;
	}
	check = tcp_check_numbers(flow, tracking, direction, segment);
	return check == REWIRE_TCP_VALID ? REWIRE_TCP_IGNORED : check;
}

/**
 * rewire_tcp_check() - what a segment means to a connection
 * @flow: the connection
 * @direction: of the segment
 * @segment: the segment
 */
enum rewire_tcp_check rewire_tcp_check(const struct rewire_flow *flow,
				       enum rewire_direction direction,
				       const struct rewire_segment *segment)
{
	u32 tracking = READ_ONCE(flow->tracking);

	smp_rmb();	/* pairs with setting SENT and ACKED after what they stand for */
	if (segment->flags & REWIRE_TCP_RST)
		return tcp_check_reset(flow, tracking, direction, segment);
	switch (rewire_tracking_state(tracking)) {
	case REWIRE_FLOW_STATE_SYN_SENT:
		return tcp_check_syn_sent(flow, direction, segment);
	case REWIRE_FLOW_STATE_UNREPLIED:
		if (segment->flags & REWIRE_TCP_SYN)
			return REWIRE_TCP_VALID;
		break;
	case REWIRE_FLOW_STATE_SYN_RECEIVED:
		break;
	default:
		if (segment->flags & REWIRE_TCP_SYN)
			return tcp_check_syn(flow, tracking, direction, segment);
	}
	return tcp_check_numbers(flow, tracking, direction, segment);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Connection tracking, as an observer between both ends sees it (RFC 9293).
 *
 * The tracking word of a flow holds the state in its low byte and, above it, what
 * else is remembered as bits. It is replaced as a whole, so two CPUs that see a
 * segment each never mix their states. Sequence numbers have words of their own,
 * which only grow; the bits SENT and ACKED say that they are known, and are set
 * after them. Which segments count is decided in tcp_check.c.
 */
#include "tcp.h"
#include "tracking.h"

static u32 tracking_to(u32 tracking, enum rewire_flow_state state)
{
	return (tracking & ~TRACKING_STATE) | state;
}

/* The state of a connection whose FINs are these. */
static u32 tracking_by_fins(u32 tracking)
{
	u32 fins = tracking & (TRACKING_FIN(REWIRE_ORIG) | TRACKING_FIN(REWIRE_REPLY));

	if (!fins)
		return tracking_to(tracking, REWIRE_FLOW_STATE_ESTABLISHED);
	if (fins & (fins - 1))
		return tracking_to(tracking, REWIRE_FLOW_STATE_LAST_ACK);
	return tracking_to(tracking, REWIRE_FLOW_STATE_FIN_WAIT);
}

/*
 * The other end may not have accepted a reset (RFC 5961). When both ends go on
 * talking after it, the connection lives.
 */
static u32 tracking_after_reset(u32 tracking, enum rewire_direction direction)
{
	tracking |= TRACKING_ALIVE(direction);
	if (!(tracking & TRACKING_ALIVE(!direction)))
		return tracking;
	tracking &= ~(TRACKING_ALIVE(REWIRE_ORIG) | TRACKING_ALIVE(REWIRE_REPLY));
	return tracking_by_fins(tracking);
}

/* Both ends have to acknowledge the other's SYN; when nothing is checked, it is the first. */
static u32 tracking_established(u32 tracking, enum rewire_direction direction)
{
	bool both = tracking & TRACKING_ACKED(REWIRE_ORIG) &&
		    tracking & TRACKING_ACKED(REWIRE_REPLY);

	if (!(tracking & TRACKING_SENT(!direction)))
		both = direction == REWIRE_ORIG;
	return both ? tracking_to(tracking, REWIRE_FLOW_STATE_ESTABLISHED) : tracking;
}

static u32 tracking_ack(u32 tracking, enum rewire_direction direction, bool all)
{
	switch (rewire_tracking_state(tracking)) {
	case REWIRE_FLOW_STATE_UNREPLIED:
		/* Picked up in the middle: lives once both ends were heard. */
		if (direction == REWIRE_REPLY)
			return tracking_to(tracking, REWIRE_FLOW_STATE_ESTABLISHED);
		return tracking;
	case REWIRE_FLOW_STATE_SYN_RECEIVED:
		return tracking_established(tracking, direction);
	case REWIRE_FLOW_STATE_LAST_ACK:
		if (all && !(tracking & TRACKING_LAST_FIN(direction)))
			return tracking_to(tracking, REWIRE_FLOW_STATE_TIME_WAIT);
		return tracking;
	case REWIRE_FLOW_STATE_CLOSED:
		return tracking_after_reset(tracking, direction);
	default:
		return tracking;
	}
}

static u32 tracking_fin(u32 tracking, enum rewire_direction direction, bool all)
{
	/* Sent once more, it still acknowledges. */
	if (tracking & TRACKING_FIN(direction))
		return tracking_ack(tracking, direction, all);
	tracking |= TRACKING_FIN(direction);
	if (tracking & TRACKING_FIN(!direction))
		tracking |= TRACKING_LAST_FIN(direction);
	if (rewire_tracking_state(tracking) == REWIRE_FLOW_STATE_CLOSED)
		return tracking_after_reset(tracking, direction);
	return tracking_by_fins(tracking);
}

/* A SYN that rewire_tcp_check() has let by. */
static u32 tracking_syn(u32 tracking, enum rewire_direction direction, u8 flags)
{
	u32 known = TRACKING_SENT(direction) |
		    (flags & REWIRE_TCP_ACK ? TRACKING_ACKED(direction) : 0);

	switch (rewire_tracking_state(tracking)) {
	case REWIRE_FLOW_STATE_UNREPLIED:
		tracking |= known;
		if (direction == REWIRE_ORIG && !(flags & REWIRE_TCP_ACK))
			return tracking_to(tracking, REWIRE_FLOW_STATE_SYN_SENT);
		return tracking;
	case REWIRE_FLOW_STATE_SYN_SENT:
		/* A SYN without ACK is a simultaneous open (RFC 9293, 3.5). */
		tracking |= known;
		if (direction == REWIRE_REPLY)
			return tracking_to(tracking, REWIRE_FLOW_STATE_SYN_RECEIVED);
		return tracking;
	case REWIRE_FLOW_STATE_SYN_RECEIVED:
		return tracking_established(tracking | known, direction);
	case REWIRE_FLOW_STATE_FIN_WAIT:
		if (direction == REWIRE_ORIG)
			return tracking | TRACKING_SYN;
		if (flags & REWIRE_TCP_ACK)
			return REWIRE_FLOW_STATE_SYN_RECEIVED | known |
			       (tracking & TRACKING_COUNTED);
		return tracking;
	default:
		return tracking;
	}
}

/* Whether it begins a sequence of numbers, which has nothing to do with those known. */
static bool tracking_begins(u32 tracking, enum rewire_direction direction,
			    const struct rewire_segment *segment)
{
	if (!(segment->flags & REWIRE_TCP_SYN))
		return false;
	switch (rewire_tracking_state(tracking)) {
	case REWIRE_FLOW_STATE_UNREPLIED:
	case REWIRE_FLOW_STATE_SYN_SENT:
		return true;
	case REWIRE_FLOW_STATE_FIN_WAIT:
		return direction == REWIRE_REPLY;
	default:
		return false;
	}
}

/* State after a segment that rewire_tcp_check() has let by. */
static u32 tracking_next(u32 tracking, enum rewire_direction direction, u8 flags, bool all)
{
	if (flags & REWIRE_TCP_RST)
		return tracking_to(tracking & ~(TRACKING_ALIVE(REWIRE_ORIG) |
						TRACKING_ALIVE(REWIRE_REPLY)),
				   REWIRE_FLOW_STATE_CLOSED);
	if (flags & REWIRE_TCP_SYN)
		return tracking_syn(tracking, direction, flags);
	tracking |= TRACKING_SENT(direction);
	if (flags & REWIRE_TCP_ACK)
		tracking |= TRACKING_ACKED(direction);
	if (flags & REWIRE_TCP_FIN)
		return tracking_fin(tracking, direction, all);
	if (flags & REWIRE_TCP_ACK)
		return tracking_ack(tracking, direction, all);
	return tracking;
}

/* Let a word grow to a sequence number. Ends: others let it grow, too. */
static void tracking_advance(u32 *word, bool known, u32 to)
{
	u32 old = READ_ONCE(*word), seen;

	if (!known) {
		WRITE_ONCE(*word, to);
		return;
	}
	while (rewire_seq_after(to, old)) {
		seen = cmpxchg(word, old, to);
		if (seen == old)
			break;
		old = seen;
	}
}

/*
 * Learn windows. Of two CPUs that see a larger one at once, one may not be heard:
 * the next segment says it again.
 */
static void tracking_learn_window(struct rewire_flow *flow, enum rewire_direction direction,
				  const struct rewire_segment *segment, bool begins)
{
	struct rewire_tuple *tuple = &flow->tuple[direction];

	if (begins) {
		WRITE_ONCE(tuple->scale, segment->scale);
		WRITE_ONCE(tuple->window, 0);	/* that of a SYN is not scaled */
	} else if (!(segment->flags & REWIRE_TCP_SYN) &&
		   segment->window > READ_ONCE(tuple->window)) {
		WRITE_ONCE(tuple->window, segment->window);
	}
}

/* Learn from a segment that counts, before the tracking word says so. */
static void tracking_learn(struct rewire_flow *flow, u32 tracking, enum rewire_direction direction,
			   const struct rewire_segment *segment)
{
	bool begins = tracking_begins(tracking, direction, segment);

	if (begins || !(segment->flags & REWIRE_TCP_SYN))
		tracking_advance(&flow->end[direction],
				 !begins && tracking & TRACKING_SENT(direction),
			    segment->seq + segment->length);
	if (segment->flags & REWIRE_TCP_ACK) {
		tracking_advance(&flow->ack[direction],
				 !begins && tracking & TRACKING_ACKED(direction), segment->ack);
		/* What it acknowledges was sent, if past us, before the flow was picked up. */
		if (tracking & TRACKING_SENT(!direction))
			tracking_advance(&flow->end[!direction], true, segment->ack);
	}
	tracking_learn_window(flow, direction, segment, begins);
	/* The scale that the other end has asked for this time passed unseen. */
	if (begins && rewire_tracking_state(tracking) == REWIRE_FLOW_STATE_FIN_WAIT)
		WRITE_ONCE(flow->tuple[!direction].scale, REWIRE_SCALE_UNKNOWN);
}

/* Whether a segment acknowledges all that the other end is known to have sent. */
static bool tracking_acknowledges_all(const struct rewire_flow *flow, u32 tracking,
				      enum rewire_direction direction,
				 const struct rewire_segment *segment)
{
	return !(tracking & TRACKING_SENT(!direction)) ||
	       segment->ack == READ_ONCE(flow->end[!direction]);
}

/**
 * rewire_tcp_track() - a segment goes by
 * @flow: its flow
 * @direction: its direction
 * @segment: the segment
 * @mode: of the flow's policy; when it is off, any segment counts
 * @from: out: the tracking word that was replaced
 * @to: out: by which
 *
 * Return: whether it was.
 */
bool rewire_tcp_track(struct rewire_flow *flow, enum rewire_direction direction,
		      const struct rewire_segment *segment, enum rewire_tcp_mode mode,
		      u32 *from, u32 *to)
{
	u32 old = READ_ONCE(flow->tracking), new, seen;
	bool observe = mode != REWIRE_TCP_MODE_OFF, all = true;

	if (observe) {
		if (rewire_tcp_check(flow, direction, segment) != REWIRE_TCP_VALID)
			return false;
		if (!(segment->flags & REWIRE_TCP_RST))
			tracking_learn(flow, old, direction, segment);
	}
	for (;;) {
		if (observe)
			all = tracking_acknowledges_all(flow, old, direction, segment);
		new = tracking_next(old, direction, segment->flags, all);
		if (!observe)
			new &= ~TRACKING_KNOWN;
		if (new == old)
			return false;
		seen = cmpxchg(&flow->tracking, old, new);
		if (seen == old)
			break;
		old = seen;
	}
	*from = old;
	*to = new;
	return true;
}

/**
 * rewire_tcp_refuses() - whether a segment must not pass under a strict policy
 * @flow: its flow
 * @direction: its direction
 * @segment: the segment
 * @reason: out: why
 */
bool rewire_tcp_refuses(const struct rewire_flow *flow, enum rewire_direction direction,
			const struct rewire_segment *segment, enum rewire_reason *reason)
{
	switch (rewire_tcp_check(flow, direction, segment)) {
	case REWIRE_TCP_WINDOW:
		*reason = REWIRE_REASON_DROP_TCP_WINDOW;
		return true;
	case REWIRE_TCP_RESET:
		*reason = REWIRE_REASON_DROP_TCP_RESET;
		return true;
	case REWIRE_TCP_SYN_AGAIN:
		*reason = REWIRE_REASON_DROP_TCP_SYN;
		return true;
	default:
		return false;
	}
}

/**
 * rewire_tcp_reuses() - whether a segment begins a new connection on the
 *	addresses and ports of one that is closing
 * @tracking: state of the one that is there
 * @segment: the segment
 */
bool rewire_tcp_reuses(u32 tracking, const struct rewire_segment *segment)
{
	if (!rewire_segment_opens(segment))
		return false;
	switch (rewire_tracking_state(tracking)) {
	case REWIRE_FLOW_STATE_LAST_ACK:
	case REWIRE_FLOW_STATE_TIME_WAIT:
	case REWIRE_FLOW_STATE_CLOSED:
		return true;
	default:
		return false;
	}
}

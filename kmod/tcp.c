// SPDX-License-Identifier: GPL-2.0
/*
 * Connection tracking, as an observer between both ends sees it (RFC 9293).
 *
 * The tracking word of a flow holds the state in its low byte and, above it,
 * what TCP needs to remember. It is replaced as a whole, so two CPUs that see a
 * packet each never mix their states. Nothing here touches the flow itself.
 */
#include <linux/bits.h>

#include "flow.h"

#define TCP_FIN	BIT(0)
#define TCP_SYN	BIT(1)
#define TCP_RST	BIT(2)
#define TCP_ACK	BIT(4)

#define TRACKING_STATE		GENMASK(7, 0)
#define TRACKING_FIN(d)		BIT(8 + (d))	/* this side has sent its FIN */
#define TRACKING_LAST_FIN(d)	BIT(10 + (d))	/* and was the second to do so */
#define TRACKING_ALIVE(d)	BIT(12 + (d))	/* has sent on after a reset */

static u32 tracking_to(u32 tracking, enum rewire_flow_state state)
{
	return (tracking & ~TRACKING_STATE) | state;
}

static u32 tcp_fin(u32 tracking, enum rewire_direction direction)
{
	if ((tracking & TRACKING_FIN(direction)) ||
	    rewire_tracking_state(tracking) == REWIRE_FLOW_STATE_CLOSED)
		return tracking;
	tracking |= TRACKING_FIN(direction);
	if (!(tracking & TRACKING_FIN(!direction)))
		return tracking_to(tracking, REWIRE_FLOW_STATE_FIN_WAIT);
	tracking |= TRACKING_LAST_FIN(direction);
	return tracking_to(tracking, REWIRE_FLOW_STATE_LAST_ACK);
}

/*
 * A reset may be forged, or the other end may not accept it (RFC 5961). When
 * both ends go on talking after it, the connection lives.
 */
static u32 tcp_after_reset(u32 tracking, enum rewire_direction direction)
{
	tracking |= TRACKING_ALIVE(direction);
	if (!(tracking & TRACKING_ALIVE(!direction)))
		return tracking;
	return REWIRE_FLOW_STATE_ESTABLISHED;
}

static u32 tcp_ack(u32 tracking, enum rewire_direction direction)
{
	switch (rewire_tracking_state(tracking)) {
	case REWIRE_FLOW_STATE_UNREPLIED:
		/* Picked up in the middle: lives once both ends were heard. */
		if (direction == REWIRE_REPLY)
			return tracking_to(tracking, REWIRE_FLOW_STATE_ESTABLISHED);
		return tracking;
	case REWIRE_FLOW_STATE_SYN_RECEIVED:
		if (direction == REWIRE_ORIG)
			return tracking_to(tracking, REWIRE_FLOW_STATE_ESTABLISHED);
		return tracking;
	case REWIRE_FLOW_STATE_LAST_ACK:
		if (!(tracking & TRACKING_LAST_FIN(direction)))
			return tracking_to(tracking, REWIRE_FLOW_STATE_TIME_WAIT);
		return tracking;
	case REWIRE_FLOW_STATE_CLOSED:
		return tcp_after_reset(tracking, direction);
	default:
		return tracking;
	}
}

static u32 tcp_syn(u32 tracking, enum rewire_direction direction, u8 flags)
{
	switch (rewire_tracking_state(tracking)) {
	case REWIRE_FLOW_STATE_UNREPLIED:
		if (direction == REWIRE_ORIG && !(flags & TCP_ACK))
			return tracking_to(tracking, REWIRE_FLOW_STATE_SYN_SENT);
		return tracking;
	case REWIRE_FLOW_STATE_SYN_SENT:
		/* A SYN without ACK is a simultaneous open (RFC 9293, 3.5). */
		if (direction == REWIRE_REPLY)
			return tracking_to(tracking, REWIRE_FLOW_STATE_SYN_RECEIVED);
		return tracking;
	case REWIRE_FLOW_STATE_FIN_WAIT:
		/* Only a new connection is answered so: the old one was forgotten. */
		if (direction == REWIRE_REPLY && (flags & TCP_ACK))
			return REWIRE_FLOW_STATE_SYN_RECEIVED;
		return tracking;
	default:
		return tracking;
	}
}

/**
 * rewire_tcp_next() - state after a packet
 * @tracking: state before it
 * @direction: of the packet
 * @flags: of its TCP header
 */
u32 rewire_tcp_next(u32 tracking, enum rewire_direction direction, u8 flags)
{
	if (flags & TCP_RST)
		return REWIRE_FLOW_STATE_CLOSED;
	if (flags & TCP_SYN)
		return tcp_syn(tracking, direction, flags);
	if (flags & TCP_FIN)
		return tcp_fin(tracking, direction);
	if (flags & TCP_ACK)
		return tcp_ack(tracking, direction);
	return tracking;
}

/**
 * rewire_tcp_reuses() - whether a packet begins a new connection on the
 *	addresses and ports of one that is closing
 * @tracking: state of the one that is there
 * @flags: of the packet's TCP header
 */
bool rewire_tcp_reuses(u32 tracking, u8 flags)
{
	if ((flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) != TCP_SYN)
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

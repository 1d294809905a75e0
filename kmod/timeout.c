// SPDX-License-Identifier: GPL-2.0
/* Idle times of flows. */
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/jiffies.h>
#include <linux/math64.h>

#include "timeout.h"

/*
 * UDP: RFC 4787 REQ-5, ICMP: RFC 5508 REQ-2, TCP: RFC 5382 REQ-5, at least 2
 * hours 4 minutes when established, 4 minutes when opening or closing; and RFC
 * 7857 section 2.2, 4 minutes after a reset. Others: as UDP.
 */
const u32 rewire_timeouts[REWIRE_A_TIMEOUTS_MAX + 1] = {
	[REWIRE_A_TIMEOUTS_TCP_UNREPLIED]	= 240 * HZ,
	[REWIRE_A_TIMEOUTS_TCP_SYN_SENT]	= 240 * HZ,
	[REWIRE_A_TIMEOUTS_TCP_SYN_RECEIVED]	= 240 * HZ,
	[REWIRE_A_TIMEOUTS_TCP_ESTABLISHED]	= 7440 * HZ,
	[REWIRE_A_TIMEOUTS_TCP_FIN_WAIT]	= 240 * HZ,
	[REWIRE_A_TIMEOUTS_TCP_LAST_ACK]	= 240 * HZ,
	[REWIRE_A_TIMEOUTS_TCP_TIME_WAIT]	= 240 * HZ,
	[REWIRE_A_TIMEOUTS_TCP_CLOSED]		= 240 * HZ,
	[REWIRE_A_TIMEOUTS_UDP_UNREPLIED]	= 120 * HZ,
	[REWIRE_A_TIMEOUTS_UDP_REPLIED]		= 300 * HZ,
	[REWIRE_A_TIMEOUTS_ICMP]		= 60 * HZ,
	[REWIRE_A_TIMEOUTS_OTHER_UNREPLIED]	= 120 * HZ,
	[REWIRE_A_TIMEOUTS_OTHER_REPLIED]	= 300 * HZ,
};

static unsigned int rewire_timeout_tcp(enum rewire_flow_state state)
{
	switch (state) {
	case REWIRE_FLOW_STATE_SYN_SENT:
		return REWIRE_A_TIMEOUTS_TCP_SYN_SENT;
	case REWIRE_FLOW_STATE_SYN_RECEIVED:
		return REWIRE_A_TIMEOUTS_TCP_SYN_RECEIVED;
	case REWIRE_FLOW_STATE_ESTABLISHED:
		return REWIRE_A_TIMEOUTS_TCP_ESTABLISHED;
	case REWIRE_FLOW_STATE_FIN_WAIT:
		return REWIRE_A_TIMEOUTS_TCP_FIN_WAIT;
	case REWIRE_FLOW_STATE_LAST_ACK:
		return REWIRE_A_TIMEOUTS_TCP_LAST_ACK;
	case REWIRE_FLOW_STATE_TIME_WAIT:
		return REWIRE_A_TIMEOUTS_TCP_TIME_WAIT;
	case REWIRE_FLOW_STATE_CLOSED:
		return REWIRE_A_TIMEOUTS_TCP_CLOSED;
	default:
		return REWIRE_A_TIMEOUTS_TCP_UNREPLIED;
	}
}

/* Which of a policy's timeouts counts. */
unsigned int rewire_timeout_of(u8 protocol, enum rewire_flow_state state)
{
	bool replied = state == REWIRE_FLOW_STATE_REPLIED;

	switch (protocol) {
	case IPPROTO_TCP:
		return rewire_timeout_tcp(state);
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return replied ? REWIRE_A_TIMEOUTS_UDP_REPLIED : REWIRE_A_TIMEOUTS_UDP_UNREPLIED;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return REWIRE_A_TIMEOUTS_ICMP;
	default:
		return replied ? REWIRE_A_TIMEOUTS_OTHER_REPLIED :
				 REWIRE_A_TIMEOUTS_OTHER_UNREPLIED;
	}
}

/**
 * rewire_timeout_scale() - how much of its timeout an idle flow may still have
 * @flows: that there are
 * @soft: so many have the whole; 0: any number
 * @hard: so many there may be, more than @soft
 *
 * Return: from REWIRE_TIMEOUT_LEAST to REWIRE_TIMEOUT_WHOLE, which is all of it.
 */
u32 rewire_timeout_scale(u32 flows, u32 soft, u32 hard)
{
	if (!soft || flows <= soft)
		return REWIRE_TIMEOUT_WHOLE;
	if (flows >= hard)
		return REWIRE_TIMEOUT_LEAST;
	return REWIRE_TIMEOUT_LEAST + div_u64((u64)(REWIRE_TIMEOUT_WHOLE - REWIRE_TIMEOUT_LEAST) *
					      (hard - flows), hard - soft);
}

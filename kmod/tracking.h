/* SPDX-License-Identifier: GPL-2.0 */
/* The tracking word of a flow, see tcp.c; of other protocols, the state and one bit. */
#ifndef REWIRE_TRACKING_H
#define REWIRE_TRACKING_H

#include <linux/bits.h>
#include <linux/types.h>

#define TRACKING_STATE		GENMASK(7, 0)	/* enum rewire_flow_state */
#define TRACKING_FIN(d)		BIT(8 + (d))	/* this side has sent its FIN */
#define TRACKING_LAST_FIN(d)	BIT(10 + (d))	/* and was the second to do so */
#define TRACKING_ALIVE(d)	BIT(12 + (d))	/* has sent on after a reset */
#define TRACKING_SENT(d)	BIT(14 + (d))	/* flow->end of this side is known */
#define TRACKING_ACKED(d)	BIT(16 + (d))	/* flow->ack of this side is known */
#define TRACKING_SYN		BIT(18)		/* a SYN on a half-closed connection */
#define TRACKING_COUNTED	BIT(19)		/* of any protocol, see live.c */
#define TRACKING_KNOWN		GENMASK(17, 14)

/* Sequence numbers wrap; none is more than half the circle away (RFC 9293, 3.4). */
static inline bool rewire_seq_after(u32 a, u32 b)
{
	return (s32)(a - b) > 0;
}

static inline bool rewire_seq_before(u32 a, u32 b)
{
	return (s32)(a - b) < 0;
}

#endif /* REWIRE_TRACKING_H */

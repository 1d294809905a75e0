/* SPDX-License-Identifier: GPL-2.0 */
/* Idle times of flows. */
#ifndef REWIRE_TIMEOUT_H
#define REWIRE_TIMEOUT_H

#include <linux/jiffies.h>
#include <linux/types.h>
#include <uapi/linux/rewire.h>

/* In jiffies; beyond it, the arithmetic of idle times would wrap. */
#define REWIRE_TIMEOUT_MAX	(INT_MAX / 2UL)

/* In jiffies, by REWIRE_A_TIMEOUTS_: what counts if no policy says otherwise. */
extern const u32 rewire_timeouts[REWIRE_A_TIMEOUTS_MAX + 1];

/* What is left of a timeout at the hard limit of flows, and the whole of it. */
#define REWIRE_TIMEOUT_LEAST	1U
#define REWIRE_TIMEOUT_WHOLE	16U

/* A flow's time stamp is written so often; its last packet may be so much younger. */
#define REWIRE_STAMP_PERIOD	(HZ / 4)

/* Return: jiffies since. Another CPU may have seen a packet later than our jiffies. */
static inline u32 rewire_idle_since(u32 now, u32 last_seen)
{
	u32 idle = now - last_seen;

	return (s32)idle > 0 ? idle : 0;
}

static inline bool rewire_idle_exceeds(u32 idle, unsigned long timeout)
{
	return idle > REWIRE_STAMP_PERIOD && idle - REWIRE_STAMP_PERIOD > timeout;
}

u32 rewire_timeout_scale(u32 flows, u32 soft, u32 hard);
unsigned int rewire_timeout_of(u8 protocol, enum rewire_flow_state state);

#endif /* REWIRE_TIMEOUT_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* Idle times of flows. */
#ifndef REWIRE_TIMEOUT_H
#define REWIRE_TIMEOUT_H

#include <linux/types.h>
#include <uapi/linux/rewire.h>

/* In jiffies; beyond it, the arithmetic of idle times would wrap. */
#define REWIRE_TIMEOUT_MAX	(INT_MAX / 2UL)

/* In jiffies, by REWIRE_A_TIMEOUTS_: what counts if no policy says otherwise. */
extern const u32 rewire_timeouts[REWIRE_A_TIMEOUTS_MAX + 1];

unsigned int rewire_timeout_of(u8 protocol, enum rewire_flow_state state);

#endif /* REWIRE_TIMEOUT_H */

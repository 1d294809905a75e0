/* SPDX-License-Identifier: GPL-2.0 */
/* How unusual a packet looks that has no flow. */
#ifndef REWIRE_SUSPICION_H
#define REWIRE_SUSPICION_H

#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include <uapi/linux/rewire.h>

#include "packet.h"

struct rewire_net;

#define REWIRE_SUSPICION_ATTRIBUTES	__REWIRE_SUSPICION_ATTRIBUTE_MAX
#define REWIRE_SUSPICION_VALUES		16
#define REWIRE_SUSPICION_PREFIXES	1024
#define REWIRE_SUSPICION_LESSONS	8	/* of a prefix in an interval */
#define REWIRE_SUSPICION_WEIGHT		1048576U	/* of what was never seen */

/**
 * struct rewire_suspicion_counts - what one CPU has seen
 * @seen: packets, by attribute and value; grows for ever, and wraps
 */
struct rewire_suspicion_counts {
	u32 seen[REWIRE_SUSPICION_ATTRIBUTES][REWIRE_SUSPICION_VALUES];
};

/**
 * struct rewire_suspicion - what is unusual in a namespace
 * @ns: the namespace
 * @counts: per CPU
 * @taken: of @counts, what is in @history
 * @history: how often each value was seen, older sights counting less
 * @weight: of each value; value 0 is what is expected, and weighs nothing
 * @pinned: bits of values whose weight was set by hand
 * @lessons: packets of a prefix that were learned from in this interval
 * @enabled: whether packets are scored
 * @interval: between two refreshes, in milliseconds
 * @refresh: computes the weights, while there is any history, or packets are held
 *
 * Packets read weights and write counters without a lock. All else is of the refresh
 * and of requests, under the namespace's lock.
 */
struct rewire_suspicion {
	struct rewire_net *ns;
	struct rewire_suspicion_counts __percpu *counts;
	u32 taken[REWIRE_SUSPICION_ATTRIBUTES][REWIRE_SUSPICION_VALUES];
	u32 history[REWIRE_SUSPICION_ATTRIBUTES][REWIRE_SUSPICION_VALUES];
	u32 weight[REWIRE_SUSPICION_ATTRIBUTES][REWIRE_SUSPICION_VALUES];
	u16 pinned[REWIRE_SUSPICION_ATTRIBUTES];
	u8 lessons[REWIRE_SUSPICION_PREFIXES];
	bool enabled;
	u32 interval;
	struct delayed_work refresh;
};

int rewire_suspicion_init(struct rewire_net *ns);
void rewire_suspicion_exit(struct rewire_net *ns);
u32 rewire_suspicion_score(struct rewire_net *ns, const struct sk_buff *skb,
			   const struct rewire_packet *packet);
u8 rewire_suspicion_band(u32 score);
void rewire_suspicion_refresh(struct rewire_suspicion *suspicion);

/* Of what was seen so often; the rarer, the more. */
static inline u32 rewire_suspicion_weight(u32 seen)
{
	return REWIRE_SUSPICION_WEIGHT / (seen + 1);
}

#endif /* REWIRE_SUSPICION_H */

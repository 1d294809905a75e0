/* SPDX-License-Identifier: GPL-2.0 */
/* Live flows by class, counted as they come, change and go. */
#ifndef REWIRE_LIVE_H
#define REWIRE_LIVE_H

#include <linux/atomic.h>

struct rewire_flow;
struct rewire_net;
struct rewire_quota;

/**
 * enum rewire_class - how little is lost when a flow ends early
 * @REWIRE_CLASS_HALF_OPEN: TCP of which both ends were not yet heard
 * @REWIRE_CLASS_CLOSING: TCP that is closing, or closed
 * @REWIRE_CLASS_ONE_WAY: other protocols, unreplied; drop and pass entries
 * @REWIRE_CLASS_TWO_WAY: other protocols, replied
 * @REWIRE_CLASS_ESTABLISHED: TCP
 * @REWIRE_CLASSES: how many there are
 */
enum rewire_class {
	REWIRE_CLASS_HALF_OPEN,
	REWIRE_CLASS_CLOSING,
	REWIRE_CLASS_ONE_WAY,
	REWIRE_CLASS_TWO_WAY,
	REWIRE_CLASS_ESTABLISHED,
	REWIRE_CLASSES,
};

/**
 * struct rewire_live - how many flows there are
 * @flows: by enum rewire_class
 */
struct rewire_live {
	atomic_t flows[REWIRE_CLASSES];
};

void rewire_live_begin(struct rewire_net *ns, struct rewire_flow *flow);
void rewire_live_change(struct rewire_quota *limit, const struct rewire_flow *flow, u32 from,
			u32 to);
void rewire_live_end(struct rewire_net *ns, struct rewire_flow *flow);

#endif /* REWIRE_LIVE_H */

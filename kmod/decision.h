/* SPDX-License-Identifier: GPL-2.0 */
/* Which of the daemon's decisions have been carried out. */
#ifndef REWIRE_DECISION_H
#define REWIRE_DECISION_H

#include <linux/spinlock.h>
#include <linux/types.h>

/* Decisions that may be under way: verdicts of a full message to each handler socket. */
#define REWIRE_DECISIONS	16384U

/**
 * struct rewire_decisions - numbers of decisions that verdicts had
 * @lock: protects all
 * @watermark: all up to this one are done
 * @newest: the highest
 * @done: bit by number modulo REWIRE_DECISIONS, of those above the watermark
 *
 * The daemon's threads number their decisions together, from 1 on, and send them each
 * on its own, so they come out of order.
 */
struct rewire_decisions {
	spinlock_t lock;	/* watermark, newest, done */
	u64 watermark;
	u64 newest;
	unsigned long *done;
};

int rewire_decisions_init(struct rewire_decisions *decisions);
void rewire_decisions_exit(struct rewire_decisions *decisions);
void rewire_decision_done(struct rewire_decisions *decisions, u64 number);
void rewire_decisions_settle(struct rewire_decisions *decisions, u64 number);
void rewire_decisions_read(struct rewire_decisions *decisions, u64 *watermark, u64 *newest);

#endif /* REWIRE_DECISION_H */

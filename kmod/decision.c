// SPDX-License-Identifier: GPL-2.0
/*
 * The watermark of decisions: all up to it have been carried out, or have failed. Who
 * reads it, and then counts what there is, has counted what they made.
 */
#include <linux/bitmap.h>

#include "decision.h"

int rewire_decisions_init(struct rewire_decisions *decisions)
{
	spin_lock_init(&decisions->lock);
	decisions->done = bitmap_zalloc(REWIRE_DECISIONS, GFP_KERNEL_ACCOUNT);
	return decisions->done ? 0 : -ENOMEM;
}

void rewire_decisions_exit(struct rewire_decisions *decisions)
{
	bitmap_free(decisions->done);
}

/* Go up as far as there is no gap. */
static void rewire_decisions_rise(struct rewire_decisions *decisions)
{
	lockdep_assert_held(&decisions->lock);
	while (__test_and_clear_bit((decisions->watermark + 1) % REWIRE_DECISIONS,
				    decisions->done))
		decisions->watermark++;
}

/**
 * rewire_decision_done() - a verdict has taken effect, or failed
 * @decisions: of the namespace
 * @number: of the decision; 0, it has none
 *
 * What is too far above the watermark is forgotten, and the watermark stays below it:
 * it never claims too much. rewire_decisions_settle() helps.
 */
void rewire_decision_done(struct rewire_decisions *decisions, u64 number)
{
	if (!number)
		return;
	spin_lock(&decisions->lock);
	decisions->newest = max(decisions->newest, number);
	if (number > decisions->watermark &&
	    number - decisions->watermark < REWIRE_DECISIONS) {
		__set_bit(number % REWIRE_DECISIONS, decisions->done);
		rewire_decisions_rise(decisions);
	}
	spin_unlock(&decisions->lock);
}

/* Wait for none up to this number any more. */
void rewire_decisions_settle(struct rewire_decisions *decisions, u64 number)
{
	unsigned int i;
	u64 gone;

	spin_lock(&decisions->lock);
	decisions->newest = max(decisions->newest, number);
	if (number > decisions->watermark) {
		gone = min_t(u64, number - decisions->watermark, REWIRE_DECISIONS);
		for (i = 0; i < gone; i++)
			__clear_bit((number - i) % REWIRE_DECISIONS, decisions->done);
		decisions->watermark = number;
		rewire_decisions_rise(decisions);
	}
	spin_unlock(&decisions->lock);
}

/* To be read before what the decisions made. */
void rewire_decisions_read(struct rewire_decisions *decisions, u64 *watermark, u64 *newest)
{
	spin_lock(&decisions->lock);
	*watermark = decisions->watermark;
	*newest = decisions->newest;
	spin_unlock(&decisions->lock);
}

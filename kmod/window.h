/* SPDX-License-Identifier: GPL-2.0 */
/* How many questions the daemon may have at a time. */
#ifndef REWIRE_WINDOW_H
#define REWIRE_WINDOW_H

#include <linux/types.h>

#define REWIRE_WINDOW_FEWEST	8U
#define REWIRE_WINDOW_LEVELS	7	/* each size is twice the one before: up to 512 */

/**
 * struct rewire_window - how many questions one queue may have at the daemon
 * @size: so many
 * @level: the place among the sizes of what is right
 * @trial: 1 or -1 when the next or the last size is tried instead
 * @answers: with @size
 * @took: time that the daemon took for these, in nanoseconds
 * @before: what the window before took
 * @doubled: what one of twice the size took, which was right; 0: none was tried
 * @answered: when the last answer was there
 * @steady: windows without a trial
 *
 * Of the queue, and under its lock.
 */
struct rewire_window {
	unsigned int size;
	int level;
	int trial;
	unsigned int answers;
	u64 took;
	u64 before;
	u64 doubled;
	u64 answered;
	unsigned int steady;
};

void rewire_window_init(struct rewire_window *window);
void rewire_window_learn(struct rewire_window *window, u64 sent, u64 now, bool full);

#endif /* REWIRE_WINDOW_H */

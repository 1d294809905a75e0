// SPDX-License-Identifier: GPL-2.0
/*
 * The window: how many questions the daemon has in hand, or before it.
 *
 * What waits in a daemon's socket waits in order of arrival, what waits here is served
 * fairly. So the daemon has no more than it answers in a moment. But an answer takes work,
 * which grows with the number of questions, and time to get to work, which does not: on a
 * busy machine that is many milliseconds, and who asks little at a time then gets few
 * answers. The two are told apart by trials of other sizes: twice as many questions are
 * right when they take hardly longer than the windows before and after.
 */
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "window.h"

/* What twice the questions may take more: were all of it work, a window takes twice that. */
#define REWIRE_WINDOW_MORE	(5 * NSEC_PER_MSEC)

/* A window that takes so many times as long as the one before is another daemon's. */
#define REWIRE_WINDOW_OTHER	4

/* Windows between two trials. */
#define REWIRE_WINDOW_STEADY	16

void rewire_window_init(struct rewire_window *window)
{
	memset(window, 0, sizeof(*window));
	window->size = REWIRE_WINDOW_FEWEST;
}

static bool rewire_window_may(const struct rewire_window *window, int trial)
{
	return window->level + trial >= 0 && window->level + trial < REWIRE_WINDOW_LEVELS;
}

static bool rewire_window_longer(const struct rewire_window *window)
{
	return window->took > window->before + REWIRE_WINDOW_MORE;
}

static bool rewire_window_slower(const struct rewire_window *window)
{
	return window->before &&
	       window->took > REWIRE_WINDOW_OTHER * (window->before + REWIRE_WINDOW_MORE);
}

/* The next size, unless there is none. */
static void rewire_window_turn(struct rewire_window *window, int trial)
{
	window->trial = rewire_window_may(window, trial) ? trial : 0;
}

/* Less is right when it takes less: then still less is tried. */
static void rewire_window_halved(struct rewire_window *window)
{
	bool right = window->before > window->took + REWIRE_WINDOW_MORE;

	window->level -= right;
	rewire_window_turn(window, right ? -1 : 0);
}

/* The window after: twice as much was right, and still is. Then still more is tried. */
static void rewire_window_compare(struct rewire_window *window)
{
	bool right = window->doubled <= window->took + REWIRE_WINDOW_MORE;

	window->level += right;
	rewire_window_turn(window, right ? 1 : 0);
	if (right)
		window->took = window->doubled;
	window->doubled = 0;
}

/* Time for a trial: after a beginning at once, later larger and smaller sizes in turn. */
static void rewire_window_try(struct rewire_window *window)
{
	if (!window->before)
		rewire_window_turn(window, 1);
	else if (!(++window->steady % REWIRE_WINDOW_STEADY))
		rewire_window_turn(window, window->steady / REWIRE_WINDOW_STEADY % 2 ? 1 : -1);
}

static void rewire_window_measured(struct rewire_window *window)
{
	if (window->trial > 0) {
		window->trial = 0;
		window->doubled = rewire_window_longer(window) ? 0 : window->took;
	} else if (window->trial < 0) {
		rewire_window_halved(window);
	} else if (window->doubled) {
		rewire_window_compare(window);
	} else if (rewire_window_slower(window)) {
		window->level = 0;
		window->took = 0;
	} else {
		rewire_window_try(window);
	}
	window->before = window->took;
	window->took = 0;
	window->answers = 0;
	window->size = REWIRE_WINDOW_FEWEST << (window->level + window->trial);
}

/* Whether more answers would not tell more. */
static bool rewire_window_knows(const struct rewire_window *window)
{
	if (window->answers >= window->size)
		return true;
	return window->trial > 0 ? rewire_window_longer(window) : rewire_window_slower(window);
}

/**
 * rewire_window_learn() - an answer is there
 * @window: of the queue that asked
 * @sent: when the question was sent
 * @now: the time, in nanoseconds as @sent
 * @full: others wait, so the daemon had as many as it may
 *
 * A socket belongs to a thread, so what it took for a question is the time since the
 * answer before.
 */
void rewire_window_learn(struct rewire_window *window, u64 sent, u64 now, bool full)
{
	u64 since = max(sent, window->answered);

	window->answered = now;
	if (!full)
		return;
	window->took += now - min(since, now) + 1;
	window->answers++;
	if (rewire_window_knows(window))
		rewire_window_measured(window);
}

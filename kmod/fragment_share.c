// SPDX-License-Identifier: GPL-2.0
/*
 * Shares: a fragment may wait while less waits of its virtual network than is free for
 * all. So who floods leaves as much as he has, n of them leave one part of n + 1, and
 * who has little waiting always gets in. Switches share their buffers so ("dynamic
 * thresholds").
 *
 * The kernel does not tell what becomes of a fragment, unless its packet becomes whole.
 * So the others are reckoned to wait as long as they may, and up to a third longer:
 * what came in a turn of a third of that time is forgotten three turns later.
 *
 * Virtual networks are told apart by a count-min sketch. One that meets another that
 * floods in each of its rows is held to have what that one has; one in four billion
 * does. The sums never say less than what waits, unless the time is made shorter.
 */
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "fragment_share.h"

void rewire_share_init(struct rewire_share *share)
{
	spin_lock_init(&share->lock);
}

static int *rewire_share_cell(struct rewire_share_sums *sums, u32 who, unsigned int row)
{
	static_assert(sizeof(who) == REWIRE_SHARE_ROWS);
	static_assert(REWIRE_SHARE_CELLS == 1 << 8);
	return &sums->cell[row][who >> 8 * row & 0xff];
}

static void rewire_share_add(struct rewire_share_sums *sums, u32 who, int bytes)
{
	unsigned int row;

	sums->all += bytes;
	for (row = 0; row < REWIRE_SHARE_ROWS; row++)
		*rewire_share_cell(sums, who, row) += bytes;
}

static int rewire_share_waiting(struct rewire_share *share, u32 who)
{
	int least = INT_MAX;
	unsigned int row;

	for (row = 0; row < REWIRE_SHARE_ROWS; row++)
		least = min(least, *rewire_share_cell(&share->waiting, who, row));
	return least;
}

/* The next turn takes the place of the one that is to be forgotten. */
static void rewire_share_forget(struct rewire_share *share)
{
	struct rewire_share_sums *old = &share->came[++share->turn % REWIRE_SHARE_TURNS];
	unsigned int row, i;

	if (!old->all)
		return;
	share->waiting.all -= old->all;
	for (row = 0; row < REWIRE_SHARE_ROWS; row++) {
		for (i = 0; i < REWIRE_SHARE_CELLS; i++)
			share->waiting.cell[row][i] -= old->cell[row][i];
	}
	memset(old, 0, sizeof(*old));
}

static void rewire_share_advance(struct rewire_share *share, unsigned long now,
				 unsigned long time)
{
	unsigned long turn = max(DIV_ROUND_UP(time, REWIRE_SHARE_TURNS - 1), 1UL);
	int i;

	for (i = 0; i < REWIRE_SHARE_TURNS && now - share->since >= turn; i++) {
		rewire_share_forget(share);
		share->since += turn;
	}
	if (now - share->since >= turn)
		share->since = now;
}

/**
 * rewire_share_take() - a fragment wants to wait
 * @share: of its family
 * @who: hash of whose it is
 * @bytes: of memory
 * @bounds: what there is for all
 * @now: jiffies
 * @charge: out: to be given back when it waits no more
 *
 * Context: bottom halves disabled.
 * Return: whether it may.
 */
bool rewire_share_take(struct rewire_share *share, u32 who, u32 bytes,
		       const struct rewire_share_bounds *bounds, unsigned long now,
		       u32 *charge)
{
	long waiting, free;
	bool may;

	bytes = min(bytes, REWIRE_SHARE_BYTES_MAX);
	spin_lock(&share->lock);
	rewire_share_advance(share, now, bounds->time);
	waiting = rewire_share_waiting(share, who);
	/* No more than an int can count. */
	free = min(bounds->high, (long)INT_MAX / 2) -
	       max(bounds->used, (long)share->waiting.all);
	may = !waiting || waiting < free;
	if (may) {
		rewire_share_add(&share->waiting, who, bytes);
		rewire_share_add(&share->came[share->turn % REWIRE_SHARE_TURNS], who, bytes);
		*charge = (u32)share->turn << 24 | bytes;
	}
	spin_unlock(&share->lock);
	return may;
}

/**
 * rewire_share_give() - fragments wait no more
 * @share: of their family
 * @who: hash of whose they are
 * @turn: in which they came
 * @bytes: as charged
 *
 * Context: bottom halves disabled.
 */
void rewire_share_give(struct rewire_share *share, u32 who, u8 turn, u32 bytes)
{
	spin_lock(&share->lock);
	if ((u8)(share->turn - turn) < REWIRE_SHARE_TURNS) {
		rewire_share_add(&share->waiting, who, -(int)bytes);
		rewire_share_add(&share->came[turn % REWIRE_SHARE_TURNS], who, -(int)bytes);
	}
	spin_unlock(&share->lock);
}

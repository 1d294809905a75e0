/* SPDX-License-Identifier: GPL-2.0 */
/* Shares: how much of the memory for fragments each virtual network may fill. */
#ifndef REWIRE_FRAGMENT_SHARE_H
#define REWIRE_FRAGMENT_SHARE_H

#include <linux/spinlock.h>
#include <linux/types.h>

#define REWIRE_SHARE_ROWS	4
#define REWIRE_SHARE_CELLS	256	/* a byte of the hash chooses one in each row */
#define REWIRE_SHARE_TURNS	4

/**
 * struct rewire_share_sums - bytes that wait
 * @all: of all virtual networks
 * @cell: likewise, of those that share a cell
 */
struct rewire_share_sums {
	int all;
	int cell[REWIRE_SHARE_ROWS][REWIRE_SHARE_CELLS];
};

/**
 * struct rewire_share - what waits of one family, by virtual network
 * @lock: protects all of it; taken with bottom halves disabled
 * @since: jiffies when this turn began
 * @turn: its number, modulo 256
 * @waiting: what came in this turn and those before it that are remembered
 * @came: the same by turn, modulo their number
 */
struct rewire_share {
	spinlock_t lock;	/* everything here */
	unsigned long since;
	u8 turn;
	struct rewire_share_sums waiting;
	struct rewire_share_sums came[REWIRE_SHARE_TURNS];
};

/**
 * struct rewire_share_bounds - what the kernel allows
 * @high: bytes that may wait
 * @used: of them, those that are known to wait, or 0: nobody knows
 * @time: jiffies for which a fragment waits at most
 */
struct rewire_share_bounds {
	long high;
	long used;
	unsigned long time;
};

void rewire_share_init(struct rewire_share *share);
bool rewire_share_take(struct rewire_share *share, u32 who, u32 bytes,
		       const struct rewire_share_bounds *bounds, unsigned long now,
		       u32 *charge);
void rewire_share_give(struct rewire_share *share, u32 who, u8 turn, u32 bytes);

/* A charge is kept with its fragment: the turn in which it came, and bytes. */
#define REWIRE_SHARE_BYTES_MAX	((1U << 24) - 1)

static inline u8 rewire_share_turn(u32 charge)
{
	return charge >> 24;
}

static inline u32 rewire_share_bytes(u32 charge)
{
	return charge & REWIRE_SHARE_BYTES_MAX;
}

#endif /* REWIRE_FRAGMENT_SHARE_H */

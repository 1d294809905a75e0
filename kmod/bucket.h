/* SPDX-License-Identifier: GPL-2.0 */
/* Token buckets, without a lock. */
#ifndef REWIRE_BUCKET_H
#define REWIRE_BUCKET_H

#include <linux/atomic.h>
#include <linux/minmax.h>
#include <linux/types.h>

/**
 * rewire_bucket_next() - take tokens out of a bucket
 * @full: the time at which it is full again, which is all there is to know of it
 * @now: the time
 * @cost: of what takes them, the time in which so many come back
 * @depth: of the bucket, as such a time
 *
 * What costs more than the whole bucket finds its way when the bucket is full.
 * Times are nanoseconds, not 0.
 * Return: the new @full, or 0: there are not so many.
 */
static inline u64 rewire_bucket_next(u64 full, u64 now, u64 cost, u64 depth)
{
	u64 from = max(full, now);

	if (from > now && from - now + cost > depth)
		return 0;
	return from + cost;
}

/* Return: whether there were so many tokens; then they are taken. */
static inline bool rewire_bucket_take(atomic64_t *full, u64 now, u64 cost, u64 depth)
{
	s64 old = atomic64_read(full);
	u64 new;

	do {
		new = rewire_bucket_next(old, now, cost, depth);
	} while (new && !atomic64_try_cmpxchg(full, &old, new));
	return new;
}

#endif /* REWIRE_BUCKET_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_CLOCK_H
#define REWIRED_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds of a clock. */
static inline int64_t clock_read(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

/* Of the monotonic clock. */
static inline int64_t clock_now(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

/* Of a processor, by the calling thread. */
static inline int64_t clock_spent(void)
{
	return clock_read(CLOCK_THREAD_CPUTIME_ID);
}

#endif

// SPDX-License-Identifier: GPL-2.0
/* What libraries do behind each decision, and had better do less often. */

#include <malloc.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

/* Of the heap, what it begins with and what it grows by at once. */
#define HEAP_ROOM	(64 << 20)
#define HEAP_STEP	(4 << 20)
/* What has a mapping of its own, and is given back when it is not needed any more. */
#define LARGE		(1 << 20)

/*
 * liburcu's tables ask the C library for the processor with each node, to keep counters apart.
 * Where there are no restartable sequences that is a system call each time: a thread's number
 * does as well.
 */
int sched_getcpu(void)
{
	static _Thread_local int number = -1;
	static _Atomic int threads;

	if (number < 0)
		number = atomic_fetch_add(&threads, 1) & 0xffff;
	return number;
}

void machine_set_up(void)
{
	void *room;

	/* A thread's own heap grows by a page at a time, and by a system call for each */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_TOP_PAD, HEAP_STEP);
	mallopt(M_TRIM_THRESHOLD, 2 * HEAP_ROOM);
	/* Enough for tens of thousands of flows, whose first packets then wait for no page */
	mallopt(M_MMAP_THRESHOLD, 2 * HEAP_ROOM);
	room = malloc(HEAP_ROOM);
	if (room)
		explicit_bzero(room, HEAP_ROOM);
	free(room);
	mallopt(M_MMAP_THRESHOLD, LARGE);
}

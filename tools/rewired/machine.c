// SPDX-License-Identifier: GPL-2.0
/* What libraries do behind each decision, and had better do less often. */

#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "machine.h"

/* Of the heap, what it begins with, enough for 200000 flows, and what it grows by at once. */
#define HEAP_ROOM	(128 << 20)
#define HEAP_STEP	(4 << 20)
/* What has a mapping of its own, and is given back when it is not needed any more. */
#define LARGE		(1 << 20)
/* Pages that are made at a time: the heap cannot grow meanwhile. */
#define WARM_STEP	(64 << 10)

static struct {
	char *room;
	pthread_t thread;
	bool runs;
	atomic_bool ends;
} warmer;

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

/* The room that the heap begins with, page by page. Who has other work goes first. */
static void *warm_up(void *unused)
{
	const struct sched_param none = { 0 };
	size_t at;

	sched_setscheduler(0, SCHED_IDLE, &none);
	for (at = 0; at < HEAP_ROOM && !atomic_load(&warmer.ends); at += WARM_STEP)
		if (madvise(warmer.room + at, WARM_STEP, MADV_POPULATE_WRITE))
			break;
	return unused;
}

void machine_set_up(void)
{
	void *room;

	/* A thread's own heap grows by a page at a time, and by a system call for each */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_TOP_PAD, HEAP_STEP);
	mallopt(M_TRIM_THRESHOLD, 2 * HEAP_ROOM);
	if (mallopt(M_MMAP_THRESHOLD, 2 * HEAP_ROOM)) {
		room = malloc(HEAP_ROOM + WARM_STEP);
		warmer.room = (char *)(((uintptr_t)room + WARM_STEP - 1) &
				       ~(uintptr_t)(WARM_STEP - 1));
		free(room);
	}
	mallopt(M_MMAP_THRESHOLD, LARGE);
}

void machine_warm_up(void)
{
	warmer.runs = warmer.room && !pthread_create(&warmer.thread, NULL, warm_up, NULL);
}

void machine_stop(void)
{
	atomic_store(&warmer.ends, true);
	if (warmer.runs)
		pthread_join(warmer.thread, NULL);
	warmer.runs = false;
}

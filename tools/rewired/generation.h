/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_GENERATION_H
#define REWIRED_GENERATION_H

#include <stdbool.h>

/*
 * Local summaries lie in as many places as there may be generations of them; see
 * metadata.h. A place's number is what handlers note a decision with.
 */
#define GENERATIONS	8

/* What becomes of the places, in all that is noted by generation. */
struct rotation {
	unsigned int dropped;		/* places to clear, a bit each */
	unsigned int from, to;		/* what is in one moves to the other; not when equal */
};

static inline bool is_dropped(const struct rotation *rotation, unsigned int place)
{
	return rotation->dropped >> place & 1;
}

#endif

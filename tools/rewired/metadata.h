/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_METADATA_H
#define REWIRED_METADATA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "generation.h"
#include "types.h"

/*
 * The metadata collection: all that decisions go by, in few pieces of constant size.
 * A piece is replaced or dropped as a whole, and never edited.
 *
 *   L_cur    what was decided since the last summary of flows was asked for
 *   L_prev   what was decided in the iteration before
 *   held     older, but not known to be in a summary of flows
 *   F_new    the kernel's last summary of flows
 *   F_prev   the one before
 *
 * A backend has as many flows as F_new says, and were decided in the local summaries
 * (load.h). What a decision takes of pools is in use until F_new has it, and tells that no
 * flow does (binding.h).
 *
 * An iteration cuts L_cur off: decisions to come go into an empty one. Then it asks for
 * a summary of flows, and only one that is complete and newer than F_new rotates the
 * collection: F_new becomes F_prev, what was cut off becomes L_prev, and L_prev is held.
 * A local summary's content is dropped when the summary of flows has all of it: its last
 * number is at or below the watermark, up to which the kernel has carried out all
 * decisions before it counted flows. Without a summary nothing is dropped; when there
 * are too many pieces the two oldest become one.
 *
 * Numbers and the place of L_cur are one word, so that the range of numbers of each
 * local summary is exact without a lock. Who is slow to note a decision may note it in a
 * place that is a younger one's by then: it is dropped later, never too early, since the
 * watermark stays below a number that has not been sent.
 */
struct metadata;

#define METADATA_WRITERS	64
#define METADATA_NUMBER_MAX	(1ULL << 60)

struct metadata *metadata_new(void);
void metadata_free(struct metadata *metadata);

/* By the writer with this number, around what takes numbers and sends them. */
void metadata_begin(struct metadata *metadata, unsigned int writer);
void metadata_end(struct metadata *metadata, unsigned int writer);

/* A decision's number, and the place of the local summary that it is to be noted in. */
struct mark {
	uint64_t number;
	unsigned int place;
};

struct mark metadata_next(struct metadata *metadata);
/* Where to note what has a number already. */
unsigned int metadata_place(const struct metadata *metadata);
/* No summary of flows came for too long. Now is in milliseconds. */
bool metadata_is_stale(const struct metadata *metadata, int64_t now);
/* The number of the last decision. */
uint64_t metadata_number(const struct metadata *metadata);

/* What follows is the state thread's. */
struct snapshot;

/* Numbers up to this one are in use. Returns whether that is news. */
bool metadata_raise(struct metadata *metadata, uint64_t number);
/* Cut L_cur off, unless that was done, and waits. Returns its last number. */
uint64_t metadata_cut(struct metadata *metadata);
/* Up to which number all decisions have been answered, or will never be sent. */
uint64_t metadata_settled(struct metadata *metadata);
/*
 * A complete summary has come, and the loads of the snapshot were told what it says.
 * Returns whether it is newer than the last one; else nothing has changed.
 */
bool metadata_rotate(struct metadata *metadata, const struct rw_summary *summary,
		    const struct snapshot *snapshot, int64_t now);
/* F_new has what decisions up to this number have made. */
uint64_t metadata_watermark(const struct metadata *metadata);
/* It is stale from then on. */
void metadata_set_limit(struct metadata *metadata, int64_t until);

/* Any thread. Places from the youngest on; those of summaries that were not yet are left out. */
enum piece { PIECE_CURRENT, PIECE_CUT, PIECE_PREVIOUS, PIECE_HELD };

struct local_summary {
	enum piece piece;
	unsigned int place;
	uint64_t generation;
	uint64_t first, last;		/* numbers; first is last + 1 when it has none */
	bool dropped;			/* its content is in the summaries of flows */
};

struct flow_summary {
	struct rw_summary kernel;	/* of the whole */
	int64_t came;			/* when, in milliseconds; 0, never */
};

struct metadata_status {
	struct local_summary locals[GENERATIONS];
	unsigned int count;
	struct flow_summary newest, previous;
	uint64_t rotations;
	uint64_t refused;		/* summaries that were not newer */
	int64_t until;
};

void metadata_status(struct metadata *metadata, struct metadata_status *status);

/* For tests: drop without regard to the watermark. */
void metadata_disregard_watermark(struct metadata *metadata);

#endif

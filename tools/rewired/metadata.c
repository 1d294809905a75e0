// SPDX-License-Identifier: GPL-2.0
/* The rotating collection of summaries that decisions go by. */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "metadata.h"
#include "snapshot.h"

#define PLACE_BITS	3

_Static_assert(1 << PLACE_BITS == GENERATIONS, "the cursor has no room for a place");

struct metadata {
	_Atomic uint64_t cursor;			/* last number, place of L_cur */
	_Atomic uint64_t begun[METADATA_WRITERS];	/* numbers from this one on may be in hand; 0, none */
	_Atomic int64_t until;
	bool disregard;

	pthread_mutex_t lock;		/* of what follows, which the state thread alone changes */
	struct metadata_status status;
};

struct metadata *metadata_new(void)
{
	struct metadata *metadata = allocate(1, sizeof(*metadata));

	pthread_mutex_init(&metadata->lock, NULL);
	metadata->status.count = 1;
	metadata->status.locals[0] = (struct local_summary){
		.piece = PIECE_CURRENT, .generation = 1, .first = 1,
	};
	return metadata;
}

void metadata_free(struct metadata *metadata)
{
	pthread_mutex_destroy(&metadata->lock);
	free(metadata);
}

static uint64_t cursor_number(uint64_t cursor)
{
	return cursor >> PLACE_BITS;
}

static unsigned int cursor_place(uint64_t cursor)
{
	return cursor & (GENERATIONS - 1);
}

void metadata_begin(struct metadata *metadata, unsigned int writer)
{
	atomic_store(&metadata->begun[writer], metadata_number(metadata) + 1);
}

void metadata_end(struct metadata *metadata, unsigned int writer)
{
	atomic_store(&metadata->begun[writer], 0);
}

struct mark metadata_next(struct metadata *metadata)
{
	uint64_t cursor = atomic_fetch_add(&metadata->cursor, GENERATIONS);

	return (struct mark){ cursor_number(cursor) + 1, cursor_place(cursor) };
}

unsigned int metadata_place(const struct metadata *metadata)
{
	return cursor_place(atomic_load(&metadata->cursor));
}

uint64_t metadata_number(const struct metadata *metadata)
{
	return cursor_number(atomic_load(&metadata->cursor));
}

bool metadata_is_stale(const struct metadata *metadata, int64_t now)
{
	return now > atomic_load(&metadata->until);
}

void metadata_set_limit(struct metadata *metadata, int64_t until)
{
	/* A look that nobody planned does not know when the next planned one is */
	if (until > atomic_load(&metadata->until))
		atomic_store(&metadata->until, until);
}

bool metadata_raise(struct metadata *metadata, uint64_t number)
{
	struct local_summary *current = &metadata->status.locals[0];
	uint64_t cursor = atomic_load(&metadata->cursor);

	do
		if (number <= cursor_number(cursor) || number > METADATA_NUMBER_MAX)
			return false;
	while (!atomic_compare_exchange_weak(&metadata->cursor, &cursor,
					     number << PLACE_BITS | cursor_place(cursor)));
	pthread_mutex_lock(&metadata->lock);
	if (current->first == cursor_number(cursor) + 1)
		current->first = number + 1;
	pthread_mutex_unlock(&metadata->lock);
	return true;
}

static unsigned int free_place(const struct metadata_status *status)
{
	unsigned int taken = 0, i;

	for (i = 0; i < status->count; i++)
		taken |= 1U << status->locals[i].place;
	return __builtin_ctz(~taken);
}

static bool is_cut(const struct metadata_status *status)
{
	return status->count > 1 && status->locals[1].piece == PIECE_CUT;
}

uint64_t metadata_cut(struct metadata *metadata)
{
	struct metadata_status *status = &metadata->status;
	struct local_summary *locals = status->locals;
	uint64_t cursor = atomic_load(&metadata->cursor);
	unsigned int place = free_place(status);

	if (is_cut(status))
		return locals[1].last;
	while (!atomic_compare_exchange_weak(&metadata->cursor, &cursor,
					     cursor_number(cursor) << PLACE_BITS | place))
		;
	pthread_mutex_lock(&metadata->lock);
	memmove(locals + 1, locals, status->count * sizeof(*locals));
	status->count++;
	locals[1].piece = PIECE_CUT;
	locals[1].last = cursor_number(cursor);
	locals[0] = (struct local_summary){
		.piece = PIECE_CURRENT, .place = place,
		.generation = locals[1].generation + 1, .first = locals[1].last + 1,
	};
	pthread_mutex_unlock(&metadata->lock);
	return locals[1].last;
}

/*
 * A writer sets what it begins with before it takes a number, and the last number is
 * read before the writers are looked at: who is not seen to have begun takes later ones.
 */
uint64_t metadata_settled(struct metadata *metadata)
{
	uint64_t settled = metadata_number(metadata), begun;
	unsigned int i;

	for (i = 0; i < METADATA_WRITERS; i++) {
		begun = atomic_load(&metadata->begun[i]);
		if (begun && begun - 1 < settled)
			settled = begun - 1;
	}
	return settled;
}

static bool is_newer(const struct rw_summary *last, const struct rw_summary *summary)
{
	return summary->epoch != last->epoch || summary->generation > last->generation;
}

uint64_t metadata_watermark(const struct metadata *metadata)
{
	return metadata->disregard ? UINT64_MAX : metadata->status.newest.kernel.watermark;
}

/* The pieces change their roles; what the watermark has is dropped. */
static void rotate_locals(struct metadata *metadata, struct rotation *rotation)
{
	struct metadata_status *status = &metadata->status;
	uint64_t watermark = metadata_watermark(metadata);
	struct local_summary *local;
	unsigned int i, kept = 1;

	for (i = 1; i < status->count; i++) {
		local = &status->locals[i];
		local->piece = local->piece == PIECE_CUT ? PIECE_PREVIOUS : PIECE_HELD;
		if (!local->dropped && (local->last < local->first || local->last <= watermark)) {
			local->dropped = true;
			rotation->dropped |= 1U << local->place;
		}
		if (local->piece == PIECE_PREVIOUS || !local->dropped)
			status->locals[kept++] = *local;
	}
	status->count = kept;
}

/* The next cut needs a place. */
static void make_room(struct metadata_status *status, struct rotation *rotation)
{
	struct local_summary *oldest = &status->locals[GENERATIONS - 1];

	if (status->count < GENERATIONS)
		return;
	oldest[-1].first = oldest->first;
	rotation->from = oldest->place;
	rotation->to = oldest[-1].place;
	status->count--;
}

bool metadata_rotate(struct metadata *metadata, const struct rw_summary *summary,
		     const struct snapshot *snapshot, int64_t now)
{
	struct metadata_status *status = &metadata->status;
	struct rotation rotation = { 0 };
	bool newer;
	unsigned int i;

	pthread_mutex_lock(&metadata->lock);
	newer = is_cut(status) && is_newer(&status->newest.kernel, summary);
	if (newer) {
		status->rotations++;
		status->previous = status->newest;
		status->newest = (struct flow_summary){ *summary, now };
		rotate_locals(metadata, &rotation);
		make_room(status, &rotation);
	} else {
		status->refused++;
	}
	pthread_mutex_unlock(&metadata->lock);
	for (i = 0; newer && i < snapshot->backend_count; i++)
		load_rotate(snapshot->backends[i]->load, &rotation);
	return newer;
}

void metadata_status(struct metadata *metadata, struct metadata_status *status)
{
	pthread_mutex_lock(&metadata->lock);
	*status = metadata->status;
	pthread_mutex_unlock(&metadata->lock);
	status->locals[0].last = metadata_number(metadata);
	status->until = atomic_load(&metadata->until);
}

void metadata_disregard_watermark(struct metadata *metadata)
{
	metadata->disregard = true;
}

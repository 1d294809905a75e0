// SPDX-License-Identifier: GPL-2.0
/* From a summary of the kernel's to the next. */

#include <errno.h>
#include <time.h>

#include "clock.h"
#include "iteration.h"
#include "librewire.h"
#include "metadata.h"

#define WATERMARK_TRIES	10

/*
 * Cut off what was decided, and wait for the kernel's watermark to reach it, but not for
 * long: decisions that are under way may be in the next summary. Numbers that were
 * answered, or never sent, and that the kernel misses, will not come.
 */
static int wait_for_watermark(struct metadata *metadata, struct rw_socket *socket,
			      struct rw_error *why)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	struct rw_summary whole;
	uint64_t cut, settled;
	int ret, tries;

	for (tries = 0; tries < WATERMARK_TRIES; tries++) {
		settled = metadata_settled(metadata);
		ret = rw_summary_get(socket, &whole, why);
		if (ret)
			return ret;
		/* Another daemon's, which is no more */
		if (metadata_raise(metadata, whole.newest))
			continue;
		cut = metadata_cut(metadata);
		if (whole.watermark >= cut && whole.watermark >= settled)
			return 0;
		if (whole.watermark < settled)
			ret = rw_verdict_settle(socket, settled, why);
		else
			nanosleep(&pause, NULL);
		if (ret)
			return ret;
	}
	return 0;
}

struct telling {
	const struct snapshot *snapshot;
	struct rw_summary whole;
	bool has_whole;
};

static int take_part(const struct rw_summary *part, void *data)
{
	struct telling *telling = data;
	struct backend *backend;

	if (part->has_vni)
		return 0;
	if (!part->target) {
		telling->whole = *part;
		telling->has_whole = true;
		return 0;
	}
	backend = snapshot_backend(telling->snapshot, part->target);
	if (backend && part->flows > part->live.closing)
		backend->load->told = part->flows - part->live.closing;
	return 0;
}

/* The kernel's summary, all of it; what backends have waits in their loads. */
static int take_summary(struct telling *telling, struct rw_socket *socket, struct rw_error *why)
{
	const struct snapshot *snapshot = telling->snapshot;
	unsigned int i;
	int ret;

	for (i = 0; i < snapshot->backend_count; i++)
		snapshot->backends[i]->load->told = 0;
	ret = rw_summary_each(socket, take_part, telling, why);
	if (!ret && !telling->has_whole)
		ret = rw_error_set(why, -EBADMSG, "the kernel's summary is not whole");
	return ret;
}

int iteration_run(struct engine *engine, struct watch *watch, struct rw_socket *socket,
		  const struct snapshot *snapshot, bool all, int64_t until,
		  struct rw_error *error)
{
	struct telling telling = { .snapshot = snapshot };
	int ret = wait_for_watermark(engine->metadata, socket, error);

	if (!ret)
		ret = take_summary(&telling, socket, error);
	/* After the summary, so that it has what the watermark has */
	if (!ret)
		ret = watch_look(watch, socket, snapshot, all, error);
	if (ret)
		return ret;
	metadata_rotate(engine->metadata, &telling.whole, snapshot, clock_now());
	metadata_set_limit(engine->metadata, until);
	return 0;
}

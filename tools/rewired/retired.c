// SPDX-License-Identifier: GPL-2.0
/* Targets of backends that have left the configuration. */

#include <stdlib.h>

#include "log.h"
#include "retired.h"
#include "snapshot.h"

static int by_id(const void *a, const void *b)
{
	const struct retired_target *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

void retired_add(struct retired *retired, const uint32_t *ids, unsigned int count)
{
	unsigned int i, known = retired->count;
	struct retired_target key, *found;

	for (i = 0; i < count; i++) {
		key = (struct retired_target){ .id = ids[i] };
		found = known ? bsearch(&key, retired->list, known, sizeof(key), by_id) : NULL;
		if (found) {
			found->empty = 0;
			continue;
		}
		retired->list = grow(retired->list, retired->count, &retired->room, sizeof(key));
		retired->list[retired->count++] = key;
	}
	if (retired->count)
		qsort(retired->list, retired->count, sizeof(key), by_id);
}

void retired_forget(struct retired *retired, const struct snapshot *snapshot)
{
	unsigned int i, kept = 0;

	for (i = 0; i < retired->count; i++)
		if (!snapshot_backend(snapshot, retired->list[i].id))
			retired->list[kept++] = retired->list[i];
	retired->count = kept;
}

void retired_update(struct retired *retired, const struct targets *targets, int64_t now)
{
	struct retired_target *one;
	const struct rw_target *target;
	unsigned int i, kept = 0;

	for (i = 0; i < retired->count; i++) {
		one = &retired->list[i];
		target = targets_find(targets, one->id);
		if (target && target->state == REWIRE_TARGET_STATE_ACTIVE)
			continue;
		if (target && target->flows)
			one->empty = 0;
		else if (!one->empty)
			one->empty = now;
		if (!target && retired_is_over(one, now))
			continue;
		retired->list[kept++] = *one;
	}
	retired->count = kept;
}

void retired_begin_again(struct retired *retired)
{
	unsigned int i;

	for (i = 0; i < retired->count; i++)
		retired->list[i].empty = 0;
}

bool retired_is_over(const struct retired_target *target, int64_t now)
{
	return target->empty && now - target->empty >= RETIRED_REST;
}

void retired_free(struct retired *retired)
{
	free(retired->list);
	*retired = (struct retired){ 0 };
}

// SPDX-License-Identifier: GPL-2.0
/* Targets of backends that have left the configuration. */

#include <stdlib.h>

#include "log.h"
#include "retired.h"
#include "snapshot.h"

void retired_add(struct retired *retired, uint32_t id, int64_t now)
{
	unsigned int i;

	for (i = 0; i < retired->count; i++)
		if (retired->list[i].id == id)
			return;
	retired->list = grow(retired->list, retired->count, &retired->room, sizeof(*retired->list));
	retired->list[retired->count++] = (struct retired_target){ id, now };
}

void retired_update(struct retired *retired, const struct targets *targets,
		    const struct snapshot *snapshot, int64_t now)
{
	const struct rw_target *target;
	unsigned int i, kept = 0;

	for (i = 0; i < retired->count; i++) {
		target = targets_find(targets, retired->list[i].id);
		if (!target || snapshot_backend(snapshot, target->id))
			continue;
		retired->list[kept] = retired->list[i];
		if (target->flows)
			retired->list[kept].used = now;
		kept++;
	}
	retired->count = kept;
}

bool retired_is_over(const struct retired_target *target, int64_t now)
{
	return now - target->used >= RETIRED_REST;
}

void retired_free(struct retired *retired)
{
	free(retired->list);
	*retired = (struct retired){ 0 };
}

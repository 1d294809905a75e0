// SPDX-License-Identifier: GPL-2.0
/* The kernel's targets. */

#include <stdlib.h>

#include "log.h"
#include "targets.h"

static int take(const struct rw_target *target, void *data)
{
	struct targets *targets = data;

	targets->list = grow(targets->list, targets->count, &targets->room, sizeof(*targets->list));
	targets->list[targets->count++] = *target;
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct rw_target *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

int targets_read(struct targets *targets, struct rw_socket *socket, struct rw_error *error)
{
	int ret;

	*targets = (struct targets){ 0 };
	ret = rw_target_each(socket, take, targets, error);
	if (ret)
		targets_free(targets);
	else if (targets->count)
		qsort(targets->list, targets->count, sizeof(*targets->list), by_id);
	return ret;
}

const struct rw_target *targets_find(const struct targets *targets, uint32_t id)
{
	const struct rw_target key = { .id = id };

	if (!targets->count)
		return NULL;
	return bsearch(&key, targets->list, targets->count, sizeof(key), by_id);
}

void targets_put_back(const struct targets *targets, struct rw_socket *socket)
{
	const struct rw_target *target, *now;
	struct targets kernel;
	struct rw_error error;
	unsigned int i;

	if (targets_read(&kernel, socket, &error)) {
		log_line("targets: %s", error.sentence);
		return;
	}
	for (i = 0; i < targets->count; i++) {
		target = &targets->list[i];
		now = targets_find(&kernel, target->id);
		if (now && now->state != target->state &&
		    rw_target_set(socket, target->id, target->state, &error))
			log_line("target %u: %s", target->id, error.sentence);
	}
	targets_free(&kernel);
}

void targets_free(struct targets *targets)
{
	free(targets->list);
	*targets = (struct targets){ 0 };
}

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_ITERATION_H
#define REWIRED_ITERATION_H

#include "watch.h"

/*
 * An iteration of the metadata collection, by the state thread: the kernel is asked for
 * a summary and for what has changed, or with all set for all flows. Only one that
 * succeeds as a whole rotates the collection, which is stale from until on then. Returns
 * as watch_look does.
 */
int iteration_run(struct engine *engine, struct watch *watch, struct rw_socket *socket,
		  const struct snapshot *snapshot, bool all, int64_t until,
		  struct rw_error *error);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_WATCH_H
#define REWIRED_WATCH_H

#include "engine.h"
#include "snapshot.h"
#include "socket.h"

/*
 * The kernel's flows, as the state thread follows them: by the kernel's log of
 * changes, so that a look costs what is new. A look goes over all flows instead when
 * the log is not to be had: at the start, after it overflowed or a look failed, and
 * while another process reads it.
 */
struct watch;

struct watch_status {
	uint64_t looks;			/* complete ones */
	uint64_t lists;			/* of these, over all flows */
	uint64_t changes;		/* read from the log */
	uint64_t overflows;		/* times that the log was not complete */
	uint64_t flows;			/* at the last look */
	uint64_t ports_freed;
};

struct watch *watch_new(struct engine *engine);
void watch_free(struct watch *watch);

/*
 * Learn what has changed, or with all set, all that there is, and free the ports of
 * flows that have ended. Asks by the same socket each time. 0, or -errno and error
 * filled: nothing was freed then. -ENOENT, the module is gone. -ESTALE, it is another
 * one than before, since it knows of no handler.
 */
int watch_look(struct watch *watch, struct rw_socket *socket, const struct snapshot *snapshot,
	       bool all, struct rw_error *error);
/* The module is not the one that it was: it has lost all flows. */
void watch_lost(struct watch *watch);
/* Another daemon may have deleted guards: all are set anew. */
void watch_unguard(struct watch *watch, struct rw_socket *socket);
/* Any thread. */
void watch_status(struct watch *watch, struct watch_status *status);

#endif

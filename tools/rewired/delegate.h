/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_DELEGATE_H
#define REWIRED_DELEGATE_H

#include "librewire.h"
#include "snapshot.h"

/*
 * What flows have as the number of their decision that the kernel has made, so that they are
 * known for the daemon's: it remembers them, too. Its own decisions may have it once.
 */
#define DELEGATE_DECISION	1

/*
 * Decisions of a service that the kernel makes by itself: those that are a function of the
 * packet and of chance alone. They are as the daemon's would be; what a flow takes is known
 * to the daemon when it looks at the kernel's flows, as that of flows made by hand.
 */
struct delegates {
	struct rw_delegate *list;	/* by id */
	unsigned int count, room;
};

/* Whether all services that are to be delegated can be. */
int delegates_check(const struct snapshot *snapshot, struct error *error);

/* What the kernel has, and what a snapshot wants. */
int delegates_read(struct delegates *delegates, struct rw_socket *socket, struct rw_error *error);
void delegates_make(struct delegates *delegates, const struct snapshot *snapshot);
void delegates_free(struct delegates *delegates);

/* Whether both delegate the same. */
bool delegates_same(const struct rw_delegate *a, const struct rw_delegate *b);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_GUARD_H
#define REWIRED_GUARD_H

#include "memory.h"
#include "socket.h"

/*
 * The far end of a flow that the kernel has lost may talk first. What it sends meets
 * the pool's rule, which drops it, or none. So each kept record has a rule of its own, a
 * guard: it asks the daemon about packets with just the reply's key.
 */
#define GUARDS_MAX	4096

struct guards {
	unsigned int count;
};

/* By the state thread: delete all that there are, whoever has set them, for guards_set to set them anew. */
void guards_renew(struct guards *guards, struct memory *memory, struct rw_socket *socket);
/* Likewise: delete the guards of what is back or forgotten, set new ones. Tries each once, GUARDS_MAX at most. */
void guards_set(struct guards *guards, struct memory *memory, struct rw_socket *socket);

#endif

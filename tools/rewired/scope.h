/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_SCOPE_H
#define REWIRED_SCOPE_H

#include "json.h"
#include "librewire.h"

struct snapshot;

/*
 * The virtual networks that this process decides for, as it tells the kernel, which lets
 * it install flows of no other: those of the configuration that is in force, of the next one
 * while it is put in force, and the host's own where backends are checked from. Threads may
 * share it; it has a lock, so that what the kernel has is what was told last.
 */
struct scope;

struct scope *scope_new(const struct snapshot *snapshot);
void scope_free(struct scope *scope);

/* Listen by a socket. */
int scope_listen(struct scope *scope, struct rw_socket *socket, struct rw_error *error);
/* By one that another process listened by; other is one of our own. No punt is received. */
int scope_take_over(struct scope *scope, struct rw_socket *socket, struct rw_socket *other,
		    struct rw_error *error);
/* From now on the networks of two configurations, either may be NULL. 0 or -1: nothing has changed. */
int scope_set(struct scope *scope, struct rw_socket *socket, const struct snapshot *one,
	      const struct snapshot *two, struct error *error);
/* From now on the network of the host's own packets, too. */
int scope_set_local(struct scope *scope, struct rw_socket *socket, uint32_t vni,
		    struct error *error);

#endif

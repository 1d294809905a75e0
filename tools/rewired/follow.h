/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_FOLLOW_H
#define REWIRED_FOLLOW_H

#include "snapshot.h"
#include "socket.h"

/*
 * By the state thread: let the schedules of the snapshot in force, and the kernel's
 * targets, follow what the checks say of backends. What is configured stays as it is. A
 * target that the kernel does not set is tried again by what repairs rules and targets.
 */
void follow_health(struct snapshot *snapshot, struct rw_socket *socket);

/* Before the snapshot is in force: backends that the kernel has as down are so until they are checked. */
int follow_adopt(struct snapshot *snapshot, struct rw_socket *socket, struct rw_error *error);

#endif

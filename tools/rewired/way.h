/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_WAY_H
#define REWIRED_WAY_H

#include <sys/socket.h>

#include "decide.h"
#include "log.h"
#include "scope.h"
#include "socket.h"

/*
 * How a check reaches a backend: a socket of the host's, and a flow for what it sends,
 * which the module rewrites as it does clients' packets. What breaks for them breaks for
 * the check. The flow is from the virtual network of the host's own output, to the
 * service's address; the kernel ends it when it is idle.
 */
struct way {
	int fd;				/* not blocking, bound, and not connected yet */
	struct sockaddr_storage to;	/* whom a client would talk to */
	socklen_t length;
	struct rw_tuple orig;
	struct rw_addr backend;		/* whom it talks to, */
	uint16_t port;			/* and where; 0 for ping */
};

/*
 * 0, or -1 and a sentence: no way can be made, which says nothing of the backend.
 * Within a section of RCU that spans the snapshot, in which the service may have another
 * probe by now, or none. Timeout is the flow's, in milliseconds.
 */
int way_open(struct way *way, struct decider *decider, struct scope *scope, struct rw_socket *socket,
	     const struct snapshot *snapshot, const struct probe *probe,
	     const struct service *service, const struct backend *backend, int family,
	     uint32_t timeout, struct error *error);

#endif

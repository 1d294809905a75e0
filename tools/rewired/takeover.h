/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_TAKEOVER_H
#define REWIRED_TAKEOVER_H

#include "log.h"

/*
 * A daemon hands its handlers' sockets to the one that takes its place, so that the
 * kernel never sees none: punts wait in them. The sockets go with the answer to the
 * method "takeover", after which the old daemon ends; by then it has answered what it
 * had read, and has let go of the control socket and the log of changes.
 */
#define TAKEOVER_SOCKETS_MAX	64

struct sockets {
	int fds[TAKEOVER_SOCKETS_MAX];
	unsigned int count;
};

/* Ask the daemon at path. 0: sockets has what it gave, or none when there is no daemon; or -1. */
int takeover_ask(const char *path, struct sockets *sockets, struct error *error);
/* Answer on a connection; the sockets stay open here. 0 or -1. */
int takeover_give(int fd, const struct sockets *sockets);
void takeover_close(struct sockets *sockets);

#endif

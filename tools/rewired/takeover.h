/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_TAKEOVER_H
#define REWIRED_TAKEOVER_H

#include <jansson.h>

#include "log.h"

/*
 * A daemon takes the place of another by three requests on one connection to its control
 * socket. Two never decide at a time, and the kernel always has one whose sockets it asks by.
 *
 *   takeover.begin  The old one gives copies of its handlers' sockets and, last, the one
 *                   that reads the log of changes. It goes on deciding, and refuses other
 *                   configurations. The new one lists the flows that there are, meanwhile.
 *   takeover.stop   The old one stops: what it has received it has answered, and the kernel
 *                   has made its last flow. Punts wait. The new one reads what has changed,
 *                   and puts its configuration in force.
 *   takeover.end    The old one ends, and the new one decides. When the connection is closed
 *                   the control socket is free, too.
 *
 * Its answer to the last of them is the end of the old one. If the connection ends before
 * that, or nothing is heard for too long, it goes on with what it has.
 */
#define TAKEOVER_SOCKETS_MAX	65
#define TAKEOVER_PATIENCE	60000	/* milliseconds until the next step of the other one */

struct sockets {
	int fds[TAKEOVER_SOCKETS_MAX];
	unsigned int count;
};

/* The new one's. */
struct takeover {
	const char *path;
	int fd;				/* the connection; -1, there is no daemon */
	struct sockets sockets;
};

/* 0 or -1; each step waits for its answer. */
int takeover_begin(struct takeover *takeover, const char *path, struct error *error);
int takeover_stop(struct takeover *takeover, struct error *error);
int takeover_end(struct takeover *takeover, struct error *error);
/* Between the last two: 0, the old one waits; -1, it goes on. */
int takeover_check(const struct takeover *takeover, struct error *error);
/* After the end: until the control socket is free. */
void takeover_wait(const struct takeover *takeover);
void takeover_close(struct takeover *takeover);

/* The old one's: who asks, and the request that has no answer yet. */
struct taker {
	int fd;				/* -1, there is none */
	json_t *id;
};

/* Answer takeover.begin; the sockets stay open here. 0 or -1. */
int taker_give(int fd, const json_t *id, const struct sockets *sockets);
/* Answer takeover.stop, and takeover.end when it comes. 0, or -1: the other one has nothing. */
int taker_wait(const struct taker *taker);
/*
 * Its time is over: it learns that, and is told apart from one that has died, for it may change
 * the kernel's objects until it has learned it. Returns its process, as far as it can be seen.
 */
pid_t taker_refuse(const struct taker *taker);
/* After that: whether it is gone. */
bool taker_is_gone(const struct taker *taker);
void taker_close(struct taker *taker);

#endif

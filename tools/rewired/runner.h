/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_RUNNER_H
#define REWIRED_RUNNER_H

#include <stdint.h>
#include <uv.h>

/*
 * Commands run without privilege. The daemon has a capability, and no right to be another
 * user; so before it gives up the latter it forks the runner, which gives up both at once,
 * for ever, and then runs what the daemon asks for over a socket. It ends with the daemon.
 */

/* What is asked: this, behind it the strings of command and environment; and a descriptor. */
struct runner_request {
	uint64_t number;		/* of the daemon's choice */
	uint32_t timeout;		/* milliseconds until the command is killed */
	uint32_t arguments, variables;	/* strings, each ends with a 0 */
};

#define RUNNER_REQUEST_MAX	8192	/* bytes, with the strings */
#define RUNNER_ARGUMENTS_MAX	16
#define RUNNER_VARIABLES_MAX	8

/* What is answered, once, unless the runner has ended. */
struct runner_answer {
	uint64_t number;
	int32_t status;			/* of exit; or */
	char text[124];			/* what it said by standard error, or why it was not run */
};

enum {
	RUNNER_KILLED = -1,		/* by a signal, or its time was over */
	RUNNER_UNDONE = -2,		/* it could not be run */
};

/* By main, while there is one thread. The daemon's end of the socket, or -1. */
int runner_fork(void);

/* By the prober. */
struct attempt;
struct runner;

/* Takes over the socket. */
struct runner *runner_new(uv_loop_t *loop, int fd);
/* No attempt is under way. The loop has to run once more. */
void runner_free(struct runner *runner);

#endif

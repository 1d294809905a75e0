/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_PROBE_H
#define REWIRED_PROBE_H

#include "health.h"
#include "json.h"

enum probe_type {
	PROBE_TCP,			/* a connection is taken */
	PROBE_HTTP,			/* a GET has an answer of a status */
	PROBE_HTTPS,
	PROBE_PING,			/* an echo request is answered */
	PROBE_COMMAND,			/* a command ends with status 0 */
};

extern const char *const probe_type_names[];

/* How the backends of a service are checked. It does not change, and is counted by reference. */
struct probe {
	_Atomic unsigned int references;
	uint32_t type;
	uint32_t interval, timeout;	/* milliseconds */
	uint32_t port;			/* 0, the one that clients come to */
	uint32_t failed;		/* state of the target of a backend that is down */
	struct health_limits limits;
	/* Of HTTP */
	char *host;			/* NULL, the address */
	char *path;
	uint16_t status_min, status_max;
	bool verify;			/* the certificate, and that it is the host's */
	/* Of a command */
	char **command;
	uint32_t command_count;
};

#define PROBE_WORDS_MAX		16	/* of a command, */
#define PROBE_COMMAND_MAX	4096	/* in bytes */

/* Read "health", if it is there. 0 or -1. */
int probe_read(const struct place *place, struct probe **probe);
struct probe *probe_get(struct probe *probe);
void probe_put(struct probe *probe);

#endif

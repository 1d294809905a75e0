/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_METHODS_H
#define REWIRED_METHODS_H

#include <time.h>

#include "punt.h"
#include "rpc.h"
#include "state.h"

struct control;

/* What methods ask about. */
struct daemon {
	struct engine *engine;
	struct handlers *handlers;
	struct state *state;
	struct store *store;
	struct control *control;
	time_t started;			/* by the monotonic clock */
};

/* A method that changes the configuration: the state thread carries it out. */
struct edit {
	struct change change;		/* first: its callbacks get this */
	char *text;			/* of config.apply */
	uint32_t backend;		/* of backend.set */
	const char *state;
	struct store *store;		/* of a reload */
	void *owner;			/* of who posted it */
};

struct outcome_of_call {
	json_t *result;			/* the answer, or */
	struct edit *edit;		/* what to post for it, or */
	enum rpc_code code;		/* why it is refused, and */
	struct error error;
};

/* Run by the main thread, which is registered as a reader of snapshots. */
void methods_call(struct daemon *daemon, const struct rpc_request *request,
		  struct outcome_of_call *outcome);
/* The answer to an edit that was carried out. */
json_t *methods_edit_result(const struct edit *edit);
void methods_edit_free(struct edit *edit);
/* An edit that takes the configuration from the store again. */
struct edit *methods_reload(struct daemon *daemon);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_STATE_H
#define REWIRED_STATE_H

#include <jansson.h>
#include <stdbool.h>

#include "engine.h"
#include "log.h"
#include "reconcile.h"
#include "store.h"
#include "watch.h"

/*
 * The thread that watches the kernel's flows and changes the configuration:
 * the only one that replaces the snapshot, and that sets rules and targets.
 */
struct state;

/* A change of the configuration, carried out in the order of posting. */
struct change {
	/* A new text from the one in force, or NULL and a sentence. */
	char *(*make)(struct change *change, const char *text, struct error *error);
	/* Called by the state thread at the end; the change is the callee's then. */
	void (*done)(struct change *change);
	bool dry_run;
	bool save;			/* keep it in the store */
	bool stored;			/* the new text is what the store has */
	bool loop;			/* it comes of itself, every period */
	bool give_log;			/* change nothing, but give away what reads the log of flows */
	bool restore;			/* another daemon may have changed the kernel's objects */
	struct rw_socket *log;		/* that, the poster's to close; NULL after a failure */

	int result;			/* 0, or -1 and the error's sentence */
	struct error error;
	struct changes changes;
	unsigned int requests;		/* to the kernel, lists and steps */
	json_t *difference;		/* see difference(); NULL after a failure */
	bool saved;
	struct error save_error;	/* why not */

	struct change *next;
};

/* What the loop of configurations has done. */
struct loop_status {
	uint64_t loads;			/* times that the stored configuration was put in force */
	uint64_t bytes, objects, requests;	/* read, made, and asked of the kernel, in these */
	uint64_t refused;
};

struct state_status {
	struct watch_status watch;
	uint32_t rules_waiting;		/* for a device with their VNI */
	uint64_t reloads;		/* times that the kernel module was there anew */
	struct loop_status loop;
	json_t *retired;		/* ids of targets whose backends are gone; the caller's */
};

struct state_options {
	unsigned int period;		/* between looks at the kernel's flows, in milliseconds */
	unsigned int stale;		/* a look late by more stops the giving of ports, likewise */
	bool frozen;			/* for tests: no look after the start */
	unsigned int reload;		/* between loads of the stored configuration; 0, none */
};

/*
 * Log, when not -1, is a socket that another daemon has read the log of flows by; it is the
 * state's then. NULL and a sentence on failure.
 */
struct state *state_open(struct engine *engine, struct store *store,
			 const struct state_options *options, int log, struct error *error);
/*
 * Before state_adopt, while another daemon makes flows: list them, so that little is new
 * when that stops. Nothing of the kernel is changed. 0 or -1.
 */
int state_prepare(struct state *state, const struct snapshot *snapshot, struct error *error);
/*
 * Adopt what the kernel has, bring its rules and targets to the snapshot, and publish
 * that: it is the state's then. 0, or -1: it is the caller's.
 */
int state_adopt(struct state *state, struct snapshot *snapshot, struct error *error);
void state_start(struct state *state);
/* Changes that are posted wait until it is started again. */
void state_stop(struct state *state);
/*
 * From the giving of the log on, the stored configuration is another daemon's: it is not loaded
 * again until this says that there is none.
 */
void state_resume(struct state *state);
/* Stopped, before another daemon may change the kernel's objects: remember what may not follow from the configuration. */
void state_remember(struct state *state);
/* Stopped: bring the kernel to what was remembered, and what is in force, as soon as it is started. */
void state_restore(struct state *state);
void state_post(struct state *state, struct change *change);
/* Some backend's health has changed: schedules and targets have to follow. */
void state_follow(struct state *state);
void state_status(struct state *state, struct state_status *status);
/* Stopped, or never started: frees it and the snapshot. */
void state_close(struct state *state);

#endif

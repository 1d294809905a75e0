/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_HEALTH_H
#define REWIRED_HEALTH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether a backend is well, as checks tell. */

enum health_state {
	HEALTH_UNKNOWN,			/* no check was made: it counts as up */
	HEALTH_UP,
	HEALTH_DOWN,
};

extern const char *const health_state_names[];

enum check_result {
	CHECK_GOOD,
	CHECK_BAD,
	CHECK_UNDONE,			/* it could not be made, and says nothing of the backend */
};

extern const char *const check_result_names[];

struct health_limits {
	uint32_t fall;			/* bad results in a row until it is down */
	uint32_t rise;			/* good ones until it is up again; it doubles */
	uint32_t damping;		/* at most so many times, for one that goes down again soon */
};

/* Results that it takes while it is up to halve what has doubled. */
#define HEALTH_CALM	16

struct judge {
	enum health_state state;
	uint32_t against;		/* results in a row that speak against the state */
	uint32_t calm;			/* good results in a row */
	uint32_t flaps;			/* times that it went down, less those that were forgiven */
};

/* Returns whether the state has changed. The first result of all decides by itself. */
bool judge(struct judge *judge, const struct health_limits *limits, bool good);

struct health_report {
	enum health_state state;
	uint32_t needed;		/* good results that would make one that is down be up */
	enum check_result result;	/* of the last check, if there were any: */
	uint64_t checks, failures, undone, changes;
	int64_t checked, changed;	/* milliseconds of the monotonic clock; 0, never */
	uint32_t took;			/* milliseconds */
	char reason[160];
};

/*
 * A backend's health outlives the snapshots that have the backend. The prober thread
 * judges; the state thread makes schedules and targets follow, and notes that it has.
 */
struct health;

struct health *health_new(void);
struct health *health_get(struct health *health);
void health_put(struct health *health);

/* By the prober. Returns whether the state has changed. */
bool health_take(struct health *health, const struct health_limits *limits,
		 enum check_result result, const char *reason, uint32_t took, int64_t now);

/* By the state thread: */
/* the daemon before found it down, which counts until there are results. */
void health_adopt(struct health *health);
/* What schedules and targets have to follow, and that they do. */
bool health_is_down(const struct health *health);
void health_apply(struct health *health, bool down);

/* Any thread: whether it is out of the schedules. */
bool health_is_out(const struct health *health);
void health_report(struct health *health, struct health_report *report);

#endif

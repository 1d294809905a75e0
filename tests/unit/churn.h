/* SPDX-License-Identifier: GPL-2.0 */
/* What test_churn.c and its model of the kernel, churn_kernel.c, have in common. */
#ifndef CHURN_H
#define CHURN_H

#include "decide.h"
#include "engine.h"
#include "watch.h"

#define POOL_MIN	1024
#define TRANSLATIONS	4000		/* of a pool: its ports times its far ends */
#define PERIOD		2000		/* of looks, in milliseconds */
#define LIFE		20000		/* of flows, in the mean, in milliseconds */
#define HANDLERS	4
#define BATCH		16
#define WINDOW		16384		/* decisions that the kernel knows above the watermark */
#define FLOWS_MAX	16384
#define ENDS		4096		/* slots of so many milliseconds each: */
#define ENDS_SLOT	16

struct pool_kind {
	const char *mapping;
	unsigned int ports;
	unsigned int far_ends;		/* that have each port to themselves */
	unsigned int rest;		/* seconds */
	unsigned int live;		/* flows that there shall be, */
	unsigned int least;		/* and are in the mean: a short run may have a long lack of looks */
};

struct flow {
	struct rw_flow flow;
	bool there, changed;		/* in the log */
	unsigned int next;		/* that ends with it; or 0 */
};

/* What the model knows of a port. */
struct port {
	unsigned int live;		/* flows */
	uint64_t decision;		/* number of the last that took it */
	bool over;			/* since before the look began nothing is to come of it, */
	unsigned int looks;		/* which complete looks have found */
	int64_t until;			/* it may rest */
	bool lost;
};

/* What the kernel has; it outlives the daemon. */
struct kernel {
	struct flow flows[FLOWS_MAX];
	unsigned int log[FLOWS_MAX], logged;
	bool listening;
	unsigned int hint;		/* where a flow may have room */
	unsigned int ends[ENDS];	/* flows; or 0 */
	uint32_t owners[TRANSLATIONS];	/* live flows */
	struct port ports[TRANSLATIONS];
	uint64_t ids, generation, watermark, newest;
	bool done[WINDOW];
	unsigned int live;
};

enum stage { IDLE, DECIDED, CARRIED_OUT };

struct handler {
	enum stage stage;
	int64_t until;
	unsigned int count, attempt;
	struct decider decider;
	struct rw_punt punts[BATCH];
	struct decision decisions[BATCH];
};

/* When it has settled, which any may be, has been told a summary, or has read half of a list. */
enum death { NOT_DYING, DIE_TOLD, DIE_READING };

struct world {
	int64_t now;
	struct random chance;
	const struct pool_kind *pool;
	struct kernel kernel;
	/* The daemon */
	struct engine engine;
	struct watch *watch;
	struct handler handlers[HANDLERS];
	int64_t look, kill;
	bool more;			/* flows are wanted */
	/* Chance, of 1000 */
	unsigned int lost_summaries, late_summaries, lost_logs, deaths, slow, others;
	bool disregard;
	enum death dying;		/* what it does next is its last */
	bool dead;
	/* What came of it */
	uint64_t wanted, begun, ended, shared, lost, kills, cut_off, looks, failed_looks, utilisation;
	uint64_t in_use, refused, unexplained;
};

extern struct world world;

bool by_chance(unsigned int of_1000);
/* A millisecond in which the state thread does nothing. */
void pass_time(void);

/* Something begins or ends with a port: what complete looks have found is out of date. */
struct port *touch(const struct rw_flow_spec *flow);
/* -EADDRINUSE: somebody else has just made a flow with this translation, by hand. */
int carry_out(const struct rw_verdict *verdict);
/* Those whose time has come, every ENDS_SLOT milliseconds. */
void end_flows(void);
/* Nobody reads the log any more. */
void drop_log(void);

#endif

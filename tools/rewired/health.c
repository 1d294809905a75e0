// SPDX-License-Identifier: GPL-2.0
/* From results of checks to whether a backend is well. */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "health.h"
#include "log.h"

const char *const health_state_names[] = { "unknown", "up", "down" };

const char *const check_result_names[] = { "good", "bad", "undone" };

struct health {
	_Atomic unsigned int references;
	_Atomic bool down;		/* the prober's word, */
	_Atomic bool out;		/* and how far the state thread has followed */

	pthread_mutex_t lock;		/* of what follows */
	struct judge judge;
	struct health_report report;
};

struct health *health_new(void)
{
	struct health *health = allocate(1, sizeof(*health));

	health->references = 1;
	pthread_mutex_init(&health->lock, NULL);
	return health;
}

struct health *health_get(struct health *health)
{
	atomic_fetch_add(&health->references, 1);
	return health;
}

void health_put(struct health *health)
{
	if (!health || atomic_fetch_sub(&health->references, 1) != 1)
		return;
	pthread_mutex_destroy(&health->lock);
	free(health);
}

/* Who went down before, and soon again, has to be well for longer. */
static uint32_t needed(const struct judge *judge, const struct health_limits *limits)
{
	uint32_t doubled = judge->flaps ? judge->flaps - 1 : 0;

	return limits->rise << (doubled < limits->damping ? doubled : limits->damping);
}

static void forgive(struct judge *judge)
{
	if (++judge->calm < HEALTH_CALM)
		return;
	judge->calm = 0;
	if (judge->flaps)
		judge->flaps--;
}

static void turn(struct judge *judge, enum health_state state)
{
	judge->state = state;
	judge->against = judge->calm = 0;
}

bool judge(struct judge *judge, const struct health_limits *limits, bool good)
{
	if (judge->state == HEALTH_UNKNOWN) {
		turn(judge, good ? HEALTH_UP : HEALTH_DOWN);
		return true;
	}
	if (good == (judge->state == HEALTH_UP)) {
		judge->against = 0;
		if (good)
			forgive(judge);
		return false;
	}
	judge->calm = 0;
	if (++judge->against < (good ? needed(judge, limits) : limits->fall))
		return false;
	if (!good && judge->flaps <= limits->damping)
		judge->flaps++;
	turn(judge, good ? HEALTH_UP : HEALTH_DOWN);
	return true;
}

bool health_take(struct health *health, const struct health_limits *limits,
		 enum check_result result, const char *reason, uint32_t took, int64_t now)
{
	struct health_report *report = &health->report;
	bool changed = false;

	pthread_mutex_lock(&health->lock);
	report->checks++;
	report->failures += result == CHECK_BAD;
	report->undone += result == CHECK_UNDONE;
	report->result = result;
	report->took = took;
	report->checked = now;
	snprintf(report->reason, sizeof(report->reason), "%s", reason);
	if (result != CHECK_UNDONE)
		changed = judge(&health->judge, limits, result == CHECK_GOOD);
	if (changed) {
		report->changes++;
		report->changed = now;
	}
	report->state = health->judge.state;
	report->needed = needed(&health->judge, limits);
	atomic_store(&health->down, health->judge.state == HEALTH_DOWN);
	pthread_mutex_unlock(&health->lock);
	return changed;
}

void health_adopt(struct health *health)
{
	pthread_mutex_lock(&health->lock);
	health->judge.state = health->report.state = HEALTH_DOWN;
	snprintf(health->report.reason, sizeof(health->report.reason), "it was down before");
	pthread_mutex_unlock(&health->lock);
	atomic_store(&health->down, true);
	atomic_store(&health->out, true);
}

bool health_is_down(const struct health *health)
{
	return atomic_load(&health->down);
}

void health_apply(struct health *health, bool down)
{
	atomic_store(&health->out, down);
}

bool health_is_out(const struct health *health)
{
	return health && atomic_load(&health->out);
}

void health_report(struct health *health, struct health_report *report)
{
	pthread_mutex_lock(&health->lock);
	*report = health->report;
	pthread_mutex_unlock(&health->lock);
}

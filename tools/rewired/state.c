// SPDX-License-Identifier: GPL-2.0
/* The state thread: adopts, watches flows, frees ports, changes configurations. */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <urcu.h>

#include "affinity.h"
#include "clock.h"
#include "config.h"
#include "difference.h"
#include "follow.h"
#include "iteration.h"
#include "memory.h"
#include "prober.h"
#include "replicate.h"
#include "librewire.h"
#include "metadata.h"
#include "scope.h"
#include "state.h"
#include "targets.h"
#include "thread.h"

#define MODULE_TRIES	100
#define PREPARED	200	/* milliseconds that a look takes when little is new, */
#define PREPARE_TRIES	5	/* which it may never be */
#define LOOK_SHARE	20	/* looks take at most one part in so many of a processor, */
#define LOOK_REST_MAX	60000	/* but where they take very long, none is put off for more than this (ms) */

struct state {
	struct engine *engine;
	struct store *store;
	struct rw_socket *socket;
	struct watch *watch;
	unsigned int period;
	unsigned int stale;
	bool frozen;
	unsigned int reload;
	bool unsaved;			/* what is in force is not what the store has */
	struct error refused;		/* why the loop's last load was */
	pthread_t thread;
	bool started;
	bool gone;			/* the kernel module is */
	atomic_bool paused;		/* another daemon has read the store */
	struct targets before;		/* what another daemon may have changed */
	struct retired retired;

	pthread_mutex_t lock;		/* of what follows */
	pthread_cond_t wake;
	bool stop;
	bool follow;			/* some backend's health has changed */
	struct change *first, **last;
	uint32_t rules_waiting;
	uint64_t reloads;
	struct loop_status loop;
	json_t *retired_ids;		/* of retired, for others */
};

static int iterate(struct state *state, const struct snapshot *snapshot, bool all,
		   struct rw_error *why)
{
	int64_t until = clock_now() + state->period + state->stale;

	return iteration_run(state->engine, state->watch, state->socket, snapshot, all, until, why);
}

static int look(struct state *state, const struct snapshot *snapshot, bool all,
		struct error *error)
{
	struct rw_error why;
	int ret = iterate(state, snapshot, all, &why);

	return ret ? refuse(error, "flows: %s", why.sentence) : 0;
}

static void set_waiting(struct state *state, unsigned int waiting)
{
	pthread_mutex_lock(&state->lock);
	if (waiting && waiting != state->rules_waiting)
		log_line("%u rules wait for a device to be attached with their VNI", waiting);
	state->rules_waiting = waiting;
	pthread_mutex_unlock(&state->lock);
}

static void show_retired(struct state *state)
{
	json_t *ids = json_array();
	unsigned int i;

	for (i = 0; i < state->retired.count; i++)
		json_array_append_new(ids, json_integer(state->retired.list[i].id));
	pthread_mutex_lock(&state->lock);
	json_decref(state->retired_ids);
	state->retired_ids = ids;
	pthread_mutex_unlock(&state->lock);
}

/* Rules that waited for a device, and whatever went away with one or by other hands. */
static void repair(struct state *state)
{
	struct snapshot *snapshot = state->engine->snapshot;
	struct error error;
	struct plan plan;

	if (plan_make(&plan, state->socket, snapshot, NULL, PLAN_REPAIR,
		      memory_has_unguarded(state->engine->memory), &state->retired, &error)) {
		log_line("%s", error.text);
		return;
	}
	if (plan_revoke(&plan, state->socket, &error) || plan_before(&plan, state->socket, &error) ||
	    plan_after(&plan, state->socket, &error))
		log_line("%s", error.text);
	else if (plan.changes.rules_added || plan.changes.targets_set || plan.changes.delegates_set)
		log_line("added %u rules, %u targets and %u delegates", plan.changes.rules_added,
			 plan.changes.targets_set, plan.changes.delegates_set);
	set_waiting(state, plan.changes.rules_waiting);
	show_retired(state);
	plan_free(&plan);
}

/* When the module is there anew, so are sockets. False, it is not. */
static bool find_module(struct state *state)
{
	struct rw_error why;
	struct rw_socket *socket = rw_socket_open(&why);

	if (!socket) {
		if (!state->gone)
			log_line("the rewire kernel module is gone");
		state->gone = true;
		return false;
	}
	rw_socket_close(state->socket);
	state->socket = socket;
	state->gone = false;
	return true;
}

/* Handlers notice within half a second that they have to listen again. */
static bool wait_for_handlers(struct state *state)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	struct rw_stats stats;
	struct rw_error why;
	int tries;

	for (tries = 0; tries < MODULE_TRIES; tries++) {
		if (rw_stats_get(state->socket, false, &stats, &why))
			return false;
		if (stats.handlers)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

/*
 * The module was unloaded, and has lost all flows with it. When it is there again, what
 * is remembered comes back packet by packet.
 */
static void recover(struct state *state)
{
	watch_lost(state->watch);
	if (!find_module(state))
		return;
	atomic_fetch_add(&state->engine->module, 1);
	if (!wait_for_handlers(state))
		return;
	log_line("the rewire kernel module is there anew");
	retired_begin_again(&state->retired);
	pthread_mutex_lock(&state->lock);
	state->reloads++;
	pthread_mutex_unlock(&state->lock);
}

/* Returns whether it looked. */
static bool tick(struct state *state)
{
	struct rw_error why;
	int ret = -EAGAIN;

	affinity_tick(state->engine->affinity, clock_now());
	if (!state->frozen) {
		ret = iterate(state, state->engine->snapshot, false, &why);
		if (ret == -ENOENT || ret == -ESTALE)
			recover(state);
		else if (ret)
			log_line("flows: %s", why.sentence);
	}
	if (!state->gone) {
		/* What the kernel would not set when it was to */
		follow_health(state->engine->snapshot, state->socket);
		repair(state);
	}
	if (!state->gone && replicate_look(state->engine->snapshot, state->socket, &why))
		log_line("devices: %s", why.sentence);
	return !ret;
}

/* From now on no thread uses the old snapshot. */
static void publish(struct state *state, struct snapshot *snapshot)
{
	rcu_set_pointer(&state->engine->snapshot, snapshot);
	synchronize_rcu();
	prober_wake(state->engine->prober);
}

/* What cannot be taken back now is with the next configuration. */
static void narrow(struct state *state, const struct snapshot *snapshot)
{
	struct error error;

	if (scope_set(state->engine->scope, state->socket, snapshot, NULL, &error))
		log_line("%s", error.text);
}

/*
 * Put a snapshot in force: all of it, or nothing changes. While both are in use, flows may
 * have the networks of both.
 */
static int put_in_force(struct state *state, struct snapshot *snapshot, struct plan *plan,
			struct error *error)
{
	struct snapshot *old = state->engine->snapshot;
	int ret = scope_set(state->engine->scope, state->socket, old, snapshot, error);

	if (!ret)
		ret = plan_before(plan, state->socket, error);
	if (!ret) {
		publish(state, snapshot);
		ret = plan_after(plan, state->socket, error);
	}
	if (!ret) {
		set_waiting(state, plan->changes.rules_waiting);
		plan_retire(plan, &state->retired);
		show_retired(state);
		narrow(state, snapshot);
		return 0;
	}
	if (state->engine->snapshot != old)
		publish(state, old);
	plan_undo(plan, state->socket);
	if (old)
		narrow(state, old);
	return ret;
}

static bool has_new_ports(const struct snapshot *snapshot, const struct snapshot *old)
{
	const struct span *span, *known;
	unsigned int i;

	for (i = 0; i < snapshot->span_count; i++) {
		span = &snapshot->spans[i];
		known = snapshot_span(old, ports_vni(span->ports), ports_address(span->ports),
				      span->pool->ports.min);
		if (!known || known->pool->ports.max < span->pool->ports.max)
			return true;
	}
	return false;
}

static int change_snapshot(struct state *state, struct change *change, struct snapshot *snapshot)
{
	struct snapshot *old = state->engine->snapshot;
	struct plan plan;
	int ret;

	if (plan_make(&plan, state->socket, snapshot, old, change->loop ? PLAN_LOOP : PLAN_CHANGE,
		      memory_has_unguarded(state->engine->memory), &state->retired, &change->error))
		return -1;
	change->changes = plan.changes;
	if (change->dry_run) {
		plan_free(&plan);
		snapshot_free(snapshot);
		return 0;
	}
	ret = plan_revoke(&plan, state->socket, &change->error);
	/* Ports that are new may have flows already, and so may those that the kernel gave until now */
	if (!ret && (!change->loop || plan.changes.delegates_revoked || has_new_ports(snapshot, old)))
		ret = look(state, snapshot, true, &change->error);
	if (ret)
		plan_undo(&plan, state->socket);
	else
		ret = put_in_force(state, snapshot, &plan, &change->error);
	change->changes = plan.changes;
	change->requests = PLAN_LISTS + plan.count;
	plan_free(&plan);
	if (!ret)
		snapshot_free(old);
	return ret;
}

/* The loop's. */
struct own_change {
	struct change change;		/* first: its callbacks get this */
	struct state *state;
	size_t bytes;
};

static void save(struct state *state, struct change *change)
{
	change->saved = !state->store->save(state->store, state->engine->snapshot->text,
					    &change->save_error);
	state->unsaved = !change->saved;
	if (!change->saved)
		log_line("configuration not saved: %s", change->save_error.text);
}

/* Looks go over all flows from then on, for as long as somebody else has the log. */
static int give_log(struct state *state, struct change *change)
{
	struct rw_error why;
	struct rw_socket *socket;

	/* The other one would undo it */
	if (state->unsaved) {
		log_line("saving the configuration in force, for another daemon");
		save(state, change);
	}
	if (state->unsaved)
		return refuse(&change->error, "the configuration in force is not saved: %s",
			      change->save_error.text);
	socket = rw_socket_open(&why);
	if (!socket)
		return refuse(&change->error, "%s", why.sentence);
	change->log = state->socket;
	state->socket = socket;
	atomic_store(&state->paused, true);
	return 0;
}

static void put_back(struct state *state)
{
	targets_put_back(&state->before, state->socket);
	watch_unguard(state->watch, state->socket);
}

static void carry_out(struct state *state, struct change *change)
{
	const struct snapshot *old = state->engine->snapshot;
	struct snapshot *snapshot;
	char *text;

	if (change->give_log) {
		change->result = give_log(state, change);
		change->done(change);
		return;
	}
	if (change->restore)
		put_back(state);
	text = change->make(change, old->text, &change->error);
	snapshot = text ? config_parse(text, old, &change->error) : NULL;
	free(text);
	if (snapshot)
		change->difference = difference(old->text, snapshot->text);
	change->result = snapshot ? change_snapshot(state, change, snapshot) : -1;
	if (change->result)
		snapshot_free(snapshot);
	else if (change->save && !change->dry_run)
		save(state, change);
	if (!change->result && change->stored)
		state->unsaved = false;
	change->done(change);
}

static char *make_stored(struct change *change, const char *text, struct error *error)
{
	struct own_change *own = (struct own_change *)change;
	char *made = own->state->store->load(own->state->store, error);

	(void)text;
	own->bytes = made ? strlen(made) : 0;
	return made;
}

static void own_done(struct change *change)
{
	json_decref(change->difference);
}

/* A sentence is logged when it is another one. */
static void count_load(struct state *state, const struct own_change *own)
{
	const struct snapshot *snapshot = state->engine->snapshot;
	const struct change *change = &own->change;

	if (change->result && strcmp(change->error.text, state->refused.text))
		log_line("configuration: %s", change->error.text);
	state->refused = change->error;
	pthread_mutex_lock(&state->lock);
	if (change->result) {
		state->loop.refused++;
	} else {
		state->loop.loads++;
		state->loop.bytes += own->bytes;
		state->loop.objects += snapshot->network_count + snapshot->pool_count +
				       snapshot->service_count + snapshot->backend_count;
		state->loop.requests += change->requests;
	}
	pthread_mutex_unlock(&state->lock);
}

/*
 * The stored configuration is read, checked and put in force every period, as if it were
 * new: what has changed, and how much, makes no difference to the work, so a storm of
 * changes is no load that was not there before. Not when it is known to be an older one.
 */
static void load_again(struct state *state)
{
	struct own_change own = {
		.change = { .make = make_stored, .done = own_done, .loop = true, .stored = true },
		.state = state,
	};

	if (state->unsaved || state->gone || atomic_load(&state->paused))
		return;
	carry_out(state, &own.change);
	count_load(state, &own);
}

static char *make_same(struct change *change, const char *text, struct error *error)
{
	(void)change;
	(void)error;
	return strdup(text);
}

static void restored(struct change *change)
{
	if (change->result)
		log_line("configuration: %s", change->error.text);
	json_decref(change->difference);
	free(change);
}

void state_restore(struct state *state)
{
	struct change *change = allocate(1, sizeof(*change));

	change->make = make_same;
	change->done = restored;
	change->loop = true;
	change->restore = true;
	state_post(state, change);
}

void state_remember(struct state *state)
{
	struct rw_error why;

	targets_free(&state->before);
	if (targets_read(&state->before, state->socket, &why))
		log_line("targets: %s", why.sentence);
}

void state_resume(struct state *state)
{
	atomic_store(&state->paused, false);
}

/*
 * Waits until a change is posted (which it returns), health is to be followed, the time
 * has come or the thread shall end.
 */
static struct change *wait_until(struct state *state, int64_t when, bool *follow, bool *stop)
{
	struct timespec time = { when / 1000, when % 1000 * 1000000 };
	struct change *change;
	int ret = 0;

	pthread_mutex_lock(&state->lock);
	while (!state->stop && !state->follow && !state->first && ret != ETIMEDOUT)
		ret = pthread_cond_timedwait(&state->wake, &state->lock, &time);
	change = state->first;
	if (change) {
		state->first = change->next;
		if (!state->first)
			state->last = &state->first;
	}
	*follow = state->follow;
	state->follow = false;
	*stop = state->stop;
	pthread_mutex_unlock(&state->lock);
	return change;
}

static void *run(void *data)
{
	struct state *state = data;
	int64_t next = clock_now() + state->period, load = clock_now() + state->reload;
	int64_t began, spent, rest;
	struct change *change;
	bool follow, looked, stop = false;

	rcu_register_thread();
	while (!stop) {
		change = wait_until(state, state->reload && load < next ? load : next, &follow, &stop);
		if (change)
			carry_out(state, change);
		if (!stop && state->reload && clock_now() >= load) {
			load_again(state);
			load = clock_now() + state->reload;
		}
		if (follow)
			follow_health(state->engine->snapshot, state->socket);
		if (stop || clock_now() < next)
			continue;
		began = clock_now();
		spent = clock_spent();
		looked = tick(state);
		next = began + state->period;
		if (looked) {
			/* A machine that stood still meanwhile is no reason to rest */
			rest = (clock_spent() - spent) * LOOK_SHARE;
			rest = clock_now() + (rest < LOOK_REST_MAX ? rest : LOOK_REST_MAX);
			next = rest > next ? rest : next;
			metadata_set_limit(state->engine->metadata, next + state->stale);
		}
	}
	rcu_unregister_thread();
	return NULL;
}

int state_prepare(struct state *state, const struct snapshot *snapshot, struct error *error)
{
	struct rw_error why;
	int64_t began;
	int tries;

	for (tries = 0; tries < PREPARE_TRIES; tries++) {
		began = clock_now();
		if (watch_look(state->watch, state->socket, snapshot, false, &why))
			return refuse(error, "flows: %s", why.sentence);
		if (clock_now() - began < PREPARED)
			break;
	}
	return 0;
}

int state_adopt(struct state *state, struct snapshot *snapshot, struct error *error)
{
	struct watch_status status;
	struct rw_error why;
	struct plan plan;
	int ret;

	/* The first look of all is at all flows */
	if (look(state, snapshot, false, error))
		return -1;
	watch_status(state->watch, &status);
	if (follow_adopt(snapshot, state->socket, &why))
		return refuse(error, "%s", why.sentence);
	if (plan_make(&plan, state->socket, snapshot, NULL, PLAN_CHANGE, false, &state->retired, error))
		return -1;
	ret = plan_revoke(&plan, state->socket, error);
	if (!ret)
		ret = put_in_force(state, snapshot, &plan, error);
	if (!ret)
		log_line("adopted %llu flows; added %u rules, deleted %u, set %u targets",
			 (unsigned long long)status.flows, plan.changes.rules_added,
			 plan.changes.rules_deleted, plan.changes.targets_set);
	plan_free(&plan);
	return ret;
}

static struct rw_socket *open_socket(int log, struct error *error)
{
	struct rw_error why;
	struct rw_socket *socket = rw_socket_open(&why), *adopted;

	if (socket && log >= 0) {
		adopted = rw_socket_adopt(log, socket, &why);
		rw_socket_close(socket);
		socket = adopted;
	}
	if (!socket)
		refuse(error, "%s", why.sentence);
	return socket;
}

struct state *state_open(struct engine *engine, struct store *store,
			 const struct state_options *options, int log, struct error *error)
{
	struct state *state = allocate(1, sizeof(*state));
	pthread_condattr_t attributes;

	state->engine = engine;
	state->store = store;
	state->period = options->period;
	state->stale = options->stale;
	state->frozen = options->frozen;
	state->reload = options->reload;
	state->watch = watch_new(engine);
	state->last = &state->first;
	state->retired_ids = json_array();
	pthread_mutex_init(&state->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&state->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	state->socket = open_socket(log, error);
	if (state->socket)
		return state;
	state_close(state);
	return NULL;
}

void state_start(struct state *state)
{
	state->stop = false;
	thread_start(&state->thread, "state", run, state);
	state->started = true;
}

void state_stop(struct state *state)
{
	if (!state->started)
		return;
	pthread_mutex_lock(&state->lock);
	state->stop = true;
	pthread_cond_signal(&state->wake);
	pthread_mutex_unlock(&state->lock);
	pthread_join(state->thread, NULL);
	state->started = false;
}

void state_post(struct state *state, struct change *change)
{
	change->next = NULL;
	pthread_mutex_lock(&state->lock);
	*state->last = change;
	state->last = &change->next;
	pthread_cond_signal(&state->wake);
	pthread_mutex_unlock(&state->lock);
}

void state_follow(struct state *state)
{
	pthread_mutex_lock(&state->lock);
	state->follow = true;
	pthread_cond_signal(&state->wake);
	pthread_mutex_unlock(&state->lock);
}

void state_status(struct state *state, struct state_status *status)
{
	watch_status(state->watch, &status->watch);
	pthread_mutex_lock(&state->lock);
	status->rules_waiting = state->rules_waiting;
	status->reloads = state->reloads;
	status->loop = state->loop;
	status->retired = json_deep_copy(state->retired_ids);
	pthread_mutex_unlock(&state->lock);
}

void state_close(struct state *state)
{
	struct change *change;

	while ((change = state->first)) {
		state->first = change->next;
		change->result = refuse(&change->error, "the daemon ends");
		change->done(change);
	}
	rw_socket_close(state->socket);
	watch_free(state->watch);
	snapshot_free(state->engine->snapshot);
	targets_free(&state->before);
	retired_free(&state->retired);
	json_decref(state->retired_ids);
	pthread_cond_destroy(&state->wake);
	pthread_mutex_destroy(&state->lock);
	free(state);
}

// SPDX-License-Identifier: GPL-2.0
/* The prober thread: when backends are checked, and what results are taken for. */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <urcu.h>

#include "attempt.h"
#include "clock.h"
#include "http.h"
#include "librewire.h"
#include "prober.h"
#include "runner.h"
#include "thread.h"

#define TURN_PERIOD	20	/* milliseconds until one that waits for its turn, or its probe, asks again */
#define LINGER		3000	/* what a flow lives longer than its check, for the ends to part */

/* A backend that is checked, round by round: each of its addresses, until one is bad. */
struct item {
	struct prober *prober;
	uint32_t service, backend;
	struct health *health;
	uv_timer_t timer;		/* until the next round, or the end of the attempt's time */
	struct probe *probe;		/* of the round that is under way; or NULL */
	struct attempt *attempt;	/* of the round; or NULL */
	int family;			/* of the attempt */
	int64_t began;			/* the round, in milliseconds */
	uint32_t took;
	char reason[128];		/* of the last good attempt */
};

struct prober {
	struct engine *engine;
	struct state *state;
	pthread_t thread;
	bool started;
	uv_loop_t loop;
	uv_async_t wake;
	struct http *http;
	struct runner *runner;
	_Atomic bool stop;

	/* The thread's */
	struct rw_socket *socket;
	unsigned int module;		/* of the engine, that the socket is for */
	struct decider decider;
	struct item **items;		/* by backend */
	unsigned int count, active;
};

static void on_timer(uv_timer_t *timer);

/* A round ends: its result counts, and the next one begins in time. */
static void finish_round(struct item *item, enum check_result result, const char *reason)
{
	struct prober *prober = item->prober;
	int64_t now = clock_now(), wait = item->began + item->probe->interval - now;

	if (health_take(item->health, &item->probe->limits, result, reason, item->took, now))
		state_follow(prober->state);
	/* Not all at once, for ever */
	wait += random_below(&prober->decider.random, item->probe->interval / 16 + 1);
	probe_put(item->probe);
	item->probe = NULL;
	uv_timer_start(&item->timer, on_timer, wait > 0 ? wait : 0, 0);
}

static void end_attempt(struct item *item)
{
	if (!item->attempt)
		return;
	attempt_stop(item->attempt);
	item->attempt = NULL;
	item->prober->active--;
}

static void next_attempt(struct item *item);

static void on_done(struct attempt *attempt, enum check_result result, const char *reason)
{
	struct item *item = attempt->data;

	item->took = clock_now() - item->began;
	snprintf(item->reason, sizeof(item->reason), "%s", reason);
	end_attempt(item);
	uv_timer_stop(&item->timer);
	if (result != CHECK_GOOD) {
		finish_round(item, result, item->reason);
		return;
	}
	item->family++;
	next_attempt(item);
}

/* A socket that knows the module as it is now; it may have been loaded anew. */
static bool have_socket(struct prober *prober, struct error *error)
{
	unsigned int module = atomic_load(&prober->engine->module);
	struct rw_error why;

	if (prober->socket && prober->module == module)
		return true;
	rw_socket_close(prober->socket);
	prober->socket = rw_socket_open(&why);
	prober->module = module;
	if (!prober->socket)
		refuse(error, "%s", why.sentence);
	return prober->socket;
}

/* Within a section of RCU. 0; 1, the backend has no further address; or -1 and why not. */
static int start_attempt(struct item *item, const struct snapshot *snapshot,
			 const struct service *service, const struct backend *backend,
			 struct error *error)
{
	struct prober *prober = item->prober;
	struct attempt like = {
		.loop = &prober->loop, .http = prober->http, .runner = prober->runner, .probe = item->probe, .done = on_done, .data = item,
	};

	while (item->family < FAMILIES &&
	       !(service->families[item->family] && backend->addresses[item->family].family))
		item->family++;
	if (item->family == FAMILIES)
		return 1;
	if (!have_socket(prober, error) ||
	    way_open(&like.way, &prober->decider, prober->engine->scope, prober->socket, snapshot, item->probe, service,
		     backend, item->family, item->probe->timeout + LINGER, error))
		return -1;
	item->attempt = attempt_start(&like, error);
	if (!item->attempt)
		return -1;
	prober->active++;
	return 0;
}

static const struct backend *find_backend(const struct item *item, const struct service *service)
{
	unsigned int i;

	for (i = 0; service && i < service->backend_count; i++)
		if (service->backends[i].id == item->backend)
			return &service->backends[i];
	return NULL;
}

static void next_attempt(struct item *item)
{
	const struct snapshot *snapshot;
	const struct service *service;
	const struct backend *backend;
	struct error error = { .text = "it is not configured any more" };
	int ret = -1;

	rcu_read_lock();
	snapshot = rcu_dereference(item->prober->engine->snapshot);
	service = snapshot_service(snapshot, item->service);
	backend = find_backend(item, service);
	if (backend)
		ret = start_attempt(item, snapshot, service, backend, &error);
	rcu_read_unlock();
	if (ret < 0)
		finish_round(item, CHECK_UNDONE, error.text);
	else if (ret)
		finish_round(item, CHECK_GOOD, item->reason);
	else
		uv_timer_start(&item->timer, on_timer, item->probe->timeout, 0);
}

/* The probe that is configured now; NULL, the item will be gone in a moment, or have one again. */
static struct probe *current_probe(const struct item *item)
{
	const struct service *service;
	struct probe *probe = NULL;

	rcu_read_lock();
	service = snapshot_service(rcu_dereference(item->prober->engine->snapshot), item->service);
	if (service && service->probe)
		probe = probe_get(service->probe);
	rcu_read_unlock();
	return probe;
}

static void begin_round(struct item *item)
{
	if (item->prober->active < PROBER_ATTEMPTS_MAX)
		item->probe = current_probe(item);
	if (!item->probe) {
		uv_timer_start(&item->timer, on_timer, TURN_PERIOD, 0);
		return;
	}
	item->began = clock_now();
	item->family = 0;
	item->took = 0;
	strcpy(item->reason, "it has no address that its service takes");
	next_attempt(item);
}

static void on_timer(uv_timer_t *timer)
{
	struct item *item = timer->data;
	char reason[64];

	if (!item->attempt) {
		begin_round(item);
		return;
	}
	end_attempt(item);
	item->took = item->probe->timeout;
	snprintf(reason, sizeof(reason), "no answer within %u ms", item->probe->timeout);
	finish_round(item, CHECK_BAD, reason);
}

static void on_item_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void drop_item(struct item *item)
{
	end_attempt(item);
	probe_put(item->probe);
	health_put(item->health);
	uv_close((uv_handle_t *)&item->timer, on_item_closed);
}

static struct item *make_item(struct prober *prober, const struct backend *backend)
{
	struct item *item = allocate(1, sizeof(*item));

	item->prober = prober;
	item->backend = backend->id;
	item->health = health_get(backend->health);
	item->timer.data = item;
	uv_timer_init(&prober->loop, &item->timer);
	uv_timer_start(&item->timer, on_timer, 0, 0);
	return item;
}

/* Both lists are by backend. An item stays as long as its backend's health is the same. */
static void refresh(struct prober *prober, const struct snapshot *snapshot)
{
	struct item **items = allocate(snapshot->backend_count, sizeof(*items)), *item;
	unsigned int i, count = 0, old = 0;
	const struct backend *backend;

	for (i = 0; i < snapshot->backend_count; i++) {
		backend = snapshot->backends[i];
		while (old < prober->count && prober->items[old]->backend < backend->id)
			drop_item(prober->items[old++]);
		item = old < prober->count && prober->items[old]->backend == backend->id ?
		       prober->items[old++] : NULL;
		if (item && item->health != backend->health) {
			drop_item(item);
			item = NULL;
		}
		if (!backend->health)
			continue;
		if (!item)
			item = make_item(prober, backend);
		item->service = backend->service;
		items[count++] = item;
	}
	while (old < prober->count)
		drop_item(prober->items[old++]);
	free(prober->items);
	prober->items = items;
	prober->count = count;
}

static void on_wake(uv_async_t *wake)
{
	struct prober *prober = wake->data;

	if (atomic_load(&prober->stop)) {
		while (prober->count)
			drop_item(prober->items[--prober->count]);
		uv_stop(wake->loop);
		return;
	}
	rcu_read_lock();
	refresh(prober, rcu_dereference(prober->engine->snapshot));
	rcu_read_unlock();
}

static void *run(void *data)
{
	struct prober *prober = data;

	rcu_register_thread();
	uv_run(&prober->loop, UV_RUN_DEFAULT);
	rcu_unregister_thread();
	return NULL;
}

struct prober *prober_new(struct engine *engine, int runner)
{
	struct prober *prober = allocate(1, sizeof(*prober));

	prober->engine = engine;
	random_seed(&prober->decider.random);
	prober->decider.bindings = engine->bindings;
	uv_loop_init(&prober->loop);
	uv_async_init(&prober->loop, &prober->wake, on_wake);
	prober->wake.data = prober;
	prober->http = http_new(&prober->loop);
	prober->runner = runner_new(&prober->loop, runner);
	return prober;
}

void prober_start(struct prober *prober, struct state *state)
{
	prober->state = state;
	atomic_store(&prober->stop, false);
	prober_wake(prober);
	thread_start(&prober->thread, "prober", run, prober);
	prober->started = true;
}

void prober_wake(struct prober *prober)
{
	if (prober)
		uv_async_send(&prober->wake);
}

void prober_stop(struct prober *prober)
{
	atomic_store(&prober->stop, true);
	uv_async_send(&prober->wake);
	if (prober->started)
		pthread_join(prober->thread, NULL);
	prober->started = false;
}

void prober_free(struct prober *prober)
{
	uv_close((uv_handle_t *)&prober->wake, NULL);
	http_free(prober->http);
	runner_free(prober->runner);
	uv_run(&prober->loop, UV_RUN_DEFAULT);
	uv_loop_close(&prober->loop);
	rw_socket_close(prober->socket);
	free(prober->items);
	free(prober);
}

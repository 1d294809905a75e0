// SPDX-License-Identifier: GPL-2.0
/* Follow the kernel's flows. */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "choose.h"
#include "clock.h"
#include "guard.h"
#include "librewire.h"
#include "log.h"
#include "binding.h"
#include "memory.h"
#include "metadata.h"
#include "watch.h"

/* A flow that the log tells of, as far as its ports go. There may be very many. */
struct seen {
	struct rw_tuple orig, reply;
	uint32_t policy;
	uint64_t id;
};

struct watch {
	struct engine *engine;
	struct guards guards;
	bool listening;			/* the kernel keeps a log for the socket */
	bool behind;			/* what the log says is not enough */
	uint64_t expected;		/* flows that the tables have room for */

	/* Of one look */
	const struct snapshot *snapshot;
	int64_t now;
	struct seen *seen;
	size_t seen_count;
	unsigned int seen_room;
	bool listing;
	uint64_t changes;
	bool overflow;

	pthread_mutex_t lock;		/* of the status */
	struct watch_status status;
};

struct watch *watch_new(struct engine *engine)
{
	struct watch *watch = allocate(1, sizeof(*watch));

	watch->engine = engine;
	watch->behind = true;
	pthread_mutex_init(&watch->lock, NULL);
	return watch;
}

void watch_free(struct watch *watch)
{
	pthread_mutex_destroy(&watch->lock);
	free(watch->seen);
	free(watch);
}

static bool is_translated(const struct rw_flow *flow)
{
	return flow->action == REWIRE_FLOW_ACTION_TRANSLATE;
}

static void add_seen(struct watch *watch, const struct rw_flow *flow)
{
	watch->seen = grow(watch->seen, watch->seen_count, &watch->seen_room, sizeof(*watch->seen));
	watch->seen[watch->seen_count++] = (struct seen){
		flow->spec.orig, flow->spec.reply, flow->spec.policy, flow->id
	};
}

/* A client stays with a backend as long as its flows have packets, and for some time after. */
static void learn_affinity(struct watch *watch, const struct rw_flow *flow)
{
	const struct service *service = snapshot_service(watch->snapshot, flow->spec.policy);
	struct affinity_client client;

	if (!service || !service->affinity || !flow->spec.target ||
	    flow->action != REWIRE_FLOW_ACTION_TRANSLATE)
		return;
	choose_client(service, &flow->spec.orig, &client);
	affinity_learn(watch->engine->affinity, &client, flow->spec.target, flow->spec.decision,
		       watch->now, watch->now - (int64_t)flow->idle + service->affinity * 1000LL);
}

/*
 * Before a configuration is in force, handlers give ports by the one that is, and they may
 * go on with it, if the kernel refuses the other. So what either has is in use.
 */
static const struct snapshot *other_snapshot(const struct watch *watch)
{
	const struct snapshot *in_force = watch->engine->snapshot;

	return in_force != watch->snapshot ? in_force : NULL;
}

static void see_ports(struct watch *watch, const struct rw_flow *flow)
{
	const struct snapshot *other = other_snapshot(watch);

	bindings_seen(watch->engine->bindings, watch->snapshot, &flow->spec, flow->id);
	if (other)
		bindings_seen(watch->engine->bindings, other, &flow->spec, flow->id);
}

static int see_flow(const struct rw_flow *flow, void *data)
{
	struct watch *watch = data;

	metadata_raise(watch->engine->metadata, flow->spec.decision);
	memory_seen(watch->engine->memory, flow, watch->now);
	learn_affinity(watch, flow);
	if (is_translated(flow) && watch->listing)
		see_ports(watch, flow);
	else if (is_translated(flow))
		add_seen(watch, flow);
	return 0;
}

/* A flow that may come back keeps its port. */
static void flow_ended(struct watch *watch, const struct rw_change *change)
{
	const struct rw_flow *flow = &change->flow;
	bool kept = memory_ended(watch->engine->memory, flow, change->reason, watch->now);

	if (is_translated(flow))
		bindings_ended(watch->engine->bindings, watch->snapshot, &flow->spec, flow->id, kept);
}

/* A record began or ended to hold a port. */
static void set_port(const struct record *record, bool held, void *data)
{
	const struct watch *watch = data;
	const struct snapshot *other = other_snapshot(watch);
	const struct rw_flow_spec flow = record_flow(record);

	bindings_remember(watch->engine->bindings, watch->snapshot, &flow, held);
	if (other)
		bindings_remember(watch->engine->bindings, other, &flow, held);
}

/*
 * After a list, which lacks what may come back, and what handlers have got since it began.
 * A pending record's port is its handler's.
 */
static void use_port(const struct record *record, void *data)
{
	if (record->holds_port ||
	    (atomic_load(&record->state) == RECORD_LIVE && !record_is_told(record)))
		set_port(record, true, data);
}

static int see_change(const struct rw_change *change, void *data)
{
	struct watch *watch = data;

	if (change->overflow) {
		watch->overflow = true;
		return 0;
	}
	watch->changes++;
	if (!change->ended)
		return see_flow(&change->flow, watch);
	flow_ended(watch, change);
	return 0;
}

/* Another process may have the log; it is asked for again at each look. */
static int listen_to_changes(struct watch *watch, struct rw_socket *socket, struct rw_error *error)
{
	int ret;

	if (watch->listening)
		return 0;
	watch->behind = true;
	ret = rw_change_listen(socket, error);
	watch->listening = !ret;
	if (ret == -EBUSY)
		log_detail("changes: %s", error->sentence);
	return ret == -EBUSY ? 0 : ret;
}

/* What was logged before a list of all flows began has to be out of the way. */
static int read_log(struct watch *watch, struct rw_socket *socket, struct rw_error *error)
{
	int ret;

	if (!watch->listening)
		return 0;
	ret = rw_change_each(socket, see_change, watch, error);
	if (ret)
		watch->listening = false;
	if (ret || watch->overflow)
		watch->behind = true;
	return ret == -EPERM ? listen_to_changes(watch, socket, error) : ret;
}

/*
 * Tables grow of themselves only when there are eight times as many nodes as chains, which
 * is slow for who looks something up. So they have room for twice what there is.
 */
static void make_room(struct watch *watch, uint64_t flows)
{
	struct memory_status status;

	/* Those that the kernel has lost come back by being looked up */
	memory_status(watch->engine->memory, &status);
	if (flows < status.records)
		flows = status.records;
	if (flows > watch->expected || flows < watch->expected / 16)
		watch->expected = 2 * flows;
	/* Each time, for tables also shrink of themselves */
	memory_expect(watch->engine->memory, watch->expected);
	bindings_expect(watch->engine->bindings, watch->expected);
}

static int read_all(struct watch *watch, struct rw_socket *socket, struct rw_error *error)
{
	struct engine *engine = watch->engine;
	int ret;

	watch->seen_count = 0;
	bindings_list_begin(engine->bindings);
	memory_list_begin(engine->memory);
	watch->listing = true;
	ret = rw_flow_each(socket, NULL, see_flow, watch, error);
	watch->listing = false;
	/* What one of two configurations has in use may be free by the other: that is for the next */
	watch->behind = ret || !watch->listening || other_snapshot(watch);
	if (ret)
		return ret;
	memory_list_end(engine->memory, watch->now);
	memory_each(engine->memory, use_port, watch);
	bindings_list_end(engine->bindings);
	return 0;
}

/* The order of the log is not that of time: of one look, ends come first. */
static unsigned int settle(struct watch *watch)
{
	struct bindings *bindings = watch->engine->bindings;
	struct rw_flow_spec flow = { 0 };
	const struct seen *seen;

	for (seen = watch->seen; seen < watch->seen + watch->seen_count; seen++) {
		flow.orig = seen->orig;
		flow.reply = seen->reply;
		flow.policy = seen->policy;
		bindings_seen(bindings, watch->snapshot, &flow, seen->id);
	}
	bindings_set_watermark(bindings, metadata_watermark(watch->engine->metadata));
	return bindings_look_end(bindings, watch->now);
}

static void count(struct watch *watch, bool all, unsigned int freed, uint64_t flows)
{
	log_detail("looked at %s: %llu changes, %u ports freed",
		   all ? "all flows" : "the log", (unsigned long long)watch->changes, freed);
	pthread_mutex_lock(&watch->lock);
	watch->status.looks++;
	watch->status.lists += all;
	watch->status.changes += watch->changes;
	watch->status.overflows += watch->overflow;
	watch->status.flows = flows;
	watch->status.ports_freed += freed;
	pthread_mutex_unlock(&watch->lock);
}

void watch_lost(struct watch *watch)
{
	watch->listening = false;
	watch->behind = true;
	watch->guards.count = 0;
	memory_lost(watch->engine->memory, clock_now());
	bindings_lost(watch->engine->bindings);
}

void watch_unguard(struct watch *watch, struct rw_socket *socket)
{
	guards_renew(&watch->guards, watch->engine->memory, socket);
	guards_set(&watch->guards, watch->engine->memory, socket);
}

/* A daemon that starts asks for no questions yet. */
static int look_at_module(const struct engine *engine, struct rw_socket *socket,
			  struct rw_stats *stats, struct rw_error *error)
{
	int ret = rw_stats_get(socket, false, stats, error);

	if (!ret && engine->snapshot && !stats->handlers)
		return rw_error_set(error, -ESTALE, "the rewire kernel module was loaded anew");
	return ret;
}

int watch_look(struct watch *watch, struct rw_socket *socket, const struct snapshot *snapshot,
	       bool all, struct rw_error *error)
{
	struct rw_stats stats;
	int ret;

	watch->snapshot = snapshot;
	watch->now = clock_now();
	watch->seen_count = 0;
	watch->changes = 0;
	watch->overflow = false;
	bindings_look_begin(watch->engine->bindings, watch->now);
	memory_tick(watch->engine->memory, watch->now, set_port, watch);
	ret = look_at_module(watch->engine, socket, &stats, error);
	if (!ret) {
		make_room(watch, stats.flows);
		ret = listen_to_changes(watch, socket, error);
	}
	if (!ret)
		ret = read_log(watch, socket, error);
	all |= watch->behind;
	if (!ret && all)
		ret = read_all(watch, socket, error);
	if (ret) {
		watch->behind = true;
		return ret;
	}
	memory_tick(watch->engine->memory, watch->now, set_port, watch);
	count(watch, all, settle(watch), stats.flows);
	/* A daemon that starts deletes those that there are before it sets its own */
	if (watch->engine->snapshot)
		guards_set(&watch->guards, watch->engine->memory, socket);
	return 0;
}

void watch_status(struct watch *watch, struct watch_status *status)
{
	pthread_mutex_lock(&watch->lock);
	*status = watch->status;
	pthread_mutex_unlock(&watch->lock);
}

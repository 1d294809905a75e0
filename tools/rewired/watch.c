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
#include "memory.h"
#include "metadata.h"
#include "watch.h"

/* A port that a flow has. */
struct use {
	struct ports *ports;
	uint16_t port;
	uint8_t protocol;
};

struct watch {
	struct engine *engine;
	struct guards guards;
	bool listening;			/* the kernel keeps a log for the socket */
	bool behind;			/* what the log says is not enough */

	/* Of one look */
	const struct snapshot *snapshot;
	int64_t now;
	struct use *uses;
	size_t use_count, use_room;
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
	free(watch->uses);
	free(watch);
}

static struct ports *flow_ports(const struct watch *watch, const struct rw_flow *flow)
{
	const struct rw_tuple *reply = &flow->spec.reply;

	if (flow->action != REWIRE_FLOW_ACTION_TRANSLATE)
		return NULL;
	return snapshot_ports(watch->snapshot, reply->vni, &reply->dst);
}

static void add_use(struct watch *watch, const struct use *use)
{
	struct use *uses;

	if (watch->use_count == watch->use_room) {
		watch->use_room = watch->use_room ? 2 * watch->use_room : 256;
		uses = allocate(watch->use_room, sizeof(*uses));
		if (watch->use_count)
			memcpy(uses, watch->uses, watch->use_count * sizeof(*uses));
		free(watch->uses);
		watch->uses = uses;
	}
	watch->uses[watch->use_count++] = *use;
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

static int see_flow(const struct rw_flow *flow, void *data)
{
	const struct rw_tuple *reply = &flow->spec.reply;
	struct watch *watch = data;
	struct use use = { flow_ports(watch, flow), reply->dport, reply->protocol };

	metadata_raise(watch->engine->metadata, flow->spec.decision);
	memory_seen(watch->engine->memory, flow, watch->now);
	learn_affinity(watch, flow);
	if (use.ports)
		add_use(watch, &use);
	return 0;
}

/* A flow that may come back keeps its port. */
static void flow_ended(struct watch *watch, const struct rw_change *change)
{
	const struct rw_tuple *reply = &change->flow.spec.reply;
	struct use use = { flow_ports(watch, &change->flow), reply->dport, reply->protocol };
	bool kept = memory_ended(watch->engine->memory, &change->flow, change->reason, watch->now);

	if (kept && use.ports)
		add_use(watch, &use);
	else if (use.ports)
		ports_flow_ended(use.ports, use.protocol, use.port);
}

/* A record began or ended to hold a port. */
static void set_port(const struct record *record, bool held, void *data)
{
	const struct rw_tuple *reply = &record->spec.reply;
	const struct watch *watch = data;
	struct ports *ports = snapshot_ports(watch->snapshot, reply->vni, &reply->dst);

	if (ports && held)
		ports_flow_seen(ports, reply->protocol, reply->dport);
	else if (ports)
		ports_flow_ended(ports, reply->protocol, reply->dport);
}

/* After a list, which lacks what may come back. A pending record's port is its handler's. */
static void use_port(const struct record *record, void *data)
{
	if (record->holds_port || atomic_load(&record->state) == RECORD_LIVE)
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

static int read_all(struct watch *watch, struct rw_socket *socket, struct rw_error *error)
{
	const struct snapshot *snapshot = watch->snapshot;
	unsigned int i;
	int ret;

	watch->use_count = 0;
	for (i = 0; i < snapshot->port_count; i++)
		ports_forget(snapshot->ports[i]);
	memory_list_begin(watch->engine->memory);
	ret = rw_flow_each(socket, NULL, see_flow, watch, error);
	watch->behind = ret || !watch->listening;
	if (ret)
		return ret;
	memory_list_end(watch->engine->memory, watch->now);
	memory_each(watch->engine->memory, use_port, watch);
	return 0;
}

/*
 * The order of the log is not that of time, but a port goes to another flow only
 * after a look has seen the first one's end. So of one look, ends come first.
 */
static unsigned int settle(struct watch *watch)
{
	const struct snapshot *snapshot = watch->snapshot;
	unsigned int i, freed = 0;
	struct use *use;

	for (use = watch->uses; use < watch->uses + watch->use_count; use++)
		ports_flow_seen(use->ports, use->protocol, use->port);
	for (i = 0; i < snapshot->port_count; i++)
		freed += ports_look_end(snapshot->ports[i]);
	return freed;
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
}

static int look_at_module(struct rw_socket *socket, struct rw_stats *stats, struct rw_error *error)
{
	int ret = rw_stats_get(socket, false, stats, error);

	if (!ret && !stats->handlers)
		return rw_error_set(error, -ESTALE, "the rewire kernel module was loaded anew");
	return ret;
}

int watch_look(struct watch *watch, struct rw_socket *socket, const struct snapshot *snapshot,
	       bool all, struct rw_error *error)
{
	struct rw_stats stats;
	unsigned int i;
	int ret;

	watch->snapshot = snapshot;
	watch->now = clock_now();
	watch->use_count = 0;
	watch->changes = 0;
	watch->overflow = false;
	for (i = 0; i < snapshot->port_count; i++)
		ports_look_begin(snapshot->ports[i]);
	memory_tick(watch->engine->memory, watch->now, set_port, watch);
	ret = look_at_module(socket, &stats, error);
	if (!ret)
		ret = listen_to_changes(watch, socket, error);
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
	guards_set(&watch->guards, watch->engine->memory, socket);
	return 0;
}

void watch_status(struct watch *watch, struct watch_status *status)
{
	pthread_mutex_lock(&watch->lock);
	*status = watch->status;
	pthread_mutex_unlock(&watch->lock);
}

// SPDX-License-Identifier: GPL-2.0
/* What the control socket's methods do. */

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <urcu.h>

#include "address.h"
#include "client.h"
#include "control.h"
#include "find.h"
#include "affinity.h"
#include "clock.h"
#include "json.h"
#include "memory.h"
#include "metadata.h"
#include "methods.h"
#include "names.h"

typedef json_t *show_fn(struct daemon *daemon, const struct snapshot *snapshot);
/* NULL, and the place's error, when it is refused. */
typedef json_t *ask_fn(struct daemon *daemon, const struct snapshot *snapshot,
		       const struct place *params);

static json_t *show_counters(struct daemon *daemon)
{
	uint64_t counts[COUNTERS];
	json_t *counters = json_object();
	int i;

	handlers_count(daemon->handlers, counts);
	for (i = 0; i < COUNTERS; i++)
		json_object_set_new(counters, counter_names[i], json_integer(counts[i]));
	return counters;
}

static json_t *show_status(struct daemon *daemon, const struct snapshot *snapshot)
{
	struct affinity_status affinity;
	struct metadata_status metadata;
	struct memory_status memory;
	struct state_status status;
	json_t *shown;
	int64_t now = clock_now();

	affinity_status(daemon->engine->affinity, &affinity);
	metadata_status(daemon->engine->metadata, &metadata);
	memory_status(daemon->engine->memory, &memory);
	state_status(daemon->state, &status);
	shown = json_pack("{s:s, s:i, s:I, s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:o, s:i, s:o}",
			 "version", REWIRE_VERSION, "pid", getpid(),
			 "uptime", (json_int_t)(now / 1000 - daemon->started),
			 "handlers", handlers_number(daemon->handlers),
			 "pools", snapshot->pool_count, "services", snapshot->service_count,
			 "backends", snapshot->backend_count,
			 "rules_waiting", status.rules_waiting,
			 "flows", (json_int_t)status.watch.flows,
			 "looks", (json_int_t)status.watch.looks,
			 "lists", (json_int_t)status.watch.lists,
			 "changes", (json_int_t)status.watch.changes,
			 "overflows", (json_int_t)status.watch.overflows,
			 "ports_freed", (json_int_t)status.watch.ports_freed,
			 "remembered", (json_int_t)memory.records,
			 "kept", (json_int_t)memory.kept,
			 "unremembered", (json_int_t)memory.unremembered,
			 "clients", (json_int_t)affinity.clients,
			 "clients_unremembered", (json_int_t)affinity.unremembered,
			 "reloads", (json_int_t)status.reloads,
			 "rotations", (json_int_t)metadata.rotations,
			 "refused_summaries", (json_int_t)metadata.refused,
			 "decision", (json_int_t)metadata_number(daemon->engine->metadata),
			 "stale", metadata_is_stale(daemon->engine->metadata, now),
			 "counters", show_counters(daemon),
			 "listeners", control_listeners(daemon->control),
			 "retired", status.retired);
	json_object_set_new(shown, "loop", json_pack("{s:I, s:I, s:I, s:I, s:I}",
		"loads", (json_int_t)status.loop.loads, "bytes", (json_int_t)status.loop.bytes,
		"objects", (json_int_t)status.loop.objects,
		"requests", (json_int_t)status.loop.requests,
		"refused", (json_int_t)status.loop.refused));
	return shown;
}

static json_t *show_local(const struct local_summary *local)
{
	static const char *const names[] = { "L_cur", "L_cut", "L_prev", "L_held" };

	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:b}", "piece", names[local->piece],
			 "generation", (json_int_t)local->generation,
			 "first", (json_int_t)local->first, "last", (json_int_t)local->last,
			 "decisions", (json_int_t)(local->last + 1 - local->first),
			 "dropped", local->dropped);
}

static json_t *show_flows(const char *name, const struct flow_summary *summary, int64_t now)
{
	const struct rw_summary *kernel = &summary->kernel;
	char epoch[17];

	snprintf(epoch, sizeof(epoch), "%016llx", (unsigned long long)kernel->epoch);
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "piece", name, "epoch", epoch,
			 "generation", (json_int_t)kernel->generation,
			 "watermark", (json_int_t)kernel->watermark,
			 "newest", (json_int_t)kernel->newest,
			 "flows", (json_int_t)kernel->flows,
			 "age", (json_int_t)(now - summary->came));
}

static json_t *show_metadata(struct daemon *daemon, const struct snapshot *snapshot)
{
	struct metadata_status status;
	json_t *pieces = json_array();
	int64_t now = clock_now();
	unsigned int i;

	(void)snapshot;
	metadata_status(daemon->engine->metadata, &status);
	for (i = 0; i < status.count; i++)
		json_array_append_new(pieces, show_local(&status.locals[i]));
	if (status.rotations > 0)
		json_array_append_new(pieces, show_flows("F_new", &status.newest, now));
	if (status.rotations > 1)
		json_array_append_new(pieces, show_flows("F_prev", &status.previous, now));
	return pieces;
}

static json_t *show_config(struct daemon *daemon, const struct snapshot *snapshot)
{
	(void)daemon;
	return json_loads(snapshot->text, 0, NULL);
}

/* Services as they are configured; backends have a method of their own. */
static json_t *show_services(struct daemon *daemon, const struct snapshot *snapshot)
{
	json_t *config = show_config(daemon, snapshot);
	json_t *services = json_incref(json_object_get(config, "services")), *service;
	size_t i;

	json_array_foreach(services, i, service) {
		if (!json_object_get(service, "backends"))
			continue;
		json_object_set_new(service, "backends",
				    json_integer(json_array_size(json_object_get(service, "backends"))));
	}
	json_decref(config);
	return services ? services : json_array();
}

static json_t *show_usage(const struct pool *pool, const struct ports *ports, uint8_t protocol)
{
	unsigned int all = pool->ports.max - pool->ports.min + 1;
	unsigned int used = ports_used(ports, protocol, pool->ports);

	return json_pack("{s:i, s:i}", "used", used, "free", all - used);
}

static json_t *show_pool(const struct pool *pool)
{
	json_t *addresses = json_array();
	char text[RW_ADDR_TEXT], range[16];
	const struct ports *ports;
	unsigned int i;
	int family;

	for (family = 0; family < FAMILIES; family++) {
		for (i = 0; i < pool->address_count[family]; i++) {
			ports = pool->addresses[family][i];
			json_array_append_new(addresses, json_pack("{s:s, s:o, s:o, s:o}",
				"address", rw_addr_print(text, ports_address(ports)),
				"tcp", show_usage(pool, ports, IPPROTO_TCP),
				"udp", show_usage(pool, ports, IPPROTO_UDP),
				"icmp", show_usage(pool, ports, IPPROTO_ICMP)));
		}
	}
	snprintf(range, sizeof(range), "%u-%u", pool->ports.min, pool->ports.max);
	return json_pack("{s:s, s:i, s:s, s:I, s:I, s:o}", "name", pool->name, "vni", pool->vni,
			 "ports", range,
			 "exhausted", (json_int_t)atomic_load(&pool->refusals->exhausted),
			 "limited", (json_int_t)atomic_load(&pool->refusals->limited),
			 "addresses", addresses);
}

static json_t *show_pools(struct daemon *daemon, const struct snapshot *snapshot)
{
	json_t *pools = json_array();
	unsigned int i;

	(void)daemon;
	for (i = 0; i < snapshot->pool_count; i++)
		json_array_append_new(pools, show_pool(&snapshot->pools[i]));
	return pools;
}

static json_t *show_health(struct health *health)
{
	struct health_report report;
	int64_t now = clock_now();
	json_t *shown;

	health_report(health, &report);
	shown = json_pack("{s:s, s:I, s:I, s:I, s:I}",
			  "state", health_state_names[report.state],
			  "checks", (json_int_t)report.checks,
			  "failures", (json_int_t)report.failures,
			  "undone", (json_int_t)report.undone,
			  "changes", (json_int_t)report.changes);
	if (report.changed)
		json_object_set_new(shown, "since", json_integer((now - report.changed) / 1000));
	if (report.state == HEALTH_DOWN)
		json_object_set_new(shown, "needs", json_integer(report.needed));
	if (report.checks) {
		json_object_set_new(shown, "result", json_string(check_result_names[report.result]));
		json_object_set_new(shown, "took_ms", json_integer(report.took));
	}
	json_object_set_new(shown, "reason", rpc_text(report.reason));
	return shown;
}

static json_t *show_clients(struct daemon *daemon, const struct snapshot *snapshot)
{
	(void)snapshot;
	return clients_show(daemon->engine->bindings);
}

static json_t *find_port(struct daemon *daemon, const struct snapshot *snapshot,
			 const struct place *params)
{
	return find_client(daemon->engine->bindings, snapshot, params);
}

static json_t *show_backend(const struct service *service, const struct backend *backend)
{
	json_t *addresses = json_array(), *shown;
	char text[RW_ADDR_TEXT];
	int family;

	for (family = 0; family < FAMILIES; family++)
		if (backend->addresses[family].family)
			json_array_append_new(addresses, json_string(
				rw_addr_print(text, &backend->addresses[family])));
	shown = json_pack("{s:s, s:s, s:I, s:i, s:o, s:i, s:s, s:i}", "service", service->name,
			  "name", backend->name, "id", (json_int_t)backend->id,
			  "vni", backend->vni, "addresses", addresses, "weight", backend->weight,
			  "state", rw_name(rw_target_state_names, backend->state),
			  "flows", atomic_load(&backend->load->flows));
	if (backend->port)
		json_object_set_new(shown, "port", json_integer(backend->port));
	if (backend->health) {
		json_object_set_new(shown, "in_force",
				    json_string(rw_name(rw_target_state_names, backend_state(backend))));
		json_object_set_new(shown, "health", show_health(backend->health));
	}
	return shown;
}

static json_t *show_backends(struct daemon *daemon, const struct snapshot *snapshot)
{
	json_t *backends = json_array();
	const struct service *service;
	unsigned int i, j;

	(void)daemon;
	for (i = 0; i < snapshot->service_count; i++) {
		service = &snapshot->services[i];
		for (j = 0; j < service->backend_count; j++)
			json_array_append_new(backends, show_backend(service, &service->backends[j]));
	}
	return backends;
}

static char *make_applied(struct change *change, const char *text, struct error *error)
{
	char *made = ((struct edit *)change)->text;

	(void)text;
	(void)error;
	((struct edit *)change)->text = NULL;
	return made;
}

static int apply(const struct place *params, struct edit *edit)
{
	static const char *const keys[] = { "config", "dry_run", NULL };
	const json_t *dry_run = json_object_get(params->object, "dry_run");
	struct place config;
	int ret = json_only_keys(params, keys) ? -1 : json_get_object(params, "config", &config);

	if (!ret)
		ret = refuse(params->error, "params: config is missing");
	if (ret > 0 && dry_run && !json_is_boolean(dry_run))
		ret = refuse(params->error, "params: dry_run is not true or false");
	if (ret < 0)
		return -1;
	edit->text = json_dumps(config.object, 0);
	edit->change.make = make_applied;
	edit->change.dry_run = json_is_true(dry_run);
	return edit->text ? 0 : refuse(params->error, "params: config cannot be printed");
}

static json_t *find_backend(json_t *config, uint32_t id)
{
	json_t *service, *backend;
	size_t i, j;

	json_array_foreach(json_object_get(config, "services"), i, service)
		json_array_foreach(json_object_get(service, "backends"), j, backend)
			if (json_integer_value(json_object_get(backend, "id")) == id)
				return backend;
	return NULL;
}

static char *make_backend_set(struct change *change, const char *text, struct error *error)
{
	const struct edit *edit = (struct edit *)change;
	json_t *config = json_parse(text, error), *backend = find_backend(config, edit->backend);
	char *made = NULL;

	if (backend) {
		json_object_set_new(backend, "state", json_string(edit->state));
		made = json_dumps(config, 0);
	}
	if (!made)
		refuse(error, "there is no backend with the id %u", edit->backend);
	json_decref(config);
	return made;
}

static int set_backend(const struct place *params, struct edit *edit)
{
	static const char *const keys[] = { "id", "state", NULL };
	static const char *const states[] = { "active", "draining", "down", NULL };
	uint32_t state = 0;
	int ret;

	if (json_only_keys(params, keys) ||
	    json_need_number(params, "id", 1, UINT32_MAX, &edit->backend))
		return -1;
	ret = json_get_choice(params, "state", states, &state);
	if (!ret)
		ret = refuse(params->error, "params: state is missing");
	edit->state = states[state];
	edit->change.make = make_backend_set;
	return ret < 0 ? -1 : 0;
}

static int begin_takeover(const struct place *params, struct edit *edit)
{
	static const char *const keys[] = { NULL };

	edit->change.give_log = true;
	return json_only_keys(params, keys) ? -1 : 0;
}

static char *make_reloaded(struct change *change, const char *text, struct error *error)
{
	struct store *store = ((struct edit *)change)->store;

	(void)text;
	return store->load(store, error);
}

struct edit *methods_reload(struct daemon *daemon)
{
	struct edit *edit = allocate(1, sizeof(*edit));

	edit->change.make = make_reloaded;
	edit->change.stored = true;
	edit->store = daemon->store;
	return edit;
}

static const struct {
	const char *name;
	show_fn *show;
	int (*edit)(const struct place *params, struct edit *edit);
	ask_fn *ask;
} methods[] = {
	{ "status", .show = show_status },
	{ "metadata.show", .show = show_metadata },
	{ "config.get", .show = show_config },
	{ "config.apply", .edit = apply },
	{ "service.show", .show = show_services },
	{ "pool.show", .show = show_pools },
	{ "pool.clients", .show = show_clients },
	{ "pool.find", .ask = find_port },
	{ "backend.show", .show = show_backends },
	{ "backend.set", .edit = set_backend },
	{ "takeover.begin", .edit = begin_takeover },
};

static void call_show(struct daemon *daemon, show_fn *show, const struct place *params,
		      struct outcome_of_call *outcome)
{
	static const char *const keys[] = { NULL };

	if (json_only_keys(params, keys))
		return;
	rcu_read_lock();
	outcome->result = show(daemon, rcu_dereference(daemon->engine->snapshot));
	rcu_read_unlock();
}

static void call_ask(struct daemon *daemon, ask_fn *ask, const struct place *params,
		     struct outcome_of_call *outcome)
{
	rcu_read_lock();
	outcome->result = ask(daemon, rcu_dereference(daemon->engine->snapshot), params);
	rcu_read_unlock();
}

void methods_call(struct daemon *daemon, const struct rpc_request *request,
		  struct outcome_of_call *outcome)
{
	struct place params = {
		.object = request->params, .text = "params", .error = &outcome->error,
	};
	size_t i;

	memset(outcome, 0, sizeof(*outcome));
	outcome->code = RPC_INVALID_PARAMS;
	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strcmp(methods[i].name, request->method))
			continue;
		if (methods[i].show) {
			call_show(daemon, methods[i].show, &params, outcome);
			return;
		}
		if (methods[i].ask) {
			call_ask(daemon, methods[i].ask, &params, outcome);
			return;
		}
		outcome->edit = allocate(1, sizeof(*outcome->edit));
		outcome->edit->change.save = true;
		if (methods[i].edit(&params, outcome->edit)) {
			methods_edit_free(outcome->edit);
			outcome->edit = NULL;
		}
		return;
	}
	outcome->code = RPC_METHOD_NOT_FOUND;
	refuse(&outcome->error, "there is no method \"%.60s\"", request->method);
}

json_t *methods_edit_result(const struct edit *edit)
{
	const struct changes *changes = &edit->change.changes;
	json_t *result = json_pack("{s:b, s:b, s:i, s:i, s:i, s:i, s:i, s:i, s:i}",
				   "dry_run", edit->change.dry_run, "saved", edit->change.saved,
				   "rules_added", changes->rules_added,
				   "rules_deleted", changes->rules_deleted,
				   "rules_waiting", changes->rules_waiting,
				   "targets_set", changes->targets_set,
				   "targets_deleted", changes->targets_deleted,
				   "delegates_set", changes->delegates_set,
				   "delegates_revoked", changes->delegates_revoked);

	json_object_set(result, "changed", edit->change.difference);
	if (!edit->change.saved && !edit->change.dry_run)
		json_object_set_new(result, "not_saved", rpc_text(edit->change.save_error.text));
	return result;
}

void methods_edit_free(struct edit *edit)
{
	free(edit->text);
	json_decref(edit->change.difference);
	rw_socket_close(edit->change.log);
	free(edit);
}

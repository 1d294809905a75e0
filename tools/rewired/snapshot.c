// SPDX-License-Identifier: GPL-2.0
/* The life of a configuration's objects, and how they are found. */

#include <stdlib.h>
#include <string.h>
#include <urcu.h>

#include "log.h"
#include "pool.h"
#include "replicate.h"
#include "snapshot.h"

static int by_service_id(const void *a, const void *b)
{
	const struct service *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int by_address(const void *a, const void *b)
{
	const struct ports *x = *(struct ports *const *)a, *y = *(struct ports *const *)b;

	return ports_compare(x, ports_vni(y), ports_address(y));
}

/* All pools' ports in order, each address once; the list holds no references of its own. */
static void list_ports(struct snapshot *snapshot)
{
	unsigned int i, j, count = 0;
	int family;

	for (i = 0; i < snapshot->pool_count; i++)
		for (family = 0; family < FAMILIES; family++)
			count += snapshot->pools[i].address_count[family];
	snapshot->ports = allocate(count, sizeof(struct ports *));
	for (i = 0, count = 0; i < snapshot->pool_count; i++)
		for (family = 0; family < FAMILIES; family++)
			for (j = 0; j < snapshot->pools[i].address_count[family]; j++)
				snapshot->ports[count++] = snapshot->pools[i].addresses[family][j];
	qsort(snapshot->ports, count, sizeof(struct ports *), by_address);
	for (i = 0; i < count; i++)
		if (!i || snapshot->ports[i] != snapshot->ports[snapshot->port_count - 1])
			snapshot->ports[snapshot->port_count++] = snapshot->ports[i];
}

static int by_backend_id(const void *a, const void *b)
{
	const struct backend *x = *(struct backend *const *)a, *y = *(struct backend *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

static void list_backends(struct snapshot *snapshot)
{
	unsigned int i, j, count = 0;

	for (i = 0; i < snapshot->service_count; i++)
		count += snapshot->services[i].backend_count;
	snapshot->backends = allocate(count, sizeof(struct backend *));
	for (i = 0; i < snapshot->service_count; i++)
		for (j = 0; j < snapshot->services[i].backend_count; j++) {
			snapshot->services[i].backends[j].service = snapshot->services[i].id;
			snapshot->backends[snapshot->backend_count++] =
				&snapshot->services[i].backends[j];
		}
	qsort(snapshot->backends, count, sizeof(struct backend *), by_backend_id);
}

static int by_span(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	int order = by_address(&x->ports, &y->ports);

	return order ? order : x->pool->ports.min - y->pool->ports.min;
}

static void list_spans(struct snapshot *snapshot)
{
	const struct pool *pool;
	unsigned int i, j, count = 0;
	int family;

	for (i = 0; i < snapshot->pool_count; i++)
		for (family = 0; family < FAMILIES; family++)
			count += snapshot->pools[i].address_count[family];
	snapshot->spans = allocate(count, sizeof(*snapshot->spans));
	for (i = 0; i < snapshot->pool_count; i++) {
		pool = &snapshot->pools[i];
		for (family = 0; family < FAMILIES; family++)
			for (j = 0; j < pool->address_count[family]; j++)
				snapshot->spans[snapshot->span_count++] =
					(struct span){ pool, pool->addresses[family][j] };
	}
	qsort(snapshot->spans, count, sizeof(*snapshot->spans), by_span);
}

static struct schedule *make_schedule(const struct service *service, int family)
{
	struct candidate *candidates = allocate(service->backend_count, sizeof(*candidates));
	const struct backend *backend;
	struct schedule *schedule;
	unsigned int i, count = 0;

	for (i = 0; i < service->backend_count; i++) {
		backend = &service->backends[i];
		if (backend_is_open(backend, family))
			candidates[count++] = (struct candidate){
				backend->id, backend->weight, i, backend->load,
			};
	}
	schedule = schedule_new(service->scheduler, candidates, count);
	free(candidates);
	return schedule;
}

/* A checked backend's health stays; that of another address is another. */
static void share_health(struct service *service, const struct snapshot *old)
{
	const struct backend *known;
	struct backend *backend;
	unsigned int i;

	for (i = 0; service->probe && i < service->backend_count; i++) {
		backend = &service->backends[i];
		known = old ? snapshot_backend(old, backend->id) : NULL;
		backend->failed = service->probe->failed;
		if (known && known->health &&
		    !memcmp(known->addresses, backend->addresses, sizeof(known->addresses)))
			backend->health = health_get(known->health);
		else
			backend->health = health_new();
	}
}

void snapshot_reschedule(struct service *service, struct schedule *old[FAMILIES])
{
	struct schedule *schedule;
	int family;

	for (family = 0; family < FAMILIES; family++) {
		schedule = make_schedule(service, family);
		old[family] = service->schedules[family];
		rcu_set_pointer(&service->schedules[family], schedule);
	}
}

static void share_loads(struct snapshot *snapshot, const struct snapshot *old)
{
	const struct backend *known;
	unsigned int i;

	for (i = 0; i < snapshot->backend_count; i++) {
		known = old ? snapshot_backend(old, snapshot->backends[i]->id) : NULL;
		snapshot->backends[i]->load = known ? load_get(known->load) : load_new();
	}
}

/* Both lists are in order. */
static void share_refusals(struct snapshot *snapshot, const struct snapshot *old)
{
	struct pool **known = old->pool_names, **end = known + old->pool_count;
	unsigned int i;
	int order;

	for (i = 0; i < snapshot->pool_count; i++) {
		order = -1;
		while (known < end && (order = strcmp((*known)->name, snapshot->pool_names[i]->name)) < 0)
			known++;
		if (!order)
			pool_go_on(snapshot->pool_names[i], *known);
	}
}

void snapshot_finish(struct snapshot *snapshot, const struct snapshot *old)
{
	const struct service *known;
	struct service *service;
	unsigned int i;
	int family;

	if (old)
		share_refusals(snapshot, old);
	list_ports(snapshot);
	list_spans(snapshot);
	qsort(snapshot->services, snapshot->service_count, sizeof(*snapshot->services),
	      by_service_id);
	list_backends(snapshot);
	share_loads(snapshot, old);
	for (i = 0; i < snapshot->service_count; i++) {
		service = &snapshot->services[i];
		share_health(service, old);
		for (family = 0; service->balance && family < FAMILIES; family++)
			service->schedules[family] = make_schedule(service, family);
		known = old ? snapshot_service(old, service->id) : NULL;
		for (family = 0; known && family < FAMILIES; family++)
			schedule_go_on(service->schedules[family], known->schedules[family]);
		if (known)
			replicate_go_on(service, known);
	}
}

static void free_service(struct service *service)
{
	unsigned int i;
	int family;

	for (i = 0; i < service->backend_count; i++) {
		free(service->backends[i].name);
		load_put(service->backends[i].load);
		health_put(service->backends[i].health);
	}
	for (family = 0; family < FAMILIES; family++)
		schedule_free(service->schedules[family]);
	free(service->backends);
	probe_put(service->probe);
	free(service->copies);
	free(service->src.list);
	free(service->dst.list);
	free(service->name);
}

void snapshot_free(struct snapshot *snapshot)
{
	unsigned int i;

	if (!snapshot)
		return;
	for (i = 0; i < snapshot->pool_count; i++)
		pool_free(&snapshot->pools[i]);
	for (i = 0; i < snapshot->service_count; i++)
		free_service(&snapshot->services[i]);
	networks_free(snapshot);
	free(snapshot->pool_names);
	free(snapshot->pools);
	free(snapshot->services);
	free(snapshot->backends);
	free(snapshot->ports);
	free(snapshot->spans);
	free(snapshot->text);
	free(snapshot);
}

uint32_t service_source_vni(const struct service *service)
{
	return service->pool ? service->pool->vni : service->source.vni;
}

const struct service *snapshot_service(const struct snapshot *snapshot, uint32_t id)
{
	const struct service key = { .id = id };

	return bsearch(&key, snapshot->services, snapshot->service_count,
		       sizeof(*snapshot->services), by_service_id);
}

/* The last span of an address that begins at the port or before it. */
static const struct span *last_span(const struct snapshot *snapshot, uint32_t vni,
				    const struct rw_addr *address, uint16_t port)
{
	unsigned int low = 0, high = snapshot->span_count, middle;
	const struct span *span;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		span = &snapshot->spans[middle];
		order = ports_compare(span->ports, vni, address);
		if (order < 0 || (!order && port >= span->pool->ports.min))
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	span = &snapshot->spans[low - 1];
	return !ports_compare(span->ports, vni, address) ? span : NULL;
}

const struct span *snapshot_span(const struct snapshot *snapshot, uint32_t vni,
				 const struct rw_addr *address, uint16_t port)
{
	const struct span *span = last_span(snapshot, vni, address, port);

	return span && port <= span->pool->ports.max ? span : NULL;
}

bool snapshot_has_ports(const struct snapshot *snapshot, uint32_t vni,
			const struct rw_addr *address)
{
	return last_span(snapshot, vni, address, UINT16_MAX);
}

struct backend *snapshot_backend(const struct snapshot *snapshot, uint32_t id)
{
	const struct backend key = { .id = id }, *wanted = &key;
	struct backend **found = bsearch(&wanted, snapshot->backends, snapshot->backend_count,
					 sizeof(struct backend *), by_backend_id);

	return found ? *found : NULL;
}

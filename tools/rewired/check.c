// SPDX-License-Identifier: GPL-2.0
/* What only shows when the objects of a configuration are seen together. */

#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "check.h"
#include "rules.h"

/* A name or number that may be there once. */
struct label {
	const char *name;
	uint32_t id;
};

struct labels {
	struct label *list;
	unsigned int count;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

static int by_id(const void *a, const void *b)
{
	const struct label *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int check_names(struct labels *labels, const char *kind, struct error *error)
{
	unsigned int i;

	qsort(labels->list, labels->count, sizeof(*labels->list), by_name);
	for (i = 1; i < labels->count; i++)
		if (!by_name(&labels->list[i - 1], &labels->list[i]))
			return refuse(error, "name: two %ss are called \"%s\"", kind,
				      labels->list[i].name);
	return 0;
}

static int check_ids(struct labels *labels, const char *kind, struct error *error)
{
	unsigned int i;

	qsort(labels->list, labels->count, sizeof(*labels->list), by_id);
	for (i = 1; i < labels->count; i++)
		if (!by_id(&labels->list[i - 1], &labels->list[i]))
			return refuse(error, "id: %ss \"%s\" and \"%s\" both have the id %u", kind,
				      labels->list[i - 1].name, labels->list[i].name,
				      labels->list[i].id);
	return 0;
}

static int check_pool_labels(const struct snapshot *snapshot, struct error *error)
{
	struct labels labels = { allocate(snapshot->pool_count, sizeof(struct label)), 0 };
	int ret;

	for (; labels.count < snapshot->pool_count; labels.count++)
		labels.list[labels.count].name = snapshot->pools[labels.count].name;
	ret = check_names(&labels, "pool", error);
	free(labels.list);
	return ret;
}

static int check_service_labels(const struct snapshot *snapshot, struct error *error)
{
	struct labels labels = { allocate(snapshot->service_count, sizeof(struct label)), 0 };
	const struct service *service = snapshot->services;
	int ret;

	for (; labels.count < snapshot->service_count; service++)
		labels.list[labels.count++] = (struct label){ service->name, service->id };
	ret = check_names(&labels, "service", error) || check_ids(&labels, "service", error);
	free(labels.list);
	return ret ? -1 : 0;
}

/* Backends are called by their names within a service, by their ids everywhere. */
static int check_backend_labels(const struct snapshot *snapshot, struct error *error)
{
	struct labels all = { 0 }, part;
	const struct service *service;
	unsigned int i, j;
	int ret = 0;

	for (i = 0; i < snapshot->service_count; i++)
		all.count += snapshot->services[i].backend_count;
	all.list = allocate(all.count, sizeof(struct label));
	for (i = 0, all.count = 0; !ret && i < snapshot->service_count; i++) {
		service = &snapshot->services[i];
		part = (struct labels){ all.list + all.count, service->backend_count };
		for (j = 0; j < service->backend_count; j++)
			part.list[j] = (struct label){ service->backends[j].name,
						       service->backends[j].id };
		ret = check_names(&part, "backend", error);
		all.count += part.count;
	}
	if (!ret)
		ret = check_ids(&all, "backend", error);
	free(all.list);
	return ret;
}

/* One address of a pool, with its range of ports. */
struct span {
	const struct pool *pool;
	const struct ports *ports;
};

static int compare_address(const struct span *x, const struct span *y)
{
	if (x->pool->vni != y->pool->vni)
		return x->pool->vni < y->pool->vni ? -1 : 1;
	return memcmp(ports_address(x->ports), ports_address(y->ports), sizeof(struct rw_addr));
}

static int by_start(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	int order = compare_address(x, y);

	return order ? order : x->pool->port_min - y->pool->port_min;
}

static struct span *list_spans(const struct snapshot *snapshot, unsigned int *count)
{
	const struct pool *pool;
	struct span *spans;
	unsigned int i, j;
	int family;

	for (i = 0, *count = 0; i < snapshot->pool_count; i++)
		*count += snapshot->pools[i].address_count[IPV4] +
			  snapshot->pools[i].address_count[IPV6];
	spans = allocate(*count, sizeof(*spans));
	for (i = 0, *count = 0; i < snapshot->pool_count; i++) {
		pool = &snapshot->pools[i];
		for (family = 0; family < FAMILIES; family++)
			for (j = 0; j < pool->address_count[family]; j++)
				spans[(*count)++] = (struct span){ pool, pool->addresses[family][j] };
	}
	return spans;
}

static int refuse_overlap(const struct span *a, const struct span *b, struct error *error)
{
	char text[RW_ADDR_TEXT];

	rw_addr_print(text, ports_address(a->ports));
	if (a->pool == b->pool)
		return refuse(error, "pool \"%s\": addresses has %s twice", a->pool->name, text);
	return refuse(error, "pool \"%s\": addresses and ports overlap with pool \"%s\" at %s in VNI %u",
		      a->pool->name, b->pool->name, text, a->pool->vni);
}

static int check_overlap(const struct snapshot *snapshot, struct error *error)
{
	unsigned int i, count;
	struct span *spans = list_spans(snapshot, &count);
	int ret = 0;

	qsort(spans, count, sizeof(*spans), by_start);
	for (i = 1; !ret && i < count; i++)
		if (!compare_address(&spans[i - 1], &spans[i]) &&
		    spans[i].pool->port_min <= spans[i - 1].pool->port_max)
			ret = refuse_overlap(&spans[i - 1], &spans[i], error);
	free(spans);
	return ret;
}

/* Answers come from a backend's network, so that is where the pool's ports must be unique. */
static int check_pool_networks(const struct snapshot *snapshot, struct error *error)
{
	const struct service *service;
	const struct backend *backend;
	unsigned int i, j;

	for (i = 0; i < snapshot->service_count; i++) {
		service = &snapshot->services[i];
		for (j = 0; service->pool && j < service->backend_count; j++) {
			backend = &service->backends[j];
			if (backend->vni != service->pool->vni)
				return refuse(error, "backend \"%s\": vni is %u, but the service's source pool \"%s\" is in VNI %u",
					      backend->name, backend->vni, service->pool->name,
					      service->pool->vni);
		}
	}
	return 0;
}

static const char *service_name(const struct snapshot *snapshot, uint32_t policy)
{
	unsigned int i;

	for (i = 0; i < snapshot->service_count; i++)
		if (snapshot->services[i].id == policy)
			return snapshot->services[i].name;
	return "";
}

static int refuse_match(const struct snapshot *snapshot, uint32_t a, uint32_t b,
			struct error *error)
{
	if (a == RULES_POOL_POLICY || b == RULES_POOL_POLICY)
		return refuse(error, "service \"%s\": dst and dport are a pool's",
			      service_name(snapshot, a == RULES_POOL_POLICY ? b : a));
	return refuse(error, "service \"%s\": vni, protocol, src, dst and dport are those of service \"%s\", too",
		      service_name(snapshot, a), service_name(snapshot, b));
}

static int check_matches(const struct snapshot *snapshot, struct error *error)
{
	struct rules rules;
	unsigned int i;
	int ret = 0;

	rules_make(&rules, snapshot, NULL);
	for (i = 1; !ret && i < rules.count; i++)
		if (!rules_compare_match(&rules.list[i - 1], &rules.list[i]))
			ret = refuse_match(snapshot, rules.list[i - 1].policy, rules.list[i].policy,
					   error);
	rules_free(&rules);
	return ret;
}

int check_snapshot(const struct snapshot *snapshot, struct error *error)
{
	if (check_pool_labels(snapshot, error) || check_service_labels(snapshot, error) ||
	    check_backend_labels(snapshot, error) || check_overlap(snapshot, error) ||
	    check_pool_networks(snapshot, error))
		return -1;
	return check_matches(snapshot, error);
}

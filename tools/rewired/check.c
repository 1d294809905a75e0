// SPDX-License-Identifier: GPL-2.0
/* What only shows when the objects of a configuration are seen together. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "blame.h"
#include "check.h"
#include "delegate.h"
#include "loops.h"
#include "rules.h"

/* A name or number that may be there once. */
struct label {
	const char *name;
	uint32_t id;
	unsigned int list, index;	/* list: of a backend's service */
};

struct labels {
	struct label *list;
	unsigned int count;
};

/* Of two, the one behind is to blame. */
static int by_place(const struct label *x, const struct label *y)
{
	if (x->list != y->list)
		return x->list < y->list ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static int by_name(const void *a, const void *b)
{
	const struct label *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : by_place(x, y);
}

static int by_id(const void *a, const void *b)
{
	const struct label *x = a, *y = b;

	return x->id == y->id ? by_place(x, y) : x->id < y->id ? -1 : 1;
}

static void blame_label(const char *kind, const struct label *label, struct error *error)
{
	if (!strcmp(kind, "backend"))
		snprintf(error->where, sizeof(error->where), "services[%u].backends[%u]",
			 label->list, label->index);
	else
		snprintf(error->where, sizeof(error->where), "%ss[%u]", kind, label->index);
}

static int check_names(struct labels *labels, const char *kind, struct error *error)
{
	const struct label *label;

	qsort(labels->list, labels->count, sizeof(*labels->list), by_name);
	for (label = labels->list + 1; label < labels->list + labels->count; label++) {
		if (strcmp(label[-1].name, label->name))
			continue;
		blame_label(kind, label, error);
		return refuse(error, "name: two %ss are called \"%s\"", kind, label->name);
	}
	return 0;
}

static int check_ids(struct labels *labels, const char *kind, struct error *error)
{
	const struct label *label;

	qsort(labels->list, labels->count, sizeof(*labels->list), by_id);
	for (label = labels->list + 1; label < labels->list + labels->count; label++) {
		if (label[-1].id != label->id)
			continue;
		blame_label(kind, label, error);
		return refuse(error, "id: %ss \"%s\" and \"%s\" both have the id %u", kind,
			      label[-1].name, label->name, label->id);
	}
	return 0;
}

static int check_pool_labels(const struct snapshot *snapshot, struct error *error)
{
	struct labels labels = { allocate(snapshot->pool_count, sizeof(struct label)), 0 };
	int ret;

	for (; labels.count < snapshot->pool_count; labels.count++)
		labels.list[labels.count] = (struct label){
			.name = snapshot->pools[labels.count].name, .index = labels.count,
		};
	ret = check_names(&labels, "pool", error);
	free(labels.list);
	return ret;
}

static int check_service_labels(const struct snapshot *snapshot, struct error *error)
{
	struct labels labels = { allocate(snapshot->service_count, sizeof(struct label)), 0 };
	const struct service *service = snapshot->services;
	int ret;

	for (; labels.count < snapshot->service_count; service++, labels.count++)
		labels.list[labels.count] = (struct label){
			.name = service->name, .id = service->id, .index = labels.count,
		};
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
						       service->backends[j].id, i, j };
		ret = check_names(&part, "backend", error);
		all.count += part.count;
	}
	if (!ret)
		ret = check_ids(&all, "backend", error);
	free(all.list);
	return ret;
}

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

	return order ? order : x->pool->ports.min - y->pool->ports.min;
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
		    spans[i].pool->ports.min <= spans[i - 1].pool->ports.max) {
			blame_pool(snapshot, spans[i].pool, error);
			ret = refuse_overlap(&spans[i - 1], &spans[i], error);
		}
	free(spans);
	return ret;
}

/* Answers come from where packets go to, so that is where their source must be known. */
static int check_destination(const struct service *service, const char *kind, const char *name,
			     uint32_t vni, struct error *error)
{
	if (service->pool && vni != service->pool->vni)
		return refuse(error, "%s \"%s\": vni is %u, but the service's source pool \"%s\" is in VNI %u",
			      kind, name, vni, service->pool->name, service->pool->vni);
	if (service->source.given && vni != service->source.vni)
		return refuse(error, "%s \"%s\": vni is %u, but the service's source is in VNI %u",
			      kind, name, vni, service->source.vni);
	return 0;
}

static int check_destinations(const struct snapshot *snapshot, struct error *error)
{
	const struct service *service;
	unsigned int i, j;

	for (i = 0; i < snapshot->service_count; i++) {
		service = &snapshot->services[i];
		blame_service(service, error);
		if (service->destination.given &&
		    check_destination(service, "service", service->name, service->destination.vni, error))
			return -1;
		for (j = 0; j < service->backend_count; j++) {
			blame_backend(service, &service->backends[j], error);
			if (check_destination(service, "backend", service->backends[j].name,
					      service->backends[j].vni, error))
				return -1;
		}
	}
	return 0;
}

/* The first span from an address on. */
static unsigned int find_span(const struct span *spans, unsigned int count, uint32_t vni,
			      const struct rw_addr *address)
{
	unsigned int low = 0, high = count, middle;
	const struct span *span;

	while (low < high) {
		middle = low + (high - low) / 2;
		span = &spans[middle];
		if (span->pool->vni < vni ||
		    (span->pool->vni == vni &&
		     memcmp(ports_address(span->ports), address, sizeof(*address)) < 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A fixed source would take ports that a pool gives out. */
static int check_source(const struct span *spans, unsigned int count,
			const struct service *service, int family, struct error *error)
{
	const struct mapping *source = &service->source;
	const struct prefix *prefix = &source->prefixes[family];
	const struct pool *pool;
	unsigned int i;

	if (!prefix->address.family)
		return 0;
	for (i = find_span(spans, count, source->vni, &prefix->address); i < count; i++) {
		pool = spans[i].pool;
		if (pool->vni != source->vni ||
		    !rw_prefix_contains(&prefix->address, prefix->length, ports_address(spans[i].ports)))
			break;
		if (!source->port ||
		    (source->port >= pool->ports.min && source->port <= pool->ports.max))
			return refuse(error, "service \"%s\": source: its addresses and ports are those of pool \"%s\", too",
				      service->name, pool->name);
	}
	return 0;
}

static int check_sources(const struct snapshot *snapshot, struct error *error)
{
	unsigned int i, count;
	struct span *spans = list_spans(snapshot, &count);
	int family, ret = 0;

	qsort(spans, count, sizeof(*spans), by_start);
	for (i = 0; !ret && i < snapshot->service_count; i++) {
		blame_service(&snapshot->services[i], error);
		for (family = 0; !ret && family < FAMILIES; family++)
			ret = check_source(spans, count, &snapshot->services[i], family, error);
	}
	free(spans);
	return ret;
}

static const struct service *service_of(const struct snapshot *snapshot, uint32_t policy)
{
	unsigned int i;

	for (i = 0; i < snapshot->service_count; i++)
		if (snapshot->services[i].id == policy)
			return &snapshot->services[i];
	return NULL;
}

static void print_ports(char *text, size_t size, const struct rw_rule *rule)
{
	uint16_t last = rule->dport_max ? rule->dport_max : rule->dport_min;

	if (last == rule->dport_min)
		snprintf(text, size, "%u", last);
	else
		snprintf(text, size, "%u-%u", rule->dport_min, last);
}

static int refuse_match(const struct snapshot *snapshot, const struct rw_rule *a,
			const struct rw_rule *b, struct error *error)
{
	const struct service *x = service_of(snapshot, a->policy), *y = service_of(snapshot, b->policy);
	const struct service *last = !y || (x && x > y) ? x : y, *other = last == x ? y : x;
	const struct rw_rule *rule = last == x ? a : b, *other_rule = rule == a ? b : a;
	char ports[16], other_ports[16];

	blame_service(last, error);
	print_ports(ports, sizeof(ports), rule);
	print_ports(other_ports, sizeof(other_ports), other_rule);
	if (!rules_compare_match(a, b) && other)
		return refuse(error, "service \"%s\": vni, protocol, src, dst and dport are those of service \"%s\", too",
			      last->name, other->name);
	if (!rules_compare_match(a, b))
		return refuse(error, "service \"%s\": dst and dport are a pool's", last->name);
	if (other)
		return refuse(error, "service \"%s\": dport %s overlaps with %s of service \"%s\", and neither is more exact",
			      last->name, ports, other_ports, other->name);
	return refuse(error, "service \"%s\": dport %s overlaps with ports %s of a pool, and neither is more exact",
		      last->name, ports, other_ports);
}

static int check_matches(const struct snapshot *snapshot, struct rules *rules, struct error *error)
{
	const struct rw_rule *rule = rules_find_overlap(rules);

	return rule ? refuse_match(snapshot, rule, rule + 1, error) : 0;
}

/* At most so many; the first object that there may be no room for is to blame. */
static uint64_t count_rules(const struct snapshot *snapshot, struct error *error)
{
	const struct service *service = snapshot->services, *end = service + snapshot->service_count;
	const struct pool *pool = snapshot->pools, *last = pool + snapshot->pool_count;
	uint64_t count = 0;

	error->where[0] = 0;
	for (; service < end; service++) {
		count += rules_of_service(service);
		if (count > RULES_MAX && !error->where[0])
			blame_service(service, error);
	}
	for (; pool < last; pool++) {
		count += rules_of_pool(pool);
		if (count > RULES_MAX && !error->where[0])
			blame_pool(snapshot, pool, error);
	}
	return count;
}

/* Many more than there may be are not even made; of some fewer, pools may have a part in common. */
static int check_rules(const struct snapshot *snapshot, struct error *error)
{
	uint64_t count = count_rules(snapshot, error);
	struct rules rules = { 0 };
	int ret;

	if (count <= 4 * RULES_MAX) {
		rules_make(&rules, snapshot, NULL);
		count = rules.count;
	}
	if (count > RULES_MAX)
		ret = refuse(error, "all services and pools together need %llu rules, more than the kernel's %u",
			     (unsigned long long)count, RULES_MAX);
	else
		ret = check_matches(snapshot, &rules, error);
	rules_free(&rules);
	return ret;
}

int check_snapshot(const struct snapshot *snapshot, struct error *error)
{
	if (check_pool_labels(snapshot, error) || check_service_labels(snapshot, error) ||
	    check_backend_labels(snapshot, error) || check_overlap(snapshot, error) ||
	    networks_check(snapshot, error) || check_destinations(snapshot, error) ||
	    loops_check(snapshot, error) || delegates_check(snapshot, error) ||
	    check_sources(snapshot, error))
		return -1;
	return check_rules(snapshot, error);
}

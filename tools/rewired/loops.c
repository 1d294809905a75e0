// SPDX-License-Identifier: GPL-2.0
/* Services whose packets come back to them. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "loops.h"

#define LENGTHS		129			/* of prefixes */

/* A destination prefix of a service that the kernel asks for. */
struct entry {
	uint32_t vni;
	struct prefix dst;
	uint16_t first, last;			/* ports */
	uint16_t reach;				/* the last port of those up to here with its vni and dst */
	unsigned int service;
};

/* What packets look like that a service has translated. */
struct end {
	unsigned int service;
	const struct backend *backend;		/* NULL, the service's own destination */
	uint32_t vni;
	struct prefix dst;
	uint16_t first, last;
};

/* From a service, or one that decides in its place, to one that its packets meet. */
struct edge {
	unsigned int from, to;
	unsigned int service;			/* whose end it is */
	const struct backend *backend;
	unsigned int next;			/* that leads to the same one, and 1; 0, none */
};

/* The services of one address family. */
struct graph {
	const struct snapshot *snapshot;
	int family;
	struct entry *entries;			/* by length, vni, dst and first port */
	unsigned int count;
	unsigned int lengths[LENGTHS + 1];	/* where the entries of each begin */
	unsigned int *heads;			/* of each service: the one that the kernel asks for */
	struct edge *edges;
	unsigned int edge_count, edge_room;
	unsigned int *met;			/* 1 and the last service that had an edge to this one */
};

static int compare_entries(const struct entry *x, const struct entry *y)
{
	int order;

	if (x->dst.length != y->dst.length)
		return x->dst.length < y->dst.length ? -1 : 1;
	if (x->vni != y->vni)
		return x->vni < y->vni ? -1 : 1;
	order = memcmp(&x->dst.address, &y->dst.address, sizeof(x->dst.address));
	return order ? order : x->first - y->first;
}

static int by_match(const void *a, const void *b)
{
	return compare_entries(a, b);
}

static bool same_place(const struct entry *x, const struct entry *y)
{
	return x->dst.length == y->dst.length && x->vni == y->vni &&
	       !memcmp(&x->dst.address, &y->dst.address, sizeof(x->dst.address));
}

static uint16_t last_port(const struct service *service)
{
	return service->dport_min ? service->dport_max : UINT16_MAX;
}

static void list_entries(struct graph *graph)
{
	const struct service *service;
	struct entry *entry;
	unsigned int i, j;

	for (i = 0; i < graph->snapshot->service_count; i++)
		graph->count += graph->snapshot->services[i].dst.count;
	graph->entries = allocate(graph->count, sizeof(*graph->entries));
	for (i = 0, graph->count = 0; i < graph->snapshot->service_count; i++) {
		service = &graph->snapshot->services[i];
		if (service->reserve || !service->families[graph->family])
			continue;
		for (j = 0; j < service->dst.count; j++)
			if (family_index(&service->dst.list[j].address) == graph->family)
				graph->entries[graph->count++] = (struct entry){
					.vni = service->vni, .dst = service->dst.list[j],
					.first = service->dport_min, .last = last_port(service),
					.service = i,
				};
	}
	qsort(graph->entries, graph->count, sizeof(*graph->entries), by_match);
	for (i = 0; i < graph->count; i++) {
		entry = &graph->entries[i];
		entry->reach = i && same_place(entry - 1, entry) && entry[-1].reach > entry->last ?
			       entry[-1].reach : entry->last;
		graph->lengths[entry->dst.length + 1]++;
	}
	for (i = 0; i < LENGTHS; i++)
		graph->lengths[i + 1] += graph->lengths[i];
}

struct number {
	uint32_t id;
	unsigned int service;
};

static int by_id(const void *a, const void *b)
{
	const struct number *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* Those of one match are behind the one with the highest priority. */
static void find_heads(struct graph *graph)
{
	const struct service *services = graph->snapshot->services;
	unsigned int i, at, count = graph->snapshot->service_count;
	struct number *numbers = allocate(count, sizeof(*numbers)), *next;

	graph->heads = allocate(count, sizeof(*graph->heads));
	for (i = 0; i < count; i++)
		numbers[i] = (struct number){ services[i].id, i };
	qsort(numbers, count, sizeof(*numbers), by_id);
	for (i = 0; i < count; i++) {
		for (at = i; !services[i].reserve; at = next->service) {
			graph->heads[at] = i;
			if (!services[at].next)
				break;
			next = bsearch(&(struct number){ services[at].next, 0 }, numbers, count,
				       sizeof(*numbers), by_id);
		}
	}
	free(numbers);
}

/* The first entry that is not before another. */
static unsigned int find_entry(const struct graph *graph, const struct entry *wanted)
{
	unsigned int low = graph->lengths[wanted->dst.length], middle;
	unsigned int high = graph->lengths[wanted->dst.length + 1];

	while (low < high) {
		middle = low + (high - low) / 2;
		if (compare_entries(&graph->entries[middle], wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_within(const struct prefix *prefix, const struct prefix *outer)
{
	return prefix->length >= outer->length &&
	       rw_prefix_contains(&outer->address, outer->length, &prefix->address);
}

/* How much of some sources a prefix holds. */
struct share {
	bool any, all;
};

static void add_source(struct share *share, const struct prefix *source, const struct prefix *holder)
{
	bool within = !holder->length || is_within(source, holder);

	share->any |= within || is_within(holder, source);
	share->all &= within;
}

/* Of the sources that a service's packets have when it has translated them. */
static struct share share_of(const struct service *service, int family, const struct prefix *holder)
{
	struct share share = { false, true };
	const struct pool *pool = service->pool;
	struct prefix source = { 0 };
	unsigned int i;

	if (service->source.given) {
		if (service->source.prefixes[family].address.family)
			add_source(&share, &service->source.prefixes[family], holder);
	} else if (pool) {
		for (i = 0; i < pool->address_count[family]; i++) {
			source.address = *ports_address(pool->addresses[family][i]);
			source.length = rw_addr_bits(&source.address);
			add_source(&share, &source, holder);
		}
	} else if (!service->src.count) {
		return (struct share){ true, !holder->length };
	}
	for (i = 0; !pool && !service->source.given && i < service->src.count; i++)
		if (family_index(&service->src.list[i].address) == family)
			add_source(&share, &service->src.list[i], holder);
	share.all &= share.any;
	return share;
}

/* How exact a rule is, of those with one destination prefix; -1, less than any. */
static int rank(const struct service *service, int src_length)
{
	int narrow = UINT16_MAX - (last_port(service) - service->dport_min);

	return src_length < 0 ? -1 : src_length << 17 | !!service->protocols[IPV4] << 16 | narrow;
}

/* The ranks of the most exact rules of a service that packets may meet, and must meet. */
struct meeting {
	int may, must;
};

static struct meeting meet(const struct graph *graph, const struct end *end,
			   const struct entry *entry)
{
	const struct service *from = &graph->snapshot->services[end->service];
	const struct service *to = &graph->snapshot->services[entry->service];
	uint8_t protocol = from->protocols[graph->family], wanted = to->protocols[graph->family];
	int may = -1, must = -1;
	struct share share;
	unsigned int i;

	if ((protocol && wanted && protocol != wanted) ||
	    entry->first > end->last || entry->last < end->first)
		return (struct meeting){ -1, -1 };
	for (i = 0; i < to->src.count; i++) {
		if (family_index(&to->src.list[i].address) != graph->family)
			continue;
		share = share_of(from, graph->family, &to->src.list[i]);
		if (share.any && to->src.list[i].length > may)
			may = to->src.list[i].length;
		if (share.all && to->src.list[i].length > must)
			must = to->src.list[i].length;
	}
	if (!to->src.count && share_of(from, graph->family, &(struct prefix){ 0 }).any)
		may = must = 0;
	if ((wanted && !protocol) || entry->first > end->first || entry->last < end->last)
		must = -1;
	return (struct meeting){ rank(to, may), rank(to, must) };
}

static bool has_destination(const struct service *service)
{
	return service->balance || service->destination.given;
}

static void add_edge(struct graph *graph, const struct end *end, unsigned int to)
{
	if (graph->met[to] == end->service + 1)
		return;
	graph->met[to] = end->service + 1;
	graph->edges = grow(graph->edges, graph->edge_count, &graph->edge_room, sizeof(*graph->edges));
	graph->edges[graph->edge_count++] = (struct edge){
		.from = graph->heads[end->service], .to = to,
		.service = end->service, .backend = end->backend,
	};
}

/* Prefixes that hold the whole end, of one length. Whether all its packets meet one of them. */
static bool meet_outer(struct graph *graph, const struct end *end, unsigned int length)
{
	struct entry wanted = { .vni = end->vni, .dst = { end->dst.address, length },
				.first = end->last };
	unsigned int high, i;
	struct meeting meeting;
	int must = -1;

	rw_addr_truncate(&wanted.dst.address, length);
	high = find_entry(graph, &wanted);
	while (high < graph->lengths[length + 1] && !compare_entries(&graph->entries[high], &wanted))
		high++;
	for (i = high; i-- > graph->lengths[length] && same_place(&graph->entries[i], &wanted) &&
	     graph->entries[i].reach >= end->first;) {
		meeting = meet(graph, end, &graph->entries[i]);
		if (meeting.must > must)
			must = meeting.must;
	}
	for (i = high; i-- > graph->lengths[length] && same_place(&graph->entries[i], &wanted) &&
	     graph->entries[i].reach >= end->first;) {
		meeting = meet(graph, end, &graph->entries[i]);
		if (meeting.may >= 0 && meeting.may >= must)
			add_edge(graph, end, graph->entries[i].service);
	}
	return must >= 0;
}

/* Prefixes within the end, of one length. */
static void meet_inner(struct graph *graph, const struct end *end, unsigned int length)
{
	const struct entry wanted = { .vni = end->vni, .dst = { end->dst.address, length } };
	unsigned int i;

	for (i = find_entry(graph, &wanted); i < graph->lengths[length + 1] &&
	     graph->entries[i].vni == end->vni && is_within(&graph->entries[i].dst, &end->dst); i++)
		if (meet(graph, end, &graph->entries[i]).may >= 0)
			add_edge(graph, end, graph->entries[i].service);
}

static void follow(struct graph *graph, const struct end *end)
{
	unsigned int length = LENGTHS;
	bool met = false;

	while (!met && length--) {
		if (graph->lengths[length] == graph->lengths[length + 1])
			continue;
		if (length > end->dst.length)
			meet_inner(graph, end, length);
		else
			met = meet_outer(graph, end, length);
	}
}

static void set_port(const struct service *service, uint16_t port, struct end *end)
{
	end->first = port ? port : service->dport_min;
	end->last = port ? port : last_port(service);
}

static void follow_destination(struct graph *graph, unsigned int index)
{
	const struct service *service = &graph->snapshot->services[index];
	const struct mapping *mapping = &service->destination;
	struct end end = { .service = index, .vni = mapping->vni };
	uint16_t port = 0;
	unsigned int i;

	if (!mapping->given || (mapping->keep && mapping->vni == service->vni && !mapping->port))
		return;
	set_port(service, mapping->port, &end);
	for (i = 0; i < service->dst.count; i++) {
		end.dst = service->dst.list[i];
		if (family_index(&end.dst.address) != graph->family ||
		    !mapping_apply(mapping, 0, &end.dst.address, &port))
			continue;
		if (!mapping->keep && end.dst.length < mapping->prefixes[graph->family].length)
			end.dst.length = mapping->prefixes[graph->family].length;
		follow(graph, &end);
	}
}

static void follow_service(struct graph *graph, unsigned int index)
{
	const struct service *service = &graph->snapshot->services[index];
	const struct backend *backend;
	struct end end;

	if (!service->dst.count || !service->families[graph->family])
		return;
	follow_destination(graph, index);
	for (backend = service->backends; backend < service->backends + service->backend_count; backend++) {
		if (!backend->addresses[graph->family].family)
			continue;
		end = (struct end){
			.service = index, .backend = backend, .vni = backend->vni,
			.dst.address = backend->addresses[graph->family],
			.dst.length = rw_addr_bits(&backend->addresses[graph->family]),
		};
		set_port(service, backend->port, &end);
		follow(graph, &end);
	}
}

static int refuse_edge(const struct graph *graph, const struct edge *edge, struct error *error)
{
	const struct service *from = &graph->snapshot->services[edge->service];
	char text[96] = "its destination", other[128] = "the service itself";

	snprintf(error->where, sizeof(error->where), "services[%u]", edge->service);
	if (edge->backend) {
		snprintf(text, sizeof(text), "its backend \"%s\"", edge->backend->name);
		snprintf(error->where, sizeof(error->where), "services[%u].backends[%zu]",
			 edge->service, (size_t)(edge->backend - from->backends));
	}
	if (edge->to != edge->from)
		snprintf(other, sizeof(other), "service \"%s\", which leads back to it",
			 graph->snapshot->services[edge->to].name);
	return refuse(error, "service \"%s\": %s is %s", from->name, text, other);
}

/* Leave out, one after the other, services that lead to no other: out[] of those becomes 0. */
static void strip(struct graph *graph, unsigned int *out)
{
	unsigned int i, count = graph->snapshot->service_count, ends = 0;
	unsigned int *into = allocate(count, sizeof(*into)), *list = allocate(count, sizeof(*list));
	struct edge *edge;

	for (i = 0; i < graph->edge_count; i++) {
		edge = &graph->edges[i];
		edge->next = into[edge->to];
		into[edge->to] = i + 1;
		out[edge->from]++;
	}
	for (i = 0; i < count; i++)
		if (!out[i])
			list[ends++] = i;
	while (ends) {
		i = into[list[--ends]];
		while (i) {
			edge = &graph->edges[i - 1];
			i = edge->next;
			if (!--out[edge->from])
				list[ends++] = edge->from;
		}
	}
	free(into);
	free(list);
}

/*
 * Whoever is left leads to another one that is left, so any way leads into a circle; the first
 * service in it is to blame.
 */
static int find_circle(struct graph *graph, struct error *error)
{
	unsigned int i, at, first, count = graph->snapshot->service_count;
	unsigned int *out = allocate(count, sizeof(*out));
	const struct edge **ways = allocate(count, sizeof(*ways));
	int ret = 0;

	strip(graph, out);
	for (i = 0; i < graph->edge_count; i++)
		if (out[graph->edges[i].to] && !ways[graph->edges[i].from])
			ways[graph->edges[i].from] = &graph->edges[i];
	for (at = 0; at < count && !out[at]; at++)
		;
	if (at < count) {
		for (i = 0; i < count; i++)
			at = ways[at]->to;
		for (i = 0, first = at; i < count; i++, at = ways[at]->to)
			first = at < first ? at : first;
		ret = refuse_edge(graph, ways[first], error);
	}
	free(ways);
	free(out);
	return ret;
}

static int check_family(const struct snapshot *snapshot, int family, struct error *error)
{
	struct graph graph = { .snapshot = snapshot, .family = family };
	unsigned int i;
	int ret;

	list_entries(&graph);
	find_heads(&graph);
	graph.met = allocate(snapshot->service_count, sizeof(*graph.met));
	for (i = 0; i < snapshot->service_count; i++)
		if (has_destination(&snapshot->services[i]))
			follow_service(&graph, i);
	ret = find_circle(&graph, error);
	free(graph.entries);
	free(graph.heads);
	free(graph.edges);
	free(graph.met);
	return ret;
}

int loops_check(const struct snapshot *snapshot, struct error *error)
{
	return check_family(snapshot, IPV4, error) || check_family(snapshot, IPV6, error) ? -1 : 0;
}

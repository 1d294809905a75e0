// SPDX-License-Identifier: GPL-2.0
/* Decisions that the kernel makes by itself. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "blame.h"
#include "delegate.h"
#include "log.h"

static unsigned int addresses_of(const struct pool *pool)
{
	return pool->address_count[IPV4] + pool->address_count[IPV6];
}

static bool is_one_address(const struct mapping *mapping)
{
	int family;

	for (family = 0; !mapping->keep && family < FAMILIES; family++)
		if (mapping->prefixes[family].address.family &&
		    mapping->prefixes[family].length != rw_addr_bits(&mapping->prefixes[family].address))
			return false;
	return true;
}

/* Why the kernel cannot decide as the daemon would; NULL, it can. */
static const char *why_not(const struct service *service)
{
	const struct pool *pool = service->pool;

	if (!pool)
		return "its source is not a pool";
	if (service->balance)
		return "its destination is chosen";
	if (service->destination.given && !is_one_address(&service->destination))
		return "its destination is a prefix";
	if (service->copy_count || service->one_way)
		return "it has copies, or is one-way";
	if (service->reserve || service->next)
		return "there is another service with the same match";
	if (pool->mapping != MAPPING_DEPENDENT)
		return "its pool's mapping is endpoint-independent, which needs a memory of endpoints";
	if (pool->block || pool->fixed.given || pool->max_ports || pool->max_flows)
		return "its pool has blocks, or limits of clients";
	if (pool->parity || pool->preserve)
		return "its pool chooses ports by those of clients";
	if (pool->rest[REST_TCP] || pool->rest[REST_OTHER])
		return "its pool has a quarantine, which the kernel does not keep";
	if (addresses_of(pool) > RW_DELEGATE_ADDRESSES)
		return "its pool has more than 16 addresses";
	if (pool->paired && (pool->address_count[IPV4] > 1 || pool->address_count[IPV6] > 1))
		return "its pool has several addresses, and pooling is not \"arbitrary\"";
	return NULL;
}

int delegates_check(const struct snapshot *snapshot, struct error *error)
{
	const struct service *service = snapshot->services;
	const char *why;
	unsigned int i;

	for (i = 0; i < snapshot->service_count; i++, service++) {
		why = service->delegate ? why_not(service) : NULL;
		if (!why)
			continue;
		blame_service(service, error);
		return refuse(error, "service \"%s\": delegate: %s", service->name, why);
	}
	return 0;
}

static void add(struct delegates *delegates, const struct rw_delegate *delegate)
{
	delegates->list = grow(delegates->list, delegates->count, &delegates->room,
			       sizeof(*delegates->list));
	delegates->list[delegates->count++] = *delegate;
}

static int take(const struct rw_delegate *delegate, void *data)
{
	add(data, delegate);
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct rw_delegate *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int by_address(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct rw_addr));
}

/* In one order, so that they can be compared. */
static void sort(struct delegates *delegates)
{
	unsigned int i;

	for (i = 0; i < delegates->count; i++) {
		qsort(delegates->list[i].to, 2, sizeof(struct rw_addr), by_address);
		qsort(delegates->list[i].addresses, delegates->list[i].count,
		      sizeof(struct rw_addr), by_address);
	}
	if (delegates->count)
		qsort(delegates->list, delegates->count, sizeof(*delegates->list), by_id);
}

int delegates_read(struct delegates *delegates, struct rw_socket *socket, struct rw_error *error)
{
	int ret;

	*delegates = (struct delegates){ 0 };
	ret = rw_delegate_each(socket, take, delegates, error);
	if (ret == -EOPNOTSUPP)		/* an older module, which knows of none */
		ret = 0;
	if (ret)
		delegates_free(delegates);
	else
		sort(delegates);
	return ret;
}

static void make(struct rw_delegate *delegate, const struct service *service)
{
	const struct pool *pool = service->pool;
	unsigned int i;
	int family;

	*delegate = (struct rw_delegate){
		.id = service->id, .from = service->vni, .vni = pool->vni,
		.port_min = pool->ports.min, .port_max = pool->ports.max,
		.decision = DELEGATE_DECISION,
	};
	for (family = 0; family < FAMILIES; family++)
		if (service->destination.given && !service->destination.keep)
			delegate->to[family] = service->destination.prefixes[family].address;
	if (service->destination.given)
		delegate->to_port = service->destination.port;
	for (family = 0; family < FAMILIES; family++)
		for (i = 0; i < pool->address_count[family]; i++)
			delegate->addresses[delegate->count++] =
				*ports_address(pool->addresses[family][i]);
}

void delegates_make(struct delegates *delegates, const struct snapshot *snapshot)
{
	struct rw_delegate delegate;
	unsigned int i;

	*delegates = (struct delegates){ 0 };
	for (i = 0; i < snapshot->service_count; i++) {
		if (!snapshot->services[i].delegate)
			continue;
		make(&delegate, &snapshot->services[i]);
		add(delegates, &delegate);
	}
	sort(delegates);
}

void delegates_free(struct delegates *delegates)
{
	free(delegates->list);
	*delegates = (struct delegates){ 0 };
}

bool delegates_same(const struct rw_delegate *a, const struct rw_delegate *b)
{
	return a->id == b->id && a->from == b->from && a->vni == b->vni &&
	       a->decision == b->decision && a->port_min == b->port_min &&
	       a->port_max == b->port_max && a->count == b->count &&
	       a->to_port == b->to_port && !memcmp(a->to, b->to, sizeof(a->to)) &&
	       !memcmp(a->addresses, b->addresses, a->count * sizeof(a->addresses[0]));
}

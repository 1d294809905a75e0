// SPDX-License-Identifier: GPL-2.0
/* The way of a check to a backend, through the module. */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "binding.h"
#include "librewire.h"
#include "way.h"

#define KEYS_IN_USE_MAX	8	/* ports of the host's, or of a pool, that are tried */

static socklen_t to_sockaddr(const struct rw_addr *address, uint16_t port,
			     struct sockaddr_storage *storage)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)storage;
	struct sockaddr_in *four = (struct sockaddr_in *)storage;

	memset(storage, 0, sizeof(*storage));
	storage->ss_family = address->family;
	if (address->family == AF_INET6) {
		six->sin6_port = htons(port);
		memcpy(&six->sin6_addr, address->bytes, 16);
		return sizeof(*six);
	}
	four->sin_port = htons(port);
	memcpy(&four->sin_addr, address->bytes, 4);
	return sizeof(*four);
}

static void from_sockaddr(const struct sockaddr_storage *storage, struct rw_addr *address,
			  uint16_t *port)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)storage;
	const struct sockaddr_in *four = (const struct sockaddr_in *)storage;

	*address = (struct rw_addr){ .family = storage->ss_family };
	memcpy(address->bytes, storage->ss_family == AF_INET6 ? (void *)&six->sin6_addr :
	       (void *)&four->sin_addr, rw_addr_bits(address) / 8);
	*port = ntohs(storage->ss_family == AF_INET6 ? six->sin6_port : four->sin_port);
}

/* The address that the host would send from; false, it has no route. Nothing is sent. */
static bool source_to(const struct rw_addr *address, struct rw_addr *source)
{
	int fd = socket(address->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage storage;
	socklen_t length = to_sockaddr(address, 9, &storage);
	uint16_t port;
	bool found;

	if (fd < 0)
		return false;
	found = !connect(fd, (struct sockaddr *)&storage, length);
	length = sizeof(storage);
	found = found && !getsockname(fd, (struct sockaddr *)&storage, &length);
	if (found)
		from_sockaddr(&storage, source, &port);
	close(fd);
	return found;
}

/*
 * Whom clients talk to. Where the host has no route to that, or is that itself, the
 * backend's own address has to do: the module sees to the rest all the same.
 */
static struct rw_addr destination(const struct service *service, const struct backend *backend,
				  int family)
{
	const struct prefix *prefix;
	struct rw_addr source;
	unsigned int i;

	for (i = 0; i < service->dst.count; i++) {
		prefix = &service->dst.list[i];
		if (family_index(&prefix->address) == family &&
		    source_to(&prefix->address, &source) &&
		    memcmp(&source, &prefix->address, sizeof(source)))
			return prefix->address;
	}
	return backend->addresses[family];
}

static int open_socket(struct way *way, const struct rw_addr *source, uint32_t timeout,
		       struct error *error)
{
	int type = way->orig.protocol == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM;
	struct sockaddr_storage storage;
	socklen_t length = to_sockaddr(source, 0, &storage);

	way->fd = socket(source->family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, way->orig.protocol);
	if (way->fd < 0 && errno == EACCES && type == SOCK_DGRAM)
		return refuse(error, "ping is not allowed to the daemon's group: net.ipv4.ping_group_range");
	if (way->fd < 0)
		return refuse_errno(error, "socket");
	/* What is closed, and gets no answer any more, is not repeated longer than its flow lives */
	if (type == SOCK_STREAM)
		setsockopt(way->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
	if (bind(way->fd, (struct sockaddr *)&storage, length)) {
		refuse_errno(error, "bind");
	} else {
		length = sizeof(storage);
		if (!getsockname(way->fd, (struct sockaddr *)&storage, &length)) {
			from_sockaddr(&storage, &way->orig.src, &way->orig.sport);
			return 0;
		}
		refuse_errno(error, "getsockname");
	}
	close(way->fd);
	return -1;
}

static uint8_t probe_protocol(const struct probe *probe, const struct service *service,
			      int family)
{
	switch (probe->type) {
	case PROBE_PING:
		return family == IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	case PROBE_COMMAND:
		return service->protocols[family] == IPPROTO_UDP ? IPPROTO_UDP : IPPROTO_TCP;
	default:
		return IPPROTO_TCP;
	}
}

/* 0, 1: a key is in use, or -1. */
static int add_flow(struct way *way, struct decider *decider, struct rw_socket *socket,
		    const struct snapshot *snapshot, const struct service *service,
		    const struct backend *backend, uint32_t timeout, struct error *error)
{
	struct decision decision;
	struct rw_error why;
	unsigned int i;
	int ret;

	if (!decide_probe(decider, snapshot, service, backend, way->port, &way->orig, &decision))
		return refuse(error, "no port is left in the source pool");
	decision.verdict.flow.timeout = timeout;
	ret = rw_flow_add(socket, &decision.verdict.flow, &why);
	/* As of any verdict: what may be in use stays taken until a look at the flows tells */
	for (i = 0; i < decision.lease_count; i++) {
		if (!ret || ret == -EADDRINUSE)
			bindings_settle(decider->bindings, decision.leases[i]);
		else
			bindings_give_back(decider->bindings, decision.leases[i]);
	}
	if (ret == -EADDRINUSE || ret == -EEXIST)
		return 1;
	return ret ? refuse(error, "%s", why.sentence) : 0;
}

int way_open(struct way *way, struct decider *decider, struct scope *scope, struct rw_socket *socket,
	     const struct snapshot *snapshot, const struct probe *probe,
	     const struct service *service, const struct backend *backend, int family,
	     uint32_t timeout, struct error *error)
{
	struct rw_attach local = { .local = true };
	struct rw_addr source, to = destination(service, backend, family);
	uint16_t own = probe->type == PROBE_PING ? 0 : probe_port(probe, service, backend);
	uint16_t port = own && service->dport_min ? service->dport_min : own;
	struct rw_error why;
	int tries, ret;

	ret = rw_attach_get(socket, &local, &why);
	if (ret == -ENOENT)
		return refuse(error, "the host's own output is not attached");
	if (ret)
		return refuse(error, "%s", why.sentence);
	if (scope_set_local(scope, socket, local.vni, error))
		return -1;
	if (!source_to(&backend->addresses[family], &source))
		return refuse(error, "the host has no route to the backend");
	*way = (struct way){
		.orig = {
			.vni = local.vni, .protocol = probe_protocol(probe, service, family),
			.dst = to, .dport = port,
		},
		.backend = backend->addresses[family],
		.port = own,
	};
	way->length = to_sockaddr(&to, port, &way->to);
	for (tries = 0; tries < KEYS_IN_USE_MAX; tries++) {
		if (open_socket(way, &source, timeout, error))
			return -1;
		ret = add_flow(way, decider, socket, snapshot, service, backend, timeout, error);
		if (!ret)
			return 0;
		close(way->fd);
		if (ret < 0)
			return -1;
	}
	return refuse(error, "its keys are in use");
}

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_SNAPSHOT_H
#define REWIRED_SNAPSHOT_H

#include "mapping.h"
#include "networks.h"
#include "ports.h"
#include "probe.h"
#include "schedule.h"
#include "types.h"

/*
 * A configuration as the handler threads use it. Once published nothing in it
 * changes but the ports' bitmaps, the schedules' positions and the backends' loads,
 * each by atomic operations.
 */

enum { MAPPING_INDEPENDENT, MAPPING_DEPENDENT };
enum { FILTERING_INDEPENDENT, FILTERING_ADDRESS, FILTERING_ADDRESS_AND_PORT };
enum { REST_TCP, REST_OTHER, RESTS };

#define CLIENT_BLOCKS_MAX	16

/* Flows that a pool had no room for, or that were beyond their client's limits. */
struct refusals {
	unsigned int references;		/* of snapshots, one after the other: the state thread's */
	_Atomic uint64_t exhausted, limited;
	_Atomic int64_t logged[2];		/* when the last one of either was, by clock_now() */
};

/* RFC 7422: a client's place among all of them is that of its ports among the pool's. */
struct fixed {
	bool given;
	uint32_t vni;
	struct prefix clients;
	uint32_t size;				/* ports of each */
	uint32_t sharing;			/* clients of an address, at most */
};

/* Where flows get public addresses and ports, and how: see rewired(8). */
struct pool {
	char *name;
	uint64_t key;				/* a hash of the name */
	uint32_t vni;
	struct range ports;
	uint32_t mapping, filtering;
	bool parity, preserve;
	uint32_t rest[RESTS];			/* milliseconds */
	uint32_t reject;			/* of enum rewire_reject: what those are told that it has no room for */
	bool paired;				/* a client keeps to one address */
	uint32_t block, max_blocks;		/* ports of a block, 0: none; and blocks of a client */
	uint32_t max_ports, max_flows;		/* of a client; 0, any number */
	struct fixed fixed;			/* what each client has, without asking */
	struct refusals *refusals;
	struct ports **addresses[FAMILIES];
	unsigned int address_count[FAMILIES];
};

/* The ports of a pool at one of its addresses. */
struct span {
	const struct pool *pool;
	struct ports *ports;
};

struct backend {
	char *name;
	uint32_t id, vni, weight;
	uint32_t service;			/* its id */
	uint32_t state;				/* of enum rewire_target_state */
	uint16_t port;				/* 0, the flow's own */
	struct rw_addr addresses[FAMILIES];	/* none when it lacks the family */
	struct load *load;
	struct health *health;			/* NULL, it is not checked */
	uint32_t failed;			/* its state while it is not well */
};

/* A copy's destination. */
struct replica {
	struct mapping to;
	_Atomic bool lost;		/* no device leads to its network */
};

struct service {
	char *name;
	unsigned int place;			/* in the text */
	uint32_t id, vni;
	bool families[FAMILIES];
	uint8_t protocols[FAMILIES];		/* 0, any */
	struct prefixes src, dst;		/* none, any */
	uint16_t dport_min, dport_max;		/* 0, any */
	uint32_t orphan, hold;
	uint32_t priority;			/* of those with the same match the highest counts */
	uint32_t next;				/* id of the one after it, or 0 */
	bool reserve;				/* it is such a one itself */
	const struct pool *pool;		/* or else */
	struct mapping source;			/* or, when that is not given, the source is kept */
	bool balance;				/* or else */
	struct mapping destination;		/* or, when that is not given, the destination is kept */
	bool one_way;
	bool delegate;				/* the kernel decides by itself, where it can */
	struct replica *copies;
	unsigned int copy_count;
	uint32_t scheduler;
	uint32_t reject;			/* of enum rewire_reject: what those are told that no backend takes */
	uint32_t affinity;			/* of clients to backends, in seconds; 0, none */
	uint32_t client_bits[FAMILIES];		/* of a source address, that tell clients apart */
	struct backend *backends;
	unsigned int backend_count;
	struct probe *probe;			/* or NULL */
	/* NULL unless balance; under RCU, replaced when a backend's health changes */
	struct schedule *schedules[FAMILIES];
};

struct snapshot {
	char *text;				/* the JSON that it was made from */
	struct network *networks;		/* by VNI */
	unsigned int network_count;
	struct rw_networks vnis;		/* all that it names, in ascending order, each once */
	struct pool *pools;
	unsigned int pool_count;
	struct pool **pool_names;		/* by name */
	struct service *services;		/* by id */
	unsigned int service_count;
	struct backend **backends;		/* of all services, by id */
	unsigned int backend_count;
	struct ports **ports;			/* all pools', by VNI and address, each once */
	unsigned int port_count;
	struct span *spans;			/* all pools', by VNI, address and port */
	unsigned int span_count;
};

/* The state that its target is in: the worse one of what is configured and what checks say. */
static inline uint32_t backend_state(const struct backend *backend)
{
	return health_is_out(backend->health) && backend->failed > backend->state ?
	       backend->failed : backend->state;
}

/* Which port of a backend is checked; 0, none is given. */
static inline uint16_t probe_port(const struct probe *probe, const struct service *service,
				  const struct backend *backend)
{
	return probe->port ?: backend->port ?: service->dport_min;
}

/* Whether it gets new flows of a family. */
static inline bool backend_is_open(const struct backend *backend, int family)
{
	return backend_state(backend) == REWIRE_TARGET_STATE_ACTIVE && backend->weight &&
	       backend->addresses[family].family;
}

/* Complete what config_parse read and found right: order, health, schedules. */
void snapshot_finish(struct snapshot *snapshot, const struct snapshot *old);
void snapshot_free(struct snapshot *snapshot);

const struct service *snapshot_service(const struct snapshot *snapshot, uint32_t id);
/* Whose port it is; NULL, no pool's. */
const struct span *snapshot_span(const struct snapshot *snapshot, uint32_t vni,
				 const struct rw_addr *address, uint16_t port);
/* Whether an address is a pool's, whatever the port. */
bool snapshot_has_ports(const struct snapshot *snapshot, uint32_t vni,
			const struct rw_addr *address);

/* Where flows go from by a kept destination: the network of the source, pool or not. */
uint32_t service_source_vni(const struct service *service);

/*
 * By the state thread: make schedules by the backends' states as they are now. Returns
 * the old ones in place of the new ones; they are freed after a grace period.
 */
void snapshot_reschedule(struct service *service, struct schedule *old[FAMILIES]);

struct backend *snapshot_backend(const struct snapshot *snapshot, uint32_t id);

#endif

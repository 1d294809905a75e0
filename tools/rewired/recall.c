// SPDX-License-Identifier: GPL-2.0
/* From a punt to the verdict that its flow had. */

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>

#include "recall.h"

/* The first header behind IPv4's options; behind extension headers of IPv6 it is not looked for. */
static size_t transport_offset(const struct rw_punt *punt)
{
	if (punt->tuple.dst.family == AF_INET)
		return punt->header_len ? (punt->header[0] & 0xf) * 4 : 0;
	if (punt->header_len > offsetof(struct ip6_hdr, ip6_nxt) &&
	    punt->header[offsetof(struct ip6_hdr, ip6_nxt)] == punt->tuple.protocol)
		return sizeof(struct ip6_hdr);
	return punt->header_len;
}

static bool begins_connection(const struct rw_punt *punt)
{
	size_t flags = transport_offset(punt) + 13;

	return punt->tuple.protocol == IPPROTO_TCP && punt->header_len > flags &&
	       (punt->header[flags] & (TH_SYN | TH_ACK)) == TH_SYN;
}

static bool is_of_pool(const struct snapshot *snapshot, const struct pool *pool,
		       const struct rw_addr *address, uint16_t port)
{
	const struct span *span = snapshot_span(snapshot, pool->vni, address, port);

	return span && span->pool == pool;
}

static bool fits_from_inside(const struct snapshot *snapshot, const struct service *service,
			     const struct rw_flow_spec *flow)
{
	return service->vni == flow->orig.vni &&
	       mapping_makes(&service->source, flow->orig.protocol, flow->orig.src,
			     flow->orig.sport, &flow->reply.dst, flow->reply.dport) &&
	       mapping_makes(&service->destination, flow->orig.protocol, flow->orig.dst,
			     flow->orig.dport, &flow->reply.src, flow->reply.sport) &&
	       (!service->pool || is_of_pool(snapshot, service->pool, &flow->reply.dst,
					     service->pool->ports.min));
}

/*
 * Let in by a public port, as source_enter() does: it is its guest that the service is for,
 * and its far end stays what it is, whatever the service makes of the destinations of others.
 */
static bool fits_from_outside(const struct snapshot *snapshot, const struct service *service,
			      const struct rw_flow_spec *flow)
{
	return service->pool && service->vni == flow->reply.vni &&
	       service->pool->vni == flow->orig.vni &&
	       flow->orig.sport == flow->reply.dport &&
	       !memcmp(&flow->orig.src, &flow->reply.dst, sizeof(flow->orig.src)) &&
	       is_of_pool(snapshot, service->pool, &flow->orig.dst, flow->orig.dport);
}

/* Whose flow it is, and where it goes, may have changed since it was decided. */
static bool still_fits(const struct snapshot *snapshot, const struct rw_flow_spec *flow,
		       struct load **load)
{
	const struct service *service = snapshot_service(snapshot, flow->policy);
	const struct backend *backend = snapshot_backend(snapshot, flow->target);

	if (!service || !networks_named(snapshot, flow->reply.vni))
		return false;
	if (flow->target && (!backend || backend_state(backend) == REWIRE_TARGET_STATE_DOWN))
		return false;
	*load = backend ? backend->load : NULL;
	return fits_from_inside(snapshot, service, flow) ||
	       fits_from_outside(snapshot, service, flow);
}

/* A direction's device is the one that its held packet came by. */
static void set_devices(const struct record *record, const struct rw_punt *punt,
			struct rw_flow_spec *flow)
{
	bool forth = !memcmp(&punt->tuple, &flow->orig, sizeof(flow->orig));

	flow->orig_ifindex = forth ? 0 : atomic_load(&record->sides[0].ifindex);
	flow->reply_ifindex = forth ? atomic_load(&record->sides[1].ifindex) : 0;
}

bool recall(const struct decider *decider, struct memory *memory, const struct snapshot *snapshot,
	    const struct rw_punt *punt, struct decision *decision)
{
	struct rw_flow_spec flow;
	struct record *record;
	struct load *load;

	if (punt->reason != REWIRE_PUNT_REASON_MISS || begins_connection(punt))
		return false;
	record = memory_recall(memory, &punt->tuple);
	if (!record)
		return false;
	flow = record_flow(record);
	if (!still_fits(snapshot, &flow, &load)) {
		memory_drop(memory, record);
		return false;
	}
	*decision = (struct decision){
		.verdict = {
			.punt_id = punt->id,
			.action = REWIRE_VERDICT_ACTION_FLOW,
			.flow = flow,
		},
		.record = record,
		.recalled = true,
		.load = load,
		.place = metadata_place(decider->metadata),
	};
	set_devices(record, punt, &decision->verdict.flow);
	if (load)
		load_add(load, decision->place);
	return true;
}

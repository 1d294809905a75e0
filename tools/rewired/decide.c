// SPDX-License-Identifier: GPL-2.0
/* From a punt to a verdict. */

#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>

#include "address.h"
#include "choose.h"
#include "codec.h"
#include "decide.h"

/* Known to all hosts, so that each makes the same choice for the same client. */
static const struct siphash_key client_key = { { 0x636c69656e74, 0x726577697265 } };

static bool is_icmp(uint8_t protocol)
{
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

/* An echo reply without a request begins nothing. */
static bool begins_flow(const struct rw_tuple *tuple)
{
	return !is_icmp(tuple->protocol) || !tuple->dport;
}

static bool service_matches(const struct service *service, const struct rw_tuple *tuple)
{
	int family = family_index(&tuple->dst);

	if (tuple->vni != service->vni || !service->families[family])
		return false;
	if (service->protocols[family] && service->protocols[family] != tuple->protocol)
		return false;
	if (service->dport_min &&
	    (tuple->dport < service->dport_min || tuple->dport > service->dport_max))
		return false;
	return prefixes_contain(&service->src, &tuple->src) &&
	       prefixes_contain(&service->dst, &tuple->dst);
}

/* A client's flows share a public address as long as that has ports. */
static uint64_t hash_client(const struct rw_tuple *tuple)
{
	struct rw_tuple key = { .vni = tuple->vni, .src = tuple->src };

	return siphash(&client_key, &key, sizeof(key));
}

static void go_to(const struct backend *backend, uint16_t port, struct rw_flow_spec *flow)
{
	flow->reply.vni = backend->vni;
	flow->reply.src = backend->addresses[family_index(&flow->orig.dst)];
	if (port && rw_protocol_has_ports(flow->orig.protocol))
		flow->reply.sport = port;
}

static void begin_flow(const struct rw_tuple *orig, struct rw_flow_spec *flow)
{
	flow->orig = *orig;
	flow->reply = (struct rw_tuple){
		.protocol = orig->protocol,
		.src = orig->dst, .dst = orig->src, .sport = orig->dport, .dport = orig->sport,
	};
}

static bool choose_destination(const struct decider *decider, const struct service *service,
			       const struct rw_tuple *orig, unsigned int attempt,
			       struct decision *decision)
{
	struct rw_flow_spec *flow = &decision->verdict.flow;
	const struct backend *backend;

	if (service->destination.given) {
		flow->reply.vni = service->destination.vni;
		return mapping_apply(&service->destination, orig->protocol, &flow->reply.src,
				     &flow->reply.sport);
	}
	if (!service->balance) {
		flow->reply.vni = service_source_vni(service);
		return true;
	}
	backend = choose_backend(decider, service, orig, attempt);
	if (!backend)
		return false;
	decision->load = backend->load;
	flow->target = backend->id;
	go_to(backend, backend->port, flow);
	return true;
}

/*
 * Without ports, an address serves one flow with each remote end. The kernel knows
 * whether it does already: each attempt takes the next address.
 */
static bool choose_address(const struct pool *pool, int family, unsigned int first,
			   unsigned int attempt, struct rw_flow_spec *flow)
{
	unsigned int count = pool->address_count[family];

	if (attempt >= count)
		return false;
	flow->reply.dst = *ports_address(pool->addresses[family][(first + attempt) % count]);
	return true;
}

static bool choose_source(const struct service *service, const struct rw_tuple *orig,
			  unsigned int attempt, struct random *random,
			  struct decision *decision)
{
	const struct pool *pool = service->pool;
	int family = family_index(&orig->src), port;
	unsigned int count, first, i;
	struct ports *ports;

	/* A key in use: where nothing is chosen, another attempt is the same one */
	if (!pool && !service->balance && attempt)
		return false;
	if (service->source.given)
		return mapping_apply(&service->source, orig->protocol,
				     &decision->verdict.flow.reply.dst,
				     &decision->verdict.flow.reply.dport);
	if (!pool)
		return true;
	count = pool->address_count[family];
	first = count ? hash_client(orig) % count : 0;
	if (!rw_protocol_has_ports(orig->protocol) && !is_icmp(orig->protocol))
		return choose_address(pool, family, first, attempt, &decision->verdict.flow);
	for (i = 0; i < count; i++) {
		ports = pool->addresses[family][(first + i) % count];
		port = ports_take(ports, orig->protocol, pool->port_min, pool->port_max, random);
		if (port < 0)
			continue;
		decision->ports = ports;
		decision->port = port;
		decision->verdict.flow.reply.dst = *ports_address(ports);
		decision->verdict.flow.reply.dport = port;
		return true;
	}
	return false;
}

void decide_drop(struct decision *decision, enum outcome outcome, const struct rw_punt *punt)
{
	*decision = (struct decision){
		.outcome = outcome,
		.verdict = {
			.punt_id = punt->id,
			.action = REWIRE_VERDICT_ACTION_DROP,
			.lifetime = DECIDE_DROP_LIFETIME,
			.flow.orig = punt->tuple,
		},
	};
}

/* The same, with what was taken already. */
static void give_up(struct decision *decision, enum outcome outcome, const struct rw_punt *punt)
{
	if (decision->ports)
		ports_give_back(decision->ports, punt->tuple.protocol, decision->port);
	decide_drop(decision, outcome, punt);
}

static enum outcome find_service(const struct snapshot *snapshot, const struct rw_punt *punt,
				 const struct service **service)
{
	*service = snapshot_service(snapshot, punt->policy);
	if (!*service)
		return OUTCOME_UNKNOWN_POLICY;
	if (!service_matches(*service, &punt->tuple))
		return OUTCOME_MISMATCH;
	return begins_flow(&punt->tuple) ? OUTCOME_FLOW : OUTCOME_UNSUPPORTED;
}

/* The destination prefix of a service that has an address, in bits; -1, none has. */
static int prefix_length(const struct service *service, const struct rw_addr *address)
{
	int length = service->dst.count ? -1 : 0;
	unsigned int i;

	for (i = 0; i < service->dst.count; i++)
		if (rw_prefix_contains(&service->dst.list[i].address, service->dst.list[i].length, address) &&
		    service->dst.list[i].length > length)
			length = service->dst.list[i].length;
	return length;
}

static bool has_destination(const struct service *service)
{
	return service->balance || service->destination.given;
}

/*
 * A packet that is translated into a virtual network where its destination is a
 * service itself would come back to this host: both are decided at once. Of several
 * services the one with the longest prefix counts. Copies are that one's then.
 */
static bool turn_around(const struct decider *decider, const struct snapshot *snapshot,
			unsigned int attempt, struct decision *decision,
			const struct service **copies)
{
	const struct service *service, *found = NULL;
	int length, longest = -1;
	struct rw_tuple public;
	unsigned int i;

	rw_tuple_inverse(&decision->verdict.flow.reply, &public);
	for (i = 0; i < snapshot->service_count; i++) {
		service = &snapshot->services[i];
		if (!has_destination(service) || service->reserve ||
		    !service_matches(service, &public))
			continue;
		length = prefix_length(service, &public.dst);
		if (length > longest) {
			longest = length;
			found = service;
		}
	}
	if (found && found->copy_count)
		*copies = found;
	return !found || choose_destination(decider, found, &public, attempt, decision);
}

/* It counts for decisions to come before the kernel is asked for it. */
static void note(struct decider *decider, struct decision *decision)
{
	struct mark mark = metadata_next(decider->metadata);

	decision->verdict.flow.decision = mark.number;
	decision->place = mark.place;
	if (decision->load)
		load_add(decision->load, mark.place);
}

/* One that has no destination for the flow leaves it to the next with the same match. */
static const struct service *choose_service(const struct decider *decider,
					    const struct snapshot *snapshot,
					    const struct service *service, unsigned int attempt,
					    struct decision *decision)
{
	const struct rw_tuple *orig = &decision->verdict.flow.orig;

	while (service && !choose_destination(decider, service, orig, attempt, decision))
		service = service->next ? snapshot_service(snapshot, service->next) : NULL;
	return service;
}

void decide(struct decider *decider, const struct snapshot *snapshot, const struct rw_punt *punt,
	    unsigned int attempt, struct decision *decision)
{
	const struct rw_tuple *orig = &punt->tuple;
	const struct service *service, *copies;
	enum outcome outcome = find_service(snapshot, punt, &service);
	struct rw_flow_spec *flow = &decision->verdict.flow;

	if (outcome != OUTCOME_FLOW) {
		decide_drop(decision, outcome, punt);
		return;
	}
	*decision = (struct decision){
		.verdict = {
			.punt_id = punt->id,
			.action = REWIRE_VERDICT_ACTION_FLOW,
		},
	};
	begin_flow(orig, flow);
	service = choose_service(decider, snapshot, service, attempt, decision);
	if (!service) {
		decide_drop(decision, OUTCOME_NO_BACKEND, punt);
		return;
	}
	flow->policy = service->id;
	flow->one_way = service->one_way;
	copies = service;
	if (service->pool && decider->stale)
		decide_drop(decision, OUTCOME_STALE, punt);
	else if (!choose_source(service, orig, attempt, &decider->random, decision))
		give_up(decision, OUTCOME_EXHAUSTED, punt);
	else if (!has_destination(service) &&
		 !turn_around(decider, snapshot, attempt, decision, &copies))
		give_up(decision, OUTCOME_NO_BACKEND, punt);
	else if (!replicate(&decider->replicas, copies, flow))
		give_up(decision, OUTCOME_EXHAUSTED, punt);
	else
		note(decider, decision);
}

bool decide_probe(struct decider *decider, const struct service *service,
		  const struct backend *backend, const struct rw_tuple *orig,
		  struct decision *decision)
{
	struct rw_flow_spec *flow = &decision->verdict.flow;

	*decision = (struct decision){ .outcome = OUTCOME_FLOW };
	begin_flow(orig, flow);
	flow->policy = service->id;
	go_to(backend, service_probe_port(service, backend), flow);
	return choose_source(service, orig, 0, &decider->random, decision);
}

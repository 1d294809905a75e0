// SPDX-License-Identifier: GPL-2.0
/* From a punt to a verdict. */

#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>

#include "address.h"
#include "binding.h"
#include "choose.h"
#include "codec.h"
#include "decide.h"
#include "rules.h"
#include "source.h"

static bool is_icmp(uint8_t protocol)
{
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

/* What a pool did not let in may be welcome in the next moment. */
static bool is_final(enum outcome outcome)
{
	return outcome != OUTCOME_UNMAPPED && outcome != OUTCOME_FILTERED;
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

void decide_drop(struct decision *decision, enum outcome outcome, const struct rw_punt *punt)
{
	*decision = (struct decision){
		.outcome = outcome,
		.verdict = {
			.punt_id = punt->id,
			.action = REWIRE_VERDICT_ACTION_DROP,
			.lifetime = is_final(outcome) ? DECIDE_DROP_LIFETIME : 0,
			.flow.orig = punt->tuple,
		},
	};
}

/* What the configuration wants those to be told that a pool has no room for, or no backend takes. */
static void tell(struct decision *decision, const struct service *service)
{
	if (!service)
		return;
	switch (decision->outcome) {
	case OUTCOME_EXHAUSTED:
	case OUTCOME_LIMITED:
		if (service->pool)
			decision->verdict.reject = service->pool->reject;
		break;
	case OUTCOME_NO_BACKEND:
		decision->verdict.reject = service->reject;
		break;
	default:
		break;
	}
}

/* The same, with what was taken already. */
static void give_up(struct decider *decider, struct decision *decision, enum outcome outcome,
		    const struct rw_punt *punt)
{
	while (decision->lease_count)
		bindings_give_back(decider->bindings, decision->leases[--decision->lease_count]);
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

/* The longest prefix of a list that has an address, in bits; an empty list has all; -1, none has. */
static int prefix_length(const struct prefixes *prefixes, const struct rw_addr *address)
{
	int length = prefixes->count ? -1 : 0;
	unsigned int i;

	for (i = 0; i < prefixes->count; i++)
		if (rw_prefix_contains(&prefixes->list[i].address, prefixes->list[i].length, address) &&
		    prefixes->list[i].length > length)
			length = prefixes->list[i].length;
	return length;
}

/* How well a service fits a packet that it matches, as the kernel compares rules. */
static uint32_t fitness(const struct service *service, const struct rw_tuple *tuple)
{
	uint32_t ports = service->dport_min ? service->dport_max - service->dport_min : 0xffff;

	return (uint32_t)prefix_length(&service->dst, &tuple->dst) << 24 |
	       (uint32_t)prefix_length(&service->src, &tuple->src) << 16 |
	       (service->protocols[family_index(&tuple->dst)] ? 1U << 15 : 0) | (0xffff - ports) >> 1;
}

const struct service *decide_service(const struct snapshot *snapshot, const struct rw_tuple *tuple)
{
	const struct service *service, *found = NULL;
	unsigned int i;

	for (i = 0; i < snapshot->service_count; i++) {
		service = &snapshot->services[i];
		if (!service->reserve && service_matches(service, tuple) &&
		    (!found || fitness(service, tuple) > fitness(found, tuple)))
			found = service;
	}
	return found;
}

static bool has_destination(const struct service *service)
{
	return service->balance || service->destination.given;
}

/*
 * A packet that is translated into a virtual network where its destination is a
 * service itself, or a port of a pool that serves somebody, would come back to this host:
 * both are decided at once. Of several services the one with the longest prefix counts.
 * Copies are that one's then.
 */
static enum outcome turn_around(struct decider *decider, const struct snapshot *snapshot,
				unsigned int attempt, struct decision *decision,
				const struct service **copies)
{
	const struct service *service, *found = NULL;
	int length, longest = -1;
	struct rw_tuple public;
	enum outcome outcome;
	unsigned int i;

	rw_tuple_inverse(&decision->verdict.flow.reply, &public);
	for (i = 0; i < snapshot->service_count; i++) {
		service = &snapshot->services[i];
		if (!has_destination(service) || service->reserve ||
		    !service_matches(service, &public))
			continue;
		length = prefix_length(&service->dst, &public.dst);
		if (length > longest) {
			longest = length;
			found = service;
		}
	}
	if (found && found->copy_count)
		*copies = found;
	if (found)
		return choose_destination(decider, found, &public, attempt, decision) ?
		       OUTCOME_FLOW : OUTCOME_NO_BACKEND;
	outcome = source_enter(decider, snapshot, &public, decision);
	return outcome == OUTCOME_MISMATCH || outcome == OUTCOME_UNMAPPED ? OUTCOME_FLOW : outcome;
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

/* By a service: its policy found the flow. */
static enum outcome serve(struct decider *decider, const struct snapshot *snapshot,
			  const struct service *service, unsigned int attempt,
			  struct decision *decision)
{
	struct rw_flow_spec *flow = &decision->verdict.flow;
	const struct service *copies;
	enum outcome outcome;

	service = choose_service(decider, snapshot, service, attempt, decision);
	if (!service)
		return OUTCOME_NO_BACKEND;
	flow->policy = service->id;
	flow->one_way = service->one_way;
	copies = service;
	if (service->pool && decider->stale)
		return OUTCOME_STALE;
	outcome = source_choose(decider, snapshot, service, attempt, decision);
	if (outcome == OUTCOME_FLOW && !has_destination(service))
		outcome = turn_around(decider, snapshot, attempt, decision, &copies);
	if (outcome == OUTCOME_FLOW && !replicate(&decider->replicas, copies, flow))
		outcome = OUTCOME_EXHAUSTED;
	return outcome;
}

void decide(struct decider *decider, const struct snapshot *snapshot, const struct rw_punt *punt,
	    unsigned int attempt, struct decision *decision)
{
	const struct rw_tuple *orig = &punt->tuple;
	struct rw_flow_spec *flow = &decision->verdict.flow;
	const struct service *service = NULL;
	enum outcome outcome = OUTCOME_FLOW;

	if (punt->policy != RULES_POOL_POLICY)
		outcome = find_service(snapshot, punt, &service);
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
	outcome = service ? serve(decider, snapshot, service, attempt, decision) :
			    source_enter(decider, snapshot, orig, decision);
	if (outcome == OUTCOME_FLOW) {
		note(decider, decision);
		return;
	}
	give_up(decider, decision, outcome, punt);
	tell(decision, service);
}

void decide_hand_over(struct decider *decider, const struct decision *decision)
{
	unsigned int i;

	for (i = 0; i < decision->lease_count; i++)
		bindings_note(decider->bindings, decision->leases[i],
			      decision->verdict.flow.decision);
}

bool decide_probe(struct decider *decider, const struct snapshot *snapshot,
		  const struct service *service, const struct backend *backend,
		  uint16_t port, const struct rw_tuple *orig, struct decision *decision)
{
	struct rw_flow_spec *flow = &decision->verdict.flow;

	*decision = (struct decision){ .outcome = OUTCOME_FLOW };
	begin_flow(orig, flow);
	flow->policy = service->id;
	go_to(backend, port, flow);
	return source_choose(decider, snapshot, service, 0, decision) == OUTCOME_FLOW;
}

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

/* Of those prefixes that have an address the longest, in bits; -1, none has. */
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

/* Among services that match a packet, as the kernel orders their rules. */
static uint64_t exactness(const struct service *service, const struct rw_tuple *tuple)
{
	uint64_t protocol = service->protocols[family_index(&tuple->dst)] != 0;
	uint64_t width = service->dport_min ? service->dport_max - service->dport_min : UINT16_MAX;

	return (uint64_t)prefix_length(&service->dst, &tuple->dst) << 40 |
	       (uint64_t)prefix_length(&service->src, &tuple->src) << 24 |
	       protocol << 16 | (UINT16_MAX - width);
}

static bool has_destination(const struct service *service)
{
	return service->balance || service->destination.given;
}

/* The service that a packet's rule is of, if the kernel had no other rules; or NULL. */
static const struct service *most_exact(const struct snapshot *snapshot,
					const struct rw_tuple *tuple, bool with_destination)
{
	const struct service *service, *found = NULL;
	unsigned int i;

	for (i = 0; i < snapshot->service_count; i++) {
		service = &snapshot->services[i];
		if (service->reserve || (with_destination && !has_destination(service)) ||
		    !service_matches(service, tuple))
			continue;
		if (!found || exactness(service, tuple) > exactness(found, tuple))
			found = service;
	}
	return found;
}

/*
 * A guard is before other rules, and may outlast what it is for: a packet is decided as it
 * would be without it. A pool's rules are for one address, and drop what it does not let in.
 */
static enum outcome pass_guard(const struct snapshot *snapshot, const struct rw_tuple *tuple,
			       const struct service **service)
{
	const struct span *span = rw_protocol_has_ports(tuple->protocol) ?
		snapshot_span(snapshot, tuple->vni, &tuple->dst, tuple->dport) : NULL;
	const struct service *found = most_exact(snapshot, tuple, false);

	if (found && (!snapshot_has_ports(snapshot, tuple->vni, &tuple->dst) ||
		      prefix_length(&found->dst, &tuple->dst) == (int)rw_addr_bits(&tuple->dst))) {
		*service = found;
		return begins_flow(tuple) ? OUTCOME_FLOW : OUTCOME_UNSUPPORTED;
	}
	return span && span->pool->filtering != FILTERING_ADDRESS_AND_PORT ? OUTCOME_FLOW :
									     OUTCOME_FORGOTTEN;
}

/* None, and OUTCOME_FLOW: a port of a pool has to serve somebody. */
static enum outcome find_service(const struct snapshot *snapshot, const struct rw_punt *punt,
				 const struct service **service)
{
	*service = NULL;
	if (punt->policy == RULES_POOL_POLICY)
		return OUTCOME_FLOW;
	if (punt->policy == RULES_GUARD_POLICY)
		return pass_guard(snapshot, &punt->tuple, service);
	*service = snapshot_service(snapshot, punt->policy);
	if (!*service)
		return OUTCOME_UNKNOWN_POLICY;
	if (!service_matches(*service, &punt->tuple))
		return OUTCOME_MISMATCH;
	return begins_flow(&punt->tuple) ? OUTCOME_FLOW : OUTCOME_UNSUPPORTED;
}

/*
 * A packet that is translated into a virtual network where its destination is a
 * service itself, or a port of a pool that serves somebody, would come back to this host:
 * both are decided at once. Copies are that service's then.
 */
static enum outcome turn_around(struct decider *decider, const struct snapshot *snapshot,
				unsigned int attempt, struct decision *decision,
				const struct service **copies)
{
	const struct service *found;
	struct rw_tuple public;
	enum outcome outcome;

	rw_tuple_inverse(&decision->verdict.flow.reply, &public);
	found = most_exact(snapshot, &public, true);
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
	const struct service *service;
	enum outcome outcome = find_service(snapshot, punt, &service);

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

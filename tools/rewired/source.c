// SPDX-License-Identifier: GPL-2.0
/* Public addresses and ports: which one a flow gets, and who may come in by one. */

#include "address.h"
#include "binding.h"
#include "client.h"
#include "clock.h"
#include "fixed.h"
#include "networks.h"
#include "news.h"
#include "pool.h"
#include "source.h"

#define LOG_PERIOD	10000		/* milliseconds between two lines of a pool */

/* Known to all hosts, so that each makes the same choice for the same client. */
static const struct siphash_key client_key = { { 0x636c69656e74, 0x726577697265 } };

static uint64_t hash_client(const struct rw_tuple *tuple)
{
	struct rw_tuple key = { .vni = tuple->vni, .src = tuple->src };

	return siphash(&client_key, &key, sizeof(key));
}

/*
 * Without ports, an address serves one flow with each remote end. The kernel knows
 * whether it does already: each attempt takes the next address.
 */
static enum outcome choose_address(const struct pool *pool, unsigned int attempt,
				   struct rw_flow_spec *flow)
{
	int family = family_index(&flow->orig.src);
	unsigned int count = pool->address_count[family];
	uint64_t place;

	if (attempt >= count)
		return OUTCOME_EXHAUSTED;
	place = hash_client(&flow->orig) % count + attempt;
	flow->reply.dst = *ports_address(pool->addresses[family][place % count]);
	return OUTCOME_FLOW;
}

static void use_lease(struct decision *decision, struct lease *lease)
{
	decision->leases[decision->lease_count++] = lease;
}

/* A port of the pool's addresses, the client's favourite first. */
static struct lease *take_any(struct bindings *bindings, const struct wish *wish,
			      struct ports *const *addresses, unsigned int count, unsigned int first)
{
	struct lease *lease = NULL;
	unsigned int i;

	for (i = 0; !lease && !*wish->limited && i < count; i++)
		lease = client_take(bindings, wish, addresses[(first + i) % count]);
	return lease;
}

/* Of the address that the client keeps to. It may be that another handler has just chosen one. */
static struct lease *take_paired(struct bindings *bindings, const struct wish *wish,
				 struct ports *const *addresses, unsigned int count,
				 unsigned int first)
{
	struct ports *home = atomic_load(&wish->client->home), *mine;
	const struct span *span = home ? snapshot_span(wish->snapshot, ports_vni(home),
						       ports_address(home),
						       wish->pool->ports.min) : NULL;
	struct lease *lease;

	if (span && span->pool == wish->pool)
		return client_take(bindings, wish, home);
	lease = take_any(bindings, wish, addresses, count, first);
	if (!lease || home)
		return lease;
	mine = lease->binding->ports;
	home = client_settle(wish->client, mine);
	if (home == mine)
		return lease;
	bindings_give_back(bindings, lease);
	return client_take(bindings, wish, home);
}

static struct lease *take(struct bindings *bindings, struct wish *wish)
{
	const struct pool *pool = wish->pool;
	int family = family_index(&wish->flow->src);
	struct ports *const *addresses = pool->addresses[family], *ports;
	unsigned int count = pool->address_count[family];
	unsigned int first = count ? hash_client(wish->flow) % count : 0;
	struct range range;

	if (pool->fixed.given) {
		ports = fixed_ports(pool, wish->flow->vni, &wish->flow->src, &range);
		return ports ? bindings_take(bindings, wish, ports, range, NULL) : NULL;
	}
	if (pool->paired)
		return take_paired(bindings, wish, addresses, count, first);
	return take_any(bindings, wish, addresses, count, first);
}

static struct lease *lease_of(struct bindings *bindings, struct wish *wish)
{
	struct lease *lease = bindings_reuse(bindings, wish);

	if (lease || *wish->limited)
		return lease;
	if (pool_has_clients(wish->pool))
		wish->client = client_get(bindings, wish->pool, wish->flow);
	lease = take(bindings, wish);
	if (wish->client)
		client_left(bindings, wish->client);
	return lease;
}

/* It is counted, and now and then logged, and told. */
static enum outcome refuse_flow(const struct wish *wish)
{
	struct refusals *refusals = wish->pool->refusals;
	_Atomic int64_t *logged = &refusals->logged[*wish->limited];
	int64_t now = clock_now(), last = atomic_load(logged);
	unsigned long long refused;
	char client[RW_ADDR_TEXT];

	atomic_fetch_add(*wish->limited ? &refusals->limited : &refusals->exhausted, 1);
	if ((!last || now - last >= LOG_PERIOD) &&
	    atomic_compare_exchange_strong(logged, &last, now)) {
		refused = refusals->exhausted + refusals->limited;
		rw_addr_print(client, &wish->flow->src);
		log_line("pool \"%s\": %s for client %s in VNI %u; it has refused %llu flows",
			 wish->pool->name, *wish->limited ? "no more" : "no port is left", client,
			 wish->flow->vni, refused);
		news_tell(json_pack("{s:s, s:s, s:s, s:I, s:I}",
				    "event", *wish->limited ? "limited" : "exhausted",
				    "pool", wish->pool->name, "client", client,
				    "vni", (json_int_t)wish->flow->vni, "refused", (json_int_t)refused));
	}
	return *wish->limited ? OUTCOME_LIMITED : OUTCOME_EXHAUSTED;
}

static enum outcome choose_port(struct decider *decider, const struct snapshot *snapshot,
				const struct service *service, unsigned int attempt,
				struct decision *decision)
{
	struct rw_flow_spec *flow = &decision->verdict.flow;
	bool limited = false;
	struct wish wish = {
		.snapshot = snapshot, .pool = service->pool, .flow = &flow->orig,
		.far = &flow->reply, .policy = service->id, .random = &decider->random,
		.fresh = attempt, .limited = &limited,
	};
	struct lease *lease;

	if (!ports_has(flow->orig.protocol))
		return choose_address(service->pool, attempt, flow);
	lease = lease_of(decider->bindings, &wish);
	if (!lease)
		return refuse_flow(&wish);
	use_lease(decision, lease);
	flow->reply.dst = lease->key.dst;
	flow->reply.dport = lease->key.dport;
	return OUTCOME_FLOW;
}

enum outcome source_choose(struct decider *decider, const struct snapshot *snapshot,
			   const struct service *service, unsigned int attempt,
			   struct decision *decision)
{
	struct rw_flow_spec *flow = &decision->verdict.flow;
	const struct pool *pool = service->pool;

	/* A key in use: where nothing is chosen, another attempt is the same one */
	if (!pool && !service->balance && attempt)
		return OUTCOME_EXHAUSTED;
	if (service->source.given)
		return mapping_apply(&service->source, flow->orig.protocol, &flow->reply.dst,
				     &flow->reply.dport) ? OUTCOME_FLOW : OUTCOME_EXHAUSTED;
	return pool ? choose_port(decider, snapshot, service, attempt, decision) : OUTCOME_FLOW;
}

enum outcome source_enter(struct decider *decider, const struct snapshot *snapshot,
			  const struct rw_tuple *packet, struct decision *decision)
{
	const struct span *span = snapshot_span(snapshot, packet->vni, &packet->dst, packet->dport);
	struct arrival arrival;

	if (!span)
		return OUTCOME_MISMATCH;
	switch (bindings_enter(decider->bindings, span, packet, &arrival)) {
	case ENTRANCE_NONE:
		return OUTCOME_UNMAPPED;
	case ENTRANCE_CLOSED:
		return OUTCOME_FILTERED;
	case ENTRANCE_OPEN:
		break;
	}
	use_lease(decision, arrival.lease);
	/* Of a configuration before this one: the kernel would refuse it */
	if (!networks_named(snapshot, arrival.flow.vni))
		return OUTCOME_FILTERED;
	decision->verdict.flow.reply = arrival.flow;
	if (!decision->verdict.flow.policy)
		decision->verdict.flow.policy = arrival.policy;
	return OUTCOME_FLOW;
}

// SPDX-License-Identifier: GPL-2.0
/* From a flow to the public ports that it uses. */

#include "use.h"

/* One more, if the port is a pool's. */
static unsigned int add(const struct snapshot *snapshot, const struct rw_tuple *key,
			const struct rw_tuple *flow, uint32_t policy, struct use *use)
{
	const struct span *span = snapshot_span(snapshot, key->vni, &key->dst, key->dport);

	if (!span)
		return 0;
	*use = (struct use){ span->pool, span->ports, *key, *flow, policy };
	return 1;
}

/*
 * What came from inside. The far end is what the flow was sent to, even if it is turned
 * around to a service of this host; unless the service itself has a destination.
 */
static unsigned int add_source(const struct snapshot *snapshot, const struct rw_flow_spec *flow,
			       struct use *use)
{
	const struct service *service = snapshot_service(snapshot, flow->policy);
	struct rw_tuple key = flow->reply;

	if (service && service->pool && !service->balance &&
	    !service->destination.given) {
		key.vni = service->pool->vni;
		key.src = flow->orig.dst;
		key.sport = flow->orig.dport;
	}
	return add(snapshot, &key, &flow->orig, flow->policy, use);
}

/*
 * What was sent to a public port that serves an endpoint inside: from outside, or by an
 * endpoint inside that is mapped itself.
 */
static unsigned int add_destination(const struct snapshot *snapshot,
				    const struct rw_flow_spec *flow, const struct use *source,
				    struct use *use)
{
	struct rw_tuple key = flow->orig;

	if (source) {
		key.vni = source->key.vni;
		key.src = source->key.dst;
		key.sport = source->key.dport;
	}
	return add(snapshot, &key, &flow->reply, flow->policy, use);
}

unsigned int uses_of(const struct snapshot *snapshot, const struct rw_flow_spec *flow,
		     struct use uses[USES_MAX])
{
	unsigned int count = add_source(snapshot, flow, uses);

	return count + add_destination(snapshot, flow, count ? &uses[0] : NULL, &uses[count]);
}

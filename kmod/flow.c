// SPDX-License-Identifier: GPL-2.0
/* Flows: made, kept alive, expired, closed. */
#include <linux/slab.h>
#include <linux/tcp.h>
#include <linux/user_namespace.h>

#include "attach.h"
#include "change.h"
#include "event.h"
#include "extension.h"
#include "flow.h"
#include "hold.h"
#include "namespace.h"
#include "output.h"
#include "packet.h"
#include "past.h"
#include "policy.h"
#include "route.h"
#include "target.h"
#include "tcp.h"
#include "timeout.h"
#include "trace.h"
#include "tracking.h"

/* Times that a key is tried again because its entry has just expired. */
#define REWIRE_INSERTIONS	4

static struct kmem_cache *rewire_flow_cache;

/* struct rewire_flow.created has 32 bits: years of jiffies, if they are these. */
#define REWIRE_CREATED_SHIFT		4

static enum rewire_flow_state rewire_flow_state(const struct rewire_flow *flow)
{
	return rewire_tracking_state(READ_ONCE(flow->tracking));
}

static u8 rewire_flow_protocol(const struct rewire_flow *flow)
{
	return rewire_key_protocol(&flow->tuple[REWIRE_ORIG].key);
}

/* Return: jiffies that a flow may be idle in its present state. */
unsigned long rewire_flow_timeout(const struct rewire_flow *flow)
{
	u8 protocol = rewire_flow_protocol(flow);

	return flow->timeout ?:
	       READ_ONCE(flow->policy->timeout[rewire_timeout_of(protocol,
								 rewire_flow_state(flow))]);
}

static u32 rewire_created_now(void)
{
	u64 now = get_jiffies_64();

	return now >> REWIRE_CREATED_SHIFT;
}

/* Return: milliseconds since a flow was made. */
u64 rewire_flow_age(const struct rewire_flow *flow)
{
	u64 age = rewire_created_now() - flow->created;

	return jiffies64_to_msecs(age << REWIRE_CREATED_SHIFT);
}

/* Return: the largest age that can be told, in milliseconds. */
u64 rewire_flow_age_max(void)
{
	return jiffies64_to_msecs((u64)U32_MAX << REWIRE_CREATED_SHIFT);
}

enum rewire_class rewire_flow_class_in(const struct rewire_flow *flow,
				       enum rewire_flow_state state)
{
	if (rewire_flow_action(flow) != REWIRE_FLOW_ACTION_TRANSLATE)
		return REWIRE_CLASS_ONE_WAY;
	if (rewire_flow_protocol(flow) != IPPROTO_TCP)
		return state == REWIRE_FLOW_STATE_REPLIED ? REWIRE_CLASS_TWO_WAY :
							    REWIRE_CLASS_ONE_WAY;
	switch (state) {
	case REWIRE_FLOW_STATE_ESTABLISHED:
		return REWIRE_CLASS_ESTABLISHED;
	case REWIRE_FLOW_STATE_FIN_WAIT:
	case REWIRE_FLOW_STATE_LAST_ACK:
	case REWIRE_FLOW_STATE_TIME_WAIT:
	case REWIRE_FLOW_STATE_CLOSED:
		return REWIRE_CLASS_CLOSING;
	default:
		return REWIRE_CLASS_HALF_OPEN;
	}
}

/* What kind of flow it is for those who choose which one has to go. */
enum rewire_class rewire_flow_class(const struct rewire_flow *flow)
{
	return rewire_flow_class_in(flow, rewire_flow_state(flow));
}

/* The first answer. Return: whether it is, and the tracking word before and after. */
static bool rewire_flow_replied(struct rewire_flow *flow, u32 *from, u32 *to)
{
	u32 old = READ_ONCE(flow->tracking), seen;

	while (rewire_tracking_state(old) != REWIRE_FLOW_STATE_REPLIED) {
		*from = old;
		*to = (old & ~TRACKING_STATE) | REWIRE_FLOW_STATE_REPLIED;
		seen = cmpxchg(&flow->tracking, old, *to);
		if (seen == old)
			return true;
		old = seen;
	}
	return false;
}

/* Whether a packet may bring its flow into another class; of other protocols than TCP, state. */
static bool rewire_flow_may_turn(const struct rewire_flow *flow,
				 enum rewire_direction direction,
				 const struct rewire_packet *packet)
{
	enum rewire_flow_state state = rewire_flow_state(flow);

	if (rewire_key_protocol(&packet->key) != IPPROTO_TCP)
		return direction == REWIRE_REPLY && state != REWIRE_FLOW_STATE_REPLIED;
	return state != REWIRE_FLOW_STATE_ESTABLISHED ||
	       packet->segment.flags & (REWIRE_TCP_SYN | REWIRE_TCP_FIN | REWIRE_TCP_RST);
}

/* Return: whether the state changed. */
static bool rewire_flow_track(struct rewire_net *ns, struct rewire_flow *flow,
			      enum rewire_direction direction,
			      const struct rewire_packet *packet)
{
	bool tcp = rewire_key_protocol(&packet->key) == IPPROTO_TCP, changed;
	struct rewire_quota *limit = NULL;
	u32 from, to;

	if (unlikely(rewire_flow_may_turn(flow, direction, packet)))
		limit = rewire_limit_try(ns, rewire_key_vni(&flow->tuple[REWIRE_ORIG].key));
	else if (!tcp)
		return false;
	changed = tcp ? rewire_tcp_track(flow, direction, &packet->segment,
					 READ_ONCE(flow->policy->tcp), &from, &to) :
			rewire_flow_replied(flow, &from, &to);
	if (changed)
		rewire_live_change(limit, flow, from, to);
	if (limit)
		rewire_limit_put(ns, limit);
	return changed;
}

/**
 * rewire_flow_see() - a packet of a flow goes by, and keeps it alive
 * @ns: the namespace
 * @flow: the flow
 * @direction: of the packet
 * @packet: what the parser says of it
 *
 * Writes the shared time stamp and state only when they change, before the other end can
 * answer. To count the packet is still to do.
 */
void rewire_flow_see(struct rewire_net *ns, struct rewire_flow *flow,
		     enum rewire_direction direction, const struct rewire_packet *packet)
{
	bool changed = rewire_flow_track(ns, flow, direction, packet);
	u32 now = jiffies;

	if (now - READ_ONCE(flow->last_seen) > REWIRE_STAMP_PERIOD || changed)
		WRITE_ONCE(flow->last_seen, now);
}

/* Free a flow that nobody finds any more. */
void rewire_flow_free(struct rewire_flow *flow)
{
	if (flow->target)
		rewire_target_put(flow->target);
	rewire_policy_put(flow->policy);
	rewire_extension_free(flow->extension);
	kmem_cache_free(rewire_flow_cache, flow);
	percpu_counter_dec(&rewire_objects);
}

static void rewire_flow_free_rcu(struct rcu_head *rcu)
{
	rewire_flow_free(container_of(rcu, struct rewire_flow, rcu));
}

/* Free a flow that is out of the table and out of the log of changes. */
void rewire_flow_let_go(struct rewire_flow *flow)
{
	call_rcu(&flow->rcu, rewire_flow_free_rcu);
}

static unsigned int rewire_flow_tuples(const struct rewire_flow *flow)
{
	if (rewire_flow_action(flow) != REWIRE_FLOW_ACTION_TRANSLATE ||
	    (atomic_read(&flow->flags) & REWIRE_FLOW_ONE_WAY))
		return 1;
	return REWIRE_DIRECTIONS;
}

/* Count a flow that begins (1) or ends (-1) where it is counted by others than limits. */
static void rewire_flow_count_in(const struct rewire_flow *flow, int flows)
{
	if (flow->target)
		rewire_target_count(flow->target, flows);
	rewire_policy_count(flow->policy, flows);
}

/* A full barrier. Return: whether nobody else did it before. */
static bool rewire_flow_set_dying(struct rewire_flow *flow)
{
	return !(atomic_fetch_or(REWIRE_FLOW_DYING, &flow->flags) & REWIRE_FLOW_DYING);
}

/**
 * rewire_flow_close() - end a flow, in both directions
 * @ns: the namespace
 * @flow: the flow, which was LIVE when it was found
 * @reason: to count, if nobody else ends it
 *
 * When this returns, the table does not have the flow any more, whoever ended it.
 * Context: RCU read side.
 */
void rewire_flow_close(struct rewire_net *ns, struct rewire_flow *flow,
		       enum rewire_reason reason)
{
	bool mine;
	int i;

	if (!(atomic_read(&flow->flags) & REWIRE_FLOW_LIVE))
		return;
	mine = rewire_flow_set_dying(flow);
	for (i = 0; i < rewire_flow_tuples(flow); i++)
		rewire_tuple_remove(ns, &flow->tuple[i]);
	if (!mine)
		return;

	/* Routes must not outlive the namespace; route.c minds DYING. */
	for (i = 0; i < REWIRE_DIRECTIONS; i++)
		rewire_route_forget(&flow->tuple[i]);
	rewire_extension_close(flow->extension);
	rewire_flow_count_in(flow, -1);
	rewire_live_end(ns, flow);
	rewire_limit_unflow(ns, rewire_key_vni(&flow->tuple[REWIRE_ORIG].key),
			    rewire_key_protocol(&flow->tuple[REWIRE_ORIG].key));
	this_cpu_inc(ns->stats->reason[reason]);
	trace_rewire_flow_close(flow, reason);
	rewire_event_flow(ns, flow, true, reason);
	if (rewire_change_closed(ns, flow, reason))
		rewire_flow_let_go(flow);
}

/**
 * rewire_flow_is_cut_off() - whether the network of a direction has no device any more
 * @ns: the namespace
 * @flow: the flow, or a copy
 * @direction: of the flow
 * @attach: what has just been detached
 *
 * Whoever is attached to it next is another one. What has come through a tunnel, or is to
 * leave by one, goes on while there are tunnels.
 * Context: RCU read side.
 */
bool rewire_flow_is_cut_off(struct rewire_net *ns, const struct rewire_flow *flow,
			    enum rewire_direction direction, const struct rewire_attach *attach)
{
	const struct rewire_flow_extension *extension = flow->extension;
	u32 vni = rewire_key_vni(&flow->tuple[direction].key);

	if (attach->tunnel)
		return !rewire_attach_has_vni(ns, vni);
	if (vni != attach->vni || rewire_attach_names_vni(ns, vni))
		return false;
	return !READ_ONCE(ns->tunnels) ||
	       !(READ_ONCE(flow->ifindex[direction]) ||
		 (extension && rcu_access_pointer(extension->tunnel[direction])));
}

/* Context: RCU read side. */
static bool rewire_flow_uses(struct rewire_net *ns, const struct rewire_flow *flow,
			     enum rewire_direction direction,
			     const struct rewire_attach *attach)
{
	const struct rewire_tuple *tuple = &flow->tuple[direction];
	int ifindex = READ_ONCE(flow->ifindex[direction]);

	if (rewire_flow_is_cut_off(ns, flow, direction, attach))
		return true;
	if (attach->ifindex == REWIRE_IFINDEX_LOCAL)
		return !ifindex && rewire_key_vni(&tuple->key) == attach->vni;
	return ifindex == attach->ifindex ||
	       rewire_route_uses(tuple, attach->ifindex);
}

/* Drop and pass entries have no reply. */
static void rewire_flow_detach_one(struct rewire_net *ns, struct rewire_flow *flow,
				   void *data)
{
	bool both = rewire_flow_action(flow) == REWIRE_FLOW_ACTION_TRANSLATE;

	if (rewire_flow_uses(ns, flow, REWIRE_ORIG, data) ||
	    (both && rewire_flow_uses(ns, flow, REWIRE_REPLY, data)) ||
	    rewire_extension_uses(ns, flow->extension, data))
		rewire_flow_close(ns, flow, REWIRE_REASON_CLOSE_DETACHED);
}

/* End the flows that use a device, or the host's own output. */
void rewire_flow_detach(struct rewire_net *ns, struct rewire_attach *attach)
{
	rewire_flow_for_each(ns, rewire_flow_detach_one, attach);
}

/*
 * The host's own flows are on nobody's account: limits bound them, which only the host's
 * administrator sets, and they outlive the daemon that made them. Those of a namespace that
 * somebody else owns are on the account of who makes them.
 */
gfp_t rewire_flow_payer(const struct rewire_net *ns)
{
	return ns->net->user_ns == &init_user_ns ? 0 : __GFP_ACCOUNT;
}

/* Of a flow that nobody finds yet. Return: 0, or -ETIME: it would have ended. */
static int rewire_flow_set_past(struct rewire_flow *flow, const struct rewire_past *past,
				struct netlink_ext_ack *extack)
{
	const struct rewire_past_side *side;
	unsigned long idle = REWIRE_TIMEOUT_MAX;
	int i;

	flow->tracking = past->state;
	for (i = 0; i < REWIRE_DIRECTIONS; i++) {
		side = &past->side[i];
		flow->tracking |= side->tracking;
		flow->end[i] = side->end;
		flow->ack[i] = side->ack;
		flow->tuple[i].window = side->window;
		flow->tuple[i].scale = side->scale;
		rewire_tally_set(&flow->tally[i], side->packets, side->bytes);
	}
	if (past->idle < jiffies_to_msecs(REWIRE_TIMEOUT_MAX))
		idle = msecs_to_jiffies(past->idle);
	flow->last_seen -= idle;
	flow->created -= nsecs_to_jiffies64(past->age * NSEC_PER_MSEC) >> REWIRE_CREATED_SHIFT;
	if (!rewire_flow_expired(flow))
		return 0;
	NL_SET_ERR_MSG(extack, "It was idle for too long");
	return -ETIME;
}

/**
 * rewire_flow_new() - make a flow that nobody finds yet
 * @ns: the namespace
 * @spec: what it is made of; loses its extension, which is the flow's
 * @extack: a sentence, on failure
 */
struct rewire_flow *rewire_flow_new(struct rewire_net *ns, struct rewire_flow_spec *spec,
				    struct netlink_ext_ack *extack)
{
	struct rewire_flow *flow;
	int i, err = 0;

	flow = kmem_cache_zalloc(rewire_flow_cache, GFP_ATOMIC | __GFP_NOWARN |
				 rewire_flow_payer(ns));
	if (!flow)
		return ERR_PTR(-ENOMEM);
	percpu_counter_inc(&rewire_objects);

	for (i = 0; i < REWIRE_DIRECTIONS; i++) {
		flow->tuple[i].key = spec->key[i];
		flow->tuple[i].direction = i;
		flow->tuple[i].scale = REWIRE_SCALE_UNKNOWN;
		flow->ifindex[i] = spec->ifindex[i];
	}
	atomic_set(&flow->flags, FIELD_PREP(REWIRE_FLOW_ACTION, (u32)spec->action) |
		   (spec->one_way ? REWIRE_FLOW_ONE_WAY : 0));
	flow->extension = spec->extension;
	spec->extension = NULL;
	flow->policy_id = spec->policy;
	flow->policy = rewire_policy_join(ns, spec->policy);
	flow->decision = spec->decision;
	if (spec->timeout)
		flow->timeout = clamp(msecs_to_jiffies(spec->timeout), 1UL, REWIRE_TIMEOUT_MAX);
	flow->created = rewire_created_now();
	flow->last_seen = jiffies;
	flow->id = atomic64_inc_return(&ns->flow_id);

	if (spec->past)
		err = rewire_flow_set_past(flow, spec->past, extack);
	if (!err && spec->target)
		err = rewire_target_join(ns, spec->target, &flow->target, extack);
	if (err) {
		rewire_flow_free(flow);
		return ERR_PTR(err);
	}
	if (spec->action == REWIRE_FLOW_ACTION_TRANSLATE)
		rewire_transform_prepare(flow);
	return flow;
}

/*
 * Put a tuple into the table. What has expired yields; a hold is replaced in one
 * step, so that no packet finds neither, and is the caller's then.
 */
static int rewire_flow_insert(struct rewire_net *ns, struct rewire_tuple *tuple,
			      struct rewire_hold **hold)
{
	struct rewire_tuple *there;
	struct rewire_flow *flow;
	int i;

	for (i = 0; i < REWIRE_INSERTIONS; i++) {
		there = rewire_tuple_insert(ns, tuple);
		if (IS_ERR_OR_NULL(there))
			return PTR_ERR_OR_ZERO(there);
		if (there->direction == REWIRE_HOLD) {
			if (!rewire_tuple_replace(ns, there, tuple)) {
				*hold = rewire_tuple_hold(there);
				return 0;
			}
			continue;
		}
		flow = rewire_tuple_flow(there);
		if (rewire_flow_expired(flow))
			rewire_flow_close(ns, flow, REWIRE_REASON_CLOSE_IDLE);
		else if (rewire_flow_is_dying(flow))
			rewire_flow_close(ns, flow, REWIRE_REASON_CLOSE_DELETED);
		else
			break;
	}
	return -EEXIST;
}

static bool rewire_flow_has(struct rewire_net *ns, const struct rewire_key *key)
{
	struct rewire_tuple *tuple = rewire_tuple_lookup(ns, key);

	return tuple && tuple->direction != REWIRE_HOLD &&
	       !rewire_flow_expired(rewire_tuple_flow(tuple));
}

static int rewire_flow_insert_both(struct rewire_net *ns, struct rewire_flow *flow,
				   struct rewire_hold **holds,
				   struct netlink_ext_ack *extack)
{
	const bool both = rewire_flow_tuples(flow) == REWIRE_DIRECTIONS;
	int err;

	if (both) {
		err = rewire_flow_insert(ns, &flow->tuple[REWIRE_REPLY],
					 &holds[REWIRE_REPLY]);
		/* If the original key is taken, too, no other reply key will do. */
		if (err == -EEXIST && !rewire_flow_has(ns, &flow->tuple[REWIRE_ORIG].key)) {
			NL_SET_ERR_MSG(extack, "The reply key belongs to another flow");
			return -EADDRINUSE;
		}
		if (err)
			goto out;
	}
	err = rewire_flow_insert(ns, &flow->tuple[REWIRE_ORIG], &holds[REWIRE_ORIG]);
	if (err && both)
		rewire_tuple_remove(ns, &flow->tuple[REWIRE_REPLY]);
out:
	if (err == -EEXIST)
		NL_SET_ERR_MSG(extack, "The original key has a flow already");
	return err;
}

/* The table did not take it all. Packets may have met what it did take. */
static void rewire_flow_undo(struct rewire_flow *flow)
{
	/* Pairs with the exchange of the route in rewire_route_renew(). */
	rewire_flow_set_dying(flow);
	rewire_route_forget(&flow->tuple[REWIRE_ORIG]);
	rewire_route_forget(&flow->tuple[REWIRE_REPLY]);
	rewire_extension_close(flow->extension);
	rewire_flow_let_go(flow);
}

/*
 * A direction's packets come in by the device that the held ones came by. Packets
 * of the other direction may have found a route before this was known.
 */
static void rewire_flow_learn(struct rewire_flow *flow, enum rewire_direction direction,
			      const struct rewire_hold *hold)
{
	if (!hold || hold->ifindex == REWIRE_IFINDEX_LOCAL ||
	    READ_ONCE(flow->ifindex[direction]))
		return;
	WRITE_ONCE(flow->ifindex[direction], hold->ifindex);
	rewire_route_forget(&flow->tuple[!direction]);
}

static bool rewire_spec_has_devices(struct rewire_net *ns, const struct rewire_flow_spec *spec)
{
	const struct rewire_flow_extension *extension = spec->extension;
	const struct rewire_key *key;
	unsigned int i;

	for (i = 0; extension && i < extension->copies; i++) {
		key = &extension->copy[i]->tuple[REWIRE_REPLY].key;
		if (!rewire_attach_has_vni(ns, rewire_key_vni(key)))
			return false;
	}
	return rewire_attach_has_vni(ns, rewire_key_vni(&spec->key[REWIRE_ORIG])) &&
	       (spec->action != REWIRE_FLOW_ACTION_TRANSLATE ||
		rewire_attach_has_vni(ns, rewire_key_vni(&spec->key[REWIRE_REPLY])));
}

/*
 * A device that is not attached to its network, or not any more, is none: a way is found anew.
 * A tunnel's is of all networks.
 */
static void rewire_spec_check_devices(struct rewire_net *ns, struct rewire_flow_spec *spec)
{
	const struct rewire_attach *attach;
	int i;

	for (i = 0; i < REWIRE_DIRECTIONS; i++) {
		if (!spec->ifindex[i])
			continue;
		attach = rewire_attach_find(ns, spec->ifindex[i]);
		if (!attach || (!attach->tunnel && attach->vni != rewire_key_vni(&spec->key[i])))
			spec->ifindex[i] = 0;
	}
}

/**
 * rewire_flow_add() - make a flow and put it into the table, wholly or not at all
 * @ns: the namespace
 * @spec: what it is made of; loses its extension, and devices that are not attached
 * @id: out: its number
 * @extack: a sentence, on failure
 *
 * What was held under its keys is sent through it, before this returns. A network may
 * have lost its last device since the keys were read; from here on, the purge of what that
 * leaves behind waits for us, and finds the flow.
 * Context: RCU read side, bottom halves disabled.
 * Return: 0, -EEXIST (original key taken), -EADDRINUSE (reply key taken), -ENOENT,
 * -EHOSTDOWN, -ENOSPC, -ENOMEM, -ETIME.
 */
int rewire_flow_add(struct rewire_net *ns, struct rewire_flow_spec *spec, u64 *id,
		    struct netlink_ext_ack *extack)
{
	const struct rewire_key *orig = &spec->key[REWIRE_ORIG];
	struct rewire_hold *holds[REWIRE_DIRECTIONS] = {};
	struct rewire_flow *flow;
	int i, err;

	if (!rewire_spec_has_devices(ns, spec)) {
		NL_SET_ERR_MSG(extack, "No device is attached to this virtual network");
		return -ENOENT;
	}
	rewire_spec_check_devices(ns, spec);
	err = rewire_limit_flow(ns, rewire_key_vni(orig), rewire_key_protocol(orig), extack);
	if (err)
		return err;
	flow = rewire_flow_new(ns, spec, extack);
	if (IS_ERR(flow)) {
		err = PTR_ERR(flow);
		goto uncount;
	}
	err = rewire_flow_insert_both(ns, flow, holds, extack);
	if (err) {
		rewire_flow_undo(flow);
		rewire_limit_unflow(ns, rewire_key_vni(orig), rewire_key_protocol(orig));
	} else {
		for (i = 0; i < REWIRE_DIRECTIONS; i++)
			rewire_flow_learn(flow, i, holds[i]);
		rewire_flow_count_in(flow, 1);
		rewire_live_begin(ns, flow);
		*id = flow->id;
		this_cpu_inc(ns->stats->created);
		trace_rewire_flow_new(flow, ~0U);
		rewire_event_flow(ns, flow, false, 0);
		atomic_or(REWIRE_FLOW_LIVE, &flow->flags);
		rewire_change(ns, flow);
		rewire_flow_expiry_start(ns);
	}
	for (i = 0; i < REWIRE_DIRECTIONS; i++) {
		if (holds[i] && spec->reject)
			rewire_hold_reject(ns, holds[i], spec->reject);
		else if (holds[i])
			rewire_hold_release(ns, holds[i]);
	}
	return err;
uncount:
	rewire_limit_unflow(ns, rewire_key_vni(orig), rewire_key_protocol(orig));
	return err;
}

int rewire_flow_cache_create(void)
{
	/* Aligned to its size: where it begins is known from any of its tuples. */
	rewire_flow_cache = kmem_cache_create("rewire_flow", sizeof(struct rewire_flow),
					      sizeof(struct rewire_flow), SLAB_NO_MERGE, NULL);
	return rewire_flow_cache ? 0 : -ENOMEM;
}

void rewire_flow_cache_destroy(void)
{
	kmem_cache_destroy(rewire_flow_cache);
}

// SPDX-License-Identifier: GPL-2.0
/* Targets: what flows point at, such as a backend. */
#include <linux/slab.h>

#include "event.h"
#include "netlink.h"
#include "target.h"

/**
 * struct rewire_target_count - of all generations of a target together
 * @references: one for each generation
 * @flows: flows that point at one of them
 */
struct rewire_target_count {
	refcount_t references;
	atomic_t flows;
};

static struct rewire_target *rewire_target_get(struct rewire_net *ns, u32 id)
{
	struct rewire_target *target;

	rcu_read_lock();
	target = xa_load(&ns->targets, id);
	if (target && !refcount_inc_not_zero(&target->references))
		target = NULL;
	rcu_read_unlock();
	return target;
}

static void rewire_target_free_rcu(struct rcu_head *rcu)
{
	struct rewire_target *target = container_of(rcu, struct rewire_target, rcu);

	if (refcount_dec_and_test(&target->count->references))
		kfree(target->count);
	kfree(target);
	percpu_counter_dec(&rewire_objects);
}

void rewire_target_put(struct rewire_target *target)
{
	if (refcount_dec_and_test(&target->references))
		call_rcu(&target->rcu, rewire_target_free_rcu);
}

/**
 * rewire_target_join() - make a flow point at a target, which does not count it yet
 * @ns: the namespace
 * @id: number of the target
 * @target: out: the target, with a reference
 * @extack: a sentence, on failure
 *
 * A target that is taken down at the same time is retired: the flow is decided
 * anew at its first packet.
 *
 * Context: any.
 * Return: 0, -ENOENT, -EHOSTDOWN.
 */
int rewire_target_join(struct rewire_net *ns, u32 id, struct rewire_target **target,
		       struct netlink_ext_ack *extack)
{
	struct rewire_target *found = rewire_target_get(ns, id);

	if (!found) {
		NL_SET_ERR_MSG(extack, "No target has this number");
		return -ENOENT;
	}
	if (READ_ONCE(found->state) == REWIRE_TARGET_STATE_DOWN) {
		NL_SET_ERR_MSG(extack, "The target is down");
		rewire_target_put(found);
		return -EHOSTDOWN;
	}
	*target = found;
	return 0;
}

/* A flow that points at it begins (1) or ends (-1). */
void rewire_target_count(struct rewire_target *target, int flows)
{
	atomic_add(flows, &target->flows);
	atomic_add(flows, &target->count->flows);
}

static struct rewire_target *rewire_target_alloc(u32 id, u8 state)
{
	struct rewire_target *target = kzalloc(sizeof(*target), GFP_KERNEL_ACCOUNT);

	if (!target)
		return NULL;
	refcount_set(&target->references, 1);
	target->id = id;
	target->state = state;
	percpu_counter_inc(&rewire_objects);
	return target;
}

/* An object that nobody else has seen. */
static void rewire_target_discard(struct rewire_target *target)
{
	kfree(target);
	percpu_counter_dec(&rewire_objects);
}

/* Return: flows of earlier generations. Context: RCU read side, or the namespace's lock. */
int rewire_target_retired(const struct rewire_target *target)
{
	return max(atomic_read(&target->count->flows) - atomic_read(&target->flows), 0);
}

static int rewire_target_fill(struct sk_buff *skb, const void *object)
{
	const struct rewire_target *target = object;

	if (nla_put_u32(skb, REWIRE_A_TARGET_ID, target->id) ||
	    nla_put_u32(skb, REWIRE_A_TARGET_STATE, target->state) ||
	    nla_put_u32(skb, REWIRE_A_TARGET_GENERATION, target->generation) ||
	    nla_put_u32(skb, REWIRE_A_TARGET_FLOWS, atomic_read(&target->count->flows)) ||
	    nla_put_u32(skb, REWIRE_A_TARGET_RETIRED_FLOWS, rewire_target_retired(target)))
		return -EMSGSIZE;
	return 0;
}

/* Tell who watches. */
static void rewire_target_tell(struct rewire_net *ns, const struct rewire_target *target,
			       enum rewire_config_change change)
{
	rewire_event_config(ns, REWIRE_CMD_TARGET_NTF, change, rewire_target_fill, target);
}

static int rewire_target_new(struct rewire_net *ns, u32 id, u8 state,
			     struct netlink_ext_ack *extack)
{
	struct rewire_target *target;
	int err = -ENOMEM;

	lockdep_assert_held(&ns->lock);
	if (ns->target_count >= REWIRE_TARGETS_MAX) {
		NL_SET_ERR_MSG(extack, "There are as many targets as there may be");
		return -ENOSPC;
	}
	target = rewire_target_alloc(id, state);
	if (!target)
		return -ENOMEM;
	target->count = kzalloc(sizeof(*target->count), GFP_KERNEL_ACCOUNT);
	if (!target->count)
		goto discard;
	refcount_set(&target->count->references, 1);
	err = xa_err(xa_store(&ns->targets, id, target, GFP_KERNEL_ACCOUNT));
	if (err)
		goto discard_count;
	ns->target_count++;
	rewire_target_tell(ns, target, REWIRE_CONFIG_CHANGE_NEW);
	return 0;
discard_count:
	kfree(target->count);
discard:
	rewire_target_discard(target);
	return err;
}

/* Its flows are decided anew. The caller's reference is that of the table. */
static void rewire_target_retire(struct rewire_target *target)
{
	WRITE_ONCE(target->retired, true);
	rewire_target_put(target);
}

static int rewire_target_take_down(struct rewire_net *ns, struct rewire_target *target)
{
	struct rewire_target *next;
	int err;

	lockdep_assert_held(&ns->lock);
	next = rewire_target_alloc(target->id, REWIRE_TARGET_STATE_DOWN);
	if (!next)
		return -ENOMEM;
	next->generation = target->generation + 1;
	next->count = target->count;
	err = xa_err(xa_store(&ns->targets, target->id, next, GFP_KERNEL_ACCOUNT));
	if (err) {
		rewire_target_discard(next);
		return err;
	}
	refcount_inc(&next->count->references);
	rewire_target_retire(target);
	rewire_target_tell(ns, next, REWIRE_CONFIG_CHANGE_SET);
	return 0;
}

static int rewire_target_change(struct rewire_net *ns, struct rewire_target *target, u8 state)
{
	if (state == REWIRE_TARGET_STATE_DOWN && target->state != state)
		return rewire_target_take_down(ns, target);
	WRITE_ONCE(target->state, state);
	rewire_target_tell(ns, target, REWIRE_CONFIG_CHANGE_SET);
	return 0;
}

static void rewire_target_delete(struct rewire_net *ns, struct rewire_target *target)
{
	rewire_target_tell(ns, target, REWIRE_CONFIG_CHANGE_DELETE);
	xa_erase(&ns->targets, target->id);
	ns->target_count--;
	rewire_target_retire(target);
}

void rewire_target_exit(struct rewire_net *ns)
{
	struct rewire_target *target;
	unsigned long id;

	mutex_lock(&ns->lock);
	xa_for_each(&ns->targets, id, target)
		rewire_target_delete(ns, target);
	mutex_unlock(&ns->lock);
	xa_destroy(&ns->targets);
}

int rewire_nl_target_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_target *target;
	u32 id;
	u8 state;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, REWIRE_A_TARGET_ID) ||
	    GENL_REQ_ATTR_CHECK(info, REWIRE_A_TARGET_STATE)) {
		GENL_SET_ERR_MSG(info, "A number and a state have to be given");
		return -EINVAL;
	}
	id = nla_get_u32(info->attrs[REWIRE_A_TARGET_ID]);
	state = nla_get_u32(info->attrs[REWIRE_A_TARGET_STATE]);

	mutex_lock(&ns->lock);
	target = xa_load(&ns->targets, id);
	if (target)
		err = rewire_target_change(ns, target, state);
	else
		err = rewire_target_new(ns, id, state, info->extack);
	mutex_unlock(&ns->lock);
	return err;
}

static int rewire_target_missing(struct genl_info *info)
{
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[REWIRE_A_TARGET_ID],
			    "No target has this number");
	return -ENOENT;
}

int rewire_nl_target_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_target *target;
	u32 id;
	int err = rewire_get_number(info, REWIRE_A_TARGET_ID, &id);

	if (err)
		return err;
	mutex_lock(&ns->lock);
	target = xa_load(&ns->targets, id);
	if (target)
		rewire_target_delete(ns, target);
	mutex_unlock(&ns->lock);
	return target ? 0 : rewire_target_missing(info);
}

int rewire_nl_target_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	int err = rewire_numbered_get(info, &rewire_info_net(info)->targets, REWIRE_A_TARGET_ID,
				      rewire_target_fill);

	return err == -ENOENT ? rewire_target_missing(info) : err;
}

int rewire_nl_target_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct rewire_net *ns = rewire_net(sock_net(skb->sk));
	int length;

	mutex_lock(&ns->lock);
	length = rewire_numbered_dump(skb, cb, &ns->targets, REWIRE_CMD_TARGET_GET,
				      rewire_target_fill);
	mutex_unlock(&ns->lock);
	return length;
}

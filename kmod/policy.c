// SPDX-License-Identifier: GPL-2.0
/* Policies: how flows are kept and their packets checked. */
#include <linux/slab.h>

#include "event.h"
#include "netlink.h"
#include "policy.h"

/* The least that hosts use: options alone take most of a smaller segment. */
#define REWIRE_MSS_MIN		88

/* Of flows whose number has no policy. It is not in any table and not counted. */
static struct rewire_policy rewire_policy_default;

/**
 * struct rewire_policy_change - what a request changes
 * @policy: the values
 * @has: bit by attribute of the policy, whether it is given
 * @has_timeout: bit by attribute of the timeouts
 */
struct rewire_policy_change {
	struct rewire_policy policy;
	unsigned long has;
	unsigned long has_timeout;
};

/*
 * Without pickup, connections would not survive that the module is loaded anew: who
 * cannot have that asks for it. Windows are not enforced, as paths may be asymmetric.
 */
static void rewire_policy_set_defaults(struct rewire_policy *policy)
{
	memcpy(policy->timeout, rewire_timeouts, sizeof(policy->timeout));
	policy->tcp = REWIRE_TCP_MODE_LOOSE;
	policy->pickup = true;
	policy->mss = 0;
}

void rewire_policy_init(void)
{
	rewire_policy_set_defaults(&rewire_policy_default);
}

/* Context: RCU read side. Return: the policy, or if there is none, what counts then. */
const struct rewire_policy *rewire_policy_find(struct rewire_net *ns, u32 id)
{
	struct rewire_policy *policy = xa_load(&ns->policies, id);

	return policy ?: &rewire_policy_default;
}

/*
 * Make a policy apply to a flow, which it does not count yet. Context: any.
 * Return: as rewire_policy_find().
 */
struct rewire_policy *rewire_policy_join(struct rewire_net *ns, u32 id)
{
	struct rewire_policy *policy;

	rcu_read_lock();
	policy = xa_load(&ns->policies, id);
	if (!policy || !refcount_inc_not_zero(&policy->references))
		policy = &rewire_policy_default;
	rcu_read_unlock();
	return policy;
}

static void rewire_policy_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct rewire_policy, rcu));
	percpu_counter_dec(&rewire_objects);
}

void rewire_policy_put(struct rewire_policy *policy)
{
	if (policy != &rewire_policy_default && refcount_dec_and_test(&policy->references))
		call_rcu(&policy->rcu, rewire_policy_free_rcu);
}

/* A flow that it applies to begins (1) or ends (-1). */
void rewire_policy_count(struct rewire_policy *policy, int flows)
{
	if (policy != &rewire_policy_default)
		atomic_add(flows, &policy->flows);
}

static void rewire_policy_change(struct rewire_policy *policy,
				 const struct rewire_policy_change *change)
{
	const struct rewire_policy *to = &change->policy;
	unsigned int i;

	if (test_bit(REWIRE_A_POLICY_TCP, &change->has))
		WRITE_ONCE(policy->tcp, to->tcp);
	if (test_bit(REWIRE_A_POLICY_PICKUP, &change->has))
		WRITE_ONCE(policy->pickup, to->pickup);
	if (test_bit(REWIRE_A_POLICY_MSS, &change->has))
		WRITE_ONCE(policy->mss, to->mss);
	for_each_set_bit(i, &change->has_timeout, ARRAY_SIZE(policy->timeout))
		WRITE_ONCE(policy->timeout[i], to->timeout[i]);
}

static bool rewire_timeouts_fill(struct sk_buff *skb, const struct rewire_policy *policy)
{
	struct nlattr *nest = nla_nest_start(skb, REWIRE_A_POLICY_TIMEOUTS);
	unsigned int i;

	if (!nest)
		return true;
	for (i = 1; i < ARRAY_SIZE(policy->timeout); i++) {
		if (nla_put_u32(skb, i, jiffies_to_msecs(policy->timeout[i])))
			return true;
	}
	nla_nest_end(skb, nest);
	return false;
}

static int rewire_policy_fill(struct sk_buff *skb, const void *object)
{
	const struct rewire_policy *policy = object;

	if (nla_put_u32(skb, REWIRE_A_POLICY_ID, policy->id) ||
	    nla_put_u32(skb, REWIRE_A_POLICY_TCP, policy->tcp) ||
	    nla_put_u32(skb, REWIRE_A_POLICY_PICKUP, policy->pickup) ||
	    nla_put_u32(skb, REWIRE_A_POLICY_MSS, policy->mss) ||
	    nla_put_u32(skb, REWIRE_A_POLICY_FLOWS, atomic_read(&policy->flows)) ||
	    rewire_timeouts_fill(skb, policy))
		return -EMSGSIZE;
	return 0;
}

/* Tell who watches. */
static void rewire_policy_tell(struct rewire_net *ns, const struct rewire_policy *policy,
			       enum rewire_config_change change)
{
	rewire_event_config(ns, REWIRE_CMD_POLICY_NTF, change, rewire_policy_fill, policy);
}

static int rewire_policy_new(struct rewire_net *ns, u32 id,
			     const struct rewire_policy_change *change,
			     struct netlink_ext_ack *extack)
{
	struct rewire_policy *policy;
	int err;

	lockdep_assert_held(&ns->lock);
	if (ns->policy_count >= REWIRE_POLICIES_MAX) {
		NL_SET_ERR_MSG(extack, "There are as many policies as there may be");
		return -ENOSPC;
	}
	policy = kzalloc(sizeof(*policy), GFP_KERNEL_ACCOUNT);
	if (!policy)
		return -ENOMEM;
	refcount_set(&policy->references, 1);
	policy->id = id;
	rewire_policy_set_defaults(policy);
	rewire_policy_change(policy, change);
	err = xa_err(xa_store(&ns->policies, id, policy, GFP_KERNEL_ACCOUNT));
	if (err) {
		kfree(policy);
		return err;
	}
	ns->policy_count++;
	percpu_counter_inc(&rewire_objects);
	rewire_policy_tell(ns, policy, REWIRE_CONFIG_CHANGE_NEW);
	return 0;
}

static void rewire_policy_delete(struct rewire_net *ns, struct rewire_policy *policy)
{
	rewire_policy_tell(ns, policy, REWIRE_CONFIG_CHANGE_DELETE);
	xa_erase(&ns->policies, policy->id);
	ns->policy_count--;
	rewire_policy_put(policy);
}

void rewire_policy_exit(struct rewire_net *ns)
{
	struct rewire_policy *policy;
	unsigned long id;

	mutex_lock(&ns->lock);
	xa_for_each(&ns->policies, id, policy)
		rewire_policy_delete(ns, policy);
	mutex_unlock(&ns->lock);
	xa_destroy(&ns->policies);
}

static int rewire_get_timeouts(const struct nlattr *nest, struct rewire_policy_change *change,
			       struct netlink_ext_ack *extack)
{
	struct nlattr *tb[REWIRE_A_TIMEOUTS_MAX + 1];
	unsigned int i;
	int err;

	err = rewire_parse_nest(tb, REWIRE_A_TIMEOUTS_MAX, nest, extack);
	if (err)
		return err;
	for (i = 1; i <= REWIRE_A_TIMEOUTS_MAX; i++) {
		if (!tb[i])
			continue;
		change->policy.timeout[i] = clamp(msecs_to_jiffies(nla_get_u32(tb[i])), 1UL,
						  REWIRE_TIMEOUT_MAX);
		__set_bit(i, &change->has_timeout);
	}
	return 0;
}

static int rewire_get_policy(struct genl_info *info, struct rewire_policy_change *change)
{
	struct nlattr **attrs = info->attrs;
	u32 mss = 0;
	int i;

	memset(change, 0, sizeof(*change));
	for (i = REWIRE_A_POLICY_TCP; i <= REWIRE_A_POLICY_MSS; i++) {
		if (attrs[i])
			__set_bit(i, &change->has);
	}
	if (attrs[REWIRE_A_POLICY_TCP])
		change->policy.tcp = nla_get_u32(attrs[REWIRE_A_POLICY_TCP]);
	if (attrs[REWIRE_A_POLICY_PICKUP])
		change->policy.pickup = nla_get_u32(attrs[REWIRE_A_POLICY_PICKUP]);
	if (attrs[REWIRE_A_POLICY_MSS])
		mss = nla_get_u32(attrs[REWIRE_A_POLICY_MSS]);
	if (mss > REWIRE_MSS_MTU && mss < REWIRE_MSS_MIN) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[REWIRE_A_POLICY_MSS],
				    "A maximum segment size has at least 88 bytes");
		return -ERANGE;
	}
	change->policy.mss = mss;
	if (!attrs[REWIRE_A_POLICY_TIMEOUTS])
		return 0;
	return rewire_get_timeouts(attrs[REWIRE_A_POLICY_TIMEOUTS], change, info->extack);
}

int rewire_nl_policy_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_policy_change change;
	struct rewire_policy *policy;
	u32 id;
	int err = rewire_get_number(info, REWIRE_A_POLICY_ID, &id);

	if (!err)
		err = rewire_get_policy(info, &change);
	if (err)
		return err;
	mutex_lock(&ns->lock);
	policy = xa_load(&ns->policies, id);
	if (policy) {
		rewire_policy_change(policy, &change);
		rewire_policy_tell(ns, policy, REWIRE_CONFIG_CHANGE_SET);
	} else {
		err = rewire_policy_new(ns, id, &change, info->extack);
	}
	mutex_unlock(&ns->lock);
	return err;
}

static int rewire_policy_missing(struct genl_info *info)
{
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[REWIRE_A_POLICY_ID],
			    "No policy has this number");
	return -ENOENT;
}

int rewire_nl_policy_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_policy *policy;
	u32 id;
	int err = rewire_get_number(info, REWIRE_A_POLICY_ID, &id);

	if (err)
		return err;
	mutex_lock(&ns->lock);
	policy = xa_load(&ns->policies, id);
	if (policy)
		rewire_policy_delete(ns, policy);
	mutex_unlock(&ns->lock);
	return policy ? 0 : rewire_policy_missing(info);
}

int rewire_nl_policy_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	int err = rewire_numbered_get(info, &rewire_info_net(info)->policies, REWIRE_A_POLICY_ID,
				      rewire_policy_fill);

	return err == -ENOENT ? rewire_policy_missing(info) : err;
}

int rewire_nl_policy_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct rewire_net *ns = rewire_net(sock_net(skb->sk));
	int length;

	mutex_lock(&ns->lock);
	length = rewire_numbered_dump(skb, cb, &ns->policies, REWIRE_CMD_POLICY_GET,
				      rewire_policy_fill);
	mutex_unlock(&ns->lock);
	return length;
}

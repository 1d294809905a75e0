// SPDX-License-Identifier: GPL-2.0
/*
 * Rules: what a packet without a flow meets. Read under RCU, changed under the
 * namespace's lock.
 */
#include <linux/slab.h>

#include "namespace.h"
#include "netlink.h"
#include "packet.h"
#include "rule.h"

struct rewire_rule *rewire_rule_alloc(void)
{
	struct rewire_rule *rule = kzalloc(sizeof(*rule), GFP_KERNEL_ACCOUNT);

	if (rule)
		percpu_counter_inc(&rewire_objects);
	return rule;
}

/* Of a rule that nobody else has seen. */
void rewire_rule_free(struct rewire_rule *rule)
{
	free_percpu(rule->forward.counters);
	kfree(rule);
	percpu_counter_dec(&rewire_objects);
}

static void rewire_rule_free_rcu(struct rcu_head *rcu)
{
	rewire_rule_free(container_of(rcu, struct rewire_rule, rcu));
}

/* Context: RCU read side. Return: the rule that counts, or NULL. */
struct rewire_rule *rewire_rule_lookup(struct rewire_net *ns,
				       const struct rewire_packet *packet)
{
	return rewire_index_lookup(ns, packet);
}

/* A tenant's packets must not keep the host's CPUs busy. */
static unsigned int rewire_rule_looks_max(const struct rewire_net *ns)
{
	return ns->net->user_ns == &init_user_ns ? REWIRE_RULE_LOOKS_MAX_HOST :
						   REWIRE_RULE_LOOKS_MAX;
}

/**
 * rewire_rule_insert() - give a rule its number, and let packets meet it
 * @ns: the namespace
 * @rule: the rule, the namespace's on success
 * @extack: a sentence, on failure
 *
 * Context: the namespace's lock.
 */
int rewire_rule_insert(struct rewire_net *ns, struct rewire_rule *rule,
		       struct netlink_ext_ack *extack)
{
	int err;

	lockdep_assert_held(&ns->lock);
	if (ns->rule_count >= REWIRE_RULES_MAX) {
		NL_SET_ERR_MSG(extack, "There are as many rules as there may be");
		return -ENOSPC;
	}
	err = xa_alloc_cyclic(&ns->rules, &rule->id, rule, XA_LIMIT(1, U32_MAX),
			      &ns->rule_id, GFP_KERNEL_ACCOUNT);
	if (err < 0)
		return err;
	err = rewire_index_add(ns, rule, rewire_rule_looks_max(ns), extack);
	if (err) {
		xa_erase(&ns->rules, rule->id);
		return err;
	}
	ns->rule_count++;
	ns->generation++;
	return 0;
}

/* Context: the namespace's lock. */
void rewire_rule_remove(struct rewire_net *ns, struct rewire_rule *rule)
{
	lockdep_assert_held(&ns->lock);
	rewire_index_remove(ns, rule);
	xa_erase(&ns->rules, rule->id);
	ns->rule_count--;
	ns->generation++;
	call_rcu(&rule->rcu, rewire_rule_free_rcu);
}

int rewire_rule_init(struct rewire_net *ns)
{
	xa_init_flags(&ns->rules, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	return rewire_index_init(ns);
}

void rewire_rule_exit(struct rewire_net *ns)
{
	struct rewire_rule *rule;
	unsigned long id;

	mutex_lock(&ns->lock);
	xa_for_each(&ns->rules, id, rule) {
		rewire_rule_remove(ns, rule);
		cond_resched();
	}
	mutex_unlock(&ns->lock);
	rewire_index_exit(ns);
	xa_destroy(&ns->rules);
}

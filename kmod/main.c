// SPDX-License-Identifier: GPL-2.0
/* The module, and its part in each network namespace. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <net/net_namespace.h>

#include "attach.h"
#include "batch.h"
#include "change.h"
#include "delegate.h"
#include "event.h"
#include "flow.h"
#include "fragment.h"
#include "handler.h"
#include "hold.h"
#include "namespace.h"
#include "netlink.h"
#include "policy.h"
#include "punt.h"
#include "rule.h"
#include "suspicion.h"
#include "target.h"

unsigned int rewire_net_id __read_mostly;
struct workqueue_struct *rewire_workqueue;
struct percpu_counter rewire_objects;

static int __net_init rewire_net_init(struct net *net)
{
	struct rewire_net *ns = rewire_net(net);
	int err;

	ns->net = net;
	mutex_init(&ns->lock);
	INIT_LIST_HEAD(&ns->attaches);
	ns->generation = 1;	/* 0 is no sequence to netlink */
	xa_init_flags(&ns->targets, XA_FLAGS_ACCOUNT);
	rewire_limit_init(ns);
	xa_init_flags(&ns->policies, XA_FLAGS_ACCOUNT);
	xa_init_flags(&ns->delegates, XA_FLAGS_ACCOUNT);
	rewire_hold_init(ns);
	ns->stats = alloc_percpu_gfp(struct rewire_stats, GFP_KERNEL_ACCOUNT);
	if (!ns->stats)
		return -ENOMEM;
	rewire_event_init(ns);
	rewire_summary_init(ns);
	err = rewire_decisions_init(&ns->decisions);
	if (err)
		goto free_stats;
	err = rewire_change_init(ns);
	if (err)
		goto free_decisions;
	rewire_handlers_init(ns);
	err = rewire_punt_init(ns);
	if (err)
		goto free_changes;
	err = rewire_suspicion_init(ns);
	if (err)
		goto free_punts;
	err = rewire_flow_table_init(ns);
	if (err)
		goto free_suspicion;
	err = rewire_rule_init(ns);
	if (err)
		goto free_flows;
	return 0;

free_flows:
	rewire_flow_table_exit(ns);
free_suspicion:
	rewire_suspicion_exit(ns);
free_punts:
	rewire_punt_exit(ns);
free_changes:
	rewire_change_exit(ns);
free_decisions:
	rewire_decisions_exit(&ns->decisions);
free_stats:
	free_percpu(ns->stats);
	return err;
}

/* First the sources of packets, then what is held, then the flows they took. */
static void __net_exit rewire_net_exit(struct net *net)
{
	struct rewire_net *ns = rewire_net(net);

	rewire_attach_exit(ns);
	rewire_fragment_exit(ns);
	rewire_hold_exit(ns);
	rewire_handlers_exit(ns);
	rewire_punt_exit(ns);
	rewire_suspicion_exit(ns);
	rewire_flow_table_exit(ns);
	rewire_change_exit(ns);
	rewire_event_exit(ns);
	rewire_limit_exit(ns);
	rewire_rule_exit(ns);
	rewire_address_exit(ns);
	rewire_target_exit(ns);
	rewire_delegate_exit(ns);
	rewire_policy_exit(ns);
	rewire_decisions_exit(&ns->decisions);
}

/*
 * What was freed refers to the namespace until its grace period is over: routes
 * count in its protocols' books.
 */
static void __net_exit rewire_net_exit_batch(struct list_head *exits)
{
	struct net *net;

	rcu_barrier();
	list_for_each_entry(net, exits, exit_list)
		free_percpu(rewire_net(net)->stats);
}

static struct pernet_operations rewire_net_ops = {
	.init = rewire_net_init,
	.exit = rewire_net_exit,
	.exit_batch = rewire_net_exit_batch,
	.id = &rewire_net_id,
	.size = sizeof(struct rewire_net),
};

static int __init rewire_memory_init(void)
{
	int err;

	err = percpu_counter_init(&rewire_objects, 0, GFP_KERNEL);
	if (err)
		return err;
	err = rewire_flow_cache_create();
	if (err)
		goto destroy_counter;
	err = rewire_hold_cache_create();
	if (err)
		goto destroy_flows;
	err = rewire_lane_cache_create();
	if (err)
		goto destroy_holds;
	err = rewire_batch_init();
	if (err)
		goto destroy_lanes;
	rewire_workqueue = alloc_workqueue("rewire", WQ_HIGHPRI | WQ_PERCPU, 0);
	if (rewire_workqueue)
		return 0;
	err = -ENOMEM;
	rewire_batch_exit();
destroy_lanes:
	rewire_lane_cache_destroy();
destroy_holds:
	rewire_hold_cache_destroy();
destroy_flows:
	rewire_flow_cache_destroy();
destroy_counter:
	percpu_counter_destroy(&rewire_objects);
	return err;
}

static void rewire_memory_exit(void)
{
	s64 leaked = percpu_counter_sum(&rewire_objects);

	if (leaked)
		pr_err("%lld objects leaked\n", leaked);
	destroy_workqueue(rewire_workqueue);
	rewire_batch_exit();
	rewire_lane_cache_destroy();
	rewire_hold_cache_destroy();
	rewire_flow_cache_destroy();
	percpu_counter_destroy(&rewire_objects);
}

static int __init rewire_init(void)
{
	int err;

	rewire_policy_init();
	err = rewire_memory_init();
	if (err)
		return err;
	err = register_pernet_subsys(&rewire_net_ops);
	if (err)
		goto exit_memory;
	err = rewire_attach_notifier_register();
	if (err)
		goto exit_net;
	err = rewire_handlers_notifier_register();
	if (err)
		goto exit_attach;
	err = rewire_change_notifier_register();
	if (err)
		goto exit_handlers;
	err = rewire_netlink_register();
	if (err)
		goto exit_change;
	return 0;

exit_change:
	rewire_change_notifier_unregister();
exit_handlers:
	rewire_handlers_notifier_unregister();
exit_attach:
	rewire_attach_notifier_unregister();
exit_net:
	unregister_pernet_subsys(&rewire_net_ops);
exit_memory:
	rewire_memory_exit();
	return err;
}

static void __exit rewire_exit(void)
{
	rewire_netlink_unregister();
	rewire_change_notifier_unregister();
	rewire_handlers_notifier_unregister();
	rewire_attach_notifier_unregister();
	unregister_pernet_subsys(&rewire_net_ops);
	rcu_barrier();
	rewire_memory_exit();
}

module_init(rewire_init);
module_exit(rewire_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Stateful rewriting of packet headers, flow by flow");
MODULE_ALIAS_GENL_FAMILY(REWIRE_FAMILY_NAME);

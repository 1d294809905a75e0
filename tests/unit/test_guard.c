// SPDX-License-Identifier: GPL-2.0
/* Rules for the far ends of flows that the kernel has lost, in a kernel that refuses some. */

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <urcu.h>
#include <cmocka.h>

#include "guard.h"
#include "librewire.h"
#include "rules.h"

#define NOW	1000000
#define RULES	16

int __wrap_rw_rule_add(struct rw_socket *socket, struct rw_rule *rule, struct rw_error *error);
int __wrap_rw_rule_del(struct rw_socket *socket, uint32_t id, struct rw_error *error);
int __wrap_rw_rule_each(struct rw_socket *socket, rw_rule_fn *fn, void *data, struct rw_error *error);

/* The kernel: what it has, and what it will not take */
static struct rw_rule rules[RULES];
static unsigned int count, asked;
static uint32_t last_id;
static unsigned int interruptions;		/* lists that rules change under */
static uint32_t missing_vni;			/* that no device is attached to */
static unsigned int attached_after;		/* so many requests, 0: never */

static struct memory *memory;
static struct guards guards;

int __wrap_rw_rule_add(struct rw_socket *socket, struct rw_rule *rule, struct rw_error *error)
{
	(void)socket;
	(void)error;
	/* Who asks for ever is found out */
	assert_true(++asked < 10000);
	if (rule->vni == missing_vni || (attached_after && rule->vni == 7 && asked <= attached_after))
		return -ENOENT;
	assert_true(count < RULES);
	rule->id = ++last_id;
	rules[count++] = *rule;
	return 0;
}

int __wrap_rw_rule_del(struct rw_socket *socket, uint32_t id, struct rw_error *error)
{
	unsigned int i;

	(void)socket;
	(void)error;
	for (i = 0; i < count && rules[i].id != id; i++)
		;
	if (i == count)
		return -ENOENT;
	rules[i] = rules[--count];
	return 0;
}

int __wrap_rw_rule_each(struct rw_socket *socket, rw_rule_fn *fn, void *data, struct rw_error *error)
{
	unsigned int i;

	(void)socket;
	(void)error;
	for (i = 0; i < count; i++)
		fn(&rules[i], data);
	if (!interruptions)
		return 0;
	interruptions--;
	return -EINTR;
}

/* A flow to the outside in VNI 0 from this port, answered by VNI, that the kernel has lost */
static void lose(uint16_t port, uint32_t reply_vni)
{
	struct rw_flow flow = {
		.id = port,
		.action = REWIRE_FLOW_ACTION_TRANSLATE,
		.state = REWIRE_FLOW_STATE_ESTABLISHED,
		.expires = 300000,
		.spec = {
			.orig = { .vni = 10, .protocol = IPPROTO_TCP, .sport = port, .dport = 80 },
			.reply = { .vni = reply_vni, .protocol = IPPROTO_TCP, .sport = 80, .dport = port },
			.decision = port,
		},
	};

	flow.spec.orig.src.family = flow.spec.orig.dst.family = AF_INET;
	flow.spec.reply.src.family = flow.spec.reply.dst.family = AF_INET;
	memory_seen(memory, &flow, NOW);
	memory_ended(memory, &flow, REWIRE_REASON_CLOSE_EVICTED, NOW);
}

static int set_up(void **context)
{
	(void)context;
	memory = memory_new(1000);
	memset(&guards, 0, sizeof(guards));
	count = asked = last_id = interruptions = attached_after = 0;
	missing_vni = UINT32_MAX;
	return 0;
}

static int tear_down(void **context)
{
	(void)context;
	memory_free(memory);
	return 0;
}

static void each_lost_flow_has_a_guard(void **context)
{
	(void)context;
	lose(1, 0);
	lose(2, 0);
	guards_set(&guards, memory, NULL);
	assert_int_equal(count, 2);
	assert_int_equal(guards.count, 2);
	assert_int_equal(rules[0].dport_min, 1);
	assert_false(memory_has_unguarded(memory));
}

static void one_that_is_refused_is_tried_once_a_look(void **context)
{
	(void)context;
	missing_vni = 20;
	lose(1, 20);
	lose(2, 0);
	lose(3, 20);
	guards_set(&guards, memory, NULL);
	assert_int_equal(asked, 3);
	assert_int_equal(guards.count, 1);
	assert_true(memory_has_unguarded(memory));
	missing_vni = UINT32_MAX;
	guards_set(&guards, memory, NULL);
	assert_int_equal(guards.count, 3);
	assert_false(memory_has_unguarded(memory));
}

/* The first one refused is taken when it comes up again, and the others are not. */
static void a_device_may_come_while_guards_are_set(void **context)
{
	(void)context;
	missing_vni = 20;
	attached_after = 1;
	lose(1, 7);
	lose(2, 20);
	lose(3, 20);
	guards_set(&guards, memory, NULL);
	assert_int_equal(asked, 3);
	guards_set(&guards, memory, NULL);
	assert_int_equal(guards.count, 1);
}

/* Another daemon took over, deleted guards, and gave up: it may have set them again. */
static void after_another_daemon_there_is_one_guard_for_each(void **context)
{
	(void)context;
	lose(1, 0);
	lose(2, 0);
	guards_set(&guards, memory, NULL);
	rules[0].id = 100;
	__wrap_rw_rule_del(NULL, rules[1].id, NULL);
	interruptions = 2;
	guards_renew(&guards, memory, NULL);
	assert_int_equal(count, 0);
	assert_int_equal(guards.count, 0);
	guards_set(&guards, memory, NULL);
	assert_int_equal(count, 2);
	assert_int_equal(guards.count, 2);
}

static void rules_of_others_stay(void **context)
{
	struct rw_rule rule = { .vni = 0, .policy = 5 };

	(void)context;
	__wrap_rw_rule_add(NULL, &rule, NULL);
	guards_renew(&guards, memory, NULL);
	assert_int_equal(count, 1);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_lost_flow_has_a_guard),
		TEST(one_that_is_refused_is_tried_once_a_look),
		TEST(a_device_may_come_while_guards_are_set),
		TEST(after_another_daemon_there_is_one_guard_for_each),
		TEST(rules_of_others_stay),
	};
	int failed;

	rcu_register_thread();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_unregister_thread();
	return failed;
}

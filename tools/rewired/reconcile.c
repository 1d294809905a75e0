// SPDX-License-Identifier: GPL-2.0
/* Bring the kernel's rules and targets to what a snapshot needs. */

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "blame.h"
#include "clock.h"
#include "delegate.h"
#include "librewire.h"
#include "reconcile.h"
#include "targets.h"

#define RULE_PREFERENCE		100
#define DUMP_TRIES		20

enum action {
	TARGET_MAKE,		/* or make active: before flows can point at it */
	DELEGATE_DELETE,	/* what is wanted in another way, too */
	RULE_ADD,
	RULE_DELETE,
	DELEGATE_SET,		/* when no rule of another configuration is left that it could be met by */
	TARGET_CHANGE,		/* to draining or down, when it gets no new flows any more */
	TARGET_RETIRE,		/* to draining: its backend is gone, but its flows stay */
	TARGET_DELETE,
};

struct step {
	enum action action;
	bool done;
	struct rw_rule rule;
	struct rw_delegate *delegate;	/* or NULL */
	uint32_t id, state;
	int64_t old_state;	/* of a target; -1, there was none */
};

/* What the kernel has. */
struct kernel {
	struct rules rules;
	struct targets targets;
	struct delegates delegates;
};

static struct step *add_step(struct plan *plan, enum action action)
{
	plan->steps = grow(plan->steps, plan->count, &plan->room, sizeof(*plan->steps));
	plan->steps[plan->count] = (struct step){ .action = action };
	return &plan->steps[plan->count++];
}

static int take_rule(const struct rw_rule *rule, void *data)
{
	struct kernel *kernel = data;

	rules_add(&kernel->rules, rule);
	return 0;
}

static void forget_kernel(struct kernel *kernel)
{
	rules_free(&kernel->rules);
	targets_free(&kernel->targets);
	delegates_free(&kernel->delegates);
	memset(kernel, 0, sizeof(*kernel));
}

static int read_kernel(struct kernel *kernel, struct rw_socket *socket, struct error *error)
{
	struct rw_error why;
	int ret, tries = 0;

	memset(kernel, 0, sizeof(*kernel));
	do {
		forget_kernel(kernel);
		ret = rw_rule_each(socket, take_rule, kernel, &why);
		if (!ret)
			ret = targets_read(&kernel->targets, socket, &why);
		if (!ret)
			ret = delegates_read(&kernel->delegates, socket, &why);
	} while (ret == -EINTR && ++tries < DUMP_TRIES);
	if (ret) {
		forget_kernel(kernel);
		return refuse(error, "%s", why.sentence);
	}
	rules_sort(&kernel->rules);
	return 0;
}

/* Guards are set and deleted one by one; those of a daemon that is gone are nobody's. */
static bool is_ours(const struct rw_rule *rule, bool start)
{
	if (rule->policy == RULES_GUARD_POLICY)
		return start;
	return rule->action == REWIRE_RULE_ACTION_PUNT || rule->policy >= RULES_POOL_POLICY;
}

/*
 * Rules with one match differ by preference, so that a new one is there before
 * the old one goes: no packet finds none.
 */
static uint32_t free_preference(const struct rw_rule *first, const struct rw_rule *end,
				const struct rw_rule *wanted)
{
	uint32_t preference = RULE_PREFERENCE;
	const struct rw_rule *rule = first;

	while (rule < end && !rules_compare_match(rule, wanted)) {
		if (rule->preference != preference) {
			rule++;
			continue;
		}
		preference++;
		rule = first;
	}
	return preference;
}

/* Both lists are sorted by match. */
static void plan_rules(struct plan *plan, const struct kernel *kernel, const struct rules *wanted,
		       bool start, bool repair)
{
	const struct rw_rule *have = kernel->rules.list, *end = have + kernel->rules.count;
	const struct rw_rule *want = wanted->list, *want_end = want + wanted->count, *rule;
	struct step *step;
	bool found;
	int order;

	while (have < end || want < want_end) {
		order = have == end ? 1 : want == want_end ? -1 : rules_compare_match(have, want);
		found = false;
		for (rule = have; rule < end && !rules_compare_match(rule, have) && order <= 0; rule++) {
			if (!order && !found && rules_same(rule, want))
				found = true;
			else if (is_ours(rule, start) && !repair)
				add_step(plan, RULE_DELETE)->rule = *rule;
		}
		if (order >= 0 && !found) {
			step = add_step(plan, RULE_ADD);
			step->rule = *want;
			step->rule.preference = order ? RULE_PREFERENCE :
						free_preference(have, rule, want);
		}
		have = rule;
		want += order >= 0;
	}
}

/*
 * Of one that is not checked another state than the configuration's is somebody's will, as
 * long as it has not changed there.
 */
static bool is_will(const struct backend *backend, const struct snapshot *old, enum purpose purpose)
{
	const struct backend *before = old ? snapshot_backend(old, backend->id) : NULL;

	if (purpose == PLAN_CHANGE || backend->health)
		return false;
	return purpose == PLAN_REPAIR ||
	       (before && !before->health && backend_state(before) == backend_state(backend));
}

static void plan_target(struct plan *plan, const struct kernel *kernel,
			const struct backend *backend, const struct snapshot *old,
			enum purpose purpose)
{
	const struct rw_target *target = targets_find(&kernel->targets, backend->id);
	uint32_t state = backend_state(backend);
	struct step *step;

	if (target && (target->state == state || is_will(backend, old, purpose)))
		return;
	step = add_step(plan, !target || state == REWIRE_TARGET_STATE_ACTIVE ?
			      TARGET_MAKE : TARGET_CHANGE);
	step->id = backend->id;
	step->state = state;
	step->old_state = target ? (int64_t)target->state : -1;
}

/* A backend that is gone leaves a target that drains, until its last flow has ended. */
static void plan_retired(struct plan *plan, const struct kernel *kernel,
			 const struct snapshot *old)
{
	const struct rw_target *target;
	struct step *step;
	unsigned int i;

	for (i = 0; i < old->backend_count; i++) {
		target = targets_find(&kernel->targets, old->backends[i]->id);
		if (!target || snapshot_backend(plan->snapshot, target->id))
			continue;
		step = add_step(plan, target->state == REWIRE_TARGET_STATE_DOWN ?
				      TARGET_DELETE : TARGET_RETIRE);
		step->id = target->id;
		step->state = REWIRE_TARGET_STATE_DRAINING;
		step->old_state = target->state;
	}
}

static void plan_drained(struct plan *plan, const struct retired *retired, int64_t now)
{
	struct step *step;
	unsigned int i;

	for (i = 0; i < retired->count; i++) {
		if (!retired_is_over(&retired->list[i], now))
			continue;
		step = add_step(plan, TARGET_DELETE);
		step->id = retired->list[i].id;
		step->old_state = REWIRE_TARGET_STATE_DRAINING;
	}
}

/* A daemon that starts takes for retired what drains, has flows and is no backend's. */
static void adopt_retired(const struct plan *plan, const struct kernel *kernel,
			  struct retired *retired)
{
	const struct rw_target *target = kernel->targets.list, *end = target + kernel->targets.count;
	uint32_t *ids = allocate(kernel->targets.count, sizeof(*ids));
	unsigned int count = 0;

	for (; target < end; target++)
		if (target->state == REWIRE_TARGET_STATE_DRAINING && target->flows &&
		    !snapshot_backend(plan->snapshot, target->id))
			ids[count++] = target->id;
	retired_add(retired, ids, count);
	free(ids);
}

static void plan_targets(struct plan *plan, const struct kernel *kernel,
			 const struct snapshot *old, enum purpose purpose, struct retired *retired)
{
	int64_t now = clock_now();
	unsigned int i;

	for (i = 0; i < plan->snapshot->backend_count; i++)
		plan_target(plan, kernel, plan->snapshot->backends[i], old, purpose);
	if (old)
		plan_retired(plan, kernel, old);
	else if (purpose == PLAN_CHANGE)
		adopt_retired(plan, kernel, retired);
	if (purpose == PLAN_REPAIR) {
		retired_update(retired, &kernel->targets, now);
		plan_drained(plan, retired, now);
	}
}

static void add_delegate(struct plan *plan, enum action action, const struct rw_delegate *delegate)
{
	struct step *step = add_step(plan, action);

	step->id = delegate->id;
	step->delegate = allocate(1, sizeof(*step->delegate));
	*step->delegate = *delegate;
}

/* All delegates are the daemon's. Both lists are sorted by number. */
static void plan_delegates(struct plan *plan, const struct kernel *kernel, bool withheld)
{
	const struct rw_delegate *have = kernel->delegates.list, *end = have + kernel->delegates.count;
	const struct rw_delegate *want, *want_end;
	struct delegates wanted;

	if (withheld)
		wanted = (struct delegates){ 0 };
	else
		delegates_make(&wanted, plan->snapshot);
	want = wanted.list;
	want_end = want + wanted.count;
	while (have < end || want < want_end) {
		if (have < end && (want == want_end || have->id < want->id)) {
			add_delegate(plan, DELEGATE_DELETE, have++);
		} else if (have == end || want->id < have->id) {
			add_delegate(plan, DELEGATE_SET, want++);
		} else {
			if (!delegates_same(have, want)) {
				add_delegate(plan, DELEGATE_DELETE, have);
				add_delegate(plan, DELEGATE_SET, want);
			}
			have++;
			want++;
		}
	}
	delegates_free(&wanted);
}

/* The host's own addresses, in the form that rules_make takes. */
static struct rw_addr *own_addresses(void)
{
	struct ifaddrs *all = NULL, *one;
	struct rw_addr *list, *next;
	unsigned int count = 1;

	if (getifaddrs(&all))
		all = NULL;
	for (one = all; one; one = one->ifa_next)
		count++;
	next = list = allocate(count, sizeof(*list));
	for (one = all; one; one = one->ifa_next) {
		if (!one->ifa_addr)
			continue;
		if (one->ifa_addr->sa_family == AF_INET)
			memcpy(next->bytes, &((struct sockaddr_in *)one->ifa_addr)->sin_addr, 4);
		else if (one->ifa_addr->sa_family == AF_INET6)
			memcpy(next->bytes, &((struct sockaddr_in6 *)one->ifa_addr)->sin6_addr, 16);
		else
			continue;
		next++->family = one->ifa_addr->sa_family;
	}
	freeifaddrs(all);
	return list;
}

static void count_steps(struct plan *plan)
{
	unsigned int i;

	for (i = 0; i < plan->count; i++) {
		plan->changes.rules_added += plan->steps[i].action == RULE_ADD;
		plan->changes.rules_deleted += plan->steps[i].action == RULE_DELETE;
		plan->changes.targets_set += plan->steps[i].action == TARGET_MAKE ||
					     plan->steps[i].action == TARGET_CHANGE;
		plan->changes.targets_deleted += plan->steps[i].action == TARGET_RETIRE ||
						 plan->steps[i].action == TARGET_DELETE;
		plan->changes.delegates_revoked += plan->steps[i].action == DELEGATE_DELETE;
		plan->changes.delegates_set += plan->steps[i].action == DELEGATE_SET;
	}
}

int plan_make(struct plan *plan, struct rw_socket *socket, const struct snapshot *snapshot,
	      const struct snapshot *old, enum purpose purpose, bool withheld,
	      struct retired *retired, struct error *error)
{
	struct rw_addr *own;
	struct kernel kernel;
	struct rules wanted;

	memset(plan, 0, sizeof(*plan));
	plan->snapshot = snapshot;
	if (read_kernel(&kernel, socket, error))
		return -1;
	own = own_addresses();
	rules_make(&wanted, snapshot, own);
	free(own);
	plan_rules(plan, &kernel, &wanted, !old, purpose == PLAN_REPAIR);
	plan_targets(plan, &kernel, old, purpose, retired);
	plan_delegates(plan, &kernel, withheld);
	count_steps(plan);
	rules_free(&wanted);
	forget_kernel(&kernel);
	return 0;
}

static int take_step(struct plan *plan, struct step *step, struct rw_socket *socket,
		     struct rw_error *why)
{
	int ret;

	switch (step->action) {
	case TARGET_MAKE:
	case TARGET_CHANGE:
	case TARGET_RETIRE:
		return rw_target_set(socket, step->id, step->state, why);
	case TARGET_DELETE:
		ret = rw_target_del(socket, step->id, why);
		return ret == -ENOENT ? 0 : ret;
	case RULE_DELETE:
		ret = rw_rule_del(socket, step->rule.id, why);
		return ret == -ENOENT ? 0 : ret;
	case DELEGATE_SET:
		/* A module that was loaded anew knows of no handler yet */
		ret = rw_delegate_set(socket, step->delegate, why);
		if (ret != -ENOTCONN)
			return ret;
		plan->changes.delegates_set--;
		return 1;
	case DELEGATE_DELETE:
		ret = rw_delegate_del(socket, step->id, why);
		return ret == -ENOENT ? 0 : ret;
	case RULE_ADD:
		break;
	}
	ret = rw_rule_add(socket, &step->rule, why);
	if (ret != -ENOENT)
		return ret;
	plan->changes.rules_added--;
	plan->changes.rules_waiting++;
	return 1;
}

static int refuse_step(const struct plan *plan, const struct step *step, const char *sentence,
		       struct error *error)
{
	const struct service *service;
	const struct backend *backend;

	error->where[0] = 0;
	if (step->action == DELEGATE_SET || step->action == DELEGATE_DELETE)
		return refuse(error, "delegate %u: %s", step->id, sentence);
	if (step->action != RULE_ADD && step->action != RULE_DELETE) {
		backend = snapshot_backend(plan->snapshot, step->id);
		if (backend)
			blame_backend(snapshot_service(plan->snapshot, backend->service), backend,
				      error);
		return refuse(error, "target %u: %s", step->id, sentence);
	}
	blame_rule(plan->snapshot, &step->rule, error);
	service = snapshot_service(plan->snapshot, step->rule.policy);
	if (service)
		return refuse(error, "service \"%s\": the kernel refuses a rule: %s", service->name,
			      sentence);
	return refuse(error, "VNI %u: the kernel refuses a rule: %s", step->rule.vni, sentence);
}

static int take_steps(struct plan *plan, enum action action, struct rw_socket *socket,
		      struct error *error)
{
	struct rw_error why;
	unsigned int i;
	int ret;

	for (i = 0; i < plan->count; i++) {
		if (plan->steps[i].action != action)
			continue;
		ret = take_step(plan, &plan->steps[i], socket, &why);
		if (ret < 0)
			return refuse_step(plan, &plan->steps[i], why.sentence, error);
		plan->steps[i].done = !ret;
	}
	return 0;
}

int plan_revoke(struct plan *plan, struct rw_socket *socket, struct error *error)
{
	return take_steps(plan, DELEGATE_DELETE, socket, error);
}

int plan_before(struct plan *plan, struct rw_socket *socket, struct error *error)
{
	return take_steps(plan, TARGET_MAKE, socket, error);
}

int plan_after(struct plan *plan, struct rw_socket *socket, struct error *error)
{
	if (take_steps(plan, RULE_ADD, socket, error) ||
	    take_steps(plan, RULE_DELETE, socket, error) ||
	    take_steps(plan, DELEGATE_SET, socket, error) ||
	    take_steps(plan, TARGET_CHANGE, socket, error) ||
	    take_steps(plan, TARGET_RETIRE, socket, error))
		return -1;
	return take_steps(plan, TARGET_DELETE, socket, error);
}

static void undo_step(struct step *step, struct rw_socket *socket)
{
	struct rw_error why;

	switch (step->action) {
	case TARGET_MAKE:
	case TARGET_CHANGE:
	case TARGET_RETIRE:
	case TARGET_DELETE:
		if (step->old_state < 0)
			rw_target_del(socket, step->id, &why);
		else
			rw_target_set(socket, step->id, step->old_state, &why);
		break;
	case RULE_ADD:
		rw_rule_del(socket, step->rule.id, &why);
		break;
	case RULE_DELETE:
		rw_rule_add(socket, &step->rule, &why);
		break;
	case DELEGATE_SET:
		rw_delegate_del(socket, step->id, &why);
		break;
	case DELEGATE_DELETE:
		rw_delegate_set(socket, step->delegate, &why);
		break;
	}
}

/* Backwards in time, so that again a packet finds the one rule or the other. */
void plan_undo(struct plan *plan, struct rw_socket *socket)
{
	static const enum action actions[] = {
		TARGET_DELETE, TARGET_RETIRE, TARGET_CHANGE, DELEGATE_SET, RULE_DELETE, RULE_ADD,
		DELEGATE_DELETE, TARGET_MAKE,
	};
	unsigned int i, j;

	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		for (j = 0; j < plan->count; j++)
			if (plan->steps[j].action == actions[i] && plan->steps[j].done)
				undo_step(&plan->steps[j], socket);
}

void plan_retire(const struct plan *plan, struct retired *retired)
{
	uint32_t *ids = allocate(plan->count, sizeof(*ids));
	unsigned int i, count = 0;

	for (i = 0; i < plan->count; i++)
		if (plan->steps[i].action == TARGET_RETIRE)
			ids[count++] = plan->steps[i].id;
	retired_forget(retired, plan->snapshot);
	retired_add(retired, ids, count);
	free(ids);
}

void plan_free(struct plan *plan)
{
	unsigned int i;

	for (i = 0; i < plan->count; i++)
		free(plan->steps[i].delegate);
	free(plan->steps);
	memset(plan, 0, sizeof(*plan));
}

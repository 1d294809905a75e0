// SPDX-License-Identifier: GPL-2.0
/* Rules for the far ends of flows that the kernel has lost. */

#include <stdlib.h>

#include "guard.h"
#include "librewire.h"
#include "rules.h"

static void make_rule(const struct rw_tuple *reply, struct rw_rule *rule)
{
	*rule = (struct rw_rule){
		.vni = reply->vni,
		.family = reply->dst.family,
		.dst = reply->dst, .dst_len = rw_addr_bits(&reply->dst),
		.src = reply->src, .src_len = rw_addr_bits(&reply->src),
		.protocol = reply->protocol,
		.preference = RULES_GUARD_PREFERENCE,
		.action = REWIRE_RULE_ACTION_PUNT,
		.policy = RULES_GUARD_POLICY,
		.hold = REWIRE_HOLD_MODE_HOLD,
		.orphan = REWIRE_ORPHAN_MODE_DROP,
	};
	if (!rw_protocol_has_ports(reply->protocol))
		return;
	rule->dport_min = rule->dport_max = reply->dport;
	rule->sport_min = rule->sport_max = reply->sport;
}

/* The numbers of the kernel's guards */
struct numbers {
	uint32_t *list;
	unsigned int count, room;
};

static int take_guard(const struct rw_rule *rule, void *data)
{
	struct numbers *numbers = data;

	if (rule->policy != RULES_GUARD_POLICY)
		return 0;
	numbers->list = grow(numbers->list, numbers->count, &numbers->room, sizeof(*numbers->list));
	numbers->list[numbers->count++] = rule->id;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static bool is_gone(uint32_t rule, void *data)
{
	const struct numbers *numbers = data;

	return !numbers->count || !bsearch(&rule, numbers->list, numbers->count,
					   sizeof(rule), by_number);
}

void guards_check(struct memory *memory, struct rw_socket *socket)
{
	struct numbers numbers = { 0 };
	struct rw_error error;

	/* Without a list none is taken for given */
	if (rw_rule_each(socket, take_guard, &numbers, &error))
		numbers.count = 0;
	if (numbers.count)
		qsort(numbers.list, numbers.count, sizeof(*numbers.list), by_number);
	memory_unguard(memory, is_gone, &numbers);
	free(numbers.list);
}

void guards_set(struct guards *guards, struct memory *memory, struct rw_socket *socket)
{
	struct record *record, *first = NULL;
	struct rw_error error;
	struct rw_rule rule;
	uint32_t idle;

	while ((idle = memory_idle_guard(memory))) {
		rw_rule_del(socket, idle, &error);
		guards->count--;
	}
	while (guards->count < GUARDS_MAX && (record = memory_unguarded(memory))) {
		make_rule(&record->reply, &rule);
		if (!rw_rule_add(socket, &rule, &error)) {
			record->rule = rule.id;
			guards->count++;
			continue;
		}
		/* Without a device in its virtual network there is no rule yet */
		memory_put_back(memory, record);
		if (record == first)
			break;
		if (!first)
			first = record;
	}
}

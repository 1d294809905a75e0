// SPDX-License-Identifier: GPL-2.0
/* Rules for the far ends of flows that the kernel has lost. */

#include <errno.h>
#include <stdlib.h>

#include "guard.h"
#include "librewire.h"
#include "rules.h"

#define LIST_TRIES	20		/* while rules change */

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

/* None of those that another daemon has deleted, set and left. */
static void delete_all(struct rw_socket *socket)
{
	struct numbers numbers = { 0 };
	struct rw_error error;
	int ret, tries = 0;
	unsigned int i;

	do {
		numbers.count = 0;
		ret = rw_rule_each(socket, take_guard, &numbers, &error);
	} while (ret == -EINTR && ++tries < LIST_TRIES);
	for (i = 0; i < numbers.count; i++)
		rw_rule_del(socket, numbers.list[i], &error);
	free(numbers.list);
}

void guards_renew(struct guards *guards, struct memory *memory, struct rw_socket *socket)
{
	delete_all(socket);
	memory_unguard(memory);
	guards->count = 0;
}

static bool set_one(struct record *record, struct rw_socket *socket)
{
	struct rw_error error;
	struct rw_rule rule;

	make_rule(&record->reply, &rule);
	if (rw_rule_add(socket, &rule, &error))
		return false;
	record->rule = rule.id;
	return true;
}

void guards_set(struct guards *guards, struct memory *memory, struct rw_socket *socket)
{
	struct record *record, *next;
	struct rw_error error;
	CDS_LIST_HEAD(refused);
	unsigned int tries;
	uint32_t idle;

	while ((idle = memory_idle_guard(memory))) {
		rw_rule_del(socket, idle, &error);
		guards->count--;
	}
	for (tries = 0; tries < GUARDS_MAX && guards->count < GUARDS_MAX; tries++) {
		record = memory_unguarded(memory);
		if (!record)
			break;
		/* Without a device in its virtual network there is no rule yet: next time, after all others */
		if (set_one(record, socket))
			guards->count++;
		else
			cds_list_add_tail(&record->unguarded, &refused);
	}
	cds_list_for_each_entry_safe(record, next, &refused, unguarded) {
		cds_list_del_init(&record->unguarded);
		memory_put_back(memory, record);
	}
}

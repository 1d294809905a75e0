// SPDX-License-Identifier: GPL-2.0
/* Bindings and leases, as the state thread follows them. */

#include <stdlib.h>
#include <string.h>

#include "binding_table.h"
#include "client.h"
#include "use.h"

static struct lease *item_lease(struct item *item)
{
	return caa_container_of(item, struct lease, item);
}

static struct binding *item_binding(struct item *item)
{
	return caa_container_of(item, struct binding, item);
}

static void doubt(struct bindings *bindings, struct lease *lease)
{
	cds_list_del(&lease->item.place);
	cds_list_add_tail(&lease->item.place, &bindings->doubt);
}

static void rest(struct bindings *bindings, struct item *item, int64_t until)
{
	int64_t second = until / 1000 + 1;

	if (second <= bindings->second)
		second = bindings->second + 1;
	item->until = until;
	cds_list_del(&item->place);
	cds_list_add_tail(&item->place, &bindings->wheel[second % WHEEL_SLOTS]);
}

/*
 * Nobody finds it any more, and who has found it is done after the grace period. The
 * memory of a parent is needed as long as that of its children.
 */
static void bury(struct bindings *bindings, struct item *item)
{
	struct item *parent = item->parent;

	item->buried = true;
	if (item->listed || atomic_load(&item->references))
		return;
	item->listed = true;
	item->next_dead = bindings->dead;
	bindings->dead = item;
	if (!parent || item->orphaned)
		return;
	item->orphaned = true;
	if (atomic_fetch_sub(&parent->references, 1) == 1 && parent->buried)
		bury(bindings, parent);
}

static bool kill_item(struct bindings *bindings, struct item *item)
{
	switch (item->kind) {
	case BINDING:
		return binding_kill(bindings, item_binding(item));
	case BLOCK:
		return block_kill(bindings, caa_container_of(item, struct block, item));
	case CLIENT:
		return client_kill(bindings, caa_container_of(item, struct client, item));
	default:
		return false;
	}
}

/* For how long what nobody uses any more rests. Of ports that anybody shares, leases do. */
static uint32_t item_rest(struct item *item)
{
	struct binding *binding = item_binding(item);

	return item->kind == BINDING && binding->independent ? atomic_load(&binding->rest) : 0;
}

static void take_lease(struct bindings *bindings, struct lease *lease)
{
	if (atomic_load(&lease->word) == LEASE_DEAD) {
		cds_list_del_init(&lease->item.place);
		bury(bindings, &lease->item);
	} else if (!lease->has_flow && !lease->remembered) {
		doubt(bindings, lease);
	}
}

static void take_item(struct bindings *bindings, struct item *item, int64_t now)
{
	uint32_t users = atomic_load(&item->users);
	uint32_t pause = item_rest(item);

	if (users == ITEM_DEAD) {
		cds_list_del_init(&item->place);
		bury(bindings, item);
	} else if (!users && pause) {
		rest(bindings, item, now + pause);
	} else if (!users && kill_item(bindings, item)) {
		item_hand_over(bindings, item);
	}
}

/* What handlers, and the state thread itself, have handed over. */
static void take_queue(struct bindings *bindings, int64_t now)
{
	struct item *item = atomic_exchange(&bindings->queue, NULL), *next;

	for (; item; item = next) {
		next = item->next;
		atomic_store(&item->queued, false);
		if (item->buried)	/* who had found it before has handed it over late */
			bury(bindings, item);
		else if (item->kind == LEASE)
			take_lease(bindings, item_lease(item));
		else
			take_item(bindings, item, now);
	}
}

void bindings_look_begin(struct bindings *bindings, int64_t now)
{
	rcu_read_lock();
	take_queue(bindings, now);
	rcu_read_unlock();
}

static void set_seen(struct bindings *bindings, struct lease *lease, const struct use *use,
		     uint64_t flow, uint64_t id)
{
	if (id < lease->id)
		return;
	lease->id = id;
	lease->round = bindings->round;
	lease->has_flow = lease->served = true;
	lease->remembered = false;
	atomic_store(&lease->flow, flow);
	atomic_store(&lease->binding->served, true);
	cds_list_del_init(&lease->item.place);
	lease_open(bindings, use->pool, lease);		/* the pool may be another than it was */
}

void bindings_seen(struct bindings *bindings, const struct snapshot *snapshot,
		   const struct rw_flow_spec *flow, uint64_t id)
{
	struct use uses[USES_MAX];
	unsigned int count = uses_of(snapshot, flow, uses), i;
	uint64_t key, orig;	/* hashes */
	struct lease *lease;

	rcu_read_lock();
	for (i = 0; i < count; i++) {
		key = tuple_hash(bindings, &uses[i].key);
		orig = tuple_hash(bindings, &uses[i].flow);
		lease = lease_find_by(bindings, &uses[i].key, key);
		if (lease) {
			set_seen(bindings, lease, &uses[i], orig, id);
			continue;
		}
		lease = lease_adopt(bindings, &uses[i], key, orig);
		if (!lease)
			continue;
		set_seen(bindings, lease, &uses[i], orig, id);
		lease_unhold(bindings, lease);
	}
	rcu_read_unlock();
}

void bindings_ended(struct bindings *bindings, const struct snapshot *snapshot,
		    const struct rw_flow_spec *flow, uint64_t id, bool kept)
{
	struct use uses[USES_MAX];
	unsigned int count = uses_of(snapshot, flow, uses), i;
	struct lease *lease;

	rcu_read_lock();
	for (i = 0; i < count; i++) {
		lease = lease_find(bindings, &uses[i].key);
		if (!lease || id < lease->id)
			continue;
		lease->id = id;
		lease->has_flow = false;
		lease->served = true;
		lease->remembered = kept;
		atomic_store(&lease->binding->served, true);
		if (!kept)
			doubt(bindings, lease);
	}
	rcu_read_unlock();
}

void bindings_remember(struct bindings *bindings, const struct snapshot *snapshot,
		       const struct rw_flow_spec *flow, bool held)
{
	struct use uses[USES_MAX];
	unsigned int count = uses_of(snapshot, flow, uses), i;
	struct lease *lease;

	rcu_read_lock();
	for (i = 0; i < count; i++) {
		lease = lease_find(bindings, &uses[i].key);
		if (!lease && held) {
			lease = lease_adopt(bindings, &uses[i], tuple_hash(bindings, &uses[i].key),
					    tuple_hash(bindings, &uses[i].flow));
			if (lease)
				lease_unhold(bindings, lease);
		}
		if (!lease)
			continue;
		lease->remembered = held;
		if (held)
			lease->served = true;
		else if (!lease->has_flow)
			doubt(bindings, lease);
	}
	rcu_read_unlock();
}

static void each_lease(struct bindings *bindings,
		       void (*fn)(struct bindings *bindings, struct lease *lease))
{
	struct cds_lfht_iter iter;
	struct cds_lfht_node *node;
	struct lease *lease;

	rcu_read_lock();
	cds_lfht_for_each(bindings->leases, &iter, node) {
		lease = caa_container_of(node, struct lease, node);
		if (atomic_load(&lease->word) != LEASE_DEAD)
			fn(bindings, lease);
	}
	rcu_read_unlock();
}

static void forget(struct bindings *bindings, struct lease *lease)
{
	if (!lease->has_flow && lease->remembered)
		doubt(bindings, lease);
	lease->remembered = false;
}

void bindings_list_begin(struct bindings *bindings)
{
	bindings->round++;
	each_lease(bindings, forget);
}

static void end_unseen(struct bindings *bindings, struct lease *lease)
{
	if (!lease->has_flow || lease->round == bindings->round)
		return;
	lease->has_flow = false;
	if (!lease->remembered)
		doubt(bindings, lease);
}

void bindings_list_end(struct bindings *bindings)
{
	each_lease(bindings, end_unseen);
}

static void lose(struct bindings *bindings, struct lease *lease)
{
	lease->id = 0;
	if (lease->has_flow)
		doubt(bindings, lease);
	lease->has_flow = false;
}

void bindings_lost(struct bindings *bindings)
{
	each_lease(bindings, lose);
}

/*
 * Without a flow since before the look began. The word is read first: who takes the
 * lease meanwhile changes it, and who has let it go has handed it over. The flow of a
 * decision above the watermark may be yet to come.
 */
static void end_lease(struct bindings *bindings, struct lease *lease, int64_t now)
{
	uint64_t word = atomic_load(&lease->word);
	uint32_t pause = lease->binding->independent ? 0 : atomic_load(&lease->binding->rest);

	if (atomic_load(&lease->decision) > bindings->watermark)
		return;
	cds_list_del_init(&lease->item.place);
	if (lease->has_flow || lease->remembered || word == LEASE_DEAD || word & LEASE_HOLDERS ||
	    atomic_load(&lease->item.queued))
		return;
	if (lease->served && pause) {
		lease->served = false;
		rest(bindings, &lease->item, now + pause);
	} else {
		lease_kill(bindings, lease, word);
	}
}

static void wake(struct bindings *bindings, struct item *item, int64_t now)
{
	cds_list_del_init(&item->place);
	if (item->until > now)
		rest(bindings, item, item->until);
	else if (item->kind == LEASE)
		doubt(bindings, item_lease(item));
	else if (kill_item(bindings, item))
		item_hand_over(bindings, item);
}

static void turn_wheel(struct bindings *bindings, int64_t now)
{
	struct item *item, *next;
	int64_t second = now / 1000;
	CDS_LIST_HEAD(list);

	if (second - bindings->second > WHEEL_SLOTS)
		bindings->second = second - WHEEL_SLOTS;
	while (bindings->second < second) {
		bindings->second++;
		CDS_INIT_LIST_HEAD(&list);
		cds_list_splice(&bindings->wheel[bindings->second % WHEEL_SLOTS], &list);
		CDS_INIT_LIST_HEAD(&bindings->wheel[bindings->second % WHEEL_SLOTS]);
		cds_list_for_each_entry_safe(item, next, &list, place)
			wake(bindings, item, now);
	}
}

void bindings_set_watermark(struct bindings *bindings, uint64_t watermark)
{
	bindings->watermark = watermark;
}

static void end_doubtful(struct bindings *bindings, int64_t now)
{
	struct item *item, *next;

	cds_list_for_each_entry_safe(item, next, &bindings->doubt, place)
		end_lease(bindings, item_lease(item), now);
}

static void item_free(struct item *item)
{
	switch ((enum item_kind)item->kind) {
	case LEASE:
		free(item_lease(item));
		break;
	case BINDING:
		ports_put(item_binding(item)->ports);
		free(item_binding(item));
		break;
	case BLOCK:
		block_free(caa_container_of(item, struct block, item));
		break;
	case CLIENT:
		client_free(caa_container_of(item, struct client, item));
		break;
	}
}

/* One that is in the queue again is freed when it comes out. */
static void free_dead(struct bindings *bindings)
{
	struct item *item;

	if (!bindings->dead)
		return;
	synchronize_rcu();
	while ((item = bindings->dead)) {
		bindings->dead = item->next_dead;
		item->listed = false;
		if (!atomic_load(&item->queued))
			item_free(item);
	}
}

unsigned int bindings_look_end(struct bindings *bindings, int64_t now)
{
	rcu_read_lock();
	turn_wheel(bindings, now);
	end_doubtful(bindings, now);
	take_queue(bindings, now);
	rcu_read_unlock();
	free_dead(bindings);
	return atomic_exchange(&bindings->freed, 0);
}

/* Whatever there is ends, for there are no handlers any more. */
static void end_now(struct bindings *bindings, struct lease *lease)
{
	atomic_store(&lease->word, LEASE_TAKEN);
	atomic_store(&lease->decision, 0);
	lease->any_port = NULL;
	lease->has_flow = lease->remembered = lease->served = false;
	atomic_store(&lease->binding->rest, 0);
	doubt(bindings, lease);
}

void bindings_free(struct bindings *bindings)
{
	const int64_t now = (bindings->second + 2 * WHEEL_SLOTS) * 1000;
	int i;

	bindings->closing = true;
	/* Leases, then bindings, blocks and clients, then what was in the queue again */
	for (i = 0; i < 6; i++) {
		bindings_look_begin(bindings, now);
		each_lease(bindings, end_now);
		bindings_look_end(bindings, now);
	}
	cds_lfht_destroy(bindings->leases, NULL);
	cds_lfht_destroy(bindings->public, NULL);
	cds_lfht_destroy(bindings->inside, NULL);
	cds_lfht_destroy(bindings->clients, NULL);
	free(bindings);
}

// SPDX-License-Identifier: GPL-2.0
/* What was decided about the flows that there are. */

#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "memory.h"
#include "siphash.h"

#define TABLE_MIN	65536		/* nodes, two for each record */
#define WHEEL_SLOTS	8192		/* of a second */

struct memory {
	struct cds_lfht *table;
	struct siphash_key key;
	uint32_t max;
	_Atomic uint32_t count, kept;
	_Atomic uint32_t round;
	_Atomic uint64_t unremembered;
	struct record *_Atomic queue;	/* from handlers to the state thread */

	/* The state thread's */
	struct record *dead;
	struct cds_list_head wheel[WHEEL_SLOTS], unguarded;
	int64_t second;			/* the wheel was turned up to here */
	uint32_t *idle_guards;
	size_t idle_count;
	unsigned int idle_room;
};

struct memory *memory_new(uint32_t max)
{
	struct memory *memory = allocate(1, sizeof(*memory));
	struct random random;
	unsigned int i;

	/* It would grow by the longest of its chains if it did not count its nodes */
	memory->table = cds_lfht_new(TABLE_MIN, TABLE_MIN, 0,
				     CDS_LFHT_AUTO_RESIZE | CDS_LFHT_ACCOUNTING, NULL);
	if (!memory->table) {
		log_line("out of memory");
		abort();
	}
	random_seed(&random);
	memory->key = random.key;
	memory->max = max;
	memory->round = 1;
	for (i = 0; i < WHEEL_SLOTS; i++)
		CDS_INIT_LIST_HEAD(&memory->wheel[i]);
	CDS_INIT_LIST_HEAD(&memory->unguarded);
	return memory;
}

void memory_expect(struct memory *memory, uint64_t flows)
{
	unsigned long size = TABLE_MIN;

	while (size < 2 * flows && size < 2ULL * memory->max)
		size *= 2;
	cds_lfht_resize(memory->table, size);
}

static unsigned long hash_key(const struct memory *memory, const struct rw_tuple *key)
{
	return siphash(&memory->key, key, sizeof(*key));
}

static int node_matches(struct cds_lfht_node *node, const void *key)
{
	const struct record_side *side = caa_container_of(node, struct record_side, node);

	return !memcmp(record_key(node_record(node), side->direction), key,
		       sizeof(struct rw_tuple));
}

static bool is_there(const struct record *record)
{
	int state = atomic_load(&record->state);

	return state != RECORD_NEW && state != RECORD_DEAD;
}

/* A record that is not dead, by a key and its hash; of several, any. */
static struct record *find_by(struct memory *memory, const struct rw_tuple *key, unsigned long hash)
{
	struct cds_lfht_iter iter;
	struct cds_lfht_node *node;

	cds_lfht_lookup(memory->table, hash, node_matches, key, &iter);
	while ((node = cds_lfht_iter_get_node(&iter))) {
		if (is_there(node_record(node)))
			return node_record(node);
		cds_lfht_next_duplicate(memory->table, node_matches, key, &iter);
	}
	return NULL;
}

static struct record *find(struct memory *memory, const struct rw_tuple *key)
{
	return find_by(memory, key, hash_key(memory, key));
}

static bool is_about(const struct record *record, const struct rw_flow_spec *spec)
{
	return record && !memcmp(&record->orig, &spec->orig, sizeof(spec->orig)) &&
	       !memcmp(&record->reply, &spec->reply, sizeof(spec->reply));
}

static void hand_over(struct memory *memory, struct record *record)
{
	struct record *first;

	/* Who takes it off the queue looks at its state after that */
	if (atomic_exchange(&record->queued, true))
		return;
	first = atomic_load(&memory->queue);
	do
		record->next = first;
	while (!atomic_compare_exchange_weak(&memory->queue, &first, record));
}

/* Returns whether it was not dead before. */
static bool kill_record(struct record *record)
{
	return atomic_exchange(&record->state, RECORD_DEAD) != RECORD_DEAD;
}

/* Records of other flows with this key: the kernel has none of them any more, or will not. */
static void supersede(struct memory *memory, const struct rw_tuple *key, unsigned long hash)
{
	struct record *record;

	while ((record = find_by(memory, key, hash)))
		if (kill_record(record))
			hand_over(memory, record);
}

static void set_devices(struct record *record, const struct rw_flow_spec *spec)
{
	atomic_store(&record->sides[0].ifindex, spec->orig_ifindex);
	atomic_store(&record->sides[1].ifindex, spec->reply_ifindex);
}

/* Hash is the original key's. */
static struct record *add(struct memory *memory, const struct rw_flow_spec *spec,
			  unsigned long hash, int state)
{
	const unsigned long hashes[2] = { hash, hash_key(memory, &spec->reply) };
	struct record *record;
	unsigned int i;

	supersede(memory, &spec->orig, hashes[0]);
	supersede(memory, &spec->reply, hashes[1]);
	if (atomic_fetch_add(&memory->count, 1) >= memory->max) {
		atomic_fetch_sub(&memory->count, 1);
		atomic_fetch_add(&memory->unremembered, 1);
		return NULL;
	}
	record = allocate(1, sizeof(*record));
	record->orig = spec->orig;
	record->reply = spec->reply;
	record->policy = spec->policy;
	record->target = spec->target;
	record->decision = spec->decision;
	record->round = atomic_load(&memory->round);
	set_devices(record, spec);
	CDS_INIT_LIST_HEAD(&record->kept);
	CDS_INIT_LIST_HEAD(&record->unguarded);
	for (i = 0; i < 2; i++) {
		record->sides[i].direction = i;
		cds_lfht_node_init(&record->sides[i].node);
		cds_lfht_add(memory->table, hashes[i], &record->sides[i].node);
	}
	atomic_store(&record->state, state);
	return record;
}

struct record *memory_note(struct memory *memory, const struct rw_flow_spec *spec)
{
	return add(memory, spec, hash_key(memory, &spec->orig), RECORD_PENDING);
}

struct record *memory_recall(struct memory *memory, const struct rw_tuple *key)
{
	struct record *record = find(memory, key);
	int state;

	if (!record)
		return NULL;
	state = atomic_load(&record->state);
	while (state == RECORD_LIVE || state == RECORD_KEPT) {
		/* From now on the end of a flow that was before is no news */
		atomic_store(&record->stale, atomic_load(&record->id));
		atomic_store(&record->round, atomic_load(&memory->round));
		if (atomic_compare_exchange_weak(&record->state, &state, RECORD_PENDING))
			return record;
	}
	/* Another handler asks for it already, by its other key */
	return state == RECORD_PENDING ? record : NULL;
}

void memory_confirm(struct memory *memory, struct record *record)
{
	int state = RECORD_PENDING;

	(void)memory;
	atomic_compare_exchange_strong(&record->state, &state, RECORD_LIVE);
}

void memory_drop(struct memory *memory, struct record *record)
{
	int state = RECORD_PENDING;

	if (atomic_compare_exchange_strong(&record->state, &state, RECORD_DEAD))
		hand_over(memory, record);
}

/* Kept as long as it was to be; or, if that ends before LEAST, until UNTIL. */
static void keep_pending(struct memory *memory, struct record *record, int64_t least, int64_t until)
{
	int state = RECORD_PENDING;

	if (atomic_load(&record->until) < least)
		atomic_store(&record->until, until);
	if (atomic_compare_exchange_strong(&record->state, &state, RECORD_KEPT))
		hand_over(memory, record);
}

void memory_doubt(struct memory *memory, struct record *record, int64_t now)
{
	keep_pending(memory, record, now + MEMORY_BRIEFLY, now + MEMORY_BRIEFLY);
}

void memory_put_off(struct memory *memory, struct record *record, int64_t now)
{
	keep_pending(memory, record, now, now + MEMORY_BRIEFLY);
}

/* What follows is the state thread's. */

static void wheel_take(struct memory *memory, struct record *record)
{
	if (cds_list_empty(&record->kept))
		return;
	cds_list_del_init(&record->kept);
	atomic_fetch_sub(&memory->kept, 1);
}

static void wheel_put(struct memory *memory, struct record *record)
{
	int64_t second = atomic_load(&record->until) / 1000 + 1;

	wheel_take(memory, record);
	if (second <= memory->second)
		second = memory->second + 1;
	cds_list_add_tail(&record->kept, &memory->wheel[second % WHEEL_SLOTS]);
	atomic_fetch_add(&memory->kept, 1);
}

static void unguard(struct memory *memory, struct record *record)
{
	cds_list_del_init(&record->unguarded);
	if (!record->rule)
		return;
	memory->idle_guards = grow(memory->idle_guards, memory->idle_count, &memory->idle_room,
				   sizeof(*memory->idle_guards));
	memory->idle_guards[memory->idle_count++] = record->rule;
	record->rule = 0;
}

/* Out of the table and of all lists; it is freed by the next tick. */
static void bury(struct memory *memory, struct record *record)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		cds_lfht_del(memory->table, &record->sides[i].node);
	wheel_take(memory, record);
	unguard(memory, record);
	record->buried = true;
	record->next_dead = memory->dead;
	memory->dead = record;
}

/* A record that is dead already may be in the queue, and is buried when it comes out. */
static void kill_here(struct memory *memory, struct record *record)
{
	if (kill_record(record))
		hand_over(memory, record);
}

static bool is_established(const struct rw_flow *flow)
{
	switch (flow->state) {
	case REWIRE_FLOW_STATE_ESTABLISHED:
	case REWIRE_FLOW_STATE_FIN_WAIT:
	case REWIRE_FLOW_STATE_REPLIED:
		return true;
	case REWIRE_FLOW_STATE_UNREPLIED:	/* of TCP, taken up in its middle */
		return flow->spec.orig.protocol == IPPROTO_TCP;
	}
	return false;
}

/* What a verdict can bring back. */
static bool is_ours(const struct rw_flow *flow)
{
	return flow->action == REWIRE_FLOW_ACTION_TRANSLATE && flow->spec.decision &&
	       record_takes(&flow->spec);
}

void memory_seen(struct memory *memory, const struct rw_flow *flow, int64_t now)
{
	struct record *record;
	int kept = RECORD_KEPT;
	unsigned long hash;

	if (!is_ours(flow))
		return;
	rcu_read_lock();
	hash = hash_key(memory, &flow->spec.orig);
	record = find_by(memory, &flow->spec.orig, hash);
	if (!is_about(record, &flow->spec))
		record = add(memory, &flow->spec, hash, RECORD_LIVE);
	if (!record || flow->id < atomic_load(&record->id) ||
	    flow->id <= atomic_load(&record->stale))
		goto unlock;
	atomic_store(&record->id, flow->id);
	atomic_store(&record->round, atomic_load(&memory->round));
	set_devices(record, &flow->spec);
	atomic_compare_exchange_strong(&record->state, &kept, RECORD_LIVE);
	record->holds_port = false;
	record->worth = is_established(flow);
	record->expires = now + flow->expires;
	wheel_take(memory, record);
	unguard(memory, record);
unlock:
	rcu_read_unlock();
}

/* Until when a flow that has ended may come back; 0, its end is final. */
static int64_t keep_until(const struct record *record, uint32_t reason, int64_t now)
{
	int64_t briefly = now + MEMORY_BRIEFLY;

	if (!record->worth)
		return 0;
	switch (reason) {
	case REWIRE_REASON_CLOSE_EVICTED:
	case REWIRE_REASON_CLOSE_EARLY:
	case REWIRE_REASON_CLOSE_EXIT:
		return record->expires;
	case REWIRE_REASON_CLOSE_DELETED:
	case REWIRE_REASON_CLOSE_DETACHED:
		return record->expires < briefly ? record->expires : briefly;
	}
	return 0;
}

static void want_guard(struct memory *memory, struct record *record)
{
	if (cds_list_empty(&record->unguarded) && !record->rule)
		memory_put_back(memory, record);
}

/* The kernel has lost the flow of a record in this state. */
static bool keep(struct memory *memory, struct record *record, int state, int64_t until)
{
	atomic_store(&record->until, until);
	if (!atomic_compare_exchange_strong(&record->state, &state, RECORD_KEPT))
		return false;
	record->holds_port = true;
	wheel_put(memory, record);
	want_guard(memory, record);
	return true;
}

static bool end_record(struct memory *memory, struct record *record, uint64_t id,
		       uint32_t reason, int64_t now)
{
	int64_t until = keep_until(record, reason, now);
	int state;

	for (;;) {
		state = atomic_load(&record->state);
		if (state == RECORD_DEAD)
			return false;
		if (id < atomic_load(&record->id) || id <= atomic_load(&record->stale)) {
			/* It has been asked for again since: the port is its own until that is there */
			if (!record_is_told(record))
				record->holds_port = true;
			return true;
		}
		if (until ? keep(memory, record, state, until) :
		    atomic_compare_exchange_strong(&record->state, &state, RECORD_DEAD))
			break;
	}
	if (!until)
		hand_over(memory, record);
	return until;
}

bool memory_ended(struct memory *memory, const struct rw_flow *flow, uint32_t reason,
		  int64_t now)
{
	struct record *record;
	unsigned long hash;
	bool kept = false;

	if (!is_ours(flow))
		return false;
	rcu_read_lock();
	hash = hash_key(memory, &flow->spec.orig);
	record = find_by(memory, &flow->spec.orig, hash);
	/* It came and went between two looks */
	if (!record && !find(memory, &flow->spec.reply))
		record = add(memory, &flow->spec, hash, RECORD_LIVE);
	if (is_about(record, &flow->spec)) {
		record->worth = is_established(flow);
		record->expires = now + flow->expires;
		kept = end_record(memory, record, flow->id, reason, now);
		if (flow->id > atomic_load(&record->id))
			atomic_store(&record->id, flow->id);
	}
	rcu_read_unlock();
	return kept;
}

void memory_each(struct memory *memory, memory_fn *fn, void *data)
{
	struct cds_lfht_iter iter;
	struct cds_lfht_node *node;
	struct record *record;

	rcu_read_lock();
	cds_lfht_for_each(memory->table, &iter, node) {
		record = node_record(node);
		if (node == &record->sides[0].node && is_there(record))
			fn(record, data);
	}
	rcu_read_unlock();
}

/* A handler that asked before the round began has its answer; what it asked for is in the list. */
void memory_list_begin(struct memory *memory)
{
	atomic_fetch_add(&memory->round, 1);
	synchronize_rcu();
}

struct passing {
	struct memory *memory;
	int64_t now;
};

/* A flow is gone, and nobody has told why. One of which nothing was heard may be established. */
static void end_unheard(struct passing *passing, struct record *record, uint32_t reason)
{
	if (!atomic_load(&record->id)) {
		record->worth = true;
		record->expires = passing->now + MEMORY_BRIEFLY;
	}
	end_record(passing->memory, record, atomic_load(&record->id) + 1, reason, passing->now);
}

static void end_unseen(const struct record *record, void *data)
{
	struct passing *passing = data;

	if (atomic_load(&record->state) == RECORD_LIVE &&
	    atomic_load(&record->round) != atomic_load(&passing->memory->round))
		end_unheard(passing, (struct record *)record, REWIRE_REASON_CLOSE_DELETED);
}

void memory_list_end(struct memory *memory, int64_t now)
{
	struct passing passing = { memory, now };

	memory_each(memory, end_unseen, &passing);
}

static void end_lost(const struct record *found, void *data)
{
	struct record *record = (struct record *)found;
	struct passing *passing = data;

	if (atomic_load(&record->state) == RECORD_LIVE)
		end_unheard(passing, record, REWIRE_REASON_CLOSE_EXIT);
	atomic_store(&record->id, 0);
	atomic_store(&record->stale, 0);
}

void memory_lost(struct memory *memory, int64_t now)
{
	struct passing passing = { memory, now };

	memory_each(memory, end_lost, &passing);
	memory_unguard(memory);
}

/* One of the same flow may have come after it, and hold the port by now. */
static bool is_port_free(struct memory *memory, const struct record *record)
{
	const struct record *other = find(memory, &record->orig);

	return !other || memcmp(&other->reply, &record->reply, sizeof(other->reply)) ||
	       !other->holds_port;
}

/*
 * What handlers have found to be dead, or in doubt. Who made a record doubtful may
 * hand it over after another one has killed it, and it was buried.
 */
static void take_queue(struct memory *memory, memory_port_fn *port, void *data)
{
	struct record *record = atomic_exchange(&memory->queue, NULL), *next;
	int state;

	for (; record; record = next) {
		next = record->next;
		atomic_store(&record->queued, false);
		state = atomic_load(&record->state);
		if (record->buried) {
			record->next_dead = memory->dead;
			memory->dead = record;
		} else if (state == RECORD_KEPT) {
			record->holds_port = true;
			port(record, true, data);
			wheel_put(memory, record);
			want_guard(memory, record);
		} else if (state == RECORD_DEAD) {
			if (record->holds_port && is_port_free(memory, record))
				port(record, false, data);
			bury(memory, record);
		}
	}
}

static void turn_slot(struct memory *memory, struct cds_list_head *slot, int64_t now)
{
	struct record *record, *next;
	CDS_LIST_HEAD(list);
	int state;

	cds_list_splice(slot, &list);
	CDS_INIT_LIST_HEAD(slot);
	cds_list_for_each_entry_safe(record, next, &list, kept) {
		state = RECORD_KEPT;
		if (atomic_load(&record->state) == RECORD_KEPT &&
		    atomic_load(&record->until) > now) {
			wheel_put(memory, record);
			continue;
		}
		wheel_take(memory, record);
		if (atomic_compare_exchange_strong(&record->state, &state, RECORD_DEAD))
			hand_over(memory, record);
	}
}

/* When hardly any room is left, what would be forgotten next is forgotten now. */
static void make_room(struct memory *memory)
{
	int64_t over = (int64_t)atomic_load(&memory->count) - (memory->max - memory->max / 8);
	int64_t kept = atomic_load(&memory->kept), most = kept > over ? kept - over : 0;
	unsigned int i;

	if (over <= 0)
		return;
	for (i = 1; i <= WHEEL_SLOTS && atomic_load(&memory->kept) > most; i++)
		turn_slot(memory, &memory->wheel[(memory->second + i) % WHEEL_SLOTS], INT64_MAX);
}

static void turn_wheel(struct memory *memory, int64_t now)
{
	int64_t second = now / 1000;

	if (second - memory->second > WHEEL_SLOTS)
		memory->second = second - WHEEL_SLOTS;
	while (memory->second < second) {
		memory->second++;
		turn_slot(memory, &memory->wheel[memory->second % WHEEL_SLOTS], now);
	}
}

/*
 * Nobody finds them since they are out of the table, and who did before is done after
 * the grace period. One that is in the queue again is freed when it comes out.
 */
static void free_dead(struct memory *memory)
{
	struct record *record;

	if (!memory->dead)
		return;
	synchronize_rcu();
	while ((record = memory->dead)) {
		memory->dead = record->next_dead;
		if (atomic_load(&record->queued))
			continue;
		free(record);
		atomic_fetch_sub(&memory->count, 1);
	}
}

void memory_tick(struct memory *memory, int64_t now, memory_port_fn *port, void *data)
{
	rcu_read_lock();
	turn_wheel(memory, now);
	make_room(memory);
	take_queue(memory, port, data);
	rcu_read_unlock();
	free_dead(memory);
}

bool memory_has_unguarded(struct memory *memory)
{
	return !cds_list_empty(&memory->unguarded);
}

struct record *memory_unguarded(struct memory *memory)
{
	struct record *record;

	if (cds_list_empty(&memory->unguarded))
		return NULL;
	record = cds_list_first_entry(&memory->unguarded, struct record, unguarded);
	cds_list_del_init(&record->unguarded);
	return record;
}

void memory_put_back(struct memory *memory, struct record *record)
{
	cds_list_add_tail(&record->unguarded, &memory->unguarded);
}

void memory_unguard(struct memory *memory)
{
	struct cds_lfht_iter iter;
	struct cds_lfht_node *node;
	struct record *record;

	rcu_read_lock();
	cds_lfht_for_each(memory->table, &iter, node) {
		record = node_record(node);
		if (!record->rule)
			continue;
		/* Of the dead, too, that wait to be buried: their rules' numbers are others' soon */
		record->rule = 0;
		if (is_there(record))
			memory_put_back(memory, record);
	}
	rcu_read_unlock();
	memory->idle_count = 0;
}

uint32_t memory_idle_guard(struct memory *memory)
{
	return memory->idle_count ? memory->idle_guards[--memory->idle_count] : 0;
}

void memory_status(const struct memory *memory, struct memory_status *status)
{
	status->records = atomic_load(&memory->count);
	status->kept = atomic_load(&memory->kept);
	status->unremembered = atomic_load(&memory->unremembered);
}

static void kill_for_good(const struct record *record, void *data)
{
	kill_here(data, (struct record *)record);
}

static void no_port(const struct record *record, bool held, void *data)
{
	(void)record;
	(void)held;
	(void)data;
}

void memory_free(struct memory *memory)
{
	int i;

	memory_each(memory, kill_for_good, memory);
	for (i = 0; i < 2; i++)		/* the second time, what was in the queue again */
		memory_tick(memory, memory->second * 1000, no_port, NULL);
	cds_lfht_destroy(memory->table, NULL);
	free(memory->idle_guards);
	free(memory);
}

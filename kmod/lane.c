// SPDX-License-Identifier: GPL-2.0
/*
 * Lanes: deficit round robin over virtual networks and, inside of one, over clients,
 * so that a flood of questions waits behind itself. All under the queue's lock.
 *
 * What a turn costs is about the room that a question takes in a message. A turn may
 * overdraw, as no question costs more than a turn brings: who is first in a round can
 * always be served, and nothing is searched.
 */
#include <linux/hash.h>
#include <linux/jhash.h>
#include <linux/slab.h>

#include "hold.h"
#include "lane.h"
#include "namespace.h"
#include "punt.h"

#define REWIRE_LANE_COST	160		/* of a question, but for its header */
#define REWIRE_LANE_QUANTUM	(REWIRE_LANE_COST + REWIRE_PUNT_HEADER_MAX)

/* One turn of so many goes to the most suspicious, that they need not starve. */
#define REWIRE_LANE_MERCY	16

/* One turn of so many goes to new flows while others have to be decided again. */
#define REWIRE_LANE_NEW		4

/* Queued here, a virtual network may have so many whatever it has elsewhere. */
#define REWIRE_LANE_ROOM	8

/* Older ones had better leave their turn to the newest: they are about to end. */
#define REWIRE_LANE_LATE	(REWIRE_HOLD_TIME / 2)

static struct kmem_cache *rewire_lane_cache;

static struct hlist_head *rewire_lane_chain(struct rewire_punt_queue *queue, u32 vni)
{
	return &queue->lanes[hash_32(vni, REWIRE_PUNT_LANE_BITS)];
}

static struct rewire_lane *rewire_lane_find(struct rewire_punt_queue *queue, u32 vni,
					    enum rewire_turn kind)
{
	struct rewire_lane *lane;

	lockdep_assert_held(&queue->lock);
	hlist_for_each_entry(lane, rewire_lane_chain(queue, vni), node) {
		if (lane->vni == vni && lane->kind == kind)
			return lane;
	}
	return NULL;
}

static struct rewire_lane *rewire_lane_get(struct rewire_punt_queue *queue,
					   const struct rewire_hold *hold)
{
	u32 vni = rewire_key_vni(&hold->tuple.key);
	struct rewire_lane *lane = rewire_lane_find(queue, vni, hold->kind);

	if (lane)
		return lane;
	lane = kmem_cache_alloc(rewire_lane_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!lane)
		return NULL;
	lane->vni = vni;
	lane->kind = hold->kind;
	hlist_add_head(&lane->node, rewire_lane_chain(queue, vni));
	return lane;
}

static void rewire_lane_put(struct rewire_lane *lane)
{
	if (lane->queued || lane->asked)
		return;
	hlist_del(&lane->node);
	kmem_cache_free(rewire_lane_cache, lane);
}

/* Of two places take the shorter: few share it with one that floods. */
static struct rewire_client *rewire_lane_place(const struct rewire_punt_queue *queue,
					       struct rewire_lane *lane,
					       const struct rewire_hold *hold)
{
	const struct in6_addr *src = &hold->tuple.key.src;
	u32 hash = jhash2((const u32 *)src, sizeof(*src) / sizeof(u32), queue->ns->secret);
	struct rewire_client *clients = lane->client[hold->band];
	struct rewire_client *a = &clients[hash % REWIRE_LANE_CLIENTS];
	struct rewire_client *b = &clients[(hash >> 16) % REWIRE_LANE_CLIENTS];

	return a->queued <= b->queued ? a : b;
}

/**
 * rewire_lane_add() - queue a question
 * @queue: the queue of this CPU
 * @hold: what it is about; kind of turn and band are set
 *
 * Return: 0, or -ENOMEM.
 */
int rewire_lane_add(struct rewire_punt_queue *queue, struct rewire_hold *hold)
{
	struct rewire_round *round = &queue->round[hold->kind];
	struct rewire_lane *lane = rewire_lane_get(queue, hold);
	struct rewire_client *client;

	if (!lane)
		return -ENOMEM;
	client = rewire_lane_place(queue, lane, hold);
	hold->lane = lane;
	hold->client = client;
	if (!client->queued++) {
		client->deficit = REWIRE_LANE_QUANTUM;
		list_add_tail(&client->turn, &lane->band[hold->band]);
	}
	list_add_tail(&hold->turn, &client->holds);
	if (!lane->queued++) {
		lane->deficit = REWIRE_LANE_QUANTUM;
		list_add_tail(&lane->turn, lane->asked < REWIRE_LANE_SPARSE ? &round->sparse :
									      &round->lanes);
	}
	queue->queued++;
	return 0;
}

/* Take a hold out of its lane, which stays. */
static void rewire_lane_unlink(struct rewire_punt_queue *queue, struct rewire_hold *hold)
{
	lockdep_assert_held(&queue->lock);
	list_del_init(&hold->turn);
	if (!--hold->client->queued)
		list_del_init(&hold->client->turn);
	if (!--hold->lane->queued)
		list_del_init(&hold->lane->turn);
	queue->queued--;
}

/* A hold that is queued ends. */
void rewire_lane_remove(struct rewire_punt_queue *queue, struct rewire_hold *hold)
{
	rewire_lane_unlink(queue, hold);
	rewire_lane_put(hold->lane);
}

/* A hold that was asked about ends. */
void rewire_lane_answered(struct rewire_punt_queue *queue, struct rewire_hold *hold)
{
	lockdep_assert_held(&queue->lock);
	hold->lane->asked--;
	queue->asked--;
	rewire_lane_put(hold->lane);
}

/* The least suspicious first, but for mercy. */
static struct rewire_client *rewire_lane_client(struct rewire_lane *lane)
{
	bool mercy = !(++lane->turns % REWIRE_LANE_MERCY);
	int i, band;

	for (i = 0; i < REWIRE_LANE_BANDS; i++) {
		band = mercy ? REWIRE_LANE_BANDS - 1 - i : i;
		if (!list_empty(&lane->band[band]))
			break;
	}
	return list_first_entry(&lane->band[band], struct rewire_client, turn);
}

static struct rewire_hold *rewire_client_hold(struct rewire_client *client)
{
	struct rewire_hold *hold;

	hold = list_first_entry(&client->holds, struct rewire_hold, turn);
	if (time_after(jiffies, hold->since + REWIRE_LANE_LATE))
		hold = list_last_entry(&client->holds, struct rewire_hold, turn);
	return hold;
}

/* Its turn may be over: then it goes to the end of the round. */
static void rewire_lane_pay(struct rewire_round *round, struct rewire_lane *lane, int cost,
			    bool sparse)
{
	if (list_empty(&lane->turn))
		return;
	if (sparse) {
		if (lane->asked >= REWIRE_LANE_SPARSE)
			list_move_tail(&lane->turn, &round->lanes);
		return;
	}
	lane->deficit -= cost;
	if (lane->deficit > 0)
		return;
	lane->deficit += REWIRE_LANE_QUANTUM;
	list_move_tail(&lane->turn, &round->lanes);
}

/* The turn of the lane that is the first of a round. */
static struct rewire_hold *rewire_lane_serve(struct rewire_punt_queue *queue,
					     struct rewire_round *round, bool sparse)
{
	struct rewire_lane *lane = list_first_entry(sparse ? &round->sparse : &round->lanes,
						    struct rewire_lane, turn);
	struct rewire_client *client = rewire_lane_client(lane);
	struct rewire_hold *hold = rewire_client_hold(client);
	int cost = REWIRE_LANE_COST + hold->header_length;

	rewire_lane_unlink(queue, hold);
	lane->asked++;
	queue->asked++;
	client->deficit -= cost;
	if (client->deficit <= 0 && !list_empty(&client->turn)) {
		client->deficit += REWIRE_LANE_QUANTUM;
		list_move_tail(&client->turn, &lane->band[hold->band]);
	}
	rewire_lane_pay(round, lane, cost, sparse);
	return hold;
}

static bool rewire_round_empty(const struct rewire_round *round)
{
	return list_empty(&round->sparse) && list_empty(&round->lanes);
}

/* Return: whether there is a lane that need not wait. */
bool rewire_lane_sparse(const struct rewire_punt_queue *queue)
{
	return !list_empty(&queue->round[REWIRE_TURN_AGAIN].sparse) ||
	       !list_empty(&queue->round[REWIRE_TURN_NEW].sparse);
}

/**
 * rewire_lane_next() - take out whose turn it is
 * @queue: the queue
 * @sparse: of lanes that need not wait only
 *
 * What has to be decided again goes before what is new, three times of four.
 * Return: a hold, or NULL if there is none, or too many are asked already.
 */
struct rewire_hold *rewire_lane_next(struct rewire_punt_queue *queue, bool sparse)
{
	enum rewire_turn kind = REWIRE_TURN_AGAIN;
	struct rewire_round *round;
	int i;

	lockdep_assert_held(&queue->lock);
	if (rewire_round_empty(&queue->round[REWIRE_TURN_AGAIN]) ||
	    !(++queue->turns % REWIRE_LANE_NEW))
		kind = REWIRE_TURN_NEW;
	for (i = 0; i < REWIRE_TURNS; i++, kind = REWIRE_TURNS - 1 - kind) {
		round = &queue->round[kind];
		if (!list_empty(&round->sparse) &&
		    queue->asked < queue->window.size + REWIRE_PUNT_SPARSE)
			return rewire_lane_serve(queue, round, true);
		if (!sparse && !list_empty(&round->lanes) && queue->asked < queue->window.size)
			return rewire_lane_serve(queue, round, false);
	}
	return NULL;
}

/* The oldest of the client that has the most of the most suspicious. */
static struct rewire_hold *rewire_lane_worst(struct rewire_lane *lane)
{
	struct rewire_client *client, *most;
	int band = REWIRE_LANE_BANDS - 1;

	while (list_empty(&lane->band[band]))
		band--;
	most = list_first_entry(&lane->band[band], struct rewire_client, turn);
	list_for_each_entry(client, &lane->band[band], turn) {
		if (client->queued > most->queued)
			most = client;
	}
	return list_first_entry(&most->holds, struct rewire_hold, turn);
}

/**
 * rewire_lane_victim() - whom a virtual network loses that has too many
 * @queue: the queue of this CPU
 * @hold: the one that comes, not yet in its lane
 *
 * The most suspicious goes, and of these the oldest of the client that has most
 * queued. A flow that is decided again stays.
 * Return: a hold of the same virtual network, @hold itself, or NULL if nothing has
 * to go, because nearly all that it has is queued elsewhere.
 */
struct rewire_hold *rewire_lane_victim(struct rewire_punt_queue *queue,
				       struct rewire_hold *hold)
{
	struct rewire_lane *lane = rewire_lane_find(queue, rewire_key_vni(&hold->tuple.key),
						    REWIRE_TURN_NEW);
	struct rewire_hold *worst;

	if (!lane || lane->queued < REWIRE_LANE_ROOM)
		return NULL;
	worst = rewire_lane_worst(lane);
	if (hold->kind == REWIRE_TURN_NEW && hold->band > worst->band)
		return hold;
	return worst;
}

static void rewire_lane_construct(void *object)
{
	struct rewire_lane *lane = object;
	unsigned int band, i;

	memset(lane, 0, sizeof(*lane));
	INIT_LIST_HEAD(&lane->turn);
	for (band = 0; band < REWIRE_LANE_BANDS; band++) {
		INIT_LIST_HEAD(&lane->band[band]);
		for (i = 0; i < REWIRE_LANE_CLIENTS; i++) {
			INIT_LIST_HEAD(&lane->client[band][i].turn);
			INIT_LIST_HEAD(&lane->client[band][i].holds);
		}
	}
}

int rewire_lane_cache_create(void)
{
	rewire_lane_cache = kmem_cache_create("rewire_lane", sizeof(struct rewire_lane), 0,
					      SLAB_ACCOUNT, rewire_lane_construct);
	return rewire_lane_cache ? 0 : -ENOMEM;
}

void rewire_lane_cache_destroy(void)
{
	kmem_cache_destroy(rewire_lane_cache);
}

/* SPDX-License-Identifier: GPL-2.0 */
/* Fair queueing of questions: virtual networks take turns, and clients in them. */
#ifndef REWIRE_LANE_H
#define REWIRE_LANE_H

#include <linux/list.h>
#include <linux/types.h>

struct rewire_hold;
struct rewire_punt_queue;

#define REWIRE_LANE_BANDS	4
#define REWIRE_LANE_CLIENTS	32

/* Of a virtual network with fewer at the daemon, and none waiting, one need not wait. */
#define REWIRE_LANE_SPARSE	4U

/**
 * enum rewire_turn - questions of two kinds, which take turns
 * @REWIRE_TURN_AGAIN: about flows that were there, such as of a target that was
 *	taken down
 * @REWIRE_TURN_NEW: about flows that are new
 * @REWIRE_TURNS: how many kinds
 */
enum rewire_turn {
	REWIRE_TURN_AGAIN,
	REWIRE_TURN_NEW,
	REWIRE_TURNS,
};

/**
 * struct rewire_client - those of a lane whose sources have one hash
 * @turn: in its band's round while it has holds
 * @holds: oldest first
 * @deficit: what is left of its turn
 * @queued: holds
 */
struct rewire_client {
	struct list_head turn;
	struct list_head holds;
	int deficit;
	unsigned int queued;
};

/**
 * struct rewire_lane - the questions of a virtual network, of one kind and CPU
 * @node: in its queue's table
 * @vni: the virtual network
 * @kind: of question
 * @turn: in one of its queue's rounds while it has something queued
 * @deficit: what is left of its turn
 * @queued: holds in it
 * @asked: holds of it that the daemon was asked about
 * @turns: so many had their turn
 * @band: clients with holds, by how suspicious these are
 * @client: by band
 *
 * There is one while something is queued or asked. Then its lists are as they were
 * made, so none has to be cleared. Protected by its queue's lock.
 */
struct rewire_lane {
	struct hlist_node node;
	u32 vni;
	enum rewire_turn kind;
	struct list_head turn;
	int deficit;
	unsigned int queued;
	unsigned int asked;
	unsigned int turns;
	struct list_head band[REWIRE_LANE_BANDS];
	struct rewire_client client[REWIRE_LANE_BANDS][REWIRE_LANE_CLIENTS];
};

/**
 * struct rewire_round - lanes of one kind, which take turns
 * @sparse: lanes of which next to nothing was there when they came; these go first,
 *	and need not wait until others are answered
 * @lanes: all others
 */
struct rewire_round {
	struct list_head sparse;
	struct list_head lanes;
};

int rewire_lane_add(struct rewire_punt_queue *queue, struct rewire_hold *hold);
void rewire_lane_remove(struct rewire_punt_queue *queue, struct rewire_hold *hold);
bool rewire_lane_sparse(const struct rewire_punt_queue *queue);
struct rewire_hold *rewire_lane_next(struct rewire_punt_queue *queue, bool sparse);
void rewire_lane_answered(struct rewire_punt_queue *queue, struct rewire_hold *hold);
struct rewire_hold *rewire_lane_victim(struct rewire_punt_queue *queue,
				       struct rewire_hold *hold);
int rewire_lane_cache_create(void);
void rewire_lane_cache_destroy(void);

#endif /* REWIRE_LANE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* Questions to the daemon. */
#ifndef REWIRE_PUNT_H
#define REWIRE_PUNT_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "lane.h"
#include "window.h"

struct rewire_hold;
struct rewire_net;

#define REWIRE_PUNT_BATCH	32

/* Beyond the window are at most so many, of virtual networks that have next to none. */
#define REWIRE_PUNT_SPARSE	32U

#define REWIRE_PUNT_LANE_BITS	7

/**
 * struct rewire_punt_queue - the holds that one CPU has made
 * @ns: the namespace
 * @cpu: the CPU
 * @lock: protects all lists and lanes, and with them the holds' lives
 * @holds: all of them, oldest first
 * @round: lanes of holds that are queued, by kind
 * @ready: holds whose turn has come, but nobody could be asked; first to go first
 * @waiting: holds whose punt is sent, oldest first
 * @lanes: those of @round, and those of which something is asked, by virtual network
 * @queued: holds in lanes
 * @asked: holds in @ready and @waiting
 * @turns: times that two kinds competed
 * @window: bounds @asked
 * @send: sends the punts that nobody else sends
 *
 * A socket that is full costs nothing but time: its punts stay ready until it
 * has room, or until they time out.
 */
struct rewire_punt_queue {
	struct rewire_net *ns;
	int cpu;
	spinlock_t lock;	/* all that follows */
	struct list_head holds;
	struct rewire_round round[REWIRE_TURNS];
	struct list_head ready;
	struct list_head waiting;
	struct hlist_head lanes[1 << REWIRE_PUNT_LANE_BITS];
	unsigned int queued;
	unsigned int asked;
	unsigned int turns;
	struct rewire_window window;
	struct delayed_work send;
};

int rewire_punt_init(struct rewire_net *ns);
void rewire_punt_exit(struct rewire_net *ns);
int rewire_punt_add(struct rewire_punt_queue *queue, struct rewire_hold *hold);
void rewire_punt_leave(struct rewire_punt_queue *queue, struct rewire_hold *hold);
void rewire_punt_answered(struct rewire_punt_queue *queue, struct rewire_hold *hold);
bool rewire_punt_due(struct rewire_punt_queue *queue);
void rewire_punt_later(struct rewire_punt_queue *queue);
bool rewire_punt_send(struct rewire_punt_queue *queue);
void rewire_punt_go_on(struct rewire_net *ns);
void rewire_punt_send_again(struct rewire_net *ns);
int rewire_punt_fill_gauges(struct sk_buff *skb, struct rewire_net *ns);
size_t rewire_punt_size(const struct rewire_hold *hold);
int rewire_punt_fill(struct sk_buff *skb, const struct rewire_hold *hold);

#endif /* REWIRE_PUNT_H */

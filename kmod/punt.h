/* SPDX-License-Identifier: GPL-2.0 */
/* Questions to the daemon. */
#ifndef REWIRE_PUNT_H
#define REWIRE_PUNT_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

struct rewire_hold;
struct rewire_net;

#define REWIRE_PUNT_BATCH	32
#define REWIRE_HANDLERS_MAX	64U

/**
 * struct rewire_handlers - the sockets that listen for punts
 * @rcu: for the grace period before it is freed
 * @count: of @portid
 * @portid: netlink port identifiers
 */
struct rewire_handlers {
	struct rcu_head rcu;
	unsigned int count;
	u32 portid[];
};

/**
 * struct rewire_punt_queue - the holds that one CPU has made
 * @ns: the namespace
 * @cpu: the CPU
 * @lock: protects both lists, and with them the holds' lives
 * @queued: holds whose punt has to be sent, oldest first
 * @waiting: holds whose punt was sent, oldest first
 * @send: sends the punts
 *
 * A socket that is full costs nothing but time: its punts stay queued until it
 * has room, or until they time out.
 */
struct rewire_punt_queue {
	struct rewire_net *ns;
	int cpu;
	spinlock_t lock;	/* both lists */
	struct list_head queued;
	struct list_head waiting;
	struct delayed_work send;
};

int rewire_punt_init(struct rewire_net *ns);
void rewire_punt_exit(struct rewire_net *ns);
void rewire_punt_kick(struct rewire_punt_queue *queue);
unsigned int rewire_punt_handlers(struct rewire_net *ns);
int rewire_punt_notifier_register(void);
void rewire_punt_notifier_unregister(void);

#endif /* REWIRE_PUNT_H */

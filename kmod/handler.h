/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets that listen for punts. */
#ifndef REWIRE_HANDLER_H
#define REWIRE_HANDLER_H

#include <linux/rcupdate.h>
#include <linux/types.h>

struct rewire_net;

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

void rewire_handlers_init(struct rewire_net *ns);
void rewire_handlers_exit(struct rewire_net *ns);
unsigned int rewire_handlers_count(struct rewire_net *ns);
bool rewire_handlers_hear(struct rewire_net *ns, u32 vni);
int rewire_handlers_notifier_register(void);
void rewire_handlers_notifier_unregister(void);

#endif /* REWIRE_HANDLER_H */

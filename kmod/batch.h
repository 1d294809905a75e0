/* SPDX-License-Identifier: GPL-2.0 */
/* Packets that go their way together, so that none waits for memory by itself. */
#ifndef REWIRE_BATCH_H
#define REWIRE_BATCH_H

#include <linux/skbuff.h>

struct rewire_net;
struct rewire_packet;

int rewire_batch_init(void);
void rewire_batch_exit(void);
void rewire_batch_look(struct rewire_net *ns);
bool rewire_batch_takes(struct rewire_net *ns, struct sk_buff *skb);
struct rewire_packet *rewire_batch_room(void);
void rewire_batch_add(struct rewire_net *ns, struct sk_buff *skb);
void rewire_batch_go(void);
void rewire_batch_wait(void);

#endif /* REWIRE_BATCH_H */

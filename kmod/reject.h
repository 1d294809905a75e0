/* SPDX-License-Identifier: GPL-2.0 */
/* What senders of packets that a verdict drops are told. */
#ifndef REWIRE_REJECT_H
#define REWIRE_REJECT_H

#include <linux/types.h>
#include <uapi/linux/rewire.h>

struct rewire_net;
struct sk_buff;

void rewire_reject(struct rewire_net *ns, struct sk_buff *skb, u32 vni, int ifindex,
		   enum rewire_reject how);

#endif /* REWIRE_REJECT_H */

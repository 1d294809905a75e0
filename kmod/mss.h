/* SPDX-License-Identifier: GPL-2.0 */
/* Clamping of TCP's maximum segment size. */
#ifndef REWIRE_MSS_H
#define REWIRE_MSS_H

#include <linux/types.h>

struct rewire_packet;
struct sk_buff;

void rewire_mss_clamp(struct sk_buff *skb, const struct rewire_packet *packet, u16 most,
		      unsigned int mtu);

#endif /* REWIRE_MSS_H */

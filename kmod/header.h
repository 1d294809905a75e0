/* SPDX-License-Identifier: GPL-2.0 */
/* What is unexpected in a packet's headers, though it is legal. */
#ifndef REWIRE_HEADER_H
#define REWIRE_HEADER_H

#include "packet.h"

void rewire_header_values(const struct sk_buff *skb, const struct rewire_packet *packet,
			  u8 *values);

#endif /* REWIRE_HEADER_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * Copies: one packet in, several out, each with an output of its own. They share
 * the packet's data; what rewriting touches is made their own by the output. A copy
 * is not looked up again, so copies make no copies.
 */
#include <linux/netfilter.h>
#include <linux/skbuff.h>

#include "extension.h"
#include "hold.h"
#include "namespace.h"
#include "output.h"
#include "packet.h"

/**
 * rewire_copies_send() - send the copies of a packet
 * @ns: the namespace
 * @skb: the packet, which stays the caller's, as it came
 * @packet: what the parser says of it
 * @extension: of its flow
 *
 * Context: RCU read side, bottom halves disabled.
 */
void rewire_copies_send(struct rewire_net *ns, struct sk_buff *skb,
			const struct rewire_packet *packet,
			const struct rewire_flow_extension *extension)
{
	struct rewire_packet mute = *packet;
	struct sk_buff *clone;
	unsigned int i;

	mute.mute = true;	/* an error is about the packet, not about each copy */
	for (i = 0; i < extension->copies; i++) {
		this_cpu_inc(ns->stats->copied);
		clone = skb_clone(skb, GFP_ATOMIC);
		if (!clone) {
			this_cpu_inc(ns->stats->reason[REWIRE_REASON_DROP_MEMORY]);
			continue;
		}
		if (rewire_output(ns, clone, &mute, extension->copy[i], REWIRE_ORIG) ==
		    NF_ACCEPT)
			rewire_hold_continue(ns, clone, packet->ifindex);
	}
}

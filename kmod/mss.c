// SPDX-License-Identifier: GPL-2.0
/*
 * Clamping of TCP's maximum segment size (RFC 9293, 3.7.1): the option of a SYN, in
 * both directions, is lowered to what crosses without fragments. It is never
 * raised, and not added where there is none.
 */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <net/checksum.h>
#include <net/tcp.h>

#include "mss.h"
#include "packet.h"

/* Options may begin at any byte. */
static u16 rewire_mss_read(const u8 *option)
{
	return option[2] << 8 | option[3];
}

static void rewire_mss_write(struct sk_buff *skb, struct tcphdr *tcp, u8 *option, u16 mss)
{
	u16 old = rewire_mss_read(option);

	option[2] = mss >> 8;
	option[3] = mss & 0xff;
	/* A value that lies across two words of the checksum counts with its bytes swapped. */
	if ((option - (u8 *)tcp) & 1) {
		old = swab16(old);
		mss = swab16(mss);
	}
	inet_proto_csum_replace2(&tcp->check, skb, htons(old), htons(mss), false);
}

/**
 * rewire_mss_clamp() - lower a SYN's maximum segment size
 * @skb: the packet; writable up to packet->header
 * @packet: what the parser says of it: TCP, with SYN
 * @most: the largest that passes, or REWIRE_MSS_MTU
 * @mtu: of the way, in both directions
 */
void rewire_mss_clamp(struct sk_buff *skb, const struct rewire_packet *packet, u16 most,
		      unsigned int mtu)
{
	struct tcphdr *tcp = (struct tcphdr *)(skb->data + packet->transport);
	unsigned int headers = sizeof(*tcp);
	u8 *option = rewire_tcp_option(tcp, TCPOPT_MSS, TCPOLEN_MSS);

	if (!option)
		return;
	headers += rewire_key_is_ipv4(&packet->key) ? sizeof(struct iphdr) :
						      sizeof(struct ipv6hdr);
	if (most == REWIRE_MSS_MTU) {
		if (mtu <= headers)
			return;
		most = min_t(unsigned int, mtu - headers, U16_MAX);
	}
	if (rewire_mss_read(option) > most)
		rewire_mss_write(skb, tcp, option, most);
}

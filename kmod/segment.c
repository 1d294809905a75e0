// SPDX-License-Identifier: GPL-2.0
/* TCP headers and their options. */
#include <linux/minmax.h>
#include <linux/tcp.h>
#include <net/tcp.h>

#include "segment.h"

/* Offset of the flags in a TCP header (RFC 9293, 3.1). */
#define REWIRE_TCP_FLAGS	13

/**
 * rewire_tcp_option() - find an option
 * @tcp: the header, all of it is there
 * @kind: of the option
 * @length: of the option, as it has to be
 *
 * Return: the option, or NULL if there is none or what comes before it is broken.
 */
u8 *rewire_tcp_option(struct tcphdr *tcp, u8 kind, u8 length)
{
	u8 *option = (u8 *)(tcp + 1), *end = (u8 *)tcp + tcp->doff * 4;

	while (option < end && *option != TCPOPT_EOL) {
		if (*option == TCPOPT_NOP) {
			option++;
			continue;
		}
		if (end - option < 2 || option[1] < 2 || option[1] > end - option)
			return NULL;
		if (*option == kind)
			return option[1] == length ? option : NULL;
		option += option[1];
	}
	return NULL;
}

static u8 rewire_segment_scale(const struct tcphdr *tcp)
{
	const u8 *option = rewire_tcp_option((struct tcphdr *)tcp, TCPOPT_WINDOW,
					     TCPOLEN_WINDOW);

	return option ? min_t(u8, option[2], REWIRE_SCALE_MAX) : REWIRE_SCALE_NONE;
}

/**
 * rewire_segment_read() - read a TCP header
 * @segment: to fill
 * @tcp: the header; of a SYN, its options have to be there
 * @bytes: of payload
 */
void rewire_segment_read(struct rewire_segment *segment, const struct tcphdr *tcp,
			 unsigned int bytes)
{
	segment->seq = ntohl(tcp->seq);
	segment->ack = ntohl(tcp->ack_seq);
	segment->length = bytes + tcp->syn + tcp->fin;
	segment->window = ntohs(tcp->window);
	segment->flags = ((const u8 *)tcp)[REWIRE_TCP_FLAGS];
	segment->scale = tcp->syn ? rewire_segment_scale(tcp) : REWIRE_SCALE_UNKNOWN;
}

/* SPDX-License-Identifier: GPL-2.0 */
/* What a TCP segment's header says. */
#ifndef REWIRE_SEGMENT_H
#define REWIRE_SEGMENT_H

#include <linux/bits.h>
#include <linux/types.h>

struct tcphdr;

/* Byte 13 of a TCP header (RFC 9293, 3.1) */
#define REWIRE_TCP_FIN	BIT(0)
#define REWIRE_TCP_SYN	BIT(1)
#define REWIRE_TCP_RST	BIT(2)
#define REWIRE_TCP_ACK	BIT(4)

/* A window scale is at most 14 (RFC 7323, 2.3). */
#define REWIRE_SCALE_MAX	14
#define REWIRE_SCALE_NONE	0xfe	/* a SYN had no such option */
#define REWIRE_SCALE_UNKNOWN	0xff	/* no SYN was seen */

/**
 * struct rewire_segment - a TCP segment, in host byte order
 * @seq: sequence number
 * @ack: acknowledgment number, when the ACK flag is set
 * @length: sequence numbers that it takes up: bytes, SYN and FIN; of a packet
 *	    that is still to be segmented, all of them
 * @window: as advertised, not scaled
 * @flags: byte 13 of the header
 * @scale: of a SYN, its window scale or REWIRE_SCALE_NONE
 */
struct rewire_segment {
	u32 seq;
	u32 ack;
	u32 length;
	u16 window;
	u8 flags;
	u8 scale;
};

/* Whether it asks for a new connection. */
static inline bool rewire_segment_opens(const struct rewire_segment *segment)
{
	return (segment->flags & (REWIRE_TCP_SYN | REWIRE_TCP_ACK | REWIRE_TCP_RST |
				  REWIRE_TCP_FIN)) == REWIRE_TCP_SYN;
}

void rewire_segment_read(struct rewire_segment *segment, const struct tcphdr *tcp,
			 unsigned int bytes);
u8 *rewire_tcp_option(struct tcphdr *tcp, u8 kind, u8 length);

#endif /* REWIRE_SEGMENT_H */

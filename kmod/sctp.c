// SPDX-License-Identifier: GPL-2.0
/*
 * SCTP's checksum (RFC 9260, appendix A): a CRC, which is linear. What rewriting the
 * ports adds to it follows from what changed and how many bytes come after, so the
 * packet is not read, and one that was damaged on its way stays so.
 */
#include <linux/bits.h>

#include "transport.h"

/* Polynomials have their lowest power in the highest bit, as the checksum has. */
#define REWIRE_CRC32C		0x82f63b78
#define REWIRE_CRC32C_BYTE	BIT(31 - 8)	/* x^8: moves on by a byte */

static u32 rewire_crc_multiply(u32 a, u32 b)
{
	u32 product = 0;

	for (; a; a <<= 1) {
		if (a & BIT(31))
			product ^= b;
		b = b >> 1 ^ (b & 1 ? REWIRE_CRC32C : 0);
	}
	return product;
}

/* Move on by so many bytes that are zero. */
static u32 rewire_crc_shift(u32 crc, unsigned int bytes)
{
	u32 power = REWIRE_CRC32C_BYTE;

	for (; bytes; bytes >>= 1) {
		if (bytes & 1)
			crc = rewire_crc_multiply(crc, power);
		power = rewire_crc_multiply(power, power);
	}
	return crc;
}

/**
 * rewire_sctp_check() - the checksum after the first word of a packet has changed
 * @check: before
 * @old: the first word before, both ports
 * @new: the first word after
 * @length: of the packet, from its SCTP header on
 */
__le32 rewire_sctp_check(__le32 check, __be32 old, __be32 new, unsigned int length)
{
	u32 change = le32_to_cpu((__force __le32)(old ^ new));

	return check ^ cpu_to_le32(rewire_crc_shift(change, length));
}

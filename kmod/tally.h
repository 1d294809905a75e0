/* SPDX-License-Identifier: GPL-2.0 */
/* Packets and bytes, counted by one atomic addition. */
#ifndef REWIRE_TALLY_H
#define REWIRE_TALLY_H

#include <linux/atomic.h>
#include <linux/bits.h>

/* Below the bytes there is room for so many bits of packets. */
#define REWIRE_TALLY_SHIFT	24
/* Bits whose changes are counted: the highest of the packets, and of the bytes. */
#define REWIRE_TALLY_PACKETS	BIT_ULL(REWIRE_TALLY_SHIFT - 1)
#define REWIRE_TALLY_BYTES	BIT_ULL(63)
/* The most packets that can be told. */
#define REWIRE_TALLY_MAX	((1ULL << 32) * REWIRE_TALLY_PACKETS - 1)

/**
 * struct rewire_tally - how many packets and bytes there were
 * @sum: bytes << REWIRE_TALLY_SHIFT plus packets, of which the lowest 64 bits
 * @packets: how often bit REWIRE_TALLY_PACKETS of the sum has changed
 * @bytes: how often bit REWIRE_TALLY_BYTES has
 *
 * Whose addition changes one of these bits counts that. Until he has, the count is odd and the
 * bit is not set, or the other way round: so a reader knows, as long as the bit does not
 * change once more meanwhile, by eight million packets or 512 GiB. If it does, what he reads is too
 * little until it is counted.
 *
 * After REWIRE_TALLY_MAX packets, both begin anew.
 */
struct rewire_tally {
	atomic64_t sum;
	atomic_t packets;
	atomic_t bytes;
};

static_assert(sizeof(struct rewire_tally) == 16);

/* Bytes of one packet, or super-packet: less than 2^39. */
static inline void rewire_tally_add(struct rewire_tally *tally, unsigned int bytes)
{
	u64 one = ((u64)bytes << REWIRE_TALLY_SHIFT) + 1;
	u64 sum = atomic64_add_return_relaxed(one, &tally->sum);
	u64 changed = sum ^ (sum - one);

	if (likely(!(changed & (REWIRE_TALLY_PACKETS | REWIRE_TALLY_BYTES))))
		return;
	smp_mb__before_atomic();	/* pairs with smp_rmb(): what is counted is in the sum */
	if (changed & REWIRE_TALLY_PACKETS)
		atomic_inc(&tally->packets);
	if (changed & REWIRE_TALLY_BYTES)
		atomic_inc(&tally->bytes);
}

/* How often a bit of the sum has changed, with the change that is not counted yet. */
static inline u64 rewire_tally_changes(u32 counted, u64 sum, u64 bit)
{
	return (u64)counted + ((counted & 1) != !!(sum & bit));
}

/* What is above the packets' bits of the sum are the bytes and what the packets have carried. */
static inline void rewire_tally_read(const struct rewire_tally *tally, u64 *packets, u64 *bytes)
{
	u32 packets_counted = atomic_read(&tally->packets);
	u32 bytes_counted = atomic_read(&tally->bytes);
	u64 sum;

	smp_rmb();	/* pairs with smp_mb__before_atomic() */
	sum = atomic64_read(&tally->sum);
	*packets = rewire_tally_changes(packets_counted, sum, REWIRE_TALLY_PACKETS) *
		   REWIRE_TALLY_PACKETS + (sum & (REWIRE_TALLY_PACKETS - 1));
	*bytes = rewire_tally_changes(bytes_counted, sum, REWIRE_TALLY_BYTES) *
		 (REWIRE_TALLY_BYTES >> REWIRE_TALLY_SHIFT) +
		 ((sum & (REWIRE_TALLY_BYTES - 1)) >> REWIRE_TALLY_SHIFT) -
		 (*packets >> REWIRE_TALLY_SHIFT);
}

/* Of a tally that nobody else knows yet; no more packets than REWIRE_TALLY_MAX. */
static inline void rewire_tally_set(struct rewire_tally *tally, u64 packets, u64 bytes)
{
	u64 low = bytes & ((REWIRE_TALLY_BYTES >> REWIRE_TALLY_SHIFT) - 1);

	low = (low << REWIRE_TALLY_SHIFT) + packets;
	atomic64_set(&tally->sum, (bytes << REWIRE_TALLY_SHIFT) + packets);
	atomic_set(&tally->packets, packets / REWIRE_TALLY_PACKETS);
	atomic_set(&tally->bytes, (bytes / (REWIRE_TALLY_BYTES >> REWIRE_TALLY_SHIFT)) +
				  !!(low & REWIRE_TALLY_BYTES));
}

#endif /* REWIRE_TALLY_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* The key of one direction of a flow. */
#ifndef REWIRE_KEY_H
#define REWIRE_KEY_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/string.h>
#include <net/ipv6.h>

/**
 * struct rewire_key - what tells the packets of one direction of a flow
 * @src: source; IPv4 addresses are IPv4-mapped, which no IPv6 packet may carry,
 *	 so the address family is part of the key
 * @dst: destination, likewise
 * @sport: source port; the identifier of an ICMP echo request
 * @dport: destination port; the identifier of an ICMP echo reply
 * @network: virtual network identifier and, in the low 8 bits, the protocol
 *
 * Has no padding: it is hashed and compared as a whole.
 */
struct rewire_key {
	struct in6_addr src;
	struct in6_addr dst;
	__be16 sport;
	__be16 dport;
	u32 network;
} __aligned(8);

static_assert(sizeof(struct rewire_key) == 40);

static inline u32 rewire_key_network(u32 vni, u8 protocol)
{
	return vni << 8 | protocol;
}

static inline u32 rewire_key_vni(const struct rewire_key *key)
{
	return key->network >> 8;
}

static inline u8 rewire_key_protocol(const struct rewire_key *key)
{
	return key->network & 0xff;
}

static inline bool rewire_key_is_ipv4(const struct rewire_key *key)
{
	return ipv6_addr_v4mapped(&key->dst);
}

static inline bool rewire_key_equal(const struct rewire_key *a,
				    const struct rewire_key *b)
{
	const u64 *x = (const u64 *)a, *y = (const u64 *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) |
		 (x[3] ^ y[3]) | (x[4] ^ y[4]));
}

#endif /* REWIRE_KEY_H */

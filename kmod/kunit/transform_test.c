// SPDX-License-Identifier: GPL-2.0
/* Tests of the rewriting of checksums: each against one that is computed anew. */
#include <kunit/test.h>
#include <linux/prandom.h>
#include <net/ip6_checksum.h>

#include "../sctp.c"
#include "../transform.c"

#define ROUNDS	2000
#define BYTES	64U

/**
 * struct example - a transport header with data, on its way through a flow
 * @random: where all of it comes from
 * @flow: with keys and deltas
 * @data: header and payload
 * @length: of @data
 * @protocol: of the flow
 */
struct example {
	struct rnd_state random;
	struct rewire_flow *flow;
	u8 data[BYTES];
	unsigned int length;
	u8 protocol;
};

static void random_address(struct example *example, bool ipv4, struct in6_addr *address)
{
	if (ipv4)
		ipv6_addr_set_v4mapped((__force __be32)prandom_u32_state(&example->random),
				       address);
	else
		prandom_bytes_state(&example->random, address, sizeof(*address));
}

static void random_key(struct example *example, bool ipv4, struct rewire_key *key)
{
	random_address(example, ipv4, &key->src);
	random_address(example, ipv4, &key->dst);
	key->sport = (__force __be16)prandom_u32_state(&example->random);
	key->dport = (__force __be16)prandom_u32_state(&example->random);
	if (rewire_protocol_is_icmp(example->protocol))
		key->dport = 0;
	key->network = rewire_key_network(5, example->protocol);
}

/* Ports, or an identifier, as a direction's packets have them; data by chance. */
static void make_example(struct example *example, bool ipv4)
{
	struct rewire_key *orig = &example->flow->tuple[REWIRE_ORIG].key;
	struct rewire_key *reply = &example->flow->tuple[REWIRE_REPLY].key;

	random_key(example, ipv4, orig);
	random_key(example, ipv4, reply);
	if (rewire_protocol_is_icmp(example->protocol))
		swap(reply->sport, reply->dport);
	rewire_transform_prepare(example->flow);

	example->length = 24 + prandom_u32_state(&example->random) % (BYTES - 24);
	prandom_bytes_state(&example->random, example->data, example->length);
	if (rewire_protocol_is_icmp(example->protocol)) {
		((struct icmphdr *)example->data)->un.echo.id = orig->sport;
	} else {
		((struct udphdr *)example->data)->source = orig->sport;
		((struct udphdr *)example->data)->dest = orig->dport;
	}
}

/* The checksum over all of it, between two ends, as who sends it computes it. */
static __sum16 whole_sum(const struct example *example, const struct in6_addr *src,
			 const struct in6_addr *dst, bool ipv4)
{
	__wsum sum = csum_partial(example->data, example->length, 0);

	if (example->protocol == IPPROTO_ICMP)
		return csum_fold(sum);
	if (ipv4)
		return csum_tcpudp_magic(src->s6_addr32[3], dst->s6_addr32[3],
					 example->length, example->protocol, sum);
	return csum_ipv6_magic(src, dst, example->length, example->protocol, sum);
}

static __sum16 *check_of(struct example *example)
{
	return (__sum16 *)(example->data + rewire_check_offset(example->protocol));
}

static void rewrite(struct example *example, bool partial)
{
	const struct rewire_key *reply = &example->flow->tuple[REWIRE_REPLY].key;
	const struct rewire_transport transport = {
		.header = example->data,
		.size = example->length,
		.length = example->length,
		.partial = partial,
	};

	rewire_transport_rewrite(&transport, &example->flow->tuple[REWIRE_ORIG],
				 reply->dport, reply->sport);
}

/* 0 and 0xffff are the same sum. */
static u16 canonical(__sum16 check)
{
	return check == CSUM_MANGLED_0 ? 0 : (__force u16)check;
}

static void check_sums(struct kunit *test, u8 protocol, bool ipv4)
{
	struct example *example = kunit_kzalloc(test, sizeof(*example), GFP_KERNEL);
	const struct rewire_key *orig, *reply;
	__sum16 got;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, example);
	example->flow = kunit_kzalloc(test, sizeof(*example->flow), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, example->flow);
	prandom_seed_state(&example->random, 4711 + protocol + ipv4);
	example->protocol = protocol;
	orig = &example->flow->tuple[REWIRE_ORIG].key;
	reply = &example->flow->tuple[REWIRE_REPLY].key;

	for (i = 0; i < ROUNDS; i++) {
		make_example(example, ipv4);
		*check_of(example) = 0;
		*check_of(example) = whole_sum(example, &orig->src, &orig->dst, ipv4);
		if (protocol == IPPROTO_UDP && !*check_of(example))
			*check_of(example) = CSUM_MANGLED_0;
		rewrite(example, false);
		got = *check_of(example);
		*check_of(example) = 0;
		KUNIT_ASSERT_EQ_MSG(test, canonical(got),
				    canonical(whole_sum(example, &reply->dst, &reply->src, ipv4)),
				    "round %d", i);
	}
}

/* RFC 1624, for each protocol and family that has such a sum */
static void transform_tcp(struct kunit *test)
{
	check_sums(test, IPPROTO_TCP, true);
	check_sums(test, IPPROTO_TCP, false);
}

static void transform_udp(struct kunit *test)
{
	check_sums(test, IPPROTO_UDP, true);
	check_sums(test, IPPROTO_UDP, false);
}

static void transform_echo(struct kunit *test)
{
	check_sums(test, IPPROTO_ICMP, true);
	check_sums(test, IPPROTO_ICMPV6, false);
}

/* RFC 768: none stays none, and a sum of 0 is never sent. */
static void transform_udp_zero(struct kunit *test)
{
	struct example *example = kunit_kzalloc(test, sizeof(*example), GFP_KERNEL);
	__be16 delta;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, example);
	example->flow = kunit_kzalloc(test, sizeof(*example->flow), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, example->flow);
	prandom_seed_state(&example->random, 768);
	example->protocol = IPPROTO_UDP;
	for (i = 0; i < ROUNDS; i++) {
		make_example(example, true);
		*check_of(example) = 0;
		rewrite(example, false);
		KUNIT_ASSERT_EQ(test, (__force u16)*check_of(example), 0);

		/* The sum that becomes 0 by this very change */
		delta = csum16_add((__force __sum16)example->flow->tuple[REWIRE_ORIG].address_delta,
				   example->flow->tuple[REWIRE_ORIG].port_delta);
		*check_of(example) = (__force __sum16)delta;
		if (!*check_of(example))
			continue;
		rewrite(example, false);
		KUNIT_ASSERT_EQ(test, (__force u16)*check_of(example), 0xffff);
	}
}

/* A sum that is still to be finished covers the pseudo header alone. */
static void transform_partial(struct kunit *test)
{
	struct example *example = kunit_kzalloc(test, sizeof(*example), GFP_KERNEL);
	const struct rewire_key *orig, *reply;
	__sum16 wanted;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, example);
	example->flow = kunit_kzalloc(test, sizeof(*example->flow), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, example->flow);
	prandom_seed_state(&example->random, 2);
	example->protocol = IPPROTO_TCP;
	orig = &example->flow->tuple[REWIRE_ORIG].key;
	reply = &example->flow->tuple[REWIRE_REPLY].key;
	for (i = 0; i < ROUNDS; i++) {
		make_example(example, false);
		*check_of(example) = ~csum_ipv6_magic(&orig->src, &orig->dst, example->length,
						      IPPROTO_TCP, 0);
		rewrite(example, true);
		wanted = ~csum_ipv6_magic(&reply->dst, &reply->src, example->length,
					  IPPROTO_TCP, 0);
		KUNIT_ASSERT_EQ(test, canonical(*check_of(example)), canonical(wanted));
	}
}

/* RFC 9260, appendix A, bit by bit */
static u32 whole_crc(const u8 *data, unsigned int length)
{
	u32 crc = ~0U;
	int bit;

	for (; length; length--) {
		crc ^= *data++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static void transform_sctp(struct kunit *test)
{
	struct example *example = kunit_kzalloc(test, sizeof(*example), GFP_KERNEL);
	struct sctphdr *sctp;
	__le32 got;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, example);
	example->flow = kunit_kzalloc(test, sizeof(*example->flow), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, example->flow);
	prandom_seed_state(&example->random, 132);
	example->protocol = IPPROTO_SCTP;
	sctp = (struct sctphdr *)example->data;
	for (i = 0; i < ROUNDS; i++) {
		make_example(example, true);
		sctp->checksum = 0;
		sctp->checksum = cpu_to_le32(whole_crc(example->data, example->length));
		rewrite(example, false);
		got = sctp->checksum;
		sctp->checksum = 0;
		KUNIT_ASSERT_EQ_MSG(test, le32_to_cpu(got),
				    whole_crc(example->data, example->length), "round %d", i);
	}
}

static struct kunit_case transform_cases[] = {
	KUNIT_CASE(transform_tcp),
	KUNIT_CASE(transform_udp),
	KUNIT_CASE(transform_echo),
	KUNIT_CASE(transform_udp_zero),
	KUNIT_CASE(transform_partial),
	KUNIT_CASE(transform_sctp),
	{}
};

static struct kunit_suite transform_suite = {
	.name = "rewire_transform",
	.test_cases = transform_cases,
};

kunit_test_suites(&transform_suite);

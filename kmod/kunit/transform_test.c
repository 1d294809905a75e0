// SPDX-License-Identifier: GPL-2.0
/* Tests of the rewriting of checksums: each against one that is computed anew. */
#include <kunit/test.h>
#include <linux/prandom.h>
#include <net/ip6_checksum.h>

#include "../icmp_error.c"
#include "../parse.c"
#include "../sctp.c"
#include "../transform.c"

#define ROUNDS	2000
#define BYTES	64U
#define PACKETS	200

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

static struct example *new_example(struct kunit *test, u8 protocol)
{
	struct example *example = kunit_kzalloc(test, sizeof(*example), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, example);
	example->flow = kunit_kzalloc(test, sizeof(*example->flow), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, example->flow);
	prandom_seed_state(&example->random, 4711 + protocol);
	example->protocol = protocol;
	return example;
}

static void check_sums(struct kunit *test, u8 protocol, bool ipv4)
{
	struct example *example = new_example(test, protocol);
	const struct rewire_key *orig, *reply;
	__sum16 got;
	int i;

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
	struct example *example = new_example(test, IPPROTO_UDP);
	__be16 delta;
	int i;

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
	struct example *example = new_example(test, IPPROTO_TCP);
	const struct rewire_key *orig, *reply;
	__sum16 wanted;
	int i;

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
	struct example *example = new_example(test, IPPROTO_SCTP);
	struct sctphdr *sctp;
	__le32 got;
	int i;

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

static void put_header(struct sk_buff *skb, const struct in6_addr *src,
		       const struct in6_addr *dst, bool ipv4, u8 protocol, unsigned int length)
{
	struct ipv6hdr *ipv6;
	struct iphdr *ip;

	if (ipv4) {
		ip = skb_put_zero(skb, sizeof(*ip));
		ip->version = 4;
		ip->ihl = 5;
		ip->tot_len = htons(sizeof(*ip) + length);
		ip->ttl = 64;
		ip->protocol = protocol;
		ip->saddr = src->s6_addr32[3];
		ip->daddr = dst->s6_addr32[3];
		ip->check = ip_fast_csum(ip, ip->ihl);
	} else {
		ipv6 = skb_put_zero(skb, sizeof(*ipv6));
		ipv6->version = 6;
		ipv6->payload_len = htons(length);
		ipv6->nexthdr = protocol;
		ipv6->hop_limit = 64;
		ipv6->saddr = *src;
		ipv6->daddr = *dst;
	}
}

/* The example as a packet between two ends, of which a device says what its sum is. */
static struct sk_buff *make_complete(struct kunit *test, struct example *example, bool ipv4,
				     const struct in6_addr *src, const struct in6_addr *dst)
{
	struct sk_buff *skb = alloc_skb(sizeof(struct ipv6hdr) + BYTES, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reset_network_header(skb);
	skb->protocol = htons(ipv4 ? ETH_P_IP : ETH_P_IPV6);
	put_header(skb, src, dst, ipv4, example->protocol, example->length);
	skb_set_transport_header(skb, skb->len);
	*check_of(example) = 0;
	*check_of(example) = whole_sum(example, src, dst, ipv4);
	skb_put_data(skb, example->data, example->length);
	skb->csum = skb_checksum(skb, 0, skb->len, 0);
	skb->ip_summed = CHECKSUM_COMPLETE;
	return skb;
}

/* Whether what a device says of a packet's sum is true, and a receiver would take it. */
static bool is_right(struct sk_buff *skb, u8 protocol, bool ipv4)
{
	if (skb->ip_summed == CHECKSUM_COMPLETE &&
	    canonical(csum_fold(skb->csum)) !=
	    canonical(csum_fold(skb_checksum(skb, 0, skb->len, 0))))
		return false;
	if (!ipv4)		/* the sum over an IPv4 header is 0 */
		skb_postpull_rcsum(skb, skb->data, sizeof(struct ipv6hdr));
	__skb_pull(skb, skb_transport_offset(skb));
	if (protocol == IPPROTO_ICMP)
		return !skb_checksum_validate(skb, protocol, null_compute_pseudo);
	if (ipv4)
		return !skb_checksum_validate(skb, protocol, inet_compute_pseudo);
	return !skb_checksum_validate(skb, protocol, ip6_compute_pseudo);
}

/* As the output does behind the rewriting: no sum of an IPv6 packet follows that. */
static void decrease_hops(struct sk_buff *skb, bool ipv4)
{
	if (ipv4)
		ip_decrease_ttl(ip_hdr(skb));
	else
		ipv6_hdr(skb)->hop_limit--;
}

/* What a device says of a packet's sum is not true of what becomes of it. */
static void complete_packets(struct kunit *test, u8 protocol, bool ipv4)
{
	struct example *example = new_example(test, protocol);
	const struct rewire_key *orig = &example->flow->tuple[REWIRE_ORIG].key;
	struct rewire_packet packet = {};
	struct sk_buff *skb;
	bool right;
	int i;

	packet.transport = ipv4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	packet.header = packet.transport + 20;
	for (i = 0; i < PACKETS; i++) {
		make_example(example, ipv4);
		packet.key = *orig;
		skb = make_complete(test, example, ipv4, &orig->src, &orig->dst);
		rewire_transform(skb, &packet, example->flow, REWIRE_ORIG);
		decrease_hops(skb, ipv4);
		right = is_right(skb, protocol, ipv4);
		kfree_skb(skb);
		KUNIT_ASSERT_TRUE_MSG(test, right, "round %d", i);
	}
}

static void transform_complete(struct kunit *test)
{
	complete_packets(test, IPPROTO_TCP, true);
	complete_packets(test, IPPROTO_TCP, false);
	complete_packets(test, IPPROTO_UDP, true);
	complete_packets(test, IPPROTO_UDP, false);
	complete_packets(test, IPPROTO_ICMPV6, false);
}

/*
 * Nor of an error. Its data becomes what that is by RFC 792 and 4443: the header of the
 * translated packet, and 20 bytes behind it.
 */
static struct sk_buff *make_error(struct kunit *test, struct example *example, bool ipv4)
{
	const struct rewire_key *reply = &example->flow->tuple[REWIRE_REPLY].key;
	struct sk_buff *quoted = alloc_skb(sizeof(struct ipv6hdr), GFP_KERNEL);
	struct icmphdr *icmp = (struct icmphdr *)example->data;
	struct in6_addr router;

	KUNIT_ASSERT_NOT_NULL(test, quoted);
	put_header(quoted, &reply->dst, &reply->src, ipv4, IPPROTO_UDP, 8);
	memset(icmp, 0, sizeof(*icmp));
	icmp->type = ipv4 ? ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH;
	skb_copy_bits(quoted, 0, icmp + 1, quoted->len);
	example->length = sizeof(*icmp) + quoted->len + 8;
	kfree_skb(quoted);
	prandom_bytes_state(&example->random, example->data + example->length - 8, 8);
	random_address(example, ipv4, &router);
	example->protocol = ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	return make_complete(test, example, ipv4, &router, &reply->dst);
}

static void complete_errors(struct kunit *test, bool ipv4)
{
	struct example *example = new_example(test, IPPROTO_UDP);
	const unsigned int header = ipv4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	struct rewire_quote quote = {
		.offset = header + sizeof(struct icmphdr),
		.transport = 2 * header + sizeof(struct icmphdr),
		.length = 8,
	};
	struct rewire_packet packet = {
		.transport = header,
		.header = 2 * header + sizeof(struct icmphdr) + 8,
		.quote = &quote,
	};
	struct sk_buff *skb;
	bool right;
	int i;

	for (i = 0; i < PACKETS; i++) {
		example->protocol = IPPROTO_UDP;
		make_example(example, ipv4);
		packet.key = example->flow->tuple[REWIRE_REPLY].key;
		skb = make_error(test, example, ipv4);
		rewire_icmp_transform(skb, &packet, example->flow, REWIRE_REPLY);
		decrease_hops(skb, ipv4);
		right = is_right(skb, example->protocol, ipv4);
		kfree_skb(skb);
		KUNIT_ASSERT_TRUE_MSG(test, right, "round %d", i);
	}
}

static void transform_complete_error(struct kunit *test)
{
	complete_errors(test, true);
	complete_errors(test, false);
}

/* Negative control: true of a packet as it came, it is found to be wrong of what becomes of it. */
static void transform_complete_control(struct kunit *test)
{
	struct example *example = new_example(test, IPPROTO_UDP);
	const struct rewire_key *orig = &example->flow->tuple[REWIRE_ORIG].key;
	struct rewire_packet packet = {
		.transport = sizeof(struct iphdr),
		.header = sizeof(struct iphdr) + sizeof(struct udphdr),
	};
	struct sk_buff *skb;
	bool right;

	make_example(example, true);
	skb = make_complete(test, example, true, &orig->src, &orig->dst);
	right = is_right(skb, IPPROTO_UDP, true);
	kfree_skb(skb);
	KUNIT_ASSERT_TRUE(test, right);

	packet.key = *orig;
	skb = make_complete(test, example, true, &orig->src, &orig->dst);
	rewire_transform(skb, &packet, example->flow, REWIRE_ORIG);
	skb->ip_summed = CHECKSUM_COMPLETE;
	right = is_right(skb, IPPROTO_UDP, true);
	kfree_skb(skb);
	KUNIT_ASSERT_FALSE(test, right);
}

static struct kunit_case transform_cases[] = {
	KUNIT_CASE(transform_tcp),
	KUNIT_CASE(transform_udp),
	KUNIT_CASE(transform_echo),
	KUNIT_CASE(transform_udp_zero),
	KUNIT_CASE(transform_partial),
	KUNIT_CASE(transform_sctp),
	KUNIT_CASE(transform_complete),
	KUNIT_CASE(transform_complete_error),
	KUNIT_CASE(transform_complete_control),
	{}
};

static struct kunit_suite transform_suite = {
	.name = "rewire_transform",
	.test_cases = transform_cases,
};

kunit_test_suites(&transform_suite);

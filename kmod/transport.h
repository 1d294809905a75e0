/* SPDX-License-Identifier: GPL-2.0 */
/* Transport protocols: what is told apart by ports, and what a rewrite has to change. */
#ifndef REWIRE_TRANSPORT_H
#define REWIRE_TRANSPORT_H

#include <linux/icmp.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/tcp.h>
#include <linux/types.h>
#include <linux/udp.h>
#include <net/ipv6.h>

struct rewire_tuple;

/* Both ports come first in their headers. */
static inline bool rewire_protocol_has_ports(u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return true;
	default:
		return false;
	}
}

static inline bool rewire_protocol_is_icmp(u8 protocol)
{
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

/*
 * What no flow can be made of: an authentication header covers the addresses (RFC
 * 4302), the others are but headers on the way to a protocol, or to none.
 */
static inline bool rewire_protocol_is_fixed(u8 protocol)
{
	switch (protocol) {
	case NEXTHDR_HOP:
	case NEXTHDR_ROUTING:
	case NEXTHDR_FRAGMENT:
	case NEXTHDR_AUTH:
	case NEXTHDR_NONE:
	case NEXTHDR_DEST:
		return true;
	default:
		return false;
	}
}

/* Where the checksum is that a rewrite changes by a sum, or -1. */
static inline int rewire_check_offset(u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return offsetof(struct tcphdr, check);
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_DCCP:
		return offsetof(struct udphdr, check);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return offsetof(struct icmphdr, checksum);
	default:
		return -1;
	}
}

__le32 rewire_sctp_check(__le32 check, __be32 old, __be32 new, unsigned int length);

/**
 * struct rewire_transport - a transport header to rewrite
 * @header: where it begins
 * @size: bytes of it that are there: of one that an ICMP error quotes, perhaps 8
 * @length: of header and payload, by the IP header
 * @partial: device or stack still have to finish its checksum
 */
struct rewire_transport {
	void *header;
	unsigned int size;
	unsigned int length;
	bool partial;
};

void rewire_transport_rewrite(const struct rewire_transport *transport,
			      const struct rewire_tuple *tuple,
			      __be16 sport, __be16 dport);

#endif /* REWIRE_TRANSPORT_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRE_COMPAT_NET_DST_METADATA_H
#define REWIRE_COMPAT_NET_DST_METADATA_H

#include_next <net/dst_metadata.h>

/* The flags of a tunnel's key were a number before they became a bitmap. */
#ifdef REWIRE_HAS_TUNNEL_FLAGS_BITMAP
#define rewire_tun_set_dst(set, ...)				\
({								\
	IP_TUNNEL_DECLARE_FLAGS(flags) = { };			\
								\
	__set_bit(IP_TUNNEL_KEY_BIT, flags);			\
	__set_bit(IP_TUNNEL_CSUM_BIT, flags);			\
	set(__VA_ARGS__, flags, id, 0);				\
})
#else
#define rewire_tun_set_dst(set, ...)				\
	set(__VA_ARGS__, TUNNEL_KEY | TUNNEL_CSUM, id, 0)
#endif

/* Metadata that sends packets to the far end of a tunnel; IPv4 is IPv4-mapped. */
static inline struct metadata_dst *rewire_metadata_new(const struct in6_addr *remote, __be64 id)
{
	struct metadata_dst *dst;

	if (ipv6_addr_v4mapped(remote))
		dst = rewire_tun_set_dst(__ip_tun_set_dst, 0, remote->s6_addr32[3], 0, 0, 0);
	else
		dst = rewire_tun_set_dst(__ipv6_tun_set_dst, &in6addr_any, remote, 0, 0, 0, 0);
	if (dst)
		dst->u.tun_info.mode |= IP_TUNNEL_INFO_TX;
	return dst;
}

#endif /* REWIRE_COMPAT_NET_DST_METADATA_H */

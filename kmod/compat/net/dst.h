/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRE_COMPAT_NET_DST_H
#define REWIRE_COMPAT_NET_DST_H

#include_next <net/dst.h>

#ifndef REWIRE_HAS_DST_DEV_RCU
static inline struct net_device *dst_dev_rcu(const struct dst_entry *dst)
{
	return READ_ONCE(dst->dev);
}
#endif

/* A route of one reference, which has no device of its own to hold. */
static inline void rewire_dst_init(struct dst_entry *dst, struct dst_ops *ops)
{
#ifdef REWIRE_HAS_DST_INITIAL_REF
	dst_init(dst, ops, NULL, 1, DST_OBSOLETE_NONE, DST_NOCOUNT);
#else
	dst_init(dst, ops, NULL, DST_OBSOLETE_NONE, DST_NOCOUNT);
#endif
}

#endif /* REWIRE_COMPAT_NET_DST_H */

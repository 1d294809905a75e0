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

#endif /* REWIRE_COMPAT_NET_DST_H */

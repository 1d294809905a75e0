/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRE_COMPAT_NET_DST_H
#define REWIRE_COMPAT_NET_DST_H

#include_next <net/dst.h>
#include <linux/version.h>

/* Some stable releases have it, too: the macro suits both. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
static inline struct net_device *rewire_compat_dst_dev_rcu(const struct dst_entry *dst)
{
	return READ_ONCE(dst->dev);
}
#define dst_dev_rcu	rewire_compat_dst_dev_rcu
#endif

#endif /* REWIRE_COMPAT_NET_DST_H */

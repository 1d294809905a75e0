/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRE_COMPAT_NET_NETLINK_H
#define REWIRE_COMPAT_NET_NETLINK_H

#include_next <net/netlink.h>

/* The kernel never wrote to a range, but did not say so. */
#ifndef REWIRE_HAS_CONST_RANGE
#undef NLA_POLICY_FULL_RANGE
#define NLA_POLICY_FULL_RANGE(_type, _range) {				\
	.type = NLA_ENSURE_INT_OR_BINARY_TYPE(_type),			\
	.validation_type = NLA_VALIDATE_RANGE_PTR,			\
	.range = (struct netlink_range_validation *)(_range),		\
}
#endif

#endif /* REWIRE_COMPAT_NET_NETLINK_H */

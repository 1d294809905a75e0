/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRE_COMPAT_NET_GENETLINK_H
#define REWIRE_COMPAT_NET_GENETLINK_H

#include_next <net/genetlink.h>

/* A dump's attributes moved into the structure that requests have. */
#ifndef REWIRE_HAS_GENL_INFO_DUMP
#define genl_info_dump(cb)	genl_dumpit_info(cb)
#endif

#endif /* REWIRE_COMPAT_NET_GENETLINK_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRE_COMPAT_NET_ROUTE_H
#define REWIRE_COMPAT_NET_ROUTE_H

#include_next <net/route.h>

#ifndef dst_rtable
#define dst_rtable(_ptr) container_of_const(_ptr, struct rtable, dst)
#endif

#endif /* REWIRE_COMPAT_NET_ROUTE_H */

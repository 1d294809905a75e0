/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRE_COMPAT_NET_GSO_H
#define REWIRE_COMPAT_NET_GSO_H

/* Once a part of that header. */
#include <linux/skbuff.h>

#if __has_include_next(<net/gso.h>)
#include_next <net/gso.h>
#endif

#endif /* REWIRE_COMPAT_NET_GSO_H */

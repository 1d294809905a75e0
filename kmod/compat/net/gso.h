/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRE_COMPAT_NET_GSO_H
#define REWIRE_COMPAT_NET_GSO_H

/* Once a part of linux/skbuff.h. */
#include <linux/skbuff.h>

#ifdef REWIRE_HAS_GSO_HEADER
#include_next <net/gso.h>
#endif

#endif /* REWIRE_COMPAT_NET_GSO_H */

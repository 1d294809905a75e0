/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRE_COMPAT_LINUX_SLAB_H
#define REWIRE_COMPAT_LINUX_SLAB_H

#include_next <linux/slab.h>

/* Caches of one size shared their pages, unless one of them could not. */
#ifndef SLAB_NO_MERGE
#define SLAB_NO_MERGE	0
#endif

#endif /* REWIRE_COMPAT_LINUX_SLAB_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRE_COMPAT_LINUX_WORKQUEUE_H
#define REWIRE_COMPAT_LINUX_WORKQUEUE_H

#include_next <linux/workqueue.h>

/* Work queues were bound to a CPU unless they asked for something else. */
#ifndef REWIRE_HAS_WQ_PERCPU
#define WQ_PERCPU	0
#endif

#endif /* REWIRE_COMPAT_LINUX_WORKQUEUE_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRE_COMPAT_LINUX_WORKQUEUE_H
#define REWIRE_COMPAT_LINUX_WORKQUEUE_H

#include_next <linux/workqueue.h>
#include <linux/version.h>

/* Work queues were bound to a CPU unless they asked for something else. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define WQ_PERCPU	0
#endif

#endif /* REWIRE_COMPAT_LINUX_WORKQUEUE_H */

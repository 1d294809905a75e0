/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_LOOPS_H
#define REWIRED_LOOPS_H

#include "log.h"
#include "snapshot.h"

/*
 * Refuse services whose packets, translated, would meet them again, at once or after other
 * services: each time round they would be a new flow. Which service a packet meets is found as
 * the kernel finds its rule. One without dst takes packets on their way, so it is not where
 * others lead to; one that keeps the destination sends them where they were going anyway.
 * Ids are known to be different, and priority_order() was called.
 */
int loops_check(const struct snapshot *snapshot, struct error *error);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_PRIORITY_H
#define REWIRED_PRIORITY_H

struct snapshot;

/*
 * Order services that have one match: the kernel asks for the one with the highest
 * priority, and where that has no destination for a flow, the next one decides.
 * Services of one priority are left as they are, and refused by check_snapshot().
 */
void priority_order(struct snapshot *snapshot);

#endif

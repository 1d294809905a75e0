/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_RECALL_H
#define REWIRED_RECALL_H

#include "decide.h"
#include "memory.h"

/*
 * Answer a punt by what was decided before about the flow that its packet is of, if
 * there is such a flow, and if the configuration still has what it needs. A packet that
 * begins a connection is of no flow that was. The decision's record is the caller's to
 * confirm.
 */
bool recall(const struct decider *decider, struct memory *memory, const struct snapshot *snapshot,
	    const struct rw_punt *punt, struct decision *decision);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_USE_H
#define REWIRED_USE_H

#include "snapshot.h"

/* The use of a public port by a flow. */
struct use {
	const struct pool *pool;
	struct ports *ports;
	struct rw_tuple key;		/* of the far end's packets to the port */
	struct rw_tuple flow;		/* as it begins, or would begin, inside */
	uint32_t policy;
};

#define USES_MAX	2		/* a flow that is turned around has one at either end */

/* Of which ports of pools a flow makes use. Returns how many they are. */
unsigned int uses_of(const struct snapshot *snapshot, const struct rw_flow_spec *flow,
		     struct use uses[USES_MAX]);

#endif

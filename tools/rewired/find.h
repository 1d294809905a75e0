/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_FIND_H
#define REWIRED_FIND_H

#include "binding.h"
#include "json.h"

/*
 * Who is behind a public port. Params have address, port, and optionally vni (0) and
 * protocol. NULL with a sentence when they are wrong, or the port is no pool's. Within a
 * section of RCU.
 */
json_t *find_client(struct bindings *bindings, const struct snapshot *snapshot,
		    const struct place *params);

#endif

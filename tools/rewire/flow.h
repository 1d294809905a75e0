/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FLOW_H
#define FLOW_H

#include "types.h"

/* Print a flow as a record. Returns 0; data is not used. */
int flow_print(const struct rw_flow *flow, void *data);

#endif

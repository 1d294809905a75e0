/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_REPLICATE_H
#define REWIRED_REPLICATE_H

#include "mapping.h"

struct service;

/* Room for the copies of a batch of decisions, until the kernel has been told. */
struct replicas {
	char *room;			/* NULL until a service with copies is met */
	size_t used;
};

/* Read the list of a service's copies, each a mapping of the destination. 0 or -1. */
int replicate_read(const struct place *place, struct service *service);

/* Give a decided flow its service's copies. False when there is no room. */
bool replicate(struct replicas *replicas, const struct service *service,
	       struct rw_flow_spec *flow);
void replicas_free(struct replicas *replicas);

#endif

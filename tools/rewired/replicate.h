/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_REPLICATE_H
#define REWIRED_REPLICATE_H

#include "mapping.h"

struct rw_error;
struct rw_socket;
struct service;
struct snapshot;

/* Room for the copies of a batch of decisions, until the kernel has been told. */
struct replicas {
	char *room;			/* NULL until a service with copies is met */
	size_t used;
};

/* Read the list of a service's copies. 0 or -1. */
int replicate_read(const struct place *place, struct service *service);

/* Give a decided flow its service's copies. False when there is no room. */
bool replicate(struct replicas *replicas, const struct service *service,
	       struct rw_flow_spec *flow);
/*
 * By the state thread: copies into networks that have no device now are left out, for with
 * them the kernel would refuse the flow, which has other destinations.
 */
int replicate_look(const struct snapshot *snapshot, struct rw_socket *socket, struct rw_error *error);
/* Of a service that is the next configuration's of an old one, until the next look. */
void replicate_go_on(struct service *service, const struct service *old);
void replicas_free(struct replicas *replicas);

#endif

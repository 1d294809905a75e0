/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_TARGETS_H
#define REWIRED_TARGETS_H

#include "librewire.h"

/* The kernel's targets at one moment, by their numbers. */
struct targets {
	struct rw_target *list;
	unsigned int count, room;
};

/* Targets are empty after a failure. */
int targets_read(struct targets *targets, struct rw_socket *socket, struct rw_error *error);
/* NULL, there is none with this number. */
const struct rw_target *targets_find(const struct targets *targets, uint32_t id);
/* Give those that are still there the states that they had. What fails is logged. */
void targets_put_back(const struct targets *targets, struct rw_socket *socket);
void targets_free(struct targets *targets);

#endif

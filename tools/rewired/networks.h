/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_NETWORKS_H
#define REWIRED_NETWORKS_H

#include "json.h"

struct snapshot;

/* A virtual network, and where its packets may be sent. */
struct network {
	uint32_t vni;
	bool anywhere;
	uint32_t *reach;		/* networks, beside itself */
	unsigned int reach_count;
};

/* The list of networks of a configuration. 0 or -1. */
int networks_read(const struct place *root, struct snapshot *snapshot);
/*
 * Where there is such a list, no other network is known, and no service may send into
 * one that its own does not reach. 0 or -1.
 */
int networks_check(const struct snapshot *snapshot, struct error *error);
void networks_free(struct snapshot *snapshot);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_NETWORKS_H
#define REWIRED_NETWORKS_H

#include "json.h"

#define NETWORKS_MAX	65535		/* with the host's own, half of what the kernel takes */

struct rw_networks;
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
/* List all that a configuration names, which its flows may have. 0 or -1. */
int networks_list(struct snapshot *snapshot, struct error *error);
/* Bring a list into ascending order, each once. */
void networks_settle(struct rw_networks *networks);
/* Whether a list that is settled has this one. */
bool networks_have(const struct rw_networks *networks, uint32_t vni);
bool networks_named(const struct snapshot *snapshot, uint32_t vni);
void networks_free(struct snapshot *snapshot);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_MAPPING_H
#define REWIRED_MAPPING_H

#include "prefixes.h"

/*
 * What one end of a flow becomes when nothing has to be chosen: an address, or one of
 * a prefix, whose bits beyond its length are those of the address that it was (so two
 * prefixes of one length are mapped 1:1), in a virtual network.
 */
struct mapping {
	bool given;
	bool keep;			/* the address; only the virtual network is another */
	uint32_t vni;
	struct prefix prefixes[FAMILIES];	/* of family 0 when it lacks the family */
	uint16_t port;			/* 0, kept */
};

/* Read an object with vni, addresses and port. Addresses may be absent if optional. 0 or -1. */
int mapping_read(const struct place *place, bool optional, struct mapping *mapping);

/* False when it has no address of the family; nothing has changed then. */
bool mapping_apply(const struct mapping *mapping, uint8_t protocol, struct rw_addr *address,
		   uint16_t *port);
/* Whether it makes of one end (as it was) just the other. Of one that is not given, yes. */
bool mapping_makes(const struct mapping *mapping, uint8_t protocol, struct rw_addr address,
		   uint16_t port, const struct rw_addr *made, uint16_t made_port);

#endif

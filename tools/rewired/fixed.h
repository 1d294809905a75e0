/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_FIXED_H
#define REWIRED_FIXED_H

#include "json.h"
#include "snapshot.h"

/*
 * RFC 7422: which ports a client has follows from its address by arithmetic, and the
 * other way round. So nothing has to be logged to know who had a port.
 */

/* Read a pool's "fixed", when its addresses and ports are known. 0 or -1. */
int fixed_read(const struct place *place, struct pool *pool);
/* The ports of a client; NULL, it is none of the pool's. */
struct ports *fixed_ports(const struct pool *pool, uint32_t vni, const struct rw_addr *client,
			  struct range *range);
/* The client that has a port of the address with this index. False, nobody has. */
bool fixed_client(const struct pool *pool, unsigned int index, uint16_t port,
		  struct rw_addr *client);

#endif

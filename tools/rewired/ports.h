/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_PORTS_H
#define REWIRED_PORTS_H

#include "siphash.h"
#include "types.h"

/*
 * The ports (or ICMP identifiers) of one public address in one virtual network: which
 * of them are in use. Any thread may take one that is free, and only who has it may
 * give it back, so none has two owners, without a lock. What a port is used for, and
 * for how long, is the business of binding.h.
 *
 * An address has one of these as long as anybody refers to it, be it a configuration that is
 * in force, one that is to be, one that was refused, or what began with any of them.
 */
struct ports;

struct range {
	uint16_t min, max;
};

/* In place of a protocol: the first ports of blocks that clients have. */
#define PORTS_BLOCKS	0xff

/* Which ports will do. */
enum parity { PARITY_ANY, PARITY_EVEN, PARITY_ODD };

/* The address's, with a reference for the caller. */
struct ports *ports_of(uint32_t vni, const struct rw_addr *address);
struct ports *ports_get(struct ports *ports);
void ports_put(struct ports *ports);
/* By VNI and address, as for qsort(). */
int ports_compare(const struct ports *ports, uint32_t vni, const struct rw_addr *address);
uint32_t ports_vni(const struct ports *ports);
const struct rw_addr *ports_address(const struct ports *ports);

/* A free port of the range, from a random place on; -1 when there is none (RFC 6056, 3.3.1). */
int ports_take(struct ports *ports, uint8_t protocol, struct range range, enum parity parity,
	       struct random *random);
/* Just this one. Returns whether it was free. */
bool ports_claim(struct ports *ports, uint8_t protocol, uint16_t port);
void ports_release(struct ports *ports, uint8_t protocol, uint16_t port);

/* Whether a protocol has ports, or what stands for them. */
bool ports_has(uint8_t protocol);
unsigned int ports_used(const struct ports *ports, uint8_t protocol, struct range range);
/* Of all protocols together. */
bool ports_any_used(const struct ports *ports, struct range range);

#endif

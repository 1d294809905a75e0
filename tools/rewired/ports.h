/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_PORTS_H
#define REWIRED_PORTS_H

#include "siphash.h"
#include "types.h"

/*
 * The ports (or ICMP identifiers) of one public address in one virtual network.
 *
 * A port is free, taken (a handler thread waits for the kernel's word on it) or
 * settled (the kernel has, or may have, a flow with it). Only the thread that
 * took a port settles it or gives it back; only the thread that watches the
 * kernel's flows frees settled ports. So no port has two owners, without a lock.
 */
struct ports;

struct ports *ports_new(uint32_t vni, const struct rw_addr *address);
struct ports *ports_get(struct ports *ports);
void ports_put(struct ports *ports);
uint32_t ports_vni(const struct ports *ports);
const struct rw_addr *ports_address(const struct ports *ports);

/* By any thread. A free port of min to max from a random place on, -1 when there is none. */
int ports_take(struct ports *ports, uint8_t protocol, uint16_t min, uint16_t max,
	       struct random *random);
void ports_give_back(struct ports *ports, uint8_t protocol, uint16_t port);
void ports_settle(struct ports *ports, uint8_t protocol, uint16_t port);

/*
 * By the watching thread alone, which is told of flows that are there and of flows
 * that have ended. To see one settles its port, known or not. A port is freed at the
 * end of a look that tells of all that has changed, when it was settled before the
 * look began and no flow has it.
 */
void ports_look_begin(struct ports *ports);
void ports_forget(struct ports *ports);		/* the look goes over all flows */
void ports_flow_seen(struct ports *ports, uint8_t protocol, uint16_t port);
void ports_flow_ended(struct ports *ports, uint8_t protocol, uint16_t port);
unsigned int ports_look_end(struct ports *ports);

unsigned int ports_used(const struct ports *ports, uint8_t protocol, uint16_t min, uint16_t max);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_MAGLEV_H
#define REWIRED_MAGLEV_H

#include <stdint.h>

#define MAGLEV_SLOTS	65537		/* a prime, well above 100 times the backends */

struct maglev_backend {
	uint32_t id;			/* decides its places in the table */
	uint32_t weight;		/* at least 1 */
	uint16_t value;			/* what its slots hold */
};

/*
 * Fills MAGLEV_SLOTS slots as in Eisenbud et al., "Maglev: A Fast and Reliable
 * Software Network Load Balancer". The same backends in any order give the same
 * table, on every host.
 */
void maglev_fill(uint16_t *slots, const struct maglev_backend *backends, unsigned int count);

#endif

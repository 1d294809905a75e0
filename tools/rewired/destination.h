/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_DESTINATION_H
#define REWIRED_DESTINATION_H

#include "json.h"
#include "snapshot.h"

#define AFFINITY_MAX	86400	/* seconds */

/* Read "destination" and "backends" of a service, whose source has been read. */
int destination_read(const struct place *place, struct service *service);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_CHOOSE_H
#define REWIRED_CHOOSE_H

#include "decide.h"

/*
 * The backend that a new flow of a service goes to; NULL, none takes new flows of its
 * family. Affinity comes before the schedule, but yields to a backend's state: the
 * clients of one that is draining or down are scheduled anew, and stay where they come to.
 */
const struct backend *choose_backend(const struct decider *decider, const struct service *service,
				     const struct rw_tuple *orig, unsigned int attempt);

/* Which client of a service a flow is of. */
void choose_client(const struct service *service, const struct rw_tuple *orig,
		   struct affinity_client *client);

#endif

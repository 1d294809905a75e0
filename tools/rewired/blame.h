/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_BLAME_H
#define REWIRED_BLAME_H

#include "log.h"
#include "snapshot.h"

/* Say which object of a configuration's text an error is about. */
void blame_pool(const struct snapshot *snapshot, const struct pool *pool, struct error *error);
void blame_service(const struct service *service, struct error *error);
void blame_backend(const struct service *service, const struct backend *backend,
		   struct error *error);
/* The service, or the first pool, that needs a rule; a rule may be nobody's. */
void blame_rule(const struct snapshot *snapshot, const struct rw_rule *rule, struct error *error);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_CONFIG_H
#define REWIRED_CONFIG_H

#include "json.h"
#include "log.h"
#include "snapshot.h"

/*
 * Make a snapshot of a configuration's text. Schedules, loads and healths go on from those
 * of old (or NULL). NULL and a sentence when the text is refused.
 */
struct snapshot *config_parse(const char *text, const struct snapshot *old, struct error *error);

/* Begin to read an object of a list: its name becomes its place in sentences. */
int config_enter(struct place *place, const char *kind, const json_t *object,
		 const struct place *list, const char *key, size_t index, char **name);
/* Read "source" or "destination". Absent, or "keep": 0. An object: 1. */
int config_get_end(const struct place *place, const char *key, struct place *end);

extern const char *const config_rejects[];	/* of enum rewire_reject, and NULL */

#define CONFIG_POOL_ADDRESSES_MAX	4096
#define CONFIG_ADDRESSES_MAX		43690	/* of all pools: each needs three rules at least */
#define CONFIG_SERVICE_ID_MAX		0x7fffffff	/* above are the daemon's own policies */

#endif

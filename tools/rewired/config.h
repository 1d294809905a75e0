/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_CONFIG_H
#define REWIRED_CONFIG_H

#include "log.h"
#include "snapshot.h"

/*
 * Make a snapshot of a configuration's text. The ports of addresses that old
 * (or NULL) has, too, are shared with it. NULL and a sentence when the text is
 * refused.
 */
struct snapshot *config_parse(const char *text, const struct snapshot *old, struct error *error);

#define CONFIG_POOL_ADDRESSES_MAX	4096
#define CONFIG_SERVICE_ID_MAX		0x7fffffff	/* above are the daemon's own policies */

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_STORE_H
#define REWIRED_STORE_H

#include "log.h"

/* Where the configuration lives. Texts are JSON; load's is the caller's to free. */
struct store {
	char *(*load)(struct store *store, struct error *error);
	int (*save)(struct store *store, const char *text, struct error *error);
	void (*close)(struct store *store);
};

/* A file. One that is not there is an empty configuration, or an error when it is needed. */
struct store *store_open_file(const char *path, int needed);

#endif

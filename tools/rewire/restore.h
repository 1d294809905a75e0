/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RESTORE_H
#define RESTORE_H

#include "args.h"

/* Make the flows of a file anew. An exit status. */
int restore_flows(const struct args *args, const char *path);

#endif

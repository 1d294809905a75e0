/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's objects as commands that make them. */
#ifndef SAVE_H
#define SAVE_H

#include "args.h"

/* An object: the command that makes it, and the one that takes it away; or NULL, it is always there. */
struct saved {
	char *line, *undo;
};

struct saved_list {
	struct saved *list;
	unsigned int count, room;
};

/* The kernel's objects, in an order in which they can be made. An exit status. */
int saved_read(const struct args *args, struct saved_list *saved);
/* False, no memory. Undo may be NULL. */
bool saved_add(struct saved_list *saved, const char *line, const char *undo);
void saved_free(struct saved_list *saved);

/* Write the flows that match to a file. An exit status. */
int save_flows(const struct args *args, const char *path, struct rw_flow_filter *filter);

#endif

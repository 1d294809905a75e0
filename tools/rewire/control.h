/* SPDX-License-Identifier: GPL-2.0 */
/* Questions to the daemon: JSON-RPC 2.0 over its control socket, one object a line. */
#ifndef CONTROL_H
#define CONTROL_H

#include <jansson.h>

#include "args.h"

/* Whether a daemon listens; nothing is printed. */
bool control_there(void);
/* What is refused of a configuration is in this text, of this file: errors name the line. */
void control_blame(const char *path, const char *text);
/* Params is taken over, even on failure. The result, or NULL after an error is printed. */
json_t *control_call(const struct args *args, const char *method, json_t *params);
/* Call and print the result. Returns an exit status. */
int control_show(const struct args *args, const char *method, json_t *params);
/* Until the daemon ends or output fails: what it tells of itself. Returns an exit status. */
int control_follow(const struct args *args, void (*tell)(const json_t *event));
/* Of a result that is an array of objects, print those of a name; all when it is NULL. */
int control_show_named(const struct args *args, const char *method, const char *name);

#endif

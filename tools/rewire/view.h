/* SPDX-License-Identifier: GPL-2.0 */
/* What the daemon answers, as output. */
#ifndef VIEW_H
#define VIEW_H

#include <jansson.h>

/* Print a result. An array of objects is a record each; their text begins with a noun. */
void view_print(const char *noun, const json_t *result);

#endif

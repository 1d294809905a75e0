/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_DIFFERENCE_H
#define REWIRED_DIFFERENCE_H

#include <jansson.h>

#define DIFFERENCE_MAX	1000	/* objects that are named */

/*
 * What a new configuration changes of an old one, as sentences: + service "web" (it is
 * new), - pool "out" (it is gone), ~ service "web": dport, backends. Both are texts that
 * were taken.
 */
json_t *difference(const char *old_text, const char *new_text);

#endif

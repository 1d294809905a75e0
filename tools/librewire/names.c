// SPDX-License-Identifier: GPL-2.0
/* Names of values, from the generated tables. */

#include <string.h>

#include "names.h"

const char *rw_name(const struct rw_name *names, uint32_t value)
{
	uint32_t i;

	for (i = 0; names[i].name; i++)
		if (i == value)
			return names[i].name;
	return "unknown";
}

int rw_name_value(const struct rw_name *names, const char *name)
{
	size_t length = strlen(name);
	int i, found = -1;

	if (!length)
		return -1;
	for (i = 0; names[i].name; i++) {
		if (!strcmp(names[i].name, name))
			return i;
		if (strncmp(names[i].name, name, length))
			continue;
		if (found >= 0)
			found = -2;
		else if (found == -1)
			found = i;
	}
	return found < 0 ? -1 : found;
}

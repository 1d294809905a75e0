// SPDX-License-Identifier: GPL-2.0
/* What the daemon says: to its log, and to whom it refuses something. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

bool log_details;

int refuse(struct error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return -1;
}

int refuse_errno(struct error *error, const char *what)
{
	return refuse(error, "%s: %s", what, strerror(errno));
}

static void print(const char *format, va_list args)
{
	char line[1024];

	vsnprintf(line, sizeof(line), format, args);
	/* One call, so that lines of several threads do not mix */
	fprintf(stderr, "rewired: %s\n", line);
}

void log_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print(format, args);
	va_end(args);
}

void log_detail(const char *format, ...)
{
	va_list args;

	if (!log_details)
		return;
	va_start(args, format);
	print(format, args);
	va_end(args);
}

void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (!memory) {
		log_line("out of memory");
		abort();
	}
	return memory;
}

void *grow(void *list, size_t count, unsigned int *room, size_t size)
{
	void *larger;

	if (count < *room)
		return list;
	*room = *room ? 2 * *room : 64;
	larger = allocate(*room, size);
	if (count)
		memcpy(larger, list, count * size);
	free(list);
	return larger;
}

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

static void give_up(void)
{
	log_line("out of memory");
	abort();
}

void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (!memory)
		give_up();
	return memory;
}

void *grow(void *list, size_t count, unsigned int *room, size_t size)
{
	if (count < *room)
		return list;
	*room = *room ? 2 * *room : 64;
	list = reallocarray(list, *room, size);
	if (!list)
		give_up();
	return list;
}

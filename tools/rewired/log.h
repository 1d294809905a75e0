/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_LOG_H
#define REWIRED_LOG_H

#include <stdbool.h>
#include <stddef.h>

/* One sentence on why something was refused, for people to read. */
struct error {
	char text[512];
	char where[64];			/* in a configuration: services[3].backends[1], or "" */
};

/* Both return -1, so that a refusal is one statement. */
int refuse(struct error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int refuse_errno(struct error *error, const char *what);

void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What only is said when log_details is set. */
void log_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern bool log_details;

/*
 * Zeroed memory. When there is none the daemon ends: the kernel goes on with
 * the flows that it has, and the next daemon adopts them.
 */
void *allocate(size_t count, size_t size);

/*
 * A list with room for one more than it has: in place of a full one, one of twice the room. What
 * is behind the end is not zeroed, or even touched: a long list moves without being read.
 */
void *grow(void *list, size_t count, unsigned int *room, size_t size);

#endif

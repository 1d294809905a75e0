/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files that something was saved in. Each line is a checksum, a space and words as of a
 * command. The first line says what the file is about, the last one how many lines there
 * were. A checksum goes on from the line before, so a line that is damaged, missing, or
 * somewhere else is found, and can be named.
 */
#ifndef STATEFILE_H
#define STATEFILE_H

#include <stdio.h>

#include "args.h"

#define STATEFILE_VERSION	1

struct statefile {
	const struct args *args;
	const char *path;		/* "-" for standard input or output */
	char *temporary;		/* that takes the path's place at the end */
	FILE *file;
	uint32_t checksum;
	unsigned long lines;		/* between the first and the last */
	bool failed;
};

/* Begin to write. Kind is one word. 0, or an exit status after an error is printed. */
int statefile_create(struct statefile *state, const struct args *args, const char *path,
		     const char *kind);
void statefile_line(struct statefile *state, const char *line);
/* The last line, and the file takes its place, if all went well and status is 0. */
int statefile_finish(struct statefile *state, int status);

/* Check a whole file. 0, or an exit status after an error with the line's number is printed. */
int statefile_open(struct statefile *state, const struct args *args, const char *path,
		   const char *kind);
/* When it was saved, by this machine's clock since it was started; ~0, before that. */
uint64_t statefile_elapsed(const struct statefile *state);
/* Call for each line, which may be changed; cli.file and cli.line are set. */
typedef int statefile_fn(char *line, void *data);
int statefile_each(struct statefile *state, statefile_fn *fn, void *data);
void statefile_close(struct statefile *state);

#endif

// SPDX-License-Identifier: GPL-2.0
/* Commands from a file, and the namespace that they are about. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define WORDS_MAX	128

/*
 * Split a line in place into words. A word may be in quotes, # begins a
 * comment. The number of words, or -1 for a quote without end, -2 for too many.
 */
static int split(char *line, char **words)
{
	int count = 0;

	for (;;) {
		char quote;

		line += strspn(line, " \t\r\n");
		if (!*line || *line == '#')
			return count;
		if (count == WORDS_MAX)
			return -2;
		quote = *line == '"' || *line == '\'' ? *line++ : 0;
		words[count++] = line;
		line = quote ? strchr(line, quote) : line + strcspn(line, " \t\r\n");
		if (!line)
			return -1;
		if (*line)
			*line++ = 0;
	}
}

int cli_run_line(char *line)
{
	char *words[WORDS_MAX + 1];
	int count = split(line, words);

	if (count < 0) {
		cli_error(count == -1 ? "a quote without end" : "too many words");
		return EXIT_USAGE;
	}
	words[count] = NULL;
	return count ? cli_run(count, words) : 0;
}

int cli_run_file(const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char *line = NULL;
	size_t size = 0;
	int status, first = 0;

	if (!file) {
		cli_error("%s: %s", path, strerror(errno));
		return EXIT_USAGE;
	}
	cli.file = path;
	for (cli.line = 1; (!first || cli.force) && getline(&line, &size, file) >= 0; cli.line++) {
		status = cli_run_line(line);
		if (!first)
			first = status;
	}
	if (ferror(file)) {
		cli_error("%s", strerror(errno));
		first = EXIT_USAGE;
	}
	cli.file = NULL;
	free(line);
	if (file != stdin)
		fclose(file);
	return first;
}

int cli_enter_netns(const char *name)
{
	char path[4096];
	int fd, ret;

	snprintf(path, sizeof(path), "%s%s", strchr(name, '/') ? "" : "/run/netns/", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ret = fd < 0 ? -1 : setns(fd, CLONE_NEWNET);
	if (ret)
		cli_error("network namespace \"%s\": %s", name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ret;
}

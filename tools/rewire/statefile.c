// SPDX-License-Identifier: GPL-2.0
/* Files that something was saved in. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "statefile.h"

#define BOOT_ID		"/proc/sys/kernel/random/boot_id"
#define CHECKSUM_DIGITS	8
#define KINDS_LINE	"rewire %15s %u boot %63s clock %" SCNu64

/* CRC-32 of ISO 3309, bit by bit: a table would be no faster than what else is done to a line */
static uint32_t checksum(uint32_t sum, const char *text)
{
	int bit;

	sum = ~sum;
	for (; *text; text++) {
		sum ^= (unsigned char)*text;
		for (bit = 0; bit < 8; bit++)
			sum = sum >> 1 ^ (sum & 1 ? 0xedb88320 : 0);
	}
	return ~sum;
}

static void boot_id(char text[64])
{
	FILE *file = fopen(BOOT_ID, "re");

	strcpy(text, "unknown");
	if (file && fscanf(file, "%63s", text) != 1)
		strcpy(text, "unknown");
	if (file)
		fclose(file);
}

static uint64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

static int failed(const struct statefile *state, const char *what)
{
	args_error(state->args, "%s: %s", what, strerror(errno));
	return EXIT_REFUSED;
}

static void write_line(struct statefile *state, const char *line)
{
	state->checksum = checksum(state->checksum, line);
	if (fprintf(state->file, "%08" PRIx32 " %s\n", state->checksum, line) < 0)
		state->failed = true;
}

int statefile_create(struct statefile *state, const struct args *args, const char *path,
		     const char *kind)
{
	char line[192], boot[64];
	int fd;

	*state = (struct statefile){ .args = args, .path = path, .file = stdout };
	if (strcmp(path, "-")) {
		if (asprintf(&state->temporary, "%s.new", path) < 0)
			return args_error(args, "no memory");
		fd = open(state->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
		state->file = fd < 0 ? NULL : fdopen(fd, "w");
		if (!state->file) {
			failed(state, state->temporary);
			free(state->temporary);
			return EXIT_REFUSED;
		}
	}
	boot_id(boot);
	snprintf(line, sizeof(line), "rewire %s %d boot %s clock %" PRIu64, kind,
		 STATEFILE_VERSION, boot, clock_now());
	write_line(state, line);
	return 0;
}

void statefile_line(struct statefile *state, const char *line)
{
	state->lines++;
	write_line(state, line);
}

int statefile_finish(struct statefile *state, int status)
{
	char line[32];

	snprintf(line, sizeof(line), "end %lu", state->lines);
	write_line(state, line);
	if (fflush(state->file) || state->failed)
		status = status ? status : failed(state, state->path);
	if (!state->temporary)
		return status;
	if (!status && fsync(fileno(state->file)))
		status = failed(state, state->path);
	fclose(state->file);
	if (!status && rename(state->temporary, state->path))
		status = failed(state, state->path);
	if (status)
		unlink(state->temporary);
	free(state->temporary);
	return status;
}

/* Standard input is read twice, so it has to be kept. */
static FILE *keep(FILE *from)
{
	FILE *file = tmpfile();
	char buffer[65536];
	size_t got;

	while (file && (got = fread(buffer, 1, sizeof(buffer), from)))
		if (fwrite(buffer, 1, got, file) != got)
			break;
	if (file)
		rewind(file);
	return file;
}

/* Take the end of a line and the checksum off. NULL, or what is wrong. */
static const char *check_line(struct statefile *state, char *line, ssize_t length, char **words)
{
	unsigned int sum;
	int used = 0;

	if ((size_t)length != strlen(line))
		return "there is a zero byte";
	if (line[length - 1] != '\n')
		return "the line has no end: the file is truncated";
	line[length - 1] = 0;
	if (sscanf(line, "%8x%n", &sum, &used) != 1 || used != CHECKSUM_DIGITS || line[used] != ' ')
		return "there is no checksum";
	*words = line + used + 1;
	state->checksum = checksum(state->checksum, *words);
	return state->checksum == sum ? NULL : "the checksum is wrong: this line is damaged, or one before it is missing";
}

static const char *check_first(const char *words, const char *wanted)
{
	static char wrong[96];
	char kind[16], boot[64];
	unsigned int version;
	uint64_t when;

	if (sscanf(words, KINDS_LINE, kind, &version, boot, &when) != 4)
		return "this is not what rewire saves";
	if (version != STATEFILE_VERSION)
		snprintf(wrong, sizeof(wrong), "the file is of version %u, not %d", version,
			 STATEFILE_VERSION);
	else if (strcmp(kind, wanted))
		snprintf(wrong, sizeof(wrong), "the file has %s, not %s", kind, wanted);
	else
		return NULL;
	return wrong;
}

/* Whether a line is the last one; wrong is set if it is not as it should be. */
static bool check_last(const struct statefile *state, const char *words, const char **wrong)
{
	unsigned long lines;

	if (strncmp(words, "end ", 4))
		return false;
	if (sscanf(words, "end %lu", &lines) != 1 || lines != state->lines)
		*wrong = "the number of lines is wrong";
	return true;
}

/* Read all lines; a fn of NULL only checks them. */
static int read_lines(struct statefile *state, const char *kind, statefile_fn *fn, void *data)
{
	const char *wrong = NULL;
	char *line = NULL, *words;
	bool ended = false;
	int status = 0;
	ssize_t length;
	size_t size = 0;

	rewind(state->file);
	state->checksum = 0;
	state->lines = 0;
	cli.file = state->path;
	for (cli.line = 1; !wrong && !status && (length = getline(&line, &size, state->file)) > 0; cli.line++) {
		if (ended)
			wrong = "there is something behind the end";
		else
			wrong = check_line(state, line, length, &words);
		if (!wrong && cli.line == 1)
			wrong = check_first(words, kind);
		else if (!wrong)
			ended = check_last(state, words, &wrong);
		if (wrong || cli.line == 1 || ended)
			continue;
		state->lines++;
		if (fn)
			status = fn(words, data);
	}
	if (wrong)
		cli.line--;
	else if (!status && !ended)
		wrong = cli.line == 1 ? "the file is empty" : "the file is truncated: its end is missing";
	if (wrong) {
		cli_error("%s", wrong);
		status = EXIT_USAGE;
	}
	cli.file = NULL;
	free(line);
	return status;
}

int statefile_open(struct statefile *state, const struct args *args, const char *path,
		   const char *kind)
{
	*state = (struct statefile){ .args = args, .path = path };
	state->file = strcmp(path, "-") ? fopen(path, "re") : keep(stdin);
	if (!state->file) {
		args_error(args, "%s: %s", path, strerror(errno));
		return EXIT_USAGE;
	}
	if (!read_lines(state, kind, NULL, NULL))
		return 0;
	statefile_close(state);
	return EXIT_USAGE;
}

uint64_t statefile_elapsed(const struct statefile *state)
{
	char kind[16], boot[64], ours[64];
	unsigned int version;
	uint64_t when, now = clock_now();

	rewind(state->file);
	boot_id(ours);
	if (fscanf(state->file, "%*8x " KINDS_LINE, kind, &version, boot, &when) != 4 ||
	    strcmp(boot, ours) || when > now)
		return UINT64_MAX;
	return now - when;
}


int statefile_each(struct statefile *state, statefile_fn *fn, void *data)
{
	char kind[16];

	rewind(state->file);
	if (fscanf(state->file, "%*8x rewire %15s", kind) != 1)
		return EXIT_USAGE;
	return read_lines(state, kind, fn, data);
}

void statefile_close(struct statefile *state)
{
	fclose(state->file);
}

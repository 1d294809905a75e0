/* SPDX-License-Identifier: GPL-2.0 */
/* The words of a command, read by a table of the arguments that it takes. */
#ifndef ARGS_H
#define ARGS_H

#include "cli.h"

enum arg_kind {
	ARG_U32,	/* uint32_t from min to max, max 0: any */
	ARG_U64,	/* uint64_t */
	ARG_PROTOCOL,	/* uint8_t */
	ARG_FAMILY,	/* uint8_t */
	ARG_PREFIX,	/* struct arg_prefix */
	ARG_PORTS,	/* struct arg_ports */
	ARG_ENDPOINT,	/* struct arg_endpoint */
	ARG_MATCH,	/* struct arg_match */
	ARG_DURATION,	/* uint64_t, milliseconds */
	ARG_SINCE,	/* uint64_t, milliseconds ago */
	ARG_NAME,	/* uint32_t, by names */
	ARG_DEVICE,	/* uint32_t, the index of a device that exists */
	ARG_TEXT,	/* const char * */
	ARG_ADDR,	/* struct rw_addr */
	ARG_LLADDR,	/* uint8_t[6] */
	ARG_LIST,	/* struct arg_list, for an argument that may come several times */
	ARG_WORD,	/* no value follows; uint32_t becomes min */
	ARG_TO,		/* no value follows; what comes after is ARG_AFTER */
};

/* Where a name counts, for one that means something else behind an ARG_TO. */
enum arg_part {
	ARG_ANYWHERE,
	ARG_BEFORE,
	ARG_AFTER,
};

struct arg_prefix {
	struct rw_addr addr;
	uint8_t len;
};

struct arg_ports {
	uint16_t min, max;
};

struct arg_endpoint {
	struct rw_addr addr;
	int port;		/* -1, none */
};

struct arg_match {
	struct rw_addr addr;
	uint8_t len;
	int ports[2];		/* lowest and highest; -1, none */
};

#define ARG_LIST_MAX	16

struct arg_list {
	const char *text[ARG_LIST_MAX];
	unsigned int count;
};

/* An argument; of a table, the last has no name. */
struct arg {
	const char *name;
	uint8_t kind, part;
	uint16_t offset;	/* of the value in the structure to fill */
	uint32_t min, max;
	const struct rw_name *names;
	uint8_t path[2][RW_PATH_MAX];	/* of the attributes that the value goes into */
};

#define ARGS_MAX	40

struct args {
	const char *object, *command;	/* command is NULL when the object has none */
	const char *to;			/* name of the ARG_TO that was given */
	char **words;
	int count;
	const char *value[ARGS_MAX];	/* by place in the table; NULL, not given */
};

/*
 * Fill a structure from all words. Names and enumerated values may be cut to a
 * prefix that is unique. 0, or EXIT_USAGE after an error is printed.
 */
int args_parse(struct args *args, const struct arg *table, void *values);
/* For a command without arguments. */
int args_none(struct args *args);

/* Print an error of this command. Returns EXIT_USAGE. */
int args_error(const struct args *args, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Print what the kernel refused, and which argument it named. Returns EXIT_REFUSED. */
int args_refused(const struct args *args, const struct arg *table, const struct rw_error *error);

/*
 * The place of the entry that a word means, of structures that begin with a
 * name and end with NULL. -1 for none, -2 for several.
 */
int args_match(const void *entries, size_t size, const char *word);

#endif

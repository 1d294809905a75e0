/* SPDX-License-Identifier: GPL-2.0 */
/* What all objects of the command line share. */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>

#include "librewire.h"

#define EXIT_USAGE	1	/* the command line is wrong; nothing was done */
#define EXIT_REFUSED	2	/* the kernel or the daemon refused, or cannot be asked */

#define CONTROL_SOCKET	"/run/rewire/rewired.sock"

struct cli {
	bool stats, details, force;
	const char *control;		/* path of the daemon's socket */
	const char *file;		/* of commands, NULL when they come from the command line */
	unsigned int line;
	bool restoring;			/* what is there already is no error, nor what has expired */
	unsigned long existing;		/* of those */
	uint64_t elapsed;		/* milliseconds since what is restored was saved */
	struct rw_socket *socket;
};

struct args;

struct command {
	const char *name;
	int (*run)(struct args *args);
};

struct object {
	const char *name;
	const char *usage;
	const struct command *commands;	/* the first is the one that is meant when none is named */
	int (*run)(struct args *args);	/* instead of commands */
};

extern struct cli cli;
extern const struct object attach_object, delegate_object, address_object, rule_object, limit_object, target_object, policy_object, flow_object, punt_object,
	verdict_object, explain_object, suspicion_object, summary_object, stats_object, monitor_object, service_object, pool_object, backend_object, config_object,
	apply_object, daemon_object, save_object, restore_object;

/* Run one command: its words, from the object on. Returns an exit status. */
int cli_run(int count, char **words);
/* Run one command that is a line, which is cut into words. */
int cli_run_line(char *line);
/* Run the commands of a file, "-" for standard input. */
int cli_run_file(const char *path);
/* Enter a network namespace by name or path. */
int cli_enter_netns(const char *name);
/* The connection to the kernel, made at first use; NULL after an error is printed. */
struct rw_socket *cli_socket(void);
/* Print "rewire: [FILE:LINE: ]" and a message. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

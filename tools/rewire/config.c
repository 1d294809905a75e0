// SPDX-License-Identifier: GPL-2.0
/* rewire config and apply: the daemon's configuration. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control.h"
#include "print.h"

static const char config_usage[] =
	"Usage: rewire config [ show ]\n"
	"Prints the daemon's configuration, in the form that rewire apply reads.\n";

static const char apply_usage[] =
	"Usage: rewire apply { FILE | - } [ dry-run ]\n"
	"Gives the daemon a new configuration. It takes effect as a whole, or not at all;\n"
	"dry-run only checks it and tells what would change.\n";

static int config_show(struct args *args)
{
	int ret = args_none(args);
	json_t *config;

	if (ret)
		return ret;
	config = control_call(args, "config.get", json_object());
	if (!config)
		return EXIT_REFUSED;
	json_dumpf(config, stdout, print_style.json && !print_style.pretty ?
		   JSON_COMPACT : JSON_INDENT(4));
	putchar('\n');
	json_decref(config);
	return 0;
}

static json_t *load(const struct args *args, const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	json_error_t error;
	json_t *config;

	if (!file) {
		args_error(args, "%s: %s", path, strerror(errno));
		return NULL;
	}
	config = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
	if (!config)
		args_error(args, "%s:%d:%d: %s", path, error.line, error.column, error.text);
	if (file != stdin)
		fclose(file);
	return config;
}

static int apply(struct args *args)
{
	const char *path = NULL;
	bool dry_run = false;
	json_t *config;
	int i;

	for (i = 0; i < args->count; i++) {
		const char *word = args->words[i];

		if (!strcmp(word, "dry-run") || !strcmp(word, "--dry-run"))
			dry_run = true;
		else if (path)
			return args_error(args, "unknown argument \"%s\"", word);
		else
			path = word;
	}
	if (!path)
		return args_error(args, "FILE is missing");
	config = load(args, path);
	if (!config)
		return EXIT_USAGE;
	return control_show(args, "config.apply",
			    json_pack("{s:o, s:b}", "config", config, "dry_run", dry_run));
}

static const struct command config_commands[] = { { "show", config_show }, { NULL, NULL } };

const struct object config_object = { "config", config_usage, config_commands, NULL };
const struct object apply_object = { "apply", apply_usage, NULL, apply };

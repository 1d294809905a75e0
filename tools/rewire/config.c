// SPDX-License-Identifier: GPL-2.0
/* rewire config and apply: the daemon's configuration. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "print.h"
#include "view.h"

static const char config_usage[] =
	"Usage: rewire config [ show ]\n"
	"Prints the daemon's configuration, in the form that rewire apply reads.\n";

static const char apply_usage[] =
	"Usage: rewire apply { FILE | - } [ dry-run ]\n"
	"Gives the daemon a new configuration. It takes effect as a whole, or not at all;\n"
	"dry-run only checks it. What changes, or would change, is printed.\n";

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

/* A whole file as text, to be freed; NULL after an error is printed. */
static char *read_text(const struct args *args, const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char *text = NULL;
	size_t size = 0;

	if (!file || (getdelim(&text, &size, 0, file) < 0 && ferror(file))) {
		args_error(args, "%s: %s", path, strerror(errno));
		free(text);
		text = NULL;
	} else if (!feof(file)) {
		args_error(args, "%s: there is a zero byte", path);
		free(text);
		text = NULL;
	} else if (!text) {
		text = strdup("");
	}
	if (file && file != stdin)
		fclose(file);
	return text;
}

static json_t *parse(const struct args *args, const char *path, const char *text)
{
	json_error_t error;
	json_t *config = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (!config)
		args_error(args, "%s:%d:%d: %s", path, error.line, error.column, error.text);
	return config;
}

/* What is different, one object a line; and in JSON or with details, the rest. */
static void show_applied(const struct args *args, json_t *result)
{
	const json_t *item;
	size_t i;

	if (!print_style.json) {
		json_array_foreach(json_object_get(result, "changed"), i, item)
			printf("%s\n", json_string_value(item));
		json_object_del(result, "changed");
	}
	view_print(args->object, result);
}

static int apply(struct args *args)
{
	const char *path = NULL;
	bool dry_run = false;
	json_t *config, *result;
	char *text;
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
	text = read_text(args, path);
	config = text ? parse(args, path, text) : NULL;
	if (!config) {
		free(text);
		return EXIT_USAGE;
	}
	control_blame(path, text);
	result = control_call(args, "config.apply",
			      json_pack("{s:o, s:b}", "config", config, "dry_run", dry_run));
	control_blame(NULL, NULL);
	free(text);
	if (!result)
		return EXIT_REFUSED;
	show_applied(args, result);
	json_decref(result);
	return 0;
}

static const struct command config_commands[] = { { "show", config_show }, { NULL, NULL } };

const struct object config_object = { "config", config_usage, config_commands, NULL };
const struct object apply_object = { "apply", apply_usage, NULL, apply };

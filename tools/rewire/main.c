// SPDX-License-Identifier: GPL-2.0
/* rewire: the options, and which object a command is about. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "cli.h"
#include "print.h"

struct cli cli;

static const char usage[] =
	"Usage: rewire [ OPTIONS ] OBJECT { COMMAND | help }\n"
	"       rewire [ OPTIONS ] [ -force ] -batch FILE\n"
	"where  OBJECT := { attach | address | rule | limit | target | policy | delegate | flow | punt |\n"
	"                   verdict | explain | suspicion | summary | stats | monitor | service | pool | backend |\n"
	"                   config | apply | save | restore | daemon }\n"
	"       OPTIONS := { -j[son] | -p[retty] | -s[tats] | -d[etails] | -o[neline] |\n"
	"                    -t[imestamp] | -c[olor][=always|auto|never] | -n[etns] NETNS |\n"
	"                    --socket PATH | -V[ersion] | -h[elp] }\n";

static const struct {
	const char *name;
	const struct object *object;
} objects[] = {
	{ "attach", &attach_object },
	{ "address", &address_object },
	{ "rule", &rule_object },
	{ "limit", &limit_object },
	{ "target", &target_object },
	{ "policy", &policy_object },
	{ "delegate", &delegate_object },
	{ "flow", &flow_object },
	{ "punt", &punt_object },
	{ "verdict", &verdict_object },
	{ "explain", &explain_object },
	{ "suspicion", &suspicion_object },
	{ "summary", &summary_object },
	{ "stats", &stats_object },
	{ "monitor", &monitor_object },
	{ "service", &service_object },
	{ "pool", &pool_object },
	{ "backend", &backend_object },
	{ "config", &config_object },
	{ "save", &save_object },
	{ "restore", &restore_object },
	{ "apply", &apply_object },
	{ "daemon", &daemon_object },
	{ NULL, NULL }
};

enum option {
	OPTION_JSON, OPTION_PRETTY, OPTION_STATS, OPTION_DETAILS, OPTION_ONELINE, OPTION_TIMESTAMP,
	OPTION_COLOR, OPTION_NETNS, OPTION_BATCH, OPTION_FORCE, OPTION_SOCKET, OPTION_VERSION,
	OPTION_HELP,
};

/* One letter is enough for each; -s is -stats, not -socket. */
static const struct {
	const char *name;
	enum option option;
	bool value;
	char letter;
} options[] = {
	{ "json", OPTION_JSON, false, 'j' },
	{ "pretty", OPTION_PRETTY, false, 'p' },
	{ "stats", OPTION_STATS, false, 's' },
	{ "statistics", OPTION_STATS, false, 0 },
	{ "details", OPTION_DETAILS, false, 'd' },
	{ "oneline", OPTION_ONELINE, false, 'o' },
	{ "timestamp", OPTION_TIMESTAMP, false, 't' },
	{ "color", OPTION_COLOR, false, 'c' },
	{ "netns", OPTION_NETNS, true, 'n' },
	{ "batch", OPTION_BATCH, true, 'b' },
	{ "force", OPTION_FORCE, false, 'f' },
	{ "socket", OPTION_SOCKET, true, 0 },
	{ "Version", OPTION_VERSION, false, 'V' },
	{ "help", OPTION_HELP, false, 'h' },
	{ NULL, 0, false, 0 }
};

void cli_error(const char *format, ...)
{
	va_list list;

	fflush(stdout);
	fputs("rewire: ", stderr);
	if (cli.file)
		fprintf(stderr, "%s:%u: ", cli.file, cli.line);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
}

struct rw_socket *cli_socket(void)
{
	struct rw_error error;

	if (!cli.socket)
		cli.socket = rw_socket_open(&error);
	if (!cli.socket)
		cli_error("%s", error.sentence);
	return cli.socket;
}

static int run_command(const struct object *object, int count, char **words)
{
	struct args args = { .object = object->name, .words = words, .count = count };
	const char *word = count ? words[0] : "";
	int place;

	if (!strcmp(word, "help")) {
		fputs(object->usage, stdout);
		return 0;
	}
	if (object->run)
		return object->run(&args);
	place = count ? args_match(object->commands, sizeof(object->commands[0]), word) : 0;
	if (place < 0) {
		cli_error("%s: %s command \"%s\", see rewire %s help", object->name,
			  place == -2 ? "ambiguous" : "unknown", word, object->name);
		return EXIT_USAGE;
	}
	args.command = object->commands[place].name;
	args.count -= count > 0;
	args.words += count > 0;
	return object->commands[place].run(&args);
}

int cli_run(int count, char **words)
{
	int place = args_match(objects, sizeof(objects[0]), words[0]);

	print_forget_devices();
	if (place >= 0)
		return run_command(objects[place].object, count - 1, words + 1);
	if (!strcmp(words[0], "help")) {
		fputs(usage, stdout);
		return 0;
	}
	cli_error("%s object \"%s\", see rewire help", place == -2 ? "ambiguous" : "unknown", words[0]);
	return EXIT_USAGE;
}

static int find_option(const char *text)
{
	int place;

	if (!text[1])
		for (place = 0; options[place].name; place++)
			if (options[place].letter == text[0])
				return place;
	return args_match(options, sizeof(options[0]), text);
}

static int set_colour(const char *value)
{
	if (!value || !strcmp(value, "always"))
		print_style.colour = true;
	else if (!strcmp(value, "auto"))
		print_style.colour = isatty(STDOUT_FILENO);
	else if (!strcmp(value, "never"))
		print_style.colour = false;
	else
		return -1;
	return 0;
}

/* The options that only say how to print. */
static void set_style(enum option option)
{
	switch (option) {
	case OPTION_PRETTY:
		print_style.pretty = true;
		break;
	case OPTION_JSON:
		print_style.json = true;
		break;
	case OPTION_STATS:
		cli.stats = true;
		break;
	case OPTION_DETAILS:
		cli.details = true;
		break;
	case OPTION_ONELINE:
		print_style.oneline = true;
		break;
	case OPTION_TIMESTAMP:
		print_style.timestamp = true;
		break;
	case OPTION_FORCE:
		cli.force = true;
		break;
	default:
		break;
	}
}

struct choice {
	const char *netns, *batch;
	bool done;		/* the version or the usage was all that was asked for */
};

static int take_option(const char *word, const char *value, bool *used, struct choice *choice)
{
	const char *text = word + strspn(word, "-"), *equals = strchr(text, '=');
	char name[32];
	int place;

	snprintf(name, sizeof(name), "%.*s", equals ? (int)(equals - text) : (int)strlen(text), text);
	place = find_option(name);
	if (place < 0 || (equals && options[place].option != OPTION_COLOR)) {
		cli_error("unknown option \"%s\", see rewire -help", word);
		return EXIT_USAGE;
	}
	*used = options[place].value;
	if (*used && !value) {
		cli_error("option -%s needs a value", options[place].name);
		return EXIT_USAGE;
	}
	switch (options[place].option) {
	case OPTION_NETNS:
		choice->netns = value;
		return 0;
	case OPTION_BATCH:
		choice->batch = value;
		return 0;
	case OPTION_SOCKET:
		cli.control = value;
		return 0;
	case OPTION_COLOR:
		if (!set_colour(equals ? equals + 1 : NULL))
			return 0;
		cli_error("-color: \"%s\" is not one of always, auto, never", equals + 1);
		return EXIT_USAGE;
	case OPTION_VERSION:
		printf("rewire %s, interface %d\n", REWIRE_VERSION, REWIRE_INTERFACE_VERSION);
		choice->done = true;
		return 0;
	case OPTION_HELP:
		fputs(usage, stdout);
		choice->done = true;
		return 0;
	default:
		set_style(options[place].option);
		return 0;
	}
}

static int run(int argc, char **argv)
{
	struct choice choice = { 0 };
	int at, status;
	bool used;

	for (at = 1; at < argc && argv[at][0] == '-' && argv[at][1]; at++) {
		status = take_option(argv[at], argv[at + 1], &used, &choice);
		if (status || choice.done)
			return status;
		at += used;
	}
	if (choice.netns && cli_enter_netns(choice.netns))
		return EXIT_REFUSED;
	if (choice.batch && at < argc) {
		cli_error("with -batch there can be no command \"%s\"", argv[at]);
		return EXIT_USAGE;
	}
	if (choice.batch)
		return cli_run_file(choice.batch);
	if (at < argc)
		return cli_run(argc - at, argv + at);
	fputs(usage, stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	static char output[1 << 18];
	int status;

	/* Lists are long, and written by few calls then. A terminal gets each line at once. */
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, output, _IOFBF, sizeof(output));
	cli.control = getenv("REWIRE_SOCKET");
	if (!cli.control || !cli.control[0])
		cli.control = CONTROL_SOCKET;
	status = run(argc, argv);
	rw_socket_close(cli.socket);
	if (fflush(stdout) || ferror(stdout)) {
		cli_error("standard output: %s", strerror(errno));
		return status ? status : EXIT_REFUSED;
	}
	return status;
}

// SPDX-License-Identifier: GPL-2.0
/* The words of a command. */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "args.h"

static const struct rw_name family_names[] = {
	{ "inet", "" }, { "inet6", "" }, { NULL, NULL }
};

int args_error(const struct args *args, const char *format, ...)
{
	char message[512];
	va_list list;

	va_start(list, format);
	vsnprintf(message, sizeof(message), format, list);
	va_end(list);
	cli_error("%s%s%s: %s", args->object, args->command ? " " : "", args->command ?: "", message);
	return EXIT_USAGE;
}

static const char *name_at(const void *entries, size_t size, int place)
{
	const char *name;

	memcpy(&name, (const char *)entries + size * place, sizeof(name));
	return name;
}

int args_match(const void *entries, size_t size, const char *word)
{
	size_t length = strlen(word);
	int place, found = -1;

	for (place = 0; length && name_at(entries, size, place); place++) {
		const char *name = name_at(entries, size, place);

		if (!strcmp(name, word))
			return place;
		if (!strncmp(name, word, length))
			found = found == -1 ? place : -2;
	}
	return found;
}

/* The argument that a word means, of those that count before or after the ARG_TO. */
static int find_arg(const struct args *args, const struct arg *table, const char *word, bool after)
{
	size_t length = strlen(word);
	int place, found = -1, other = -1;

	for (place = 0; length && table[place].name; place++) {
		if (table[place].part == (after ? ARG_BEFORE : ARG_AFTER) ||
		    strncmp(table[place].name, word, length))
			continue;
		if (!table[place].name[length])
			return place;
		if (found < 0)
			found = place;
		else
			other = place;
	}
	if (other >= 0)
		args_error(args, "\"%s\" could be %s or %s", word, table[found].name,
			   table[other].name);
	else if (found < 0)
		args_error(args, "unknown argument \"%s\"", word);
	return other >= 0 ? -1 : found;
}

static int wrong_value(const struct args *args, const struct arg *arg, const char *text,
		       const char *what)
{
	bool after = arg->part == ARG_AFTER;

	return args_error(args, "%s%s%s: \"%s\" %s", after ? args->to : "", after ? " " : "",
			  arg->name, text, what);
}

static int parse_number(const struct args *args, const struct arg *arg, const char *text,
			void *value)
{
	uint64_t number, max = arg->kind == ARG_U64 ? UINT64_MAX : arg->max ? arg->max : UINT32_MAX;
	char what[80];

	if (!rw_number_parse(text, arg->min, max, &number)) {
		snprintf(what, sizeof(what), "is not a number from %u to %" PRIu64, arg->min, max);
		return wrong_value(args, arg, text, what);
	}
	if (arg->kind == ARG_U64)
		*(uint64_t *)value = number;
	else
		*(uint32_t *)value = number;
	return 0;
}

static int parse_name(const struct args *args, const struct arg *arg, const struct rw_name *names,
		      const char *text, uint32_t *value)
{
	char what[256] = "is not one of";
	int place = args_match(names, sizeof(*names), text);

	if (place >= 0) {
		*value = place;
		return 0;
	}
	for (place = 0; names[place].name; place++)
		snprintf(what + strlen(what), sizeof(what) - strlen(what), "%s %s",
			 place ? "," : "", names[place].name);
	return wrong_value(args, arg, text, what);
}

static int parse_family(const struct args *args, const struct arg *arg, const char *text,
			uint8_t *value)
{
	uint32_t place;
	int ret = parse_name(args, arg, family_names, text, &place);

	if (!ret)
		*value = place ? AF_INET6 : AF_INET;
	return ret;
}

static int parse_device(const struct args *args, const struct arg *arg, const char *text,
			uint32_t *value)
{
	*value = if_nametoindex(text);
	return *value ? 0 : wrong_value(args, arg, text, "is not a device");
}

/* A number with a unit; without one, milliseconds. */
static const char *parse_duration(const char *text, uint64_t *milliseconds)
{
	static const struct {
		const char *name;
		uint64_t size;
	} units[] = {
		{ "", 1 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
		{ "d", 86400000 },
	};
	char *end;
	uint64_t number;
	size_t i;

	errno = 0;
	number = strtoull(text, &end, 10);
	for (i = 0; end != text && !errno && isdigit((unsigned char)*text) &&
	     i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].name) || number > UINT64_MAX / units[i].size)
			continue;
		*milliseconds = number * units[i].size;
		return NULL;
	}
	return "is not a time: a number with ms, s, m, h or d";
}

/* How long ago, or a time of day or of the calendar, or seconds of the epoch behind an @. */
static const char *parse_since(const char *text, uint64_t *milliseconds)
{
	static const char *const formats[] = {
		"%H:%M", "%H:%M:%S", "%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S",
	};
	struct timespec now;
	uint64_t epoch = 0;
	size_t i;

	clock_gettime(CLOCK_REALTIME, &now);
	if (text[0] == '@' && !rw_number_parse(text + 1, 0, INT64_MAX / 1000, &epoch))
		return "is not a number of seconds since 1970";
	for (i = 0; text[0] != '@' && !epoch && i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm date = { .tm_mday = 1 };
		const char *end;

		if (i < 2)
			localtime_r(&now.tv_sec, &date);
		date.tm_sec = 0;
		date.tm_isdst = -1;
		end = strptime(text, formats[i], &date);
		if (end && !*end)
			epoch = mktime(&date);
	}
	if (text[0] != '@' && !epoch)
		return parse_duration(text, milliseconds) ?
		       "is not a time: 10s, 12:30, 2026-01-31T12:30 or @SECONDS" : NULL;
	if (epoch > (uint64_t)now.tv_sec)
		return "is in the future";
	*milliseconds = (now.tv_sec - epoch) * 1000 + now.tv_nsec / 1000000;
	return NULL;
}

static int parse_text(const struct args *args, const struct arg *arg, const char *text, void *value)
{
	const char *wrong = NULL;
	struct arg_prefix *prefix = value;
	struct arg_endpoint *endpoint = value;
	struct arg_ports *ports = value;
	struct arg_match *match = value;
	struct ether_addr lladdr;

	switch (arg->kind) {
	case ARG_PROTOCOL:
		wrong = rw_protocol_parse(text, value);
		break;
	case ARG_PREFIX:
		wrong = rw_prefix_parse(text, &prefix->addr, &prefix->len);
		break;
	case ARG_PORTS:
		wrong = rw_ports_parse(text, &ports->min, &ports->max);
		break;
	case ARG_ENDPOINT:
		wrong = rw_endpoint_parse(text, &endpoint->addr, &endpoint->port);
		break;
	case ARG_MATCH:
		wrong = rw_match_parse(text, &match->addr, &match->len, match->ports);
		break;
	case ARG_DURATION:
		wrong = parse_duration(text, value);
		break;
	case ARG_SINCE:
		wrong = parse_since(text, value);
		break;
	case ARG_ADDR:
		wrong = rw_addr_parse(text, value);
		break;
	case ARG_LLADDR:
		if (ether_aton_r(text, &lladdr))
			memcpy(value, &lladdr, sizeof(lladdr));
		else
			wrong = "is not a hardware address";
		break;
	default:
		*(const char **)value = text;
	}
	return wrong ? wrong_value(args, arg, text, wrong) : 0;
}

static int parse_list(const struct args *args, const struct arg *arg, const char *text,
		      struct arg_list *list)
{
	if (list->count == ARG_LIST_MAX)
		return args_error(args, "%s is there more than %d times", arg->name, ARG_LIST_MAX);
	list->text[list->count++] = text;
	return 0;
}

static int parse_value(const struct args *args, const struct arg *arg, const char *text, void *value)
{
	switch (arg->kind) {
	case ARG_U32:
	case ARG_U64:
		return parse_number(args, arg, text, value);
	case ARG_NAME:
		return parse_name(args, arg, arg->names, text, value);
	case ARG_FAMILY:
		return parse_family(args, arg, text, value);
	case ARG_LIST:
		return parse_list(args, arg, text, value);
	case ARG_DEVICE:
		return parse_device(args, arg, text, value);
	default:
		return parse_text(args, arg, text, value);
	}
}

/* Of the words that stand for values of one member, there can be one. */
static int check_repeat(const struct args *args, const struct arg *table, int place)
{
	int other;

	if (args->value[place] && table[place].kind != ARG_LIST)
		return args_error(args, "%s is there twice", table[place].name);
	if (table[place].kind != ARG_WORD)
		return 0;
	for (other = 0; table[other].name; other++)
		if (table[other].kind == ARG_WORD && table[other].offset == table[place].offset &&
		    args->value[other])
			return args_error(args, "%s and %s exclude each other",
					  table[other].name, table[place].name);
	return 0;
}

int args_parse(struct args *args, const struct arg *table, void *values)
{
	bool after = false;
	int at = 0;

	while (at < args->count) {
		const char *word = args->words[at++];
		int place = find_arg(args, table, word, after);
		const struct arg *arg = &table[place];

		if (place < 0 || check_repeat(args, table, place))
			return EXIT_USAGE;
		args->value[place] = "";
		if (arg->kind == ARG_TO) {
			after = true;
			args->to = arg->name;
		} else if (arg->kind == ARG_WORD) {
			*(uint32_t *)((char *)values + arg->offset) = arg->min;
		} else if (at == args->count) {
			return args_error(args, "%s needs a value", arg->name);
		} else {
			args->value[place] = args->words[at++];
			if (parse_value(args, arg, args->value[place], (char *)values + arg->offset))
				return EXIT_USAGE;
		}
	}
	return 0;
}

int args_none(struct args *args)
{
	return args->count ? args_error(args, "unknown argument \"%s\"", args->words[0]) : 0;
}

/* The kernel may name an attribute by its whole path, or just the nest that is wrong in itself. */
static bool is_path(const uint8_t path[RW_PATH_MAX], const struct rw_error *error)
{
	unsigned int i;

	for (i = 0; i < error->depth; i++)
		if (path[i] != error->path[i])
			return false;
	if (error->missing && i < RW_PATH_MAX && path[i++] != error->missing)
		return false;
	return i && (i == RW_PATH_MAX || !path[i]);
}

int args_refused(const struct args *args, const struct arg *table, const struct rw_error *error)
{
	const struct arg *arg;
	char which[160] = "";

	if (cli.restoring && (error->code == -EEXIST || error->code == -ETIME)) {
		cli.existing++;
		return 0;
	}
	for (arg = table; arg && arg->name && !which[0]; arg++) {
		const char *value = args->value[arg - table];
		const char *to = arg->part == ARG_AFTER && args->to ? args->to : "";
		const char *space = to[0] ? " " : "";

		if (!is_path(arg->path[0], error) && !is_path(arg->path[1], error))
			continue;
		if (value)
			snprintf(which, sizeof(which), " (%s%s%s%s%s)", to, space, arg->name,
				 value[0] ? " " : "", value);
		else if (error->missing)
			snprintf(which, sizeof(which), " (%s%s%s is missing)", to, space,
				 arg->name);
	}
	cli_error("%s%s%s: %s%s", args->object, args->command ? " " : "", args->command ?: "",
		  error->sentence, which);
	return EXIT_REFUSED;
}

// SPDX-License-Identifier: GPL-2.0
/* Where in a text a value is. Parsers of JSON do not keep that. */

#include <stdlib.h>
#include <string.h>

#include "json_line.h"

static const char *skip_space(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

/* From the first quote to behind the last one. */
static const char *skip_string(const char *at)
{
	for (at++; *at && *at != '"'; at++)
		if (*at == '\\' && at[1])
			at++;
	return *at ? at + 1 : at;
}

static const char *skip_value(const char *at)
{
	unsigned int depth = 0;

	do {
		at += *at == '"' ? 0 : strcspn(at, depth ? "\"{}[]" : "\"{}[],");
		if (*at == '"') {
			at = skip_string(at);
		} else if (*at == '{' || *at == '[') {
			depth++;
			at++;
		} else if (*at && depth) {
			depth--;
			at++;
		}
	} while (*at && depth);
	return at;
}

/* The value of a key of the object that begins here. */
static const char *find_key(const char *at, const char *key, size_t length)
{
	const char *name, *end;

	if (*at != '{')
		return NULL;
	for (at = skip_space(at + 1); *at == '"'; at = skip_space(at + 1)) {
		name = at + 1;
		end = skip_string(at);
		at = skip_space(end);
		if (*at != ':')
			return NULL;
		at = skip_space(at + 1);
		if ((size_t)(end - name) == length + 1 && !strncmp(name, key, length))
			return at;
		at = skip_space(skip_value(at));
		if (*at != ',')
			return NULL;
	}
	return NULL;
}

/* An element of the array that begins here. */
static const char *find_element(const char *at, unsigned long index)
{
	if (*at != '[')
		return NULL;
	for (at = skip_space(at + 1); index; index--) {
		at = skip_space(skip_value(at));
		if (*at != ',')
			return NULL;
		at = skip_space(at + 1);
	}
	return *at && *at != ']' ? at : NULL;
}

unsigned int rw_json_line(const char *text, const char *path)
{
	const char *at = skip_space(text);
	unsigned int line = 1;
	size_t length;

	while (at && *path) {
		if (*path == '[') {
			at = find_element(at, strtoul(path + 1, NULL, 10));
			path += strcspn(path, "]");
			path += *path == ']';
		} else {
			path += *path == '.';
			length = strcspn(path, ".[");
			at = find_key(at, path, length);
			path += length;
		}
	}
	if (!at || !*at)
		return 0;
	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

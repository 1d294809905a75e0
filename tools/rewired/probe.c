// SPDX-License-Identifier: GPL-2.0
/* How backends are checked, as configured. */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "probe.h"
#include "types.h"

const char *const probe_type_names[] = { "tcp", "http", "https", "ping", "command", NULL };

struct probe *probe_get(struct probe *probe)
{
	atomic_fetch_add(&probe->references, 1);
	return probe;
}

void probe_put(struct probe *probe)
{
	uint32_t i;

	if (!probe || atomic_fetch_sub(&probe->references, 1) != 1)
		return;
	for (i = 0; i < probe->command_count; i++)
		free(probe->command[i]);
	free(probe->command);
	free(probe->host);
	free(probe->path);
	free(probe);
}

static int read_limits(const struct place *place, struct health_limits *limits)
{
	*limits = (struct health_limits){ .fall = 3, .rise = 2, .damping = 4 };
	return json_get_number(place, "fall", 1, 100, &limits->fall) < 0 ||
	       json_get_number(place, "rise", 1, 100, &limits->rise) < 0 ||
	       json_get_number(place, "damping", 0, 8, &limits->damping) < 0 ? -1 : 0;
}

static int read_times(const struct place *place, struct probe *probe)
{
	probe->interval = 5000;
	probe->timeout = 2000;
	return json_get_number(place, "interval", 100, 3600000, &probe->interval) < 0 ||
	       json_get_number(place, "timeout", 10, 60000, &probe->timeout) < 0 ? -1 : 0;
}

static int read_failed(const struct place *place, uint32_t *state)
{
	static const char *const words[] = { "down", "draining", NULL };
	uint32_t choice = 0;

	if (json_get_choice(place, "failed", words, &choice) < 0)
		return -1;
	*state = choice ? REWIRE_TARGET_STATE_DRAINING : REWIRE_TARGET_STATE_DOWN;
	return 0;
}

/* Letters that a URL's host or path may have, without a meaning of their own there. */
static int read_part(const struct place *place, const char *key, const char *letters,
		     const char *otherwise, char **part)
{
	const char *text = otherwise;
	const char *c;

	if (json_get_string(place, key, &text) < 0)
		return -1;
	for (c = text; c && (isalnum((unsigned char)*c) || (*c && strchr(letters, *c))); c++)
		;
	if (text && (*c || c == text || c - text > 255))
		return refuse(place->error, "%s: %s is not 1 to 255 letters, digits and \"%s\"",
			      place->text, key, letters);
	*part = text ? strdup(text) : NULL;
	return 0;
}

static int read_http(const struct place *place, struct probe *probe)
{
	probe->status_min = 200;
	probe->status_max = 399;
	if (read_part(place, "host", ".-", NULL, &probe->host) ||
	    read_part(place, "path", "/-._~!$&'()*+,;=:@%?", "/", &probe->path) ||
	    json_get_ports(place, "status", &probe->status_min, &probe->status_max) < 0 ||
	    json_get_bool(place, "verify", &probe->verify) < 0)
		return -1;
	if (probe->path[0] != '/')
		return refuse(place->error, "%s: path does not begin with \"/\"", place->text);
	if (probe->verify && !probe->host)
		return refuse(place->error, "%s: verify needs a host, whose certificate it is",
			      place->text);
	return 0;
}

static int read_command(const struct place *place, struct probe *probe)
{
	const json_t *list = NULL, *word;
	size_t i, length = 0;

	if (json_need_array(place, "command", &list))
		return -1;
	if (!json_array_size(list) || json_array_size(list) > PROBE_WORDS_MAX)
		return refuse(place->error, "%s: command is not a list of 1 to %u strings", place->text,
			      PROBE_WORDS_MAX);
	probe->command = allocate(json_array_size(list), sizeof(*probe->command));
	json_array_foreach(list, i, word) {
		length += json_string_length(word);
		if (!json_is_string(word) || length > PROBE_COMMAND_MAX)
			return refuse(place->error, "%s: command is not a list of strings, of %u bytes together",
				      place->text, PROBE_COMMAND_MAX);
		probe->command[probe->command_count++] = strdup(json_string_value(word));
	}
	if (probe->command[0][0] != '/')
		return refuse(place->error, "%s: command does not begin with the path of a program, \"/...\"",
			      place->text);
	return 0;
}

static int read_kind(const struct place *place, struct probe *probe)
{
	switch (probe->type) {
	case PROBE_HTTP:
	case PROBE_HTTPS:
		return read_http(place, probe);
	case PROBE_COMMAND:
		return read_command(place, probe);
	}
	return 0;
}

#define COMMON	"type", "interval", "timeout", "fall", "rise", "damping", "failed"

static int read_all(const struct place *place, struct probe *probe)
{
	static const char *const keys[][16] = {
		[PROBE_TCP] = { COMMON, "port", NULL },
		[PROBE_HTTP] = { COMMON, "port", "host", "path", "status", NULL },
		[PROBE_HTTPS] = { COMMON, "port", "host", "path", "status", "verify", NULL },
		[PROBE_PING] = { COMMON, NULL },
		[PROBE_COMMAND] = { COMMON, "port", "command", NULL },
	};
	int ret = json_get_choice(place, "type", probe_type_names, &probe->type);

	if (!ret)
		ret = refuse(place->error, "%s: type is missing", place->text);
	if (ret < 0 || json_only_keys(place, keys[probe->type]) || read_times(place, probe) ||
	    read_limits(place, &probe->limits) || read_failed(place, &probe->failed) ||
	    json_get_number(place, "port", 1, 65535, &probe->port) < 0)
		return -1;
	return read_kind(place, probe);
}

int probe_read(const struct place *place, struct probe **probe)
{
	struct place health;
	int ret = json_get_object(place, "health", &health);

	if (ret <= 0)
		return ret;
	*probe = allocate(1, sizeof(**probe));
	(*probe)->references = 1;
	return read_all(&health, *probe);
}

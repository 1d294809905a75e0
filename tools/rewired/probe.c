// SPDX-License-Identifier: GPL-2.0
/* How backends are checked, as configured. */

#include <stdlib.h>

#include "log.h"
#include "probe.h"
#include "types.h"

const char *const probe_type_names[] = { "tcp", NULL };

struct probe *probe_get(struct probe *probe)
{
	atomic_fetch_add(&probe->references, 1);
	return probe;
}

void probe_put(struct probe *probe)
{
	if (probe && atomic_fetch_sub(&probe->references, 1) == 1)
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

static int read_all(const struct place *place, struct probe *probe)
{
	static const char *const keys[] = {
		"type", "interval", "timeout", "fall", "rise", "damping", "failed", "port", NULL
	};
	int ret;

	if (json_only_keys(place, keys))
		return -1;
	ret = json_get_choice(place, "type", probe_type_names, &probe->type);
	if (!ret)
		ret = refuse(place->error, "%s: type is missing", place->text);
	if (ret < 0 || read_times(place, probe) || read_limits(place, &probe->limits) ||
	    read_failed(place, &probe->failed))
		return -1;
	return json_get_number(place, "port", 1, 65535, &probe->port) < 0 ? -1 : 0;
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

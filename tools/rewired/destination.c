// SPDX-License-Identifier: GPL-2.0
/* From the configuration's JSON to where a service sends its flows. */

#include <stdlib.h>

#include "address.h"
#include "config.h"
#include "destination.h"

static const char *const states[] = { "active", "draining", "down", NULL };
static const char *const schedulers[] = { "maglev", "round-robin", "least", "source", NULL };

static int read_backend_addresses(const struct place *place, struct backend *backend)
{
	struct prefixes prefixes = { 0 };
	int ret = prefixes_get(place, "addresses", &prefixes);
	struct rw_addr *address;
	unsigned int i;

	if (!ret)
		ret = refuse(place->error, "%s: addresses is missing", place->text);
	for (i = 0; ret > 0 && i < prefixes.count; i++) {
		address = &backend->addresses[family_index(&prefixes.list[i].address)];
		if (prefixes.list[i].length != rw_addr_bits(&prefixes.list[i].address))
			ret = refuse(place->error, "%s: addresses holds a prefix", place->text);
		else if (address->family)
			ret = refuse(place->error, "%s: addresses holds two of one family", place->text);
		*address = prefixes.list[i].address;
	}
	free(prefixes.list);
	return ret < 0 ? -1 : 0;
}

static int read_backend(const struct place *list, const json_t *object, size_t index,
			struct backend *backend)
{
	static const char *const keys[] = {
		"name", "id", "vni", "addresses", "port", "weight", "state", NULL
	};
	struct place place;
	uint32_t port = 0;

	backend->weight = 1;
	backend->state = REWIRE_TARGET_STATE_ACTIVE;
	if (config_enter(&place, "backend", object, list, "backends", index, &backend->name) ||
	    json_only_keys(&place, keys) ||
	    json_need_number(&place, "id", 1, UINT32_MAX, &backend->id) ||
	    json_need_number(&place, "vni", 0, REWIRE_VNI_MAX, &backend->vni) ||
	    json_get_number(&place, "port", 1, 65535, &port) < 0 ||
	    json_get_number(&place, "weight", 0, SCHEDULE_WEIGHT_MAX, &backend->weight) < 0 ||
	    json_get_choice(&place, "state", states, &backend->state) < 0)
		return -1;
	backend->port = port;
	return read_backend_addresses(&place, backend);
}

static int read_backends(const struct place *place, struct service *service)
{
	const json_t *list = NULL;
	size_t i;

	if (json_need_array(place, "backends", &list))
		return -1;
	if (json_array_size(list) > SCHEDULE_BACKENDS_MAX)
		return refuse(place->error, "%s: it has more than %u backends", place->text,
			      SCHEDULE_BACKENDS_MAX);
	service->backends = allocate(json_array_size(list), sizeof(*service->backends));
	for (i = 0; i < json_array_size(list); i++) {
		service->backend_count = i + 1;
		if (read_backend(place, json_array_get(list, i), i, &service->backends[i]))
			return -1;
	}
	return 0;
}

/* What is checked has a port. */
static int check_ports(const struct place *place, const struct service *service)
{
	unsigned int i;

	for (i = 0; i < service->backend_count; i++)
		if (service->probe && service->probe->type != PROBE_PING &&
		    !probe_port(service->probe, service, &service->backends[i]))
			return refuse(place->error, "%s: destination: health: port is missing, which neither the service nor backend \"%s\" has",
				      place->text, service->backends[i].name);
	return 0;
}

int destination_read(const struct place *place, struct service *service)
{
	static const char *const keys[] = { "scheduler", "affinity", "client4", "client6", "health",
					    "unavailable", NULL };
	struct place destination;
	int ret = config_get_end(place, "destination", &destination);
	bool maps = ret > 0 && json_object_get(destination.object, "vni");

	if (ret < 0)
		return -1;
	if ((!ret || maps) && json_object_get(place->object, "backends"))
		return refuse(place->error, "%s: backends without a destination that chooses",
			      place->text);
	if (!ret && !service->pool && !service->source.given)
		return refuse(place->error, "%s: it has neither source nor destination", place->text);
	if (!ret)
		return 0;
	if (maps)
		return mapping_read(&destination, true, &service->destination);
	service->balance = true;
	service->client_bits[IPV4] = 32;
	service->client_bits[IPV6] = 64;
	if (json_only_keys(&destination, keys) ||
	    json_get_choice(&destination, "scheduler", schedulers, &service->scheduler) < 0 ||
	    json_get_choice(&destination, "unavailable", config_rejects, &service->reject) < 0 ||
	    json_get_number(&destination, "affinity", 0, AFFINITY_MAX, &service->affinity) < 0 ||
	    json_get_number(&destination, "client4", 0, 32, &service->client_bits[IPV4]) < 0 ||
	    json_get_number(&destination, "client6", 0, 128, &service->client_bits[IPV6]) < 0)
		return -1;
	if (probe_read(&destination, &service->probe) || read_backends(place, service))
		return -1;
	return check_ports(place, service);
}

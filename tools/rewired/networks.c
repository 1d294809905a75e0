// SPDX-License-Identifier: GPL-2.0
/* Which virtual networks there are, and which of them may be reached from which. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "networks.h"
#include "snapshot.h"

static int by_vni(const void *a, const void *b)
{
	const struct network *x = a, *y = b;

	return (x->vni > y->vni) - (x->vni < y->vni);
}

static int read_reach(const struct place *place, struct network *network)
{
	const json_t *list = NULL, *value;
	int ret = json_get_array(place, "reach", &list);
	json_int_t number;
	size_t i;

	network->anywhere = !ret;
	if (ret <= 0)
		return ret;
	network->reach = allocate(json_array_size(list), sizeof(*network->reach));
	for (i = 0; i < json_array_size(list); i++) {
		value = json_array_get(list, i);
		number = json_integer_value(value);
		if (!json_is_integer(value) || number < 0 || number > REWIRE_VNI_MAX)
			return refuse(place->error, "%s: reach[%zu] is not a whole number from 0 to %u",
				      place->text, i, REWIRE_VNI_MAX);
		network->reach[network->reach_count++] = number;
	}
	return 0;
}

static int read_network(const struct place *root, const json_t *object, size_t index,
			struct network *network)
{
	static const char *const keys[] = { "vni", "reach", NULL };
	struct place place = { .object = object, .error = root->error };

	snprintf(place.text, sizeof(place.text), "%.60s: networks[%zu]", root->text, index);
	snprintf(root->error->where, sizeof(root->error->where), "networks[%zu]", index);
	if (!json_is_object(object))
		return refuse(root->error, "%s is not an object", place.text);
	if (json_only_keys(&place, keys) ||
	    json_need_number(&place, "vni", 0, REWIRE_VNI_MAX, &network->vni))
		return -1;
	return read_reach(&place, network);
}

int networks_read(const struct place *root, struct snapshot *snapshot)
{
	const json_t *list = NULL;
	size_t i;

	if (json_get_array(root, "networks", &list) < 0)
		return -1;
	snapshot->networks = allocate(json_array_size(list), sizeof(*snapshot->networks));
	for (i = 0; i < json_array_size(list); i++) {
		snapshot->network_count = i + 1;
		if (read_network(root, json_array_get(list, i), i, &snapshot->networks[i]))
			return -1;
	}
	qsort(snapshot->networks, snapshot->network_count, sizeof(*snapshot->networks), by_vni);
	for (i = 1; i < snapshot->network_count; i++)
		if (!by_vni(&snapshot->networks[i - 1], &snapshot->networks[i]))
			return refuse(root->error, "networks: VNI %u is there twice",
				      snapshot->networks[i].vni);
	return 0;
}

static const struct network *find(const struct snapshot *snapshot, uint32_t vni)
{
	const struct network key = { .vni = vni };

	return bsearch(&key, snapshot->networks, snapshot->network_count, sizeof(key), by_vni);
}

static int refuse_unknown(const char *kind, const char *name, uint32_t vni, struct error *error)
{
	return refuse(error, "%s \"%s\": vni %u is none of the networks", kind, name, vni);
}

static int check_reach(const struct snapshot *snapshot, const struct service *service,
		       uint32_t vni, struct error *error)
{
	const struct network *from = find(snapshot, service->vni);
	unsigned int i;

	if (!find(snapshot, vni))
		return refuse_unknown("service", service->name, vni, error);
	if (from->anywhere || vni == service->vni)
		return 0;
	for (i = 0; i < from->reach_count; i++)
		if (from->reach[i] == vni)
			return 0;
	return refuse(error, "service \"%s\": VNI %u may not reach VNI %u", service->name,
		      service->vni, vni);
}

static int check_service(const struct snapshot *snapshot, const struct service *service,
			 struct error *error)
{
	const struct backend *backend;
	unsigned int i;

	if (!find(snapshot, service->vni))
		return refuse_unknown("service", service->name, service->vni, error);
	if (service->destination.given &&
	    check_reach(snapshot, service, service->destination.vni, error))
		return -1;
	if (!service->balance && !service->destination.given &&
	    check_reach(snapshot, service, service_source_vni(service), error))
		return -1;
	for (i = 0; i < service->copy_count; i++)
		if (check_reach(snapshot, service, service->copies[i].to.vni, error))
			return -1;
	for (i = 0; i < service->backend_count; i++) {
		backend = &service->backends[i];
		snprintf(error->where, sizeof(error->where), "services[%zu].backends[%u]",
			 (size_t)(service - snapshot->services), i);
		if (!find(snapshot, backend->vni))
			return refuse_unknown("backend", backend->name, backend->vni, error);
		if (check_reach(snapshot, service, backend->vni, error))
			return -1;
	}
	return 0;
}

int networks_check(const struct snapshot *snapshot, struct error *error)
{
	unsigned int i;

	if (!snapshot->network_count)
		return 0;
	for (i = 0; i < snapshot->pool_count; i++) {
		snprintf(error->where, sizeof(error->where), "pools[%u]", i);
		if (!find(snapshot, snapshot->pools[i].vni))
			return refuse_unknown("pool", snapshot->pools[i].name,
					      snapshot->pools[i].vni, error);
	}
	for (i = 0; i < snapshot->service_count; i++) {
		snprintf(error->where, sizeof(error->where), "services[%u]", i);
		if (check_service(snapshot, &snapshot->services[i], error))
			return -1;
	}
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void networks_settle(struct rw_networks *networks)
{
	unsigned int i, kept = 0;

	if (networks->count)
		qsort(networks->vnis, networks->count, sizeof(*networks->vnis), by_number);
	for (i = 0; i < networks->count; i++)
		if (!kept || networks->vnis[kept - 1] != networks->vnis[i])
			networks->vnis[kept++] = networks->vnis[i];
	networks->count = kept;
}

static void name(struct rw_networks *vnis, bool given, uint32_t vni)
{
	if (given)
		vnis->vnis[vnis->count++] = vni;
}

static void name_service(struct rw_networks *vnis, const struct service *service)
{
	unsigned int i;

	name(vnis, true, service->vni);
	name(vnis, service->source.given, service->source.vni);
	name(vnis, service->destination.given, service->destination.vni);
	for (i = 0; i < service->copy_count; i++)
		name(vnis, true, service->copies[i].to.vni);
	for (i = 0; i < service->backend_count; i++)
		name(vnis, true, service->backends[i].vni);
}

static size_t names(const struct snapshot *snapshot)
{
	size_t count = snapshot->network_count + snapshot->pool_count;
	unsigned int i;

	for (i = 0; i < snapshot->service_count; i++)
		count += 3 + snapshot->services[i].copy_count + snapshot->services[i].backend_count;
	return count;
}

int networks_list(struct snapshot *snapshot, struct error *error)
{
	struct rw_networks *vnis = &snapshot->vnis;
	unsigned int i;

	vnis->vnis = allocate(names(snapshot), sizeof(*vnis->vnis));
	for (i = 0; i < snapshot->network_count; i++)
		name(vnis, true, snapshot->networks[i].vni);
	for (i = 0; i < snapshot->pool_count; i++)
		name(vnis, true, snapshot->pools[i].vni);
	for (i = 0; i < snapshot->service_count; i++)
		name_service(vnis, &snapshot->services[i]);
	networks_settle(vnis);
	if (vnis->count <= NETWORKS_MAX)
		return 0;
	error->where[0] = 0;
	return refuse(error, "configuration: it names %u virtual networks, more than %u", vnis->count,
		      NETWORKS_MAX);
}

bool networks_have(const struct rw_networks *networks, uint32_t vni)
{
	return networks->count &&
	       bsearch(&vni, networks->vnis, networks->count, sizeof(vni), by_number);
}

bool networks_named(const struct snapshot *snapshot, uint32_t vni)
{
	return networks_have(&snapshot->vnis, vni);
}

void networks_free(struct snapshot *snapshot)
{
	unsigned int i;

	for (i = 0; i < snapshot->network_count; i++)
		free(snapshot->networks[i].reach);
	free(snapshot->networks);
	free(snapshot->vnis.vnis);
}

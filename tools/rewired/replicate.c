// SPDX-License-Identifier: GPL-2.0
/* More destinations of a flow's packets. */

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "librewire.h"
#include "networks.h"
#include "replicate.h"
#include "snapshot.h"

/* An encoded copy is a key with six attributes, in two nests. */
#define COPY_SIZE	128
#define REPLICAS_ROOM	(REWIRE_VERDICT_BATCH_MAX * (RW_COPIES_MAX * COPY_SIZE + 64))

int replicate_read(const struct place *place, struct service *service)
{
	const json_t *list = NULL;
	struct place copy = { .error = place->error };
	size_t i;

	if (json_get_array(place, "copies", &list) < 0)
		return -1;
	if (json_array_size(list) > RW_COPIES_MAX)
		return refuse(place->error, "%s: it has more than %u copies", place->text,
			      RW_COPIES_MAX);
	service->copies = allocate(json_array_size(list), sizeof(*service->copies));
	for (i = 0; i < json_array_size(list); i++) {
		snprintf(copy.text, sizeof(copy.text), "%.60s: copies[%zu]", place->text, i);
		copy.object = json_array_get(list, i);
		if (!json_is_object(copy.object))
			return refuse(place->error, "%s is not an object", copy.text);
		if (mapping_read(&copy, true, &service->copies[i].to))
			return -1;
		service->copy_count++;
	}
	return 0;
}

/* The key that an answer to a copy would have; false when it lacks the family. */
static bool make_copy(const struct mapping *mapping, const struct rw_flow_spec *flow,
		      struct rw_copy *copy)
{
	struct rw_tuple *reply = &copy->reply;

	*copy = (struct rw_copy){ .reply = flow->reply };
	reply->vni = mapping->vni;
	reply->src = flow->orig.dst;
	reply->sport = flow->orig.dport;
	return mapping_apply(mapping, reply->protocol, &reply->src, &reply->sport);
}

bool replicate(struct replicas *replicas, const struct service *service,
	       struct rw_flow_spec *flow)
{
	struct rw_copy copies[RW_COPIES_MAX];
	unsigned int i, count = 0;
	char *room;

	for (i = 0; i < service->copy_count; i++)
		if (!atomic_load_explicit(&service->copies[i].lost, memory_order_relaxed))
			count += make_copy(&service->copies[i].to, flow, &copies[count]);
	if (!count)
		return true;
	if (!replicas->room)
		replicas->room = allocate(1, REPLICAS_ROOM);
	room = replicas->room + replicas->used;
	if (!rw_copies_put((struct nlmsghdr *)room, REPLICAS_ROOM - replicas->used, copies, count,
			   flow))
		return false;
	replicas->used += MNL_ALIGN(((struct nlmsghdr *)room)->nlmsg_len);
	return true;
}

void replicate_go_on(struct service *service, const struct service *old)
{
	unsigned int i, j;

	for (i = 0; i < service->copy_count; i++)
		for (j = 0; j < old->copy_count; j++)
			if (old->copies[j].to.vni == service->copies[i].to.vni)
				service->copies[i].lost = atomic_load(&old->copies[j].lost);
}

struct attached {
	struct rw_networks networks;
	unsigned int room;
	bool everywhere;		/* a tunnel leads to any network */
};

static int take_attach(const struct rw_attach *attach, void *data)
{
	struct attached *attached = data;
	struct rw_networks *networks = &attached->networks;

	attached->everywhere |= attach->tunnel;
	if (attach->tunnel)
		return 0;
	networks->vnis = grow(networks->vnis, networks->count, &attached->room, sizeof(*networks->vnis));
	networks->vnis[networks->count++] = attach->vni;
	return 0;
}

static bool has_copies(const struct snapshot *snapshot)
{
	unsigned int i;

	for (i = 0; i < snapshot->service_count; i++)
		if (snapshot->services[i].copy_count)
			return true;
	return false;
}

int replicate_look(const struct snapshot *snapshot, struct rw_socket *socket, struct rw_error *error)
{
	struct attached attached = { .room = 0 };
	const struct service *service;
	unsigned int i, j;
	int ret;

	if (!has_copies(snapshot))
		return 0;
	ret = rw_attach_each(socket, take_attach, &attached, error);
	networks_settle(&attached.networks);
	for (i = 0; !ret && i < snapshot->service_count; i++) {
		service = &snapshot->services[i];
		for (j = 0; j < service->copy_count; j++)
			atomic_store_explicit(&service->copies[j].lost, !attached.everywhere &&
					      !networks_have(&attached.networks, service->copies[j].to.vni),
					      memory_order_relaxed);
	}
	free(attached.networks.vnis);
	return ret;
}

void replicas_free(struct replicas *replicas)
{
	free(replicas->room);
}

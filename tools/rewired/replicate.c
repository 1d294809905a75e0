// SPDX-License-Identifier: GPL-2.0
/* More destinations of a flow's packets. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
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
		if (mapping_read(&copy, true, &service->copies[i]))
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
		count += make_copy(&service->copies[i], flow, &copies[count]);
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

void replicas_free(struct replicas *replicas)
{
	free(replicas->room);
}

// SPDX-License-Identifier: GPL-2.0
/* How unusual packets look that have no flow. */

#include <string.h>

#include "codec.h"
#include "dump.h"
#include "requests.h"
#include "shape.h"

static const struct rw_field value_fields[] = {
	[REWIRE_A_ODDITY_ATTRIBUTE]	= RW_ALWAYS(RW_U32, struct rw_suspicion_value, attribute),
	[REWIRE_A_ODDITY_NUMBER]	= RW_ALWAYS(RW_U32, struct rw_suspicion_value, number),
	[REWIRE_A_ODDITY_SEEN]		= RW_FIELD(RW_U32, struct rw_suspicion_value, seen),
	[REWIRE_A_ODDITY_WEIGHT]	= RW_ALWAYS(RW_U32, struct rw_suspicion_value, weight),
	[REWIRE_A_ODDITY_PINNED]	= RW_FIELD(RW_FLAG, struct rw_suspicion_value, pinned),
};

static const struct rw_shape value_shape = RW_SHAPE(value_fields);

static const struct rw_field suspicion_fields[] = {
	[REWIRE_A_SUSPICION_ENABLED]	= RW_ALWAYS(RW_U32, struct rw_suspicion, enabled),
	[REWIRE_A_SUSPICION_INTERVAL]	= RW_FIELD(RW_U32, struct rw_suspicion, interval),
};

static const struct rw_shape suspicion_shape = RW_SHAPE(suspicion_fields);

int rw_get_suspicion(const struct nlmsghdr *nlh, struct rw_suspicion *suspicion)
{
	const struct nlattr *attr = NULL;
	size_t length;
	const void *payload = rw_message_payload(nlh, &length);
	int ret;

	memset(suspicion, 0, sizeof(*suspicion));
	ret = rw_shape_get(&suspicion_shape, payload, length, suspicion, NULL);
	if (ret)
		return ret;
	while (suspicion->count < RW_SUSPICION_VALUES &&
	       (attr = rw_attr_next(payload, length, attr, &ret))) {
		if (mnl_attr_get_type(attr) != REWIRE_A_SUSPICION_VALUE)
			continue;
		ret = rw_shape_get_nest(&value_shape, attr, &suspicion->values[suspicion->count]);
		if (ret)
			return ret;
		suspicion->count++;
	}
	return ret;
}

static int take_suspicion(const struct nlmsghdr *nlh, void *data)
{
	return rw_get_suspicion(nlh, data);
}

int rw_suspicion_get(struct rw_socket *socket, bool all, struct rw_suspicion *suspicion,
		     struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_SUSPICION_GET, 0);

	if (all)
		mnl_attr_put(nlh, REWIRE_A_SUSPICION_ALL, 0, NULL);
	return rw_socket_request(socket, nlh, take_suspicion, suspicion, error);
}

int rw_suspicion_set(struct rw_socket *socket, const uint32_t *enabled, const uint32_t *interval,
		     struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_SUSPICION_SET, 0);

	if (enabled)
		mnl_attr_put_u32(nlh, REWIRE_A_SUSPICION_ENABLED, *enabled);
	if (interval)
		mnl_attr_put_u32(nlh, REWIRE_A_SUSPICION_INTERVAL, *interval);
	return rw_socket_request(socket, nlh, NULL, NULL, error);
}

int rw_suspicion_pin(struct rw_socket *socket, const struct rw_suspicion_value *value,
		     struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_SUSPICION_SET, 0);
	struct nlattr *nest = mnl_attr_nest_start(nlh, REWIRE_A_SUSPICION_VALUE);

	mnl_attr_put_u32(nlh, REWIRE_A_ODDITY_ATTRIBUTE, value->attribute);
	mnl_attr_put_u32(nlh, REWIRE_A_ODDITY_NUMBER, value->number);
	if (value->pinned)
		mnl_attr_put_u32(nlh, REWIRE_A_ODDITY_WEIGHT, value->weight);
	mnl_attr_nest_end(nlh, nest);
	return rw_socket_request(socket, nlh, NULL, NULL, error);
}

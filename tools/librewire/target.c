// SPDX-License-Identifier: GPL-2.0
/* What flows point at, such as a backend. */

#include <string.h>

#include "codec.h"
#include "dump.h"
#include "requests.h"
#include "shape.h"

static const struct rw_field target_fields[] = {
	[REWIRE_A_TARGET_ID]		= RW_FIELD(RW_U32, struct rw_target, id),
	[REWIRE_A_TARGET_STATE]		= RW_ALWAYS(RW_U32, struct rw_target, state),
	[REWIRE_A_TARGET_GENERATION]	= RW_FIELD(RW_U32, struct rw_target, generation),
	[REWIRE_A_TARGET_FLOWS]		= RW_FIELD(RW_U32, struct rw_target, flows),
	[REWIRE_A_TARGET_RETIRED_FLOWS]	= RW_FIELD(RW_U32, struct rw_target, retired_flows),
};

static const struct rw_shape target_shape = RW_SHAPE(target_fields);

RW_DEFINE_EACH(target)

bool rw_put_target(struct nlmsghdr *nlh, size_t size, const struct rw_target *target)
{
	return rw_shape_put(nlh, size, &target_shape, target, 0);
}

int rw_get_target(const struct nlmsghdr *nlh, struct rw_target *target)
{
	memset(target, 0, sizeof(*target));
	return rw_shape_get_message(&target_shape, nlh, target, NULL);
}

int rw_target_set(struct rw_socket *socket, uint32_t id, uint32_t state, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_TARGET_SET, 0);
	struct rw_target target = { .id = id, .state = state };

	if (!rw_put_target(nlh, sizeof(buffer), &target))
		return rw_no_room(error);
	return rw_socket_request(socket, nlh, NULL, NULL, error);
}

int rw_target_del(struct rw_socket *socket, uint32_t id, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_TARGET_DEL, 0);

	mnl_attr_put_u32(nlh, REWIRE_A_TARGET_ID, id);
	return rw_socket_request(socket, nlh, NULL, NULL, error);
}

int rw_target_each(struct rw_socket *socket, rw_target_fn *fn, void *data, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_TARGET_GET, 0);
	struct target_each each = { fn, data };

	return rw_socket_dump(socket, nlh, each_target, &each, error);
}

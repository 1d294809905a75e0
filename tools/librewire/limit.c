// SPDX-License-Identifier: GPL-2.0
/* How much there may be, and is, in a virtual network and in the namespace. */

#include <string.h>

#include "codec.h"
#include "dump.h"
#include "requests.h"
#include "shape.h"

#define LIMIT(kind, member)	RW_FIELD(kind, struct rw_limit, member)

static const struct rw_field limit_fields[] = {
	[REWIRE_A_LIMIT_VNI]			= LIMIT(RW_U32, vni),
	[REWIRE_A_LIMIT_ALL]			= LIMIT(RW_FLAG, all),
	[REWIRE_A_LIMIT_SET]			= LIMIT(RW_FLAG, set),
	[REWIRE_A_LIMIT_FLOWS_SOFT]		= LIMIT(RW_U32, flows_soft),
	[REWIRE_A_LIMIT_FLOWS_HARD]		= LIMIT(RW_U32, flows_hard),
	[REWIRE_A_LIMIT_RATE]			= LIMIT(RW_U32, rate),
	[REWIRE_A_LIMIT_BURST]			= LIMIT(RW_U32, burst),
	[REWIRE_A_LIMIT_HOLDS]			= LIMIT(RW_U32, holds),
	[REWIRE_A_LIMIT_HELD_PACKETS]		= LIMIT(RW_U32, held_packets),
	[REWIRE_A_LIMIT_HELD_BYTES]		= LIMIT(RW_U64, held_bytes),
	[REWIRE_A_LIMIT_UDP_SHARE]		= LIMIT(RW_U32, udp_share),
	[REWIRE_A_LIMIT_FLOWS]			= LIMIT(RW_U32, flows),
	[REWIRE_A_LIMIT_UDP_FLOWS]		= LIMIT(RW_U32, udp_flows),
	[REWIRE_A_LIMIT_USED_HOLDS]		= LIMIT(RW_U32, used_holds),
	[REWIRE_A_LIMIT_USED_HELD_PACKETS]	= LIMIT(RW_U32, used_held_packets),
	[REWIRE_A_LIMIT_USED_HELD_BYTES]	= LIMIT(RW_U64, used_held_bytes),
	[REWIRE_A_LIMIT_REFUSED_FLOWS]		= LIMIT(RW_U64, refused_flows),
	[REWIRE_A_LIMIT_REFUSED_UDP]		= LIMIT(RW_U64, refused_udp),
	[REWIRE_A_LIMIT_REFUSED_RATE]		= LIMIT(RW_U64, refused_rate),
	[REWIRE_A_LIMIT_REFUSED_HELD]		= LIMIT(RW_U64, refused_held),
	[REWIRE_A_LIMIT_EVICTED]		= LIMIT(RW_U64, evicted),
	[REWIRE_A_LIMIT_EARLY]			= LIMIT(RW_U64, early),
};

static const struct rw_shape limit_shape = RW_SHAPE(limit_fields);

RW_DEFINE_EACH(limit)

bool rw_put_limit(struct nlmsghdr *nlh, size_t size, const struct rw_limit *limit, uint32_t given)
{
	if (!limit->all)
		given |= 1U << REWIRE_A_LIMIT_VNI;
	return rw_shape_put(nlh, size, &limit_shape, limit, given);
}

int rw_get_limit(const struct nlmsghdr *nlh, struct rw_limit *limit)
{
	memset(limit, 0, sizeof(*limit));
	return rw_shape_get_message(&limit_shape, nlh, limit, NULL);
}

static int request(struct rw_socket *socket, uint8_t command, const struct rw_limit *limit,
		   uint32_t given, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, command, 0);

	if (!rw_put_limit(nlh, sizeof(buffer), limit, given))
		return rw_no_room(error);
	return rw_socket_request(socket, nlh, NULL, NULL, error);
}

int rw_limit_set(struct rw_socket *socket, const struct rw_limit *limit, uint32_t given,
		 struct rw_error *error)
{
	return request(socket, REWIRE_CMD_LIMIT_SET, limit, given, error);
}

int rw_limit_del(struct rw_socket *socket, const struct rw_limit *limit, struct rw_error *error)
{
	struct rw_limit key = { .vni = limit->vni, .all = limit->all };

	return request(socket, REWIRE_CMD_LIMIT_DEL, &key, 0, error);
}

int rw_limit_each(struct rw_socket *socket, rw_limit_fn *fn, void *data, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_LIMIT_GET, 0);
	struct limit_each each = { fn, data };

	return rw_socket_dump(socket, nlh, each_limit, &each, error);
}

// SPDX-License-Identifier: GPL-2.0
/* A device whose incoming packets belong to a virtual network. */

#include <string.h>

#include "codec.h"
#include "dump.h"
#include "requests.h"
#include "shape.h"

static const struct rw_field attach_fields[] = {
	[REWIRE_A_ATTACH_IFINDEX]	= RW_FIELD(RW_U32, struct rw_attach, ifindex),
	[REWIRE_A_ATTACH_IFNAME]	= RW_FIELD(RW_STRING, struct rw_attach, ifname),
	[REWIRE_A_ATTACH_VNI]		= RW_FIELD(RW_U32, struct rw_attach, vni),
	[REWIRE_A_ATTACH_LOCAL]		= RW_FIELD(RW_FLAG, struct rw_attach, local),
	[REWIRE_A_ATTACH_TUNNEL]	= RW_FIELD(RW_FLAG, struct rw_attach, tunnel),
};

static const struct rw_shape attach_shape = RW_SHAPE(attach_fields);

RW_DEFINE_EACH(attach)

bool rw_put_attach(struct nlmsghdr *nlh, size_t size, const struct rw_attach *attach)
{
	return rw_shape_put(nlh, size, &attach_shape, attach,
			    attach->tunnel ? 0 : 1U << REWIRE_A_ATTACH_VNI);
}

int rw_get_attach(const struct nlmsghdr *nlh, struct rw_attach *attach)
{
	memset(attach, 0, sizeof(*attach));
	return rw_shape_get_message(&attach_shape, nlh, attach, NULL);
}

/* What a request may name of an attach; the kernel gives the rest. */
static struct rw_attach request_of(const struct rw_attach *attach)
{
	return (struct rw_attach){
		.ifindex = attach->ifindex, .local = attach->local, .vni = attach->vni,
		.tunnel = attach->tunnel,
	};
}

int rw_attach_add(struct rw_socket *socket, const struct rw_attach *attach, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_ATTACH_ADD, 0);
	struct rw_attach request = request_of(attach);

	if (!rw_put_attach(nlh, sizeof(buffer), &request))
		return rw_no_room(error);
	return rw_socket_request(socket, nlh, NULL, NULL, error);
}

int rw_attach_del(struct rw_socket *socket, const struct rw_attach *attach, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_ATTACH_DEL, 0);
	struct rw_attach request = request_of(attach);

	request.vni = 0;
	request.tunnel = false;
	if (!rw_shape_put(nlh, sizeof(buffer), &attach_shape, &request, 0))
		return rw_no_room(error);
	return rw_socket_request(socket, nlh, NULL, NULL, error);
}

static int take_attach(const struct nlmsghdr *nlh, void *data)
{
	return rw_get_attach(nlh, data);
}

int rw_attach_get(struct rw_socket *socket, struct rw_attach *attach, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_ATTACH_GET, 0);
	struct rw_attach request = { .ifindex = attach->ifindex, .local = attach->local };

	if (!rw_shape_put(nlh, sizeof(buffer), &attach_shape, &request, 0))
		return rw_no_room(error);
	return rw_socket_request(socket, nlh, take_attach, attach, error);
}

int rw_attach_each(struct rw_socket *socket, rw_attach_fn *fn, void *data, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_ATTACH_GET, 0);
	struct attach_each each = { fn, data };

	return rw_socket_dump(socket, nlh, each_attach, &each, error);
}

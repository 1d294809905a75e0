// SPDX-License-Identifier: GPL-2.0
/* Addresses inside of virtual networks that the module answers for. */

#include <string.h>

#include "codec.h"
#include "dump.h"
#include "requests.h"
#include "shape.h"

static const struct rw_field service_address_fields[] = {
	[REWIRE_A_ADDRESS_VNI]		= RW_ALWAYS(RW_U32, struct rw_service_address, vni),
	[REWIRE_A_ADDRESS_ADDRESS]	= RW_FIELD(RW_ADDR, struct rw_service_address, address),
	[REWIRE_A_ADDRESS_LEN]		= RW_ALWAYS(RW_U8, struct rw_service_address, len),
	[REWIRE_A_ADDRESS_ANSWERS]	= RW_FIELD(RW_U64, struct rw_service_address, answers),
};

static const struct rw_shape service_address_shape = RW_SHAPE(service_address_fields);

RW_DEFINE_EACH(service_address)

bool rw_put_service_address(struct nlmsghdr *nlh, size_t size,
			    const struct rw_service_address *address)
{
	return rw_shape_put(nlh, size, &service_address_shape, address, 0);
}

int rw_get_service_address(const struct nlmsghdr *nlh, struct rw_service_address *address)
{
	memset(address, 0, sizeof(*address));
	return rw_shape_get_message(&service_address_shape, nlh, address, NULL);
}

static int request(struct rw_socket *socket, uint8_t command,
		   const struct rw_service_address *address, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, command, 0);
	struct rw_service_address request = *address;

	request.answers = 0;
	if (!rw_put_service_address(nlh, sizeof(buffer), &request))
		return rw_no_room(error);
	return rw_socket_request(socket, nlh, NULL, NULL, error);
}

int rw_service_address_add(struct rw_socket *socket, const struct rw_service_address *address,
			   struct rw_error *error)
{
	return request(socket, REWIRE_CMD_ADDRESS_ADD, address, error);
}

int rw_service_address_del(struct rw_socket *socket, const struct rw_service_address *address,
			   struct rw_error *error)
{
	return request(socket, REWIRE_CMD_ADDRESS_DEL, address, error);
}

int rw_service_address_each(struct rw_socket *socket, rw_service_address_fn *fn, void *data,
			    struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_ADDRESS_GET, 0);
	struct service_address_each each = { fn, data };

	return rw_socket_dump(socket, nlh, each_service_address, &each, error);
}

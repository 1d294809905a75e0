// SPDX-License-Identifier: GPL-2.0
/* The virtual networks that a process decides for, and listening for their punts. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "dump.h"
#include "requests.h"
#include "shape.h"

/* A request, and room for the networks behind it; NULL without memory. */
static struct nlmsghdr *start(struct rw_socket *socket, uint8_t command,
			      const struct rw_networks *networks, uint32_t version)
{
	size_t size = RW_REQUEST_MAX + networks->count * (MNL_ATTR_HDRLEN + sizeof(uint32_t));
	struct nlmsghdr *nlh;
	void *buffer = calloc(1, size);
	unsigned int i;

	if (!buffer)
		return NULL;
	nlh = rw_message_start(socket, buffer, command, 0);
	if (version)
		rw_put_listen(nlh, size, version);
	for (i = 0; i < networks->count; i++)
		mnl_attr_put_u32(nlh, REWIRE_A_PUNT_BATCH_NETWORK, networks->vnis[i]);
	if (nlh->nlmsg_len > RW_MESSAGE_MAX)
		rw_socket_set_buffers(socket, 0, nlh->nlmsg_len);
	return nlh;
}

static int take_handlers(const struct nlmsghdr *nlh, void *data)
{
	return rw_get_handlers(nlh, data);
}

int rw_punt_listen(struct rw_socket *socket, const struct rw_networks *networks,
		   uint32_t *handlers, struct rw_error *error)
{
	struct nlmsghdr *nlh = start(socket, REWIRE_CMD_PUNT_LISTEN, networks,
				     REWIRE_INTERFACE_VERSION);
	int ret = nlh ? rw_socket_request(socket, nlh, take_handlers, handlers, error) :
			rw_no_room(error);

	free(nlh);
	return ret;
}

int rw_punt_own(struct rw_socket *socket, const struct rw_networks *networks)
{
	struct nlmsghdr *nlh = start(socket, REWIRE_CMD_PUNT_LISTEN, networks,
				     REWIRE_INTERFACE_VERSION);
	int ret = nlh ? rw_socket_send(socket, nlh) : -ENOMEM;

	free(nlh);
	return ret;
}

int rw_network_set(struct rw_socket *socket, const struct rw_networks *networks,
		   struct rw_error *error)
{
	struct nlmsghdr *nlh = start(socket, REWIRE_CMD_NETWORK_SET, networks, 0);
	int ret = nlh ? rw_socket_request(socket, nlh, NULL, NULL, error) : rw_no_room(error);

	free(nlh);
	return ret;
}

struct each {
	rw_network_fn *fn;
	void *data;
};

static int each_network(const struct nlmsghdr *nlh, void *data)
{
	const struct each *each = data;
	const struct nlattr *attr = NULL;
	size_t length;
	const void *payload = rw_message_payload(nlh, &length);
	int ret;

	while ((attr = rw_attr_next(payload, length, attr, &ret))) {
		if (mnl_attr_get_type(attr) != REWIRE_A_PUNT_BATCH_NETWORK)
			continue;
		if (mnl_attr_get_payload_len(attr) != sizeof(uint32_t))
			return -EBADMSG;
		ret = each->fn(mnl_attr_get_u32(attr), each->data);
		if (ret)
			return ret;
	}
	return ret;
}

int rw_network_each(struct rw_socket *socket, rw_network_fn *fn, void *data,
		    struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_NETWORK_GET, 0);
	struct each each = { fn, data };

	return rw_socket_dump(socket, nlh, each_network, &each, error);
}

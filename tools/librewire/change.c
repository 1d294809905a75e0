// SPDX-License-Identifier: GPL-2.0
/* The log of flows that have changed. */

#include <errno.h>
#include <string.h>

#include "codec.h"
#include "dump.h"
#include "requests.h"
#include "shape.h"

static int get_attribute(const struct nlattr *attr, struct rw_change *change)
{
	switch (mnl_attr_get_type(attr)) {
	case REWIRE_A_CHANGE_FLOW:
		return rw_get_flow_nest(attr, &change->flow);
	case REWIRE_A_CHANGE_REASON:
		if (mnl_attr_get_payload_len(attr) != sizeof(change->reason))
			return -EBADMSG;
		change->reason = mnl_attr_get_u32(attr);
		change->ended = true;
		break;
	case REWIRE_A_CHANGE_OVERFLOW:
		change->overflow = true;
		break;
	}
	return 0;
}

int rw_get_change(const struct nlmsghdr *nlh, struct rw_change *change)
{
	const struct nlattr *attr = NULL;
	size_t length;
	const void *payload = rw_message_payload(nlh, &length);
	int ret, error;

	memset(change, 0, sizeof(*change));
	while ((attr = rw_attr_next(payload, length, attr, &ret))) {
		error = get_attribute(attr, change);
		if (error)
			return error;
	}
	return ret;
}

RW_DEFINE_EACH(change)

int rw_change_listen(struct rw_socket *socket, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_CHANGE_GET, 0);

	mnl_attr_put_u32(nlh, REWIRE_A_CHANGE_VERSION, REWIRE_INTERFACE_VERSION);
	return rw_socket_request(socket, nlh, NULL, NULL, error);
}

int rw_change_each(struct rw_socket *socket, rw_change_fn *fn, void *data, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_CHANGE_GET, 0);
	struct change_each each = { fn, data };

	return rw_socket_dump(socket, nlh, each_change, &each, error);
}

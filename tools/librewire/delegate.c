// SPDX-License-Identifier: GPL-2.0
/* Decisions that the kernel makes by itself. */

#include <errno.h>
#include <string.h>

#include "codec.h"
#include "dump.h"
#include "requests.h"
#include "shape.h"

static const struct rw_field delegate_fields[] = {
	[REWIRE_A_DELEGATE_ID]		= RW_FIELD(RW_U32, struct rw_delegate, id),
	[REWIRE_A_DELEGATE_FROM]	= RW_ALWAYS(RW_U32, struct rw_delegate, from),
	[REWIRE_A_DELEGATE_VNI]		= RW_ALWAYS(RW_U32, struct rw_delegate, vni),
	[REWIRE_A_DELEGATE_PORT_MIN]	= RW_FIELD(RW_U16BE, struct rw_delegate, port_min),
	[REWIRE_A_DELEGATE_PORT_MAX]	= RW_FIELD(RW_U16BE, struct rw_delegate, port_max),
	[REWIRE_A_DELEGATE_TO_PORT]	= RW_FIELD(RW_U16BE, struct rw_delegate, to_port),
	[REWIRE_A_DELEGATE_DECISION]	= RW_FIELD(RW_U64, struct rw_delegate, decision),
	[REWIRE_A_DELEGATE_FLOWS]	= RW_FIELD(RW_U64, struct rw_delegate, flows),
	[REWIRE_A_DELEGATE_CONFLICTS]	= RW_FIELD(RW_U64, struct rw_delegate, conflicts),
};

static const struct rw_shape delegate_shape = RW_SHAPE(delegate_fields);

struct address {
	struct rw_addr addr;
};

static const struct rw_field address_fields[] = {
	[REWIRE_A_DELEGATE_ADDRESS]	= RW_FIELD(RW_ADDR, struct address, addr),
};

static const struct rw_shape address_shape = RW_SHAPE(address_fields);

static const struct rw_field to_fields[] = {
	[REWIRE_A_DELEGATE_TO]		= RW_FIELD(RW_ADDR, struct address, addr),
};

static const struct rw_shape to_shape = RW_SHAPE(to_fields);

RW_DEFINE_EACH(delegate)

static bool put_all(struct nlmsghdr *nlh, size_t size, const struct rw_shape *shape,
		    const struct rw_addr *list, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (list[i].family && !rw_shape_put(nlh, size, shape, &list[i], 0))
			return false;
	return true;
}

bool rw_put_delegate(struct nlmsghdr *nlh, size_t size, const struct rw_delegate *delegate)
{
	uint32_t length = nlh->nlmsg_len;

	if (rw_shape_put(nlh, size, &delegate_shape, delegate, 0) &&
	    put_all(nlh, size, &address_shape, delegate->addresses, delegate->count) &&
	    put_all(nlh, size, &to_shape, delegate->to, 2))
		return true;
	nlh->nlmsg_len = length;
	return false;
}

static int take_address(const struct nlattr *attr, struct rw_delegate *delegate)
{
	if (delegate->count == RW_DELEGATE_ADDRESSES)
		return -EBADMSG;
	return rw_shape_get(&address_shape, attr, mnl_attr_get_len(attr),
			    &delegate->addresses[delegate->count++], NULL);
}

int rw_get_delegate(const struct nlmsghdr *nlh, struct rw_delegate *delegate)
{
	const struct nlattr *attr = NULL;
	size_t length;
	const void *payload = rw_message_payload(nlh, &length);
	int ret, family = 0;

	memset(delegate, 0, sizeof(*delegate));
	ret = rw_shape_get(&delegate_shape, payload, length, delegate, NULL);
	while (!ret && (attr = rw_attr_next(payload, length, attr, &ret))) {
		if (mnl_attr_get_type(attr) == REWIRE_A_DELEGATE_ADDRESS)
			ret = take_address(attr, delegate);
		else if (mnl_attr_get_type(attr) == REWIRE_A_DELEGATE_TO)
			ret = family == 2 ? -EBADMSG :
			      rw_shape_get(&to_shape, attr, mnl_attr_get_len(attr),
					   &delegate->to[family++], NULL);
	}
	return ret;
}

int rw_delegate_set(struct rw_socket *socket, const struct rw_delegate *delegate,
		    struct rw_error *error)
{
	struct rw_delegate asked = *delegate;
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_DELEGATE_SET, 0);

	asked.flows = 0;
	asked.conflicts = 0;
	if (!rw_put_delegate(nlh, sizeof(buffer), &asked))
		return rw_no_room(error);
	return rw_socket_request(socket, nlh, NULL, NULL, error);
}

int rw_delegate_del(struct rw_socket *socket, uint32_t id, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_DELEGATE_DEL, 0);

	mnl_attr_put_u32(nlh, REWIRE_A_DELEGATE_ID, id);
	return rw_socket_request(socket, nlh, NULL, NULL, error);
}

int rw_delegate_each(struct rw_socket *socket, rw_delegate_fn *fn, void *data,
		     struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_DELEGATE_GET, 0);
	struct delegate_each each = { fn, data };

	return rw_socket_dump(socket, nlh, each_delegate, &each, error);
}

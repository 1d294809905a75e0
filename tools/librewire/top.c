// SPDX-License-Identifier: GPL-2.0
/* The largest flows, and groups of flows. */

#include <errno.h>
#include <string.h>

#include "codec.h"
#include "dump.h"
#include "requests.h"
#include "shape.h"

static const struct rw_field entry_fields[] = {
	[REWIRE_A_TOP_ENTRY_VNI]	= RW_FIELD(RW_U32, struct rw_top_entry, vni),
	[REWIRE_A_TOP_ENTRY_ADDRESS]	= RW_FIELD(RW_ADDR, struct rw_top_entry, address),
	[REWIRE_A_TOP_ENTRY_NUMBER]	= RW_FIELD(RW_U32, struct rw_top_entry, number),
	[REWIRE_A_TOP_ENTRY_FLOWS]	= RW_FIELD(RW_U64, struct rw_top_entry, flows),
	[REWIRE_A_TOP_ENTRY_PACKETS]	= RW_FIELD(RW_U64, struct rw_top_entry, packets),
	[REWIRE_A_TOP_ENTRY_BYTES]	= RW_FIELD(RW_U64, struct rw_top_entry, bytes),
};

static const struct rw_shape entry_shape = RW_SHAPE(entry_fields);

static const struct rw_field top_fields[] = {
	[REWIRE_A_TOP_TOTAL]		= RW_FIELD(RW_U64, struct rw_top, total),
	[REWIRE_A_TOP_ERROR]		= RW_FIELD(RW_U64, struct rw_top, error),
};

static const struct rw_shape top_shape = RW_SHAPE(top_fields);

static int get_entry(const struct nlattr *nest, struct rw_top_entry *entry)
{
	const struct nlattr *attr;
	int ret;

	memset(entry, 0, sizeof(*entry));
	ret = rw_shape_get_nest(&entry_shape, nest, entry);
	if (ret)
		return ret;
	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) == REWIRE_A_TOP_ENTRY_FLOW)
			return rw_get_flow_nest(attr, &entry->flow);
	return 0;
}

int rw_get_top(const struct nlmsghdr *nlh, struct rw_top *top)
{
	const struct nlattr *attr = NULL;
	size_t length;
	const void *payload = rw_message_payload(nlh, &length);
	int ret;

	memset(top, 0, sizeof(*top));
	ret = rw_shape_get(&top_shape, payload, length, top, NULL);
	while (!ret && (attr = rw_attr_next(payload, length, attr, &ret)))
		if (mnl_attr_get_type(attr) == REWIRE_A_TOP_ENTRY && top->count < REWIRE_TOP_MAX)
			ret = get_entry(attr, &top->entries[top->count++]);
	return ret;
}

static int take_top(const struct nlmsghdr *nlh, void *data)
{
	return rw_get_top(nlh, data);
}

int rw_flow_top(struct rw_socket *socket, const struct rw_top_request *request,
		struct rw_top *top, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_FLOW_TOP, 0);

	if ((request->filter && !rw_put_flow_filter(nlh, sizeof(buffer), REWIRE_A_TOP_FILTER,
						    request->filter)) ||
	    !mnl_attr_put_u32_check(nlh, sizeof(buffer), REWIRE_A_TOP_GROUP, request->group) ||
	    !mnl_attr_put_u32_check(nlh, sizeof(buffer), REWIRE_A_TOP_BY, request->by) ||
	    !mnl_attr_put_u32_check(nlh, sizeof(buffer), REWIRE_A_TOP_LIMIT, request->limit))
		return rw_no_room(error);
	return rw_socket_request(socket, nlh, take_top, top, error);
}

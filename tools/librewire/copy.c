// SPDX-License-Identifier: GPL-2.0
/* Far ends of tunnels, and more outputs of a flow's packets. */

#include <errno.h>
#include <string.h>

#include "codec.h"
#include "shape.h"

static const struct rw_field tunnel_fields[] = {
	[REWIRE_A_TUNNEL_REMOTE]	= RW_FIELD(RW_ADDR, struct rw_tunnel, remote),
	[REWIRE_A_TUNNEL_ID]		= RW_FIELD(RW_U32, struct rw_tunnel, id),
	[REWIRE_A_TUNNEL_LLADDR]	= RW_FIELD(RW_U8, struct rw_tunnel, lladdr),
};

const struct rw_shape rw_tunnel_shape = RW_SHAPE(tunnel_fields);

static const struct rw_field copy_fields[] = {
	[REWIRE_A_FLOW_REPLY]		= RW_NESTED(rw_tuple_shape, struct rw_copy, reply),
	[REWIRE_A_FLOW_REPLY_IFINDEX]	= RW_FIELD(RW_U32, struct rw_copy, reply_ifindex),
	[REWIRE_A_FLOW_REPLY_TUNNEL]	= RW_NESTED(rw_tunnel_shape, struct rw_copy, reply_tunnel),
	[REWIRE_A_FLOW_ORIG_COUNTERS]	= RW_NESTED(rw_counters_shape, struct rw_copy, counters),
};

static const struct rw_shape copy_shape = RW_SHAPE(copy_fields);

bool rw_copies_put(struct nlmsghdr *nlh, size_t size, const struct rw_copy *copies, unsigned int count,
		   struct rw_flow_spec *spec)
{
	mnl_nlmsg_put_header(nlh);
	while (count--)
		if (!rw_shape_put_nest(nlh, size, REWIRE_A_COPIES_COPY, &copy_shape, copies++, 0))
			return false;
	spec->copies = mnl_nlmsg_get_payload(nlh);
	spec->copies_len = mnl_nlmsg_get_payload_len(nlh);
	return true;
}

const struct nlattr *rw_copy_next(const struct rw_flow_spec *spec, const struct nlattr *previous,
				  struct rw_copy *copy)
{
	const struct nlattr *attr = previous;
	int error;

	while ((attr = rw_attr_next(spec->copies, spec->copies_len, attr, &error))) {
		memset(copy, 0, sizeof(*copy));
		if (mnl_attr_get_type(attr) == REWIRE_A_COPIES_COPY &&
		    !rw_shape_get_nest(&copy_shape, attr, copy))
			return attr;
	}
	return NULL;
}

// SPDX-License-Identifier: GPL-2.0
/* The key of one direction of a flow. */

#include <netinet/in.h>
#include <string.h>

#include "codec.h"
#include "shape.h"

static const struct rw_field tuple_fields[] = {
	[REWIRE_A_TUPLE_VNI]		= RW_ALWAYS(RW_U32, struct rw_tuple, vni),
	[REWIRE_A_TUPLE_PROTOCOL]	= RW_ALWAYS(RW_U8, struct rw_tuple, protocol),
	[REWIRE_A_TUPLE_SRC]		= RW_ALWAYS(RW_ADDR, struct rw_tuple, src),
	[REWIRE_A_TUPLE_DST]		= RW_ALWAYS(RW_ADDR, struct rw_tuple, dst),
	[REWIRE_A_TUPLE_SPORT]		= RW_ALWAYS(RW_U16BE, struct rw_tuple, sport),
	[REWIRE_A_TUPLE_DPORT]		= RW_ALWAYS(RW_U16BE, struct rw_tuple, dport),
};

const struct rw_shape rw_tuple_shape = RW_SHAPE(tuple_fields);

bool rw_put_tuple(struct nlmsghdr *nlh, size_t size, uint16_t attr, const struct rw_tuple *tuple)
{
	return rw_shape_put_nest(nlh, size, attr, &rw_tuple_shape, tuple, 0);
}

int rw_get_tuple(const struct nlattr *attr, struct rw_tuple *tuple)
{
	memset(tuple, 0, sizeof(*tuple));
	return rw_shape_get_nest(&rw_tuple_shape, attr, tuple);
}

void rw_tuple_inverse(const struct rw_tuple *tuple, struct rw_tuple *inverse)
{
	struct rw_tuple from = *tuple;

	*inverse = from;
	inverse->src = from.dst;
	inverse->dst = from.src;
	inverse->sport = from.dport;
	inverse->dport = from.sport;
}

// SPDX-License-Identifier: GPL-2.0
/* Both directions of a flow, what a new one is made of, and which ones a request means. */

#include <errno.h>
#include <string.h>

#include "codec.h"
#include "dump.h"
#include "requests.h"
#include "shape.h"

static const struct rw_field counters_fields[] = {
	[REWIRE_A_COUNTERS_PACKETS]	= RW_ALWAYS(RW_U64, struct rw_counters, packets),
	[REWIRE_A_COUNTERS_BYTES]	= RW_ALWAYS(RW_U64, struct rw_counters, bytes),
};

const struct rw_shape rw_counters_shape = RW_SHAPE(counters_fields);

static const struct rw_field flow_spec_fields[] = {
	[REWIRE_A_FLOW_ORIG]		= RW_NESTED(rw_tuple_shape, struct rw_flow_spec, orig),
	[REWIRE_A_FLOW_REPLY]		= RW_NESTED(rw_tuple_shape, struct rw_flow_spec, reply),
	[REWIRE_A_FLOW_POLICY]		= RW_FIELD(RW_U32, struct rw_flow_spec, policy),
	[REWIRE_A_FLOW_TARGET]		= RW_FIELD(RW_U32, struct rw_flow_spec, target),
	[REWIRE_A_FLOW_DECISION]	= RW_FIELD(RW_U64, struct rw_flow_spec, decision),
	[REWIRE_A_FLOW_TIMEOUT]		= RW_FIELD(RW_U32, struct rw_flow_spec, timeout),
	[REWIRE_A_FLOW_ORIG_IFINDEX]	= RW_FIELD(RW_U32, struct rw_flow_spec, orig_ifindex),
	[REWIRE_A_FLOW_REPLY_IFINDEX]	= RW_FIELD(RW_U32, struct rw_flow_spec, reply_ifindex),
};

const struct rw_shape rw_flow_spec_shape = RW_SHAPE(flow_spec_fields);

static const struct rw_field flow_fields[] = {
	[REWIRE_A_FLOW_ID]		= RW_FIELD(RW_U64, struct rw_flow, id),
	[REWIRE_A_FLOW_ORIG]		= RW_NESTED(rw_tuple_shape, struct rw_flow, spec.orig),
	[REWIRE_A_FLOW_REPLY]		= RW_NESTED(rw_tuple_shape, struct rw_flow, spec.reply),
	[REWIRE_A_FLOW_ACTION]		= RW_ALWAYS(RW_U32, struct rw_flow, action),
	[REWIRE_A_FLOW_STATE]		= RW_ALWAYS(RW_U32, struct rw_flow, state),
	[REWIRE_A_FLOW_POLICY]		= RW_FIELD(RW_U32, struct rw_flow, spec.policy),
	[REWIRE_A_FLOW_TARGET]		= RW_FIELD(RW_U32, struct rw_flow, spec.target),
	[REWIRE_A_FLOW_DECISION]	= RW_FIELD(RW_U64, struct rw_flow, spec.decision),
	[REWIRE_A_FLOW_TIMEOUT]		= RW_FIELD(RW_U32, struct rw_flow, spec.timeout),
	[REWIRE_A_FLOW_AGE]		= RW_FIELD(RW_U64, struct rw_flow, age),
	[REWIRE_A_FLOW_IDLE]		= RW_FIELD(RW_U64, struct rw_flow, idle),
	[REWIRE_A_FLOW_EXPIRES]		= RW_FIELD(RW_U64, struct rw_flow, expires),
	[REWIRE_A_FLOW_ORIG_IFINDEX]	= RW_FIELD(RW_U32, struct rw_flow, spec.orig_ifindex),
	[REWIRE_A_FLOW_REPLY_IFINDEX]	= RW_FIELD(RW_U32, struct rw_flow, spec.reply_ifindex),
	[REWIRE_A_FLOW_ORIG_COUNTERS]	= RW_NESTED(rw_counters_shape, struct rw_flow, orig),
	[REWIRE_A_FLOW_REPLY_COUNTERS]	= RW_NESTED(rw_counters_shape, struct rw_flow, reply),
};

static const struct rw_shape flow_shape = RW_SHAPE(flow_fields);

/* Of the original key, whatever is asked for. */
static const struct rw_field part_fields[] = {
	[REWIRE_A_TUPLE_VNI]		= RW_FIELD(RW_U32, struct rw_tuple, vni),
	[REWIRE_A_TUPLE_PROTOCOL]	= RW_FIELD(RW_U8, struct rw_tuple, protocol),
	[REWIRE_A_TUPLE_SRC]		= RW_FIELD(RW_ADDR, struct rw_tuple, src),
	[REWIRE_A_TUPLE_DST]		= RW_FIELD(RW_ADDR, struct rw_tuple, dst),
	[REWIRE_A_TUPLE_SPORT]		= RW_FIELD(RW_U16BE, struct rw_tuple, sport),
	[REWIRE_A_TUPLE_DPORT]		= RW_FIELD(RW_U16BE, struct rw_tuple, dport),
};

static const struct rw_shape part_shape = RW_SHAPE(part_fields);

RW_DEFINE_EACH(flow)

bool rw_put_flow_spec(struct nlmsghdr *nlh, size_t size, uint16_t attr,
		      const struct rw_flow_spec *spec)
{
	return rw_shape_put_nest(nlh, size, attr, &rw_flow_spec_shape, spec, 0);
}

int rw_get_flow_spec(const struct nlattr *attr, struct rw_flow_spec *spec)
{
	memset(spec, 0, sizeof(*spec));
	return rw_shape_get_nest(&rw_flow_spec_shape, attr, spec);
}

/* The parts of a filter's key that do not count, zeroed. */
static struct rw_tuple filtered(const struct rw_flow_filter *filter)
{
	struct rw_tuple part = { 0 };

	if (filter->tuple & 1U << REWIRE_A_TUPLE_VNI)
		part.vni = filter->orig.vni;
	if (filter->tuple & 1U << REWIRE_A_TUPLE_PROTOCOL)
		part.protocol = filter->orig.protocol;
	if (filter->tuple & 1U << REWIRE_A_TUPLE_SRC)
		part.src = filter->orig.src;
	if (filter->tuple & 1U << REWIRE_A_TUPLE_DST)
		part.dst = filter->orig.dst;
	if (filter->tuple & 1U << REWIRE_A_TUPLE_SPORT)
		part.sport = filter->orig.sport;
	if (filter->tuple & 1U << REWIRE_A_TUPLE_DPORT)
		part.dport = filter->orig.dport;
	return part;
}

static bool put_filter(struct nlmsghdr *nlh, size_t size, const struct rw_flow_filter *filter)
{
	struct rw_tuple part = filtered(filter);

	if (filter->tuple && !rw_shape_put_nest(nlh, size, REWIRE_A_FLOW_ORIG, &part_shape,
						&part, filter->tuple))
		return false;
	if (filter->match & RW_FLOW_MATCH_STATE &&
	    !mnl_attr_put_u32_check(nlh, size, REWIRE_A_FLOW_STATE, filter->state))
		return false;
	if (filter->match & RW_FLOW_MATCH_POLICY &&
	    !mnl_attr_put_u32_check(nlh, size, REWIRE_A_FLOW_POLICY, filter->policy))
		return false;
	return !(filter->match & RW_FLOW_MATCH_TARGET) ||
	       mnl_attr_put_u32_check(nlh, size, REWIRE_A_FLOW_TARGET, filter->target);
}

bool rw_put_flow_filter(struct nlmsghdr *nlh, size_t size, const struct rw_flow_filter *filter)
{
	struct nlattr *nest = mnl_attr_nest_start_check(nlh, size, REWIRE_A_FLOW_MESSAGE_FILTER);

	if (!nest)
		return false;
	if (!put_filter(nlh, size, filter)) {
		mnl_attr_nest_cancel(nlh, nest);
		return false;
	}
	mnl_attr_nest_end(nlh, nest);
	return true;
}

bool rw_put_flow(struct nlmsghdr *nlh, size_t size, const struct rw_flow *flow)
{
	return rw_shape_put_nest(nlh, size, REWIRE_A_FLOW_MESSAGE_FLOW, &flow_shape, flow, 0);
}

int rw_get_flow(const struct nlmsghdr *nlh, struct rw_flow *flow)
{
	const struct nlattr *attr = NULL;
	size_t length;
	const void *payload = rw_message_payload(nlh, &length);
	int ret;

	memset(flow, 0, sizeof(*flow));
	while ((attr = rw_attr_next(payload, length, attr, &ret)))
		if (mnl_attr_get_type(attr) == REWIRE_A_FLOW_MESSAGE_FLOW)
			return rw_shape_get_nest(&flow_shape, attr, flow);
	return ret ? ret : -EBADMSG;
}

static int take_flow(const struct nlmsghdr *nlh, void *data)
{
	return rw_get_flow(nlh, data);
}

int rw_flow_add(struct rw_socket *socket, const struct rw_flow_spec *spec, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_FLOW_ADD, 0);

	if (!rw_put_flow_spec(nlh, sizeof(buffer), REWIRE_A_FLOW_MESSAGE_SPEC, spec))
		return rw_no_room(error);
	return rw_socket_request(socket, nlh, NULL, NULL, error);
}

static int request_by_key(struct rw_socket *socket, uint8_t command, const struct rw_tuple *key,
			  struct rw_flow *flow, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, command, 0);
	struct rw_flow_filter filter = { .tuple = RW_TUPLE_WHOLE, .orig = *key };

	if (!rw_put_flow_filter(nlh, sizeof(buffer), &filter))
		return rw_no_room(error);
	return rw_socket_request(socket, nlh, flow ? take_flow : NULL, flow, error);
}

int rw_flow_del(struct rw_socket *socket, const struct rw_tuple *key, struct rw_error *error)
{
	return request_by_key(socket, REWIRE_CMD_FLOW_DEL, key, NULL, error);
}

int rw_flow_get(struct rw_socket *socket, const struct rw_tuple *key, struct rw_flow *flow,
		struct rw_error *error)
{
	return request_by_key(socket, REWIRE_CMD_FLOW_GET, key, flow, error);
}

int rw_flow_each(struct rw_socket *socket, const struct rw_flow_filter *filter, rw_flow_fn *fn,
		 void *data, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_FLOW_GET, 0);
	struct flow_each each = { fn, data };

	if (filter && !rw_put_flow_filter(nlh, sizeof(buffer), filter))
		return rw_no_room(error);
	return rw_socket_dump(socket, nlh, each_flow, &each, error);
}

int rw_flow_flush(struct rw_socket *socket, const struct rw_flow_filter *filter,
		  struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_FLOW_FLUSH, 0);

	if (filter && !rw_put_flow_filter(nlh, sizeof(buffer), filter))
		return rw_no_room(error);
	return rw_socket_request(socket, nlh, NULL, NULL, error);
}

// SPDX-License-Identifier: GPL-2.0
/* Both directions of a flow, what a new one is made of, and which ones a request means. */

#include <errno.h>
#include <string.h>

#include "codec.h"
#include "dump.h"
#include "ids.h"
#include "requests.h"
#include "shape.h"

static const struct rw_field counters_fields[] = {
	[REWIRE_A_COUNTERS_PACKETS]	= RW_ALWAYS(RW_U64, struct rw_counters, packets),
	[REWIRE_A_COUNTERS_BYTES]	= RW_ALWAYS(RW_U64, struct rw_counters, bytes),
};

const struct rw_shape rw_counters_shape = RW_SHAPE(counters_fields);

/* What a flow may have beyond a two-way rewrite. */
#define SHAPE_FIELDS(type, at)								\
	[REWIRE_A_FLOW_ONE_WAY]		= RW_FIELD(RW_FLAG, type, at one_way),		\
	[REWIRE_A_FLOW_ORIG_TUNNEL]	= RW_NESTED(rw_tunnel_shape, type, at orig_tunnel), \
	[REWIRE_A_FLOW_REPLY_TUNNEL]	= RW_NESTED(rw_tunnel_shape, type, at reply_tunnel), \
	[REWIRE_A_FLOW_DSCP]		= RW_FIELD(RW_U8_PLUS_1, type, at dscp_plus_1),	\
	[REWIRE_A_FLOW_HOPS]		= RW_FIELD(RW_U32, type, at hops),		\
	[REWIRE_A_FLOW_HOP_LIMIT]	= RW_FIELD(RW_U8, type, at hop_limit),		\
	[REWIRE_A_FLOW_PACKET_RATE]	= RW_FIELD(RW_U32, type, at packet_rate),	\
	[REWIRE_A_FLOW_BYTE_RATE]	= RW_FIELD(RW_U32, type, at byte_rate),		\
	[REWIRE_A_FLOW_BURST]		= RW_FIELD(RW_U32, type, at burst),		\
	[REWIRE_A_FLOW_COPIES]		= RW_BORROWED(RW_ATTRS, type, at copies, at copies_len)

static const struct rw_field flow_spec_fields[] = {
	[REWIRE_A_FLOW_ORIG]		= RW_NESTED(rw_tuple_shape, struct rw_flow_spec, orig),
	[REWIRE_A_FLOW_REPLY]		= RW_NESTED(rw_tuple_shape, struct rw_flow_spec, reply),
	[REWIRE_A_FLOW_POLICY]		= RW_FIELD(RW_U32, struct rw_flow_spec, policy),
	[REWIRE_A_FLOW_TARGET]		= RW_FIELD(RW_U32, struct rw_flow_spec, target),
	[REWIRE_A_FLOW_DECISION]	= RW_FIELD(RW_U64, struct rw_flow_spec, decision),
	[REWIRE_A_FLOW_TIMEOUT]		= RW_FIELD(RW_U32, struct rw_flow_spec, timeout),
	[REWIRE_A_FLOW_ORIG_IFINDEX]	= RW_FIELD(RW_U32, struct rw_flow_spec, orig_ifindex),
	[REWIRE_A_FLOW_REPLY_IFINDEX]	= RW_FIELD(RW_U32, struct rw_flow_spec, reply_ifindex),
	SHAPE_FIELDS(struct rw_flow_spec, ),
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
	SHAPE_FIELDS(struct rw_flow, spec.),
	[REWIRE_A_FLOW_ORIG_COUNTERS]	= RW_NESTED(rw_counters_shape, struct rw_flow, orig),
	[REWIRE_A_FLOW_REPLY_COUNTERS]	= RW_NESTED(rw_counters_shape, struct rw_flow, reply),
	[REWIRE_A_FLOW_ORIG_TRACKING]	= RW_BORROWED(RW_ATTRS, struct rw_flow, tracking[0],
						      tracking_len[0]),
	[REWIRE_A_FLOW_REPLY_TRACKING]	= RW_BORROWED(RW_ATTRS, struct rw_flow, tracking[1],
						      tracking_len[1]),
};

static const struct rw_shape flow_shape = RW_SHAPE(flow_fields);

static const struct rw_field match_fields[] = {
	[REWIRE_A_FLOW_MATCH_VNI]	= RW_FIELD(RW_U32, struct rw_flow_match, vni),
	[REWIRE_A_FLOW_MATCH_PROTOCOL]	= RW_FIELD(RW_U8, struct rw_flow_match, protocol),
	[REWIRE_A_FLOW_MATCH_SRC]	= RW_FIELD(RW_ADDR, struct rw_flow_match, src),
	[REWIRE_A_FLOW_MATCH_SRC_LEN]	= RW_FIELD(RW_U8, struct rw_flow_match, src_len),
	[REWIRE_A_FLOW_MATCH_DST]	= RW_FIELD(RW_ADDR, struct rw_flow_match, dst),
	[REWIRE_A_FLOW_MATCH_DST_LEN]	= RW_FIELD(RW_U8, struct rw_flow_match, dst_len),
	[REWIRE_A_FLOW_MATCH_SPORT_MIN]	= RW_FIELD(RW_U16BE, struct rw_flow_match, sport_min),
	[REWIRE_A_FLOW_MATCH_SPORT_MAX]	= RW_FIELD(RW_U16BE, struct rw_flow_match, sport_max),
	[REWIRE_A_FLOW_MATCH_DPORT_MIN]	= RW_FIELD(RW_U16BE, struct rw_flow_match, dport_min),
	[REWIRE_A_FLOW_MATCH_DPORT_MAX]	= RW_FIELD(RW_U16BE, struct rw_flow_match, dport_max),
};

static const struct rw_shape match_shape = RW_SHAPE(match_fields);

static const struct rw_field filter_fields[] = {
	[REWIRE_A_FLOW_FILTER_STATE]	= RW_FIELD(RW_U32, struct rw_flow_filter, state),
	[REWIRE_A_FLOW_FILTER_POLICY]	= RW_FIELD(RW_U32, struct rw_flow_filter, policy),
	[REWIRE_A_FLOW_FILTER_TARGET]	= RW_FIELD(RW_U32, struct rw_flow_filter, target),
	[REWIRE_A_FLOW_FILTER_ACTION]	= RW_FIELD(RW_U32, struct rw_flow_filter, action),
	[REWIRE_A_FLOW_FILTER_IFINDEX]	= RW_FIELD(RW_U32, struct rw_flow_filter, ifindex),
	[REWIRE_A_FLOW_FILTER_IDLE_MIN]	= RW_FIELD(RW_U64, struct rw_flow_filter, idle_min),
	[REWIRE_A_FLOW_FILTER_IDLE_MAX]	= RW_FIELD(RW_U64, struct rw_flow_filter, idle_max),
	[REWIRE_A_FLOW_FILTER_AGE_MIN]	= RW_FIELD(RW_U64, struct rw_flow_filter, age_min),
	[REWIRE_A_FLOW_FILTER_AGE_MAX]	= RW_FIELD(RW_U64, struct rw_flow_filter, age_max),
};

static const struct rw_shape filter_shape = RW_SHAPE(filter_fields);

struct flow_each {
	rw_flow_fn *fn;
	void *data;
};

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

static bool put_match(struct nlmsghdr *nlh, size_t size, uint16_t attr,
		      const struct rw_flow_match *match)
{
	return !match->given ||
	       rw_shape_put_nest(nlh, size, attr, &match_shape, match, match->given);
}

bool rw_put_flow_filter(struct nlmsghdr *nlh, size_t size, uint16_t attr,
			const struct rw_flow_filter *filter)
{
	struct nlattr *nest = mnl_attr_nest_start_check(nlh, size, attr);

	if (!nest)
		return false;
	if (!put_match(nlh, size, REWIRE_A_FLOW_FILTER_ORIG, &filter->orig) ||
	    !put_match(nlh, size, REWIRE_A_FLOW_FILTER_REPLY, &filter->reply) ||
	    !rw_shape_put(nlh, size, &filter_shape, filter, filter->given)) {
		mnl_attr_nest_cancel(nlh, nest);
		return false;
	}
	mnl_attr_nest_end(nlh, nest);
	return true;
}

int rw_get_flow_nest(const struct nlattr *attr, struct rw_flow *flow)
{
	memset(flow, 0, sizeof(*flow));
	return rw_shape_get_nest(&flow_shape, attr, flow);
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

int rw_flow_restore(struct rw_socket *socket, const struct rw_flow_spec *spec,
		    const struct rw_past *past, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_FLOW_ADD, 0);

	if (!rw_put_flow_spec(nlh, sizeof(buffer), REWIRE_A_FLOW_MESSAGE_SPEC, spec) ||
	    (past && !rw_put_past(nlh, sizeof(buffer), REWIRE_A_FLOW_MESSAGE_PAST, past)))
		return rw_no_room(error);
	return rw_socket_request(socket, nlh, NULL, NULL, error);
}

int rw_flow_add(struct rw_socket *socket, const struct rw_flow_spec *spec, struct rw_error *error)
{
	return rw_flow_restore(socket, spec, NULL, error);
}

static int request_by_key(struct rw_socket *socket, uint8_t command, const struct rw_tuple *key,
			  struct rw_flow *flow, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, command, 0);

	if (!rw_put_tuple(nlh, sizeof(buffer), REWIRE_A_FLOW_MESSAGE_KEY, key))
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

/* A flow that comes up again because the table was resized is shown once. */
struct once {
	struct flow_each each;
	struct rw_ids *ids;
};

static int each_flow_once(const struct nlmsghdr *nlh, void *data)
{
	struct once *once = data;
	struct rw_flow flow;
	int ret = rw_get_flow(nlh, &flow);

	if (ret)
		return ret;
	ret = rw_ids_add(once->ids, flow.id);
	if (ret == -EEXIST)
		return 0;
	return ret ? ret : once->each.fn(&flow, once->each.data);
}

int rw_flow_each(struct rw_socket *socket, const struct rw_flow_filter *filter, rw_flow_fn *fn,
		 void *data, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_FLOW_GET, 0);
	struct once once = { .each = { fn, data }, .ids = rw_ids_new() };
	int ret;

	if (!once.ids)
		return rw_error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	if (filter && (!rw_put_flow_filter(nlh, sizeof(buffer), REWIRE_A_FLOW_MESSAGE_FILTER, filter) ||
		       (filter->tracking &&
			!mnl_attr_put_check(nlh, sizeof(buffer), REWIRE_A_FLOW_MESSAGE_TRACKING, 0, NULL))))
		ret = rw_no_room(error);
	else
		ret = rw_socket_dump(socket, nlh, each_flow_once, &once, error);
	if (ret == -ENOMEM && !error->code)
		rw_error_set(error, ret, "%s", strerror(ENOMEM));
	rw_ids_free(once.ids);
	return ret == -EINTR ? 0 : ret;
}

int rw_flow_flush(struct rw_socket *socket, const struct rw_flow_filter *filter,
		  struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_FLOW_FLUSH, 0);

	if (filter && !rw_put_flow_filter(nlh, sizeof(buffer), REWIRE_A_FLOW_MESSAGE_FILTER, filter))
		return rw_no_room(error);
	return rw_socket_request(socket, nlh, NULL, NULL, error);
}

static int take_count(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr = NULL;
	size_t length;
	const void *payload = rw_message_payload(nlh, &length);
	int ret;

	while ((attr = rw_attr_next(payload, length, attr, &ret)))
		if (mnl_attr_get_type(attr) == REWIRE_A_FLOW_MESSAGE_COUNT &&
		    mnl_attr_get_payload_len(attr) == sizeof(uint64_t))
			*(uint64_t *)data = mnl_attr_get_u64(attr);
	return ret;
}

int rw_flow_count(struct rw_socket *socket, const struct rw_flow_filter *filter, uint64_t *count,
		  struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_FLOW_COUNT, 0);

	*count = 0;
	if (filter && !rw_put_flow_filter(nlh, sizeof(buffer), REWIRE_A_FLOW_MESSAGE_FILTER, filter))
		return rw_no_room(error);
	return rw_socket_request(socket, nlh, take_count, count, error);
}

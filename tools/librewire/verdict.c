// SPDX-License-Identifier: GPL-2.0
/* Answers to punts. */

#include <errno.h>
#include <string.h>

#include "codec.h"
#include "dump.h"
#include "requests.h"
#include "shape.h"

/* What a verdict consists of depends on its action. */
static const struct rw_field flow_verdict_fields[] = {
	[REWIRE_A_VERDICT_PUNT_ID]	= RW_FIELD(RW_U64, struct rw_verdict, punt_id),
	[REWIRE_A_VERDICT_ACTION]	= RW_ALWAYS(RW_U32, struct rw_verdict, action),
	[REWIRE_A_VERDICT_FLOW]		= RW_NESTED(rw_flow_spec_shape, struct rw_verdict, flow),
};

static const struct rw_field other_verdict_fields[] = {
	[REWIRE_A_VERDICT_PUNT_ID]	= RW_FIELD(RW_U64, struct rw_verdict, punt_id),
	[REWIRE_A_VERDICT_ACTION]	= RW_ALWAYS(RW_U32, struct rw_verdict, action),
	[REWIRE_A_VERDICT_TUPLE]	= RW_NESTED(rw_tuple_shape, struct rw_verdict, flow.orig),
	[REWIRE_A_VERDICT_LIFETIME]	= RW_FIELD(RW_U32, struct rw_verdict, lifetime),
	[REWIRE_A_VERDICT_REJECT]	= RW_FIELD(RW_U32, struct rw_verdict, reject),
};

static const struct rw_field any_verdict_fields[] = {
	[REWIRE_A_VERDICT_PUNT_ID]	= RW_FIELD(RW_U64, struct rw_verdict, punt_id),
	[REWIRE_A_VERDICT_ACTION]	= RW_FIELD(RW_U32, struct rw_verdict, action),
	[REWIRE_A_VERDICT_FLOW]		= RW_NESTED(rw_flow_spec_shape, struct rw_verdict, flow),
	[REWIRE_A_VERDICT_TUPLE]	= RW_NESTED(rw_tuple_shape, struct rw_verdict, flow.orig),
	[REWIRE_A_VERDICT_LIFETIME]	= RW_FIELD(RW_U32, struct rw_verdict, lifetime),
	[REWIRE_A_VERDICT_REJECT]	= RW_FIELD(RW_U32, struct rw_verdict, reject),
};

static const struct rw_shape flow_verdict_shape = RW_SHAPE(flow_verdict_fields);
static const struct rw_shape other_verdict_shape = RW_SHAPE(other_verdict_fields);
static const struct rw_shape any_verdict_shape = RW_SHAPE(any_verdict_fields);

static const struct rw_field failure_fields[] = {
	[REWIRE_A_FAILURE_INDEX]	= RW_ALWAYS(RW_U32, struct rw_failure, index),
	[REWIRE_A_FAILURE_PUNT_ID]	= RW_FIELD(RW_U64, struct rw_failure, punt_id),
	[REWIRE_A_FAILURE_ERROR]	= RW_FIELD(RW_U32, struct rw_failure, error),
	[REWIRE_A_FAILURE_MESSAGE]	= RW_FIELD(RW_TEXT, struct rw_failure, message),
};

static const struct rw_shape failure_shape = RW_SHAPE(failure_fields);

bool rw_put_verdict(struct nlmsghdr *nlh, size_t size, const struct rw_verdict *verdict)
{
	return rw_shape_put_nest(nlh, size, REWIRE_A_VERDICT_BATCH_VERDICT,
				 verdict->action == REWIRE_VERDICT_ACTION_FLOW ?
				 &flow_verdict_shape : &other_verdict_shape, verdict, 0);
}

int rw_get_verdict(const struct nlattr *attr, struct rw_verdict *verdict)
{
	memset(verdict, 0, sizeof(*verdict));
	return rw_shape_get_nest(&any_verdict_shape, attr, verdict);
}

bool rw_put_failure(struct nlmsghdr *nlh, size_t size, const struct rw_failure *failure)
{
	return rw_shape_put_nest(nlh, size, REWIRE_A_VERDICT_BATCH_FAILURE, &failure_shape,
				 failure, 0);
}

ssize_t rw_get_failures(const struct nlmsghdr *nlh, uint32_t *accepted,
			struct rw_failure *failures, size_t max)
{
	const struct nlattr *attr = NULL;
	size_t length, count = 0;
	const void *payload = rw_message_payload(nlh, &length);
	int ret;

	*accepted = 0;
	while ((attr = rw_attr_next(payload, length, attr, &ret))) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type == REWIRE_A_VERDICT_BATCH_ACCEPTED) {
			if (mnl_attr_get_payload_len(attr) != sizeof(uint32_t))
				return -EBADMSG;
			*accepted = mnl_attr_get_u32(attr);
		} else if (type == REWIRE_A_VERDICT_BATCH_FAILURE && count < max) {
			memset(&failures[count], 0, sizeof(failures[count]));
			ret = rw_shape_get_nest(&failure_shape, attr, &failures[count]);
			if (ret)
				return ret;
			count++;
		}
	}
	return ret ? ret : (ssize_t)count;
}

static int take_failure(const struct nlmsghdr *nlh, void *data)
{
	struct rw_error *error = data;
	struct rw_failure failure;
	uint32_t accepted;
	ssize_t count = rw_get_failures(nlh, &accepted, &failure, 1);
	int code;

	if (count <= 0)
		return count;
	code = failure.error ? -(int)failure.error : -EBADMSG;
	return rw_error_set(error, code, "%s", failure.message ? failure.message : strerror(-code));
}

int rw_verdict_add(struct rw_socket *socket, const struct rw_verdict *verdict,
		   struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_VERDICT_ADD, 0);

	if (!rw_put_verdict(nlh, sizeof(buffer), verdict))
		return rw_no_room(error);
	return rw_socket_request(socket, nlh, take_failure, error, error);
}

int rw_verdict_settle(struct rw_socket *socket, uint64_t settled, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_VERDICT_ADD, 0);

	mnl_attr_put_u64(nlh, REWIRE_A_VERDICT_BATCH_SETTLED, settled);
	return rw_socket_request(socket, nlh, take_failure, error, error);
}

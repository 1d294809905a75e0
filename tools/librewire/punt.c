// SPDX-License-Identifier: GPL-2.0
/* Questions to the daemon. */

#include <errno.h>
#include <string.h>

#include "codec.h"
#include "dump.h"
#include "requests.h"
#include "shape.h"

static const struct rw_field punt_fields[] = {
	[REWIRE_A_PUNT_ID]		= RW_FIELD(RW_U64, struct rw_punt, id),
	[REWIRE_A_PUNT_TUPLE]		= RW_NESTED(rw_tuple_shape, struct rw_punt, tuple),
	[REWIRE_A_PUNT_POLICY]		= RW_FIELD(RW_U32, struct rw_punt, policy),
	[REWIRE_A_PUNT_RULE]		= RW_FIELD(RW_U32, struct rw_punt, rule),
	[REWIRE_A_PUNT_REASON]		= RW_ALWAYS(RW_U32, struct rw_punt, reason),
	[REWIRE_A_PUNT_IFINDEX]		= RW_FIELD(RW_U32, struct rw_punt, ifindex),
	[REWIRE_A_PUNT_LENGTH]		= RW_FIELD(RW_U32, struct rw_punt, length),
	[REWIRE_A_PUNT_HEADER]		= RW_BORROWED(RW_BYTES, struct rw_punt, header, header_len),
	[REWIRE_A_PUNT_PACKETS]		= RW_FIELD(RW_U32, struct rw_punt, packets),
	[REWIRE_A_PUNT_AGE]		= RW_FIELD(RW_U64, struct rw_punt, age),
	[REWIRE_A_PUNT_TUNNEL]		= RW_NESTED(rw_tunnel_shape, struct rw_punt, tunnel),
	[REWIRE_A_PUNT_SCORE]		= RW_FIELD(RW_U32, struct rw_punt, score),
};

static const struct rw_shape punt_shape = RW_SHAPE(punt_fields);

struct punt_batch {
	uint32_t version, handlers;
};

static const struct rw_field batch_fields[] = {
	[REWIRE_A_PUNT_BATCH_VERSION]	= RW_FIELD(RW_U32, struct punt_batch, version),
	[REWIRE_A_PUNT_BATCH_HANDLERS]	= RW_FIELD(RW_U32, struct punt_batch, handlers),
};

static const struct rw_shape batch_shape = RW_SHAPE(batch_fields);

bool rw_put_punt(struct nlmsghdr *nlh, size_t size, const struct rw_punt *punt)
{
	return rw_shape_put_nest(nlh, size, REWIRE_A_PUNT_BATCH_PUNT, &punt_shape, punt, 0);
}

ssize_t rw_get_punts(const struct nlmsghdr *nlh, struct rw_punt *punts, size_t max)
{
	const struct nlattr *attr = NULL;
	size_t length, count = 0;
	const void *payload = rw_message_payload(nlh, &length);
	int ret;

	while (count < max && (attr = rw_attr_next(payload, length, attr, &ret))) {
		if (mnl_attr_get_type(attr) != REWIRE_A_PUNT_BATCH_PUNT)
			continue;
		memset(&punts[count], 0, sizeof(punts[count]));
		ret = rw_shape_get_nest(&punt_shape, attr, &punts[count]);
		if (ret)
			return ret;
		count++;
	}
	return count < max && ret ? ret : (ssize_t)count;
}

bool rw_put_listen(struct nlmsghdr *nlh, size_t size, uint32_t version)
{
	return mnl_attr_put_u32_check(nlh, size, REWIRE_A_PUNT_BATCH_VERSION, version);
}

int rw_get_handlers(const struct nlmsghdr *nlh, uint32_t *handlers)
{
	struct punt_batch batch = { 0 };
	int ret = rw_shape_get_message(&batch_shape, nlh, &batch, NULL);

	*handlers = batch.handlers;
	return ret;
}

struct punt_each {
	rw_punt_fn *fn;
	void *data;
};

static int each_punt(const struct nlmsghdr *nlh, void *data)
{
	const struct punt_each *each = data;
	struct rw_punt punts[32];
	ssize_t i, count = rw_get_punts(nlh, punts, 32);
	int ret = count < 0 ? count : 0;

	for (i = 0; i < count && !ret; i++)
		ret = each->fn(&punts[i], each->data);
	return ret;
}

int rw_punt_each(struct rw_socket *socket, rw_punt_fn *fn, void *data, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_PUNT_GET, 0);
	struct punt_each each = { fn, data };

	return rw_socket_dump(socket, nlh, each_punt, &each, error);
}

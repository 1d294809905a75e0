// SPDX-License-Identifier: GPL-2.0
/* The summary of flows. */

#include <string.h>

#include "codec.h"
#include "dump.h"
#include "requests.h"
#include "shape.h"

#define FIELD(kind, member)	RW_FIELD(kind, struct rw_summary, member)

static const struct rw_field fields[] = {
	[REWIRE_A_SUMMARY_EPOCH]		= FIELD(RW_U64, epoch),
	[REWIRE_A_SUMMARY_GENERATION]		= FIELD(RW_U64, generation),
	[REWIRE_A_SUMMARY_WATERMARK]		= FIELD(RW_U64, watermark),
	[REWIRE_A_SUMMARY_NEWEST]		= FIELD(RW_U64, newest),
	[REWIRE_A_SUMMARY_FLOWS]		= FIELD(RW_U32, flows),
	[REWIRE_A_SUMMARY_VNI]			= FIELD(RW_U32, vni),
	[REWIRE_A_SUMMARY_TARGET]		= FIELD(RW_U32, target),
	[REWIRE_A_SUMMARY_TARGET_GENERATION]	= FIELD(RW_U32, target_generation),
	[REWIRE_A_SUMMARY_RETIRED_FLOWS]	= FIELD(RW_U32, retired_flows),
	[REWIRE_A_SUMMARY_HALF_OPEN]		= FIELD(RW_U32, live.half_open),
	[REWIRE_A_SUMMARY_CLOSING]		= FIELD(RW_U32, live.closing),
	[REWIRE_A_SUMMARY_ONE_WAY]		= FIELD(RW_U32, live.one_way),
	[REWIRE_A_SUMMARY_TWO_WAY]		= FIELD(RW_U32, live.two_way),
	[REWIRE_A_SUMMARY_ESTABLISHED]		= FIELD(RW_U32, live.established),
};

static const struct rw_shape shape = RW_SHAPE(fields);

bool rw_put_summary(struct nlmsghdr *nlh, size_t size, const struct rw_summary *summary)
{
	return rw_shape_put(nlh, size, &shape, summary,
			    summary->has_vni ? 1 << REWIRE_A_SUMMARY_VNI : 0);
}

int rw_get_summary(const struct nlmsghdr *nlh, struct rw_summary *summary)
{
	uint32_t seen;
	int ret;

	memset(summary, 0, sizeof(*summary));
	ret = rw_shape_get_message(&shape, nlh, summary, &seen);
	summary->has_vni = !ret && seen & 1 << REWIRE_A_SUMMARY_VNI;
	return ret;
}

static int take_summary(const struct nlmsghdr *nlh, void *data)
{
	return rw_get_summary(nlh, data);
}

int rw_summary_get(struct rw_socket *socket, struct rw_summary *summary, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_SUMMARY_GET, 0);

	return rw_socket_request(socket, nlh, take_summary, summary, error);
}

RW_DEFINE_EACH(summary)

int rw_summary_each(struct rw_socket *socket, rw_summary_fn *fn, void *data,
		    struct rw_error *error)
{
	struct summary_each each = { fn, data };
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_SUMMARY_GET, 0);

	return rw_socket_dump(socket, nlh, each_summary, &each, error);
}

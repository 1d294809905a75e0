// SPDX-License-Identifier: GPL-2.0
/* How flows are kept and their packets checked. */

#include <string.h>

#include "codec.h"
#include "dump.h"
#include "requests.h"
#include "shape.h"

#define TIMEOUT(kind_)	\
	[REWIRE_A_TIMEOUTS_##kind_] = { .kind = RW_U32, .size = sizeof(uint32_t), \
				       .offset = REWIRE_A_TIMEOUTS_##kind_ * sizeof(uint32_t) }

static const struct rw_field timeout_fields[] = {
	TIMEOUT(TCP_UNREPLIED), TIMEOUT(TCP_SYN_SENT), TIMEOUT(TCP_SYN_RECEIVED),
	TIMEOUT(TCP_ESTABLISHED), TIMEOUT(TCP_FIN_WAIT), TIMEOUT(TCP_LAST_ACK),
	TIMEOUT(TCP_TIME_WAIT), TIMEOUT(TCP_CLOSED), TIMEOUT(UDP_UNREPLIED),
	TIMEOUT(UDP_REPLIED), TIMEOUT(ICMP), TIMEOUT(OTHER_UNREPLIED), TIMEOUT(OTHER_REPLIED),
};

static const struct rw_shape timeouts_shape = RW_SHAPE(timeout_fields);

static const struct rw_field policy_fields[] = {
	[REWIRE_A_POLICY_ID]		= RW_FIELD(RW_U32, struct rw_policy, id),
	[REWIRE_A_POLICY_TCP]		= RW_FIELD(RW_U32, struct rw_policy, tcp),
	[REWIRE_A_POLICY_PICKUP]	= RW_FIELD(RW_U32, struct rw_policy, pickup),
	[REWIRE_A_POLICY_MSS]		= RW_FIELD(RW_U32, struct rw_policy, mss),
	[REWIRE_A_POLICY_FLOWS]		= RW_FIELD(RW_U32, struct rw_policy, flows),
	[REWIRE_A_POLICY_TIMEOUTS]	= RW_NESTED(timeouts_shape, struct rw_policy, timeouts),
};

static const struct rw_shape policy_shape = RW_SHAPE(policy_fields);

RW_DEFINE_EACH(policy)

bool rw_put_policy(struct nlmsghdr *nlh, size_t size, const struct rw_policy *policy,
		   uint32_t given)
{
	return rw_shape_put(nlh, size, &policy_shape, policy, given);
}

int rw_get_policy(const struct nlmsghdr *nlh, struct rw_policy *policy)
{
	memset(policy, 0, sizeof(*policy));
	return rw_shape_get_message(&policy_shape, nlh, policy, NULL);
}

int rw_policy_set(struct rw_socket *socket, const struct rw_policy *policy, uint32_t given,
		  struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_POLICY_SET, 0);

	if (!rw_put_policy(nlh, sizeof(buffer), policy, given))
		return rw_no_room(error);
	return rw_socket_request(socket, nlh, NULL, NULL, error);
}

int rw_policy_del(struct rw_socket *socket, uint32_t id, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_POLICY_DEL, 0);

	mnl_attr_put_u32(nlh, REWIRE_A_POLICY_ID, id);
	return rw_socket_request(socket, nlh, NULL, NULL, error);
}

int rw_policy_each(struct rw_socket *socket, rw_policy_fn *fn, void *data, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_POLICY_GET, 0);
	struct policy_each each = { fn, data };

	return rw_socket_dump(socket, nlh, each_policy, &each, error);
}

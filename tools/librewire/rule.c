// SPDX-License-Identifier: GPL-2.0
/* What to do with a packet that has no flow. */

#include <string.h>

#include "codec.h"
#include "address.h"
#include "dump.h"
#include "requests.h"
#include "shape.h"

static const struct rw_field rule_fields[] = {
	[REWIRE_A_RULE_ID]		= RW_FIELD(RW_U32, struct rw_rule, id),
	[REWIRE_A_RULE_VNI]		= RW_ALWAYS(RW_U32, struct rw_rule, vni),
	[REWIRE_A_RULE_FAMILY]		= RW_FIELD(RW_U8, struct rw_rule, family),
	[REWIRE_A_RULE_DST]		= RW_FIELD(RW_ADDR, struct rw_rule, dst),
	[REWIRE_A_RULE_DST_LEN]		= RW_FIELD(RW_U8, struct rw_rule, dst_len),
	[REWIRE_A_RULE_SRC]		= RW_FIELD(RW_ADDR, struct rw_rule, src),
	[REWIRE_A_RULE_SRC_LEN]		= RW_FIELD(RW_U8, struct rw_rule, src_len),
	[REWIRE_A_RULE_PROTOCOL]	= RW_FIELD(RW_U8, struct rw_rule, protocol),
	[REWIRE_A_RULE_DPORT_MIN]	= RW_FIELD(RW_U16BE, struct rw_rule, dport_min),
	[REWIRE_A_RULE_DPORT_MAX]	= RW_FIELD(RW_U16BE, struct rw_rule, dport_max),
	[REWIRE_A_RULE_SPORT_MIN]	= RW_FIELD(RW_U16BE, struct rw_rule, sport_min),
	[REWIRE_A_RULE_SPORT_MAX]	= RW_FIELD(RW_U16BE, struct rw_rule, sport_max),
	[REWIRE_A_RULE_PREFERENCE]	= RW_FIELD(RW_U32, struct rw_rule, preference),
	[REWIRE_A_RULE_ACTION]		= RW_ALWAYS(RW_U32, struct rw_rule, action),
	[REWIRE_A_RULE_POLICY]		= RW_FIELD(RW_U32, struct rw_rule, policy),
	[REWIRE_A_RULE_HOLD]		= RW_FIELD(RW_U32, struct rw_rule, hold),
	[REWIRE_A_RULE_ORPHAN]		= RW_FIELD(RW_U32, struct rw_rule, orphan),
	[REWIRE_A_RULE_HITS]		= RW_FIELD(RW_U64, struct rw_rule, hits),
	[REWIRE_A_RULE_BYTES]		= RW_FIELD(RW_U64, struct rw_rule, bytes),
	[REWIRE_A_RULE_VIA]		= RW_FIELD(RW_ADDR, struct rw_rule, via),
	[REWIRE_A_RULE_VIA_IFINDEX]	= RW_FIELD(RW_U32, struct rw_rule, via_ifindex),
	[REWIRE_A_RULE_VIA_VNI]		= RW_FIELD(RW_U32, struct rw_rule, via_vni),
};

static const struct rw_shape rule_shape = RW_SHAPE(rule_fields);

RW_DEFINE_EACH(rule)

bool rw_put_rule(struct nlmsghdr *nlh, size_t size, const struct rw_rule *rule)
{
	uint32_t force = 0;

	if (rule->dst.family)
		force |= 1U << REWIRE_A_RULE_DST_LEN;
	if (rule->src.family)
		force |= 1U << REWIRE_A_RULE_SRC_LEN;
	if (rule->has_via_vni)
		force |= 1U << REWIRE_A_RULE_VIA_VNI;
	return rw_shape_put(nlh, size, &rule_shape, rule, force);
}

/* An absent length is the whole address, an absent upper bound the lower one; all ports are any. */
static void complete(struct rw_rule *rule, uint32_t seen)
{
	if (rule->dst.family && !(seen & 1U << REWIRE_A_RULE_DST_LEN))
		rule->dst_len = rw_addr_bits(&rule->dst);
	if (rule->src.family && !(seen & 1U << REWIRE_A_RULE_SRC_LEN))
		rule->src_len = rw_addr_bits(&rule->src);
	rule->has_via_vni = seen & 1U << REWIRE_A_RULE_VIA_VNI;
	if (!(seen & 1U << REWIRE_A_RULE_DPORT_MAX))
		rule->dport_max = rule->dport_min;
	if (!(seen & 1U << REWIRE_A_RULE_SPORT_MAX))
		rule->sport_max = rule->sport_min;
	if (!rule->dport_min && rule->dport_max == UINT16_MAX)
		rule->dport_max = 0;
	if (!rule->sport_min && rule->sport_max == UINT16_MAX)
		rule->sport_max = 0;
}

int rw_get_rule(const struct nlmsghdr *nlh, struct rw_rule *rule)
{
	uint32_t seen;
	int ret;

	memset(rule, 0, sizeof(*rule));
	ret = rw_shape_get_message(&rule_shape, nlh, rule, &seen);
	if (!ret)
		complete(rule, seen);
	return ret;
}

static int take_id(const struct nlmsghdr *nlh, void *data)
{
	struct rw_rule answer, *rule = data;
	int ret = rw_get_rule(nlh, &answer);

	if (!ret)
		rule->id = answer.id;
	return ret;
}

int rw_rule_add(struct rw_socket *socket, struct rw_rule *rule, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_RULE_ADD, 0);
	struct rw_rule request = *rule;

	request.id = 0;
	request.hits = 0;
	request.bytes = 0;
	if (!rw_put_rule(nlh, sizeof(buffer), &request))
		return rw_no_room(error);
	return rw_socket_request(socket, nlh, take_id, rule, error);
}

int rw_rule_del(struct rw_socket *socket, uint32_t id, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_RULE_DEL, 0);

	mnl_attr_put_u32(nlh, REWIRE_A_RULE_ID, id);
	return rw_socket_request(socket, nlh, NULL, NULL, error);
}

int rw_rule_each(struct rw_socket *socket, rw_rule_fn *fn, void *data, struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_RULE_GET, 0);
	struct rule_each each = { fn, data };

	return rw_socket_dump(socket, nlh, each_rule, &each, error);
}

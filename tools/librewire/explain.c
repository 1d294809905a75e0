// SPDX-License-Identifier: GPL-2.0
/* What would become of a packet. */

#include <string.h>

#include "codec.h"
#include "dump.h"
#include "requests.h"
#include "shape.h"

#define QUESTION(kind, member)	RW_FIELD(kind, struct rw_question, member)
#define ANSWER(kind, member)	RW_FIELD(kind, struct rw_explanation, member)

static const struct rw_field question_fields[] = {
	[REWIRE_A_EXPLANATION_IFINDEX]		= QUESTION(RW_U32, ifindex),
	[REWIRE_A_EXPLANATION_LOCAL]		= QUESTION(RW_FLAG, local),
	[REWIRE_A_EXPLANATION_VNI]		= QUESTION(RW_U32, vni),
	[REWIRE_A_EXPLANATION_PROTOCOL]		= RW_ALWAYS(RW_U8, struct rw_question,
							    packet.protocol),
	[REWIRE_A_EXPLANATION_SRC]		= QUESTION(RW_ADDR, packet.src),
	[REWIRE_A_EXPLANATION_DST]		= QUESTION(RW_ADDR, packet.dst),
	[REWIRE_A_EXPLANATION_SPORT]		= QUESTION(RW_U16BE, packet.sport),
	[REWIRE_A_EXPLANATION_DPORT]		= QUESTION(RW_U16BE, packet.dport),
	[REWIRE_A_EXPLANATION_TCP_FLAGS]	= QUESTION(RW_U8, tcp_flags),
	[REWIRE_A_EXPLANATION_LENGTH]		= QUESTION(RW_U32, length),
	[REWIRE_A_EXPLANATION_HOP_LIMIT]	= QUESTION(RW_U8, hop_limit),
	[REWIRE_A_EXPLANATION_DF]	= QUESTION(RW_FLAG, dont_fragment),
};

static const struct rw_shape question_shape = RW_SHAPE(question_fields);

static const struct rw_field explanation_fields[] = {
	[REWIRE_A_EXPLANATION_IFINDEX]		= ANSWER(RW_U32, ifindex),
	[REWIRE_A_EXPLANATION_LOCAL]		= ANSWER(RW_FLAG, local),
	[REWIRE_A_EXPLANATION_VNI]		= ANSWER(RW_U32, vni),
	[REWIRE_A_EXPLANATION_FATE]		= ANSWER(RW_U32, fate),
	[REWIRE_A_EXPLANATION_REASON]		= ANSWER(RW_U32, reason),
	[REWIRE_A_EXPLANATION_UNATTACHED]	= ANSWER(RW_FLAG, unattached),
	[REWIRE_A_EXPLANATION_FOREIGN]		= ANSWER(RW_FLAG, foreign),
	[REWIRE_A_EXPLANATION_DIRECTION]	= ANSWER(RW_U32, direction),
	[REWIRE_A_EXPLANATION_RULE]		= ANSWER(RW_U32, rule),
	[REWIRE_A_EXPLANATION_RULE_ACTION]	= ANSWER(RW_U32, rule_action),
	[REWIRE_A_EXPLANATION_POLICY]		= ANSWER(RW_U32, policy),
	[REWIRE_A_EXPLANATION_PUNT_ID]		= ANSWER(RW_U64, punt_id),
	[REWIRE_A_EXPLANATION_BECOMES]		= RW_NESTED(rw_tuple_shape, struct rw_explanation,
							    becomes),
	[REWIRE_A_EXPLANATION_OUT_IFINDEX]	= ANSWER(RW_U32, out_ifindex),
	[REWIRE_A_EXPLANATION_GATEWAY]		= ANSWER(RW_ADDR, gateway),
	[REWIRE_A_EXPLANATION_MTU]		= ANSWER(RW_U32, mtu),
	[REWIRE_A_EXPLANATION_FRAGMENTED]	= ANSWER(RW_FLAG, fragmented),
	[REWIRE_A_EXPLANATION_TO_HOST]		= ANSWER(RW_FLAG, to_host),
	[REWIRE_A_EXPLANATION_TUNNEL]		= RW_NESTED(rw_tunnel_shape, struct rw_explanation,
							    tunnel),
};

static const struct rw_shape explanation_shape = RW_SHAPE(explanation_fields);

bool rw_put_question(struct nlmsghdr *nlh, size_t size, const struct rw_question *question,
		     uint32_t given)
{
	return rw_shape_put(nlh, size, &question_shape, question, given);
}

int rw_get_explanation(const struct nlmsghdr *nlh, struct rw_explanation *explanation)
{
	const struct nlattr *attr = NULL;
	size_t length;
	const void *payload = rw_message_payload(nlh, &length);
	int ret;

	memset(explanation, 0, sizeof(*explanation));
	ret = rw_shape_get(&explanation_shape, payload, length, explanation, NULL);
	while (!ret && (attr = rw_attr_next(payload, length, attr, &ret))) {
		switch (mnl_attr_get_type(attr)) {
		case REWIRE_A_EXPLANATION_FLOW:
			ret = rw_get_flow_nest(attr, &explanation->flow);
			break;
		case REWIRE_A_EXPLANATION_ENDS:
			explanation->is_over = true;
			explanation->ends = mnl_attr_get_u32(attr);
			break;
		case REWIRE_A_EXPLANATION_TARGET_STATE:
			explanation->has_target = true;
			explanation->target_state = mnl_attr_get_u32(attr);
			break;
		}
	}
	return ret;
}

static int take_explanation(const struct nlmsghdr *nlh, void *data)
{
	return rw_get_explanation(nlh, data);
}

int rw_packet_explain(struct rw_socket *socket, const struct rw_question *question,
		      uint32_t given, struct rw_explanation *explanation,
		      struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_PACKET_EXPLAIN, 0);

	if (!rw_put_question(nlh, sizeof(buffer), question, given))
		return rw_no_room(error);
	return rw_socket_request(socket, nlh, take_explanation, explanation, error);
}

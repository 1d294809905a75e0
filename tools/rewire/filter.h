/* SPDX-License-Identifier: GPL-2.0 */
/* Which flows a command is about. */
#ifndef FILTER_H
#define FILTER_H

#include "args.h"

/* Places of the arguments in any table that begins with them. */
enum filter_arg {
	FILTER_VNI, FILTER_PROTOCOL, FILTER_SRC, FILTER_DST,
	FILTER_REPLY, FILTER_REPLY_VNI, FILTER_REPLY_SRC, FILTER_REPLY_DST,
	FILTER_STATE, FILTER_POLICY, FILTER_TARGET, FILTER_ACTION, FILTER_DEV,
	FILTER_IDLE_MIN, FILTER_IDLE_MAX, FILTER_AGE_MIN, FILTER_AGE_MAX, FILTER_SINCE,
	FILTER_ARGS,
};

struct filter_match {
	uint32_t vni;
	uint8_t protocol;
	struct arg_match src, dst;
};

struct filter_values {
	struct filter_match orig, reply;
	uint32_t state, policy, target, action, ifindex;
	uint64_t idle_min, idle_max, age_min, age_max, since;
	/* for tables that go on */
	uint32_t group, by, limit;
};

#define FILTER_USAGE \
	"       FILTER := [ vni N ] [ protocol PROTO ] [ src MATCH ] [ dst MATCH ]\n"		\
	"                 [ state STATE ] [ policy N ] [ target N ] [ dev DEV ]\n"		\
	"                 [ action { translate | drop | pass } ] [ idle-min TIME ]\n"		\
	"                 [ idle-max TIME ] [ age-min TIME ] [ age-max TIME ] [ since WHEN ]\n" \
	"                 [ reply [ vni N ] [ src MATCH ] [ dst MATCH ] ]\n"			\
	"       MATCH := ADDR[/LEN][:PORT[-PORT]]\n"						\
	"       TIME := NUMBER[ms|s|m|h|d]\n"							\
	"       WHEN := { TIME | HH:MM[:SS] | YYYY-MM-DD[THH:MM[:SS]] | @SECONDS }\n"

#define FILTER_PATH(...) .path = { { REWIRE_A_FLOW_MESSAGE_FILTER, __VA_ARGS__ } }
#define FILTER_PATHS(direction, attr, attr2)						\
	.path = { { REWIRE_A_FLOW_MESSAGE_FILTER, direction, attr },			\
		  { REWIRE_A_FLOW_MESSAGE_FILTER, direction, attr2 } }
#define FILTER_TIME(name_, member, attr)						\
	{ .name = (name_), .kind = ARG_DURATION,					\
	  .offset = offsetof(struct filter_values, member), FILTER_PATH(attr) }

/* One direction. */
#define FILTER_MATCH(vni_, src_, dst_, member, part_, attr)				\
	[vni_] = { .name = "vni", .kind = ARG_U32, .max = REWIRE_VNI_MAX, .part = part_, \
		.offset = offsetof(struct filter_values, member.vni),			\
		FILTER_PATH(attr, REWIRE_A_FLOW_MATCH_VNI) },				\
	[src_] = { .name = "src", .kind = ARG_MATCH, .part = part_,			\
		.offset = offsetof(struct filter_values, member.src),			\
		FILTER_PATHS(attr, REWIRE_A_FLOW_MATCH_SRC, REWIRE_A_FLOW_MATCH_SPORT_MIN) }, \
	[dst_] = { .name = "dst", .kind = ARG_MATCH, .part = part_,			\
		.offset = offsetof(struct filter_values, member.dst),			\
		FILTER_PATHS(attr, REWIRE_A_FLOW_MATCH_DST, REWIRE_A_FLOW_MATCH_DPORT_MIN) }

#define FILTER_TABLE									\
	FILTER_MATCH(FILTER_VNI, FILTER_SRC, FILTER_DST, orig, ARG_BEFORE,		\
		     REWIRE_A_FLOW_FILTER_ORIG),					\
	[FILTER_PROTOCOL] = { .name = "protocol", .kind = ARG_PROTOCOL,			\
		.offset = offsetof(struct filter_values, orig.protocol),		\
		FILTER_PATH(REWIRE_A_FLOW_FILTER_ORIG, REWIRE_A_FLOW_MATCH_PROTOCOL) },	\
	[FILTER_REPLY] = { .name = "reply", .kind = ARG_TO },				\
	FILTER_MATCH(FILTER_REPLY_VNI, FILTER_REPLY_SRC, FILTER_REPLY_DST, reply,	\
		     ARG_AFTER, REWIRE_A_FLOW_FILTER_REPLY),				\
	[FILTER_STATE] = { .name = "state", .kind = ARG_NAME, .names = rw_flow_state_names, \
		.offset = offsetof(struct filter_values, state),			\
		FILTER_PATH(REWIRE_A_FLOW_FILTER_STATE) },				\
	[FILTER_POLICY] = { .name = "policy", .kind = ARG_U32,				\
		.offset = offsetof(struct filter_values, policy),			\
		FILTER_PATH(REWIRE_A_FLOW_FILTER_POLICY) },				\
	[FILTER_TARGET] = { .name = "target", .kind = ARG_U32,				\
		.offset = offsetof(struct filter_values, target),			\
		FILTER_PATH(REWIRE_A_FLOW_FILTER_TARGET) },				\
	[FILTER_ACTION] = { .name = "action", .kind = ARG_NAME,				\
		.names = rw_flow_action_names,						\
		.offset = offsetof(struct filter_values, action),			\
		FILTER_PATH(REWIRE_A_FLOW_FILTER_ACTION) },				\
	[FILTER_DEV] = { .name = "dev", .kind = ARG_DEVICE,				\
		.offset = offsetof(struct filter_values, ifindex),			\
		FILTER_PATH(REWIRE_A_FLOW_FILTER_IFINDEX) },				\
	[FILTER_IDLE_MIN] = FILTER_TIME("idle-min", idle_min, REWIRE_A_FLOW_FILTER_IDLE_MIN), \
	[FILTER_IDLE_MAX] = FILTER_TIME("idle-max", idle_max, REWIRE_A_FLOW_FILTER_IDLE_MAX), \
	[FILTER_AGE_MIN] = FILTER_TIME("age-min", age_min, REWIRE_A_FLOW_FILTER_AGE_MIN), \
	[FILTER_AGE_MAX] = FILTER_TIME("age-max", age_max, REWIRE_A_FLOW_FILTER_AGE_MAX), \
	[FILTER_SINCE] = { .name = "since", .kind = ARG_SINCE,				\
		.offset = offsetof(struct filter_values, since) }

/*
 * Read all words by a table that begins with FILTER_TABLE. Without words of a filter, *given
 * is NULL. 0, or EXIT_USAGE after an error is printed.
 */
int filter_parse(struct args *args, const struct arg *table, struct filter_values *values,
		 struct rw_flow_filter *filter, struct rw_flow_filter **given);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* What a flow that is restored has behind it, as words. */
#ifndef PAST_H
#define PAST_H

#include "args.h"

struct past_values {
	uint32_t state;
	uint64_t age, idle;
	const char *counters[2], *tracking[2];
};

/* Places of the arguments in a table that has them, from first on; offset is of the values. */
enum past_arg {
	PAST_STATE, PAST_AGE, PAST_IDLE, PAST_COUNTERS, PAST_REPLY_COUNTERS, PAST_TRACKING,
	PAST_REPLY_TRACKING, PAST_ARGS,
};

#define PAST_VALUE(type, values, member)	(offsetof(type, values) + offsetof(struct past_values, member))

#define PAST_TABLE(first, type, values)								\
	[(first) + PAST_STATE] = { .name = "state", .kind = ARG_NAME, .names = rw_flow_state_names, \
		.offset = PAST_VALUE(type, values, state),					\
		.path = { { REWIRE_A_FLOW_MESSAGE_PAST, REWIRE_A_FLOW_STATE } } },		\
	[(first) + PAST_AGE] = { .name = "age", .kind = ARG_DURATION,				\
		.offset = PAST_VALUE(type, values, age),					\
		.path = { { REWIRE_A_FLOW_MESSAGE_PAST, REWIRE_A_FLOW_AGE } } },		\
	[(first) + PAST_IDLE] = { .name = "idle", .kind = ARG_DURATION,				\
		.offset = PAST_VALUE(type, values, idle),					\
		.path = { { REWIRE_A_FLOW_MESSAGE_PAST, REWIRE_A_FLOW_IDLE } } },		\
	[(first) + PAST_COUNTERS] = { .name = "counters", .kind = ARG_TEXT,			\
		.offset = PAST_VALUE(type, values, counters[0]) },				\
	[(first) + PAST_REPLY_COUNTERS] = { .name = "reply-counters", .kind = ARG_TEXT,		\
		.offset = PAST_VALUE(type, values, counters[1]) },				\
	[(first) + PAST_TRACKING] = { .name = "tracking", .kind = ARG_TEXT,			\
		.offset = PAST_VALUE(type, values, tracking[0]),				\
		.path = { { REWIRE_A_FLOW_MESSAGE_PAST, REWIRE_A_FLOW_ORIG_TRACKING } } },	\
	[(first) + PAST_REPLY_TRACKING] = { .name = "reply-tracking", .kind = ARG_TEXT,		\
		.offset = PAST_VALUE(type, values, tracking[1]),				\
		.path = { { REWIRE_A_FLOW_MESSAGE_PAST, REWIRE_A_FLOW_REPLY_TRACKING } } }

/* Whether any of the arguments is there. */
bool past_given(const struct args *args, int first);
/* 0, or EXIT_USAGE after an error is printed. */
int past_parse(const struct args *args, const struct past_values *values, struct rw_past *past);
/* One direction's tracking as a word, in a buffer of PAST_TRACKING_TEXT. */
#define PAST_TRACKING_TEXT	160
char *past_tracking_print(char *text, const struct rw_tracking *tracking);

#endif

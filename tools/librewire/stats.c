// SPDX-License-Identifier: GPL-2.0
/* Figures of a network namespace, and counters by reason. */

#include <string.h>

#include "codec.h"
#include "dump.h"
#include "requests.h"
#include "shape.h"

static const struct rw_field stats_fields[] = {
	[REWIRE_A_STATS_FLOWS]			= RW_ALWAYS(RW_U64, struct rw_stats, flows),
	[REWIRE_A_STATS_FLOWS_MAX]		= RW_ALWAYS(RW_U64, struct rw_stats, flows_max),
	[REWIRE_A_STATS_ATTACHES]		= RW_ALWAYS(RW_U32, struct rw_stats, attaches),
	[REWIRE_A_STATS_RULES]			= RW_ALWAYS(RW_U32, struct rw_stats, rules),
	[REWIRE_A_STATS_TARGETS]		= RW_ALWAYS(RW_U32, struct rw_stats, targets),
	[REWIRE_A_STATS_LIMITS]			= RW_ALWAYS(RW_U32, struct rw_stats, limits),
	[REWIRE_A_STATS_HANDLERS]		= RW_ALWAYS(RW_U32, struct rw_stats, handlers),
	[REWIRE_A_STATS_HOLDS]			= RW_ALWAYS(RW_U32, struct rw_stats, holds),
	[REWIRE_A_STATS_HOLDS_MAX]		= RW_ALWAYS(RW_U32, struct rw_stats, holds_max),
	[REWIRE_A_STATS_HELD_PACKETS]		= RW_ALWAYS(RW_U32, struct rw_stats, held_packets),
	[REWIRE_A_STATS_HELD_BYTES]		= RW_ALWAYS(RW_U64, struct rw_stats, held_bytes),
	[REWIRE_A_STATS_RECEIVED]		= RW_ALWAYS(RW_U64, struct rw_stats, received),
	[REWIRE_A_STATS_TRANSLATED]		= RW_ALWAYS(RW_U64, struct rw_stats, translated),
	[REWIRE_A_STATS_PASSED]			= RW_ALWAYS(RW_U64, struct rw_stats, passed),
	[REWIRE_A_STATS_FORWARDED]		= RW_ALWAYS(RW_U64, struct rw_stats, forwarded),
	[REWIRE_A_STATS_PUNTS]			= RW_ALWAYS(RW_U64, struct rw_stats, punts),
	[REWIRE_A_STATS_PUNT_BATCHES]		= RW_ALWAYS(RW_U64, struct rw_stats, punt_batches),
	[REWIRE_A_STATS_PUNT_RETRIES]		= RW_ALWAYS(RW_U64, struct rw_stats, punt_retries),
	[REWIRE_A_STATS_VERDICTS]		= RW_ALWAYS(RW_U64, struct rw_stats, verdicts),
	[REWIRE_A_STATS_VERDICT_FAILURES]	= RW_ALWAYS(RW_U64, struct rw_stats, verdict_failures),
	[REWIRE_A_STATS_CREATED]		= RW_ALWAYS(RW_U64, struct rw_stats, created),
	[REWIRE_A_STATS_ICMP_TRANSLATED]	= RW_ALWAYS(RW_U64, struct rw_stats, icmp_translated),
	[REWIRE_A_STATS_ICMP_SENT]		= RW_ALWAYS(RW_U64, struct rw_stats, icmp_sent),
	[REWIRE_A_STATS_ICMP_LIMITED]		= RW_ALWAYS(RW_U64, struct rw_stats, icmp_limited),
	[REWIRE_A_STATS_ICMP_UNSENT]		= RW_ALWAYS(RW_U64, struct rw_stats, icmp_unsent),
	[REWIRE_A_STATS_OBJECTS]		= RW_ALWAYS(RW_U64, struct rw_stats, objects),
	[REWIRE_A_STATS_COPIED]			= RW_ALWAYS(RW_U64, struct rw_stats, copied),
	[REWIRE_A_STATS_PUNTS_ASKED]		= RW_ALWAYS(RW_U32, struct rw_stats, punts_asked),
	[REWIRE_A_STATS_PUNTS_QUEUED]		= RW_ALWAYS(RW_U32, struct rw_stats, punts_queued),
	[REWIRE_A_STATS_VERDICTS_FORBIDDEN]	= RW_ALWAYS(RW_U64, struct rw_stats, verdicts_forbidden),
	[REWIRE_A_STATS_BATCHED]		= RW_ALWAYS(RW_U64, struct rw_stats, batched),
	[REWIRE_A_STATS_EXPIRY_NS]		= RW_ALWAYS(RW_U64, struct rw_stats, expiry_ns),
};

static const struct rw_shape stats_shape = RW_SHAPE(stats_fields);

struct counter {
	uint32_t reason;
	uint64_t value;
};

static const struct rw_field counter_fields[] = {
	[REWIRE_A_COUNTER_REASON]	= RW_ALWAYS(RW_U32, struct counter, reason),
	[REWIRE_A_COUNTER_VALUE]	= RW_ALWAYS(RW_U64, struct counter, value),
};

static const struct rw_shape counter_shape = RW_SHAPE(counter_fields);

bool rw_put_stats_request(struct nlmsghdr *nlh, size_t size, bool reasons)
{
	return !reasons || mnl_attr_put_check(nlh, size, REWIRE_A_STATS_REASONS, 0, NULL);
}

bool rw_put_stats(struct nlmsghdr *nlh, size_t size, const struct rw_stats *stats)
{
	uint32_t length = nlh->nlmsg_len, reason;

	if (!rw_shape_put(nlh, size, &stats_shape, stats, 0))
		return false;
	for (reason = 0; reason < RW_REASONS; reason++) {
		struct counter counter = { .reason = reason, .value = stats->counters[reason] };

		if (!rw_shape_put_nest(nlh, size, REWIRE_A_STATS_COUNTER, &counter_shape,
				       &counter, 0)) {
			nlh->nlmsg_len = length;
			return false;
		}
	}
	return true;
}

int rw_get_stats(const struct nlmsghdr *nlh, struct rw_stats *stats)
{
	const struct nlattr *attr = NULL;
	size_t length;
	const void *payload = rw_message_payload(nlh, &length);
	int ret;

	memset(stats, 0, sizeof(*stats));
	ret = rw_shape_get(&stats_shape, payload, length, stats, NULL);
	if (ret)
		return ret;
	while ((attr = rw_attr_next(payload, length, attr, &ret))) {
		struct counter counter = { .reason = RW_REASONS };

		if (mnl_attr_get_type(attr) != REWIRE_A_STATS_COUNTER)
			continue;
		ret = rw_shape_get_nest(&counter_shape, attr, &counter);
		if (ret)
			return ret;
		if (counter.reason < RW_REASONS)
			stats->counters[counter.reason] = counter.value;
	}
	return ret;
}

static int take_stats(const struct nlmsghdr *nlh, void *data)
{
	return rw_get_stats(nlh, data);
}

int rw_stats_get(struct rw_socket *socket, bool reasons, struct rw_stats *stats,
		 struct rw_error *error)
{
	char buffer[RW_REQUEST_MAX];
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, REWIRE_CMD_STATS_GET, 0);

	if (!rw_put_stats_request(nlh, sizeof(buffer), reasons))
		return rw_no_room(error);
	return rw_socket_request(socket, nlh, take_stats, stats, error);
}

// SPDX-License-Identifier: GPL-2.0
/* The netlink codec. */

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "librewire.h"

#define BUFFER	65536

static char buffer[BUFFER] __attribute__((aligned(8)));

static struct nlmsghdr *start(uint8_t command)
{
	struct nlmsghdr *nlh;
	struct genlmsghdr *genl;

	memset(buffer, 0xa5, sizeof(buffer));
	nlh = mnl_nlmsg_put_header(buffer);
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = command;
	return nlh;
}

static struct rw_addr addr(const char *text)
{
	struct rw_addr addr;

	assert_null(rw_addr_parse(text, &addr));
	return addr;
}

static struct rw_tuple tuple(unsigned int n)
{
	return (struct rw_tuple){
		.vni = n, .protocol = IPPROTO_TCP, .sport = 4000 + n, .dport = 80,
		.src = addr(n % 2 ? "10.0.0.2" : "fd00::2"),
		.dst = addr(n % 2 ? "192.0.2.1" : "2001:db8::1"),
	};
}

static struct rw_flow_spec spec(unsigned int n)
{
	return (struct rw_flow_spec){
		.orig = tuple(n), .reply = tuple(n + 2), .policy = 7, .target = 11,
		.decision = 0x123456789abcdef0, .timeout = 5000, .orig_ifindex = 3,
		.reply_ifindex = 4,
	};
}

static void test_rule(void **state)
{
	struct rw_rule rule = {
		.id = 9, .vni = 10, .family = AF_INET, .dst = addr("0.0.0.0"), .src = addr("10.0.0.0"),
		.src_len = 8, .protocol = IPPROTO_UDP, .dport_min = 53, .dport_max = 54,
		.sport_min = 1024, .sport_max = 65535, .preference = 5,
		.action = REWIRE_RULE_ACTION_PUNT, .policy = 1, .hold = REWIRE_HOLD_MODE_DROP,
		.orphan = REWIRE_ORPHAN_MODE_HOLD, .hits = 1ULL << 40,
		.bytes = 1ULL << 50, .via = addr("192.0.2.1"), .via_ifindex = 4,
		.has_via_vni = true,
	}, got;
	struct nlmsghdr *nlh = start(REWIRE_CMD_RULE_GET);

	(void)state;
	assert_true(rw_put_rule(nlh, BUFFER, &rule));
	assert_int_equal(rw_get_rule(nlh, &got), 0);
	assert_memory_equal(&rule, &got, sizeof(rule));
}

static void test_limit(void **state)
{
	struct rw_limit limit = {
		.vni = 9, .set = true, .flows_soft = 1, .flows_hard = 2, .rate = 3, .burst = 4,
		.holds = 5, .held_packets = 6, .held_bytes = 1ULL << 40, .udp_share = 7,
		.flows = 8, .udp_flows = 9, .used_holds = 10, .used_held_packets = 11,
		.used_held_bytes = 1ULL << 41, .refused_flows = 12, .refused_udp = 13,
		.refused_rate = 14, .refused_held = 15, .evicted = 16, .early = 17,
	}, got;
	struct nlmsghdr *nlh = start(REWIRE_CMD_LIMIT_GET);

	(void)state;
	assert_true(rw_put_limit(nlh, BUFFER, &limit, 0));
	assert_int_equal(rw_get_limit(nlh, &got), 0);
	assert_memory_equal(&limit, &got, sizeof(limit));
}

/* The whole address and a single port may be meant without being said. */
static void test_rule_defaults(void **state)
{
	struct nlmsghdr *nlh = start(REWIRE_CMD_RULE_GET);
	struct rw_rule rule;

	(void)state;
	mnl_attr_put(nlh, REWIRE_A_RULE_DST, 16, addr("fd00::1").bytes);
	mnl_attr_put_u16(nlh, REWIRE_A_RULE_DPORT_MIN, htons(80));
	mnl_attr_put_u16(nlh, REWIRE_A_RULE_SPORT_MIN, 0);
	mnl_attr_put_u16(nlh, REWIRE_A_RULE_SPORT_MAX, 0xffff);
	assert_int_equal(rw_get_rule(nlh, &rule), 0);
	assert_int_equal(rule.dst_len, 128);
	assert_int_equal(rule.dport_max, 80);
	assert_int_equal(rule.sport_max, 0);
}

static void test_suspicion(void **state)
{
	struct nlmsghdr *nlh = start(REWIRE_CMD_SUSPICION_GET);
	static struct rw_suspicion suspicion;
	struct nlattr *nest;

	(void)state;
	mnl_attr_put_u32(nlh, REWIRE_A_SUSPICION_ENABLED, 1);
	mnl_attr_put_u32(nlh, REWIRE_A_SUSPICION_INTERVAL, 500);
	nest = mnl_attr_nest_start(nlh, REWIRE_A_SUSPICION_VALUE);
	mnl_attr_put_u32(nlh, REWIRE_A_ODDITY_ATTRIBUTE,
			 REWIRE_SUSPICION_ATTRIBUTE_PORT);
	mnl_attr_put_u32(nlh, REWIRE_A_ODDITY_NUMBER, 2);
	mnl_attr_put_u32(nlh, REWIRE_A_ODDITY_WEIGHT, 77);
	mnl_attr_put(nlh, REWIRE_A_ODDITY_PINNED, 0, NULL);
	mnl_attr_nest_end(nlh, nest);
	assert_int_equal(rw_get_suspicion(nlh, &suspicion), 0);
	assert_int_equal(suspicion.enabled, 1);
	assert_int_equal(suspicion.interval, 500);
	assert_int_equal(suspicion.count, 1);
	assert_int_equal(suspicion.values[0].attribute, REWIRE_SUSPICION_ATTRIBUTE_PORT);
	assert_int_equal(suspicion.values[0].number, 2);
	assert_int_equal(suspicion.values[0].weight, 77);
	assert_true(suspicion.values[0].pinned);
}

static void test_objects(void **state)
{
	struct rw_target target = { 3, REWIRE_TARGET_STATE_DOWN, 2, 99, 98 }, got_target;
	struct rw_attach attach = { .ifindex = 4, .vni = 0, .ifname = "v1" }, got_attach;
	struct nlmsghdr *nlh = start(REWIRE_CMD_TARGET_GET);

	(void)state;
	assert_true(rw_put_target(nlh, BUFFER, &target));
	assert_int_equal(rw_get_target(nlh, &got_target), 0);
	assert_memory_equal(&target, &got_target, sizeof(target));
	nlh = start(REWIRE_CMD_ATTACH_GET);
	assert_true(rw_put_attach(nlh, BUFFER, &attach));
	assert_int_equal(rw_get_attach(nlh, &got_attach), 0);
	assert_int_equal(got_attach.ifindex, 4);
	assert_false(got_attach.local);
	assert_string_equal(got_attach.ifname, "v1");
	nlh = start(REWIRE_CMD_ATTACH_GET);
	attach = (struct rw_attach){ .local = true, .vni = 5 };
	assert_true(rw_put_attach(nlh, BUFFER, &attach));
	assert_int_equal(rw_get_attach(nlh, &got_attach), 0);
	assert_true(got_attach.local);
	assert_int_equal(got_attach.vni, 5);
}

/* Of a summary, the network 0 is not the whole. */
static void test_summary(void **state)
{
	struct rw_summary parts[] = {
		{ .epoch = 1ULL << 60, .generation = 2, .watermark = 3, .newest = 4, .flows = 5 },
		{ .has_vni = true, .flows = 6, .live = { 1, 2, 3, 4, 5 } },
		{ .target = 7, .target_generation = 1, .retired_flows = 8 },
	}, got;
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct nlmsghdr *nlh = start(REWIRE_CMD_SUMMARY_GET);

		assert_true(rw_put_summary(nlh, BUFFER, &parts[i]));
		assert_int_equal(rw_get_summary(nlh, &got), 0);
		assert_memory_equal(&got, &parts[i], sizeof(got));
	}
}

/* What the kernel answers about a packet, and what it does not say. */
static void test_explanation(void **state)
{
	struct rw_question question = { .packet = tuple(1), .length = 40 };
	struct rw_tuple becomes = tuple(2);
	struct rw_explanation got;
	struct nlmsghdr *nlh = start(REWIRE_CMD_PACKET_EXPLAIN);

	(void)state;
	assert_true(rw_put_question(nlh, BUFFER, &question, 1 << REWIRE_A_EXPLANATION_VNI));
	assert_int_equal(rw_get_explanation(nlh, &got), 0);
	assert_int_equal(got.vni, 0);
	assert_false(got.is_over || got.has_target || got.becomes.protocol || got.out_ifindex);
	nlh = start(REWIRE_CMD_PACKET_EXPLAIN);
	mnl_attr_put_u32(nlh, REWIRE_A_EXPLANATION_FATE, REWIRE_FATE_TRANSLATE);
	mnl_attr_put_u32(nlh, REWIRE_A_EXPLANATION_ENDS, REWIRE_REASON_CLOSE_TARGET);
	mnl_attr_put_u32(nlh, REWIRE_A_EXPLANATION_TARGET_STATE, REWIRE_TARGET_STATE_ACTIVE);
	assert_true(rw_put_tuple(nlh, BUFFER, REWIRE_A_EXPLANATION_BECOMES, &becomes));
	assert_int_equal(rw_get_explanation(nlh, &got), 0);
	assert_int_equal(got.fate, REWIRE_FATE_TRANSLATE);
	assert_true(got.is_over && got.has_target);
	assert_int_equal(got.ends, REWIRE_REASON_CLOSE_TARGET);
	assert_memory_equal(&got.becomes, &becomes, sizeof(becomes));
}

static void test_flow(void **state)
{
	struct rw_flow flow = {
		.id = 12, .spec = spec(1), .state = REWIRE_FLOW_STATE_ESTABLISHED, .age = 3200,
		.idle = 100, .expires = 300000, .orig = { 10, 1000 }, .reply = { 20, 1ULL << 33 },
	}, got;
	struct nlmsghdr *nlh = start(REWIRE_CMD_FLOW_GET);

	(void)state;
	assert_true(rw_put_flow(nlh, BUFFER, &flow));
	assert_int_equal(rw_get_flow(nlh, &got), 0);
	assert_memory_equal(&flow, &got, sizeof(flow));
	memset(&flow.spec.reply, 0, sizeof(flow.spec.reply));
	flow.action = REWIRE_FLOW_ACTION_DROP;
	nlh = start(REWIRE_CMD_FLOW_GET);
	assert_true(rw_put_flow(nlh, BUFFER, &flow));
	assert_int_equal(rw_get_flow(nlh, &got), 0);
	assert_int_equal(got.spec.reply.protocol, 0);
}

/* What is told of a TCP connection is what is given when it is restored, numbers of 0 among it. */
static void test_past(void **state)
{
	struct rw_past past = {
		.state = REWIRE_FLOW_STATE_ESTABLISHED, .age = 7, .idle = 3,
		.counters = { { 1, 2 }, { 3, 4 } }, .has_tracking = { true, true },
		.tracking[0] = { .given = 1U << REWIRE_A_TRACKING_END | 1U << REWIRE_A_TRACKING_SCALE,
				 .fin = true },
		.tracking[1] = { .given = 1U << REWIRE_A_TRACKING_ACK, .ack = 5 },
	};
	struct nlmsghdr *nlh = start(REWIRE_CMD_FLOW_ADD);
	struct rw_tracking tracking;
	struct rw_flow flow;

	(void)state;
	assert_true(rw_put_past(nlh, BUFFER, REWIRE_A_FLOW_MESSAGE_FLOW, &past));
	assert_int_equal(rw_get_flow(nlh, &flow), 0);
	assert_int_equal(flow.state, past.state);
	assert_int_equal(flow.age, 7);
	assert_int_equal(flow.reply.bytes, 4);
	assert_true(rw_get_tracking(&flow, 0, &tracking));
	assert_int_equal(tracking.given & ~(1U << REWIRE_A_TRACKING_FIN), past.tracking[0].given);
	assert_true(tracking.fin && !tracking.end && !tracking.scale && !tracking.syn);
	assert_true(rw_get_tracking(&flow, 1, &tracking));
	assert_int_equal(tracking.ack, 5);
	past.has_tracking[1] = false;
	nlh = start(REWIRE_CMD_FLOW_ADD);
	assert_true(rw_put_past(nlh, BUFFER, REWIRE_A_FLOW_MESSAGE_FLOW, &past));
	assert_int_equal(rw_get_flow(nlh, &flow), 0);
	assert_false(rw_get_tracking(&flow, 1, &tracking));
}

static void test_change(void **state)
{
	struct rw_flow flow = { .id = 12, .spec = spec(1), .state = REWIRE_FLOW_STATE_CLOSED };
	struct nlmsghdr *nlh = start(REWIRE_CMD_CHANGE_GET);
	struct rw_change change;
	struct nlattr *attr;

	(void)state;
	assert_true(rw_put_flow(nlh, BUFFER, &flow));
	attr = mnl_nlmsg_get_payload_offset(nlh, GENL_HDRLEN);
	attr->nla_type = REWIRE_A_CHANGE_FLOW | NLA_F_NESTED;
	assert_int_equal(rw_get_change(nlh, &change), 0);
	assert_memory_equal(&change.flow, &flow, sizeof(flow));
	assert_false(change.ended || change.overflow);
	mnl_attr_put_u32(nlh, REWIRE_A_CHANGE_REASON, REWIRE_REASON_CLOSE_EVICTED);
	assert_int_equal(rw_get_change(nlh, &change), 0);
	assert_true(change.ended);
	assert_int_equal(change.reason, REWIRE_REASON_CLOSE_EVICTED);
	nlh = start(REWIRE_CMD_CHANGE_GET);
	mnl_attr_put(nlh, REWIRE_A_CHANGE_OVERFLOW, 0, NULL);
	assert_int_equal(rw_get_change(nlh, &change), 0);
	assert_true(change.overflow && !change.ended);
	mnl_attr_put_u16(nlh, REWIRE_A_CHANGE_REASON, 1);
	assert_int_equal(rw_get_change(nlh, &change), -EBADMSG);
}

/* Only what is asked for is in a filter, and that even when it is 0. */
static void test_filter(void **state)
{
	struct rw_flow_filter filter = {
		.given = 1U << REWIRE_A_FLOW_FILTER_TARGET,
		.orig = { .given = 1U << REWIRE_A_FLOW_MATCH_VNI | 1U << REWIRE_A_FLOW_MATCH_SRC,
			  .src = tuple(0).src },
	};
	struct nlmsghdr *nlh = start(REWIRE_CMD_FLOW_GET);
	const struct nlattr *attr, *part;
	unsigned int seen = 0, parts = 0;

	(void)state;
	assert_true(rw_put_flow_filter(nlh, BUFFER, REWIRE_A_FLOW_MESSAGE_FILTER, &filter));
	attr = mnl_nlmsg_get_payload_offset(nlh, GENL_HDRLEN);
	assert_int_equal(mnl_attr_get_type(attr), REWIRE_A_FLOW_MESSAGE_FILTER);
	assert_true(attr->nla_type & NLA_F_NESTED);
	mnl_attr_for_each_nested(part, attr) {
		const struct nlattr *inner;

		seen |= 1U << mnl_attr_get_type(part);
		if (mnl_attr_get_type(part) == REWIRE_A_FLOW_FILTER_ORIG)
			mnl_attr_for_each_nested(inner, part)
				parts |= 1U << mnl_attr_get_type(inner);
	}
	assert_int_equal(seen, 1U << REWIRE_A_FLOW_FILTER_ORIG | 1U << REWIRE_A_FLOW_FILTER_TARGET);
	assert_int_equal(parts, filter.orig.given);
}

static void put_punts(struct nlmsghdr *nlh, unsigned int count, const uint8_t *header)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct rw_punt punt = {
			.id = i + 1, .tuple = tuple(i), .policy = 7, .rule = 2, .ifindex = i,
			.reason = REWIRE_PUNT_REASON_TARGET_DOWN, .length = 1500, .packets = 3,
			.age = 12, .header = header, .header_len = i + 1,
		};

		assert_true(rw_put_punt(nlh, BUFFER, &punt));
	}
}

static void test_punts(void **state)
{
	uint8_t header[REWIRE_PUNT_HEADER_MAX];
	struct rw_punt punts[32];
	struct nlmsghdr *nlh = start(REWIRE_CMD_PUNT_NTF);
	unsigned int i;

	(void)state;
	memset(header, 0x45, sizeof(header));
	put_punts(nlh, 32, header);
	assert_int_equal(rw_get_punts(nlh, punts, 32), 32);
	for (i = 0; i < 32; i++) {
		struct rw_tuple expected = tuple(i);

		assert_int_equal(punts[i].id, i + 1);
		assert_memory_equal(&punts[i].tuple, &expected, sizeof(expected));
		assert_int_equal(punts[i].reason, REWIRE_PUNT_REASON_TARGET_DOWN);
		assert_int_equal(punts[i].header_len, i + 1);
		assert_memory_equal(punts[i].header, header, i + 1);
	}
	assert_int_equal(rw_get_punts(nlh, punts, 5), 5);
	nlh = start(REWIRE_CMD_PUNT_NTF);
	assert_int_equal(rw_get_punts(nlh, punts, 32), 0);
}

static void test_verdicts(void **state)
{
	struct rw_verdict flow = { .punt_id = 5, .action = REWIRE_VERDICT_ACTION_FLOW, .flow = spec(1) };
	struct rw_verdict drop = { .punt_id = 6, .action = REWIRE_VERDICT_ACTION_DROP, .lifetime = 100,
				   .reject = REWIRE_REJECT_RESET,
				   .flow = { .orig = tuple(2), .policy = 3 } }, got;
	struct nlmsghdr *nlh = start(REWIRE_CMD_VERDICT_ADD);
	const struct nlattr *attr;

	(void)state;
	assert_true(rw_put_verdict(nlh, BUFFER, &flow));
	assert_true(rw_put_verdict(nlh, BUFFER, &drop));
	attr = mnl_nlmsg_get_payload_offset(nlh, GENL_HDRLEN);
	assert_int_equal(rw_get_verdict(attr, &got), 0);
	assert_memory_equal(&flow, &got, sizeof(got));
	assert_int_equal(rw_get_verdict(mnl_attr_next(attr), &got), 0);
	drop.flow.policy = 0;
	assert_memory_equal(&drop, &got, sizeof(got));
}

static void test_failures(void **state)
{
	struct rw_failure failure = { 3, 17, EADDRINUSE, "The reply key is taken" }, got[2];
	struct nlmsghdr *nlh = start(REWIRE_CMD_VERDICT_ADD);
	uint32_t accepted;

	(void)state;
	mnl_attr_put_u32(nlh, REWIRE_A_VERDICT_BATCH_ACCEPTED, 31);
	assert_true(rw_put_failure(nlh, BUFFER, &failure));
	assert_true(rw_put_failure(nlh, BUFFER, &failure));
	assert_true(rw_put_failure(nlh, BUFFER, &failure));
	assert_int_equal(rw_get_failures(nlh, &accepted, got, 2), 2);
	assert_int_equal(accepted, 31);
	assert_int_equal(got[1].index, 3);
	assert_int_equal(got[1].punt_id, 17);
	assert_int_equal(got[1].error, EADDRINUSE);
	assert_string_equal(got[1].message, "The reply key is taken");
}

static void test_stats(void **state)
{
	struct rw_stats stats, got;
	struct nlmsghdr *nlh = start(REWIRE_CMD_STATS_GET);
	struct nlattr *nest;
	unsigned int i;

	(void)state;
	memset(&stats, 0, sizeof(stats));
	stats.flows = 1;
	stats.objects = 2;
	stats.held_bytes = 1ULL << 40;
	stats.holds_max = 8192;
	stats.expiry_ns = 1ULL << 41;
	for (i = 0; i < RW_REASONS; i++)
		stats.counters[i] = 1000 + i;
	assert_true(rw_put_stats(nlh, BUFFER, &stats));
	/* A reason that only a newer kernel has. */
	nest = mnl_attr_nest_start(nlh, REWIRE_A_STATS_COUNTER);
	mnl_attr_put_u32(nlh, REWIRE_A_COUNTER_REASON, RW_REASONS);
	mnl_attr_put_u64(nlh, REWIRE_A_COUNTER_VALUE, 1);
	mnl_attr_nest_end(nlh, nest);
	assert_int_equal(rw_get_stats(nlh, &got), 0);
	assert_memory_equal(&stats, &got, sizeof(stats));
}

/* A message without room is refused at every size, and is not changed by that. */
static void test_no_room(void **state)
{
	struct rw_verdict verdict = { .punt_id = 1, .flow = spec(2) };
	struct nlmsghdr *nlh = start(REWIRE_CMD_VERDICT_ADD);
	size_t empty = nlh->nlmsg_len, full, size;

	(void)state;
	assert_true(rw_put_verdict(nlh, BUFFER, &verdict));
	full = nlh->nlmsg_len;
	for (size = empty; size < full; size++) {
		/* On the heap: what is written beyond the size is seen. */
		struct nlmsghdr *small = malloc(size);

		memcpy(small, buffer, empty);
		small->nlmsg_len = empty;
		assert_false(rw_put_verdict(small, size, &verdict));
		assert_int_equal(small->nlmsg_len, empty);
		free(small);
	}
	nlh->nlmsg_len = empty;
	assert_true(rw_put_verdict(nlh, full, &verdict));
}

/* Decode every truncation of a message, in memory of just that size. */
static void test_truncation(void **state)
{
	struct nlmsghdr *nlh = start(REWIRE_CMD_PUNT_NTF);
	uint8_t header[4] = { 0 };
	struct rw_punt punts[4];
	size_t size, full;
	unsigned int bad = 0;

	(void)state;
	put_punts(nlh, 2, header);
	full = nlh->nlmsg_len;
	for (size = MNL_NLMSG_HDRLEN; size < full; size++) {
		struct nlmsghdr *part = malloc(size);

		memcpy(part, buffer, size);
		part->nlmsg_len = size;
		bad += rw_get_punts(part, punts, 4) == -EBADMSG;
		free(part);
	}
	/* All but none of, and exactly one of the punts. */
	assert_true(bad > full - MNL_NLMSG_HDRLEN - 3 * 4 - GENL_HDRLEN);
}

/* What aligns attributes is 0, not what the buffer, and so the process, had there. */
static void test_alignment(void **state)
{
	struct rw_rule rule = { .family = AF_INET, .protocol = 17, .dport_min = 1, .dport_max = 2 };
	struct rw_attach attach = { .ifname = "v1" };
	struct nlmsghdr *nlh = start(REWIRE_CMD_RULE_ADD);
	const struct nlattr *attr;

	(void)state;
	assert_true(rw_put_rule(nlh, BUFFER, &rule));
	assert_true(rw_put_attach(nlh, BUFFER, &attach));
	mnl_attr_for_each(attr, nlh, GENL_HDRLEN) {
		const char *byte = (const char *)attr + attr->nla_len;

		for (; byte < (const char *)mnl_attr_next(attr); byte++)
			assert_int_equal(*byte, 0);
	}
}

static int decode_rule(uint16_t type, size_t length)
{
	struct nlmsghdr *nlh = start(REWIRE_CMD_RULE_GET);
	uint8_t value[32] = { 0 };
	struct rw_rule rule;

	mnl_attr_put(nlh, type, length, value);
	return rw_get_rule(nlh, &rule);
}

static void test_lengths(void **state)
{
	size_t length;

	(void)state;
	for (length = 0; length <= 17; length++) {
		assert_int_equal(decode_rule(REWIRE_A_RULE_VNI, length), length == 4 ? 0 : -EBADMSG);
		assert_int_equal(decode_rule(REWIRE_A_RULE_FAMILY, length), length == 1 ? 0 : -EBADMSG);
		assert_int_equal(decode_rule(REWIRE_A_RULE_DPORT_MIN, length),
				 length == 2 ? 0 : -EBADMSG);
		assert_int_equal(decode_rule(REWIRE_A_RULE_HITS, length), length == 8 ? 0 : -EBADMSG);
		assert_int_equal(decode_rule(REWIRE_A_RULE_DST, length),
				 length == 4 || length == 16 ? 0 : -EBADMSG);
		assert_int_equal(decode_rule(REWIRE_A_RULE_MAX + 1, length), 0);
		assert_int_equal(decode_rule(0x3fff, length), 0);
	}
}

static void test_strings(void **state)
{
	struct nlmsghdr *nlh = start(REWIRE_CMD_ATTACH_GET);
	struct rw_attach attach;

	(void)state;
	mnl_attr_put(nlh, REWIRE_A_ATTACH_IFNAME, 3, "abc");
	assert_int_equal(rw_get_attach(nlh, &attach), -EBADMSG);
	nlh = start(REWIRE_CMD_ATTACH_GET);
	mnl_attr_put_strz(nlh, REWIRE_A_ATTACH_IFNAME, "0123456789abcdef");
	assert_int_equal(rw_get_attach(nlh, &attach), -EBADMSG);
	nlh = start(REWIRE_CMD_ATTACH_GET);
	mnl_attr_put_strz(nlh, REWIRE_A_ATTACH_IFNAME, "0123456789abcde");
	assert_int_equal(rw_get_attach(nlh, &attach), 0);
}

/* Of the address sanitizer, whose header gcc does not bring. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
					      void (*on_free)(const volatile void *));

static unsigned int allocations;

static void count_allocation(const volatile void *pointer, size_t size)
{
	(void)pointer;
	(void)size;
	allocations++;
}

static void ignore_free(const volatile void *pointer)
{
	(void)pointer;
}

static void test_no_allocation(void **state)
{
	static char answer[BUFFER] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = start(REWIRE_CMD_PUNT_NTF), *out;
	struct rw_verdict verdict = { .punt_id = 1, .flow = spec(1) };
	uint8_t header[128] = { 0 };
	struct rw_punt punts[32];
	unsigned int i, before;
	ssize_t count;
	bool room = true;
	void *volatile probe;	/* kept from being optimized away */

	(void)state;
	put_punts(nlh, 32, header);
	assert_true(__sanitizer_install_malloc_and_free_hooks(count_allocation, ignore_free));
	probe = malloc(1);
	free(probe);
	assert_int_not_equal(allocations, 0);
	before = allocations;
	count = rw_get_punts(nlh, punts, 32);
	out = mnl_nlmsg_put_header(answer);
	for (i = 0; i < 32; i++)
		room &= rw_put_verdict(out, sizeof(answer), &verdict);
	assert_int_equal(allocations, before);
	assert_int_equal(count, 32);
	assert_true(room);
}

/* An answer as the kernel gives it: an error, a sentence and the offset of an attribute. */
static void test_extack(void **state)
{
	static char reply[512] __attribute__((aligned(8)));
	struct rw_flow_spec flow = spec(1);
	struct nlmsghdr *request = start(REWIRE_CMD_FLOW_ADD), *nlh;
	const struct nlattr *attr;
	struct nlmsgerr *answer;
	struct rw_error error;

	(void)state;
	assert_true(rw_put_flow_spec(request, BUFFER, REWIRE_A_FLOW_MESSAGE_SPEC, &flow));
	attr = mnl_nlmsg_get_payload_offset(request, GENL_HDRLEN);
	attr = mnl_attr_next(mnl_attr_get_payload(attr));	/* the reply key */
	attr = mnl_attr_next(mnl_attr_get_payload(attr));	/* its second attribute */
	nlh = mnl_nlmsg_put_header(reply);
	nlh->nlmsg_type = NLMSG_ERROR;
	nlh->nlmsg_flags = NLM_F_CAPPED | NLM_F_ACK_TLVS;
	answer = mnl_nlmsg_put_extra_header(nlh, sizeof(*answer));
	answer->error = -EINVAL;
	mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, "That cannot be");
	mnl_attr_put_u32(nlh, NLMSGERR_ATTR_OFFS, (const char *)attr - buffer);
	assert_int_equal(rw_message_outcome(nlh, request, &error), -EINVAL);
	assert_string_equal(error.sentence, "That cannot be");
	assert_int_equal(error.depth, 3);
	assert_int_equal(error.path[0], REWIRE_A_FLOW_MESSAGE_SPEC);
	assert_int_equal(error.path[1], REWIRE_A_FLOW_REPLY);
	assert_int_equal(error.path[2], REWIRE_A_TUPLE_PROTOCOL);
	answer->error = 0;
	assert_int_equal(rw_message_outcome(nlh, request, &error), 0);
	nlh->nlmsg_flags = NLM_F_CAPPED;
	answer->error = -EPERM;
	assert_int_equal(rw_message_outcome(nlh, request, &error), -EPERM);
	assert_string_equal(error.sentence, strerror(EPERM));
	assert_int_equal(error.depth, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule),
		cmocka_unit_test(test_rule_defaults), cmocka_unit_test(test_limit),
		cmocka_unit_test(test_suspicion),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_explanation), cmocka_unit_test(test_summary),
		cmocka_unit_test(test_flow),
		cmocka_unit_test(test_past),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_punts),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_stats),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_no_allocation),
		cmocka_unit_test(test_extack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

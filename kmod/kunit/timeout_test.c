// SPDX-License-Identifier: GPL-2.0
/* Tests of the idle times, and of the arithmetic of expiry. */
#include <kunit/test.h>

#include "../timeout.c"

static unsigned int seconds(u8 protocol, enum rewire_flow_state state)
{
	return rewire_timeouts[rewire_timeout_of(protocol, state)] / HZ;
}

/* RFC 5382 REQ-5, RFC 7857 section 2 */
static void timeout_of_tcp(struct kunit *test)
{
	KUNIT_EXPECT_GE(test, seconds(IPPROTO_TCP, REWIRE_FLOW_STATE_ESTABLISHED), 7440U);
	KUNIT_EXPECT_EQ(test, seconds(IPPROTO_TCP, REWIRE_FLOW_STATE_UNREPLIED), 240U);
	KUNIT_EXPECT_EQ(test, seconds(IPPROTO_TCP, REWIRE_FLOW_STATE_SYN_SENT), 240U);
	KUNIT_EXPECT_EQ(test, seconds(IPPROTO_TCP, REWIRE_FLOW_STATE_SYN_RECEIVED), 240U);
	KUNIT_EXPECT_EQ(test, seconds(IPPROTO_TCP, REWIRE_FLOW_STATE_FIN_WAIT), 240U);
	KUNIT_EXPECT_EQ(test, seconds(IPPROTO_TCP, REWIRE_FLOW_STATE_LAST_ACK), 240U);
	KUNIT_EXPECT_EQ(test, seconds(IPPROTO_TCP, REWIRE_FLOW_STATE_TIME_WAIT), 240U);
	KUNIT_EXPECT_EQ(test, seconds(IPPROTO_TCP, REWIRE_FLOW_STATE_CLOSED), 240U);
}

/* RFC 4787 REQ-5 */
static void timeout_of_udp(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, seconds(IPPROTO_UDP, REWIRE_FLOW_STATE_UNREPLIED), 120U);
	KUNIT_EXPECT_EQ(test, seconds(IPPROTO_UDP, REWIRE_FLOW_STATE_REPLIED), 300U);
	KUNIT_EXPECT_EQ(test, rewire_timeout_of(IPPROTO_UDPLITE, REWIRE_FLOW_STATE_REPLIED),
			rewire_timeout_of(IPPROTO_UDP, REWIRE_FLOW_STATE_REPLIED));
}

/* RFC 5508 REQ-2 */
static void timeout_of_icmp(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, seconds(IPPROTO_ICMP, REWIRE_FLOW_STATE_REPLIED), 60U);
	KUNIT_EXPECT_EQ(test, seconds(IPPROTO_ICMPV6, REWIRE_FLOW_STATE_UNREPLIED), 60U);
}

static void timeout_of_others(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, rewire_timeout_of(IPPROTO_SCTP, REWIRE_FLOW_STATE_UNREPLIED),
			(unsigned int)REWIRE_A_TIMEOUTS_OTHER_UNREPLIED);
	KUNIT_EXPECT_EQ(test, rewire_timeout_of(IPPROTO_GRE, REWIRE_FLOW_STATE_REPLIED),
			(unsigned int)REWIRE_A_TIMEOUTS_OTHER_REPLIED);
}

/* A timeout that nobody has set would end flows at once. */
static void timeouts_are_all_set(struct kunit *test)
{
	unsigned int i;

	for (i = 1; i < ARRAY_SIZE(rewire_timeouts); i++)
		KUNIT_EXPECT_GE_MSG(test, rewire_timeouts[i], 60U * HZ, "timeout %u", i);
}

/* Jiffies wrap; and another CPU's may be ahead of ours. */
static void idle_time_wraps(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, rewire_idle_since(1000, 400), 600U);
	KUNIT_EXPECT_EQ(test, rewire_idle_since(100, (u32)-500), 600U);
	KUNIT_EXPECT_EQ(test, rewire_idle_since(400, 400), 0U);
	KUNIT_EXPECT_EQ(test, rewire_idle_since(400, 401), 0U);
	KUNIT_EXPECT_EQ(test, rewire_idle_since((u32)-1, 5), 0U);
}

/* A flow is given the benefit of its time stamp, which may be a quarter of a second old. */
static void flows_end_when_they_must_have_been_idle(struct kunit *test)
{
	u32 timeout = 60 * HZ, stamp = HZ / 4;

	KUNIT_EXPECT_FALSE(test, rewire_idle_exceeds(0, 0));
	KUNIT_EXPECT_FALSE(test, rewire_idle_exceeds(stamp, 0));
	KUNIT_EXPECT_TRUE(test, rewire_idle_exceeds(stamp + 1, 0));
	KUNIT_EXPECT_FALSE(test, rewire_idle_exceeds(timeout, timeout));
	KUNIT_EXPECT_FALSE(test, rewire_idle_exceeds(timeout + stamp, timeout));
	KUNIT_EXPECT_TRUE(test, rewire_idle_exceeds(timeout + stamp + 1, timeout));
}

static void the_longest_timeout_does_not_wrap(struct kunit *test)
{
	u32 most = REWIRE_TIMEOUT_MAX;

	KUNIT_EXPECT_FALSE(test, rewire_idle_exceeds(most, most));
	KUNIT_EXPECT_TRUE(test, rewire_idle_exceeds(most + HZ, most));
	KUNIT_EXPECT_EQ(test, rewire_idle_since(most + HZ - 10, (u32)-10), most + HZ);
}

/* Between the limits timeouts shrink evenly, from the whole to a sixteenth. */
static void timeouts_shrink_under_pressure(struct kunit *test)
{
	u32 flows, last = REWIRE_TIMEOUT_WHOLE, scale;

	KUNIT_EXPECT_EQ(test, rewire_timeout_scale(U32_MAX, 0, 0), REWIRE_TIMEOUT_WHOLE);
	KUNIT_EXPECT_EQ(test, rewire_timeout_scale(0, 100, 200), REWIRE_TIMEOUT_WHOLE);
	KUNIT_EXPECT_EQ(test, rewire_timeout_scale(100, 100, 200), REWIRE_TIMEOUT_WHOLE);
	KUNIT_EXPECT_EQ(test, rewire_timeout_scale(200, 100, 200), REWIRE_TIMEOUT_LEAST);
	KUNIT_EXPECT_EQ(test, rewire_timeout_scale(U32_MAX, 100, 200), REWIRE_TIMEOUT_LEAST);
	KUNIT_EXPECT_EQ(test, rewire_timeout_scale(100, 100, 100), REWIRE_TIMEOUT_WHOLE);
	KUNIT_EXPECT_EQ(test, rewire_timeout_scale(0xe0000000, 0xc0000000, U32_MAX), 8U);
	for (flows = 100; flows <= 200; flows++) {
		scale = rewire_timeout_scale(flows, 100, 200);
		KUNIT_EXPECT_LE(test, scale, last);
		KUNIT_EXPECT_GE(test, scale + 1, last);
		last = scale;
	}
}

static struct kunit_case timeout_cases[] = {
	KUNIT_CASE(timeout_of_tcp),
	KUNIT_CASE(timeout_of_udp),
	KUNIT_CASE(timeout_of_icmp),
	KUNIT_CASE(timeout_of_others),
	KUNIT_CASE(timeouts_are_all_set),
	KUNIT_CASE(idle_time_wraps),
	KUNIT_CASE(flows_end_when_they_must_have_been_idle),
	KUNIT_CASE(the_longest_timeout_does_not_wrap),
	KUNIT_CASE(timeouts_shrink_under_pressure),
	{}
};

static struct kunit_suite timeout_suite = {
	.name = "rewire_timeout",
	.test_cases = timeout_cases,
};

kunit_test_suites(&timeout_suite);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Tests of the parts of rewire that need no packets");

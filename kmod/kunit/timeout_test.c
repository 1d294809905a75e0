// SPDX-License-Identifier: GPL-2.0
/* Tests of the idle times. */
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

static struct kunit_case timeout_cases[] = {
	KUNIT_CASE(timeout_of_tcp),
	KUNIT_CASE(timeout_of_udp),
	KUNIT_CASE(timeout_of_icmp),
	KUNIT_CASE(timeout_of_others),
	KUNIT_CASE(timeouts_are_all_set),
	{}
};

static struct kunit_suite timeout_suite = {
	.name = "rewire_timeout",
	.test_cases = timeout_cases,
};

kunit_test_suites(&timeout_suite);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Tests of the parts of rewire that need no packets");

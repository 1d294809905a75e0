// SPDX-License-Identifier: GPL-2.0
/* Tests of suspicion: what weighs, how weights are learned, and what a sender can teach. */
#include <kunit/test.h>

#include "../header.c"
#include "../suspicion.c"

#define HOPS	REWIRE_SUSPICION_ATTRIBUTE_HOPS
#define DSCP	REWIRE_SUSPICION_ATTRIBUTE_DSCP
#define VNI	5

/* The module has one of its own. */
struct workqueue_struct *rewire_workqueue;

/**
 * struct suspicion_test - a namespace, and a first packet as usual hosts send it
 * @ns: of which only the lock, the secret and what is unusual are needed
 * @skb: the packet
 * @packet: what the parser says of it
 */
struct suspicion_test {
	struct rewire_net ns;
	struct sk_buff *skb;
	struct rewire_packet packet;
};

static const u8 usual_options[] = {	/* of Linux */
	TCPOPT_MSS, TCPOLEN_MSS, 0x05, 0xb4,
	TCPOPT_SACK_PERM, TCPOLEN_SACK_PERM,
	TCPOPT_TIMESTAMP, TCPOLEN_TIMESTAMP, 0, 0, 0, 1, 0, 0, 0, 0,
	TCPOPT_NOP,
	TCPOPT_WINDOW, TCPOLEN_WINDOW, 7,
};

static int suspicion_test_init(struct kunit *test)
{
	struct suspicion_test *st = kunit_kzalloc(test, sizeof(*st), GFP_KERNEL);
	struct tcphdr *tcp;
	struct iphdr *ip;

	if (!st)
		return -ENOMEM;
	mutex_init(&st->ns.lock);
	rewire_workqueue = system_wq;
	if (rewire_suspicion_init(&st->ns))
		return -ENOMEM;
	test->priv = st;
	st->skb = alloc_skb(128, GFP_KERNEL);
	if (!st->skb)
		return -ENOMEM;
	st->skb->protocol = htons(ETH_P_IP);
	ip = skb_put_zero(st->skb, sizeof(*ip));
	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 64;
	ip->id = htons(7);
	tcp = skb_put_zero(st->skb, sizeof(*tcp));
	tcp->source = htons(40000);
	tcp->doff = (sizeof(*tcp) + sizeof(usual_options)) / 4;
	tcp->syn = 1;
	tcp->window = htons(64240);
	skb_put_data(st->skb, usual_options, sizeof(usual_options));

	st->packet.transport = sizeof(*ip);
	st->packet.segment.flags = TCPHDR_SYN;
	st->packet.key.network = rewire_key_network(VNI, IPPROTO_TCP);
	ipv6_addr_set_v4mapped(htonl(0xc0000201), &st->packet.key.dst);
	return 0;
}

static void suspicion_test_exit(struct kunit *test)
{
	struct suspicion_test *st = test->priv;

	if (!st)
		return;
	kfree_skb(st->skb);
	rewire_suspicion_exit(&st->ns);
}

static struct iphdr *header(struct suspicion_test *st)
{
	return (struct iphdr *)st->skb->data;
}

/* The score of the packet, as it comes from a /24. */
static u32 score_from(struct suspicion_test *st, u32 network)
{
	u32 score;

	ipv6_addr_set_v4mapped(htonl(network << 8 | 1), &st->packet.key.src);
	local_bh_disable();
	rcu_read_lock();
	score = rewire_suspicion_score(&st->ns, st->skb, &st->packet);
	rcu_read_unlock();
	local_bh_enable();
	return score;
}

static u32 score(struct suspicion_test *st)
{
	return score_from(st, 0x0a0000);
}

static void refresh(struct suspicion_test *st)
{
	rewire_suspicion_work(&st->ns.suspicion->refresh.work);
}

static u32 seen(const struct suspicion_test *st, int attribute, int value)
{
	return st->ns.suspicion->history[attribute][value];
}

static void what_hosts_usually_send_weighs_nothing(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, score(test->priv), 0U);
}

static void what_was_never_seen_weighs_most(struct kunit *test)
{
	struct suspicion_test *st = test->priv;

	header(st)->ttl = 20;
	KUNIT_EXPECT_EQ(test, score(st), REWIRE_SUSPICION_WEIGHT);
}

static void weights_add_up(struct kunit *test)
{
	struct suspicion_test *st = test->priv;

	st->ns.suspicion->weight[HOPS][1] = 1000;
	st->ns.suspicion->weight[DSCP][6] = 300;
	header(st)->ttl = 20;
	KUNIT_EXPECT_EQ(test, score(st), 1000U);
	header(st)->tos = 0xb8;
	KUNIT_EXPECT_EQ(test, score(st), 1300U);
	header(st)->ttl = 64;
	KUNIT_EXPECT_EQ(test, score(st), 300U);
}

/* One in so many, from so many networks: it weighs so much less. */
static void what_is_common_weighs_less(struct kunit *test)
{
	struct suspicion_test *st = test->priv;
	u32 network;

	header(st)->ttl = 20;
	for (network = 0; network < 60; network++)
		score_from(st, network);
	KUNIT_EXPECT_EQ(test, score(st), REWIRE_SUSPICION_WEIGHT);	/* not yet */
	refresh(st);
	KUNIT_EXPECT_EQ(test, seen(st, HOPS, 1), 61U);
	KUNIT_EXPECT_EQ(test, score(st), REWIRE_SUSPICION_WEIGHT / 62);
	/* And of what has not come nothing was learned. */
	KUNIT_EXPECT_EQ(test, seen(st, HOPS, 2), 0U);
	header(st)->ttl = 40 + 160;
	KUNIT_EXPECT_EQ(test, score(st), REWIRE_SUSPICION_WEIGHT);
}

/* What was seen counts half at each refresh, until it is forgotten. */
static void what_is_over_is_forgotten(struct kunit *test)
{
	struct suspicion_test *st = test->priv;
	u32 was, network;

	header(st)->ttl = 20;
	for (network = 0; network < 16; network++)
		score_from(st, network);
	for (was = 16; was; was /= 2) {
		refresh(st);
		KUNIT_EXPECT_EQ(test, seen(st, HOPS, 1), was);
		KUNIT_EXPECT_EQ(test, st->ns.suspicion->weight[HOPS][1],
				REWIRE_SUSPICION_WEIGHT / (was + 1));
	}
	refresh(st);
	KUNIT_EXPECT_EQ(test, score(st), REWIRE_SUSPICION_WEIGHT);
}

/* A sender has his prefix, and of that 8 packets teach until the next refresh. */
static void a_prefix_teaches_little(struct kunit *test)
{
	struct suspicion_test *st = test->priv;
	int i;

	header(st)->ttl = 20;
	for (i = 0; i < 1000; i++)
		score(st);
	refresh(st);
	KUNIT_EXPECT_EQ(test, seen(st, HOPS, 1), (u32)REWIRE_SUSPICION_LESSONS);
	for (i = 0; i < 1000; i++)
		score(st);
	refresh(st);
	KUNIT_EXPECT_EQ(test, seen(st, HOPS, 1), REWIRE_SUSPICION_LESSONS * 3 / 2U);
}

/* What is usual teaches nothing, and takes no lesson from its prefix. */
static void usual_packets_take_no_lessons(struct kunit *test)
{
	struct suspicion_test *st = test->priv;
	int i;

	for (i = 0; i < 1000; i++)
		score(st);
	header(st)->ttl = 20;
	score(st);
	refresh(st);
	KUNIT_EXPECT_EQ(test, seen(st, HOPS, 1), 1U);
}

static void a_weight_that_is_set_stays(struct kunit *test)
{
	struct suspicion_test *st = test->priv;

	st->ns.suspicion->pinned[HOPS] = BIT(1);
	st->ns.suspicion->weight[HOPS][1] = 77;
	header(st)->ttl = 20;
	score(st);
	refresh(st);
	KUNIT_EXPECT_EQ(test, seen(st, HOPS, 1), 1U);
	KUNIT_EXPECT_EQ(test, score(st), 77U);
}

/* The counters of CPUs grow for ever, and wrap. */
static void counters_may_wrap(struct kunit *test)
{
	struct suspicion_test *st = test->priv;
	struct rewire_suspicion *suspicion = st->ns.suspicion;
	u32 network;

	suspicion->taken[HOPS][1] = U32_MAX - 2;
	raw_cpu_write(suspicion->counts->seen[HOPS][1], U32_MAX - 2);
	header(st)->ttl = 20;
	for (network = 0; network < 7; network++)
		score_from(st, network);
	refresh(st);
	KUNIT_EXPECT_EQ(test, seen(st, HOPS, 1), 7U);
}

static void nothing_is_scored_when_it_is_off(struct kunit *test)
{
	struct suspicion_test *st = test->priv;

	st->ns.suspicion->enabled = false;
	header(st)->ttl = 20;
	KUNIT_EXPECT_EQ(test, score(st), 0U);
	refresh(st);
	KUNIT_EXPECT_EQ(test, seen(st, HOPS, 1), 0U);
}

/* Bands go by how rare an oddity is: never below 511, not below 15 that were seen. */
static void bands_follow_from_weights(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, rewire_suspicion_band(0), 0);
	KUNIT_EXPECT_EQ(test, rewire_suspicion_band(1), 1);
	KUNIT_EXPECT_EQ(test, rewire_suspicion_band(rewire_suspicion_weight(512)), 1);
	KUNIT_EXPECT_EQ(test, rewire_suspicion_band(rewire_suspicion_weight(511)), 2);
	KUNIT_EXPECT_EQ(test, rewire_suspicion_band(rewire_suspicion_weight(16)), 2);
	KUNIT_EXPECT_EQ(test, rewire_suspicion_band(rewire_suspicion_weight(15)), 3);
	KUNIT_EXPECT_EQ(test, rewire_suspicion_band(U32_MAX), 3);
}

static struct kunit_case suspicion_cases[] = {
	KUNIT_CASE(what_hosts_usually_send_weighs_nothing),
	KUNIT_CASE(what_was_never_seen_weighs_most),
	KUNIT_CASE(weights_add_up),
	KUNIT_CASE(what_is_common_weighs_less),
	KUNIT_CASE(what_is_over_is_forgotten),
	KUNIT_CASE(a_prefix_teaches_little),
	KUNIT_CASE(usual_packets_take_no_lessons),
	KUNIT_CASE(a_weight_that_is_set_stays),
	KUNIT_CASE(counters_may_wrap),
	KUNIT_CASE(nothing_is_scored_when_it_is_off),
	KUNIT_CASE(bands_follow_from_weights),
	{}
};

static struct kunit_suite suspicion_suite = {
	.name = "rewire_suspicion",
	.init = suspicion_test_init,
	.exit = suspicion_test_exit,
	.test_cases = suspicion_cases,
};

kunit_test_suites(&suspicion_suite);

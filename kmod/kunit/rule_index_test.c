// SPDX-License-Identifier: GPL-2.0
/* Tests of the index of rules: what it finds is what a look at each rule finds. */
#include <kunit/test.h>
#include <linux/prandom.h>

#include "../rule_index.c"

#define VNI	5
#define RULES	400
#define PACKETS	4000
#define LOOKS	(36 * (2 + 15 * 15))	/* see looks_have_a_limit() */

/**
 * struct index_test - rules, and the index of them
 * @ns: of which only what the index needs is there
 * @rules: some may not be in the index
 * @in: which are
 */
struct index_test {
	struct rewire_net ns;
	struct rewire_rule rules[RULES];
	bool in[RULES];
};

static int index_test_init(struct kunit *test)
{
	struct index_test *it = kunit_kzalloc(test, sizeof(*it), GFP_KERNEL);

	if (!it)
		return -ENOMEM;
	test->priv = it;
	mutex_init(&it->ns.lock);
	return rewire_index_init(&it->ns);
}

static void index_test_remove(struct index_test *it, unsigned int i)
{
	if (!it->in[i])
		return;
	mutex_lock(&it->ns.lock);
	rewire_index_remove(&it->ns, &it->rules[i]);
	mutex_unlock(&it->ns.lock);
	it->in[i] = false;
}

static void index_test_exit(struct kunit *test)
{
	struct index_test *it = test->priv;
	unsigned int i;

	if (!it)
		return;
	for (i = 0; i < RULES; i++)
		index_test_remove(it, i);
	rewire_index_exit(&it->ns);
	synchronize_rcu();
}

static struct rewire_match anything(void)
{
	return (struct rewire_match) {
		.family = AF_UNSPEC,
		.dport = { 0, 65535 },
		.sport = { 0, 65535 },
	};
}

static void mapped(struct in6_addr *address, u32 ipv4)
{
	ipv6_addr_set_v4mapped(htonl(ipv4), address);
}

static int add(struct index_test *it, unsigned int i, const struct rewire_match *match)
{
	int err;

	it->rules[i].match = *match;
	it->rules[i].vni = VNI;
	it->rules[i].id = i + 1;
	mutex_lock(&it->ns.lock);
	err = rewire_index_add(&it->ns, &it->rules[i], LOOKS, NULL);
	mutex_unlock(&it->ns.lock);
	it->in[i] = !err;
	return err;
}

static void packet_to(struct rewire_packet *packet, u32 src, u32 dst, u8 protocol, u16 dport)
{
	memset(packet, 0, sizeof(*packet));
	mapped(&packet->key.src, src);
	mapped(&packet->key.dst, dst);
	packet->key.network = rewire_key_network(VNI, protocol);
	packet->key.sport = htons(1000);
	packet->key.dport = htons(dport);
}

static unsigned int found(struct index_test *it, const struct rewire_packet *packet)
{
	const struct rewire_rule *rule;
	unsigned int id;

	rcu_read_lock();
	rule = rewire_index_lookup(&it->ns, packet);
	id = rule ? rule->id : 0;
	rcu_read_unlock();
	return id;
}

static void nothing_is_found_without_rules(struct kunit *test)
{
	struct rewire_packet packet;

	packet_to(&packet, 0x0a050002, 0xc0000201, IPPROTO_TCP, 80);
	KUNIT_EXPECT_EQ(test, found(test->priv, &packet), 0U);
}

/* Each of these rules counts before the ones above it. */
static void exact_rules_count_before_others(struct kunit *test)
{
	struct rewire_match match = anything();
	struct index_test *it = test->priv;
	struct rewire_packet packet;
	unsigned int n = 0;

	packet_to(&packet, 0x0a050002, 0xc0000201, IPPROTO_TCP, 80);
	match.preference = 9;
	KUNIT_EXPECT_EQ(test, add(it, n++, &match), 0);
	KUNIT_EXPECT_EQ(test, found(it, &packet), n);
	match.preference = 8;
	KUNIT_EXPECT_EQ(test, add(it, n++, &match), 0);
	KUNIT_EXPECT_EQ(test, found(it, &packet), n);
	match.sport.max = 2000;
	match.preference = 9;
	KUNIT_EXPECT_EQ(test, add(it, n++, &match), 0);
	KUNIT_EXPECT_EQ(test, found(it, &packet), n);
	match.sport.max = 65535;
	match.dport.max = 100;
	KUNIT_EXPECT_EQ(test, add(it, n++, &match), 0);
	KUNIT_EXPECT_EQ(test, found(it, &packet), n);
	match.dport.max = 65535;
	match.protocol = IPPROTO_TCP;
	KUNIT_EXPECT_EQ(test, add(it, n++, &match), 0);
	KUNIT_EXPECT_EQ(test, found(it, &packet), n);
	match.protocol = 0;
	match.family = AF_INET;
	mapped(&match.src, 0x0a000000);
	match.src_len = 96 + 8;
	KUNIT_EXPECT_EQ(test, add(it, n++, &match), 0);
	KUNIT_EXPECT_EQ(test, found(it, &packet), n);
	memset(&match.src, 0, sizeof(match.src));
	match.src_len = 0;
	mapped(&match.dst, 0xc0000000);
	match.dst_len = 96 + 8;
	KUNIT_EXPECT_EQ(test, add(it, n++, &match), 0);
	KUNIT_EXPECT_EQ(test, found(it, &packet), n);
	while (n) {
		index_test_remove(it, --n);
		KUNIT_EXPECT_EQ(test, found(it, &packet), n);
	}
}

static void the_same_rule_is_refused(struct kunit *test)
{
	struct rewire_match match = anything();

	KUNIT_EXPECT_EQ(test, add(test->priv, 0, &match), 0);
	KUNIT_EXPECT_EQ(test, add(test->priv, 1, &match), -EEXIST);
	match.preference = 1;
	KUNIT_EXPECT_EQ(test, add(test->priv, 2, &match), 0);
}

/* The lowest and the highest port of a range, and those beside it. */
static void ranges_end_where_they_say(struct kunit *test)
{
	static const struct rewire_ports ranges[] = {
		{ 0, 0 }, { 0, 1 }, { 1, 2 }, { 7, 7 }, { 1000, 1023 }, { 1001, 2022 },
		{ 4095, 4097 }, { 32767, 65534 }, { 65535, 65535 }, { 1, 65535 },
	};
	struct rewire_match match = anything();
	struct index_test *it = test->priv;
	struct rewire_packet packet;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		const struct rewire_ports *range = &ranges[i];

		match.dport = *range;
		KUNIT_ASSERT_EQ(test, add(it, i, &match), 0);
		packet_to(&packet, 1, 2, IPPROTO_UDP, range->min);
		KUNIT_EXPECT_EQ(test, found(it, &packet), i + 1);
		packet_to(&packet, 1, 2, IPPROTO_UDP, range->max);
		KUNIT_EXPECT_EQ(test, found(it, &packet), i + 1);
		if (range->min) {
			packet_to(&packet, 1, 2, IPPROTO_UDP, range->min - 1);
			KUNIT_EXPECT_EQ(test, found(it, &packet), 0U);
		}
		if (range->max < 65535) {
			packet_to(&packet, 1, 2, IPPROTO_UDP, range->max + 1);
			KUNIT_EXPECT_EQ(test, found(it, &packet), 0U);
		}
		index_test_remove(it, i);
	}
}

static u32 some(struct rnd_state *random, u32 n)
{
	return prandom_u32_state(random) % n;
}

/* Ranges of any width up to all ports, most of which overlap. */
static void any_ports(struct rnd_state *random, struct rewire_ports *ports)
{
	u32 width = 1 + some(random, 2U << some(random, 16)), low;

	width = min(width, 65536U);
	low = some(random, 65536 - width + 1);
	ports->min = low;
	ports->max = low + width - 1;
}

/* Few enough addresses and ports that rules and packets meet. */
static u32 some_address(struct rnd_state *random)
{
	return 0x0a000000 | some(random, 2) << 16 | some(random, 3) << 8 | some(random, 4);
}

static void some_ports(struct rnd_state *random, struct rewire_ports *ports)
{
	u32 a = some(random, 64), b = some(random, 64);

	switch (some(random, 3)) {
	case 0:
		return;
	case 1:
		b = a;
	}
	ports->min = min(a, b);
	ports->max = max(a, b);
}

static void some_match(struct rnd_state *random, struct rewire_match *match)
{
	static const u8 lengths[] = { 8, 16, 24, 31, 32 };
	struct in6_addr address;

	*match = anything();
	if (some(random, 4)) {
		match->family = AF_INET;
		mapped(&address, some_address(random));
		match->dst_len = 96 + lengths[some(random, ARRAY_SIZE(lengths))];
		ipv6_addr_prefix(&match->dst, &address, match->dst_len);
	}
	if (some(random, 2)) {
		match->family = AF_INET;
		mapped(&address, some_address(random));
		match->src_len = 96 + lengths[some(random, ARRAY_SIZE(lengths))];
		ipv6_addr_prefix(&match->src, &address, match->src_len);
	}
	if (some(random, 2))
		match->protocol = some(random, 2) ? IPPROTO_TCP : IPPROTO_UDP;
	some_ports(random, &match->dport);
	some_ports(random, &match->sport);
	match->preference = some(random, 3);
}

static bool ports_match(const struct rewire_ports *ports, __be16 port)
{
	return ntohs(port) >= ports->min && ntohs(port) <= ports->max;
}

static bool matches(const struct rewire_match *match, const struct rewire_packet *packet)
{
	const struct rewire_key *key = &packet->key;
	u8 family = rewire_key_is_ipv4(key) ? AF_INET : AF_INET6;

	if (match->family != AF_UNSPEC && match->family != family)
		return false;
	if (match->protocol && match->protocol != rewire_key_protocol(key))
		return false;
	return ipv6_prefix_equal(&match->dst, &key->dst, match->dst_len) &&
	       ipv6_prefix_equal(&match->src, &key->src, match->src_len) &&
	       ports_match(&match->dport, key->dport) && ports_match(&match->sport, key->sport);
}

/* What the specification says of the order: what differs first decides. */
static bool counts_before(const struct rewire_rule *a, const struct rewire_rule *b)
{
	const struct rewire_rule *rules[] = { a, b };
	u32 order[2][7];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		const struct rewire_match *match = &rules[i]->match;

		order[i][0] = 128 - match->dst_len;
		order[i][1] = 128 - match->src_len;
		order[i][2] = !match->protocol;
		order[i][3] = match->dport.max - match->dport.min;
		order[i][4] = match->sport.max - match->sport.min;
		order[i][5] = match->preference;
		order[i][6] = rules[i]->id;
	}
	for (i = 0; i < 6 && order[0][i] == order[1][i]; i++)
		;
	return order[0][i] < order[1][i];
}

static unsigned int found_by_looking_at_each(const struct index_test *it,
					     const struct rewire_packet *packet)
{
	const struct rewire_rule *best = NULL;
	unsigned int i;

	for (i = 0; i < RULES; i++) {
		const struct rewire_rule *rule = &it->rules[i];

		if (it->in[i] && matches(&rule->match, packet) &&
		    (!best || counts_before(rule, best)))
			best = rule;
	}
	return best ? best->id : 0;
}

static void compare(struct kunit *test, struct rnd_state *random)
{
	struct index_test *it = test->priv;
	struct rewire_packet packet;
	unsigned int i, hits = 0;

	for (i = 0; i < PACKETS; i++) {
		packet_to(&packet, some_address(random), some_address(random),
			  some(random, 2) ? IPPROTO_TCP : IPPROTO_UDP, some(random, 66));
		packet.key.sport = htons(some(random, 66));
		hits += found(it, &packet) > 0;
		KUNIT_ASSERT_EQ(test, found(it, &packet), found_by_looking_at_each(it, &packet));
	}
	KUNIT_EXPECT_GT(test, hits, PACKETS / 10U);
}

static void random_rules_are_found(struct kunit *test)
{
	struct index_test *it = test->priv;
	struct rewire_match match;
	struct rnd_state random;
	unsigned int i;

	prandom_seed_state(&random, 20);
	for (i = 0; i < RULES; i++) {
		some_match(&random, &match);
		add(it, i, &match);
	}
	compare(test, &random);
	for (i = 0; i < RULES; i += 2)
		index_test_remove(it, i);
	compare(test, &random);
}

/* Ports at the ends of rules' ranges, and beside them. */
static u16 port_near(struct rnd_state *random, const struct rewire_ports *ports)
{
	return (some(random, 2) ? ports->min : ports->max) + some(random, 3) - 1;
}

static void compare_ports(struct kunit *test, struct rnd_state *random)
{
	struct index_test *it = test->priv;
	struct rewire_packet packet;
	unsigned int i, hits = 0;

	for (i = 0; i < PACKETS; i++) {
		packet_to(&packet, 0x0a050002, 0xc0000201, IPPROTO_UDP,
			  port_near(random, &it->rules[some(random, RULES)].match.dport));
		packet.key.sport = htons(port_near(random,
						   &it->rules[some(random, RULES)].match.sport));
		if (!some(random, 4))
			packet.key.dst.s6_addr32[2] = 0;	/* IPv6 */
		hits += found(it, &packet) > 0;
		KUNIT_ASSERT_EQ(test, found(it, &packet), found_by_looking_at_each(it, &packet));
	}
	KUNIT_EXPECT_GT(test, hits, PACKETS / 10U);
}

/*
 * Rules that differ in nothing but ranges of ports, family and preference. Few widths,
 * so that more than the widths decide.
 */
static void ranges_that_overlap_are_found(struct kunit *test)
{
	static const u8 families[] = { AF_UNSPEC, AF_INET, AF_INET6 };
	struct index_test *it = test->priv;
	struct rewire_match match = anything();
	struct rnd_state random;
	unsigned int i, round;

	prandom_seed_state(&random, 22);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < RULES; i++) {
			if (it->in[i])
				continue;
			any_ports(&random, &match.dport);
			any_ports(&random, &match.sport);
			if (some(&random, 2)) {
				match.dport.min = some(&random, 60000);
				match.dport.max = match.dport.min + 4999;
				match.sport = anything().sport;
			}
			match.family = families[some(&random, ARRAY_SIZE(families))];
			match.preference = some(&random, 2);
			KUNIT_ASSERT_EQ(test, add(it, i, &match), 0);
		}
		compare_ports(test, &random);
		for (i = 0; i < RULES; i++) {
			if (some(&random, 2))
				index_test_remove(it, i);
		}
		compare_ports(test, &random);
	}
}

/* A range has 30 pieces at most: of each size but the largest two. */
static void pieces_have_a_limit(struct kunit *test)
{
	struct index_test *it = test->priv;
	struct rewire_match match = anything();

	match.dport = (struct rewire_ports) { 1, 65534 };
	it->ns.rule_pieces = REWIRE_RULE_PIECES_MAX - 30;
	KUNIT_EXPECT_EQ(test, add(it, 0, &match), 0);
	KUNIT_EXPECT_EQ(test, it->ns.rule_pieces, REWIRE_RULE_PIECES_MAX);
	index_test_remove(it, 0);
	KUNIT_EXPECT_EQ(test, it->ns.rule_pieces, REWIRE_RULE_PIECES_MAX - 30);
	it->ns.rule_pieces++;
	KUNIT_EXPECT_EQ(test, add(it, 1, &match), -ENOSPC);
	KUNIT_EXPECT_EQ(test, atomic_read(&it->ns.rule_index.nelems), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&it->ns.rule_matches.nelems), 0);
	match.sport = match.dport;
	it->ns.rule_pieces = REWIRE_RULE_PIECES_MAX - 900;
	KUNIT_EXPECT_EQ(test, add(it, 2, &match), 0);
	KUNIT_EXPECT_EQ(test, it->ns.rule_pieces, REWIRE_RULE_PIECES_MAX);
}

static struct rewire_rule_node *root_node(struct index_test *it)
{
	struct rewire_node_key key;

	rewire_key_root(&key, VNI);
	return rhashtable_lookup_fast(&it->ns.rule_index, &key, rewire_index_params);
}

/* By looking at all of its children: what a node has to say of itself. Nodes: counts them. */
static unsigned int looks_below(struct kunit *test, const struct rewire_rule_node *node,
				unsigned int *nodes)
{
	const struct rewire_rule_node *child;
	const struct rewire_shape *shape;
	unsigned int looks = 0, most;
	struct rb_node *rb;

	++*nodes;
	list_for_each_entry(shape, &node->shapes, list) {
		most = 0;
		for (rb = rb_first_cached(&shape->children); rb; rb = rb_next(rb)) {
			child = rb_entry(rb, struct rewire_rule_node, sibling);
			most = max(most, looks_below(test, child, nodes));
		}
		looks += 1 + most;
	}
	KUNIT_EXPECT_EQ(test, node->looks, looks);
	return looks;
}

static void expect_right_looks(struct kunit *test)
{
	struct index_test *it = test->priv;
	struct rewire_rule_node *root = root_node(it);
	unsigned int nodes = 0;

	if (root)
		looks_below(test, root, &nodes);
	KUNIT_EXPECT_EQ(test, atomic_read(&it->ns.rule_index.nelems), nodes);
}

/* Whatever comes and goes. */
static void looks_are_known(struct kunit *test)
{
	struct index_test *it = test->priv;
	struct rewire_match match = anything();
	struct rnd_state random;
	unsigned int i, round;

	KUNIT_ASSERT_EQ(test, add(it, 0, &match), 0);
	KUNIT_EXPECT_EQ(test, root_node(it)->looks, 3U);
	match.dport = (struct rewire_ports) { 80, 80 };
	KUNIT_ASSERT_EQ(test, add(it, 1, &match), 0);
	KUNIT_EXPECT_EQ(test, root_node(it)->looks, 4U);
	match.protocol = IPPROTO_TCP;
	KUNIT_ASSERT_EQ(test, add(it, 2, &match), 0);
	KUNIT_EXPECT_EQ(test, root_node(it)->looks, 6U);
	match.protocol = IPPROTO_UDP;	/* a packet has one of both */
	KUNIT_ASSERT_EQ(test, add(it, 3, &match), 0);
	KUNIT_EXPECT_EQ(test, root_node(it)->looks, 6U);
	index_test_remove(it, 2);
	KUNIT_EXPECT_EQ(test, root_node(it)->looks, 6U);
	index_test_remove(it, 3);
	KUNIT_EXPECT_EQ(test, root_node(it)->looks, 4U);

	prandom_seed_state(&random, 23);
	for (round = 0; round < 3; round++) {
		for (i = 4; i < RULES; i++) {
			if (it->in[i])
				continue;
			some_match(&random, &match);
			add(it, i, &match);
		}
		expect_right_looks(test);
		for (i = 0; i < RULES; i++) {
			if (some(&random, 2))
				index_test_remove(it, i);
		}
		expect_right_looks(test);
	}
}

/* In odd ranges of both ports a packet is looked for by 15 sizes of blocks times 15. */
static void looks_have_a_limit(struct kunit *test)
{
	unsigned int i, looks, nodes, most = 36;
	struct index_test *it = test->priv;
	struct rewire_match match = anything();

	match.family = AF_INET6;
	match.sport = (struct rewire_ports) { 1, 65534 };
	match.dport = match.sport;
	for (i = 0; i < most; i++) {
		match.dst_len = i;
		KUNIT_ASSERT_EQ(test, add(it, i, &match), 0);
	}
	looks = root_node(it)->looks;
	nodes = atomic_read(&it->ns.rule_index.nelems);
	KUNIT_EXPECT_EQ(test, looks, (unsigned int)LOOKS);
	match.dst_len = most;
	KUNIT_EXPECT_EQ(test, add(it, i, &match), -ENOSPC);
	KUNIT_EXPECT_EQ(test, root_node(it)->looks, looks);
	KUNIT_EXPECT_EQ(test, atomic_read(&it->ns.rule_index.nelems), nodes);
	KUNIT_EXPECT_EQ(test, it->ns.rule_pieces, most * 900);
	match.dst.s6_addr[15] = 1;
	match.dst_len = 128;
	match.sport = anything().sport;
	match.dport = match.sport;
	KUNIT_EXPECT_EQ(test, add(it, i, &match), -ENOSPC);
	index_test_remove(it, 0);
	KUNIT_EXPECT_EQ(test, add(it, i, &match), 0);
	index_test_remove(it, i);
	match.sport = (struct rewire_ports) { 1, 65534 };
	match.dport = match.sport;
	KUNIT_EXPECT_EQ(test, add(it, i, &match), 0);
	expect_right_looks(test);
}

/* With the last rule goes the last node. */
static void nothing_is_left_of_removed_rules(struct kunit *test)
{
	struct index_test *it = test->priv;
	struct rewire_match match;
	struct rnd_state random;
	unsigned int i;

	prandom_seed_state(&random, 21);
	for (i = 0; i < RULES; i++) {
		some_match(&random, &match);
		add(it, i, &match);
	}
	KUNIT_EXPECT_GT(test, atomic_read(&it->ns.rule_index.nelems), 100);
	for (i = 0; i < RULES; i++)
		index_test_remove(it, i);
	KUNIT_EXPECT_EQ(test, atomic_read(&it->ns.rule_index.nelems), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&it->ns.rule_matches.nelems), 0);
	KUNIT_EXPECT_EQ(test, it->ns.rule_pieces, 0U);
}

static struct kunit_case index_cases[] = {
	KUNIT_CASE(nothing_is_found_without_rules),
	KUNIT_CASE(exact_rules_count_before_others),
	KUNIT_CASE(the_same_rule_is_refused),
	KUNIT_CASE(ranges_end_where_they_say),
	KUNIT_CASE(random_rules_are_found),
	KUNIT_CASE(ranges_that_overlap_are_found),
	KUNIT_CASE(pieces_have_a_limit),
	KUNIT_CASE(looks_are_known),
	KUNIT_CASE(looks_have_a_limit),
	KUNIT_CASE(nothing_is_left_of_removed_rules),
	{}
};

static struct kunit_suite index_suite = {
	.name = "rewire_rule_index",
	.init = index_test_init,
	.exit = index_test_exit,
	.test_cases = index_cases,
};

kunit_test_suites(&index_suite);

MODULE_LICENSE("GPL");

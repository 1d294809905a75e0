// SPDX-License-Identifier: GPL-2.0
/* Which flows a request is about. */
#include "flow_netlink.h"
#include "target.h"

/* Attributes of a prefix, its length and the range that belongs to it */
struct rewire_filter_end {
	int address;
	int length;
	int min;
	int max;
};

static const struct rewire_filter_end rewire_filter_src = {
	REWIRE_A_FLOW_MATCH_SRC, REWIRE_A_FLOW_MATCH_SRC_LEN,
	REWIRE_A_FLOW_MATCH_SPORT_MIN, REWIRE_A_FLOW_MATCH_SPORT_MAX,
};

static const struct rewire_filter_end rewire_filter_dst = {
	REWIRE_A_FLOW_MATCH_DST, REWIRE_A_FLOW_MATCH_DST_LEN,
	REWIRE_A_FLOW_MATCH_DPORT_MIN, REWIRE_A_FLOW_MATCH_DPORT_MAX,
};

static int rewire_get_filter_prefix(struct nlattr **tb, const struct rewire_filter_end *end,
				    struct in6_addr *prefix, u8 *length,
				    struct netlink_ext_ack *extack)
{
	const struct nlattr *address = tb[end->address], *bits = tb[end->length];
	int err;

	if (!address) {
		if (!bits)
			return 0;
		NL_SET_ERR_MSG_ATTR(extack, bits, "A prefix length needs an address");
		return -EINVAL;
	}
	err = rewire_get_address(address, prefix, extack);
	if (err)
		return err;
	*length = bits ? nla_get_u8(bits) : nla_len(address) * 8;
	if (*length > nla_len(address) * 8) {
		NL_SET_ERR_MSG_ATTR(extack, bits, "The prefix is longer than the address");
		return -EINVAL;
	}
	if (nla_len(address) == sizeof(__be32))
		*length += 96;
	return 0;
}

static int rewire_get_filter_ports(struct nlattr **tb, const struct rewire_filter_end *end,
				   u16 *min, u16 *max, struct netlink_ext_ack *extack)
{
	*max = U16_MAX;
	if (!tb[end->min]) {
		if (!tb[end->max])
			return 0;
		NL_SET_ERR_MSG_ATTR(extack, tb[end->max],
				    "A range of ports needs a lowest one");
		return -EINVAL;
	}
	*min = ntohs(nla_get_be16(tb[end->min]));
	*max = tb[end->max] ? ntohs(nla_get_be16(tb[end->max])) : *min;
	if (*min <= *max)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, tb[end->max], "The range of ports is empty");
	return -EINVAL;
}

static int rewire_get_filter_key(const struct nlattr *nest, struct rewire_filter_key *key,
				 struct netlink_ext_ack *extack)
{
	struct nlattr *tb[REWIRE_A_FLOW_MATCH_MAX + 1];
	int err;

	memset(key, 0, sizeof(*key));
	if (!nest)
		return 0;
	err = rewire_parse_nest(tb, REWIRE_A_FLOW_MATCH_MAX, nest, extack);
	if (err)
		return err;
	key->given = true;
	if (tb[REWIRE_A_FLOW_MATCH_VNI]) {
		key->mask |= ~0U << 8;
		key->network |= nla_get_u32(tb[REWIRE_A_FLOW_MATCH_VNI]) << 8;
	}
	if (tb[REWIRE_A_FLOW_MATCH_PROTOCOL]) {
		key->mask |= 0xff;
		key->network |= nla_get_u8(tb[REWIRE_A_FLOW_MATCH_PROTOCOL]);
	}
	err = rewire_get_filter_prefix(tb, &rewire_filter_src, &key->src, &key->src_len, extack);
	if (!err)
		err = rewire_get_filter_prefix(tb, &rewire_filter_dst, &key->dst,
					       &key->dst_len, extack);
	if (!err)
		err = rewire_get_filter_ports(tb, &rewire_filter_src, &key->sport_min,
					      &key->sport_max, extack);
	if (!err)
		err = rewire_get_filter_ports(tb, &rewire_filter_dst, &key->dport_min,
					      &key->dport_max, extack);
	return err;
}

/* Numbers are kept with a bit each that says whether they were given. */
static void rewire_get_filter_numbers(struct nlattr **tb, struct rewire_flow_filter *filter)
{
	static const u8 numbers[] = {
		REWIRE_A_FLOW_FILTER_STATE, REWIRE_A_FLOW_FILTER_POLICY,
		REWIRE_A_FLOW_FILTER_TARGET, REWIRE_A_FLOW_FILTER_ACTION,
		REWIRE_A_FLOW_FILTER_IFINDEX, REWIRE_A_FLOW_FILTER_IDLE_MIN,
		REWIRE_A_FLOW_FILTER_IDLE_MAX, REWIRE_A_FLOW_FILTER_AGE_MIN,
		REWIRE_A_FLOW_FILTER_AGE_MAX,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		const struct nlattr *attribute = tb[numbers[i]];

		if (!attribute)
			continue;
		__set_bit(numbers[i], &filter->has);
		filter->number[numbers[i]] = nla_len(attribute) == sizeof(u64) ?
					     nla_get_u64(attribute) : nla_get_u32(attribute);
	}
}

/**
 * rewire_get_flow_filter() - read a filter
 * @nest: of a request, or NULL: all flows match
 * @filter: out
 * @extack: a sentence, on failure
 */
int rewire_get_flow_filter(const struct nlattr *nest, struct rewire_flow_filter *filter,
			   struct netlink_ext_ack *extack)
{
	struct nlattr *tb[REWIRE_A_FLOW_FILTER_MAX + 1];
	int err;

	memset(filter, 0, sizeof(*filter));
	if (!nest)
		return 0;
	err = rewire_parse_nest(tb, REWIRE_A_FLOW_FILTER_MAX, nest, extack);
	if (err)
		return err;
	rewire_get_filter_numbers(tb, filter);
	err = rewire_get_filter_key(tb[REWIRE_A_FLOW_FILTER_ORIG], &filter->key[REWIRE_ORIG],
				    extack);
	if (err)
		return err;
	return rewire_get_filter_key(tb[REWIRE_A_FLOW_FILTER_REPLY],
				     &filter->key[REWIRE_REPLY], extack);
}

static bool rewire_filter_key_matches(const struct rewire_filter_key *want,
				      const struct rewire_key *key)
{
	u16 sport = ntohs(key->sport), dport = ntohs(key->dport);

	return (key->network & want->mask) == want->network &&
	       sport >= want->sport_min && sport <= want->sport_max &&
	       dport >= want->dport_min && dport <= want->dport_max &&
	       ipv6_prefix_equal(&want->src, &key->src, want->src_len) &&
	       ipv6_prefix_equal(&want->dst, &key->dst, want->dst_len);
}

static bool rewire_filter_number(const struct rewire_flow_filter *filter, int attribute,
				 u64 value)
{
	return !test_bit(attribute, &filter->has) || filter->number[attribute] == value;
}

static bool rewire_filter_range(const struct rewire_flow_filter *filter, int min, int max,
				u64 value)
{
	return (!test_bit(min, &filter->has) || value >= filter->number[min]) &&
	       (!test_bit(max, &filter->has) || value <= filter->number[max]);
}

static bool rewire_filter_device(const struct rewire_flow_filter *filter,
				 const struct rewire_flow *flow)
{
	u64 ifindex = filter->number[REWIRE_A_FLOW_FILTER_IFINDEX];

	return !test_bit(REWIRE_A_FLOW_FILTER_IFINDEX, &filter->has) ||
	       READ_ONCE(flow->ifindex[REWIRE_ORIG]) == ifindex ||
	       READ_ONCE(flow->ifindex[REWIRE_REPLY]) == ifindex;
}

/* Return: whether a flow is one of those that are asked for. Context: RCU read side. */
bool rewire_flow_filter_matches(const struct rewire_flow_filter *filter,
				const struct rewire_flow *flow)
{
	if (filter->key[REWIRE_ORIG].given &&
	    !rewire_filter_key_matches(&filter->key[REWIRE_ORIG],
				       &flow->tuple[REWIRE_ORIG].key))
		return false;
	if (filter->key[REWIRE_REPLY].given &&
	    (rewire_flow_action(flow) != REWIRE_FLOW_ACTION_TRANSLATE ||
	     !rewire_filter_key_matches(&filter->key[REWIRE_REPLY],
					&flow->tuple[REWIRE_REPLY].key)))
		return false;
	if (!filter->has)
		return true;
	return rewire_filter_number(filter, REWIRE_A_FLOW_FILTER_STATE,
				    rewire_tracking_state(READ_ONCE(flow->tracking))) &&
	       rewire_filter_number(filter, REWIRE_A_FLOW_FILTER_POLICY, flow->policy_id) &&
	       rewire_filter_number(filter, REWIRE_A_FLOW_FILTER_TARGET,
				    rewire_flow_target(flow)) &&
	       rewire_filter_number(filter, REWIRE_A_FLOW_FILTER_ACTION,
				    rewire_flow_action(flow)) &&
	       rewire_filter_device(filter, flow) &&
	       rewire_filter_range(filter, REWIRE_A_FLOW_FILTER_IDLE_MIN,
				   REWIRE_A_FLOW_FILTER_IDLE_MAX, rewire_flow_idle(flow)) &&
	       rewire_filter_range(filter, REWIRE_A_FLOW_FILTER_AGE_MIN,
				   REWIRE_A_FLOW_FILTER_AGE_MAX, rewire_flow_age(flow));
}

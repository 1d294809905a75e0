// SPDX-License-Identifier: GPL-2.0
/* The kernel's rules that services and pools need. */

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "log.h"
#include "rules.h"

static const uint8_t families[FAMILIES] = { AF_INET, AF_INET6 };

void rules_add(struct rules *rules, const struct rw_rule *rule)
{
	rules->list = grow(rules->list, rules->count, &rules->room, sizeof(*rules->list));
	rules->list[rules->count++] = *rule;
}

static bool set_prefix(const struct prefixes *prefixes, unsigned int i, int family,
		       struct rw_addr *address, uint8_t *length)
{
	memset(address, 0, sizeof(*address));
	*length = 0;
	if (!prefixes->count)
		return true;
	if (family_index(&prefixes->list[i].address) != family)
		return false;
	*address = prefixes->list[i].address;
	*length = prefixes->list[i].length;
	return true;
}

/* One rule for each pair of a source and a destination prefix of the family. */
static void add_service_family(struct rules *rules, const struct service *service, int family)
{
	struct rw_rule rule = {
		.vni = service->vni,
		.family = families[family],
		.protocol = service->protocols[family],
		.dport_min = service->dport_min,
		.dport_max = service->dport_max,
		.action = REWIRE_RULE_ACTION_PUNT,
		.policy = service->id,
		.hold = service->hold,
		.orphan = service->orphan,
	};
	unsigned int s = 0, d;

	do {
		if (!set_prefix(&service->src, s, family, &rule.src, &rule.src_len))
			continue;
		d = 0;
		do {
			if (set_prefix(&service->dst, d, family, &rule.dst, &rule.dst_len))
				rules_add(rules, &rule);
		} while (++d < service->dst.count);
	} while (++s < service->src.count);
}

static bool is_own(const struct rw_addr *own, const struct rw_addr *address)
{
	for (; own && own->family; own++)
		if (!memcmp(own, address, sizeof(*own)))
			return true;
	return false;
}

/* Few: a miss walks all rules of its virtual network. */
static const uint8_t port_protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
static const uint8_t address_protocols[] = { IPPROTO_GRE, IPPROTO_ESP };

static void add_pool_address(struct rules *rules, const struct pool *pool,
			     const struct rw_addr *address, const struct rw_addr *own)
{
	struct rw_rule rule = {
		.vni = pool->vni,
		.family = address->family,
		.dst = *address,
		.dst_len = rw_addr_bits(address),
		.dport_min = pool->ports.min,
		.dport_max = pool->ports.max,
		.action = pool->filtering == FILTERING_ADDRESS_AND_PORT ?
			  REWIRE_RULE_ACTION_DROP : REWIRE_RULE_ACTION_PUNT,
		.policy = RULES_POOL_POLICY,
	};
	size_t i;

	for (i = 0; i < sizeof(port_protocols); i++) {
		rule.protocol = port_protocols[i];
		rules_add(rules, &rule);
	}
	if (is_own(own, address))
		return;
	rule.action = REWIRE_RULE_ACTION_DROP;
	rule.dport_min = rule.dport_max = 0;
	rule.protocol = address->family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	rules_add(rules, &rule);
	for (i = 0; i < sizeof(address_protocols); i++) {
		rule.protocol = address_protocols[i];
		rules_add(rules, &rule);
	}
}

static int by_match(const void *a, const void *b)
{
	return rules_compare_match(a, b);
}

void rules_sort(struct rules *rules)
{
	if (rules->count)
		qsort(rules->list, rules->count, sizeof(*rules->list), by_match);
}

/* Pools may share an address: the rule for its pings is needed once. */
static void drop_repeated(struct rules *rules)
{
	unsigned int i, kept = 0;

	if (!rules->count)
		return;
	for (i = 1; i < rules->count; i++)
		if (!rules_same(&rules->list[kept], &rules->list[i]))
			rules->list[++kept] = rules->list[i];
	rules->count = kept + 1;
}

static uint64_t count_prefixes(const struct prefixes *prefixes, int family)
{
	unsigned int i, count = !prefixes->count;

	for (i = 0; i < prefixes->count; i++)
		count += family_index(&prefixes->list[i].address) == family;
	return count;
}

uint64_t rules_of_service(const struct service *service)
{
	uint64_t count = 0;
	int family;

	for (family = 0; !service->reserve && family < FAMILIES; family++)
		if (service->families[family])
			count += count_prefixes(&service->src, family) *
				 count_prefixes(&service->dst, family);
	return count;
}

uint64_t rules_of_pool(const struct pool *pool)
{
	return (uint64_t)(pool->address_count[IPV4] + pool->address_count[IPV6]) *
	       (sizeof(port_protocols) + 1 + sizeof(address_protocols));
}

void rules_make(struct rules *rules, const struct snapshot *snapshot, const struct rw_addr *own)
{
	unsigned int i, j;
	int family;

	memset(rules, 0, sizeof(*rules));
	for (i = 0; i < snapshot->service_count; i++)
		for (family = 0; family < FAMILIES; family++)
			if (snapshot->services[i].families[family] && !snapshot->services[i].reserve)
				add_service_family(rules, &snapshot->services[i], family);
	for (i = 0; i < snapshot->pool_count; i++)
		for (family = 0; family < FAMILIES; family++)
			for (j = 0; j < snapshot->pools[i].address_count[family]; j++)
				add_pool_address(rules, &snapshot->pools[i],
						 ports_address(snapshot->pools[i].addresses[family][j]),
						 own);
	rules_sort(rules);
	drop_repeated(rules);
}

void rules_free(struct rules *rules)
{
	free(rules->list);
	memset(rules, 0, sizeof(*rules));
}

/* A rule's match, with what is meant when it is absent. */
struct match {
	uint32_t vni;
	struct rw_addr dst, src;
	uint8_t family, dst_len, src_len, protocol;
	uint16_t dport_min, dport_max, sport_min, sport_max;
};

static void set_ports(uint16_t *min, uint16_t *max, uint16_t from, uint16_t to)
{
	*min = from;
	*max = to ? to : from;
	if (!from && to == 65535)
		*max = 0;
}

static void set_match(struct match *match, const struct rw_rule *rule)
{
	memset(match, 0, sizeof(*match));
	match->vni = rule->vni;
	match->family = rule->family ? rule->family :
			rule->dst.family ? rule->dst.family : rule->src.family;
	if (rule->dst_len) {
		match->dst = rule->dst;
		match->dst_len = rule->dst_len;
	}
	if (rule->src_len) {
		match->src = rule->src;
		match->src_len = rule->src_len;
	}
	match->protocol = rule->protocol;
	set_ports(&match->dport_min, &match->dport_max, rule->dport_min, rule->dport_max);
	set_ports(&match->sport_min, &match->sport_max, rule->sport_min, rule->sport_max);
}

int rules_compare_match(const struct rw_rule *a, const struct rw_rule *b)
{
	struct match x, y;

	set_match(&x, a);
	set_match(&y, b);
	return memcmp(&x, &y, sizeof(x));
}

static int compare(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static uint16_t last_port(const struct match *match)
{
	return match->dport_max ? match->dport_max : match->dport_min ? match->dport_min : UINT16_MAX;
}

/* How many ports beside the first, which is how the kernel tells which rule is more exact. */
static uint16_t width(const struct match *match)
{
	return last_port(match) - match->dport_min;
}

static int compare_but_ports(const struct match *a, const struct match *b)
{
	struct match x = *a, y = *b;

	x.dport_min = x.dport_max = y.dport_min = y.dport_max = 0;
	return memcmp(&x, &y, sizeof(x));
}

static int by_exactness(const void *a, const void *b)
{
	struct match x, y;
	int order;

	set_match(&x, a);
	set_match(&y, b);
	order = compare_but_ports(&x, &y);
	if (!order)
		order = compare(width(&x), width(&y));
	return order ? order : compare(x.dport_min, y.dport_min);
}

const struct rw_rule *rules_find_overlap(struct rules *rules)
{
	const struct rw_rule *rule = rules->list;
	struct match x, y;
	unsigned int i;

	if (rules->count)
		qsort(rules->list, rules->count, sizeof(*rules->list), by_exactness);
	for (i = 1; i < rules->count; i++, rule++) {
		set_match(&x, rule);
		set_match(&y, rule + 1);
		if (!compare_but_ports(&x, &y) && width(&x) == width(&y) &&
		    y.dport_min <= last_port(&x))
			return rule;
	}
	return NULL;
}

bool rules_same(const struct rw_rule *a, const struct rw_rule *b)
{
	return !rules_compare_match(a, b) && a->action == b->action && a->policy == b->policy &&
	       a->hold == b->hold && a->orphan == b->orphan;
}

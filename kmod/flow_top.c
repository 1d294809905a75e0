// SPDX-License-Identifier: GPL-2.0
/*
 * The largest flows, or groups of flows, of a table that may have any number: in
 * memory of a fixed size.
 *
 * Groups are counted exactly while they are few. When there are more than fit, what
 * the middle one has is taken off each, those that have nothing left make room, and
 * the sum of what was taken off is how much a group may have more than it says
 * (Misra and Gries).
 */
#include <linux/jhash.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "flow_netlink.h"

#define REWIRE_TOP_LIMIT	10U
#define REWIRE_TOP_GROUPS	4096U
#define REWIRE_TOP_BUCKETS	(2 * REWIRE_TOP_GROUPS)
#define REWIRE_TOP_SIZE		(NLMSG_GOODSIZE + REWIRE_TOP_MAX * 640)

/**
 * struct rewire_top_name - what the flows of a group have in common
 * @address: source or destination
 * @vni: virtual network
 * @number: of the target, the policy or the state
 *
 * Has no padding: it is hashed and compared as a whole.
 */
struct rewire_top_name {
	struct in6_addr address;
	u32 vni;
	u32 number;
};

struct rewire_top_entry {
	struct rewire_top_name name;
	u64 counters[REWIRE_TOP_BY_BYTES + 1];	/* by enum rewire_top_by */
	u64 rest;	/* of what is compared, less what was taken off */
};

struct rewire_top_flow {
	struct rewire_key key;
	u64 id;
	u64 counters[REWIRE_TOP_BY_BYTES + 1];
};

/**
 * struct rewire_top - the search for the largest
 * @group: enum rewire_top_group
 * @by: enum rewire_top_by
 * @limit: how many are asked for, at most REWIRE_TOP_MAX
 * @seed: of the hash of names, which nobody can foresee: they are of tenants' addresses
 * @count: of @flows or of @entries
 * @total: of what is compared
 * @error: how much an entry may have more than it says
 * @flows: the largest, largest first
 * @entries: the groups
 * @bucket: hash of the groups: place in @entries plus 1, or 0
 * @rests: room to find the middle
 */
struct rewire_top {
	u32 group;
	u32 by;
	u32 limit;
	u32 seed;
	unsigned int count;
	u64 total;
	u64 error;
	struct rewire_top_flow flows[REWIRE_TOP_MAX];
	struct rewire_top_entry entries[REWIRE_TOP_GROUPS];
	u16 bucket[REWIRE_TOP_BUCKETS];
	u64 rests[REWIRE_TOP_GROUPS];
};

static void rewire_top_reset(void *data)
{
	struct rewire_top *top = data;

	top->count = 0;
	top->total = 0;
	top->error = 0;
	memset(top->bucket, 0, sizeof(top->bucket));
}

/* The largest so far, in order; what is too small or too many falls off the end. */
static void rewire_top_add_flow(struct rewire_top *top, const struct rewire_flow *flow,
				const u64 *counters)
{
	unsigned int at = top->count;

	while (at && top->flows[at - 1].counters[top->by] < counters[top->by])
		at--;
	if (at == top->limit)
		return;
	if (top->count < top->limit)
		top->count++;
	memmove(&top->flows[at + 1], &top->flows[at],
		(top->count - 1 - at) * sizeof(top->flows[0]));
	top->flows[at].key = flow->tuple[REWIRE_ORIG].key;
	top->flows[at].id = flow->id;
	memcpy(top->flows[at].counters, counters, sizeof(top->flows[at].counters));
}

static void rewire_top_name(struct rewire_top *top, const struct rewire_flow *flow,
			    struct rewire_top_name *name)
{
	const struct rewire_key *key = &flow->tuple[REWIRE_ORIG].key;

	memset(name, 0, sizeof(*name));
	switch (top->group) {
	case REWIRE_TOP_GROUP_SRC:
		name->vni = rewire_key_vni(key);
		name->address = key->src;
		break;
	case REWIRE_TOP_GROUP_DST:
		name->vni = rewire_key_vni(key);
		name->address = key->dst;
		break;
	case REWIRE_TOP_GROUP_VNI:
		name->vni = rewire_key_vni(key);
		break;
	case REWIRE_TOP_GROUP_TARGET:
		name->number = rewire_flow_target(flow);
		break;
	case REWIRE_TOP_GROUP_POLICY:
		name->number = flow->policy_id;
		break;
	default:
		name->number = rewire_tracking_state(READ_ONCE(flow->tracking));
	}
}

/* The bucket that has a name, or the empty one that it would go into. */
static u16 *rewire_top_bucket(struct rewire_top *top, const struct rewire_top_name *name)
{
	u32 at = jhash2((const u32 *)name, sizeof(*name) / sizeof(u32), top->seed);

	for (;; at++) {
		u16 *bucket = &top->bucket[at % REWIRE_TOP_BUCKETS];

		if (!*bucket || !memcmp(&top->entries[*bucket - 1].name, name, sizeof(*name)))
			return bucket;
	}
}

static int rewire_top_compare_rests(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* Make room: half of the groups have nothing left afterwards. */
static void rewire_top_purge(struct rewire_top *top)
{
	unsigned int i, left = 0;
	u64 middle;

	for (i = 0; i < top->count; i++)
		top->rests[i] = top->entries[i].rest;
	sort(top->rests, top->count, sizeof(u64), rewire_top_compare_rests, NULL);
	middle = top->rests[top->count / 2];
	top->error += middle;
	memset(top->bucket, 0, sizeof(top->bucket));
	for (i = 0; i < top->count; i++) {
		struct rewire_top_entry *entry = &top->entries[i];

		if (entry->rest <= middle)
			continue;
		entry->rest -= middle;
		top->entries[left] = *entry;
		*rewire_top_bucket(top, &top->entries[left].name) = left + 1;
		left++;
	}
	top->count = left;
}

static void rewire_top_add_group(struct rewire_top *top, const struct rewire_flow *flow,
				 const u64 *counters)
{
	struct rewire_top_entry *entry;
	struct rewire_top_name name;
	u16 *bucket;
	int i;

	rewire_top_name(top, flow, &name);
	bucket = rewire_top_bucket(top, &name);
	if (!*bucket && top->count == REWIRE_TOP_GROUPS) {
		rewire_top_purge(top);
		bucket = rewire_top_bucket(top, &name);
	}
	if (!*bucket) {
		entry = &top->entries[top->count++];
		memset(entry, 0, sizeof(*entry));
		entry->name = name;
		*bucket = top->count;
	}
	entry = &top->entries[*bucket - 1];
	for (i = 0; i < ARRAY_SIZE(entry->counters); i++)
		entry->counters[i] += counters[i];
	entry->rest += counters[top->by];
}

static void rewire_top_add(const struct rewire_flow *flow, void *data)
{
	u64 counters[REWIRE_TOP_BY_BYTES + 1] = { [REWIRE_TOP_BY_FLOWS] = 1 };
	struct rewire_top *top = data;
	u64 packets, bytes;
	int i;

	for (i = 0; i < REWIRE_DIRECTIONS; i++) {
		rewire_tally_read(&flow->tally[i], &packets, &bytes);
		counters[REWIRE_TOP_BY_PACKETS] += packets;
		counters[REWIRE_TOP_BY_BYTES] += bytes;
	}
	top->total += counters[top->by];
	if (top->group == REWIRE_TOP_GROUP_FLOW)
		rewire_top_add_flow(top, flow, counters);
	else
		rewire_top_add_group(top, flow, counters);
}

static int rewire_top_compare(const void *a, const void *b, const void *data)
{
	const struct rewire_top *top = data;
	u64 x = ((const struct rewire_top_entry *)a)->counters[top->by];
	u64 y = ((const struct rewire_top_entry *)b)->counters[top->by];

	return x < y ? 1 : x > y ? -1 : 0;
}

static bool rewire_top_fill_counters(struct sk_buff *skb, const u64 *counters)
{
	return nla_put_u64_64bit(skb, REWIRE_A_TOP_ENTRY_FLOWS,
				 counters[REWIRE_TOP_BY_FLOWS], REWIRE_A_TOP_ENTRY_PAD) ||
	       nla_put_u64_64bit(skb, REWIRE_A_TOP_ENTRY_PACKETS,
				 counters[REWIRE_TOP_BY_PACKETS], REWIRE_A_TOP_ENTRY_PAD) ||
	       nla_put_u64_64bit(skb, REWIRE_A_TOP_ENTRY_BYTES,
				 counters[REWIRE_TOP_BY_BYTES], REWIRE_A_TOP_ENTRY_PAD);
}

static bool rewire_top_fill_name(struct sk_buff *skb, u32 group,
				 const struct rewire_top_name *name)
{
	switch (group) {
	case REWIRE_TOP_GROUP_SRC:
	case REWIRE_TOP_GROUP_DST:
		if (rewire_put_address(skb, REWIRE_A_TOP_ENTRY_ADDRESS, &name->address))
			return true;
		fallthrough;
	case REWIRE_TOP_GROUP_VNI:
		return nla_put_u32(skb, REWIRE_A_TOP_ENTRY_VNI, name->vni);
	default:
		return nla_put_u32(skb, REWIRE_A_TOP_ENTRY_NUMBER, name->number);
	}
}

/* What was found a moment ago may have ended. */
static bool rewire_top_fill_flow(struct sk_buff *skb, struct rewire_net *ns,
				 const struct rewire_top_flow *found)
{
	void *end = skb_tail_pointer(skb);
	struct rewire_flow *flow;
	int err = 0;

	rcu_read_lock();
	flow = rewire_flow_find(ns, &found->key);
	if (flow && flow->id == found->id)
		err = rewire_flow_fill_live(skb, REWIRE_A_TOP_ENTRY_FLOW, flow, false);
	rcu_read_unlock();
	if (err == -ENOENT)
		nlmsg_trim(skb, end);
	return err == -EMSGSIZE;
}

static bool rewire_top_fill_entry(struct sk_buff *skb, struct rewire_net *ns,
				  const struct rewire_top *top, unsigned int i)
{
	struct nlattr *nest = nla_nest_start(skb, REWIRE_A_TOP_ENTRY);
	bool full;

	if (!nest)
		return true;
	if (top->group == REWIRE_TOP_GROUP_FLOW)
		full = rewire_top_fill_counters(skb, top->flows[i].counters) ||
		       rewire_top_fill_flow(skb, ns, &top->flows[i]);
	else
		full = rewire_top_fill_name(skb, top->group, &top->entries[i].name) ||
		       rewire_top_fill_counters(skb, top->entries[i].counters);
	nla_nest_end(skb, nest);
	return full;
}

static int rewire_top_fill(struct sk_buff *skb, struct rewire_net *ns, struct rewire_top *top)
{
	unsigned int i;

	if (top->group != REWIRE_TOP_GROUP_FLOW)
		sort_r(top->entries, top->count, sizeof(top->entries[0]), rewire_top_compare,
		       NULL, top);
	if (nla_put_u64_64bit(skb, REWIRE_A_TOP_TOTAL, top->total, REWIRE_A_TOP_PAD) ||
	    nla_put_u64_64bit(skb, REWIRE_A_TOP_ERROR, top->error, REWIRE_A_TOP_PAD))
		return -EMSGSIZE;
	for (i = 0; i < min(top->count, top->limit); i++) {
		if (rewire_top_fill_entry(skb, ns, top, i))
			return -EMSGSIZE;
	}
	return 0;
}

static int rewire_get_top(struct genl_info *info, struct rewire_top *top)
{
	const struct nlattr *by = info->attrs[REWIRE_A_TOP_BY];

	top->seed = get_random_u32();
	top->limit = REWIRE_TOP_LIMIT;
	top->group = REWIRE_TOP_GROUP_FLOW;
	if (info->attrs[REWIRE_A_TOP_LIMIT])
		top->limit = nla_get_u32(info->attrs[REWIRE_A_TOP_LIMIT]);
	if (info->attrs[REWIRE_A_TOP_GROUP])
		top->group = nla_get_u32(info->attrs[REWIRE_A_TOP_GROUP]);
	if (top->group != REWIRE_TOP_GROUP_FLOW) {
		top->by = by ? nla_get_u32(by) : REWIRE_TOP_BY_FLOWS;
		return 0;
	}
	top->by = by ? nla_get_u32(by) : REWIRE_TOP_BY_BYTES;
	if (top->by != REWIRE_TOP_BY_FLOWS)
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, by, "Each flow is one flow: name packets or bytes");
	return -EINVAL;
}

int rewire_nl_flow_top_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_flow_filter filter;
	struct sk_buff *reply = NULL;
	struct rewire_top *top;
	void *header;
	int err;

	err = rewire_get_flow_filter(info->attrs[REWIRE_A_TOP_FILTER], &filter, info->extack);
	if (err)
		return err;
	top = kvmalloc(sizeof(*top), GFP_KERNEL_ACCOUNT);
	if (!top)
		return -ENOMEM;
	err = rewire_get_top(info, top);
	if (err)
		goto free;
	err = rewire_flow_collect(ns, &filter, rewire_top_reset, rewire_top_add, top);
	if (err) {
		rewire_flow_collect_failed(info, err);
		goto free;
	}
	err = -ENOMEM;
	reply = rewire_reply_new(info, REWIRE_TOP_SIZE, &header);
	if (!reply)
		goto free;
	err = rewire_top_fill(reply, ns, top);
	if (!err) {
		err = rewire_reply_send(info, reply, header);
		reply = NULL;
	}
free:
	nlmsg_free(reply);
	kvfree(top);
	return err;
}

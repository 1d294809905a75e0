// SPDX-License-Identifier: GPL-2.0
/*
 * The index of the rules: which one counts for a packet, at a cost that does not
 * grow with their number.
 *
 * It is a tree. From the root of a virtual network one goes to a destination
 * prefix, on to a source prefix with or without a protocol, and on to a range of
 * destination ports. All nodes are in one hash table; their key is the parent and
 * what is said of the packet at this level. A node knows the shapes that its
 * children have (the lengths of their prefixes), in the order in which they count,
 * and each shape costs a look into the hash table.
 *
 * Of ports, the shape is the class of a range: the logarithm of its width. A range
 * of class k has its lowest port in one of three blocks of 2^k ports, as seen from
 * any port in it; so three looks find all ranges of a class that contain a port.
 * Ranges that do not overlap have a block for themselves.
 *
 * Read under RCU, changed under the namespace's lock. A child is in the table
 * before its shape is in the parent's list; a rule is the last to be put there and
 * the first to be taken out. A node is freed after a grace period, so a reader may
 * go on from one that has just been taken out: it finds no children.
 */
#include <linux/log2.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>

#include "namespace.h"
#include "packet.h"
#include "rule.h"

/**
 * struct rewire_node_key - where a node is
 * @parent: the node above it, NULL for a root
 * @prefix: destination or source prefix; of a root the virtual network, and of
 *	    ports the block, in its first word
 * @shape: the order in which it counts
 * @protocol: of a source prefix, or 0
 *
 * Has no padding: it is hashed and compared as a whole.
 */
struct rewire_node_key {
	const struct rewire_rule_node *parent;
	struct in6_addr prefix;
	u32 shape;
	u32 protocol;
};

static_assert(sizeof(struct rewire_node_key) == sizeof(void *) + 24);

/**
 * struct rewire_rule_node - a node of the index
 * @node: in the table
 * @key: where it is
 * @list: struct rewire_shape of its children, or of a node of ports its struct
 *	  rewire_rule, in the order in which they count; RCU
 * @rcu: for the grace period before it is freed
 */
struct rewire_rule_node {
	struct rhash_head node;
	struct rewire_node_key key;
	struct list_head list;
	struct rcu_head rcu;
};

/**
 * struct rewire_shape - that a node has children of a shape
 * @list: of the node's shapes, RCU
 * @shape: see struct rewire_node_key
 * @count: of the children
 * @rcu: for the grace period before it is freed
 */
struct rewire_shape {
	struct list_head list;
	u32 shape;
	unsigned int count;
	struct rcu_head rcu;
};

static const struct rhashtable_params rewire_index_params = {
	.head_offset = offsetof(struct rewire_rule_node, node),
	.key_offset = offsetof(struct rewire_rule_node, key),
	.key_len = sizeof(struct rewire_node_key),
	.automatic_shrinking = true,
};

#define rewire_node_for_each_shape(shape, parent) \
	list_for_each_entry_rcu(shape, &(parent)->list, list)

static void rewire_key_root(struct rewire_node_key *key, u32 vni)
{
	memset(key, 0, sizeof(*key));
	key->prefix.s6_addr32[0] = (__force __be32)vni;
}

/* Of prefixes, the longest count first. */
static void rewire_key_dst(struct rewire_node_key *key, const struct rewire_rule_node *parent,
			   const struct in6_addr *dst, u32 shape)
{
	key->parent = parent;
	key->shape = shape;
	key->protocol = 0;
	ipv6_addr_prefix(&key->prefix, dst, 128 - shape);
}

static u32 rewire_shape_dst(const struct rewire_match *match)
{
	return 128 - match->dst_len;
}

/* Of those with the same source prefix, those with a protocol count first. */
static void rewire_key_src(struct rewire_node_key *key, const struct rewire_rule_node *parent,
			   const struct in6_addr *src, u8 protocol, u32 shape)
{
	key->parent = parent;
	key->shape = shape;
	key->protocol = shape & 1 ? 0 : protocol;
	ipv6_addr_prefix(&key->prefix, src, 128 - shape / 2);
}

static u32 rewire_shape_src(const struct rewire_match *match)
{
	return (128 - match->src_len) * 2 + !match->protocol;
}

static void rewire_key_ports(struct rewire_node_key *key, const struct rewire_rule_node *parent,
			     u32 block, u32 shape)
{
	memset(key, 0, sizeof(*key));
	key->parent = parent;
	key->shape = shape;
	key->prefix.s6_addr32[0] = (__force __be32)block;
}

static u32 rewire_shape_ports(const struct rewire_match *match)
{
	return ilog2(match->dport.max - match->dport.min + 1);
}

static struct rewire_rule_node *rewire_node_find(struct rewire_net *ns,
						 const struct rewire_node_key *key)
{
	return rhashtable_lookup(&ns->rule_index, key, rewire_index_params);
}

static bool rewire_ports_match(const struct rewire_ports *ports, __be16 port)
{
	return ntohs(port) >= ports->min && ntohs(port) <= ports->max;
}

bool rewire_match_packet(const struct rewire_match *match, const struct rewire_packet *packet)
{
	const struct rewire_key *key = &packet->key;
	u8 family = rewire_key_is_ipv4(key) ? AF_INET : AF_INET6;

	if (match->family != AF_UNSPEC && match->family != family)
		return false;
	if (match->protocol && match->protocol != rewire_key_protocol(key))
		return false;
	return ipv6_prefix_equal(&match->dst, &key->dst, match->dst_len) &&
	       ipv6_prefix_equal(&match->src, &key->src, match->src_len) &&
	       rewire_ports_match(&match->dport, key->dport) &&
	       rewire_ports_match(&match->sport, key->sport);
}

/* Negative: a counts before b; 0: as exactly, and with the same preference. */
static int rewire_match_compare(const struct rewire_match *a, const struct rewire_match *b)
{
	if (a->dst_len != b->dst_len)
		return b->dst_len - a->dst_len;
	if (a->src_len != b->src_len)
		return b->src_len - a->src_len;
	if (!a->protocol != !b->protocol)
		return !a->protocol - !b->protocol;
	if (a->dport.max - a->dport.min != b->dport.max - b->dport.min)
		return (a->dport.max - a->dport.min) - (b->dport.max - b->dport.min);
	if (a->sport.max - a->sport.min != b->sport.max - b->sport.min)
		return (a->sport.max - a->sport.min) - (b->sport.max - b->sport.min);
	if (a->preference != b->preference)
		return a->preference < b->preference ? -1 : 1;
	return 0;
}

static bool rewire_match_equal(const struct rewire_match *a, const struct rewire_match *b)
{
	return !rewire_match_compare(a, b) && a->family == b->family &&
	       a->protocol == b->protocol &&
	       ipv6_addr_equal(&a->dst, &b->dst) && ipv6_addr_equal(&a->src, &b->src) &&
	       a->dport.min == b->dport.min && a->sport.min == b->sport.min;
}

/* Negative: a counts before b. */
int rewire_rule_compare(const struct rewire_rule *a, const struct rewire_rule *b)
{
	int order = rewire_match_compare(&a->match, &b->match);

	return order ?: (a->id < b->id ? -1 : 1);
}

static struct rewire_rule *rewire_index_block(struct rewire_net *ns,
					      const struct rewire_node_key *key,
					      const struct rewire_packet *packet)
{
	struct rewire_rule_node *ports = rewire_node_find(ns, key);
	struct rewire_rule *rule;

	if (!ports)
		return NULL;
	list_for_each_entry_rcu(rule, &ports->list, list) {
		if (rewire_match_packet(&rule->match, packet))
			return rule;
	}
	return NULL;
}

static struct rewire_rule *rewire_index_class(struct rewire_net *ns,
					      const struct rewire_rule_node *parent,
					      u32 class, const struct rewire_packet *packet)
{
	u32 block = ntohs(packet->key.dport) >> class;
	struct rewire_rule *rule, *best = NULL;
	struct rewire_node_key key;
	/* Ranges of one port do not reach into the next block. */
	u32 i, n = class ? min(block, 2U) : 0;

	for (i = 0; i <= n; i++) {
		rewire_key_ports(&key, parent, block - i, class);
		rule = rewire_index_block(ns, &key, packet);
		if (rule && (!best || rewire_rule_compare(rule, best) < 0))
			best = rule;
	}
	return best;
}

static struct rewire_rule *rewire_index_ports(struct rewire_net *ns,
					      const struct rewire_rule_node *src,
					      const struct rewire_packet *packet)
{
	struct rewire_shape *shape;
	struct rewire_rule *rule;

	rewire_node_for_each_shape(shape, src) {
		rule = rewire_index_class(ns, src, shape->shape, packet);
		if (rule)
			return rule;
	}
	return NULL;
}

static struct rewire_rule *rewire_index_src(struct rewire_net *ns,
					    const struct rewire_rule_node *dst,
					    const struct rewire_packet *packet)
{
	struct rewire_rule_node *src;
	struct rewire_node_key key;
	struct rewire_shape *shape;
	struct rewire_rule *rule;

	rewire_node_for_each_shape(shape, dst) {
		rewire_key_src(&key, dst, &packet->key.src, rewire_key_protocol(&packet->key),
			       shape->shape);
		src = rewire_node_find(ns, &key);
		rule = src ? rewire_index_ports(ns, src, packet) : NULL;
		if (rule)
			return rule;
	}
	return NULL;
}

/**
 * rewire_index_lookup() - the rule that counts for a packet
 * @ns: the namespace
 * @packet: what the parser says of it
 *
 * Context: RCU read side.
 * Return: the rule, or NULL: none matches.
 */
struct rewire_rule *rewire_index_lookup(struct rewire_net *ns,
					const struct rewire_packet *packet)
{
	struct rewire_rule_node *root, *dst;
	struct rewire_node_key key;
	struct rewire_shape *shape;
	struct rewire_rule *rule;

	rewire_key_root(&key, rewire_key_vni(&packet->key));
	root = rewire_node_find(ns, &key);
	if (!root)
		return NULL;
	rewire_node_for_each_shape(shape, root) {
		rewire_key_dst(&key, root, &packet->key.dst, shape->shape);
		dst = rewire_node_find(ns, &key);
		rule = dst ? rewire_index_src(ns, dst, packet) : NULL;
		if (rule)
			return rule;
	}
	return NULL;
}

/* A node has got a child of a shape. */
static int rewire_shape_add(struct rewire_rule_node *parent, u32 number)
{
	struct rewire_shape *shape, *new;

	list_for_each_entry(shape, &parent->list, list) {
		if (shape->shape == number) {
			shape->count++;
			return 0;
		}
		if (shape->shape > number)
			break;
	}
	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->shape = number;
	new->count = 1;
	list_add_tail_rcu(&new->list, &shape->list);
	return 0;
}

static void rewire_shape_remove(struct rewire_rule_node *parent, u32 number)
{
	struct rewire_shape *shape;

	list_for_each_entry(shape, &parent->list, list) {
		if (shape->shape != number)
			continue;
		if (!--shape->count) {
			list_del_rcu(&shape->list);
			kfree_rcu(shape, rcu);
		}
		return;
	}
}

static struct rewire_rule_node *rewire_node_new(struct rewire_net *ns,
						const struct rewire_node_key *key)
{
	struct rewire_rule_node *parent = (struct rewire_rule_node *)key->parent, *node;
	int err;

	node = kzalloc(sizeof(*node), GFP_KERNEL_ACCOUNT);
	if (!node)
		return ERR_PTR(-ENOMEM);
	node->key = *key;
	INIT_LIST_HEAD(&node->list);
	err = rhashtable_insert_fast(&ns->rule_index, &node->node, rewire_index_params);
	if (err) {
		kfree(node);
		return ERR_PTR(err);
	}
	err = parent ? rewire_shape_add(parent, key->shape) : 0;
	if (err) {
		rhashtable_remove_fast(&ns->rule_index, &node->node, rewire_index_params);
		kfree_rcu(node, rcu);
		return ERR_PTR(err);
	}
	return node;
}

/* Take out a node without children or rules, and those above that it leaves so. */
static void rewire_node_prune(struct rewire_net *ns, struct rewire_rule_node *node)
{
	struct rewire_rule_node *parent;

	for (; node && list_empty(&node->list); node = parent) {
		parent = (struct rewire_rule_node *)node->key.parent;
		if (parent)
			rewire_shape_remove(parent, node->key.shape);
		rhashtable_remove_fast(&ns->rule_index, &node->node, rewire_index_params);
		kfree_rcu(node, rcu);
	}
}

/* Find a node, or make it; if that fails, take out what was made above it. */
static struct rewire_rule_node *rewire_node_get(struct rewire_net *ns,
						const struct rewire_node_key *key)
{
	struct rewire_rule_node *node;

	node = rhashtable_lookup_fast(&ns->rule_index, key, rewire_index_params);
	if (node)
		return node;
	node = rewire_node_new(ns, key);
	if (IS_ERR(node))
		rewire_node_prune(ns, (struct rewire_rule_node *)key->parent);
	return node;
}

static struct rewire_rule_node *rewire_node_of(struct rewire_net *ns,
					       const struct rewire_rule *rule)
{
	const struct rewire_match *match = &rule->match;
	struct rewire_rule_node *node;
	struct rewire_node_key key;
	u32 shape;

	rewire_key_root(&key, rule->vni);
	node = rewire_node_get(ns, &key);
	if (IS_ERR(node))
		return node;
	rewire_key_dst(&key, node, &match->dst, rewire_shape_dst(match));
	node = rewire_node_get(ns, &key);
	if (IS_ERR(node))
		return node;
	rewire_key_src(&key, node, &match->src, match->protocol, rewire_shape_src(match));
	node = rewire_node_get(ns, &key);
	if (IS_ERR(node))
		return node;
	shape = rewire_shape_ports(match);
	rewire_key_ports(&key, node, match->dport.min >> shape, shape);
	return rewire_node_get(ns, &key);
}

/**
 * rewire_index_add() - put a rule into the index
 * @ns: the namespace
 * @rule: the rule, with its number
 *
 * Context: the namespace's lock.
 * Return: 0, -ENOMEM, or -EEXIST: another one has the same match and preference.
 */
int rewire_index_add(struct rewire_net *ns, struct rewire_rule *rule)
{
	struct rewire_rule_node *node;
	struct list_head *before = NULL;
	struct rewire_rule *there;
	int order;

	lockdep_assert_held(&ns->lock);
	node = rewire_node_of(ns, rule);
	if (IS_ERR(node))
		return PTR_ERR(node);
	/* From the end: rules are often added in the order in which they count. */
	list_for_each_entry_reverse(there, &node->list, list) {
		order = rewire_match_compare(&rule->match, &there->match);
		if (!order && rewire_match_equal(&rule->match, &there->match))
			return -EEXIST;
		if (order >= 0 && !before)
			before = &there->list;
		if (order > 0)
			break;
	}
	rule->node = node;
	list_add_rcu(&rule->list, before ?: &node->list);
	return 0;
}

/* Context: the namespace's lock. */
void rewire_index_remove(struct rewire_net *ns, struct rewire_rule *rule)
{
	lockdep_assert_held(&ns->lock);
	list_del_rcu(&rule->list);
	rewire_node_prune(ns, rule->node);
}

int rewire_index_init(struct rewire_net *ns)
{
	return rhashtable_init(&ns->rule_index, &rewire_index_params);
}

void rewire_index_exit(struct rewire_net *ns)
{
	rhashtable_destroy(&ns->rule_index);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The index of the rules: which one counts for a packet, at a cost that does not
 * grow with their number.
 *
 * It is a tree. From the root of a virtual network one goes to a destination
 * prefix, on to a source prefix with or without a protocol, and on to a block of
 * destination ports and source ports. All nodes are in one hash table; their key is
 * the parent and what is said of the packet at this level. A node knows the shapes
 * that its children have (the lengths of their prefixes, the sizes of their
 * blocks), in the order in which they count, and each shape costs a look into the
 * hash table. How many of them one packet may cost is known, and limited.
 *
 * A range of ports is cut into aligned blocks of a power of two ports, as a segment
 * tree does: at most 30, of 17 sizes. A rule has a piece for each block of its
 * destination ports with each of its source ports, of which a packet is in one. So
 * all rules of a node match all that comes to it, and packets see only the one that
 * counts, however many ranges overlap. Blocks do not count in the order of their
 * sizes: a lookup asks for all sizes there are, up to the width of what it has got.
 *
 * Read under RCU, changed under the namespace's lock. A child is in the table
 * before its shape is in the parent's list; a rule is seen only when all of its
 * nodes are there, and is the first to be taken out. A node is freed after a grace
 * period, so a reader may go on from one that has just been taken out: it finds no
 * children.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/netlink.h>
#include <linux/rbtree.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>

#include "namespace.h"
#include "packet.h"
#include "rule.h"

/**
 * struct rewire_node_key - where a node is
 * @parent: the node above it, NULL for a root
 * @prefix: destination or source prefix; of a root the virtual network, and of
 *	    ports the blocks of destination and source, in its first words
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
 * @shapes: struct rewire_shape of its children, in the order in which they count;
 *	    RCU
 * @first: of a node of ports, the rule of the first piece, RCU
 * @pieces: struct rewire_rule_piece, in the order in which the rules count
 * @shape: of its parent's, the one that it has, or NULL: it is a root
 * @sibling: in the shape's children
 * @looks: below it, that a packet may cost at most: into each shape, and below the child
 *	   there that costs most
 * @rcu: for the grace period before it is freed
 *
 * One line for readers, and one for who changes rules.
 */
struct rewire_rule_node {
	struct rhash_head node;
	struct rewire_node_key key;
	struct list_head shapes;
	struct rewire_rule __rcu *first;

	struct rb_root pieces;
	struct rewire_shape *shape;
	struct rb_node sibling;
	unsigned int looks;
	struct rcu_head rcu;
};

static_assert(offsetof(struct rewire_rule_node, pieces) == 64);

/**
 * struct rewire_rule_piece - that a rule matches all of a node of ports
 * @order: in the node's @pieces
 * @node: the node
 * @rule: the rule
 */
struct rewire_rule_piece {
	struct rb_node order;
	struct rewire_rule_node *node;
	struct rewire_rule *rule;
};

/**
 * struct rewire_shape - that a node has children of a shape
 * @list: of the node's shapes, RCU
 * @shape: see struct rewire_node_key
 * @children: the one that costs most looks first; not for readers
 * @rcu: for the grace period before it is freed
 */
struct rewire_shape {
	struct list_head list;
	u32 shape;
	struct rb_root_cached children;
	struct rcu_head rcu;
};

static const struct rhashtable_params rewire_index_params = {
	.head_offset = offsetof(struct rewire_rule_node, node),
	.key_offset = offsetof(struct rewire_rule_node, key),
	.key_len = sizeof(struct rewire_node_key),
	.automatic_shrinking = true,
};

/* No two rules have the same match, with its preference, in a virtual network. */
static const struct rhashtable_params rewire_match_params = {
	.head_offset = offsetof(struct rewire_rule, same),
	.key_offset = offsetof(struct rewire_rule, match),
	.key_len = sizeof(struct rewire_match) + sizeof(u32),
	.automatic_shrinking = true,
};

static_assert(sizeof(struct rewire_match) == 48);
static_assert(offsetof(struct rewire_rule, vni) == offsetofend(struct rewire_rule, match));

#define rewire_node_for_each_shape(shape, parent) \
	list_for_each_entry_rcu(shape, &(parent)->shapes, list)

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

/* Of a block of 2^dlevel destination ports and 2^slevel source ports. */
static u32 rewire_shape_ports(u32 dlevel, u32 slevel, u8 family)
{
	return dlevel << 16 | slevel << 8 | family;
}

static u32 rewire_shape_dlevel(u32 shape)
{
	return shape >> 16;
}

static u32 rewire_shape_slevel(u32 shape)
{
	return shape >> 8 & 0xff;
}

static u8 rewire_shape_family(u32 shape)
{
	return shape & 0xff;
}

static void rewire_key_ports(struct rewire_node_key *key, const struct rewire_rule_node *parent,
			     u32 dport, u32 sport, u32 shape)
{
	memset(key, 0, sizeof(*key));
	key->parent = parent;
	key->shape = shape;
	key->prefix.s6_addr32[0] = (__force __be32)(dport >> rewire_shape_dlevel(shape));
	key->prefix.s6_addr32[1] = (__force __be32)(sport >> rewire_shape_slevel(shape));
}

/* The logarithm of the largest aligned block that a range of ports begins with. */
static u32 rewire_block_level(u32 low, u32 high)
{
	u32 level = ilog2(high - low + 1);

	return low ? min_t(u32, level, __ffs(low)) : level;
}

static unsigned int rewire_ports_blocks(const struct rewire_ports *ports)
{
	unsigned int n = 0;
	u32 low;

	for (low = ports->min; low <= ports->max; n++)
		low += 1U << rewire_block_level(low, ports->max);
	return n;
}

static u32 rewire_ports_width(const struct rewire_ports *ports)
{
	return ports->max - ports->min + 1;
}

static struct rewire_rule_node *rewire_node_find(struct rewire_net *ns,
						 const struct rewire_node_key *key)
{
	return rhashtable_lookup(&ns->rule_index, key, rewire_index_params);
}

static int rewire_ports_compare(const struct rewire_ports *a, const struct rewire_ports *b)
{
	return (int)rewire_ports_width(a) - (int)rewire_ports_width(b);
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
	if (rewire_ports_compare(&a->dport, &b->dport))
		return rewire_ports_compare(&a->dport, &b->dport);
	if (rewire_ports_compare(&a->sport, &b->sport))
		return rewire_ports_compare(&a->sport, &b->sport);
	if (a->preference != b->preference)
		return a->preference < b->preference ? -1 : 1;
	return 0;
}

/* Whether a counts before b. */
static bool rewire_rule_before(const struct rewire_rule *a, const struct rewire_rule *b)
{
	int order = rewire_match_compare(&a->match, &b->match);

	return order ? order < 0 : a->id < b->id;
}

static struct rewire_rule *rewire_index_ports(struct rewire_net *ns,
					      const struct rewire_rule_node *src,
					      const struct rewire_packet *packet)
{
	u32 dport = ntohs(packet->key.dport), sport = ntohs(packet->key.sport);
	u8 family = rewire_key_is_ipv4(&packet->key) ? AF_INET : AF_INET6;
	struct rewire_rule *rule, *best = NULL;
	struct rewire_rule_node *ports;
	struct rewire_node_key key;
	struct rewire_shape *shape;

	rewire_node_for_each_shape(shape, src) {
		u8 of = rewire_shape_family(shape->shape);

		/* A rule is at least as wide as its blocks. */
		if (best && rewire_ports_width(&best->match.dport) <
			    1U << rewire_shape_dlevel(shape->shape))
			break;
		if (of != AF_UNSPEC && of != family)
			continue;
		rewire_key_ports(&key, src, dport, sport, shape->shape);
		ports = rewire_node_find(ns, &key);
		rule = ports ? rcu_dereference(ports->first) : NULL;
		if (rule && (!best || rewire_rule_before(rule, best)))
			best = rule;
	}
	return best;
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

static bool rewire_node_dearer(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct rewire_rule_node, sibling)->looks >
	       rb_entry(b, struct rewire_rule_node, sibling)->looks;
}

/* That a shape costs a packet at most: one into the table, and those below what it finds. */
static unsigned int rewire_shape_looks(const struct rewire_shape *shape)
{
	struct rb_node *first = rb_first_cached(&shape->children);

	return first ? 1 + rb_entry(first, struct rewire_rule_node, sibling)->looks : 0;
}

/* What is below a node costs another number of looks now, and so may those above it. */
static void rewire_node_set_looks(struct rewire_rule_node *node, unsigned int looks)
{
	struct rewire_shape *shape;
	unsigned int before;

	while (node->looks != looks) {
		shape = node->shape;
		if (!shape) {
			node->looks = looks;
			return;
		}
		before = rewire_shape_looks(shape);
		rb_erase_cached(&node->sibling, &shape->children);
		node->looks = looks;
		rb_add_cached(&node->sibling, &shape->children, rewire_node_dearer);
		node = (struct rewire_rule_node *)node->key.parent;
		looks = node->looks + rewire_shape_looks(shape) - before;
	}
}

/* Find a shape of a node's children, or make it. */
static struct rewire_shape *rewire_shape_get(struct rewire_rule_node *parent, u32 number)
{
	struct rewire_shape *shape, *new;

	list_for_each_entry(shape, &parent->shapes, list) {
		if (shape->shape == number)
			return shape;
		if (shape->shape > number)
			break;
	}
	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return NULL;
	new->shape = number;
	new->children = RB_ROOT_CACHED;
	list_add_tail_rcu(&new->list, &shape->list);
	return new;
}

/* A node that is in the table becomes one of its parent's children. */
static int rewire_node_join(struct rewire_rule_node *node)
{
	struct rewire_rule_node *parent = (struct rewire_rule_node *)node->key.parent;
	struct rewire_shape *shape = rewire_shape_get(parent, node->key.shape);
	unsigned int before;

	if (!shape)
		return -ENOMEM;
	before = rewire_shape_looks(shape);
	node->shape = shape;
	rb_add_cached(&node->sibling, &shape->children, rewire_node_dearer);
	rewire_node_set_looks(parent, parent->looks + rewire_shape_looks(shape) - before);
	return 0;
}

static void rewire_node_leave(struct rewire_rule_node *node)
{
	struct rewire_rule_node *parent = (struct rewire_rule_node *)node->key.parent;
	struct rewire_shape *shape = node->shape;
	unsigned int before = rewire_shape_looks(shape);

	rb_erase_cached(&node->sibling, &shape->children);
	rewire_node_set_looks(parent, parent->looks + rewire_shape_looks(shape) - before);
	if (RB_EMPTY_ROOT(&shape->children.rb_root)) {
		list_del_rcu(&shape->list);
		kfree_rcu(shape, rcu);
	}
}

static struct rewire_rule_node *rewire_node_new(struct rewire_net *ns,
						const struct rewire_node_key *key)
{
	struct rewire_rule_node *node;
	int err;

	node = kzalloc(sizeof(*node), GFP_KERNEL_ACCOUNT);
	if (!node)
		return ERR_PTR(-ENOMEM);
	node->key = *key;
	INIT_LIST_HEAD(&node->shapes);
	err = rhashtable_insert_fast(&ns->rule_index, &node->node, rewire_index_params);
	if (err) {
		kfree(node);
		return ERR_PTR(err);
	}
	err = key->parent ? rewire_node_join(node) : 0;
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

	for (; node && list_empty(&node->shapes) && RB_EMPTY_ROOT(&node->pieces); node = parent) {
		parent = (struct rewire_rule_node *)node->key.parent;
		if (parent)
			rewire_node_leave(node);
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

/* The node that those of a rule's pieces are children of. */
static struct rewire_rule_node *rewire_node_of(struct rewire_net *ns,
					       const struct rewire_rule *rule)
{
	const struct rewire_match *match = &rule->match;
	struct rewire_rule_node *node;
	struct rewire_node_key key;

	rewire_key_root(&key, rule->vni);
	node = rewire_node_get(ns, &key);
	if (IS_ERR(node))
		return node;
	rewire_key_dst(&key, node, &match->dst, rewire_shape_dst(match));
	node = rewire_node_get(ns, &key);
	if (IS_ERR(node))
		return node;
	rewire_key_src(&key, node, &match->src, match->protocol, rewire_shape_src(match));
	return rewire_node_get(ns, &key);
}

/* Find or make the nodes of a rule's pieces. On failure some of them may be there. */
static int rewire_pieces_get(struct rewire_net *ns, struct rewire_rule *rule)
{
	const struct rewire_match *match = &rule->match;
	u32 dport, dlevel, sport, slevel;
	struct rewire_rule_node *parent;
	struct rewire_node_key key;

	parent = rewire_node_of(ns, rule);
	if (IS_ERR(parent))
		return PTR_ERR(parent);
	for (dport = match->dport.min; dport <= match->dport.max; dport += 1U << dlevel) {
		dlevel = rewire_block_level(dport, match->dport.max);
		for (sport = match->sport.min; sport <= match->sport.max; sport += 1U << slevel) {
			struct rewire_rule_piece *piece = &rule->pieces[rule->piece_count];

			slevel = rewire_block_level(sport, match->sport.max);
			rewire_key_ports(&key, parent, dport, sport,
					 rewire_shape_ports(dlevel, slevel, match->family));
			piece->node = rewire_node_get(ns, &key);
			if (IS_ERR(piece->node))
				return PTR_ERR(piece->node);
			piece->rule = rule;
			rule->piece_count++;
		}
	}
	return 0;
}

/* Forget a rule's pieces, and take out the nodes which nothing else needs. */
static void rewire_pieces_put(struct rewire_net *ns, struct rewire_rule *rule)
{
	unsigned int i;

	for (i = 0; i < rule->piece_count; i++)
		rewire_node_prune(ns, rule->pieces[i].node);
	kvfree(rule->pieces);
	rule->pieces = NULL;
	rule->piece_count = 0;
}

static bool rewire_piece_less(struct rb_node *a, const struct rb_node *b)
{
	return rewire_rule_before(rb_entry(a, struct rewire_rule_piece, order)->rule,
				  rb_entry(b, struct rewire_rule_piece, order)->rule);
}

/* Let packets see which rule of a node counts. */
static void rewire_node_publish(struct rewire_rule_node *node)
{
	struct rb_node *first = rb_first(&node->pieces);

	rcu_assign_pointer(node->first,
			   first ? rb_entry(first, struct rewire_rule_piece, order)->rule : NULL);
}

/* Looks that a packet of a rule's virtual network may cost. */
static unsigned int rewire_rule_looks(const struct rewire_rule *rule)
{
	const struct rewire_rule_node *node = rule->pieces[0].node;

	while (node->key.parent)
		node = node->key.parent;
	return node->looks;
}

/**
 * rewire_index_add() - put a rule into the index
 * @ns: the namespace
 * @rule: the rule, with its number
 * @looks: that a packet of its virtual network may cost with it
 * @extack: a sentence, on failure
 *
 * Context: the namespace's lock.
 * Return: 0, -ENOMEM, -ENOSPC: the rules have too many pieces, or packets would cost too many
 * looks, or -EEXIST: another one has the same match and preference.
 */
int rewire_index_add(struct rewire_net *ns, struct rewire_rule *rule, unsigned int looks,
		     struct netlink_ext_ack *extack)
{
	unsigned int i, n = rewire_ports_blocks(&rule->match.dport) *
			    rewire_ports_blocks(&rule->match.sport);
	int err;

	lockdep_assert_held(&ns->lock);
	err = rhashtable_lookup_insert_fast(&ns->rule_matches, &rule->same,
					    rewire_match_params);
	if (err == -EEXIST)
		NL_SET_ERR_MSG(extack, "Another rule has the same match and preference");
	if (err)
		return err;
	err = -ENOSPC;
	if (n > REWIRE_RULE_PIECES_MAX - ns->rule_pieces) {
		NL_SET_ERR_MSG(extack,
			       "The ranges of ports of all rules are cut into too many blocks");
		goto fail;
	}
	err = -ENOMEM;
	rule->pieces = kvmalloc_array(n, sizeof(*rule->pieces), GFP_KERNEL_ACCOUNT);
	if (!rule->pieces)
		goto fail;
	err = rewire_pieces_get(ns, rule);
	if (err)
		goto fail_pieces;
	err = -ENOSPC;
	if (rewire_rule_looks(rule) > looks) {
		NL_SET_ERR_MSG(extack,
			       "Packets of the virtual network might be compared with too many combinations of lengths of prefixes and blocks of ports");
		goto fail_pieces;
	}
	for (i = 0; i < n; i++) {
		rb_add(&rule->pieces[i].order, &rule->pieces[i].node->pieces, rewire_piece_less);
		rewire_node_publish(rule->pieces[i].node);
	}
	ns->rule_pieces += n;
	return 0;

fail_pieces:
	rewire_pieces_put(ns, rule);
fail:
	rhashtable_remove_fast(&ns->rule_matches, &rule->same, rewire_match_params);
	return err;
}

/* Context: the namespace's lock. */
void rewire_index_remove(struct rewire_net *ns, struct rewire_rule *rule)
{
	unsigned int i;

	lockdep_assert_held(&ns->lock);
	for (i = 0; i < rule->piece_count; i++) {
		rb_erase(&rule->pieces[i].order, &rule->pieces[i].node->pieces);
		rewire_node_publish(rule->pieces[i].node);
	}
	ns->rule_pieces -= rule->piece_count;
	rewire_pieces_put(ns, rule);
	rhashtable_remove_fast(&ns->rule_matches, &rule->same, rewire_match_params);
}

int rewire_index_init(struct rewire_net *ns)
{
	int err = rhashtable_init(&ns->rule_index, &rewire_index_params);

	if (err)
		return err;
	err = rhashtable_init(&ns->rule_matches, &rewire_match_params);
	if (err)
		rhashtable_destroy(&ns->rule_index);
	return err;
}

void rewire_index_exit(struct rewire_net *ns)
{
	rhashtable_destroy(&ns->rule_matches);
	rhashtable_destroy(&ns->rule_index);
}

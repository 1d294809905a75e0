// SPDX-License-Identifier: GPL-2.0
/* Extensions of flows in netlink messages. */
#include <linux/slab.h>

#include "attach.h"
#include "extension.h"
#include "netlink.h"
#include "tunnel.h"

static const int rewire_tunnel_attribute[] = {
	[REWIRE_ORIG]	= REWIRE_A_FLOW_ORIG_TUNNEL,
	[REWIRE_REPLY]	= REWIRE_A_FLOW_REPLY_TUNNEL,
};

/* The tunnel that a direction's packets come from, by the device that is given with it. */
static int rewire_get_tunnel(struct rewire_net *ns, const struct nlattr *nest,
			     const struct rewire_key *key, int ifindex,
			     struct rewire_tunnel __rcu **tunnel,
			     struct netlink_ext_ack *extack)
{
	const struct rewire_attach *attach;
	struct rewire_remote remote;
	struct rewire_tunnel *new;
	u32 vni = rewire_key_vni(key);
	bool wrong;
	int err;

	err = rewire_get_remote(nest, vni, &remote, extack);
	if (err)
		return err;
	if (!ifindex) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "A tunnel needs its device");
		return -EINVAL;
	}
	rcu_read_lock();
	attach = rewire_attach_find(ns, ifindex);
	wrong = !attach || vni != (attach->tunnel ? remote.id : attach->vni);
	rcu_read_unlock();
	if (wrong) {
		NL_SET_ERR_MSG_ATTR(extack, nest,
				    "The tunnel does not lead to this virtual network");
		return -ENOENT;
	}
	new = rewire_tunnel_new(&remote, rewire_flow_payer(ns));
	if (!new)
		return -ENOMEM;
	RCU_INIT_POINTER(*tunnel, new);
	return 0;
}

/* A copy is of the policy of its flow, whose original key it has. */
static int rewire_get_copy(struct rewire_net *ns, const struct nlattr *nest,
			   const struct rewire_flow_spec *of, struct rewire_flow **copy,
			   struct netlink_ext_ack *extack)
{
	struct nlattr *tb[REWIRE_A_FLOW_MAX + 1] = {};
	struct rewire_flow_spec spec;
	struct rewire_flow *flow;
	int err;

	err = rewire_parse_nest(tb, REWIRE_A_FLOW_REPLY_TUNNEL, nest, extack);
	if (err)
		return err;
	if (!tb[REWIRE_A_FLOW_REPLY] || tb[REWIRE_A_FLOW_ORIG_COUNTERS]) {
		NL_SET_ERR_MSG_ATTR(extack, nest,
				    "A copy needs the key of its reply, and no counters");
		return -EINVAL;
	}
	memset(&spec, 0, sizeof(spec));
	spec.action = REWIRE_FLOW_ACTION_TRANSLATE;
	spec.one_way = true;
	spec.policy = of->policy;
	spec.key[REWIRE_ORIG] = of->key[REWIRE_ORIG];
	err = rewire_get_key(tb[REWIRE_A_FLOW_REPLY], &spec.key[REWIRE_REPLY], extack);
	if (!err)
		err = rewire_check_keys(ns, nest, &spec, extack);
	if (err)
		return err;
	if (tb[REWIRE_A_FLOW_REPLY_IFINDEX])
		spec.ifindex[REWIRE_REPLY] = nla_get_u32(tb[REWIRE_A_FLOW_REPLY_IFINDEX]);
	if (tb[REWIRE_A_FLOW_REPLY_TUNNEL]) {
		err = rewire_get_extension(ns, tb, &spec, extack);
		if (err)
			return err;
	}
	flow = rewire_flow_new(ns, &spec, extack);
	rewire_extension_free(spec.extension);
	if (IS_ERR(flow))
		return PTR_ERR(flow);
	*copy = flow;
	return 0;
}

static int rewire_get_copies(struct rewire_net *ns, const struct nlattr *nest,
			     const struct rewire_flow_spec *of,
			     struct rewire_flow_extension *extension,
			     struct netlink_ext_ack *extack)
{
	const struct nlattr *attribute;
	int rest, err;

	nla_for_each_nested(attribute, nest, rest) {
		err = rewire_get_copy(ns, attribute, of,
				      &extension->copy[extension->copies], extack);
		if (err)
			return err;
		extension->copies++;
	}
	return 0;
}

static int rewire_count_copies(const struct nlattr *nest, struct netlink_ext_ack *extack)
{
	const struct nlattr *attribute;
	int rest, n = 0;

	if (!nest)
		return 0;
	nla_for_each_nested(attribute, nest, rest)
		n++;
	if (n <= REWIRE_COPIES_MAX)
		return n;
	NL_SET_ERR_MSG_ATTR(extack, nest, "A packet has 16 copies at most");
	return -E2BIG;
}

static int rewire_get_limit(struct nlattr **tb, struct rewire_limit *limit,
			    struct netlink_ext_ack *extack)
{
	const struct nlattr *packets = tb[REWIRE_A_FLOW_PACKET_RATE];
	const struct nlattr *bytes = tb[REWIRE_A_FLOW_BYTE_RATE];
	const struct nlattr *burst = tb[REWIRE_A_FLOW_BURST];

	if (packets && bytes) {
		NL_SET_ERR_MSG_ATTR(extack, bytes,
				    "A limit is one of packets or one of bytes");
		return -EINVAL;
	}
	if (burst && !packets && !bytes) {
		NL_SET_ERR_MSG_ATTR(extack, burst, "A burst needs a rate");
		return -EINVAL;
	}
	limit->bytes = bytes;
	if (packets)
		limit->rate = nla_get_u32(packets);
	if (bytes)
		limit->rate = nla_get_u32(bytes);
	limit->burst = burst ? nla_get_u32(burst) : limit->rate;
	return 0;
}

static int rewire_get_hops(struct nlattr **tb, struct rewire_flow_extension *extension,
			   struct netlink_ext_ack *extack)
{
	const struct nlattr *limit = tb[REWIRE_A_FLOW_HOP_LIMIT];
	bool set;

	if (tb[REWIRE_A_FLOW_HOPS])
		extension->hops = nla_get_u32(tb[REWIRE_A_FLOW_HOPS]);
	set = extension->hops == REWIRE_HOP_MODE_SET;
	if (set != !!limit) {
		NL_SET_ERR_MSG_ATTR(extack, limit ?: tb[REWIRE_A_FLOW_HOPS],
				    "A hop limit belongs to the mode that sets it");
		return -EINVAL;
	}
	if (limit)
		extension->hop_limit = nla_get_u8(limit);
	return 0;
}

static int rewire_fill_extension(struct rewire_net *ns, struct nlattr **tb,
				 const struct rewire_flow_spec *spec,
				 struct rewire_flow_extension *extension,
				 struct netlink_ext_ack *extack)
{
	int i, err;

	for (i = 0; i < REWIRE_DIRECTIONS; i++) {
		if (!tb[rewire_tunnel_attribute[i]])
			continue;
		err = rewire_get_tunnel(ns, tb[rewire_tunnel_attribute[i]], &spec->key[i],
					spec->ifindex[i], &extension->tunnel[i], extack);
		if (err)
			return err;
	}
	extension->dscp = REWIRE_DSCP_KEEP;
	if (tb[REWIRE_A_FLOW_DSCP])
		extension->dscp = nla_get_u8(tb[REWIRE_A_FLOW_DSCP]);
	err = rewire_get_hops(tb, extension, extack);
	if (!err)
		err = rewire_get_limit(tb, &extension->limit, extack);
	if (!err && tb[REWIRE_A_FLOW_COPIES])
		err = rewire_get_copies(ns, tb[REWIRE_A_FLOW_COPIES], spec, extension, extack);
	return err;
}

/**
 * rewire_get_extension() - what a request wants of a flow beyond a two-way rewrite
 * @ns: the namespace
 * @tb: attributes of a flow, or of a copy
 * @spec: keys, devices and policy are there; gets the extension, unless none is needed
 * @extack: a sentence, on failure
 *
 * A flow between virtual networks that are behind a tunnel's device learns the far end
 * from its packets, and has to have room for that.
 */
int rewire_get_extension(struct rewire_net *ns, struct nlattr **tb,
			 struct rewire_flow_spec *spec, struct netlink_ext_ack *extack)
{
	struct rewire_flow_extension *extension;
	int copies = 0, err;

	if (!tb[REWIRE_A_FLOW_ORIG_TUNNEL] && !tb[REWIRE_A_FLOW_REPLY_TUNNEL] &&
	    !tb[REWIRE_A_FLOW_COPIES] && !tb[REWIRE_A_FLOW_DSCP] &&
	    !tb[REWIRE_A_FLOW_HOPS] && !tb[REWIRE_A_FLOW_HOP_LIMIT] &&
	    !tb[REWIRE_A_FLOW_PACKET_RATE] && !tb[REWIRE_A_FLOW_BYTE_RATE] &&
	    !tb[REWIRE_A_FLOW_BURST] && !READ_ONCE(ns->tunnels))
		return 0;
	copies = rewire_count_copies(tb[REWIRE_A_FLOW_COPIES], extack);
	if (copies < 0)
		return copies;
	extension = kzalloc(struct_size(extension, copy, copies),
			    GFP_KERNEL | rewire_flow_payer(ns));
	if (!extension)
		return -ENOMEM;
	err = rewire_fill_extension(ns, tb, spec, extension, extack);
	if (err) {
		rewire_extension_free(extension);
		return err;
	}
	spec->extension = extension;
	return 0;
}

static bool rewire_put_tunnel(struct sk_buff *skb, const struct rewire_flow_extension *extension,
			      enum rewire_direction direction)
{
	const struct rewire_tunnel *tunnel = rcu_dereference(extension->tunnel[direction]);

	return tunnel &&
	       rewire_put_remote(skb, rewire_tunnel_attribute[direction], &tunnel->remote);
}

static bool rewire_put_copy(struct sk_buff *skb, const struct rewire_flow *copy)
{
	struct nlattr *nest = nla_nest_start(skb, REWIRE_A_COPIES_COPY);

	if (!nest || rewire_put_key(skb, REWIRE_A_FLOW_REPLY, &copy->tuple[REWIRE_REPLY].key) ||
	    rewire_put_ifindex(skb, REWIRE_A_FLOW_REPLY_IFINDEX, copy, REWIRE_REPLY) ||
	    (copy->extension && rewire_put_tunnel(skb, copy->extension, REWIRE_REPLY)) ||
	    rewire_put_counters(skb, REWIRE_A_FLOW_ORIG_COUNTERS, copy, REWIRE_ORIG))
		return true;
	nla_nest_end(skb, nest);
	return false;
}

static bool rewire_put_copies(struct sk_buff *skb, const struct rewire_flow_extension *extension)
{
	struct nlattr *nest;
	unsigned int i;

	if (!extension->copies)
		return false;
	nest = nla_nest_start(skb, REWIRE_A_FLOW_COPIES);
	if (!nest)
		return true;
	for (i = 0; i < extension->copies; i++) {
		if (rewire_put_copy(skb, extension->copy[i]))
			return true;
	}
	nla_nest_end(skb, nest);
	return false;
}

static bool rewire_put_limit(struct sk_buff *skb, const struct rewire_limit *limit)
{
	return limit->rate &&
	       (nla_put_u32(skb, limit->bytes ? REWIRE_A_FLOW_BYTE_RATE :
						REWIRE_A_FLOW_PACKET_RATE, limit->rate) ||
		nla_put_u32(skb, REWIRE_A_FLOW_BURST, limit->burst));
}

/* Context: RCU read side. Return: whether there was no room. */
bool rewire_extension_fill(struct sk_buff *skb, const struct rewire_flow *flow)
{
	const struct rewire_flow_extension *extension = flow->extension;

	if ((atomic_read(&flow->flags) & REWIRE_FLOW_ONE_WAY) &&
	    nla_put_flag(skb, REWIRE_A_FLOW_ONE_WAY))
		return true;
	if (!extension)
		return false;
	return rewire_put_tunnel(skb, extension, REWIRE_ORIG) ||
	       rewire_put_tunnel(skb, extension, REWIRE_REPLY) ||
	       (extension->dscp != REWIRE_DSCP_KEEP &&
		nla_put_u8(skb, REWIRE_A_FLOW_DSCP, extension->dscp)) ||
	       (extension->hops != REWIRE_HOP_MODE_DECREMENT &&
		nla_put_u32(skb, REWIRE_A_FLOW_HOPS, extension->hops)) ||
	       (extension->hop_limit &&
		nla_put_u8(skb, REWIRE_A_FLOW_HOP_LIMIT, extension->hop_limit)) ||
	       rewire_put_limit(skb, &extension->limit) ||
	       rewire_put_copies(skb, extension);
}

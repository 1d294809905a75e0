// SPDX-License-Identifier: GPL-2.0
/* The generic netlink family, and what the objects' operations share. */
#include "attach.h"
#include "change.h"
#include "event.h"
#include "extension.h"
#include "flow.h"
#include "netlink.h"
#include "put.h"
#include "transport.h"

/**
 * rewire_reply_new() - begin the answer to a request
 * @info: the request
 * @size: room for attributes
 * @header: out: for rewire_reply_send()
 */
struct sk_buff *rewire_reply_new(struct genl_info *info, size_t size, void **header)
{
	struct sk_buff *skb = genlmsg_new(size, GFP_KERNEL);

	if (!skb)
		return NULL;
	*header = genlmsg_put_reply(skb, info, &rewire_family, 0, info->genlhdr->cmd);
	if (!*header) {
		nlmsg_free(skb);
		return NULL;
	}
	return skb;
}

int rewire_reply_send(struct genl_info *info, struct sk_buff *skb, void *header)
{
	genlmsg_end(skb, header);
	return genlmsg_reply(skb, info);
}

int rewire_get_number(struct genl_info *info, int attribute, u32 *number)
{
	if (GENL_REQ_ATTR_CHECK(info, attribute)) {
		GENL_SET_ERR_MSG(info, "A number has to be given");
		return -EINVAL;
	}
	*number = nla_get_u32(info->attrs[attribute]);
	return 0;
}

/**
 * rewire_numbered_get() - answer with the object that a request names
 * @info: the request
 * @objects: by number
 * @attribute: that has the number
 * @fill: writes an object into a message
 *
 * Return: 0, -ENOENT: there is no such object, or errno.
 */
int rewire_numbered_get(struct genl_info *info, struct xarray *objects, int attribute,
			int (*fill)(struct sk_buff *skb, const void *object))
{
	struct rewire_net *ns = rewire_info_net(info);
	struct sk_buff *reply;
	const void *object;
	void *header;
	u32 number;
	int err = rewire_get_number(info, attribute, &number);

	if (err)
		return err;
	reply = rewire_reply_new(info, NLMSG_DEFAULT_SIZE, &header);
	if (!reply)
		return -ENOMEM;
	mutex_lock(&ns->lock);
	object = xa_load(objects, number);
	err = object ? fill(reply, object) : -ENOENT;
	mutex_unlock(&ns->lock);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	return rewire_reply_send(info, reply, header);
}

static int rewire_numbered_dump_one(struct sk_buff *skb, struct netlink_callback *cb,
				    const void *object, u8 command,
				    int (*fill)(struct sk_buff *skb, const void *object))
{
	void *header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				   &rewire_family, NLM_F_MULTI, command);

	if (!header)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, header);
	if (fill(skb, object)) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

/* Go on with a list of objects, by number, under the namespace's lock. */
int rewire_numbered_dump(struct sk_buff *skb, struct netlink_callback *cb,
			 struct xarray *objects, u8 command,
			 int (*fill)(struct sk_buff *skb, const void *object))
{
	unsigned long number;
	void *object;

	lockdep_assert_held(&rewire_net(sock_net(skb->sk))->lock);
	xa_for_each_start(objects, number, object, cb->args[0]) {
		if (rewire_numbered_dump_one(skb, cb, object, command, fill))
			break;
		cb->args[0] = number + 1;
	}
	return skb->len;
}

int rewire_put_address(struct sk_buff *skb, int attribute, const struct in6_addr *address)
{
	if (ipv6_addr_v4mapped(address))
		return rewire_put(skb, attribute, &address->s6_addr32[3], sizeof(__be32));
	return rewire_put(skb, attribute, address, sizeof(*address));
}

int rewire_put_key(struct sk_buff *skb, int attribute, const struct rewire_key *key)
{
	struct nlattr *nest = rewire_put_nest(skb, attribute);

	if (!nest || rewire_put_u32(skb, REWIRE_A_TUPLE_VNI, rewire_key_vni(key)) ||
	    rewire_put_u8(skb, REWIRE_A_TUPLE_PROTOCOL, rewire_key_protocol(key)) ||
	    rewire_put_address(skb, REWIRE_A_TUPLE_SRC, &key->src) ||
	    rewire_put_address(skb, REWIRE_A_TUPLE_DST, &key->dst) ||
	    rewire_put_be16(skb, REWIRE_A_TUPLE_SPORT, key->sport) ||
	    rewire_put_be16(skb, REWIRE_A_TUPLE_DPORT, key->dport))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* IPv4 addresses become IPv4-mapped. */
int rewire_get_address(const struct nlattr *attribute, struct in6_addr *address,
		       struct netlink_ext_ack *extack)
{
	switch (nla_len(attribute)) {
	case sizeof(__be32):
		ipv6_addr_set_v4mapped(nla_get_in_addr(attribute), address);
		return 0;
	case sizeof(struct in6_addr):
		*address = nla_get_in6_addr(attribute);
		if (!ipv6_addr_v4mapped(address))
			return 0;
		NL_SET_ERR_MSG_ATTR(extack, attribute,
				    "IPv4-mapped addresses are not for packets");
		return -EINVAL;
	default:
		NL_SET_ERR_MSG_ATTR(extack, attribute,
				    "An address has 4 bytes, or 16");
		return -EINVAL;
	}
}

static int rewire_check_ports(const struct nlattr *nest, const struct rewire_key *key,
			      struct netlink_ext_ack *extack)
{
	u8 protocol = rewire_key_protocol(key);
	bool ipv4 = rewire_key_is_ipv4(key);

	if (rewire_protocol_has_ports(protocol))
		return 0;
	if (rewire_protocol_is_icmp(protocol)) {
		if (protocol != (ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)) {
			NL_SET_ERR_MSG_ATTR(extack, nest,
					    "The protocol is not of this address family");
			return -EPROTONOSUPPORT;
		}
		if (key->sport && key->dport) {
			NL_SET_ERR_MSG_ATTR(extack, nest,
					    "An ICMP echo has one identifier: one port must be 0");
			return -EINVAL;
		}
		return 0;
	}
	if (rewire_protocol_is_fixed(protocol)) {
		NL_SET_ERR_MSG_ATTR(extack, nest,
				    "Flows of this protocol cannot be translated");
		return -EPROTONOSUPPORT;
	}
	if (key->sport || key->dport) {
		NL_SET_ERR_MSG_ATTR(extack, nest,
				    "This protocol has no ports: both must be 0");
		return -EINVAL;
	}
	return 0;
}

/* A whole key: everything has to be there. */
int rewire_get_key(const struct nlattr *nest, struct rewire_key *key,
		   struct netlink_ext_ack *extack)
{
	struct nlattr *tb[REWIRE_A_TUPLE_MAX + 1];
	int i, err;

	err = rewire_parse_nest(tb, REWIRE_A_TUPLE_MAX, nest, extack);
	if (err)
		return err;
	for (i = REWIRE_A_TUPLE_VNI; i <= REWIRE_A_TUPLE_DPORT; i++) {
		if (!tb[i]) {
			NL_SET_ERR_MSG_ATTR(extack, nest,
					    "A key needs a virtual network, a protocol, addresses and ports");
			return -EINVAL;
		}
	}
	memset(key, 0, sizeof(*key));
	err = rewire_get_address(tb[REWIRE_A_TUPLE_SRC], &key->src, extack);
	if (!err)
		err = rewire_get_address(tb[REWIRE_A_TUPLE_DST], &key->dst, extack);
	if (err)
		return err;
	if (nla_len(tb[REWIRE_A_TUPLE_SRC]) != nla_len(tb[REWIRE_A_TUPLE_DST])) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "The addresses are of different families");
		return -EINVAL;
	}
	key->network = rewire_key_network(nla_get_u32(tb[REWIRE_A_TUPLE_VNI]),
					  nla_get_u8(tb[REWIRE_A_TUPLE_PROTOCOL]));
	key->sport = nla_get_be16(tb[REWIRE_A_TUPLE_SPORT]);
	key->dport = nla_get_be16(tb[REWIRE_A_TUPLE_DPORT]);
	return rewire_check_ports(nest, key, extack);
}

/* Both directions must agree on what a rewrite cannot change. */
int rewire_check_keys(struct rewire_net *ns, const struct nlattr *nest,
		      const struct rewire_flow_spec *spec, struct netlink_ext_ack *extack)
{
	const struct rewire_key *orig = &spec->key[REWIRE_ORIG];
	const struct rewire_key *reply = &spec->key[REWIRE_REPLY];

	if (rewire_key_protocol(orig) != rewire_key_protocol(reply) ||
	    rewire_key_is_ipv4(orig) != rewire_key_is_ipv4(reply)) {
		NL_SET_ERR_MSG_ATTR(extack, nest,
				    "The directions differ in protocol or address family");
		return -EINVAL;
	}
	if (rewire_protocol_is_icmp(rewire_key_protocol(orig)) &&
	    (orig->dport || reply->sport)) {
		NL_SET_ERR_MSG_ATTR(extack, nest,
				    "An ICMP echo flow begins with a request: the identifier is a source port of orig and a destination port of reply");
		return -EINVAL;
	}
	if (rewire_key_equal(orig, reply)) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "Both directions have the same key");
		return -EINVAL;
	}
	if (!rewire_attach_has_vni(ns, rewire_key_vni(orig)) ||
	    !rewire_attach_has_vni(ns, rewire_key_vni(reply))) {
		NL_SET_ERR_MSG_ATTR(extack, nest,
				    "No device is attached to this virtual network");
		return -ENOENT;
	}
	return 0;
}

static u32 rewire_get_u32(const struct nlattr *attribute)
{
	return attribute ? nla_get_u32(attribute) : 0;
}

int rewire_get_flow_spec(struct rewire_net *ns, const struct nlattr *nest,
			 struct rewire_flow_spec *spec, struct netlink_ext_ack *extack)
{
	struct nlattr *tb[REWIRE_A_FLOW_COPIES + 1];
	int err;

	err = rewire_parse_nest(tb, REWIRE_A_FLOW_COPIES, nest, extack);
	if (err)
		return err;
	if (!tb[REWIRE_A_FLOW_ORIG] || !tb[REWIRE_A_FLOW_REPLY]) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "A flow needs the keys of both directions");
		return -EINVAL;
	}
	memset(spec, 0, sizeof(*spec));
	spec->action = REWIRE_FLOW_ACTION_TRANSLATE;
	err = rewire_get_key(tb[REWIRE_A_FLOW_ORIG], &spec->key[REWIRE_ORIG], extack);
	if (!err)
		err = rewire_get_key(tb[REWIRE_A_FLOW_REPLY], &spec->key[REWIRE_REPLY],
				     extack);
	if (err)
		return err;
	spec->policy = rewire_get_u32(tb[REWIRE_A_FLOW_POLICY]);
	spec->target = rewire_get_u32(tb[REWIRE_A_FLOW_TARGET]);
	spec->timeout = rewire_get_u32(tb[REWIRE_A_FLOW_TIMEOUT]);
	spec->ifindex[REWIRE_ORIG] = rewire_get_u32(tb[REWIRE_A_FLOW_ORIG_IFINDEX]);
	spec->ifindex[REWIRE_REPLY] = rewire_get_u32(tb[REWIRE_A_FLOW_REPLY_IFINDEX]);
	if (tb[REWIRE_A_FLOW_DECISION])
		spec->decision = nla_get_u64(tb[REWIRE_A_FLOW_DECISION]);
	spec->one_way = tb[REWIRE_A_FLOW_ONE_WAY];
	err = rewire_check_keys(ns, nest, spec, extack);
	return err ?: rewire_get_extension(ns, tb, spec, extack);
}

/* The generator knows no start and done of dumps in per-op tables. */
static struct genl_ops rewire_ops[ARRAY_SIZE(rewire_nl_ops)];

struct genl_family rewire_family __ro_after_init = {
	.name = REWIRE_FAMILY_NAME,
	.version = REWIRE_FAMILY_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = rewire_ops,
	.n_ops = ARRAY_SIZE(rewire_ops),
	.resv_start_op = 1,
	.mcgrps = rewire_groups,
	.n_mcgrps = REWIRE_NLGRP_CONFIG + 1,
};

int rewire_netlink_register(void)
{
	int i, err;

	memcpy(rewire_ops, rewire_nl_ops, sizeof(rewire_ops));
	for (i = 0; i < ARRAY_SIZE(rewire_ops); i++) {
		if (rewire_ops[i].cmd == REWIRE_CMD_FLOW_GET) {
			rewire_ops[i].start = rewire_flow_dump_start;
			rewire_ops[i].done = rewire_flow_dump_done;
		}
		if (rewire_ops[i].cmd == REWIRE_CMD_CHANGE_GET)
			rewire_ops[i].start = rewire_change_dump_start;
	}
	err = genl_register_family(&rewire_family);
	rewire_event_allow(!err);
	return err;
}

void rewire_netlink_unregister(void)
{
	rewire_event_allow(false);
	genl_unregister_family(&rewire_family);
}

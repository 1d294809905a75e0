// SPDX-License-Identifier: GPL-2.0
/* The question what would become of a packet, and its answer. */
#include <net/ip6_route.h>
#include <net/route.h>

#include "attach.h"
#include "explain.h"
#include "flow_netlink.h"
#include "packet.h"
#include "rule.h"
#include "target.h"
#include "transport.h"
#include "tunnel.h"

/* Of a question that does not say. */
#define REWIRE_QUESTION_HOPS	64
#define REWIRE_QUESTION_FLAGS	REWIRE_TCP_SYN

static int rewire_get_question_ports(struct genl_info *info, struct rewire_key *key)
{
	const struct nlattr *sport = info->attrs[REWIRE_A_EXPLANATION_SPORT];
	const struct nlattr *dport = info->attrs[REWIRE_A_EXPLANATION_DPORT];
	u8 protocol = rewire_key_protocol(key);

	key->sport = sport ? nla_get_be16(sport) : 0;
	key->dport = dport ? nla_get_be16(dport) : 0;
	if (rewire_protocol_has_ports(protocol))
		return 0;
	if (rewire_protocol_is_icmp(protocol) ? key->sport && key->dport :
						key->sport || key->dport) {
		NL_SET_ERR_MSG_ATTR(info->extack, key->dport ? dport : sport,
				    "This protocol has no such port");
		return -EINVAL;
	}
	return 0;
}

static int rewire_get_question_key(struct genl_info *info, struct rewire_key *key)
{
	struct nlattr **attrs = info->attrs;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, REWIRE_A_EXPLANATION_SRC) ||
	    GENL_REQ_ATTR_CHECK(info, REWIRE_A_EXPLANATION_DST) ||
	    GENL_REQ_ATTR_CHECK(info, REWIRE_A_EXPLANATION_PROTOCOL)) {
		GENL_SET_ERR_MSG(info, "A packet has a protocol, a source and a destination");
		return -EINVAL;
	}
	err = rewire_get_address(attrs[REWIRE_A_EXPLANATION_SRC], &key->src, info->extack);
	if (!err)
		err = rewire_get_address(attrs[REWIRE_A_EXPLANATION_DST], &key->dst,
					 info->extack);
	if (err)
		return err;
	if (ipv6_addr_v4mapped(&key->src) != ipv6_addr_v4mapped(&key->dst)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[REWIRE_A_EXPLANATION_DST],
				    "The addresses are of different families");
		return -EINVAL;
	}
	key->network = rewire_key_network(0, nla_get_u8(attrs[REWIRE_A_EXPLANATION_PROTOCOL]));
	return rewire_get_question_ports(info, key);
}

static int rewire_get_question(struct genl_info *info, struct rewire_question *question)
{
	struct nlattr **attrs = info->attrs;

	memset(question, 0, sizeof(*question));
	question->tcp_flags = REWIRE_QUESTION_FLAGS;
	if (attrs[REWIRE_A_EXPLANATION_TCP_FLAGS])
		question->tcp_flags = nla_get_u8(attrs[REWIRE_A_EXPLANATION_TCP_FLAGS]);
	question->hop_limit = REWIRE_QUESTION_HOPS;
	if (attrs[REWIRE_A_EXPLANATION_HOP_LIMIT])
		question->hop_limit = nla_get_u8(attrs[REWIRE_A_EXPLANATION_HOP_LIMIT]);
	if (attrs[REWIRE_A_EXPLANATION_LENGTH])
		question->length = nla_get_u32(attrs[REWIRE_A_EXPLANATION_LENGTH]);
	question->dont_fragment = attrs[REWIRE_A_EXPLANATION_DF];
	return rewire_get_question_key(info, &question->key);
}

/* Where a packet of a virtual network comes in, if nobody says by which device. */
static const struct rewire_attach *rewire_question_attach(struct rewire_net *ns, u32 vni)
{
	const struct rewire_attach *attach, *found = NULL;

	list_for_each_entry_rcu(attach, &ns->attaches, list) {
		if (attach->dev && attach->vni == vni)
			return attach;
		if (!found && (attach->vni == vni || attach->tunnel))
			found = attach;
	}
	return found;
}

/* Find out where the packet comes in, and into which virtual network. Context: RCU read side. */
static int rewire_question_place(struct rewire_net *ns, struct genl_info *info,
				 struct rewire_question *question)
{
	const struct nlattr *device = info->attrs[REWIRE_A_EXPLANATION_IFINDEX];
	const struct nlattr *network = info->attrs[REWIRE_A_EXPLANATION_VNI];
	bool local = info->attrs[REWIRE_A_EXPLANATION_LOCAL];
	u32 vni = network ? nla_get_u32(network) : 0;
	const struct rewire_attach *attach;

	if ((device && local) || (!device && !local && !network)) {
		GENL_SET_ERR_MSG(info,
				 "A device, local, or a virtual network has to be given");
		return -EINVAL;
	}
	if (device && nla_get_u32(device) > INT_MAX)
		attach = NULL;
	else if (device || local)
		attach = rewire_attach_find(ns, local ? REWIRE_IFINDEX_LOCAL :
							(int)nla_get_u32(device));
	else
		attach = rewire_question_attach(ns, vni);
	question->attach = attach;
	if (!attach)
		return 0;
	if (!network && attach->tunnel) {
		GENL_SET_ERR_MSG(info, "The device takes the virtual network from tunnels");
		return -EINVAL;
	}
	if (network && !attach->tunnel && attach->vni != vni) {
		NL_SET_ERR_MSG_ATTR(info->extack, network,
				    "The device is in another virtual network");
		return -EINVAL;
	}
	if (!attach->tunnel)
		vni = attach->vni;
	question->key.network =
		rewire_key_network(vni, rewire_key_protocol(&question->key));
	return 0;
}

static bool rewire_explanation_fill_place(struct sk_buff *skb,
					  const struct rewire_question *question)
{
	const struct rewire_attach *attach = question->attach;

	if (!attach)
		return nla_put_flag(skb, REWIRE_A_EXPLANATION_UNATTACHED);
	return (attach->dev ? nla_put_u32(skb, REWIRE_A_EXPLANATION_IFINDEX, attach->ifindex) :
			      nla_put_flag(skb, REWIRE_A_EXPLANATION_LOCAL)) ||
	       nla_put_u32(skb, REWIRE_A_EXPLANATION_VNI, rewire_key_vni(&question->key));
}

static bool rewire_explanation_fill_rule(struct sk_buff *skb, const struct rewire_rule *rule)
{
	return nla_put_u32(skb, REWIRE_A_EXPLANATION_RULE, rule->id) ||
	       nla_put_u32(skb, REWIRE_A_EXPLANATION_RULE_ACTION, rule->action) ||
	       nla_put_u32(skb, REWIRE_A_EXPLANATION_POLICY, rule->policy);
}

static int rewire_explanation_fill_flow(struct sk_buff *skb, struct rewire_net *ns,
					const struct rewire_explanation *explanation)
{
	const struct rewire_target *target;
	int err;

	if (nla_put_u32(skb, REWIRE_A_EXPLANATION_DIRECTION, explanation->direction) ||
	    (explanation->ends &&
	     nla_put_u32(skb, REWIRE_A_EXPLANATION_ENDS, explanation->closed)))
		return -EMSGSIZE;
	err = rewire_flow_fill_live(skb, REWIRE_A_EXPLANATION_FLOW, explanation->flow, false);
	if (err)
		return err == -ENOENT ? -EAGAIN : err;
	target = xa_load(&ns->targets, rewire_flow_target(explanation->flow));
	if (target && nla_put_u32(skb, REWIRE_A_EXPLANATION_TARGET_STATE,
				  READ_ONCE(target->state)))
		return -EMSGSIZE;
	return 0;
}

/* The neighbour that a route leads to, on the way to an address. */
static void rewire_explain_gateway(const struct dst_entry *dst, const struct in6_addr *to,
				   struct in6_addr *gateway)
{
	const struct rtable *rt = dst_rtable(dst);
	struct in6_addr address = *to;

	if (dst->ops->family == AF_INET6)
		*gateway = *rt6_nexthop(dst_rt6_info(dst), &address);
	else if (rt->rt_gw_family == AF_INET6)
		*gateway = rt->rt_gw6;
	else
		ipv6_addr_set_v4mapped(rt_nexthop(rt, to->s6_addr32[3]), gateway);
}

static bool rewire_explanation_fill_way(struct sk_buff *skb,
					const struct rewire_explanation *explanation,
					const struct in6_addr *to)
{
	const struct rewire_way *way = &explanation->way;
	struct in6_addr gateway;

	if (nla_put_u32(skb, REWIRE_A_EXPLANATION_OUT_IFINDEX, way->dev->ifindex) ||
	    nla_put_u32(skb, REWIRE_A_EXPLANATION_MTU, way->mtu) ||
	    (way->fit == REWIRE_FRAGMENT &&
	     nla_put_flag(skb, REWIRE_A_EXPLANATION_FRAGMENTED)))
		return true;
	if (way->tunnel)
		return rewire_put_remote(skb, REWIRE_A_EXPLANATION_TUNNEL,
					 &way->tunnel->remote);
	rewire_explain_gateway(way->dst, to, &gateway);
	return rewire_put_address(skb, REWIRE_A_EXPLANATION_GATEWAY, &gateway);
}

/* The packet as it leaves: the inverse of the other direction's key. */
static void rewire_explain_becomes(const struct rewire_flow *flow,
				   enum rewire_direction direction, struct rewire_key *key)
{
	const struct rewire_key *inverse = &flow->tuple[!direction].key;

	key->network = inverse->network;
	key->src = inverse->dst;
	key->dst = inverse->src;
	key->sport = inverse->dport;
	key->dport = inverse->sport;
}

static bool rewire_explanation_fill_output(struct sk_buff *skb,
					   const struct rewire_question *question,
					   const struct rewire_explanation *explanation)
{
	const struct rewire_rule *rule = explanation->rule;
	struct rewire_key becomes = {};

	if (explanation->fate == REWIRE_FATE_FORWARD)
		return rewire_explanation_fill_way(skb, explanation, rule->forward.has_via ?
						   &rule->forward.via : &question->key.dst);
	if (explanation->fate != REWIRE_FATE_TRANSLATE)
		return false;
	rewire_explain_becomes(explanation->flow, explanation->direction, &becomes);
	if (rewire_put_key(skb, REWIRE_A_EXPLANATION_BECOMES, &becomes))
		return true;
	if (explanation->way.local)
		return nla_put_flag(skb, REWIRE_A_EXPLANATION_TO_HOST);
	return rewire_explanation_fill_way(skb, explanation, &becomes.dst);
}

/* Context: RCU read side. */
static int rewire_explanation_fill(struct sk_buff *skb, struct rewire_net *ns,
				   const struct rewire_question *question,
				   const struct rewire_explanation *explanation)
{
	if (rewire_explanation_fill_place(skb, question) ||
	    nla_put_u32(skb, REWIRE_A_EXPLANATION_FATE, explanation->fate) ||
	    (explanation->fate == REWIRE_FATE_DROP &&
	     nla_put_u32(skb, REWIRE_A_EXPLANATION_REASON, explanation->reason)) ||
	    (explanation->foreign && nla_put_flag(skb, REWIRE_A_EXPLANATION_FOREIGN)) ||
	    (explanation->punt &&
	     nla_put_u64_64bit(skb, REWIRE_A_EXPLANATION_PUNT_ID, explanation->punt,
			       REWIRE_A_EXPLANATION_PAD)) ||
	    (explanation->rule && rewire_explanation_fill_rule(skb, explanation->rule)) ||
	    rewire_explanation_fill_output(skb, question, explanation))
		return -EMSGSIZE;
	return explanation->flow ? rewire_explanation_fill_flow(skb, ns, explanation) : 0;
}

/* Explain in the context that the way of packets expects. */
static int rewire_explain_to(struct rewire_net *ns, struct genl_info *info,
			     struct rewire_question *question, struct sk_buff *packet,
			     struct sk_buff *reply)
{
	struct rewire_explanation explanation;
	int err;

	rcu_read_lock();
	local_bh_disable();
	err = rewire_question_place(ns, info, question);
	if (!err) {
		rewire_explain(ns, packet, question, &explanation);
		err = rewire_explanation_fill(reply, ns, question, &explanation);
		dst_release(explanation.way.dst);
	}
	packet->dev = NULL;
	local_bh_enable();
	rcu_read_unlock();
	if (err == -EAGAIN)
		GENL_SET_ERR_MSG(info, "The packet's flow has just ended");
	return err;
}

int rewire_nl_packet_explain_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *packet, *reply;
	struct rewire_question question;
	void *header;
	int err = rewire_get_question(info, &question);

	if (err)
		return err;
	packet = rewire_question_packet(&question);
	if (IS_ERR(packet)) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[REWIRE_A_EXPLANATION_LENGTH],
				    "The packet's headers are longer");
		return PTR_ERR(packet);
	}
	reply = packet ? rewire_reply_new(info, NLMSG_GOODSIZE, &header) : NULL;
	err = reply ? rewire_explain_to(rewire_info_net(info), info, &question, packet, reply) :
		      -ENOMEM;
	kfree_skb(packet);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	return rewire_reply_send(info, reply, header);
}

// SPDX-License-Identifier: GPL-2.0
/* Netlink operations on rules. */
#include <linux/percpu.h>
#include <net/addrconf.h>

#include "attach.h"
#include "event.h"
#include "forward.h"
#include "netlink.h"
#include "rule.h"
#include "transport.h"

#define REWIRE_PORTS_ANY	((struct rewire_ports){ 0, 65535 })

static int rewire_get_prefix(struct genl_info *info, int attribute, int length_attribute,
			     struct in6_addr *prefix, u8 *length, u8 *family)
{
	struct nlattr *address = info->attrs[attribute];
	struct nlattr *bits = info->attrs[length_attribute];
	struct in6_addr whole;
	bool ipv4;
	int err;

	if (!address) {
		if (!bits)
			return 0;
		NL_SET_ERR_MSG_ATTR(info->extack, bits, "A prefix length needs an address");
		return -EINVAL;
	}
	err = rewire_get_address(address, &whole, info->extack);
	if (err)
		return err;
	ipv4 = nla_len(address) == sizeof(__be32);
	if (*family != AF_UNSPEC && *family != (ipv4 ? AF_INET : AF_INET6)) {
		NL_SET_ERR_MSG_ATTR(info->extack, address,
				    "The addresses are of different families");
		return -EINVAL;
	}
	*family = ipv4 ? AF_INET : AF_INET6;
	*length = bits ? nla_get_u8(bits) : nla_len(address) * 8;
	if (*length > nla_len(address) * 8) {
		NL_SET_ERR_MSG_ATTR(info->extack, bits,
				    "The prefix is longer than the address");
		return -EINVAL;
	}
	if (ipv4)
		*length += 96;
	ipv6_addr_prefix(prefix, &whole, *length);
	if (!ipv6_addr_equal(prefix, &whole)) {
		NL_SET_ERR_MSG_ATTR(info->extack, address,
				    "The address has bits set behind its prefix");
		return -EINVAL;
	}
	return 0;
}

static int rewire_get_ports(struct genl_info *info, int min, int max, u8 protocol,
			    struct rewire_ports *ports)
{
	*ports = REWIRE_PORTS_ANY;
	if (!info->attrs[min] && !info->attrs[max])
		return 0;
	if (!info->attrs[min]) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[max],
				    "A range of ports needs a lowest one");
		return -EINVAL;
	}
	if (!rewire_protocol_has_ports(protocol)) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[min],
				    "Ports need a protocol that has them");
		return -EINVAL;
	}
	ports->min = ntohs(nla_get_be16(info->attrs[min]));
	ports->max = info->attrs[max] ? ntohs(nla_get_be16(info->attrs[max])) : ports->min;
	if (ports->min > ports->max) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[max],
				    "The range of ports is empty");
		return -EINVAL;
	}
	return 0;
}

static u32 rewire_get_u32(struct genl_info *info, int attribute)
{
	return info->attrs[attribute] ? nla_get_u32(info->attrs[attribute]) : 0;
}

static int rewire_get_match(struct genl_info *info, struct rewire_match *match)
{
	struct nlattr *family = info->attrs[REWIRE_A_RULE_FAMILY];
	int err;

	if (family) {
		match->family = nla_get_u8(family);
		if (match->family != AF_INET && match->family != AF_INET6) {
			NL_SET_ERR_MSG_ATTR(info->extack, family,
					    "The family is neither IPv4 nor IPv6");
			return -EAFNOSUPPORT;
		}
	}
	if (info->attrs[REWIRE_A_RULE_PROTOCOL])
		match->protocol = nla_get_u8(info->attrs[REWIRE_A_RULE_PROTOCOL]);
	match->preference = rewire_get_u32(info, REWIRE_A_RULE_PREFERENCE);

	err = rewire_get_prefix(info, REWIRE_A_RULE_DST, REWIRE_A_RULE_DST_LEN,
				&match->dst, &match->dst_len, &match->family);
	if (err)
		return err;
	err = rewire_get_prefix(info, REWIRE_A_RULE_SRC, REWIRE_A_RULE_SRC_LEN,
				&match->src, &match->src_len, &match->family);
	if (err)
		return err;
	err = rewire_get_ports(info, REWIRE_A_RULE_DPORT_MIN, REWIRE_A_RULE_DPORT_MAX,
			       match->protocol, &match->dport);
	if (err)
		return err;
	return rewire_get_ports(info, REWIRE_A_RULE_SPORT_MIN, REWIRE_A_RULE_SPORT_MAX,
				match->protocol, &match->sport);
}

/* Some attributes are for one action only. */
static int rewire_check_action(struct genl_info *info, const int *attributes, unsigned int n,
			       const char *sentence)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (info->attrs[attributes[i]]) {
			NL_SET_BAD_ATTR(info->extack, info->attrs[attributes[i]]);
			info->extack->_msg = sentence;
			return -EINVAL;
		}
	}
	return 0;
}

static int rewire_get_via(struct genl_info *info, struct rewire_rule *rule)
{
	struct nlattr *attribute = info->attrs[REWIRE_A_RULE_VIA];
	struct rewire_forward *forward = &rule->forward;
	int type, err;
	u8 family;

	err = rewire_get_address(attribute, &forward->via, info->extack);
	if (err)
		return err;
	family = nla_len(attribute) == sizeof(__be32) ? AF_INET : AF_INET6;
	if (rule->match.family != AF_UNSPEC && rule->match.family != family) {
		NL_SET_ERR_MSG_ATTR(info->extack, attribute,
				    "The next hop is of another family than the rule");
		return -EINVAL;
	}
	rule->match.family = family;
	forward->has_via = true;
	if (family == AF_INET) {
		__be32 hop = forward->via.s6_addr32[3];

		if (!ipv4_is_zeronet(hop) && !ipv4_is_loopback(hop) &&
		    !ipv4_is_multicast(hop) && !ipv4_is_lbcast(hop))
			return 0;
	} else {
		type = ipv6_addr_type(&forward->via);
		if ((type & IPV6_ADDR_LINKLOCAL) && !forward->ifindex) {
			NL_SET_ERR_MSG_ATTR(info->extack, attribute,
					    "A link-local next hop needs a device");
			return -EINVAL;
		}
		if ((type & IPV6_ADDR_UNICAST) && !(type & IPV6_ADDR_LOOPBACK))
			return 0;
	}
	NL_SET_ERR_MSG_ATTR(info->extack, attribute, "The next hop is no host's address");
	return -EINVAL;
}

static bool rewire_device_exists(struct net *net, u32 ifindex)
{
	bool found;

	rcu_read_lock();
	found = ifindex <= INT_MAX && dev_get_by_index_rcu(net, ifindex);
	rcu_read_unlock();
	return found;
}

static int rewire_get_forward(struct genl_info *info, struct rewire_rule *rule)
{
	struct nlattr *device = info->attrs[REWIRE_A_RULE_VIA_IFINDEX];
	struct nlattr *vni = info->attrs[REWIRE_A_RULE_VIA_VNI];
	struct rewire_forward *forward = &rule->forward;
	struct rewire_net *ns = rewire_info_net(info);

	if (!device && !vni && !info->attrs[REWIRE_A_RULE_VIA]) {
		GENL_SET_ERR_MSG(info,
				 "A rule that forwards needs a next hop, a device or a virtual network to forward to");
		return -EINVAL;
	}
	if (device && !rewire_device_exists(ns->net, nla_get_u32(device))) {
		NL_SET_ERR_MSG_ATTR(info->extack, device, "There is no such device");
		return -ENODEV;
	}
	forward->ifindex = rewire_get_u32(info, REWIRE_A_RULE_VIA_IFINDEX);
	forward->vni = rewire_get_u32(info, REWIRE_A_RULE_VIA_VNI);
	forward->has_vni = vni;
	if (vni && !rewire_attach_has_vni(ns, forward->vni)) {
		NL_SET_ERR_MSG_ATTR(info->extack, vni,
				    "No device is attached to this virtual network");
		return -ENOENT;
	}
	forward->counters = alloc_percpu_gfp(struct rewire_forward_counters,
					     GFP_KERNEL_ACCOUNT);
	if (!forward->counters)
		return -ENOMEM;
	return info->attrs[REWIRE_A_RULE_VIA] ? rewire_get_via(info, rule) : 0;
}

static int rewire_get_action(struct genl_info *info, struct rewire_rule *rule)
{
	/* A policy may label any rule; these say how to punt, and where to forward. */
	static const int punt_only[] = { REWIRE_A_RULE_HOLD, REWIRE_A_RULE_ORPHAN };
	static const int forward_only[] = {
		REWIRE_A_RULE_VIA, REWIRE_A_RULE_VIA_IFINDEX, REWIRE_A_RULE_VIA_VNI
	};
	int err = 0;

	rule->action = nla_get_u32(info->attrs[REWIRE_A_RULE_ACTION]);
	rule->policy = rewire_get_u32(info, REWIRE_A_RULE_POLICY);
	rule->hold = rewire_get_u32(info, REWIRE_A_RULE_HOLD);
	rule->orphan = rewire_get_u32(info, REWIRE_A_RULE_ORPHAN);
	if (rule->action != REWIRE_RULE_ACTION_PUNT)
		err = rewire_check_action(info, punt_only, ARRAY_SIZE(punt_only),
					  "Only a rule that punts has this");
	if (err)
		return err;
	if (rule->action == REWIRE_RULE_ACTION_FORWARD)
		return rewire_get_forward(info, rule);
	return rewire_check_action(info, forward_only, ARRAY_SIZE(forward_only),
				   "Only a rule that forwards has this");
}

static int rewire_rule_reply(struct genl_info *info, u32 id)
{
	struct sk_buff *reply;
	void *header;

	reply = rewire_reply_new(info, NLMSG_DEFAULT_SIZE, &header);
	if (!reply)
		return -ENOMEM;
	if (nla_put_u32(reply, REWIRE_A_RULE_ID, id)) {
		nlmsg_free(reply);
		return -EMSGSIZE;
	}
	return rewire_reply_send(info, reply, header);
}

static bool rewire_ports_any(const struct rewire_ports *ports)
{
	return ports->min == 0 && ports->max == 65535;
}

static bool rewire_put_ports(struct sk_buff *skb, int min, int max,
			     const struct rewire_ports *ports)
{
	if (rewire_ports_any(ports))
		return false;
	return nla_put_be16(skb, min, htons(ports->min)) ||
	       nla_put_be16(skb, max, htons(ports->max));
}

static bool rewire_put_prefix(struct sk_buff *skb, int attribute, int length_attribute,
			      const struct in6_addr *prefix, u8 length)
{
	if (!length)
		return false;
	return rewire_put_address(skb, attribute, prefix) ||
	       nla_put_u8(skb, length_attribute,
			  ipv6_addr_v4mapped(prefix) ? length - 96 : length);
}

static bool rewire_match_fill(struct sk_buff *skb, const struct rewire_match *match)
{
	if ((match->family != AF_UNSPEC &&
	     nla_put_u8(skb, REWIRE_A_RULE_FAMILY, match->family)) ||
	    (match->protocol &&
	     nla_put_u8(skb, REWIRE_A_RULE_PROTOCOL, match->protocol)))
		return true;
	return rewire_put_prefix(skb, REWIRE_A_RULE_DST, REWIRE_A_RULE_DST_LEN,
				 &match->dst, match->dst_len) ||
	       rewire_put_prefix(skb, REWIRE_A_RULE_SRC, REWIRE_A_RULE_SRC_LEN,
				 &match->src, match->src_len) ||
	       rewire_put_ports(skb, REWIRE_A_RULE_DPORT_MIN, REWIRE_A_RULE_DPORT_MAX,
				&match->dport) ||
	       rewire_put_ports(skb, REWIRE_A_RULE_SPORT_MIN, REWIRE_A_RULE_SPORT_MAX,
				&match->sport) ||
	       nla_put_u32(skb, REWIRE_A_RULE_PREFERENCE, match->preference);
}

static bool rewire_forward_fill(struct sk_buff *skb, const struct rewire_rule *rule)
{
	const struct rewire_forward *forward = &rule->forward;
	u64 packets, bytes;

	rewire_forward_count(rule, &packets, &bytes);
	return nla_put_u64_64bit(skb, REWIRE_A_RULE_HITS, packets, REWIRE_A_RULE_PAD) ||
	       nla_put_u64_64bit(skb, REWIRE_A_RULE_BYTES, bytes, REWIRE_A_RULE_PAD) ||
	       (forward->has_via &&
		rewire_put_address(skb, REWIRE_A_RULE_VIA, &forward->via)) ||
	       (forward->ifindex &&
		nla_put_u32(skb, REWIRE_A_RULE_VIA_IFINDEX, forward->ifindex)) ||
	       (forward->has_vni && nla_put_u32(skb, REWIRE_A_RULE_VIA_VNI, forward->vni));
}

static int rewire_rule_fill(struct sk_buff *skb, const void *object)
{
	const struct rewire_rule *rule = object;

	if (nla_put_u32(skb, REWIRE_A_RULE_ID, rule->id) ||
	    nla_put_u32(skb, REWIRE_A_RULE_VNI, rule->vni) ||
	    rewire_match_fill(skb, &rule->match) ||
	    nla_put_u32(skb, REWIRE_A_RULE_ACTION, rule->action) ||
	    nla_put_u32(skb, REWIRE_A_RULE_POLICY, rule->policy))
		return -EMSGSIZE;
	if (rule->action == REWIRE_RULE_ACTION_FORWARD)
		return rewire_forward_fill(skb, rule) ? -EMSGSIZE : 0;
	if (nla_put_u64_64bit(skb, REWIRE_A_RULE_HITS, atomic64_read(&rule->hits),
			      REWIRE_A_RULE_PAD))
		return -EMSGSIZE;
	if (rule->action != REWIRE_RULE_ACTION_PUNT)
		return 0;
	if (nla_put_u32(skb, REWIRE_A_RULE_HOLD, rule->hold) ||
	    nla_put_u32(skb, REWIRE_A_RULE_ORPHAN, rule->orphan))
		return -EMSGSIZE;
	return 0;
}

/* Tell who watches. */
static void rewire_rule_tell(struct rewire_net *ns, const struct rewire_rule *rule,
			     enum rewire_config_change change)
{
	rewire_event_config(ns, REWIRE_CMD_RULE_NTF, change, rewire_rule_fill, rule);
}

int rewire_nl_rule_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_rule *rule;
	u32 id;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, REWIRE_A_RULE_VNI) ||
	    GENL_REQ_ATTR_CHECK(info, REWIRE_A_RULE_ACTION)) {
		GENL_SET_ERR_MSG(info, "A virtual network and an action have to be given");
		return -EINVAL;
	}
	rule = rewire_rule_alloc();
	if (!rule)
		return -ENOMEM;
	rule->vni = nla_get_u32(info->attrs[REWIRE_A_RULE_VNI]);
	err = rewire_get_match(info, &rule->match);
	if (!err)
		err = rewire_get_action(info, rule);
	if (err)
		goto free;
	if (!rewire_attach_has_vni(ns, rule->vni)) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[REWIRE_A_RULE_VNI],
				    "No device is attached to this virtual network");
		err = -ENOENT;
		goto free;
	}

	mutex_lock(&ns->lock);
	err = rewire_rule_insert(ns, rule, info->extack);
	id = rule->id;
	if (!err)
		rewire_rule_tell(ns, rule, REWIRE_CONFIG_CHANGE_NEW);
	mutex_unlock(&ns->lock);
	if (err)
		goto free;
	return rewire_rule_reply(info, id);
free:
	rewire_rule_free(rule);
	return err;
}

static int rewire_rule_missing(struct genl_info *info)
{
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[REWIRE_A_RULE_ID],
			    "No rule has this number");
	return -ENOENT;
}

int rewire_nl_rule_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_rule *rule;
	u32 id;
	int err = rewire_get_number(info, REWIRE_A_RULE_ID, &id);

	if (err)
		return err;
	mutex_lock(&ns->lock);
	rule = xa_load(&ns->rules, id);
	if (rule) {
		rewire_rule_tell(ns, rule, REWIRE_CONFIG_CHANGE_DELETE);
		rewire_rule_remove(ns, rule);
	}
	mutex_unlock(&ns->lock);
	return rule ? 0 : rewire_rule_missing(info);
}

int rewire_nl_rule_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	int err = rewire_numbered_get(info, &rewire_info_net(info)->rules, REWIRE_A_RULE_ID,
				      rewire_rule_fill);

	return err == -ENOENT ? rewire_rule_missing(info) : err;
}

int rewire_nl_rule_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct rewire_net *ns = rewire_net(sock_net(skb->sk));
	int length;

	mutex_lock(&ns->lock);
	cb->seq = ns->generation;
	length = rewire_numbered_dump(skb, cb, &ns->rules, REWIRE_CMD_RULE_GET,
				      rewire_rule_fill);
	mutex_unlock(&ns->lock);
	return length;
}

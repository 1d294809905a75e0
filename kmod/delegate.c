// SPDX-License-Identifier: GPL-2.0
/*
 * Delegated decisions: the daemon has said by what new flows of a policy get a public
 * address and port, and the kernel makes them without asking. The table is the arbiter, as
 * it is of the daemon's own: a port that is in use towards a far end is another flow's, and
 * the next one is tried. What it does not decide about goes to the daemon, and so does all
 * that the daemon would look up elsewhere: destinations that are services themselves, and
 * ports that a guard keeps for a flow that may come back.
 */
#include <linux/jhash.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "attach.h"
#include "delegate.h"
#include "event.h"
#include "flow.h"
#include "handler.h"
#include "netlink.h"
#include "network.h"
#include "packet.h"
#include "rule.h"

/* Ports that are tried; then the daemon, which has a list of those in use, is asked. */
#define REWIRE_DELEGATE_TRIES	16
/* Times that one which was free is another's when the flow is made. */
#define REWIRE_DELEGATE_RACES	2

/*
 * Only what surely begins something: anything else may be of a flow that the kernel has
 * lost and the daemon remembers.
 */
static bool rewire_delegate_fits(const struct rewire_packet *packet)
{
	switch (rewire_key_protocol(&packet->key)) {
	case IPPROTO_TCP:
		return rewire_segment_opens(&packet->segment);
	case IPPROTO_UDP:
		return true;
	default:
		return false;
	}
}

/* A client keeps to one address (RFC 6888, REQ-2). Return: NULL, none of the family. */
static const struct in6_addr *rewire_delegate_address(const struct rewire_delegate *delegate,
						      const struct rewire_key *key)
{
	bool ipv4 = rewire_key_is_ipv4(key);
	unsigned int first = ipv4 ? 0 : delegate->ipv4;
	unsigned int count = ipv4 ? delegate->ipv4 : delegate->addresses - delegate->ipv4;
	u32 hash;

	if (!count)
		return NULL;
	hash = jhash(&key->src, sizeof(key->src), rewire_key_vni(key));
	return &delegate->address[first + reciprocal_scale(hash, count)];
}

/* In no order that who watches could foresee (RFC 6056). */
static __be16 rewire_delegate_port(const struct rewire_delegate *delegate)
{
	unsigned int count = delegate->max - delegate->min + 1U;

	return htons(delegate->min + reciprocal_scale(get_random_u32(), count));
}

/* What a packet with another key would meet. */
static const struct rewire_rule *rewire_delegate_rule(struct rewire_net *ns,
						      const struct rewire_packet *packet,
						      const struct rewire_key *key)
{
	struct rewire_packet other = *packet;

	other.key = *key;
	return rewire_rule_lookup(ns, &other);
}

/* The key of a flow's answers, but for the port that they come to. */
static void rewire_delegate_reply(const struct rewire_delegate *delegate,
				  const struct rewire_key *orig, struct rewire_key *reply)
{
	reply->src = delegate->translates ? delegate->to[!rewire_key_is_ipv4(orig)] : orig->dst;
	reply->dst = *rewire_delegate_address(delegate, orig);
	reply->sport = delegate->to_port ?: orig->dport;
	reply->dport = 0;
	reply->network = rewire_key_network(delegate->vni, rewire_key_protocol(orig));
}

/*
 * Where it is going as it is, another rule has something to say about it: another service's, or a
 * public address's.
 */
static bool rewire_delegate_turns(struct rewire_net *ns, const struct rewire_delegate *delegate,
				  const struct rewire_packet *packet)
{
	const struct rewire_rule *rule;
	struct rewire_key reply, public;

	if (delegate->translates)
		return false;
	rewire_delegate_reply(delegate, &packet->key, &reply);
	public = (struct rewire_key){
		.src = reply.dst, .dst = reply.src, .sport = htons(delegate->min),
		.dport = reply.sport, .network = reply.network,
	};
	rule = rewire_delegate_rule(ns, packet, &public);
	return rule && rule->policy != delegate->id;
}

/* A flow has it towards this far end, or is being asked for, or may come back. */
static bool rewire_delegate_port_taken(struct rewire_net *ns, const struct rewire_packet *packet,
				       const struct rewire_key *reply)
{
	struct rewire_place place = rewire_place_find(ns, reply);	/* comes meanwhile */
	const struct rewire_rule *rule = rewire_delegate_rule(ns, packet, reply);

	return (rule && rule->action == REWIRE_RULE_ACTION_PUNT) ||
	       rewire_place_lookup(ns, reply, place);
}

/**
 * rewire_delegate_find() - whether the kernel decides about a packet without a flow
 * @ns: the namespace
 * @packet: what the parser says of it, its key is whole
 * @rule: the punt rule that it meets
 *
 * Context: RCU read side.
 * Return: by what, or NULL: the daemon does.
 */
struct rewire_delegate *rewire_delegate_find(struct rewire_net *ns,
					     const struct rewire_packet *packet,
					     const struct rewire_rule *rule)
{
	struct rewire_delegate *delegate = xa_load(&ns->delegates, rule->policy);
	u32 vni = rewire_key_vni(&packet->key);
	int family = !rewire_key_is_ipv4(&packet->key);

	if (!delegate || delegate->session != READ_ONCE(ns->handlers_session) ||
	    delegate->from != vni || !rewire_delegate_fits(packet) ||
	    !rewire_delegate_address(delegate, &packet->key) ||
	    (delegate->translates && !delegate->has_to[family]))
		return NULL;
	/* A flow learns its way through a tunnel from packets, and needs room for that. */
	if (READ_ONCE(ns->tunnels))
		return NULL;
	if (!rewire_handlers_hear(ns, vni) || !rewire_networks_have(ns, delegate->vni) ||
	    !rewire_attach_has_vni(ns, delegate->vni) ||
	    rewire_delegate_turns(ns, delegate, packet))
		return NULL;
	return delegate;
}

static void rewire_delegate_prepare(const struct rewire_delegate *delegate,
				    const struct rewire_packet *packet,
				    const struct rewire_rule *rule,
				    struct rewire_flow_spec *spec)
{
	memset(spec, 0, sizeof(*spec));
	spec->key[REWIRE_ORIG] = packet->key;
	rewire_delegate_reply(delegate, &packet->key, &spec->key[REWIRE_REPLY]);
	spec->action = REWIRE_FLOW_ACTION_TRANSLATE;
	spec->policy = rule->policy;
	spec->decision = delegate->decision;
	if (packet->ifindex != REWIRE_IFINDEX_LOCAL)
		spec->ifindex[REWIRE_ORIG] = packet->ifindex;
}

/**
 * rewire_delegate_decide() - make a flow for a packet
 * @ns: the namespace
 * @delegate: by this, of rewire_delegate_find()
 * @packet: what the parser says of it
 * @rule: the punt rule that it meets
 *
 * Context: RCU read side, bottom halves disabled.
 * Return: 0: it has a flow now. -EADDRINUSE: the daemon is to be asked. -ENOSPC, -ENOMEM: there
 * is no room for one; -ENOENT: a network has no device.
 */
int rewire_delegate_decide(struct rewire_net *ns, struct rewire_delegate *delegate,
			   const struct rewire_packet *packet, const struct rewire_rule *rule)
{
	struct netlink_ext_ack extack;
	struct rewire_flow_spec spec;
	struct rewire_key *reply = &spec.key[REWIRE_REPLY];
	int i, races = 0, err = -EADDRINUSE;
	u64 id;

	rewire_delegate_prepare(delegate, packet, rule, &spec);
	for (i = 0; i < REWIRE_DELEGATE_TRIES && races < REWIRE_DELEGATE_RACES; i++) {
		reply->dport = rewire_delegate_port(delegate);
		if (rewire_key_equal(reply, &packet->key) ||
		    rewire_delegate_port_taken(ns, packet, reply)) {
			atomic64_inc(&delegate->conflicts);
			continue;
		}
		err = rewire_flow_add(ns, &spec, &id, &extack);
		if (err != -EADDRINUSE)
			break;
		races++;
	}
	if (!err)
		atomic64_inc(&delegate->flows);
	return err == -EEXIST ? 0 : err;
}

static int rewire_delegate_fill(struct sk_buff *skb, const void *object)
{
	const struct rewire_delegate *delegate = object;
	unsigned int i;

	for (i = 0; i < delegate->addresses; i++) {
		if (rewire_put_address(skb, REWIRE_A_DELEGATE_ADDRESS, &delegate->address[i]))
			return -EMSGSIZE;
	}
	for (i = 0; i < ARRAY_SIZE(delegate->to); i++) {
		if (delegate->has_to[i] &&
		    rewire_put_address(skb, REWIRE_A_DELEGATE_TO, &delegate->to[i]))
			return -EMSGSIZE;
	}
	if (delegate->to_port &&
	    nla_put_be16(skb, REWIRE_A_DELEGATE_TO_PORT, delegate->to_port))
		return -EMSGSIZE;
	if (nla_put_u32(skb, REWIRE_A_DELEGATE_ID, delegate->id) ||
	    nla_put_u32(skb, REWIRE_A_DELEGATE_FROM, delegate->from) ||
	    nla_put_u32(skb, REWIRE_A_DELEGATE_VNI, delegate->vni) ||
	    nla_put_be16(skb, REWIRE_A_DELEGATE_PORT_MIN, htons(delegate->min)) ||
	    nla_put_be16(skb, REWIRE_A_DELEGATE_PORT_MAX, htons(delegate->max)) ||
	    nla_put_u64_64bit(skb, REWIRE_A_DELEGATE_DECISION, delegate->decision,
			      REWIRE_A_DELEGATE_PAD) ||
	    nla_put_u64_64bit(skb, REWIRE_A_DELEGATE_FLOWS, atomic64_read(&delegate->flows),
			      REWIRE_A_DELEGATE_PAD) ||
	    nla_put_u64_64bit(skb, REWIRE_A_DELEGATE_CONFLICTS,
			      atomic64_read(&delegate->conflicts), REWIRE_A_DELEGATE_PAD))
		return -EMSGSIZE;
	return 0;
}

/* Tell who watches. */
static void rewire_delegate_tell(struct rewire_net *ns, const struct rewire_delegate *delegate,
				 enum rewire_config_change change)
{
	rewire_event_config(ns, REWIRE_CMD_DELEGATE_NTF, change, rewire_delegate_fill, delegate);
}

static void rewire_delegate_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct rewire_delegate, rcu));
	percpu_counter_dec(&rewire_objects);
}

static void rewire_delegate_delete(struct rewire_net *ns, struct rewire_delegate *delegate)
{
	lockdep_assert_held(&ns->lock);
	rewire_delegate_tell(ns, delegate, REWIRE_CONFIG_CHANGE_DELETE);
	xa_erase(&ns->delegates, delegate->id);
	ns->delegate_count--;
	call_rcu(&delegate->rcu, rewire_delegate_free_rcu);
}

/* Delete those that are void, before anybody is told of any. */
static void rewire_delegate_purge(struct rewire_net *ns)
{
	u32 session = READ_ONCE(ns->handlers_session);
	struct rewire_delegate *delegate;
	unsigned long id;

	lockdep_assert_held(&ns->lock);
	if (ns->delegates_session == session)
		return;
	xa_for_each(&ns->delegates, id, delegate) {
		if (delegate->session != session)
			rewire_delegate_delete(ns, delegate);
	}
	ns->delegates_session = session;
}

void rewire_delegate_exit(struct rewire_net *ns)
{
	struct rewire_delegate *delegate;
	unsigned long id;

	mutex_lock(&ns->lock);
	xa_for_each(&ns->delegates, id, delegate)
		rewire_delegate_delete(ns, delegate);
	mutex_unlock(&ns->lock);
	xa_destroy(&ns->delegates);
}

static int rewire_delegate_add_address(struct rewire_delegate *delegate,
				       const struct nlattr *attribute, bool ipv4,
				       struct netlink_ext_ack *extack)
{
	struct in6_addr address;
	unsigned int i;
	int err = rewire_get_address(attribute, &address, extack);

	if (err)
		return err;
	if (ipv6_addr_v4mapped(&address) != ipv4)
		return 0;
	if (delegate->addresses == REWIRE_DELEGATE_ADDRESSES_MAX) {
		NL_SET_ERR_MSG_ATTR(extack, attribute, "A delegate has at most 16 addresses");
		return -E2BIG;
	}
	for (i = 0; i < delegate->addresses; i++) {
		if (ipv6_addr_equal(&delegate->address[i], &address)) {
			NL_SET_ERR_MSG_ATTR(extack, attribute, "This address is there twice");
			return -EINVAL;
		}
	}
	delegate->address[delegate->addresses++] = address;
	delegate->ipv4 += ipv4;
	return 0;
}

/* Those of IPv4 first. */
static int rewire_delegate_get_addresses(struct genl_info *info,
					 struct rewire_delegate *delegate)
{
	const struct nlattr *attribute;
	int rest, err, ipv4;

	for (ipv4 = 1; ipv4 >= 0; ipv4--) {
		nlmsg_for_each_attr(attribute, info->nlhdr, GENL_HDRLEN, rest) {
			if (nla_type(attribute) != REWIRE_A_DELEGATE_ADDRESS)
				continue;
			err = rewire_delegate_add_address(delegate, attribute, ipv4, info->extack);
			if (err)
				return err;
		}
	}
	return 0;
}

static int rewire_delegate_get_to(struct genl_info *info, struct rewire_delegate *delegate)
{
	const struct nlattr *attribute;
	struct in6_addr to;
	int rest, err, family;

	nlmsg_for_each_attr(attribute, info->nlhdr, GENL_HDRLEN, rest) {
		if (nla_type(attribute) != REWIRE_A_DELEGATE_TO)
			continue;
		err = rewire_get_address(attribute, &to, info->extack);
		if (err)
			return err;
		family = !ipv6_addr_v4mapped(&to);
		if (delegate->has_to[family]) {
			NL_SET_ERR_MSG_ATTR(info->extack, attribute,
					    "There are two destinations of a family");
			return -EINVAL;
		}
		delegate->to[family] = to;
		delegate->has_to[family] = true;
		delegate->translates = true;
	}
	if (info->attrs[REWIRE_A_DELEGATE_TO_PORT])
		delegate->to_port = nla_get_be16(info->attrs[REWIRE_A_DELEGATE_TO_PORT]);
	return 0;
}

static int rewire_get_delegate(struct genl_info *info, struct rewire_delegate *delegate)
{
	struct nlattr **attrs = info->attrs;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, REWIRE_A_DELEGATE_FROM) ||
	    GENL_REQ_ATTR_CHECK(info, REWIRE_A_DELEGATE_VNI) ||
	    GENL_REQ_ATTR_CHECK(info, REWIRE_A_DELEGATE_ADDRESS) ||
	    GENL_REQ_ATTR_CHECK(info, REWIRE_A_DELEGATE_PORT_MIN) ||
	    GENL_REQ_ATTR_CHECK(info, REWIRE_A_DELEGATE_PORT_MAX)) {
		GENL_SET_ERR_MSG(info, "Networks, an address and ports have to be given");
		return -EINVAL;
	}
	delegate->from = nla_get_u32(attrs[REWIRE_A_DELEGATE_FROM]);
	delegate->vni = nla_get_u32(attrs[REWIRE_A_DELEGATE_VNI]);
	delegate->min = ntohs(nla_get_be16(attrs[REWIRE_A_DELEGATE_PORT_MIN]));
	delegate->max = ntohs(nla_get_be16(attrs[REWIRE_A_DELEGATE_PORT_MAX]));
	if (attrs[REWIRE_A_DELEGATE_DECISION])
		delegate->decision = nla_get_u64(attrs[REWIRE_A_DELEGATE_DECISION]);
	if (!delegate->min || delegate->min > delegate->max) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[REWIRE_A_DELEGATE_PORT_MIN],
				    "The first port is 0, or above the last");
		return -ERANGE;
	}
	err = rewire_delegate_get_addresses(info, delegate);
	return err ? err : rewire_delegate_get_to(info, delegate);
}

/* In the place of what there was. */
static int rewire_delegate_store(struct rewire_net *ns, struct rewire_delegate *delegate,
				 struct netlink_ext_ack *extack)
{
	struct rewire_delegate *old;
	int err;

	lockdep_assert_held(&ns->lock);
	rewire_delegate_purge(ns);
	delegate->session = ns->delegates_session;
	if (!rcu_access_pointer(ns->handlers)) {
		NL_SET_ERR_MSG(extack, "Nobody listens, so there is nobody to decide for");
		return -ENOTCONN;
	}
	old = xa_load(&ns->delegates, delegate->id);
	if (!old && ns->delegate_count >= REWIRE_DELEGATES_MAX) {
		NL_SET_ERR_MSG(extack, "There are as many delegates as there may be");
		return -ENOSPC;
	}
	err = xa_err(xa_store(&ns->delegates, delegate->id, delegate, GFP_KERNEL_ACCOUNT));
	if (err)
		return err;
	percpu_counter_inc(&rewire_objects);
	rewire_delegate_tell(ns, delegate, old ? REWIRE_CONFIG_CHANGE_SET :
						  REWIRE_CONFIG_CHANGE_NEW);
	if (old)
		call_rcu(&old->rcu, rewire_delegate_free_rcu);
	else
		ns->delegate_count++;
	return 0;
}

/* What its flows would lead to, whoever asks for them may install himself. */
static int rewire_delegate_check(struct rewire_net *ns, const struct rewire_delegate *delegate,
				 struct netlink_ext_ack *extack)
{
	const struct rewire_flow_spec spec = {
		.key[REWIRE_ORIG].network = rewire_key_network(delegate->from, IPPROTO_UDP),
		.key[REWIRE_REPLY].network = rewire_key_network(delegate->vni, IPPROTO_UDP),
		.action = REWIRE_FLOW_ACTION_TRANSLATE,
	};
	int err;

	/* Packets make its flows, and have no account to put them on. */
	if (ns->net->user_ns != &init_user_ns) {
		NL_SET_ERR_MSG(extack, "Decisions are not delegated in a user namespace");
		return -EPERM;
	}
	rcu_read_lock();
	err = rewire_networks_check(ns, &spec, extack);
	rcu_read_unlock();
	return err;
}

int rewire_nl_delegate_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_delegate *delegate;
	u32 id;
	int err = rewire_get_number(info, REWIRE_A_DELEGATE_ID, &id);

	if (err)
		return err;
	delegate = kzalloc(sizeof(*delegate), GFP_KERNEL_ACCOUNT);
	if (!delegate)
		return -ENOMEM;
	delegate->id = id;
	err = rewire_get_delegate(info, delegate);
	if (!err)
		err = rewire_delegate_check(ns, delegate, info->extack);
	if (!err) {
		mutex_lock(&ns->lock);
		err = rewire_delegate_store(ns, delegate, info->extack);
		mutex_unlock(&ns->lock);
	}
	if (err)
		kfree(delegate);
	return err;
}

static int rewire_delegate_missing(struct genl_info *info)
{
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[REWIRE_A_DELEGATE_ID],
			    "No decisions are delegated under this number");
	return -ENOENT;
}

int rewire_nl_delegate_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_delegate *delegate;
	u32 id;
	int err = rewire_get_number(info, REWIRE_A_DELEGATE_ID, &id);

	if (err)
		return err;
	mutex_lock(&ns->lock);
	rewire_delegate_purge(ns);
	delegate = xa_load(&ns->delegates, id);
	if (delegate)
		rewire_delegate_delete(ns, delegate);
	mutex_unlock(&ns->lock);
	return delegate ? 0 : rewire_delegate_missing(info);
}

int rewire_nl_delegate_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	int err;

	mutex_lock(&ns->lock);
	rewire_delegate_purge(ns);
	mutex_unlock(&ns->lock);
	err = rewire_numbered_get(info, &ns->delegates, REWIRE_A_DELEGATE_ID,
				  rewire_delegate_fill);
	return err == -ENOENT ? rewire_delegate_missing(info) : err;
}

int rewire_nl_delegate_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct rewire_net *ns = rewire_net(sock_net(skb->sk));
	int length;

	mutex_lock(&ns->lock);
	rewire_delegate_purge(ns);
	length = rewire_numbered_dump(skb, cb, &ns->delegates, REWIRE_CMD_DELEGATE_GET,
				      rewire_delegate_fill);
	mutex_unlock(&ns->lock);
	return length;
}

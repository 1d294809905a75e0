// SPDX-License-Identifier: GPL-2.0
/* Netlink operations on limits. */
#include "attach.h"
#include "event.h"
#include "limit.h"
#include "netlink.h"

/* Virtual networks that limits may be set for. */
#define REWIRE_LIMITS_MAX	65536U

/* Which limits a request is about; with all, the number is none. */
static int rewire_limit_key(struct genl_info *info, bool *all, u32 *vni)
{
	*all = info->attrs[REWIRE_A_LIMIT_ALL];
	if (*all == !!info->attrs[REWIRE_A_LIMIT_VNI]) {
		GENL_SET_ERR_MSG(info, "Either a virtual network or all has to be given");
		return -EINVAL;
	}
	*vni = *all ? 0 : nla_get_u32(info->attrs[REWIRE_A_LIMIT_VNI]);
	return 0;
}

static void rewire_get_limit(struct genl_info *info, int attribute, u32 *value)
{
	if (info->attrs[attribute])
		*value = nla_get_u32(info->attrs[attribute]);
}

/*
 * Without these, what the namespace may have in memory would have no bound. What packets take
 * is on nobody's account, so who is not the host's may have no more of it than by default.
 */
static int rewire_check_bounded(struct genl_info *info, const struct rewire_net *ns)
{
	const struct rewire_limits *most = &rewire_limits_default;
	const struct {
		int attribute;
		u64 most;
	} needed[] = {
		{ REWIRE_A_LIMIT_FLOWS_HARD, U32_MAX },
		{ REWIRE_A_LIMIT_HOLDS, most->holds },
		{ REWIRE_A_LIMIT_HELD_PACKETS, most->held_packets },
		{ REWIRE_A_LIMIT_HELD_BYTES, most->held_bytes },
	};
	struct nlattr *attribute;
	unsigned int i;
	u64 value;

	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		attribute = info->attrs[needed[i].attribute];
		if (!attribute)
			continue;
		value = nla_len(attribute) == sizeof(u64) ? nla_get_u64(attribute) :
							    nla_get_u32(attribute);
		if (!value) {
			NL_SET_ERR_MSG_ATTR(info->extack, attribute,
					    "The namespace as a whole needs this limit");
			return -EINVAL;
		}
		if (value > needed[i].most && ns->net->user_ns != &init_user_ns) {
			NL_SET_ERR_MSG_ATTR(info->extack, attribute,
					    "A user namespace has no more of this than by default");
			return -EPERM;
		}
	}
	return 0;
}

/* What is there, with what the request changes. */
static int rewire_get_limits(struct genl_info *info, struct rewire_limits *may)
{
	struct nlattr *soft = info->attrs[REWIRE_A_LIMIT_FLOWS_SOFT];
	struct nlattr *hard = info->attrs[REWIRE_A_LIMIT_FLOWS_HARD];

	rewire_get_limit(info, REWIRE_A_LIMIT_FLOWS_SOFT, &may->flows_soft);
	if (hard)
		may->flows_hard = nla_get_u32(hard);
	else if (soft)
		may->flows_hard = may->flows_soft;
	rewire_get_limit(info, REWIRE_A_LIMIT_RATE, &may->rate);
	rewire_get_limit(info, REWIRE_A_LIMIT_BURST, &may->burst);
	rewire_get_limit(info, REWIRE_A_LIMIT_HOLDS, &may->holds);
	rewire_get_limit(info, REWIRE_A_LIMIT_HELD_PACKETS, &may->held_packets);
	rewire_get_limit(info, REWIRE_A_LIMIT_UDP_SHARE, &may->udp_share);
	if (info->attrs[REWIRE_A_LIMIT_HELD_BYTES])
		may->held_bytes = nla_get_u64(info->attrs[REWIRE_A_LIMIT_HELD_BYTES]);

	if (may->flows_soft > may->flows_hard) {
		NL_SET_ERR_MSG_ATTR(info->extack, soft ?: hard,
				    "The soft limit is beyond the hard one");
		return -EINVAL;
	}
	if (may->burst && !may->rate && info->attrs[REWIRE_A_LIMIT_BURST]) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[REWIRE_A_LIMIT_BURST],
				    "A burst needs a rate");
		return -EINVAL;
	}
	if (may->udp_share && !may->flows_hard) {
		NL_SET_ERR_MSG(info->extack, "A share of the flows needs a limit of them");
		return -EINVAL;
	}
	return 0;
}

static void rewire_limit_write(struct rewire_quota *limit, const struct rewire_limits *may)
{
	WRITE_ONCE(limit->may.flows_soft, may->flows_soft);
	WRITE_ONCE(limit->may.flows_hard, may->flows_hard);
	WRITE_ONCE(limit->may.rate, may->rate);
	WRITE_ONCE(limit->may.burst, may->burst);
	WRITE_ONCE(limit->may.holds, may->holds);
	WRITE_ONCE(limit->may.held_packets, may->held_packets);
	WRITE_ONCE(limit->may.held_bytes, may->held_bytes);
	WRITE_ONCE(limit->may.udp_share, may->udp_share);
}

static bool rewire_put_limit(struct sk_buff *skb, int attribute, u32 value)
{
	return value && nla_put_u32(skb, attribute, value);
}

static bool rewire_limit_fill_may(struct sk_buff *skb, const struct rewire_limits *may)
{
	u64 bytes = READ_ONCE(may->held_bytes);

	return rewire_put_limit(skb, REWIRE_A_LIMIT_FLOWS_SOFT, READ_ONCE(may->flows_soft)) ||
	       rewire_put_limit(skb, REWIRE_A_LIMIT_FLOWS_HARD, READ_ONCE(may->flows_hard)) ||
	       rewire_put_limit(skb, REWIRE_A_LIMIT_RATE, READ_ONCE(may->rate)) ||
	       rewire_put_limit(skb, REWIRE_A_LIMIT_BURST, READ_ONCE(may->burst)) ||
	       rewire_put_limit(skb, REWIRE_A_LIMIT_HOLDS, READ_ONCE(may->holds)) ||
	       rewire_put_limit(skb, REWIRE_A_LIMIT_HELD_PACKETS,
				READ_ONCE(may->held_packets)) ||
	       rewire_put_limit(skb, REWIRE_A_LIMIT_UDP_SHARE, READ_ONCE(may->udp_share)) ||
	       (bytes && nla_put_u64_64bit(skb, REWIRE_A_LIMIT_HELD_BYTES, bytes,
					   REWIRE_A_LIMIT_PAD));
}

static bool rewire_put_count(struct sk_buff *skb, int attribute, const atomic64_t *count)
{
	return nla_put_u64_64bit(skb, attribute, atomic64_read(count), REWIRE_A_LIMIT_PAD);
}

static bool rewire_limit_fill_use(struct sk_buff *skb, const struct rewire_quota *limit)
{
	return nla_put_u32(skb, REWIRE_A_LIMIT_FLOWS, atomic_read(&limit->flows)) ||
	       nla_put_u32(skb, REWIRE_A_LIMIT_UDP_FLOWS, atomic_read(&limit->udp_flows)) ||
	       nla_put_u32(skb, REWIRE_A_LIMIT_USED_HOLDS, atomic_read(&limit->holds)) ||
	       nla_put_u32(skb, REWIRE_A_LIMIT_USED_HELD_PACKETS,
			   atomic_read(&limit->held_packets)) ||
	       rewire_put_count(skb, REWIRE_A_LIMIT_USED_HELD_BYTES, &limit->held_bytes) ||
	       rewire_put_count(skb, REWIRE_A_LIMIT_REFUSED_FLOWS,
				&limit->refused[REWIRE_REFUSED_FLOWS]) ||
	       rewire_put_count(skb, REWIRE_A_LIMIT_REFUSED_UDP,
				&limit->refused[REWIRE_REFUSED_UDP]) ||
	       rewire_put_count(skb, REWIRE_A_LIMIT_REFUSED_RATE,
				&limit->refused[REWIRE_REFUSED_RATE]) ||
	       rewire_put_count(skb, REWIRE_A_LIMIT_REFUSED_HELD,
				&limit->refused[REWIRE_REFUSED_HELD]) ||
	       rewire_put_count(skb, REWIRE_A_LIMIT_EVICTED, &limit->evicted) ||
	       rewire_put_count(skb, REWIRE_A_LIMIT_EARLY, &limit->early);
}

static int rewire_limit_fill(struct sk_buff *skb, const void *object)
{
	const struct rewire_quota *limit = object;

	if ((limit->all ? nla_put_flag(skb, REWIRE_A_LIMIT_ALL) :
			  nla_put_u32(skb, REWIRE_A_LIMIT_VNI, limit->vni)) ||
	    (READ_ONCE(limit->set) && nla_put_flag(skb, REWIRE_A_LIMIT_SET)) ||
	    rewire_limit_fill_may(skb, &limit->may) || rewire_limit_fill_use(skb, limit))
		return -EMSGSIZE;
	return 0;
}

/* Tell who watches. */
static void rewire_limit_tell(struct rewire_net *ns, const struct rewire_quota *limit,
			      enum rewire_config_change change)
{
	rewire_event_config(ns, REWIRE_CMD_LIMIT_NTF, change, rewire_limit_fill, limit);
}

static int rewire_limit_change(struct genl_info *info, struct rewire_quota *limit)
{
	struct rewire_limits may = limit->may;
	int err = rewire_get_limits(info, &may);

	if (err)
		return err;
	if (limit->all && !may.flows_hard) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[REWIRE_A_LIMIT_FLOWS_SOFT],
				    "The namespace as a whole needs this limit");
		return -EINVAL;
	}
	/* How full a bucket is was reckoned by the old rate. */
	if (may.rate != limit->may.rate || may.burst != limit->may.burst)
		atomic64_set(&limit->bucket, 0);
	rewire_limit_write(limit, &may);
	return 0;
}

/* The first request takes a reference that the last one lets go of. */
static int rewire_limit_set_vni(struct genl_info *info, struct rewire_net *ns, u32 vni)
{
	struct rewire_quota *limit;
	int err;

	lockdep_assert_held(&ns->lock);
	if (!rewire_attach_has_vni(ns, vni)) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[REWIRE_A_LIMIT_VNI],
				    "No device is attached to this virtual network");
		return -ENOENT;
	}
	rcu_read_lock();
	limit = rewire_limit_get(ns, vni);
	rcu_read_unlock();
	if (!limit)
		return -ENOMEM;
	if (!limit->set && ns->limits_set >= REWIRE_LIMITS_MAX) {
		NL_SET_ERR_MSG(info->extack, "There are as many limits as there may be");
		err = -ENOSPC;
	} else {
		err = rewire_limit_change(info, limit);
	}
	if (!err && !limit->set) {
		limit->set = true;
		ns->limits_set++;
		rewire_limit_tell(ns, limit, REWIRE_CONFIG_CHANGE_NEW);
		return 0;
	}
	if (!err)
		rewire_limit_tell(ns, limit, REWIRE_CONFIG_CHANGE_SET);
	rewire_limit_put(ns, limit);
	return err;
}

int rewire_nl_limit_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	bool all;
	u32 vni;
	int err = rewire_limit_key(info, &all, &vni);

	if (!err && all)
		err = rewire_check_bounded(info, ns);
	if (err)
		return err;
	mutex_lock(&ns->lock);
	if (all) {
		err = rewire_limit_change(info, &ns->all);
		ns->all.set |= !err;
		if (!err)
			rewire_limit_tell(ns, &ns->all, REWIRE_CONFIG_CHANGE_SET);
	} else {
		err = rewire_limit_set_vni(info, ns, vni);
	}
	mutex_unlock(&ns->lock);
	return err;
}

static int rewire_limit_missing(struct genl_info *info)
{
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[REWIRE_A_LIMIT_VNI],
			    "This virtual network has no limits");
	return -ENOENT;
}

static void rewire_limit_unset(struct rewire_net *ns, struct rewire_quota *limit)
{
	static const struct rewire_limits none;

	lockdep_assert_held(&ns->lock);
	rewire_limit_write(limit, limit->all ? &rewire_limits_default : &none);
	limit->set = false;
	rewire_limit_tell(ns, limit, limit->all ? REWIRE_CONFIG_CHANGE_SET :
						  REWIRE_CONFIG_CHANGE_DELETE);
	if (limit->all)
		return;
	ns->limits_set--;
	rewire_limit_put(ns, limit);
}

int rewire_nl_limit_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_quota *limit;
	bool all;
	u32 vni;
	int err = rewire_limit_key(info, &all, &vni);

	if (err)
		return err;
	mutex_lock(&ns->lock);
	rcu_read_lock();
	limit = all ? &ns->all : rewire_limit_find(ns, vni);
	/* One that was set cannot go: the reference for that is let go of here. */
	if (!all && !(limit && limit->set))
		err = rewire_limit_missing(info);
	rcu_read_unlock();
	if (!err)
		rewire_limit_unset(ns, limit);
	mutex_unlock(&ns->lock);
	return err;
}

int rewire_nl_limit_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rewire_net *ns = rewire_info_net(info);
	struct rewire_quota *limit;
	struct sk_buff *reply;
	void *header;
	bool all;
	u32 vni;
	int err = rewire_limit_key(info, &all, &vni);

	if (err)
		return err;
	reply = rewire_reply_new(info, NLMSG_DEFAULT_SIZE, &header);
	if (!reply)
		return -ENOMEM;
	rcu_read_lock();
	limit = all ? &ns->all : rewire_limit_find(ns, vni);
	err = limit ? rewire_limit_fill(reply, limit) : rewire_limit_missing(info);
	rcu_read_unlock();
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	return rewire_reply_send(info, reply, header);
}

static bool rewire_limit_dump_one(struct sk_buff *skb, struct netlink_callback *cb,
				  const struct rewire_quota *limit)
{
	void *header;

	header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			     &rewire_family, NLM_F_MULTI, REWIRE_CMD_LIMIT_GET);
	if (!header)
		return false;
	if (rewire_limit_fill(skb, limit)) {
		genlmsg_cancel(skb, header);
		return false;
	}
	genlmsg_end(skb, header);
	return true;
}

/* The namespace's first, then those of virtual networks by number. */
int rewire_nl_limit_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct rewire_net *ns = rewire_net(sock_net(skb->sk));
	struct rewire_quota *limit;
	unsigned long vni;

	if (!cb->args[0]) {
		if (!rewire_limit_dump_one(skb, cb, &ns->all))
			return skb->len;
		cb->args[0] = 1;
	}
	rcu_read_lock();
	xa_for_each_start(&ns->limits, vni, limit, cb->args[0] - 1) {
		if (!rewire_limit_dump_one(skb, cb, limit))
			break;
		cb->args[0] = vni + 2;
	}
	rcu_read_unlock();
	return skb->len;
}

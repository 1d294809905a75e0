/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/rewire.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_REWIRE_GEN_H
#define _LINUX_REWIRE_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/rewire.h>

/* Common nested types */
extern const struct nla_policy rewire_copies_nl_policy[REWIRE_A_COPIES_COPY + 1];
extern const struct nla_policy rewire_copy_nl_policy[REWIRE_A_FLOW_REPLY_TUNNEL + 1];
extern const struct nla_policy rewire_counters_nl_policy[REWIRE_A_COUNTERS_BYTES + 1];
extern const struct nla_policy rewire_flow_filter_nl_policy[REWIRE_A_FLOW_FILTER_AGE_MAX + 1];
extern const struct nla_policy rewire_flow_match_nl_policy[REWIRE_A_FLOW_MATCH_DPORT_MAX + 1];
extern const struct nla_policy rewire_flow_past_nl_policy[REWIRE_A_FLOW_REPLY_TRACKING + 1];
extern const struct nla_policy rewire_flow_spec_nl_policy[REWIRE_A_FLOW_COPIES + 1];
extern const struct nla_policy rewire_oddity_nl_policy[REWIRE_A_ODDITY_PINNED + 1];
extern const struct nla_policy rewire_timeouts_nl_policy[REWIRE_A_TIMEOUTS_OTHER_REPLIED + 1];
extern const struct nla_policy rewire_tracking_nl_policy[REWIRE_A_TRACKING_SYN + 1];
extern const struct nla_policy rewire_tunnel_nl_policy[REWIRE_A_TUNNEL_LLADDR + 1];
extern const struct nla_policy rewire_tuple_nl_policy[REWIRE_A_TUPLE_DPORT + 1];
extern const struct nla_policy rewire_verdict_nl_policy[REWIRE_A_VERDICT_REJECT + 1];

extern const struct nla_policy rewire_attach_add_nl_policy[REWIRE_A_ATTACH_TUNNEL + 1];

extern const struct nla_policy rewire_attach_del_nl_policy[REWIRE_A_ATTACH_LOCAL + 1];

extern const struct nla_policy rewire_attach_get_nl_policy[REWIRE_A_ATTACH_LOCAL + 1];

extern const struct nla_policy rewire_address_add_nl_policy[REWIRE_A_ADDRESS_LEN + 1];

extern const struct nla_policy rewire_address_del_nl_policy[REWIRE_A_ADDRESS_LEN + 1];

extern const struct nla_policy rewire_address_get_nl_policy[REWIRE_A_ADDRESS_LEN + 1];

extern const struct nla_policy rewire_rule_add_nl_policy[REWIRE_A_RULE_VIA_VNI + 1];

extern const struct nla_policy rewire_rule_del_nl_policy[REWIRE_A_RULE_ID + 1];

extern const struct nla_policy rewire_rule_get_nl_policy[REWIRE_A_RULE_ID + 1];

extern const struct nla_policy rewire_limit_set_nl_policy[REWIRE_A_LIMIT_UDP_SHARE + 1];

extern const struct nla_policy rewire_limit_del_nl_policy[REWIRE_A_LIMIT_ALL + 1];

extern const struct nla_policy rewire_limit_get_nl_policy[REWIRE_A_LIMIT_ALL + 1];

extern const struct nla_policy rewire_target_set_nl_policy[REWIRE_A_TARGET_STATE + 1];

extern const struct nla_policy rewire_target_del_nl_policy[REWIRE_A_TARGET_ID + 1];

extern const struct nla_policy rewire_target_get_nl_policy[REWIRE_A_TARGET_ID + 1];

extern const struct nla_policy rewire_policy_set_nl_policy[REWIRE_A_POLICY_TIMEOUTS + 1];

extern const struct nla_policy rewire_policy_del_nl_policy[REWIRE_A_POLICY_ID + 1];

extern const struct nla_policy rewire_policy_get_nl_policy[REWIRE_A_POLICY_ID + 1];

extern const struct nla_policy rewire_flow_add_nl_policy[REWIRE_A_FLOW_MESSAGE_PAST + 1];

extern const struct nla_policy rewire_flow_del_nl_policy[REWIRE_A_FLOW_MESSAGE_KEY + 1];

extern const struct nla_policy rewire_flow_get_nl_policy[REWIRE_A_FLOW_MESSAGE_TRACKING + 1];

extern const struct nla_policy rewire_flow_flush_nl_policy[REWIRE_A_FLOW_MESSAGE_FILTER + 1];

extern const struct nla_policy rewire_flow_count_nl_policy[REWIRE_A_FLOW_MESSAGE_FILTER + 1];

extern const struct nla_policy rewire_flow_top_nl_policy[REWIRE_A_TOP_LIMIT + 1];

extern const struct nla_policy rewire_change_get_nl_policy[REWIRE_A_CHANGE_VERSION + 1];

extern const struct nla_policy rewire_punt_listen_nl_policy[REWIRE_A_PUNT_BATCH_NETWORK + 1];

extern const struct nla_policy rewire_punt_get_nl_policy[REWIRE_A_PUNT_BATCH_ID + 1];

extern const struct nla_policy rewire_suspicion_get_nl_policy[REWIRE_A_SUSPICION_ALL + 1];

extern const struct nla_policy rewire_suspicion_set_nl_policy[REWIRE_A_SUSPICION_VALUE + 1];

extern const struct nla_policy rewire_verdict_add_nl_policy[REWIRE_A_VERDICT_BATCH_SETTLED + 1];

extern const struct nla_policy rewire_packet_explain_nl_policy[REWIRE_A_EXPLANATION_DF + 1];

extern const struct nla_policy rewire_summary_get_nl_policy[REWIRE_A_SUMMARY_TARGET + 1];

extern const struct nla_policy rewire_stats_get_nl_policy[REWIRE_A_STATS_REASONS + 1];

extern const struct nla_policy rewire_network_set_nl_policy[REWIRE_A_PUNT_BATCH_NETWORK + 1];

extern const struct nla_policy rewire_network_get_nl_policy[REWIRE_A_PUNT_BATCH_NETWORK + 1];

extern const struct nla_policy rewire_delegate_set_nl_policy[REWIRE_A_DELEGATE_DECISION + 1];

extern const struct nla_policy rewire_delegate_del_nl_policy[REWIRE_A_DELEGATE_ID + 1];

extern const struct nla_policy rewire_delegate_get_nl_policy[REWIRE_A_DELEGATE_ID + 1];

/* Ops table for rewire */
extern const struct genl_ops rewire_nl_ops[38];

int rewire_nl_attach_add_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_attach_del_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_attach_get_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_attach_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int rewire_nl_address_add_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_address_del_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_address_get_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_address_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);
int rewire_nl_rule_add_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_rule_del_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_rule_get_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_rule_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int rewire_nl_limit_set_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_limit_del_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_limit_get_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_limit_get_dumpit(struct sk_buff *skb,
			       struct netlink_callback *cb);
int rewire_nl_target_set_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_target_del_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_target_get_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_target_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int rewire_nl_policy_set_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_policy_del_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_policy_get_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_policy_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int rewire_nl_flow_add_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_flow_del_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_flow_get_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_flow_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int rewire_nl_flow_flush_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_flow_count_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_flow_top_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_change_get_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_change_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int rewire_nl_punt_listen_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_punt_get_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_punt_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int rewire_nl_suspicion_get_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_suspicion_set_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_verdict_add_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_packet_explain_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_summary_get_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_summary_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);
int rewire_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_network_set_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_network_get_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_network_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);
int rewire_nl_delegate_set_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_delegate_del_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_delegate_get_doit(struct sk_buff *skb, struct genl_info *info);
int rewire_nl_delegate_get_dumpit(struct sk_buff *skb,
				  struct netlink_callback *cb);

enum {
	REWIRE_NLGRP_FLOW,
	REWIRE_NLGRP_PUNT,
	REWIRE_NLGRP_CONFIG,
};

#endif /* _LINUX_REWIRE_GEN_H */

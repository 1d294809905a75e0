// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/rewire.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink-gen.h"

#include <uapi/linux/rewire.h>

/* Integer value ranges */
static const struct netlink_range_validation rewire_a_attach_vni_range = {
	.max	= REWIRE_VNI_MAX,
};

static const struct netlink_range_validation rewire_a_tunnel_id_range = {
	.max	= REWIRE_VNI_MAX,
};

static const struct netlink_range_validation rewire_a_address_vni_range = {
	.max	= REWIRE_VNI_MAX,
};

static const struct netlink_range_validation rewire_a_tuple_vni_range = {
	.max	= REWIRE_VNI_MAX,
};

static const struct netlink_range_validation rewire_a_rule_vni_range = {
	.max	= REWIRE_VNI_MAX,
};

static const struct netlink_range_validation rewire_a_rule_via_vni_range = {
	.max	= REWIRE_VNI_MAX,
};

static const struct netlink_range_validation rewire_a_limit_vni_range = {
	.max	= REWIRE_VNI_MAX,
};

static const struct netlink_range_validation rewire_a_limit_flows_soft_range = {
	.max	= S32_MAX,
};

static const struct netlink_range_validation rewire_a_limit_flows_hard_range = {
	.max	= S32_MAX,
};

static const struct netlink_range_validation rewire_a_limit_rate_range = {
	.max	= 1000000000ULL,
};

static const struct netlink_range_validation rewire_a_limit_holds_range = {
	.max	= S32_MAX,
};

static const struct netlink_range_validation rewire_a_limit_held_packets_range = {
	.max	= S32_MAX,
};

static const struct netlink_range_validation rewire_a_limit_held_bytes_range = {
	.max	= S64_MAX,
};

static const struct netlink_range_validation rewire_a_timeouts_tcp_unreplied_range = {
	.min	= 1ULL,
	.max	= 864000000ULL,
};

static const struct netlink_range_validation rewire_a_timeouts_tcp_syn_sent_range = {
	.min	= 1ULL,
	.max	= 864000000ULL,
};

static const struct netlink_range_validation rewire_a_timeouts_tcp_syn_received_range = {
	.min	= 1ULL,
	.max	= 864000000ULL,
};

static const struct netlink_range_validation rewire_a_timeouts_tcp_established_range = {
	.min	= 1ULL,
	.max	= 864000000ULL,
};

static const struct netlink_range_validation rewire_a_timeouts_tcp_fin_wait_range = {
	.min	= 1ULL,
	.max	= 864000000ULL,
};

static const struct netlink_range_validation rewire_a_timeouts_tcp_last_ack_range = {
	.min	= 1ULL,
	.max	= 864000000ULL,
};

static const struct netlink_range_validation rewire_a_timeouts_tcp_time_wait_range = {
	.min	= 1ULL,
	.max	= 864000000ULL,
};

static const struct netlink_range_validation rewire_a_timeouts_tcp_closed_range = {
	.min	= 1ULL,
	.max	= 864000000ULL,
};

static const struct netlink_range_validation rewire_a_timeouts_udp_unreplied_range = {
	.min	= 1ULL,
	.max	= 864000000ULL,
};

static const struct netlink_range_validation rewire_a_timeouts_udp_replied_range = {
	.min	= 1ULL,
	.max	= 864000000ULL,
};

static const struct netlink_range_validation rewire_a_timeouts_icmp_range = {
	.min	= 1ULL,
	.max	= 864000000ULL,
};

static const struct netlink_range_validation rewire_a_timeouts_other_unreplied_range = {
	.min	= 1ULL,
	.max	= 864000000ULL,
};

static const struct netlink_range_validation rewire_a_timeouts_other_replied_range = {
	.min	= 1ULL,
	.max	= 864000000ULL,
};

static const struct netlink_range_validation rewire_a_policy_mss_range = {
	.max	= 65535ULL,
};

static const struct netlink_range_validation rewire_a_delegate_from_range = {
	.max	= 16777215ULL,
};

static const struct netlink_range_validation rewire_a_delegate_vni_range = {
	.max	= 16777215ULL,
};

static const struct netlink_range_validation rewire_a_tracking_window_range = {
	.max	= 65535ULL,
};

static const struct netlink_range_validation rewire_a_flow_match_vni_range = {
	.max	= REWIRE_VNI_MAX,
};

static const struct netlink_range_validation rewire_a_punt_batch_network_range = {
	.max	= REWIRE_VNI_MAX,
};

static const struct netlink_range_validation rewire_a_oddity_weight_range = {
	.max	= 16777215ULL,
};

static const struct netlink_range_validation rewire_a_suspicion_interval_range = {
	.min	= 100ULL,
	.max	= 3600000ULL,
};

static const struct netlink_range_validation rewire_a_verdict_lifetime_range = {
	.max	= 3600000ULL,
};

static const struct netlink_range_validation rewire_a_explanation_vni_range = {
	.max	= REWIRE_VNI_MAX,
};

static const struct netlink_range_validation rewire_a_explanation_length_range = {
	.min	= 1ULL,
	.max	= 65535ULL,
};

static const struct netlink_range_validation rewire_a_summary_vni_range = {
	.max	= REWIRE_VNI_MAX,
};

/* Common nested types */
const struct nla_policy rewire_copies_nl_policy[REWIRE_A_COPIES_COPY + 1] = {
	[REWIRE_A_COPIES_COPY] = NLA_POLICY_NESTED(rewire_copy_nl_policy),
};

const struct nla_policy rewire_copy_nl_policy[REWIRE_A_FLOW_REPLY_TUNNEL + 1] = {
	[REWIRE_A_FLOW_REPLY] = NLA_POLICY_NESTED(rewire_tuple_nl_policy),
	[REWIRE_A_FLOW_REPLY_IFINDEX] = { .type = NLA_U32, },
	[REWIRE_A_FLOW_REPLY_TUNNEL] = NLA_POLICY_NESTED(rewire_tunnel_nl_policy),
	[REWIRE_A_FLOW_ORIG_COUNTERS] = NLA_POLICY_NESTED(rewire_counters_nl_policy),
};

const struct nla_policy rewire_counters_nl_policy[REWIRE_A_COUNTERS_BYTES + 1] = {
	[REWIRE_A_COUNTERS_PACKETS] = { .type = NLA_U64, },
	[REWIRE_A_COUNTERS_BYTES] = { .type = NLA_U64, },
};

const struct nla_policy rewire_flow_filter_nl_policy[REWIRE_A_FLOW_FILTER_AGE_MAX + 1] = {
	[REWIRE_A_FLOW_FILTER_ORIG] = NLA_POLICY_NESTED(rewire_flow_match_nl_policy),
	[REWIRE_A_FLOW_FILTER_REPLY] = NLA_POLICY_NESTED(rewire_flow_match_nl_policy),
	[REWIRE_A_FLOW_FILTER_STATE] = NLA_POLICY_MAX(NLA_U32, 8),
	[REWIRE_A_FLOW_FILTER_POLICY] = { .type = NLA_U32, },
	[REWIRE_A_FLOW_FILTER_TARGET] = { .type = NLA_U32, },
	[REWIRE_A_FLOW_FILTER_ACTION] = NLA_POLICY_MAX(NLA_U32, 2),
	[REWIRE_A_FLOW_FILTER_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[REWIRE_A_FLOW_FILTER_IDLE_MIN] = { .type = NLA_U64, },
	[REWIRE_A_FLOW_FILTER_IDLE_MAX] = { .type = NLA_U64, },
	[REWIRE_A_FLOW_FILTER_AGE_MIN] = { .type = NLA_U64, },
	[REWIRE_A_FLOW_FILTER_AGE_MAX] = { .type = NLA_U64, },
};

const struct nla_policy rewire_flow_match_nl_policy[REWIRE_A_FLOW_MATCH_DPORT_MAX + 1] = {
	[REWIRE_A_FLOW_MATCH_VNI] = NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_flow_match_vni_range),
	[REWIRE_A_FLOW_MATCH_PROTOCOL] = { .type = NLA_U8, },
	[REWIRE_A_FLOW_MATCH_SRC] = { .type = NLA_BINARY, },
	[REWIRE_A_FLOW_MATCH_SRC_LEN] = NLA_POLICY_MAX(NLA_U8, 128),
	[REWIRE_A_FLOW_MATCH_DST] = { .type = NLA_BINARY, },
	[REWIRE_A_FLOW_MATCH_DST_LEN] = NLA_POLICY_MAX(NLA_U8, 128),
	[REWIRE_A_FLOW_MATCH_SPORT_MIN] = { .type = NLA_U16, },
	[REWIRE_A_FLOW_MATCH_SPORT_MAX] = { .type = NLA_U16, },
	[REWIRE_A_FLOW_MATCH_DPORT_MIN] = { .type = NLA_U16, },
	[REWIRE_A_FLOW_MATCH_DPORT_MAX] = { .type = NLA_U16, },
};

const struct nla_policy rewire_flow_past_nl_policy[REWIRE_A_FLOW_REPLY_TRACKING + 1] = {
	[REWIRE_A_FLOW_STATE] = NLA_POLICY_MAX(NLA_U32, 8),
	[REWIRE_A_FLOW_AGE] = { .type = NLA_U64, },
	[REWIRE_A_FLOW_IDLE] = { .type = NLA_U64, },
	[REWIRE_A_FLOW_ORIG_COUNTERS] = NLA_POLICY_NESTED(rewire_counters_nl_policy),
	[REWIRE_A_FLOW_REPLY_COUNTERS] = NLA_POLICY_NESTED(rewire_counters_nl_policy),
	[REWIRE_A_FLOW_ORIG_TRACKING] = NLA_POLICY_NESTED(rewire_tracking_nl_policy),
	[REWIRE_A_FLOW_REPLY_TRACKING] = NLA_POLICY_NESTED(rewire_tracking_nl_policy),
};

const struct nla_policy rewire_flow_spec_nl_policy[REWIRE_A_FLOW_COPIES + 1] = {
	[REWIRE_A_FLOW_ORIG] = NLA_POLICY_NESTED(rewire_tuple_nl_policy),
	[REWIRE_A_FLOW_REPLY] = NLA_POLICY_NESTED(rewire_tuple_nl_policy),
	[REWIRE_A_FLOW_POLICY] = { .type = NLA_U32, },
	[REWIRE_A_FLOW_TARGET] = { .type = NLA_U32, },
	[REWIRE_A_FLOW_DECISION] = { .type = NLA_U64, },
	[REWIRE_A_FLOW_TIMEOUT] = NLA_POLICY_MIN(NLA_U32, 1),
	[REWIRE_A_FLOW_ORIG_IFINDEX] = { .type = NLA_U32, },
	[REWIRE_A_FLOW_REPLY_IFINDEX] = { .type = NLA_U32, },
	[REWIRE_A_FLOW_ONE_WAY] = { .type = NLA_FLAG, },
	[REWIRE_A_FLOW_ORIG_TUNNEL] = NLA_POLICY_NESTED(rewire_tunnel_nl_policy),
	[REWIRE_A_FLOW_REPLY_TUNNEL] = NLA_POLICY_NESTED(rewire_tunnel_nl_policy),
	[REWIRE_A_FLOW_DSCP] = NLA_POLICY_MAX(NLA_U8, 63),
	[REWIRE_A_FLOW_HOPS] = NLA_POLICY_MAX(NLA_U32, 2),
	[REWIRE_A_FLOW_HOP_LIMIT] = NLA_POLICY_MIN(NLA_U8, 1),
	[REWIRE_A_FLOW_PACKET_RATE] = NLA_POLICY_MIN(NLA_U32, 1),
	[REWIRE_A_FLOW_BYTE_RATE] = NLA_POLICY_MIN(NLA_U32, 1),
	[REWIRE_A_FLOW_BURST] = NLA_POLICY_MIN(NLA_U32, 1),
	[REWIRE_A_FLOW_COPIES] = NLA_POLICY_NESTED(rewire_copies_nl_policy),
};

const struct nla_policy rewire_oddity_nl_policy[REWIRE_A_ODDITY_PINNED + 1] = {
	[REWIRE_A_ODDITY_ATTRIBUTE] = NLA_POLICY_MAX(NLA_U32, 12),
	[REWIRE_A_ODDITY_NUMBER] = NLA_POLICY_RANGE(NLA_U32, 1, 15),
	[REWIRE_A_ODDITY_SEEN] = { .type = NLA_U32, },
	[REWIRE_A_ODDITY_WEIGHT] = NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_oddity_weight_range),
	[REWIRE_A_ODDITY_PINNED] = { .type = NLA_FLAG, },
};

const struct nla_policy rewire_timeouts_nl_policy[REWIRE_A_TIMEOUTS_OTHER_REPLIED + 1] = {
	[REWIRE_A_TIMEOUTS_TCP_UNREPLIED] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_timeouts_tcp_unreplied_range),
	[REWIRE_A_TIMEOUTS_TCP_SYN_SENT] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_timeouts_tcp_syn_sent_range),
	[REWIRE_A_TIMEOUTS_TCP_SYN_RECEIVED] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_timeouts_tcp_syn_received_range),
	[REWIRE_A_TIMEOUTS_TCP_ESTABLISHED] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_timeouts_tcp_established_range),
	[REWIRE_A_TIMEOUTS_TCP_FIN_WAIT] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_timeouts_tcp_fin_wait_range),
	[REWIRE_A_TIMEOUTS_TCP_LAST_ACK] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_timeouts_tcp_last_ack_range),
	[REWIRE_A_TIMEOUTS_TCP_TIME_WAIT] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_timeouts_tcp_time_wait_range),
	[REWIRE_A_TIMEOUTS_TCP_CLOSED] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_timeouts_tcp_closed_range),
	[REWIRE_A_TIMEOUTS_UDP_UNREPLIED] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_timeouts_udp_unreplied_range),
	[REWIRE_A_TIMEOUTS_UDP_REPLIED] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_timeouts_udp_replied_range),
	[REWIRE_A_TIMEOUTS_ICMP] = NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_timeouts_icmp_range),
	[REWIRE_A_TIMEOUTS_OTHER_UNREPLIED] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_timeouts_other_unreplied_range),
	[REWIRE_A_TIMEOUTS_OTHER_REPLIED] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_timeouts_other_replied_range),
};

const struct nla_policy rewire_tracking_nl_policy[REWIRE_A_TRACKING_SYN + 1] = {
	[REWIRE_A_TRACKING_END] = { .type = NLA_U32, },
	[REWIRE_A_TRACKING_ACK] = { .type = NLA_U32, },
	[REWIRE_A_TRACKING_WINDOW] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_tracking_window_range),
	[REWIRE_A_TRACKING_SCALE] = { .type = NLA_U8, },
	[REWIRE_A_TRACKING_FIN] = { .type = NLA_FLAG, },
	[REWIRE_A_TRACKING_LAST_FIN] = { .type = NLA_FLAG, },
	[REWIRE_A_TRACKING_ALIVE] = { .type = NLA_FLAG, },
	[REWIRE_A_TRACKING_SYN] = { .type = NLA_FLAG, },
};

const struct nla_policy rewire_tunnel_nl_policy[REWIRE_A_TUNNEL_LLADDR + 1] = {
	[REWIRE_A_TUNNEL_REMOTE] = { .type = NLA_BINARY, },
	[REWIRE_A_TUNNEL_ID] = NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_tunnel_id_range),
	[REWIRE_A_TUNNEL_LLADDR] = NLA_POLICY_EXACT_LEN(6),
};

const struct nla_policy rewire_tuple_nl_policy[REWIRE_A_TUPLE_DPORT + 1] = {
	[REWIRE_A_TUPLE_VNI] = NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_tuple_vni_range),
	[REWIRE_A_TUPLE_PROTOCOL] = { .type = NLA_U8, },
	[REWIRE_A_TUPLE_SRC] = { .type = NLA_BINARY, },
	[REWIRE_A_TUPLE_DST] = { .type = NLA_BINARY, },
	[REWIRE_A_TUPLE_SPORT] = { .type = NLA_U16, },
	[REWIRE_A_TUPLE_DPORT] = { .type = NLA_U16, },
};

const struct nla_policy rewire_verdict_nl_policy[REWIRE_A_VERDICT_REJECT + 1] = {
	[REWIRE_A_VERDICT_PUNT_ID] = { .type = NLA_U64, },
	[REWIRE_A_VERDICT_ACTION] = NLA_POLICY_MAX(NLA_U32, 2),
	[REWIRE_A_VERDICT_FLOW] = NLA_POLICY_NESTED(rewire_flow_spec_nl_policy),
	[REWIRE_A_VERDICT_TUPLE] = NLA_POLICY_NESTED(rewire_tuple_nl_policy),
	[REWIRE_A_VERDICT_LIFETIME] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_verdict_lifetime_range),
	[REWIRE_A_VERDICT_REJECT] = NLA_POLICY_MAX(NLA_U32, 2),
};

/* REWIRE_CMD_ATTACH_ADD - do */
const struct nla_policy rewire_attach_add_nl_policy[REWIRE_A_ATTACH_TUNNEL + 1] = {
	[REWIRE_A_ATTACH_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[REWIRE_A_ATTACH_VNI] = NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_attach_vni_range),
	[REWIRE_A_ATTACH_LOCAL] = { .type = NLA_FLAG, },
	[REWIRE_A_ATTACH_TUNNEL] = { .type = NLA_FLAG, },
};

/* REWIRE_CMD_ATTACH_DEL - do */
const struct nla_policy rewire_attach_del_nl_policy[REWIRE_A_ATTACH_LOCAL + 1] = {
	[REWIRE_A_ATTACH_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[REWIRE_A_ATTACH_LOCAL] = { .type = NLA_FLAG, },
};

/* REWIRE_CMD_ATTACH_GET - do */
const struct nla_policy rewire_attach_get_nl_policy[REWIRE_A_ATTACH_LOCAL + 1] = {
	[REWIRE_A_ATTACH_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[REWIRE_A_ATTACH_LOCAL] = { .type = NLA_FLAG, },
};

/* REWIRE_CMD_ADDRESS_ADD - do */
const struct nla_policy rewire_address_add_nl_policy[REWIRE_A_ADDRESS_LEN + 1] = {
	[REWIRE_A_ADDRESS_VNI] = NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_address_vni_range),
	[REWIRE_A_ADDRESS_ADDRESS] = { .type = NLA_BINARY, },
	[REWIRE_A_ADDRESS_LEN] = NLA_POLICY_MAX(NLA_U8, 128),
};

/* REWIRE_CMD_ADDRESS_DEL - do */
const struct nla_policy rewire_address_del_nl_policy[REWIRE_A_ADDRESS_LEN + 1] = {
	[REWIRE_A_ADDRESS_VNI] = NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_address_vni_range),
	[REWIRE_A_ADDRESS_ADDRESS] = { .type = NLA_BINARY, },
	[REWIRE_A_ADDRESS_LEN] = NLA_POLICY_MAX(NLA_U8, 128),
};

/* REWIRE_CMD_ADDRESS_GET - do */
const struct nla_policy rewire_address_get_nl_policy[REWIRE_A_ADDRESS_LEN + 1] = {
	[REWIRE_A_ADDRESS_VNI] = NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_address_vni_range),
	[REWIRE_A_ADDRESS_ADDRESS] = { .type = NLA_BINARY, },
	[REWIRE_A_ADDRESS_LEN] = NLA_POLICY_MAX(NLA_U8, 128),
};

/* REWIRE_CMD_RULE_ADD - do */
const struct nla_policy rewire_rule_add_nl_policy[REWIRE_A_RULE_VIA_VNI + 1] = {
	[REWIRE_A_RULE_VNI] = NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_rule_vni_range),
	[REWIRE_A_RULE_FAMILY] = { .type = NLA_U8, },
	[REWIRE_A_RULE_DST] = { .type = NLA_BINARY, },
	[REWIRE_A_RULE_DST_LEN] = NLA_POLICY_MAX(NLA_U8, 128),
	[REWIRE_A_RULE_SRC] = { .type = NLA_BINARY, },
	[REWIRE_A_RULE_SRC_LEN] = NLA_POLICY_MAX(NLA_U8, 128),
	[REWIRE_A_RULE_PROTOCOL] = { .type = NLA_U8, },
	[REWIRE_A_RULE_DPORT_MIN] = { .type = NLA_U16, },
	[REWIRE_A_RULE_DPORT_MAX] = { .type = NLA_U16, },
	[REWIRE_A_RULE_SPORT_MIN] = { .type = NLA_U16, },
	[REWIRE_A_RULE_SPORT_MAX] = { .type = NLA_U16, },
	[REWIRE_A_RULE_PREFERENCE] = { .type = NLA_U32, },
	[REWIRE_A_RULE_ACTION] = NLA_POLICY_MAX(NLA_U32, 3),
	[REWIRE_A_RULE_POLICY] = { .type = NLA_U32, },
	[REWIRE_A_RULE_HOLD] = NLA_POLICY_MAX(NLA_U32, 1),
	[REWIRE_A_RULE_ORPHAN] = NLA_POLICY_MAX(NLA_U32, 2),
	[REWIRE_A_RULE_VIA] = { .type = NLA_BINARY, },
	[REWIRE_A_RULE_VIA_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[REWIRE_A_RULE_VIA_VNI] = NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_rule_via_vni_range),
};

/* REWIRE_CMD_RULE_DEL - do */
const struct nla_policy rewire_rule_del_nl_policy[REWIRE_A_RULE_ID + 1] = {
	[REWIRE_A_RULE_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* REWIRE_CMD_RULE_GET - do */
const struct nla_policy rewire_rule_get_nl_policy[REWIRE_A_RULE_ID + 1] = {
	[REWIRE_A_RULE_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* REWIRE_CMD_LIMIT_SET - do */
const struct nla_policy rewire_limit_set_nl_policy[REWIRE_A_LIMIT_UDP_SHARE + 1] = {
	[REWIRE_A_LIMIT_VNI] = NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_limit_vni_range),
	[REWIRE_A_LIMIT_ALL] = { .type = NLA_FLAG, },
	[REWIRE_A_LIMIT_FLOWS_SOFT] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_limit_flows_soft_range),
	[REWIRE_A_LIMIT_FLOWS_HARD] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_limit_flows_hard_range),
	[REWIRE_A_LIMIT_RATE] = NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_limit_rate_range),
	[REWIRE_A_LIMIT_BURST] = { .type = NLA_U32, },
	[REWIRE_A_LIMIT_HOLDS] = NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_limit_holds_range),
	[REWIRE_A_LIMIT_HELD_PACKETS] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_limit_held_packets_range),
	[REWIRE_A_LIMIT_HELD_BYTES] =
		NLA_POLICY_FULL_RANGE(NLA_U64, &rewire_a_limit_held_bytes_range),
	[REWIRE_A_LIMIT_UDP_SHARE] = NLA_POLICY_MAX(NLA_U32, 100),
};

/* REWIRE_CMD_LIMIT_DEL - do */
const struct nla_policy rewire_limit_del_nl_policy[REWIRE_A_LIMIT_ALL + 1] = {
	[REWIRE_A_LIMIT_VNI] = NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_limit_vni_range),
	[REWIRE_A_LIMIT_ALL] = { .type = NLA_FLAG, },
};

/* REWIRE_CMD_LIMIT_GET - do */
const struct nla_policy rewire_limit_get_nl_policy[REWIRE_A_LIMIT_ALL + 1] = {
	[REWIRE_A_LIMIT_VNI] = NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_limit_vni_range),
	[REWIRE_A_LIMIT_ALL] = { .type = NLA_FLAG, },
};

/* REWIRE_CMD_TARGET_SET - do */
const struct nla_policy rewire_target_set_nl_policy[REWIRE_A_TARGET_STATE + 1] = {
	[REWIRE_A_TARGET_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[REWIRE_A_TARGET_STATE] = NLA_POLICY_MAX(NLA_U32, 2),
};

/* REWIRE_CMD_TARGET_DEL - do */
const struct nla_policy rewire_target_del_nl_policy[REWIRE_A_TARGET_ID + 1] = {
	[REWIRE_A_TARGET_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* REWIRE_CMD_TARGET_GET - do */
const struct nla_policy rewire_target_get_nl_policy[REWIRE_A_TARGET_ID + 1] = {
	[REWIRE_A_TARGET_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* REWIRE_CMD_POLICY_SET - do */
const struct nla_policy rewire_policy_set_nl_policy[REWIRE_A_POLICY_TIMEOUTS + 1] = {
	[REWIRE_A_POLICY_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[REWIRE_A_POLICY_TCP] = NLA_POLICY_MAX(NLA_U32, 2),
	[REWIRE_A_POLICY_PICKUP] = NLA_POLICY_MAX(NLA_U32, 1),
	[REWIRE_A_POLICY_MSS] = NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_policy_mss_range),
	[REWIRE_A_POLICY_TIMEOUTS] = NLA_POLICY_NESTED(rewire_timeouts_nl_policy),
};

/* REWIRE_CMD_POLICY_DEL - do */
const struct nla_policy rewire_policy_del_nl_policy[REWIRE_A_POLICY_ID + 1] = {
	[REWIRE_A_POLICY_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* REWIRE_CMD_POLICY_GET - do */
const struct nla_policy rewire_policy_get_nl_policy[REWIRE_A_POLICY_ID + 1] = {
	[REWIRE_A_POLICY_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* REWIRE_CMD_FLOW_ADD - do */
const struct nla_policy rewire_flow_add_nl_policy[REWIRE_A_FLOW_MESSAGE_PAST + 1] = {
	[REWIRE_A_FLOW_MESSAGE_SPEC] = NLA_POLICY_NESTED(rewire_flow_spec_nl_policy),
	[REWIRE_A_FLOW_MESSAGE_PAST] = NLA_POLICY_NESTED(rewire_flow_past_nl_policy),
};

/* REWIRE_CMD_FLOW_DEL - do */
const struct nla_policy rewire_flow_del_nl_policy[REWIRE_A_FLOW_MESSAGE_KEY + 1] = {
	[REWIRE_A_FLOW_MESSAGE_KEY] = NLA_POLICY_NESTED(rewire_tuple_nl_policy),
};

/* REWIRE_CMD_FLOW_GET - do */
const struct nla_policy rewire_flow_get_nl_policy[REWIRE_A_FLOW_MESSAGE_TRACKING + 1] = {
	[REWIRE_A_FLOW_MESSAGE_KEY] = NLA_POLICY_NESTED(rewire_tuple_nl_policy),
	[REWIRE_A_FLOW_MESSAGE_FILTER] = NLA_POLICY_NESTED(rewire_flow_filter_nl_policy),
	[REWIRE_A_FLOW_MESSAGE_TRACKING] = { .type = NLA_FLAG, },
};

/* REWIRE_CMD_FLOW_FLUSH - do */
const struct nla_policy rewire_flow_flush_nl_policy[REWIRE_A_FLOW_MESSAGE_FILTER + 1] = {
	[REWIRE_A_FLOW_MESSAGE_FILTER] = NLA_POLICY_NESTED(rewire_flow_filter_nl_policy),
};

/* REWIRE_CMD_FLOW_COUNT - do */
const struct nla_policy rewire_flow_count_nl_policy[REWIRE_A_FLOW_MESSAGE_FILTER + 1] = {
	[REWIRE_A_FLOW_MESSAGE_FILTER] = NLA_POLICY_NESTED(rewire_flow_filter_nl_policy),
};

/* REWIRE_CMD_FLOW_TOP - do */
const struct nla_policy rewire_flow_top_nl_policy[REWIRE_A_TOP_LIMIT + 1] = {
	[REWIRE_A_TOP_FILTER] = NLA_POLICY_NESTED(rewire_flow_filter_nl_policy),
	[REWIRE_A_TOP_GROUP] = NLA_POLICY_MAX(NLA_U32, 6),
	[REWIRE_A_TOP_BY] = NLA_POLICY_MAX(NLA_U32, 2),
	[REWIRE_A_TOP_LIMIT] = NLA_POLICY_RANGE(NLA_U32, 1, REWIRE_TOP_MAX),
};

/* REWIRE_CMD_CHANGE_GET - do */
const struct nla_policy rewire_change_get_nl_policy[REWIRE_A_CHANGE_VERSION + 1] = {
	[REWIRE_A_CHANGE_VERSION] = { .type = NLA_U32, },
};

/* REWIRE_CMD_PUNT_LISTEN - do */
const struct nla_policy rewire_punt_listen_nl_policy[REWIRE_A_PUNT_BATCH_NETWORK + 1] = {
	[REWIRE_A_PUNT_BATCH_VERSION] = { .type = NLA_U32, },
	[REWIRE_A_PUNT_BATCH_NETWORK] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_punt_batch_network_range),
};

/* REWIRE_CMD_PUNT_GET - do */
const struct nla_policy rewire_punt_get_nl_policy[REWIRE_A_PUNT_BATCH_ID + 1] = {
	[REWIRE_A_PUNT_BATCH_ID] = { .type = NLA_U64, },
};

/* REWIRE_CMD_SUSPICION_GET - do */
const struct nla_policy rewire_suspicion_get_nl_policy[REWIRE_A_SUSPICION_ALL + 1] = {
	[REWIRE_A_SUSPICION_ALL] = { .type = NLA_FLAG, },
};

/* REWIRE_CMD_SUSPICION_SET - do */
const struct nla_policy rewire_suspicion_set_nl_policy[REWIRE_A_SUSPICION_VALUE + 1] = {
	[REWIRE_A_SUSPICION_ENABLED] = NLA_POLICY_MAX(NLA_U32, 1),
	[REWIRE_A_SUSPICION_INTERVAL] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_suspicion_interval_range),
	[REWIRE_A_SUSPICION_VALUE] = NLA_POLICY_NESTED(rewire_oddity_nl_policy),
};

/* REWIRE_CMD_VERDICT_ADD - do */
const struct nla_policy rewire_verdict_add_nl_policy[REWIRE_A_VERDICT_BATCH_SETTLED + 1] = {
	[REWIRE_A_VERDICT_BATCH_VERDICT] = NLA_POLICY_NESTED(rewire_verdict_nl_policy),
	[REWIRE_A_VERDICT_BATCH_SETTLED] = { .type = NLA_U64, },
};

/* REWIRE_CMD_PACKET_EXPLAIN - do */
const struct nla_policy rewire_packet_explain_nl_policy[REWIRE_A_EXPLANATION_DF + 1] = {
	[REWIRE_A_EXPLANATION_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[REWIRE_A_EXPLANATION_LOCAL] = { .type = NLA_FLAG, },
	[REWIRE_A_EXPLANATION_VNI] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_explanation_vni_range),
	[REWIRE_A_EXPLANATION_PROTOCOL] = { .type = NLA_U8, },
	[REWIRE_A_EXPLANATION_SRC] = { .type = NLA_BINARY, },
	[REWIRE_A_EXPLANATION_DST] = { .type = NLA_BINARY, },
	[REWIRE_A_EXPLANATION_SPORT] = { .type = NLA_U16, },
	[REWIRE_A_EXPLANATION_DPORT] = { .type = NLA_U16, },
	[REWIRE_A_EXPLANATION_TCP_FLAGS] = { .type = NLA_U8, },
	[REWIRE_A_EXPLANATION_LENGTH] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_explanation_length_range),
	[REWIRE_A_EXPLANATION_HOP_LIMIT] = { .type = NLA_U8, },
	[REWIRE_A_EXPLANATION_DF] = { .type = NLA_FLAG, },
};

/* REWIRE_CMD_SUMMARY_GET - do */
const struct nla_policy rewire_summary_get_nl_policy[REWIRE_A_SUMMARY_TARGET + 1] = {
	[REWIRE_A_SUMMARY_VNI] = NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_summary_vni_range),
	[REWIRE_A_SUMMARY_TARGET] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* REWIRE_CMD_STATS_GET - do */
const struct nla_policy rewire_stats_get_nl_policy[REWIRE_A_STATS_REASONS + 1] = {
	[REWIRE_A_STATS_REASONS] = { .type = NLA_FLAG, },
};

/* REWIRE_CMD_NETWORK_SET - do */
const struct nla_policy rewire_network_set_nl_policy[REWIRE_A_PUNT_BATCH_NETWORK + 1] = {
	[REWIRE_A_PUNT_BATCH_NETWORK] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_punt_batch_network_range),
};

/* REWIRE_CMD_NETWORK_GET - do */
const struct nla_policy rewire_network_get_nl_policy[REWIRE_A_PUNT_BATCH_NETWORK + 1] = {
	[REWIRE_A_PUNT_BATCH_NETWORK] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_punt_batch_network_range),
};

/* REWIRE_CMD_DELEGATE_SET - do */
const struct nla_policy rewire_delegate_set_nl_policy[REWIRE_A_DELEGATE_DECISION + 1] = {
	[REWIRE_A_DELEGATE_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[REWIRE_A_DELEGATE_FROM] = NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_delegate_from_range),
	[REWIRE_A_DELEGATE_VNI] = NLA_POLICY_FULL_RANGE(NLA_U32, &rewire_a_delegate_vni_range),
	[REWIRE_A_DELEGATE_ADDRESS] = { .type = NLA_BINARY, },
	[REWIRE_A_DELEGATE_PORT_MIN] = { .type = NLA_U16, },
	[REWIRE_A_DELEGATE_PORT_MAX] = { .type = NLA_U16, },
	[REWIRE_A_DELEGATE_TO] = { .type = NLA_BINARY, },
	[REWIRE_A_DELEGATE_TO_PORT] = { .type = NLA_U16, },
	[REWIRE_A_DELEGATE_DECISION] = { .type = NLA_U64, },
};

/* REWIRE_CMD_DELEGATE_DEL - do */
const struct nla_policy rewire_delegate_del_nl_policy[REWIRE_A_DELEGATE_ID + 1] = {
	[REWIRE_A_DELEGATE_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* REWIRE_CMD_DELEGATE_GET - do */
const struct nla_policy rewire_delegate_get_nl_policy[REWIRE_A_DELEGATE_ID + 1] = {
	[REWIRE_A_DELEGATE_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* Ops table for rewire */
const struct genl_ops rewire_nl_ops[38] = {
	{
		.cmd		= REWIRE_CMD_ATTACH_ADD,
		.doit		= rewire_nl_attach_add_doit,
		.policy		= rewire_attach_add_nl_policy,
		.maxattr	= REWIRE_A_ATTACH_TUNNEL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_ATTACH_DEL,
		.doit		= rewire_nl_attach_del_doit,
		.policy		= rewire_attach_del_nl_policy,
		.maxattr	= REWIRE_A_ATTACH_LOCAL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_ATTACH_GET,
		.doit		= rewire_nl_attach_get_doit,
		.dumpit		= rewire_nl_attach_get_dumpit,
		.policy		= rewire_attach_get_nl_policy,
		.maxattr	= REWIRE_A_ATTACH_LOCAL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_ADDRESS_ADD,
		.doit		= rewire_nl_address_add_doit,
		.policy		= rewire_address_add_nl_policy,
		.maxattr	= REWIRE_A_ADDRESS_LEN,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_ADDRESS_DEL,
		.doit		= rewire_nl_address_del_doit,
		.policy		= rewire_address_del_nl_policy,
		.maxattr	= REWIRE_A_ADDRESS_LEN,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_ADDRESS_GET,
		.doit		= rewire_nl_address_get_doit,
		.dumpit		= rewire_nl_address_get_dumpit,
		.policy		= rewire_address_get_nl_policy,
		.maxattr	= REWIRE_A_ADDRESS_LEN,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_RULE_ADD,
		.doit		= rewire_nl_rule_add_doit,
		.policy		= rewire_rule_add_nl_policy,
		.maxattr	= REWIRE_A_RULE_VIA_VNI,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_RULE_DEL,
		.doit		= rewire_nl_rule_del_doit,
		.policy		= rewire_rule_del_nl_policy,
		.maxattr	= REWIRE_A_RULE_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_RULE_GET,
		.doit		= rewire_nl_rule_get_doit,
		.dumpit		= rewire_nl_rule_get_dumpit,
		.policy		= rewire_rule_get_nl_policy,
		.maxattr	= REWIRE_A_RULE_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_LIMIT_SET,
		.doit		= rewire_nl_limit_set_doit,
		.policy		= rewire_limit_set_nl_policy,
		.maxattr	= REWIRE_A_LIMIT_UDP_SHARE,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_LIMIT_DEL,
		.doit		= rewire_nl_limit_del_doit,
		.policy		= rewire_limit_del_nl_policy,
		.maxattr	= REWIRE_A_LIMIT_ALL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_LIMIT_GET,
		.doit		= rewire_nl_limit_get_doit,
		.dumpit		= rewire_nl_limit_get_dumpit,
		.policy		= rewire_limit_get_nl_policy,
		.maxattr	= REWIRE_A_LIMIT_ALL,
	},
	{
		.cmd		= REWIRE_CMD_TARGET_SET,
		.doit		= rewire_nl_target_set_doit,
		.policy		= rewire_target_set_nl_policy,
		.maxattr	= REWIRE_A_TARGET_STATE,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_TARGET_DEL,
		.doit		= rewire_nl_target_del_doit,
		.policy		= rewire_target_del_nl_policy,
		.maxattr	= REWIRE_A_TARGET_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_TARGET_GET,
		.doit		= rewire_nl_target_get_doit,
		.dumpit		= rewire_nl_target_get_dumpit,
		.policy		= rewire_target_get_nl_policy,
		.maxattr	= REWIRE_A_TARGET_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_POLICY_SET,
		.doit		= rewire_nl_policy_set_doit,
		.policy		= rewire_policy_set_nl_policy,
		.maxattr	= REWIRE_A_POLICY_TIMEOUTS,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_POLICY_DEL,
		.doit		= rewire_nl_policy_del_doit,
		.policy		= rewire_policy_del_nl_policy,
		.maxattr	= REWIRE_A_POLICY_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_POLICY_GET,
		.doit		= rewire_nl_policy_get_doit,
		.dumpit		= rewire_nl_policy_get_dumpit,
		.policy		= rewire_policy_get_nl_policy,
		.maxattr	= REWIRE_A_POLICY_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_FLOW_ADD,
		.doit		= rewire_nl_flow_add_doit,
		.policy		= rewire_flow_add_nl_policy,
		.maxattr	= REWIRE_A_FLOW_MESSAGE_PAST,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_FLOW_DEL,
		.doit		= rewire_nl_flow_del_doit,
		.policy		= rewire_flow_del_nl_policy,
		.maxattr	= REWIRE_A_FLOW_MESSAGE_KEY,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_FLOW_GET,
		.doit		= rewire_nl_flow_get_doit,
		.dumpit		= rewire_nl_flow_get_dumpit,
		.policy		= rewire_flow_get_nl_policy,
		.maxattr	= REWIRE_A_FLOW_MESSAGE_TRACKING,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_FLOW_FLUSH,
		.doit		= rewire_nl_flow_flush_doit,
		.policy		= rewire_flow_flush_nl_policy,
		.maxattr	= REWIRE_A_FLOW_MESSAGE_FILTER,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_FLOW_COUNT,
		.doit		= rewire_nl_flow_count_doit,
		.policy		= rewire_flow_count_nl_policy,
		.maxattr	= REWIRE_A_FLOW_MESSAGE_FILTER,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_FLOW_TOP,
		.doit		= rewire_nl_flow_top_doit,
		.policy		= rewire_flow_top_nl_policy,
		.maxattr	= REWIRE_A_TOP_LIMIT,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_CHANGE_GET,
		.doit		= rewire_nl_change_get_doit,
		.dumpit		= rewire_nl_change_get_dumpit,
		.policy		= rewire_change_get_nl_policy,
		.maxattr	= REWIRE_A_CHANGE_VERSION,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_PUNT_LISTEN,
		.doit		= rewire_nl_punt_listen_doit,
		.policy		= rewire_punt_listen_nl_policy,
		.maxattr	= REWIRE_A_PUNT_BATCH_NETWORK,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_PUNT_GET,
		.doit		= rewire_nl_punt_get_doit,
		.dumpit		= rewire_nl_punt_get_dumpit,
		.policy		= rewire_punt_get_nl_policy,
		.maxattr	= REWIRE_A_PUNT_BATCH_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_SUSPICION_GET,
		.doit		= rewire_nl_suspicion_get_doit,
		.policy		= rewire_suspicion_get_nl_policy,
		.maxattr	= REWIRE_A_SUSPICION_ALL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_SUSPICION_SET,
		.doit		= rewire_nl_suspicion_set_doit,
		.policy		= rewire_suspicion_set_nl_policy,
		.maxattr	= REWIRE_A_SUSPICION_VALUE,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_VERDICT_ADD,
		.doit		= rewire_nl_verdict_add_doit,
		.policy		= rewire_verdict_add_nl_policy,
		.maxattr	= REWIRE_A_VERDICT_BATCH_SETTLED,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_PACKET_EXPLAIN,
		.doit		= rewire_nl_packet_explain_doit,
		.policy		= rewire_packet_explain_nl_policy,
		.maxattr	= REWIRE_A_EXPLANATION_DF,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_SUMMARY_GET,
		.doit		= rewire_nl_summary_get_doit,
		.dumpit		= rewire_nl_summary_get_dumpit,
		.policy		= rewire_summary_get_nl_policy,
		.maxattr	= REWIRE_A_SUMMARY_TARGET,
	},
	{
		.cmd		= REWIRE_CMD_STATS_GET,
		.doit		= rewire_nl_stats_get_doit,
		.policy		= rewire_stats_get_nl_policy,
		.maxattr	= REWIRE_A_STATS_REASONS,
	},
	{
		.cmd		= REWIRE_CMD_NETWORK_SET,
		.doit		= rewire_nl_network_set_doit,
		.policy		= rewire_network_set_nl_policy,
		.maxattr	= REWIRE_A_PUNT_BATCH_NETWORK,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_NETWORK_GET,
		.doit		= rewire_nl_network_get_doit,
		.dumpit		= rewire_nl_network_get_dumpit,
		.policy		= rewire_network_get_nl_policy,
		.maxattr	= REWIRE_A_PUNT_BATCH_NETWORK,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_DELEGATE_SET,
		.doit		= rewire_nl_delegate_set_doit,
		.policy		= rewire_delegate_set_nl_policy,
		.maxattr	= REWIRE_A_DELEGATE_DECISION,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_DELEGATE_DEL,
		.doit		= rewire_nl_delegate_del_doit,
		.policy		= rewire_delegate_del_nl_policy,
		.maxattr	= REWIRE_A_DELEGATE_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= REWIRE_CMD_DELEGATE_GET,
		.doit		= rewire_nl_delegate_get_doit,
		.dumpit		= rewire_nl_delegate_get_dumpit,
		.policy		= rewire_delegate_get_nl_policy,
		.maxattr	= REWIRE_A_DELEGATE_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
};

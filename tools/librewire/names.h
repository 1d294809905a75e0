/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RW_NAMES_H
#define RW_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* A value's name in the interface's specification and what it means; its place in the table is the value. */
struct rw_name {
	const char *name, *text;
};

extern const struct rw_name rw_rule_action_names[];
extern const struct rw_name rw_hold_mode_names[];
extern const struct rw_name rw_orphan_mode_names[];
extern const struct rw_name rw_target_state_names[];
extern const struct rw_name rw_flow_action_names[];
extern const struct rw_name rw_hop_mode_names[];
extern const struct rw_name rw_tcp_mode_names[];
extern const struct rw_name rw_flow_state_names[];
extern const struct rw_name rw_punt_reason_names[];
extern const struct rw_name rw_verdict_action_names[];
extern const struct rw_name rw_reject_names[];
extern const struct rw_name rw_config_change_names[];
extern const struct rw_name rw_top_group_names[];
extern const struct rw_name rw_top_by_names[];
extern const struct rw_name rw_fate_names[];
extern const struct rw_name rw_flow_direction_names[];
extern const struct rw_name rw_suspicion_attribute_names[];
extern const struct rw_name rw_reason_names[];

/* The name of a value, "unknown" for one that a newer kernel may have. */
const char *rw_name(const struct rw_name *names, uint32_t value);

/* The value of a name, or of a prefix of just one name; -1 when there is none. */
int rw_name_value(const struct rw_name *names, const char *name);

#endif

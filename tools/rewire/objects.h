/* SPDX-License-Identifier: GPL-2.0 */
/* The members of an object's record, in text from the second word on. */
#ifndef OBJECTS_H
#define OBJECTS_H

#include "types.h"

void flow_print_members(const struct rw_flow *flow);
void punt_print_members(const struct rw_punt *punt);
void attach_print_members(const struct rw_attach *attach);
void rule_print_members(const struct rw_rule *rule);
void limit_print_members(const struct rw_limit *limit);
void policy_print_members(const struct rw_policy *policy);
const char *policy_timeout_name(int attr);
void target_print_members(const struct rw_target *target);
void delegate_print_members(const struct rw_delegate *delegate);

#endif

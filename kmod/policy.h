/* SPDX-License-Identifier: GPL-2.0 */
/* Policies: how flows are kept and their packets treated. */
#ifndef REWIRE_POLICY_H
#define REWIRE_POLICY_H

#include <linux/types.h>
#include <uapi/linux/rewire.h>

/**
 * struct rewire_policy - how flows are kept
 * @timeout: idle time in jiffies, by enum rewire_timeout
 */
struct rewire_policy {
	u32 timeout[__REWIRE_TIMEOUT_MAX];
};

extern const struct rewire_policy rewire_policy_default;

enum rewire_timeout rewire_timeout_of(u8 protocol, enum rewire_flow_state state);

#endif /* REWIRE_POLICY_H */

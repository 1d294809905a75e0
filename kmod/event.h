/* SPDX-License-Identifier: GPL-2.0 */
/* Notifications to whoever watches. */
#ifndef REWIRE_EVENT_H
#define REWIRE_EVENT_H

#include "flow.h"
#include "namespace.h"
#include "netlink-gen.h"

extern const struct genl_multicast_group rewire_groups[REWIRE_NLGRP_CONFIG + 1];

void rewire_event_allow(bool allow);
void rewire_event_init(struct rewire_net *ns);
void rewire_event_exit(struct rewire_net *ns);
bool rewire_event_wanted(struct rewire_net *ns, unsigned int group);
void rewire_event_flow(struct rewire_net *ns, const struct rewire_flow *flow, bool ended,
		       enum rewire_reason reason);
void rewire_event_punt(struct rewire_net *ns, struct sk_buff *copy);
void rewire_event_config(struct rewire_net *ns, u8 command, enum rewire_config_change change,
			 int (*fill)(struct sk_buff *skb, const void *object),
			 const void *object);

#endif /* REWIRE_EVENT_H */

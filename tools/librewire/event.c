// SPDX-License-Identifier: GPL-2.0
/* Notifications. */

#include <errno.h>
#include <string.h>

#include "codec.h"
#include "shape.h"

int rw_get_flow_event(const struct nlmsghdr *nlh, struct rw_flow_event *event)
{
	const struct nlattr *attr = NULL;
	size_t length;
	const void *payload = rw_message_payload(nlh, &length);
	int ret;

	memset(event, 0, sizeof(*event));
	while ((attr = rw_attr_next(payload, length, attr, &ret))) {
		size_t size = mnl_attr_get_payload_len(attr);

		switch (mnl_attr_get_type(attr)) {
		case REWIRE_A_FLOW_EVENT_SEQUENCE:
			if (size != sizeof(event->sequence))
				return -EBADMSG;
			event->sequence = mnl_attr_get_u64(attr);
			break;
		case REWIRE_A_FLOW_EVENT_REASON:
			if (size != sizeof(event->reason))
				return -EBADMSG;
			event->reason = mnl_attr_get_u32(attr);
			event->ended = true;
			break;
		case REWIRE_A_FLOW_EVENT_FLOW:
			ret = rw_get_flow_nest(attr, &event->flow);
			if (ret)
				return ret;
		}
	}
	return ret;
}

int rw_get_config_event(const struct nlmsghdr *nlh, uint8_t command, struct rw_config_event *event)
{
	static const struct rw_field attach_fields[] = {
		[REWIRE_A_ATTACH_CHANGE]   = RW_ALWAYS(RW_U32, struct rw_config_event, change),
		[REWIRE_A_ATTACH_SEQUENCE] = RW_ALWAYS(RW_U32, struct rw_config_event, sequence),
	};
	static const struct rw_field rule_fields[] = {
		[REWIRE_A_RULE_CHANGE]     = RW_ALWAYS(RW_U32, struct rw_config_event, change),
		[REWIRE_A_RULE_SEQUENCE]   = RW_ALWAYS(RW_U32, struct rw_config_event, sequence),
	};
	static const struct rw_field target_fields[] = {
		[REWIRE_A_TARGET_CHANGE]   = RW_ALWAYS(RW_U32, struct rw_config_event, change),
		[REWIRE_A_TARGET_SEQUENCE] = RW_ALWAYS(RW_U32, struct rw_config_event, sequence),
	};
	static const struct rw_field limit_fields[] = {
		[REWIRE_A_LIMIT_CHANGE]   = RW_ALWAYS(RW_U32, struct rw_config_event, change),
		[REWIRE_A_LIMIT_SEQUENCE] = RW_ALWAYS(RW_U32, struct rw_config_event, sequence),
	};
	static const struct rw_field policy_fields[] = {
		[REWIRE_A_POLICY_CHANGE]   = RW_ALWAYS(RW_U32, struct rw_config_event, change),
		[REWIRE_A_POLICY_SEQUENCE] = RW_ALWAYS(RW_U32, struct rw_config_event, sequence),
	};
	static const struct rw_field delegate_fields[] = {
		[REWIRE_A_DELEGATE_CHANGE]   = RW_ALWAYS(RW_U32, struct rw_config_event, change),
		[REWIRE_A_DELEGATE_SEQUENCE] = RW_ALWAYS(RW_U32, struct rw_config_event, sequence),
	};
	static const struct rw_shape shapes[] = {
		[REWIRE_CMD_ATTACH_NTF]	  = RW_SHAPE(attach_fields),
		[REWIRE_CMD_RULE_NTF]	  = RW_SHAPE(rule_fields),
		[REWIRE_CMD_TARGET_NTF]	  = RW_SHAPE(target_fields),
		[REWIRE_CMD_LIMIT_NTF]	  = RW_SHAPE(limit_fields),
		[REWIRE_CMD_POLICY_NTF]	  = RW_SHAPE(policy_fields),
		[REWIRE_CMD_DELEGATE_NTF] = RW_SHAPE(delegate_fields),
	};

	memset(event, 0, sizeof(*event));
	return rw_shape_get_message(&shapes[command], nlh, event, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/* What is remembered of one flow. */

#include "record.h"

/*
 * Flows that are decided are like that, but for those with copies; operators' may have more.
 * Tunnels are no matter: the kernel learns them from packets, and will once more.
 */
bool record_takes(const struct rw_flow_spec *spec)
{
	return !spec->one_way && !spec->copies_len && !spec->timeout && !spec->dscp_plus_1 &&
	       spec->hops == REWIRE_HOP_MODE_DECREMENT && !spec->packet_rate && !spec->byte_rate;
}

struct rw_flow_spec record_flow(const struct record *record)
{
	return (struct rw_flow_spec){
		.orig = record->orig, .reply = record->reply,
		.policy = record->policy, .target = record->target, .decision = record->decision,
	};
}

/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints: packets dropped, flows made and ended, questions and answers. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM rewire

#if !defined(REWIRE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define REWIRE_TRACE_H

#include <linux/skbuff.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "flow.h"
#include "hold.h"
#include "names.h"

TRACE_EVENT(rewire_drop,
	    TP_PROTO(const struct sk_buff *skb, u32 reason),
	    TP_ARGS(skb, reason),
	    TP_STRUCT__entry(__field(const void *, skb)
			     __field(u32, length)
			     __array(char, reason, REWIRE_NAME_SIZE)),
	    TP_fast_assign(__entry->skb = skb;
			   __entry->length = skb->len;
			   strscpy(__entry->reason, rewire_reason_name(reason),
				   REWIRE_NAME_SIZE);),
	    TP_printk("skb=%p length=%u reason=%s", __entry->skb, __entry->length,
		      __entry->reason)
);

DECLARE_EVENT_CLASS(rewire_flow_class,
		    TP_PROTO(const struct rewire_flow *flow, u32 reason),
		    TP_ARGS(flow, reason),
		    TP_STRUCT__entry(__field(u64, id)
				     __field(u32, vni)
				     __field(u8, protocol)
				     __array(u8, src, 16)
				     __array(u8, dst, 16)
				     __field(u16, sport)
				     __field(u16, dport)
				     __array(char, reason, REWIRE_NAME_SIZE)),
		    TP_fast_assign(const struct rewire_key *key = &flow->tuple[REWIRE_ORIG].key;

				   __entry->id = flow->id;
				   __entry->vni = rewire_key_vni(key);
				   __entry->protocol = rewire_key_protocol(key);
				   memcpy(__entry->src, &key->src, 16);
				   memcpy(__entry->dst, &key->dst, 16);
				   __entry->sport = ntohs(key->sport);
				   __entry->dport = ntohs(key->dport);
				   strscpy(__entry->reason, rewire_reason_name(reason),
					   REWIRE_NAME_SIZE);),
		    TP_printk("flow=%llu vni=%u protocol=%u src=%pI6c sport=%u dst=%pI6c dport=%u reason=%s",
			      __entry->id, __entry->vni, __entry->protocol, __entry->src,
			      __entry->sport, __entry->dst, __entry->dport, __entry->reason)
);

DEFINE_EVENT(rewire_flow_class, rewire_flow_new,
	     TP_PROTO(const struct rewire_flow *flow, u32 reason),
	     TP_ARGS(flow, reason)
);

DEFINE_EVENT(rewire_flow_class, rewire_flow_close,
	     TP_PROTO(const struct rewire_flow *flow, u32 reason),
	     TP_ARGS(flow, reason)
);

TRACE_EVENT(rewire_punt,
	    TP_PROTO(const struct rewire_hold *hold),
	    TP_ARGS(hold),
	    TP_STRUCT__entry(__field(u64, id)
			     __field(u32, vni)
			     __field(u32, policy)
			     __array(char, reason, REWIRE_NAME_SIZE)),
	    TP_fast_assign(__entry->id = hold->id;
			   __entry->vni = rewire_key_vni(&hold->tuple.key);
			   __entry->policy = hold->policy;
			   strscpy(__entry->reason, rewire_punt_reason_name(hold->reason),
				   REWIRE_NAME_SIZE);),
	    TP_printk("punt=%llu vni=%u policy=%u reason=%s", __entry->id, __entry->vni,
		      __entry->policy, __entry->reason)
);

TRACE_EVENT(rewire_verdict,
	    TP_PROTO(u32 action, int result),
	    TP_ARGS(action, result),
	    TP_STRUCT__entry(__array(char, action, REWIRE_NAME_SIZE)
			     __field(int, result)),
	    TP_fast_assign(strscpy(__entry->action, rewire_verdict_action_name(action),
				   REWIRE_NAME_SIZE);
			   __entry->result = result;),
	    TP_printk("action=%s result=%d", __entry->action, __entry->result)
);

#endif /* REWIRE_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH kmod
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>

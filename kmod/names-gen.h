/* SPDX-License-Identifier: GPL-2.0 */
/* Made by scripts/generate from Documentation/netlink/specs/rewire.yaml: edit that. */
#ifndef REWIRE_NAMES_GEN_H
#define REWIRE_NAMES_GEN_H

#define REWIRE_RULE_ACTION_NAMES \
	{ 0, "pass" }, \
	{ 1, "drop" }, \
	{ 2, "punt" }, \
	{ 3, "forward" }

#define REWIRE_HOLD_MODE_NAMES \
	{ 0, "hold" }, \
	{ 1, "drop" }

#define REWIRE_ORPHAN_MODE_NAMES \
	{ 0, "drop" }, \
	{ 1, "pass" }, \
	{ 2, "hold" }

#define REWIRE_TARGET_STATE_NAMES \
	{ 0, "active" }, \
	{ 1, "draining" }, \
	{ 2, "down" }

#define REWIRE_FLOW_ACTION_NAMES \
	{ 0, "translate" }, \
	{ 1, "drop" }, \
	{ 2, "pass" }

#define REWIRE_HOP_MODE_NAMES \
	{ 0, "decrement" }, \
	{ 1, "keep" }, \
	{ 2, "set" }

#define REWIRE_FLOW_STATE_NAMES \
	{ 0, "unreplied" }, \
	{ 1, "replied" }, \
	{ 2, "syn-sent" }, \
	{ 3, "syn-received" }, \
	{ 4, "established" }, \
	{ 5, "fin-wait" }, \
	{ 6, "last-ack" }, \
	{ 7, "time-wait" }, \
	{ 8, "closed" }

#define REWIRE_TCP_MODE_NAMES \
	{ 0, "loose" }, \
	{ 1, "strict" }, \
	{ 2, "off" }

#define REWIRE_PUNT_REASON_NAMES \
	{ 0, "miss" }, \
	{ 1, "target-down" }, \
	{ 2, "expired" }, \
	{ 3, "reused" }

#define REWIRE_VERDICT_ACTION_NAMES \
	{ 0, "flow" }, \
	{ 1, "drop" }, \
	{ 2, "pass" }

#define REWIRE_TOP_GROUP_NAMES \
	{ 0, "flow" }, \
	{ 1, "src" }, \
	{ 2, "dst" }, \
	{ 3, "vni" }, \
	{ 4, "target" }, \
	{ 5, "policy" }, \
	{ 6, "state" }

#define REWIRE_TOP_BY_NAMES \
	{ 0, "flows" }, \
	{ 1, "packets" }, \
	{ 2, "bytes" }

#define REWIRE_FLOW_DIRECTION_NAMES \
	{ 0, "orig" }, \
	{ 1, "reply" }

#define REWIRE_FATE_NAMES \
	{ 0, "pass" }, \
	{ 1, "drop" }, \
	{ 2, "hold" }, \
	{ 3, "join" }, \
	{ 4, "forward" }, \
	{ 5, "translate" }

#define REWIRE_CONFIG_CHANGE_NAMES \
	{ 0, "new" }, \
	{ 1, "set" }, \
	{ 2, "delete" }

#define REWIRE_SUSPICION_ATTRIBUTE_NAMES \
	{ 0, "hops" }, \
	{ 1, "identification" }, \
	{ 2, "dscp" }, \
	{ 3, "ecn" }, \
	{ 4, "ip-options" }, \
	{ 5, "window" }, \
	{ 6, "mss" }, \
	{ 7, "options" }, \
	{ 8, "payload" }, \
	{ 9, "reserved" }, \
	{ 10, "flags" }, \
	{ 11, "port" }, \
	{ 12, "length" }

#define REWIRE_REASON_NAMES \
	{ 0, "drop-malformed" }, \
	{ 1, "drop-fragment" }, \
	{ 2, "drop-unsupported" }, \
	{ 3, "drop-error-quote" }, \
	{ 4, "drop-error-unsupported" }, \
	{ 5, "drop-error-unknown" }, \
	{ 6, "drop-rule" }, \
	{ 7, "drop-verdict" }, \
	{ 8, "drop-no-daemon" }, \
	{ 9, "drop-hold-mode" }, \
	{ 10, "drop-hold-full" }, \
	{ 11, "drop-punt-full" }, \
	{ 12, "drop-suspicious" }, \
	{ 13, "drop-hold-packets" }, \
	{ 14, "drop-hold-timeout" }, \
	{ 15, "drop-flows-full" }, \
	{ 16, "drop-vni-full" }, \
	{ 17, "drop-udp-share" }, \
	{ 18, "drop-rate" }, \
	{ 19, "drop-vni-held" }, \
	{ 20, "drop-memory" }, \
	{ 21, "drop-race" }, \
	{ 22, "drop-tcp-pickup" }, \
	{ 23, "drop-tcp-window" }, \
	{ 24, "drop-tcp-reset" }, \
	{ 25, "drop-tcp-syn" }, \
	{ 26, "drop-ttl" }, \
	{ 27, "drop-too-big" }, \
	{ 28, "drop-no-route" }, \
	{ 29, "drop-neighbour" }, \
	{ 30, "drop-detached" }, \
	{ 31, "drop-exit" }, \
	{ 32, "drop-flow-rate" }, \
	{ 33, "drop-tunnel" }, \
	{ 34, "close-idle" }, \
	{ 35, "close-reused" }, \
	{ 36, "close-deleted" }, \
	{ 37, "close-target" }, \
	{ 38, "close-detached" }, \
	{ 39, "close-evicted" }, \
	{ 40, "close-early" }, \
	{ 41, "close-exit" }

#endif /* REWIRE_NAMES_GEN_H */

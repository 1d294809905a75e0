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
	{ 1, "target-down" }

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
	{ 11, "drop-hold-packets" }, \
	{ 12, "drop-hold-timeout" }, \
	{ 13, "drop-flows-full" }, \
	{ 14, "drop-vni-full" }, \
	{ 15, "drop-udp-share" }, \
	{ 16, "drop-rate" }, \
	{ 17, "drop-vni-held" }, \
	{ 18, "drop-memory" }, \
	{ 19, "drop-race" }, \
	{ 20, "drop-tcp-pickup" }, \
	{ 21, "drop-tcp-window" }, \
	{ 22, "drop-tcp-reset" }, \
	{ 23, "drop-tcp-syn" }, \
	{ 24, "drop-ttl" }, \
	{ 25, "drop-too-big" }, \
	{ 26, "drop-no-route" }, \
	{ 27, "drop-neighbour" }, \
	{ 28, "drop-detached" }, \
	{ 29, "drop-exit" }, \
	{ 30, "drop-flow-rate" }, \
	{ 31, "drop-tunnel" }, \
	{ 32, "close-idle" }, \
	{ 33, "close-reused" }, \
	{ 34, "close-deleted" }, \
	{ 35, "close-target" }, \
	{ 36, "close-detached" }, \
	{ 37, "close-evicted" }, \
	{ 38, "close-early" }, \
	{ 39, "close-exit" }

#endif /* REWIRE_NAMES_GEN_H */

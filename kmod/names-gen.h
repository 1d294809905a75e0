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

#define REWIRE_TIMEOUT_NAMES \
	{ 0, "tcp-unreplied" }, \
	{ 1, "tcp-syn-sent" }, \
	{ 2, "tcp-syn-received" }, \
	{ 3, "tcp-established" }, \
	{ 4, "tcp-fin-wait" }, \
	{ 5, "tcp-last-ack" }, \
	{ 6, "tcp-time-wait" }, \
	{ 7, "tcp-closed" }, \
	{ 8, "udp-unreplied" }, \
	{ 9, "udp-replied" }, \
	{ 10, "icmp" }, \
	{ 11, "other-unreplied" }, \
	{ 12, "other-replied" }

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
	{ 20, "drop-ttl" }, \
	{ 21, "drop-too-big" }, \
	{ 22, "drop-no-route" }, \
	{ 23, "drop-neighbour" }, \
	{ 24, "drop-detached" }, \
	{ 25, "drop-exit" }, \
	{ 26, "drop-flow-rate" }, \
	{ 27, "drop-tunnel" }, \
	{ 28, "close-idle" }, \
	{ 29, "close-reused" }, \
	{ 30, "close-deleted" }, \
	{ 31, "close-target" }, \
	{ 32, "close-detached" }, \
	{ 33, "close-evicted" }, \
	{ 34, "close-early" }, \
	{ 35, "close-exit" }

#endif /* REWIRE_NAMES_GEN_H */

// SPDX-License-Identifier: GPL-2.0
/* Made by scripts/generate from Documentation/netlink/specs/rewire.yaml: edit that. */
#include <linux/kernel.h>
#include <linux/types.h>

#include "names.h"

const char *rewire_punt_reason_name(u32 value)
{
	static const char *const names[] = {
		"miss",
		"target-down",
		"expired",
		"reused",
	};

	return value < ARRAY_SIZE(names) ? names[value] : "none";
}

const char *rewire_verdict_action_name(u32 value)
{
	static const char *const names[] = {
		"flow",
		"drop",
		"pass",
	};

	return value < ARRAY_SIZE(names) ? names[value] : "none";
}

const char *rewire_reason_name(u32 value)
{
	static const char *const names[] = {
		"drop-malformed",
		"drop-fragment",
		"drop-unsupported",
		"drop-error-quote",
		"drop-error-unsupported",
		"drop-error-unknown",
		"drop-rule",
		"drop-verdict",
		"drop-no-daemon",
		"drop-hold-mode",
		"drop-hold-full",
		"drop-punt-full",
		"drop-suspicious",
		"drop-hold-packets",
		"drop-hold-timeout",
		"drop-flows-full",
		"drop-vni-full",
		"drop-udp-share",
		"drop-rate",
		"drop-vni-held",
		"drop-memory",
		"drop-race",
		"drop-tcp-pickup",
		"drop-tcp-window",
		"drop-tcp-reset",
		"drop-tcp-syn",
		"drop-ttl",
		"drop-too-big",
		"drop-no-route",
		"drop-neighbour",
		"drop-detached",
		"drop-exit",
		"drop-flow-rate",
		"drop-tunnel",
		"close-idle",
		"close-reused",
		"close-deleted",
		"close-target",
		"close-detached",
		"close-evicted",
		"close-early",
		"close-exit",
		"drop-rejected",
		"drop-broadcast",
		"drop-fragment-share",
	};

	return value < ARRAY_SIZE(names) ? names[value] : "none";
}

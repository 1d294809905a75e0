/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The objects of the kernel's interface. Addresses are bytes in network order;
 * ports and all else are in host order. A member that is zero throughout is
 * absent, unless a comment says otherwise.
 */
#ifndef RW_TYPES_H
#define RW_TYPES_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/rewire.h>

/* Bytes that the family does not use are 0, so that addresses compare as memory. */
struct rw_addr {
	uint8_t family;		/* AF_INET, AF_INET6, or 0: none */
	uint8_t bytes[16];
};

/* The key of one direction. It has no padding, so that it hashes and compares as memory. */
struct rw_tuple {
	uint32_t vni;
	uint16_t sport, dport;
	struct rw_addr src, dst;
	uint8_t protocol;
	uint8_t zero;
};

_Static_assert(sizeof(struct rw_tuple) == 44, "a tuple has padding");

struct rw_counters {
	uint64_t packets, bytes;
};

/* The far end of a tunnel. */
struct rw_tunnel {
	struct rw_addr remote;		/* none, no tunnel */
	uint32_t id;			/* 0, of the virtual network */
	uint8_t lladdr[6];		/* 0, the device asks for it */
};

#define RW_COPIES_MAX	16

/* One more output of a packet. */
struct rw_copy {
	struct rw_tuple reply;		/* the key that an answer would have */
	uint32_t reply_ifindex;
	struct rw_tunnel reply_tunnel;
	struct rw_counters counters;	/* in answers */
};

/* What a new flow is made of. */
struct rw_flow_spec {
	struct rw_tuple orig;
	struct rw_tuple reply;		/* none for drop and pass entries */
	uint32_t policy, target;
	uint64_t decision;
	uint32_t timeout;		/* milliseconds */
	uint32_t orig_ifindex, reply_ifindex;
	bool one_way;			/* no packet is found by the reply key */
	uint8_t dscp_plus_1;		/* 0, it stays */
	uint8_t hop_limit;		/* for REWIRE_HOP_MODE_SET */
	uint32_t hops;
	uint32_t packet_rate, byte_rate, burst;
	struct rw_tunnel orig_tunnel, reply_tunnel;
	const uint8_t *copies;		/* attributes, see rw_copy_next() */
	uint32_t copies_len;
};

/* What was seen of one direction of a TCP connection. */
struct rw_tracking {
	uint32_t given;			/* bits 1 << REWIRE_A_TRACKING_... of the numbers */
	uint32_t end, ack, window;
	uint8_t scale;
	bool fin, last_fin, alive, syn;
};

struct rw_flow {
	uint64_t id;
	struct rw_flow_spec spec;
	uint32_t action, state;
	uint64_t age, idle, expires;	/* milliseconds */
	struct rw_counters orig, reply;
	const uint8_t *tracking[2];	/* attributes, see rw_tracking_get(); NULL, not told */
	uint32_t tracking_len[2];
};

/* What a flow that is restored has behind it, by direction. */
struct rw_past {
	uint32_t state;
	uint64_t age, idle;		/* milliseconds */
	struct rw_counters counters[2];
	bool has_tracking[2];
	struct rw_tracking tracking[2];
};

/* What the key of a direction has to agree with, of what is given. */
struct rw_flow_match {
	uint32_t given;			/* bits 1 << REWIRE_A_FLOW_MATCH_...; what is not given is 0 */
	uint32_t vni;
	struct rw_addr src, dst;
	uint16_t sport_min, sport_max, dport_min, dport_max;
	uint8_t src_len, dst_len, protocol;
};

struct rw_flow_filter {
	uint32_t given;			/* bits 1 << REWIRE_A_FLOW_FILTER_... of the numbers */
	struct rw_flow_match orig, reply;
	uint32_t state, policy, target, action, ifindex;
	uint64_t idle_min, idle_max, age_min, age_max;	/* milliseconds */
	bool tracking;			/* not what flows, but how much of them is told */
};

/* A flow that was made or has ended. */
struct rw_flow_event {
	uint64_t sequence;
	struct rw_flow flow;
	uint32_t reason;		/* why it has ended */
	bool ended;
};

/* A flow that has changed since the log was last read. */
struct rw_change {
	struct rw_flow flow;
	uint32_t reason;		/* why it has ended */
	bool ended;
	bool overflow;			/* no flow: changes were too many to be kept */
};

/* How an object of a notification changed. */
struct rw_config_event {
	uint32_t change, sequence;
};

/* Which of the largest flows, or groups of flows, are asked for. */
struct rw_top_request {
	const struct rw_flow_filter *filter;	/* NULL, all */
	uint32_t group, by, limit;
};

struct rw_top_entry {
	uint32_t vni, number;
	struct rw_addr address;
	uint64_t flows, packets, bytes;
	struct rw_flow flow;		/* of the group flow; id 0 when it has ended */
};

struct rw_top {
	uint64_t total, error;
	uint32_t count;
	struct rw_top_entry entries[REWIRE_TOP_MAX];
};

struct rw_rule {
	uint32_t id, vni;
	uint8_t family;			/* follows from an address; 0, both */
	struct rw_addr dst, src;	/* none, any */
	uint8_t dst_len, src_len;	/* count when the address is there */
	uint8_t protocol;		/* 0, any */
	uint16_t dport_min, dport_max;	/* both 0, any */
	uint16_t sport_min, sport_max;
	uint32_t preference;
	uint32_t action, policy, hold, orphan;
	struct rw_addr via;		/* of forward: the next hop, */
	uint32_t via_ifindex, via_vni;	/* the device, and its virtual network */
	bool has_via_vni;
	uint64_t hits, bytes;
};

struct rw_target {
	uint32_t id, state, generation, flows, retired_flows;
};

/* What there may be, 0: no limit, and what there is. */
struct rw_limit {
	uint32_t vni;
	bool all, set;			/* all: of the namespace, vni does not count */
	uint32_t flows_soft, flows_hard, rate, burst, holds, held_packets, udp_share;
	uint64_t held_bytes;
	uint32_t flows, udp_flows, used_holds, used_held_packets;
	uint64_t used_held_bytes;
	uint64_t refused_flows, refused_udp, refused_rate, refused_held, evicted, early;
};

/* Of one that is to change, what is given and what is not 0 counts. */
struct rw_policy {
	uint32_t id, tcp, pickup, mss, flows;
	uint32_t timeouts[REWIRE_A_TIMEOUTS_MAX + 1];	/* milliseconds, by attribute */
};

#define RW_DELEGATE_ADDRESSES	16

/* Decisions about new flows of a policy that the kernel makes by itself. */
struct rw_delegate {
	uint32_t id;			/* of the policy */
	uint32_t from, vni;		/* whose packets, and where the flows lead to */
	uint16_t port_min, port_max, to_port;
	struct rw_addr to[2];		/* what becomes of the destination; of family 0, there is none */
	uint64_t decision;
	uint64_t flows, conflicts;	/* answers only */
	uint32_t count;			/* of addresses */
	struct rw_addr addresses[RW_DELEGATE_ADDRESSES];
};

struct rw_suspicion_value {
	uint32_t attribute, number, seen, weight;
	bool pinned;
};

#define RW_SUSPICION_VALUES	(16 * (REWIRE_SUSPICION_ATTRIBUTE_LENGTH + 1))

struct rw_suspicion {
	uint32_t enabled, interval;	/* milliseconds */
	uint32_t count;
	struct rw_suspicion_value values[RW_SUSPICION_VALUES];
};

struct rw_attach {
	uint32_t ifindex, vni;
	bool local, tunnel;
	char ifname[IFNAMSIZ];
};

struct rw_service_address {
	uint32_t vni;
	struct rw_addr address;
	uint8_t len;
	uint64_t answers;
};

struct rw_punt {
	uint64_t id;
	struct rw_tuple tuple;
	uint32_t policy, rule, reason, ifindex, length, packets, score;
	struct rw_tunnel tunnel;	/* that the first packet came through */
	uint64_t age;			/* milliseconds */
	const uint8_t *header;		/* in the message that was decoded */
	uint32_t header_len;
};

struct rw_verdict {
	uint64_t punt_id;
	uint32_t action, lifetime;	/* milliseconds, for drop and pass */
	uint32_t reject;		/* for drop */
	struct rw_flow_spec flow;	/* for drop and pass, orig alone counts */
};

struct rw_failure {
	uint32_t index;
	uint64_t punt_id;
	uint32_t error;			/* errno */
	const char *message;		/* in the message that was decoded, or NULL */
};

/* Flows by class. */
struct rw_live {
	uint32_t half_open, closing, one_way, two_way, established;
};

/* A part of the summary: of the whole, a virtual network, or a target. */
struct rw_summary {
	bool has_vni;
	uint32_t vni, target;		/* target 0 and no vni: the whole */
	uint64_t epoch, generation, watermark, newest;	/* of the whole alone */
	uint32_t flows;
	uint32_t target_generation, retired_flows;
	struct rw_live live;		/* not of the whole */
};

/* A packet that is asked about. */
struct rw_question {
	uint32_t ifindex, vni;		/* where it comes in: one of these two, */
	bool local;			/* or it is the host's own */
	struct rw_tuple packet;		/* whose vni does not count */
	uint8_t tcp_flags, hop_limit;
	uint32_t length;
	bool dont_fragment;
};

/* What would become of it, and why. */
struct rw_explanation {
	uint32_t fate, reason, ifindex, vni;
	bool unattached, foreign, local;
	struct rw_flow flow;		/* that has its key; id 0, none has */
	uint32_t direction;
	uint32_t ends;			/* of a flow that it finds over, */
	bool is_over;			/* and whether it does */
	uint32_t target_state;
	bool has_target;
	uint32_t rule, rule_action, policy;	/* 0, it meets no rule */
	uint64_t punt_id;
	struct rw_tuple becomes;
	uint32_t out_ifindex, mtu;
	struct rw_addr gateway;
	bool fragmented, to_host;
	struct rw_tunnel tunnel;
};

#define RW_REASONS	(REWIRE_REASON_MAX + 1)

/* Virtual networks that a process decides for; none, all. */
struct rw_networks {
	uint32_t *vnis;
	unsigned int count;
};

struct rw_stats {
	uint64_t flows, flows_max;
	uint32_t attaches, rules, targets, limits, handlers, holds, holds_max, held_packets;
	uint64_t held_bytes, received, translated, passed, forwarded;
	uint64_t punts, punt_batches, punt_retries, verdicts, verdict_failures;
	uint64_t created, icmp_translated, icmp_sent, icmp_limited, icmp_unsent, objects, copied;
	uint64_t verdicts_forbidden, batched, expiry_ns;
	uint32_t punts_asked, punts_queued;
	uint64_t counters[RW_REASONS];	/* by enum rewire_reason, when they were asked for */
};

#endif

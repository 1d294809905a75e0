// SPDX-License-Identifier: GPL-2.0
/* Made by scripts/generate from Documentation/netlink/specs/rewire.yaml: edit that. */

#include "names.h"

const struct rw_name rw_rule_action_names[] = {
	{ "pass", "Leave the packet to the host's own stack, untouched." },
	{ "drop", "" },
	{ "punt", "Ask the daemon." },
	{ "forward", "Send the packet on as it is, but for its time to live: to the next hop via, by the device via-ifindex, or by a device of the virtual network via-vni. Nothing is remembered of it." },
	{ NULL, NULL }
};

const struct rw_name rw_hold_mode_names[] = {
	{ "hold", "Kept, and sent as soon as the verdict is installed." },
	{ "drop", "Dropped; its sender's retransmission finds the verdict." },
	{ NULL, NULL }
};

const struct rw_name rw_orphan_mode_names[] = {
	{ "drop", "" },
	{ "pass", "Leave the packet to the host's own stack, untranslated." },
	{ "hold", "Hold it for a daemon that comes back within the hold time." },
	{ NULL, NULL }
};

const struct rw_name rw_target_state_names[] = {
	{ "active", "" },
	{ "draining", "Keeps its flows; the daemon gives it no new ones." },
	{ "down", "Its flows are decided anew at the next packet of the side that began." },
	{ NULL, NULL }
};

const struct rw_name rw_flow_action_names[] = {
	{ "translate", "" },
	{ "drop", "" },
	{ "pass", "" },
	{ NULL, NULL }
};

const struct rw_name rw_hop_mode_names[] = {
	{ "decrement", "One less, as a router does." },
	{ "keep", "" },
	{ "set", "That of the flow." },
	{ NULL, NULL }
};

const struct rw_name rw_flow_state_names[] = {
	{ "unreplied", "" },
	{ "replied", "" },
	{ "syn-sent", "" },
	{ "syn-received", "" },
	{ "established", "" },
	{ "fin-wait", "One side has sent its FIN." },
	{ "last-ack", "Both sides have sent a FIN, not both are acknowledged." },
	{ "time-wait", "" },
	{ "closed", "Ended by a reset." },
	{ NULL, NULL }
};

const struct rw_name rw_tcp_mode_names[] = {
	{ "loose", "They pass, translated, and change no state." },
	{ "strict", "They are dropped, but for resets in the window, which make their receiver ask." },
	{ "off", "They pass, translated, and count like any other." },
	{ NULL, NULL }
};

const struct rw_name rw_punt_reason_names[] = {
	{ "miss", "No flow has this key." },
	{ "target-down", "The flow's target was taken down." },
	{ "expired", "The flow had no packet for as long as its state allows." },
	{ "reused", "A new connection begins on a closing flow's addresses and ports." },
	{ NULL, NULL }
};

const struct rw_name rw_verdict_action_names[] = {
	{ "flow", "Install the flow, in both directions, and send what is held." },
	{ "drop", "Drop what is held, and packets with this key for the lifetime." },
	{ "pass", "Leave packets with this key to the host's stack for the lifetime." },
	{ NULL, NULL }
};

const struct rw_name rw_reject_names[] = {
	{ "silent", "Nothing." },
	{ "prohibited", "That it is administratively prohibited, by an ICMP error (RFC 5508 REQ-8; RFC 1812, 5.2.7.1; RFC 4443, 3.1)." },
	{ "reset", "Of TCP, a reset (RFC 9293, 3.5.2); of another protocol, that it is administratively prohibited." },
	{ NULL, NULL }
};

const struct rw_name rw_top_group_names[] = {
	{ "flow", "Each flow by itself." },
	{ "src", "Flows of one source, in its virtual network." },
	{ "dst", "Flows to one destination, in the virtual network of the source." },
	{ "vni", "" },
	{ "target", "" },
	{ "policy", "" },
	{ "state", "" },
	{ NULL, NULL }
};

const struct rw_name rw_top_by_names[] = {
	{ "flows", "" },
	{ "packets", "" },
	{ "bytes", "" },
	{ NULL, NULL }
};

const struct rw_name rw_flow_direction_names[] = {
	{ "orig", "" },
	{ "reply", "" },
	{ NULL, NULL }
};

const struct rw_name rw_fate_names[] = {
	{ "pass", "Left to the host's own stack, untouched." },
	{ "drop", "Dropped for the reason that is given." },
	{ "hold", "Held, and the daemon is asked." },
	{ "join", "Held with those before it, whose verdict is awaited." },
	{ "forward", "Sent on by a rule, untranslated." },
	{ "translate", "Rewritten as its flow says, and sent on." },
	{ "decide", "The kernel makes a flow for it, by what is delegated." },
	{ NULL, NULL }
};

const struct rw_name rw_config_change_names[] = {
	{ "new", "" },
	{ "set", "Another state." },
	{ "delete", "" },
	{ NULL, NULL }
};

const struct rw_name rw_suspicion_attribute_names[] = {
	{ "hops", "Time to live or hop limit, more than 31 below what hosts begin with (64, 128, 255); 1 and a 32nd of it." },
	{ "identification", "1, an IPv4 identification of 0 in a packet that may be fragmented." },
	{ "dscp", "1 and the precedence of a code point other than 0 (RFC 2474)." },
	{ "ecn", "The congestion bits of the IP header (RFC 3168)." },
	{ "ip-options", "1 to 8, the first IPv4 option; 9 to 15, the first IPv6 extension header." },
	{ "window", "A TCP window below 4096 with a SYN; 1, none; else 2 and its logarithm." },
	{ "mss", "The TCP option with a SYN: 1, absent; 2, below 88; 3, below 536; 4, 536; 5, below 1200; 6, above 1460; 7, above 8960." },
	{ "options", "Which TCP options come with a SYN in which order, as a hash." },
	{ "payload", "1, a SYN carries data." },
	{ "reserved", "1, the reserved IPv4 flag is set; 2 and more, bits in the TCP header." },
	{ "flags", "Of TCP, not SYN alone: 1, ACK; 2, SYN and ACK; 3, with RST; 4, with FIN; 5, SYN with others; 6, without all of them." },
	{ "port", "The source port; 1, it is 0; 2, it is below 1024." },
	{ "length", "UDP payload; 1 to 8, of 0 to 7 bytes; 9, of more than 1472." },
	{ NULL, NULL }
};

const struct rw_name rw_reason_names[] = {
	{ "drop-malformed", "A header is truncated, contradicts another or has a bad checksum." },
	{ "drop-fragment", "A fragment that no packet can be made of: it overlaps, contradicts or repeats others, or the kernel's limits are reached." },
	{ "drop-unsupported", "A rule wants to punt a packet of a kind that cannot be translated." },
	{ "drop-error-quote", "An ICMP error has a wrong checksum, or quotes no packet that who it is sent to can have sent (RFC 5508 REQ-3)." },
	{ "drop-error-unsupported", "An ICMP error is about a packet of a kind that flows do not have: a later fragment, another error, an unknown protocol." },
	{ "drop-error-unknown", "An ICMP error is about a packet of no flow (RFC 5508 REQ-4, REQ-5)." },
	{ "drop-rule", "A rule says drop." },
	{ "drop-verdict", "The daemon's verdict says drop." },
	{ "drop-no-daemon", "A miss while no daemon listens, and the rule's orphan mode is drop." },
	{ "drop-hold-mode", "A miss under a punt rule that does not hold packets." },
	{ "drop-hold-full", "The namespace holds as many packets for the daemon as it may." },
	{ "drop-punt-full", "The virtual network has more questions waiting than its share, and this was the oldest of the client with the most." },
	{ "drop-suspicious", "The virtual network has more questions waiting than its share, and this was of the most suspicious." },
	{ "drop-hold-packets", "The flow already holds as many packets or bytes as it may." },
	{ "drop-hold-timeout", "No verdict came within the hold time." },
	{ "drop-flows-full", "The namespace has as many flows as it may, and none that may be evicted; so the packet was not even punted." },
	{ "drop-vni-full", "Its virtual network has as many flows as it may, and none to evict." },
	{ "drop-udp-share", "Flows without connections have their share of the table." },
	{ "drop-rate", "More new flows a second than there may be." },
	{ "drop-vni-held", "Its virtual network holds as much for the daemon as it may." },
	{ "drop-memory", "No memory." },
	{ "drop-race", "The flow's entry changed again and again while it was looked up." },
	{ "drop-tcp-pickup", "A TCP packet that has no flow and begins no connection, under a policy without pickup." },
	{ "drop-tcp-window", "A sequence or acknowledgment number that the receiver cannot accept, under a strict policy." },
	{ "drop-tcp-reset", "A reset that its receiver cannot accept, under a strict policy." },
	{ "drop-tcp-syn", "A SYN on an established connection, under a strict policy." },
	{ "drop-ttl", "The time to live or hop limit ran out (RFC 1812, RFC 8200)." },
	{ "drop-too-big", "The packet does not fit the output device and must not be fragmented." },
	{ "drop-no-route", "No route, or no attached device, leads to the new destination." },
	{ "drop-neighbour", "The output device or its neighbour table refused the packet." },
	{ "drop-detached", "Held when its device was detached or went away." },
	{ "drop-exit", "Held when the namespace ended or the module was unloaded." },
	{ "drop-flow-rate", "The flow's own limit of packets or bytes a second." },
	{ "drop-tunnel", "No virtual network follows from how the packet came through its tunnel." },
	{ "close-idle", "No packet for as long as the flow's state allows." },
	{ "close-reused", "A new connection began on a closing flow's addresses and ports." },
	{ "close-deleted", "Deleted or flushed on request." },
	{ "close-target", "Its target was taken down." },
	{ "close-detached", "A device that it uses was detached or went away." },
	{ "close-evicted", "Gave way to a new flow where there were as many as there may be." },
	{ "close-early", "Idle, with more flows there than the soft limit." },
	{ "close-exit", "The namespace ended or the module was unloaded." },
	{ "drop-rejected", "The daemon's verdict says drop, and its sender was to be told." },
	{ "drop-broadcast", "IP for one host in a frame for a group or for everybody (RFC 1122, 3.3.6)." },
	{ "drop-fragment-share", "As many fragments of the virtual network wait as could still wait of all." },
	{ NULL, NULL }
};

/* SPDX-License-Identifier: GPL-2.0 */
/* The key of a flow and what becomes of it, on the command line and in output. */
#ifndef KEY_H
#define KEY_H

#include "args.h"

/* Places of the arguments in any table that has them. */
enum key_arg {
	KEY_VNI, KEY_PROTOCOL, KEY_SRC, KEY_DST,
	KEY_TO, KEY_TO_VNI, KEY_TO_SRC, KEY_TO_DST,
	KEY_POLICY, KEY_TARGET, KEY_DECISION, KEY_TIMEOUT, KEY_DEV, KEY_OUTDEV,
	KEY_REMOTE, KEY_ID, KEY_LLADDR, KEY_TO_REMOTE, KEY_TO_ID, KEY_TO_LLADDR,
	KEY_ONE_WAY, KEY_DSCP, KEY_TTL, KEY_PACKET_RATE, KEY_BYTE_RATE, KEY_BURST, KEY_COPY,
	KEY_ARGS,
};

struct key {
	uint32_t vni;
	uint8_t protocol;
	struct arg_endpoint src, dst;
};

struct key_values {
	struct key key;
	uint32_t to_vni;
	struct arg_endpoint to_src, to_dst;
	uint32_t policy, target, timeout, ifindex, outindex;
	uint64_t decision;
	struct rw_tunnel from, through;
	uint32_t one_way, dscp, packet_rate, byte_rate, burst;
	const char *ttl;
	struct arg_list copies;
	char buffer[4096];	/* that the copies of the flow are in */
	/* for tables that go on */
	uint32_t action, lifetime, reject;
	uint64_t punt;
};

/* The paths of two attributes of the tuple that the nests behind them lead to. */
#define KEY_PATHS(attr, attr2, ...) \
	.path = { { __VA_ARGS__, attr }, { __VA_ARGS__, attr2 } }

/* A key, whose tuple is in nests of the request. */
#define KEY_TABLE(part_, ...)									\
	[KEY_VNI] = { .name = "vni", .kind = ARG_U32, .max = REWIRE_VNI_MAX, .part = part_,	\
		      .offset = offsetof(struct key_values, key.vni),				\
		      KEY_PATHS(REWIRE_A_TUPLE_VNI, REWIRE_A_TUPLE_VNI, __VA_ARGS__) },		\
	[KEY_PROTOCOL] = { .name = "protocol", .kind = ARG_PROTOCOL,				\
		      .offset = offsetof(struct key_values, key.protocol),			\
		      KEY_PATHS(REWIRE_A_TUPLE_PROTOCOL, REWIRE_A_TUPLE_PROTOCOL, __VA_ARGS__) }, \
	[KEY_SRC] = { .name = "src", .kind = ARG_ENDPOINT, .part = part_,			\
		      .offset = offsetof(struct key_values, key.src),				\
		      KEY_PATHS(REWIRE_A_TUPLE_SRC, REWIRE_A_TUPLE_SPORT, __VA_ARGS__) },	\
	[KEY_DST] = { .name = "dst", .kind = ARG_ENDPOINT, .part = part_,			\
		      .offset = offsetof(struct key_values, key.dst),				\
		      KEY_PATHS(REWIRE_A_TUPLE_DST, REWIRE_A_TUPLE_DPORT, __VA_ARGS__) }

/* What a new flow has beyond its key. The reply's source is what the destination becomes. */
#define KEY_FLOW_TABLE(nest)									\
	KEY_TABLE(ARG_BEFORE, nest, REWIRE_A_FLOW_ORIG),								\
	[KEY_TO] = { .name = "to", .kind = ARG_TO },						\
	[KEY_TO_VNI] = { .name = "vni", .kind = ARG_U32, .max = REWIRE_VNI_MAX, .part = ARG_AFTER, \
		      .offset = offsetof(struct key_values, to_vni),				\
		      KEY_PATHS(REWIRE_A_TUPLE_VNI, REWIRE_A_TUPLE_VNI, nest, REWIRE_A_FLOW_REPLY) }, \
	[KEY_TO_SRC] = { .name = "src", .kind = ARG_ENDPOINT, .part = ARG_AFTER,		\
		      .offset = offsetof(struct key_values, to_src),				\
		      KEY_PATHS(REWIRE_A_TUPLE_DST, REWIRE_A_TUPLE_DPORT, nest, REWIRE_A_FLOW_REPLY) }, \
	[KEY_TO_DST] = { .name = "dst", .kind = ARG_ENDPOINT, .part = ARG_AFTER,		\
		      .offset = offsetof(struct key_values, to_dst),				\
		      KEY_PATHS(REWIRE_A_TUPLE_SRC, REWIRE_A_TUPLE_SPORT, nest, REWIRE_A_FLOW_REPLY) }, \
	[KEY_POLICY] = { .name = "policy", .kind = ARG_U32,					\
		      .offset = offsetof(struct key_values, policy),				\
		      .path = { { nest, REWIRE_A_FLOW_POLICY } } },				\
	[KEY_TARGET] = { .name = "target", .kind = ARG_U32,					\
		      .offset = offsetof(struct key_values, target),				\
		      .path = { { nest, REWIRE_A_FLOW_TARGET } } },				\
	[KEY_DECISION] = { .name = "decision", .kind = ARG_U64,					\
		      .offset = offsetof(struct key_values, decision),				\
		      .path = { { nest, REWIRE_A_FLOW_DECISION } } },				\
	[KEY_TIMEOUT] = { .name = "timeout", .kind = ARG_U32, .min = 1,				\
		      .offset = offsetof(struct key_values, timeout),				\
		      .path = { { nest, REWIRE_A_FLOW_TIMEOUT } } },				\
	[KEY_DEV] = { .name = "dev", .kind = ARG_DEVICE,					\
		      .offset = offsetof(struct key_values, ifindex),				\
		      .path = { { nest, REWIRE_A_FLOW_ORIG_IFINDEX } } },			\
	[KEY_OUTDEV] = { .name = "outdev", .kind = ARG_DEVICE,					\
		      .offset = offsetof(struct key_values, outindex),				\
		      .path = { { nest, REWIRE_A_FLOW_REPLY_IFINDEX } } },			\
	[KEY_REMOTE] = { .name = "remote", .kind = ARG_ADDR, .part = ARG_BEFORE,		\
		      .offset = offsetof(struct key_values, from.remote),			\
		      .path = { { nest, REWIRE_A_FLOW_ORIG_TUNNEL } } },			\
	[KEY_ID] = { .name = "id", .kind = ARG_U32, .max = REWIRE_VNI_MAX, .part = ARG_BEFORE,	\
		      .offset = offsetof(struct key_values, from.id),				\
		      .path = { { nest, REWIRE_A_FLOW_ORIG_TUNNEL, REWIRE_A_TUNNEL_ID } } },	\
	[KEY_LLADDR] = { .name = "lladdr", .kind = ARG_LLADDR, .part = ARG_BEFORE,		\
		      .offset = offsetof(struct key_values, from.lladdr),			\
		      .path = { { nest, REWIRE_A_FLOW_ORIG_TUNNEL, REWIRE_A_TUNNEL_LLADDR } } }, \
	[KEY_TO_REMOTE] = { .name = "remote", .kind = ARG_ADDR, .part = ARG_AFTER,		\
		      .offset = offsetof(struct key_values, through.remote),			\
		      .path = { { nest, REWIRE_A_FLOW_REPLY_TUNNEL } } },			\
	[KEY_TO_ID] = { .name = "id", .kind = ARG_U32, .max = REWIRE_VNI_MAX, .part = ARG_AFTER, \
		      .offset = offsetof(struct key_values, through.id),			\
		      .path = { { nest, REWIRE_A_FLOW_REPLY_TUNNEL, REWIRE_A_TUNNEL_ID } } },	\
	[KEY_TO_LLADDR] = { .name = "lladdr", .kind = ARG_LLADDR, .part = ARG_AFTER,		\
		      .offset = offsetof(struct key_values, through.lladdr),			\
		      .path = { { nest, REWIRE_A_FLOW_REPLY_TUNNEL, REWIRE_A_TUNNEL_LLADDR } } }, \
	[KEY_ONE_WAY] = { .name = "one-way", .kind = ARG_WORD, .min = 1,			\
		      .offset = offsetof(struct key_values, one_way),				\
		      .path = { { nest, REWIRE_A_FLOW_ONE_WAY } } },				\
	[KEY_DSCP] = { .name = "dscp", .kind = ARG_U32, .max = 63,				\
		      .offset = offsetof(struct key_values, dscp),				\
		      .path = { { nest, REWIRE_A_FLOW_DSCP } } },				\
	[KEY_TTL] = { .name = "ttl", .kind = ARG_TEXT,						\
		      .offset = offsetof(struct key_values, ttl),				\
		      .path = { { nest, REWIRE_A_FLOW_HOPS }, { nest, REWIRE_A_FLOW_HOP_LIMIT } } }, \
	[KEY_PACKET_RATE] = { .name = "packet-rate", .kind = ARG_U32, .min = 1,			\
		      .offset = offsetof(struct key_values, packet_rate),			\
		      .path = { { nest, REWIRE_A_FLOW_PACKET_RATE } } },			\
	[KEY_BYTE_RATE] = { .name = "byte-rate", .kind = ARG_U32, .min = 1,			\
		      .offset = offsetof(struct key_values, byte_rate),				\
		      .path = { { nest, REWIRE_A_FLOW_BYTE_RATE } } },				\
	[KEY_BURST] = { .name = "burst", .kind = ARG_U32, .min = 1,				\
		      .offset = offsetof(struct key_values, burst),				\
		      .path = { { nest, REWIRE_A_FLOW_BURST } } },				\
	[KEY_COPY] = { .name = "copy", .kind = ARG_LIST,					\
		      .offset = offsetof(struct key_values, copies),				\
		      .path = { { nest, REWIRE_A_FLOW_COPIES } } }

/* A whole key. 0, or EXIT_USAGE after an error is printed. */
int key_tuple(const struct args *args, const struct key *key, struct rw_tuple *tuple);
/* A whole flow: its reply key is the inverse of the packet as translated. */
int key_flow(const struct args *args, struct key_values *values, struct rw_flow_spec *spec);

void key_print(const char *json_key, const struct rw_tuple *tuple);
/* shape.c: what a flow has beyond a two-way rewrite. */
int key_shape(const struct args *args, struct key_values *values, struct rw_flow_spec *spec);
void key_print_tunnel(const char *json_key, const char *word, const struct rw_tunnel *tunnel);
void key_print_shape(const struct rw_flow_spec *spec);
void key_print_copies(const struct rw_flow_spec *spec);

/* The reply key of a flow; text has the packet as translated. */
void key_print_reply(const struct rw_tuple *reply);

#endif

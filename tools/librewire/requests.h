/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Operations on the kernel's objects: 0 or -errno with error filled.
 * ..._each call a function for each object of a dump; what it returns, if not
 * 0, ends the dump. -EINTR at the end: not a consistent picture, ask again.
 */
#ifndef RW_REQUESTS_H
#define RW_REQUESTS_H

#include "socket.h"
#include "types.h"

typedef int rw_attach_fn(const struct rw_attach *attach, void *data);
typedef int rw_service_address_fn(const struct rw_service_address *address, void *data);
typedef int rw_rule_fn(const struct rw_rule *rule, void *data);
typedef int rw_limit_fn(const struct rw_limit *limit, void *data);
typedef int rw_target_fn(const struct rw_target *target, void *data);
typedef int rw_policy_fn(const struct rw_policy *policy, void *data);
typedef int rw_delegate_fn(const struct rw_delegate *delegate, void *data);
typedef int rw_flow_fn(const struct rw_flow *flow, void *data);
typedef int rw_change_fn(const struct rw_change *change, void *data);
typedef int rw_summary_fn(const struct rw_summary *summary, void *data);
typedef int rw_network_fn(uint32_t vni, void *data);
typedef int rw_punt_fn(const struct rw_punt *punt, void *data);

int rw_attach_add(struct rw_socket *socket, const struct rw_attach *attach, struct rw_error *error);
int rw_attach_del(struct rw_socket *socket, const struct rw_attach *attach, struct rw_error *error);
/* One by its device, or local; the rest is filled in. */
int rw_attach_get(struct rw_socket *socket, struct rw_attach *attach, struct rw_error *error);
int rw_attach_each(struct rw_socket *socket, rw_attach_fn *fn, void *data, struct rw_error *error);

/* The number of answers is the kernel's. */
int rw_service_address_add(struct rw_socket *socket, const struct rw_service_address *address,
			   struct rw_error *error);
int rw_service_address_del(struct rw_socket *socket, const struct rw_service_address *address,
			   struct rw_error *error);
int rw_service_address_each(struct rw_socket *socket, rw_service_address_fn *fn, void *data,
			    struct rw_error *error);

/* The rule's id and hits are the kernel's: id is set. */
int rw_rule_add(struct rw_socket *socket, struct rw_rule *rule, struct rw_error *error);
int rw_rule_del(struct rw_socket *socket, uint32_t id, struct rw_error *error);
int rw_rule_each(struct rw_socket *socket, rw_rule_fn *fn, void *data, struct rw_error *error);

int rw_target_set(struct rw_socket *socket, uint32_t id, uint32_t state, struct rw_error *error);
int rw_target_del(struct rw_socket *socket, uint32_t id, struct rw_error *error);
int rw_target_each(struct rw_socket *socket, rw_target_fn *fn, void *data, struct rw_error *error);

/* Those limits are set that are not 0, or given. */
int rw_limit_set(struct rw_socket *socket, const struct rw_limit *limit, uint32_t given,
		 struct rw_error *error);
int rw_limit_del(struct rw_socket *socket, const struct rw_limit *limit, struct rw_error *error);
int rw_limit_each(struct rw_socket *socket, rw_limit_fn *fn, void *data, struct rw_error *error);
/* Given has the bits 1 << REWIRE_A_POLICY_... of what counts even when it is 0. */
int rw_policy_set(struct rw_socket *socket, const struct rw_policy *policy, uint32_t given,
		  struct rw_error *error);
int rw_policy_del(struct rw_socket *socket, uint32_t id, struct rw_error *error);
int rw_policy_each(struct rw_socket *socket, rw_policy_fn *fn, void *data, struct rw_error *error);

/* In place of what was delegated before. */
int rw_delegate_set(struct rw_socket *socket, const struct rw_delegate *delegate,
		    struct rw_error *error);
int rw_delegate_del(struct rw_socket *socket, uint32_t id, struct rw_error *error);
int rw_delegate_each(struct rw_socket *socket, rw_delegate_fn *fn, void *data,
		     struct rw_error *error);

/* With all, values that were never seen come, too. */
int rw_suspicion_get(struct rw_socket *socket, bool all, struct rw_suspicion *suspicion,
		     struct rw_error *error);
/* What is NULL stays. */
int rw_suspicion_set(struct rw_socket *socket, const uint32_t *enabled, const uint32_t *interval,
		     struct rw_error *error);
/* Fix a value's weight, or, if it is not pinned, let it be learned again. */
int rw_suspicion_pin(struct rw_socket *socket, const struct rw_suspicion_value *value,
		     struct rw_error *error);

int rw_flow_add(struct rw_socket *socket, const struct rw_flow_spec *spec, struct rw_error *error);
/* One with something behind it; past may be NULL. */
int rw_flow_restore(struct rw_socket *socket, const struct rw_flow_spec *spec,
		    const struct rw_past *past, struct rw_error *error);
int rw_flow_del(struct rw_socket *socket, const struct rw_tuple *key, struct rw_error *error);
int rw_flow_get(struct rw_socket *socket, const struct rw_tuple *key, struct rw_flow *flow,
		struct rw_error *error);
/* A filter of NULL matches all. Each flow that is there all the time is shown once; never -EINTR. */
int rw_flow_each(struct rw_socket *socket, const struct rw_flow_filter *filter, rw_flow_fn *fn,
		 void *data, struct rw_error *error);
int rw_flow_count(struct rw_socket *socket, const struct rw_flow_filter *filter, uint64_t *count,
		  struct rw_error *error);
int rw_flow_top(struct rw_socket *socket, const struct rw_top_request *request,
		struct rw_top *top, struct rw_error *error);
int rw_flow_flush(struct rw_socket *socket, const struct rw_flow_filter *filter,
		  struct rw_error *error);

/* From now on this socket may read what changes; no other one may until it is closed. */
int rw_change_listen(struct rw_socket *socket, struct rw_error *error);
/* What has changed since the last time: -EPERM when the kernel does not know of listening. */
int rw_change_each(struct rw_socket *socket, rw_change_fn *fn, void *data, struct rw_error *error);

/* Without networks those stay that the process has, at first all. */
int rw_punt_listen(struct rw_socket *socket, const struct rw_networks *networks,
		   uint32_t *handlers, struct rw_error *error);
/* Listen by a socket of another process. The answer is left in it, behind punts that wait. */
int rw_punt_own(struct rw_socket *socket, const struct rw_networks *networks);
/* By any socket of a process that listens; -ESRCH, it does not. */
int rw_network_set(struct rw_socket *socket, const struct rw_networks *networks,
		   struct rw_error *error);
/* In ascending order; none at all, it may decide for all. */
int rw_network_each(struct rw_socket *socket, rw_network_fn *fn, void *data,
		    struct rw_error *error);
int rw_punt_each(struct rw_socket *socket, rw_punt_fn *fn, void *data, struct rw_error *error);

/* One verdict; its own failure is an error of the request. */
int rw_verdict_add(struct rw_socket *socket, const struct rw_verdict *verdict,
		   struct rw_error *error);
/* The watermark waits for no decision up to this number any more. */
int rw_verdict_settle(struct rw_socket *socket, uint64_t settled, struct rw_error *error);

/* Given has the bits 1 << REWIRE_A_EXPLANATION_... of what counts even when it is 0. */
int rw_packet_explain(struct rw_socket *socket, const struct rw_question *question,
		      uint32_t given, struct rw_explanation *explanation,
		      struct rw_error *error);

/* The whole alone. */
int rw_summary_get(struct rw_socket *socket, struct rw_summary *summary, struct rw_error *error);
/* The whole, then virtual networks and targets by number. */
int rw_summary_each(struct rw_socket *socket, rw_summary_fn *fn, void *data,
		    struct rw_error *error);

int rw_stats_get(struct rw_socket *socket, bool reasons, struct rw_stats *stats,
		 struct rw_error *error);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Objects to and from netlink attributes; nothing here allocates or keeps state.
 *
 * rw_put_...: append to a message of at most size bytes. False when there is
 * no room; the message is unchanged then.
 * rw_get_...: 0, or -EBADMSG when an attribute has a wrong length. Attributes
 * that are not known are ignored, members without an attribute are zero.
 */
#ifndef RW_CODEC_H
#define RW_CODEC_H

#include <sys/types.h>
#include <libmnl/libmnl.h>

#include "types.h"

bool rw_put_tuple(struct nlmsghdr *nlh, size_t size, uint16_t attr, const struct rw_tuple *tuple);
int rw_get_tuple(const struct nlattr *attr, struct rw_tuple *tuple);
/* The other direction's key if nothing were rewritten. */
void rw_tuple_inverse(const struct rw_tuple *tuple, struct rw_tuple *inverse);

bool rw_put_flow_spec(struct nlmsghdr *nlh, size_t size, uint16_t attr,
		      const struct rw_flow_spec *spec);
/* Encode copies into a buffer that has to live as long as the spec, which gets them. */
bool rw_copies_put(struct nlmsghdr *nlh, size_t size, const struct rw_copy *copies,
		   unsigned int count, struct rw_flow_spec *spec);
/* The copy after one, NULL for the first; NULL at the end. */
const struct nlattr *rw_copy_next(const struct rw_flow_spec *spec, const struct nlattr *previous,
				  struct rw_copy *copy);
bool rw_put_past(struct nlmsghdr *nlh, size_t size, uint16_t attr, const struct rw_past *past);
/* What a flow's direction tells of its tracking; false when it does not. */
bool rw_get_tracking(const struct rw_flow *flow, unsigned int direction,
		     struct rw_tracking *tracking);
bool rw_put_flow_filter(struct nlmsghdr *nlh, size_t size, uint16_t attr,
			const struct rw_flow_filter *filter);
bool rw_put_flow(struct nlmsghdr *nlh, size_t size, const struct rw_flow *flow);
int rw_get_flow_spec(const struct nlattr *attr, struct rw_flow_spec *spec);
int rw_get_flow(const struct nlmsghdr *nlh, struct rw_flow *flow);
int rw_get_flow_nest(const struct nlattr *attr, struct rw_flow *flow);
int rw_get_change(const struct nlmsghdr *nlh, struct rw_change *change);
/* Of notifications. */
int rw_get_flow_event(const struct nlmsghdr *nlh, struct rw_flow_event *event);
/* The rest of the message is what the object's own function reads. */
int rw_get_config_event(const struct nlmsghdr *nlh, uint8_t command, struct rw_config_event *event);
/* The entries of an answer, up to as many as there is room for. */
int rw_get_top(const struct nlmsghdr *nlh, struct rw_top *top);

bool rw_put_rule(struct nlmsghdr *nlh, size_t size, const struct rw_rule *rule);
int rw_get_rule(const struct nlmsghdr *nlh, struct rw_rule *rule);

bool rw_put_target(struct nlmsghdr *nlh, size_t size, const struct rw_target *target);
int rw_get_target(const struct nlmsghdr *nlh, struct rw_target *target);

/* given: bits 1 << REWIRE_A_LIMIT_... of what counts even when it is 0 */
bool rw_put_limit(struct nlmsghdr *nlh, size_t size, const struct rw_limit *limit, uint32_t given);
int rw_get_limit(const struct nlmsghdr *nlh, struct rw_limit *limit);

bool rw_put_policy(struct nlmsghdr *nlh, size_t size, const struct rw_policy *policy,
		   uint32_t given);
int rw_get_policy(const struct nlmsghdr *nlh, struct rw_policy *policy);

bool rw_put_delegate(struct nlmsghdr *nlh, size_t size, const struct rw_delegate *delegate);
int rw_get_delegate(const struct nlmsghdr *nlh, struct rw_delegate *delegate);

bool rw_put_service_address(struct nlmsghdr *nlh, size_t size,
			    const struct rw_service_address *address);
int rw_get_service_address(const struct nlmsghdr *nlh, struct rw_service_address *address);

int rw_get_suspicion(const struct nlmsghdr *nlh, struct rw_suspicion *suspicion);

bool rw_put_attach(struct nlmsghdr *nlh, size_t size, const struct rw_attach *attach);
int rw_get_attach(const struct nlmsghdr *nlh, struct rw_attach *attach);

/* Punts of one message: how many there are, up to max, or -EBADMSG. */
bool rw_put_punt(struct nlmsghdr *nlh, size_t size, const struct rw_punt *punt);
ssize_t rw_get_punts(const struct nlmsghdr *nlh, struct rw_punt *punts, size_t max);
bool rw_put_listen(struct nlmsghdr *nlh, size_t size, uint32_t version);
int rw_get_handlers(const struct nlmsghdr *nlh, uint32_t *handlers);

/* Failures of one answer: how many there are, up to max, or -EBADMSG. */
bool rw_put_verdict(struct nlmsghdr *nlh, size_t size, const struct rw_verdict *verdict);
int rw_get_verdict(const struct nlattr *attr, struct rw_verdict *verdict);
bool rw_put_failure(struct nlmsghdr *nlh, size_t size, const struct rw_failure *failure);
ssize_t rw_get_failures(const struct nlmsghdr *nlh, uint32_t *accepted,
			struct rw_failure *failures, size_t max);

bool rw_put_question(struct nlmsghdr *nlh, size_t size, const struct rw_question *question,
		     uint32_t given);
int rw_get_explanation(const struct nlmsghdr *nlh, struct rw_explanation *explanation);

bool rw_put_summary(struct nlmsghdr *nlh, size_t size, const struct rw_summary *summary);
int rw_get_summary(const struct nlmsghdr *nlh, struct rw_summary *summary);

bool rw_put_stats_request(struct nlmsghdr *nlh, size_t size, bool reasons);
bool rw_put_stats(struct nlmsghdr *nlh, size_t size, const struct rw_stats *stats);
int rw_get_stats(const struct nlmsghdr *nlh, struct rw_stats *stats);

#endif

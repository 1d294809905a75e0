// SPDX-License-Identifier: GPL-2.0
/* What the kernel says about a request. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "dump.h"
#include "shape.h"
#include "socket.h"

int rw_error_set(struct rw_error *error, int code, const char *format, ...)
{
	va_list args;

	memset(error, 0, sizeof(*error));
	error->code = code;
	va_start(args, format);
	vsnprintf(error->sentence, sizeof(error->sentence), format, args);
	va_end(args);
	return code;
}

int rw_no_room(struct rw_error *error)
{
	return rw_error_set(error, -EMSGSIZE, "The request does not fit a message");
}

/* Attributes on the way down to the one that begins at an offset of the request. */
static void find_path(const struct nlmsghdr *request, uint32_t offset, struct rw_error *error)
{
	const char *at = (const char *)request + offset;
	size_t length;
	const void *payload = rw_message_payload(request, &length);
	const struct nlattr *attr = NULL;
	int bad;

	while (error->depth < RW_PATH_MAX && (attr = rw_attr_next(payload, length, attr, &bad))) {
		if (at < (const char *)attr || at >= (const char *)mnl_attr_next(attr))
			continue;
		error->path[error->depth++] = mnl_attr_get_type(attr);
		if (at == (const char *)attr || !(attr->nla_type & NLA_F_NESTED))
			return;
		payload = mnl_attr_get_payload(attr);
		length = mnl_attr_get_payload_len(attr);
		attr = NULL;
	}
}

static void read_extack(const struct nlmsghdr *nlh, size_t skip, const struct nlmsghdr *request,
			struct rw_error *error)
{
	size_t length = mnl_nlmsg_get_payload_len(nlh);
	const struct nlattr *attr = NULL;
	const char *payload = mnl_nlmsg_get_payload(nlh);
	uint32_t offset = 0;
	bool has_offset = false;
	int bad;

	if (length <= skip)
		return;
	payload += skip;
	length -= skip;
	while ((attr = rw_attr_next(payload, length, attr, &bad))) {
		size_t size = mnl_attr_get_payload_len(attr);
		const void *value = mnl_attr_get_payload(attr);

		switch (mnl_attr_get_type(attr)) {
		case NLMSGERR_ATTR_MSG:
			if (size && memchr(value, 0, size))
				snprintf(error->sentence, sizeof(error->sentence), "%s",
					 (const char *)value);
			break;
		case NLMSGERR_ATTR_OFFS:
		case NLMSGERR_ATTR_MISS_NEST:
			if (size == sizeof(offset)) {
				memcpy(&offset, value, sizeof(offset));
				has_offset = true;
			}
			break;
		case NLMSGERR_ATTR_MISS_TYPE:
			if (size == sizeof(uint32_t))
				error->missing = mnl_attr_get_u32(attr);
			break;
		}
	}
	if (request && has_offset)
		find_path(request, offset, error);
}

int rw_message_outcome(const struct nlmsghdr *nlh, const struct nlmsghdr *request,
		       struct rw_error *error)
{
	size_t length = mnl_nlmsg_get_payload_len(nlh), skip;
	const struct nlmsgerr *reply = mnl_nlmsg_get_payload(nlh);
	int code;

	if (nlh->nlmsg_type == NLMSG_DONE) {
		if (length < sizeof(code))
			return rw_error_set(error, -EBADMSG, "The kernel's answer is truncated");
		memcpy(&code, mnl_nlmsg_get_payload(nlh), sizeof(code));
		skip = sizeof(code);
	} else {
		if (length < sizeof(*reply))
			return rw_error_set(error, -EBADMSG, "The kernel's answer is truncated");
		code = reply->error;
		skip = sizeof(*reply);
		if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
			skip += MNL_ALIGN(reply->msg.nlmsg_len) - MNL_NLMSG_HDRLEN;
	}
	if (code >= 0)
		return 0;
	rw_error_set(error, code, "%s", strerror(-code));
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS)
		read_extack(nlh, skip, request, error);
	return code;
}

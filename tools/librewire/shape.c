// SPDX-License-Identifier: GPL-2.0
/* Encoding and decoding by tables. */

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <linux/genetlink.h>

#include "shape.h"
#include "types.h"

static bool is_zero(const uint8_t *bytes, size_t size)
{
	while (size--)
		if (*bytes++)
			return false;
	return true;
}

static size_t addr_size(uint8_t family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

/* As mnl_attr_put_check, but what aligns the next attribute is 0, not what the buffer had. */
static bool put_bytes(struct nlmsghdr *nlh, size_t size, uint16_t attr, size_t length,
		      const void *bytes)
{
	if (!mnl_attr_put_check(nlh, size, attr, length, bytes))
		return false;
	length = MNL_ALIGN(length) - length;
	memset((char *)mnl_nlmsg_get_payload_tail(nlh) - length, 0, length);
	return true;
}

static bool put_addr(struct nlmsghdr *nlh, size_t size, uint16_t attr, const struct rw_addr *addr)
{
	return put_bytes(nlh, size, attr, addr_size(addr->family), addr->bytes);
}

static bool put_port(struct nlmsghdr *nlh, size_t size, uint16_t attr, const void *member)
{
	uint16_t port;

	memcpy(&port, member, sizeof(port));
	port = htons(port);
	return put_bytes(nlh, size, attr, sizeof(port), &port);
}

static const void *pointer_at(const void *member)
{
	const void *pointer;

	memcpy(&pointer, member, sizeof(pointer));
	return pointer;
}

static bool put_field(struct nlmsghdr *nlh, size_t size, uint16_t attr,
		      const struct rw_field *field, const uint8_t *object)
{
	const void *member = object + field->offset;
	uint32_t length;
	uint8_t plus_1;

	switch (field->kind) {
	case RW_FLAG:
		return put_bytes(nlh, size, attr, 0, NULL);
	case RW_U16BE:
		return put_port(nlh, size, attr, member);
	case RW_ADDR:
		return put_addr(nlh, size, attr, member);
	case RW_STRING:
		return put_bytes(nlh, size, attr, strlen(member) + 1, member);
	case RW_TEXT:
		return put_bytes(nlh, size, attr, strlen(pointer_at(member)) + 1, pointer_at(member));
	case RW_U8_PLUS_1:
		plus_1 = *(const uint8_t *)member - 1;
		return put_bytes(nlh, size, attr, sizeof(plus_1), &plus_1);
	case RW_ATTRS:
		attr |= NLA_F_NESTED;
		/* fall through */
	case RW_BYTES:
		memcpy(&length, object + field->length, sizeof(length));
		return put_bytes(nlh, size, attr, length, pointer_at(member));
	case RW_NEST:
		return rw_shape_put_nest(nlh, size, attr, field->nest, member, 0);
	default:
		return put_bytes(nlh, size, attr, field->size, member);
	}
}

bool rw_shape_put(struct nlmsghdr *nlh, size_t size, const struct rw_shape *shape,
		  const void *object, uint32_t force)
{
	uint32_t length = nlh->nlmsg_len;
	uint16_t attr;

	for (attr = 1; attr < shape->count; attr++) {
		const struct rw_field *field = &shape->fields[attr];
		const uint8_t *member = (const uint8_t *)object + field->offset;

		if (field->kind == RW_SKIP)
			continue;
		if (!field->always && !(force & 1U << attr) && is_zero(member, field->size))
			continue;
		if (!put_field(nlh, size, attr, field, object)) {
			nlh->nlmsg_len = length;
			return false;
		}
	}
	return true;
}

bool rw_shape_put_nest(struct nlmsghdr *nlh, size_t size, uint16_t attr,
		       const struct rw_shape *shape, const void *object, uint32_t force)
{
	struct nlattr *nest = mnl_attr_nest_start_check(nlh, size, attr);

	if (!nest)
		return false;
	if (!rw_shape_put(nlh, size, shape, object, force)) {
		mnl_attr_nest_cancel(nlh, nest);
		return false;
	}
	mnl_attr_nest_end(nlh, nest);
	return true;
}

/*
 * As libmnl's functions, but in place: a list of a million flows has 27 million attributes, and
 * calls would be most of their cost.
 */
static inline size_t length_of(const struct nlattr *attr)
{
	return attr->nla_len - MNL_ATTR_HDRLEN;
}

static inline const void *payload_of(const struct nlattr *attr)
{
	return (const char *)attr + MNL_ATTR_HDRLEN;
}

/* Inline, so that the compiler knows the size. */
static inline int get_number(const struct nlattr *attr, void *member, size_t size)
{
	if (length_of(attr) != size)
		return -EBADMSG;
	memcpy(member, payload_of(attr), size);
	return 0;
}

static int get_port(const struct nlattr *attr, void *member)
{
	uint16_t port;
	int ret = get_number(attr, &port, sizeof(port));

	if (ret)
		return ret;
	port = ntohs(port);
	memcpy(member, &port, sizeof(port));
	return 0;
}

static int get_addr(const struct nlattr *attr, struct rw_addr *addr)
{
	memset(addr, 0, sizeof(*addr));
	addr->family = length_of(attr) == 4 ? AF_INET : AF_INET6;
	return addr->family == AF_INET ? get_number(attr, addr->bytes, 4) :
					 get_number(attr, addr->bytes, 16);
}

/* A string of the message, or NULL when it is not one that ends with its attribute. */
static const char *string_in(const struct nlattr *attr)
{
	size_t length = mnl_attr_get_payload_len(attr);
	const char *text = mnl_attr_get_payload(attr);

	return length && memchr(text, 0, length) == text + length - 1 ? text : NULL;
}

static int get_string(const struct nlattr *attr, char *string, size_t size)
{
	const char *text = string_in(attr);

	if (!text || mnl_attr_get_payload_len(attr) > size)
		return -EBADMSG;
	strcpy(string, text);
	return 0;
}

static int get_text(const struct nlattr *attr, void *member)
{
	const char *text = string_in(attr);

	if (!text)
		return -EBADMSG;
	memcpy(member, &text, sizeof(text));
	return 0;
}

static void get_bytes(const struct nlattr *attr, void *member, void *length_member)
{
	const void *bytes = mnl_attr_get_payload(attr);
	uint32_t length = mnl_attr_get_payload_len(attr);

	memcpy(member, &bytes, sizeof(bytes));
	memcpy(length_member, &length, sizeof(length));
}

static int get_field(const struct rw_field *field, const struct nlattr *attr, uint8_t *object)
{
	void *member = object + field->offset;

	switch (field->kind) {
	case RW_FLAG:
		if (mnl_attr_get_payload_len(attr))
			return -EBADMSG;
		*(bool *)member = true;
		return 0;
	case RW_U16BE:
		return get_port(attr, member);
	case RW_ADDR:
		return get_addr(attr, member);
	case RW_STRING:
		return get_string(attr, member, field->size);
	case RW_TEXT:
		return get_text(attr, member);
	case RW_U8_PLUS_1:
		if (mnl_attr_get_payload_len(attr) != 1)
			return -EBADMSG;
		*(uint8_t *)member = mnl_attr_get_u8(attr) + 1;
		return 0;
	case RW_ATTRS:
	case RW_BYTES:
		get_bytes(attr, member, object + field->length);
		return 0;
	case RW_NEST:
		return rw_shape_get_nest(field->nest, attr, member);
	case RW_U32:
		return get_number(attr, member, sizeof(uint32_t));
	case RW_U64:
		return get_number(attr, member, sizeof(uint64_t));
	default:
		return get_number(attr, member, field->size);
	}
}

const struct nlattr *rw_attr_next(const void *payload, size_t length,
				  const struct nlattr *previous, int *error)
{
	size_t used = previous ? (const char *)previous - (const char *)payload +
				 MNL_ALIGN(previous->nla_len) : 0;
	const struct nlattr *attr = (const struct nlattr *)((const char *)payload + used);

	*error = 0;
	if (used >= length)	/* the last one's alignment may be missing */
		return NULL;
	if (length - used >= MNL_ATTR_HDRLEN && attr->nla_len >= MNL_ATTR_HDRLEN &&
	    attr->nla_len <= length - used)
		return attr;
	*error = -EBADMSG;
	return NULL;
}

int rw_shape_get(const struct rw_shape *shape, const void *payload, size_t length,
		 void *object, uint32_t *seen)
{
	const struct nlattr *attr = NULL;
	int ret;

	if (seen)
		*seen = 0;
	while ((attr = rw_attr_next(payload, length, attr, &ret))) {
		uint16_t type = attr->nla_type & NLA_TYPE_MASK;

		if (type >= shape->count || shape->fields[type].kind == RW_SKIP)
			continue;
		ret = get_field(&shape->fields[type], attr, object);
		if (ret)
			return ret;
		if (seen)
			*seen |= 1U << type;
	}
	return ret;
}

int rw_shape_get_nest(const struct rw_shape *shape, const struct nlattr *attr, void *object)
{
	return rw_shape_get(shape, payload_of(attr), length_of(attr), object, NULL);
}

const void *rw_message_payload(const struct nlmsghdr *nlh, size_t *length)
{
	size_t size = mnl_nlmsg_get_payload_len(nlh);

	*length = size > sizeof(struct genlmsghdr) ? size - sizeof(struct genlmsghdr) : 0;
	return mnl_nlmsg_get_payload_offset(nlh, sizeof(struct genlmsghdr));
}

int rw_shape_get_message(const struct rw_shape *shape, const struct nlmsghdr *nlh,
			 void *object, uint32_t *seen)
{
	size_t length;
	const void *payload = rw_message_payload(nlh, &length);

	return rw_shape_get(shape, payload, length, object, seen);
}

/* SPDX-License-Identifier: GPL-2.0 */
/* Tables that say which attribute is which member of a structure: one table encodes and decodes. */
#ifndef RW_SHAPE_H
#define RW_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libmnl/libmnl.h>

enum rw_kind {
	RW_SKIP,	/* no such attribute, or padding */
	RW_U8,
	RW_U8_PLUS_1,	/* one less in the message; 0 in the structure: absent */
	RW_U16BE,	/* big-endian in the message, host order in the structure */
	RW_U32,
	RW_U64,
	RW_FLAG,	/* bool */
	RW_ADDR,	/* struct rw_addr */
	RW_STRING,	/* array of char */
	RW_TEXT,	/* pointer to a string in the message */
	RW_BYTES,	/* pointer to bytes in the message, and a length of 32 bits */
	RW_ATTRS,	/* likewise, but the bytes are attributes */
	RW_NEST,
};

struct rw_shape;

struct rw_field {
	uint8_t kind;
	bool always;	/* encoded even when it is 0 */
	uint16_t offset, size;
	uint16_t length;	/* offset of the length of RW_BYTES */
	const struct rw_shape *nest;
};

struct rw_shape {
	const struct rw_field *fields;	/* by attribute */
	uint16_t count;
};

#define RW_FIELD(kind_, type, member) \
	{ .kind = (kind_), .offset = offsetof(type, member), .size = sizeof(((type *)0)->member) }
#define RW_ALWAYS(kind_, type, member) \
	{ .kind = (kind_), .always = true, .offset = offsetof(type, member), \
	  .size = sizeof(((type *)0)->member) }
#define RW_NESTED(shape, type, member) \
	{ .kind = RW_NEST, .offset = offsetof(type, member), \
	  .size = sizeof(((type *)0)->member), .nest = &(shape) }
#define RW_BORROWED(kind_, type, member, length_) \
	{ .kind = (kind_), .offset = offsetof(type, member), \
	  .size = sizeof(((type *)0)->member), .length = offsetof(type, length_) }
#define RW_SHAPE(fields_) { .fields = (fields_), .count = sizeof(fields_) / sizeof((fields_)[0]) }

/*
 * Append an object: members that are not zero, and those that are always there
 * or have their attribute's bit in force. False when the message of at most
 * size bytes has no room; it is unchanged then.
 */
bool rw_shape_put(struct nlmsghdr *nlh, size_t size, const struct rw_shape *shape,
		  const void *object, uint32_t force);
bool rw_shape_put_nest(struct nlmsghdr *nlh, size_t size, uint16_t attr,
		       const struct rw_shape *shape, const void *object, uint32_t force);

/*
 * Decode attributes into an object that the caller has zeroed. Attributes that
 * the shape does not have are ignored; one of a wrong length is -EBADMSG. Seen,
 * when not NULL, gets the attributes' bits.
 */
int rw_shape_get(const struct rw_shape *shape, const void *payload, size_t length,
		 void *object, uint32_t *seen);
int rw_shape_get_nest(const struct rw_shape *shape, const struct nlattr *attr, void *object);
int rw_shape_get_message(const struct rw_shape *shape, const struct nlmsghdr *nlh,
			 void *object, uint32_t *seen);

/* The attributes of a generic netlink message. */
const void *rw_message_payload(const struct nlmsghdr *nlh, size_t *length);

/*
 * The next attribute after one (NULL, the first); NULL at the end. Error gets
 * -EBADMSG when what follows is no whole attribute.
 */
const struct nlattr *rw_attr_next(const void *payload, size_t length,
				  const struct nlattr *previous, int *error);

extern const struct rw_shape rw_tunnel_shape;
extern const struct rw_shape rw_tuple_shape, rw_counters_shape, rw_flow_spec_shape;

#endif

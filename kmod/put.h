/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Attributes put into a message in place. As nla_put() and its like, which call three
 * functions for each: of a list of flows, with 27 attributes each, that was a fifth.
 */
#ifndef REWIRE_PUT_H
#define REWIRE_PUT_H

#include <net/netlink.h>

/* @size is a constant, so that the copy is a store. Return: 0, or -EMSGSIZE. */
static __always_inline int rewire_put(struct sk_buff *skb, int attribute, const void *value,
				      int size)
{
	struct nlattr *nla = (struct nlattr *)skb_tail_pointer(skb);

	if (unlikely(skb_tailroom(skb) < nla_total_size(size)))
		return -EMSGSIZE;
	__skb_put(skb, nla_total_size(size));
	nla->nla_type = attribute;
	nla->nla_len = nla_attr_size(size);
	memcpy(nla_data(nla), value, size);
	memset(nla_data(nla) + size, 0, nla_padlen(size));
	return 0;
}

static inline int rewire_put_u8(struct sk_buff *skb, int attribute, u8 value)
{
	return rewire_put(skb, attribute, &value, sizeof(value));
}

static inline int rewire_put_be16(struct sk_buff *skb, int attribute, __be16 value)
{
	return rewire_put(skb, attribute, &value, sizeof(value));
}

static inline int rewire_put_u32(struct sk_buff *skb, int attribute, u32 value)
{
	return rewire_put(skb, attribute, &value, sizeof(value));
}

/* @pad: attribute that aligns the value, where that is needed */
static inline int rewire_put_u64(struct sk_buff *skb, int attribute, u64 value, int pad)
{
	if (unlikely(skb_tailroom(skb) < nla_total_size_64bit(sizeof(value))))
		return -EMSGSIZE;
	nla_align_64bit(skb, pad);
	return rewire_put(skb, attribute, &value, sizeof(value));
}

/* Closed by nla_nest_end(). Return: NULL when there is no room. */
static inline struct nlattr *rewire_put_nest(struct sk_buff *skb, int attribute)
{
	struct nlattr *nest = (struct nlattr *)skb_tail_pointer(skb);

	return rewire_put(skb, attribute | NLA_F_NESTED, NULL, 0) ? NULL : nest;
}

#endif /* REWIRE_PUT_H */

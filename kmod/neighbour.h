/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses that the module answers for inside of virtual networks. */
#ifndef REWIRE_NEIGHBOUR_H
#define REWIRE_NEIGHBOUR_H

#include <linux/in6.h>
#include <linux/types.h>

struct rewire_attach;
struct rewire_net;
struct sk_buff;

#define REWIRE_ADDRESSES_MAX	65536U
#define REWIRE_ADDRESS_HASH_BITS	8

/* Answers of a device: a second's, and at once. */
#define REWIRE_ANSWER_RATE	1000
#define REWIRE_ANSWER_BURST	200

struct rewire_address;

/* address.c */
struct rewire_address *rewire_address_lookup(struct rewire_net *ns, u32 vni,
					     const struct in6_addr *address);
void rewire_address_answered(struct rewire_address *address);
bool rewire_address_is_whole(const struct rewire_address *address);
void rewire_address_exit(struct rewire_net *ns);

bool rewire_neighbour_answer(struct rewire_attach *attach, struct sk_buff *skb);

#endif /* REWIRE_NEIGHBOUR_H */

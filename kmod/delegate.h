/* SPDX-License-Identifier: GPL-2.0 */
/* Delegated decisions: those that the daemon has left to the kernel. */
#ifndef REWIRE_DELEGATE_H
#define REWIRE_DELEGATE_H

#include <linux/atomic.h>
#include <linux/in6.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

struct rewire_net;
struct rewire_packet;
struct rewire_rule;

#define REWIRE_DELEGATE_ADDRESSES_MAX	16

/**
 * struct rewire_delegate - by what new flows of a policy get a public address and port
 * @id: number of the policy of the punt rules whose packets it decides about
 * @from: virtual network whose packets it decides about
 * @vni: that which the flows lead to
 * @min: lowest public port
 * @max: highest
 * @to_port: what becomes of the destination's port; 0, it is kept
 * @translates: whether the destination becomes another
 * @has_to: by family, IPv4 first, whether there is one
 * @to: by family, what becomes of the destination
 * @session: of those who listen, see struct rewire_net; it is void in any other
 * @decision: of the daemon, for all flows that it makes
 * @ipv4: how many addresses are of IPv4; they come first
 * @addresses: how many there are
 * @address: public addresses, IPv4 as IPv4-mapped
 * @flows: made by it
 * @conflicts: public ports tried that were in use towards a far end
 * @rcu: for the grace period before it is freed
 *
 * Never changed once packets see it: another one takes its place. When nobody
 * listens any more, or another process does, it is void: that may want none of it.
 */
struct rewire_delegate {
	u32 id;
	u32 from;
	u32 vni;
	u16 min;
	u16 max;
	__be16 to_port;
	u8 ipv4;
	u8 addresses;
	bool translates;
	bool has_to[2];
	u32 session;
	struct in6_addr to[2];
	u64 decision;
	struct in6_addr address[REWIRE_DELEGATE_ADDRESSES_MAX];
	atomic64_t flows;
	atomic64_t conflicts;
	struct rcu_head rcu;
};

struct rewire_delegate *rewire_delegate_find(struct rewire_net *ns,
					     const struct rewire_packet *packet,
					     const struct rewire_rule *rule);
int rewire_delegate_decide(struct rewire_net *ns, struct rewire_delegate *delegate,
			   const struct rewire_packet *packet, const struct rewire_rule *rule);
void rewire_delegate_exit(struct rewire_net *ns);

#endif /* REWIRE_DELEGATE_H */

// SPDX-License-Identifier: GPL-2.0
/* Far ends of tunnels in netlink messages. */
#include <linux/etherdevice.h>

#include "netlink.h"
#include "tunnel.h"

/**
 * rewire_get_remote() - the far end of a tunnel in a request
 * @nest: the attribute
 * @vni: of the virtual network behind it, which is the identifier when none is given
 * @remote: to fill
 * @extack: a sentence, on failure
 */
int rewire_get_remote(const struct nlattr *nest, u32 vni, struct rewire_remote *remote,
		      struct netlink_ext_ack *extack)
{
	struct nlattr *tb[REWIRE_A_TUNNEL_MAX + 1];
	int err;

	memset(remote, 0, sizeof(*remote));
	err = rewire_parse_nest(tb, REWIRE_A_TUNNEL_MAX, nest, extack);
	if (err)
		return err;
	if (!tb[REWIRE_A_TUNNEL_REMOTE]) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "A tunnel needs the address of its far end");
		return -EINVAL;
	}
	err = rewire_get_address(tb[REWIRE_A_TUNNEL_REMOTE], &remote->address, extack);
	if (err)
		return err;
	remote->id = vni;
	if (tb[REWIRE_A_TUNNEL_ID])
		remote->id = nla_get_u32(tb[REWIRE_A_TUNNEL_ID]);
	if (!tb[REWIRE_A_TUNNEL_LLADDR])
		return 0;
	ether_addr_copy(remote->lladdr, nla_data(tb[REWIRE_A_TUNNEL_LLADDR]));
	remote->has_lladdr = true;
	if (is_valid_ether_addr(remote->lladdr))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, tb[REWIRE_A_TUNNEL_LLADDR],
			    "This is no hardware address of one station");
	return -EINVAL;
}

/* Return: whether there was no room. */
bool rewire_put_remote(struct sk_buff *skb, int attribute, const struct rewire_remote *remote)
{
	struct nlattr *nest = nla_nest_start(skb, attribute);

	if (!nest || rewire_put_address(skb, REWIRE_A_TUNNEL_REMOTE, &remote->address) ||
	    nla_put_u32(skb, REWIRE_A_TUNNEL_ID, remote->id) ||
	    (remote->has_lladdr &&
	     nla_put(skb, REWIRE_A_TUNNEL_LLADDR, ETH_ALEN, remote->lladdr)))
		return true;
	nla_nest_end(skb, nest);
	return false;
}

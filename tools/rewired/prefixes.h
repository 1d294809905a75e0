/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_PREFIXES_H
#define REWIRED_PREFIXES_H

#include <sys/socket.h>

#include "json.h"
#include "types.h"

enum { IPV4, IPV6, FAMILIES };

struct prefix {
	struct rw_addr address;
	uint8_t length;
};

struct prefixes {
	struct prefix *list;
	unsigned int count;
};

static inline int family_index(const struct rw_addr *address)
{
	return address->family == AF_INET6 ? IPV6 : IPV4;
}

/* A prefix or a list of them: 1 when there are any, 0 when the key is absent, or -1. */
int prefixes_get(const struct place *place, const char *key, struct prefixes *prefixes);

/* No prefix at all is any address. */
bool prefixes_contain(const struct prefixes *prefixes, const struct rw_addr *address);
bool prefixes_have_family(const struct prefixes *prefixes, int family);

#endif

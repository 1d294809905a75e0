// SPDX-License-Identifier: GPL-2.0
/* Ends of flows that become what the configuration says, without a choice. */

#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "mapping.h"

static int add_prefix(const struct place *place, const struct prefix *prefix,
		      struct mapping *mapping)
{
	struct prefix *there = &mapping->prefixes[family_index(&prefix->address)];

	if (there->address.family)
		return refuse(place->error, "%s: addresses holds two of one family", place->text);
	*there = *prefix;
	return 0;
}

int mapping_read(const struct place *place, bool optional, struct mapping *mapping)
{
	static const char *const keys[] = { "vni", "addresses", "port", NULL };
	struct prefixes prefixes = { 0 };
	uint32_t port = 0;
	unsigned int i;
	int ret;

	mapping->given = true;
	if (json_only_keys(place, keys) ||
	    json_need_number(place, "vni", 0, REWIRE_VNI_MAX, &mapping->vni) ||
	    json_get_number(place, "port", 1, 65535, &port) < 0)
		return -1;
	mapping->port = port;
	ret = prefixes_get(place, "addresses", &prefixes);
	mapping->keep = !ret;
	if (!ret && !optional)
		ret = refuse(place->error, "%s: addresses is missing", place->text);
	for (i = 0; ret >= 0 && i < prefixes.count; i++)
		ret = add_prefix(place, &prefixes.list[i], mapping);
	free(prefixes.list);
	return ret < 0 ? -1 : 0;
}

static void set_prefix(const struct prefix *prefix, struct rw_addr *address)
{
	unsigned int bit, bits = rw_addr_bits(address);
	struct rw_addr made = prefix->address;

	for (bit = prefix->length; bit < bits; bit++)
		made.bytes[bit / 8] |= address->bytes[bit / 8] & (0x80 >> bit % 8);
	*address = made;
}

bool mapping_apply(const struct mapping *mapping, uint8_t protocol, struct rw_addr *address,
		   uint16_t *port)
{
	const struct prefix *prefix = &mapping->prefixes[family_index(address)];

	if (!mapping->keep && !prefix->address.family)
		return false;
	if (!mapping->keep)
		set_prefix(prefix, address);
	if (mapping->port && rw_protocol_has_ports(protocol))
		*port = mapping->port;
	return true;
}

bool mapping_makes(const struct mapping *mapping, uint8_t protocol, struct rw_addr address,
		   uint16_t port, const struct rw_addr *made, uint16_t made_port)
{
	return !mapping->given ||
	       (mapping_apply(mapping, protocol, &address, &port) && port == made_port &&
		!memcmp(&address, made, sizeof(address)));
}

// SPDX-License-Identifier: GPL-2.0
/* Lists of address prefixes. */

#include "address.h"
#include "prefixes.h"

static int add_prefix(const struct place *place, const char *key, const json_t *value,
		      struct prefixes *prefixes)
{
	struct prefix *prefix = &prefixes->list[prefixes->count];
	const char *text = json_string_value(value), *wrong;

	if (!text)
		return refuse(place->error, "%s: %s holds what is not a string", place->text, key);
	wrong = rw_prefix_parse(text, &prefix->address, &prefix->length);
	if (wrong)
		return refuse(place->error, "%s: %s \"%.60s\" %s", place->text, key, text, wrong);
	prefixes->count++;
	return 0;
}

int prefixes_get(const struct place *place, const char *key, struct prefixes *prefixes)
{
	const json_t *value = json_object_get(place->object, key);
	size_t i;

	if (!value)
		return 0;
	if (json_is_string(value)) {
		prefixes->list = allocate(1, sizeof(*prefixes->list));
		return add_prefix(place, key, value, prefixes) ? -1 : 1;
	}
	if (!json_array_size(value))
		return refuse(place->error, "%s: %s is neither an address nor a list of them",
			      place->text, key);
	prefixes->list = allocate(json_array_size(value), sizeof(*prefixes->list));
	for (i = 0; i < json_array_size(value); i++)
		if (add_prefix(place, key, json_array_get(value, i), prefixes))
			return -1;
	return 1;
}

bool prefixes_contain(const struct prefixes *prefixes, const struct rw_addr *address)
{
	unsigned int i;

	for (i = 0; i < prefixes->count; i++)
		if (rw_prefix_contains(&prefixes->list[i].address, prefixes->list[i].length, address))
			return true;
	return !prefixes->count;
}

bool prefixes_have_family(const struct prefixes *prefixes, int family)
{
	unsigned int i;

	for (i = 0; i < prefixes->count; i++)
		if (family_index(&prefixes->list[i].address) == family)
			return true;
	return !prefixes->count;
}

// SPDX-License-Identifier: GPL-2.0
/* What is different in two configurations. */

#include <stdio.h>
#include <string.h>

#include "difference.h"

/* Lists of objects, what each of them is called, and the key that it is known by. */
static const struct {
	const char *list, *kind, *key;
} lists[] = {
	{ "networks", "network", "vni" }, { "pools", "pool", "name" }, { "services", "service", "name" },
};

static void add(json_t *sentences, const char *sign, const char *kind, const char *name,
		const char *keys)
{
	char text[512];

	if (json_array_size(sentences) > DIFFERENCE_MAX)
		return;
	if (json_array_size(sentences) == DIFFERENCE_MAX)
		snprintf(text, sizeof(text), "... and more");
	else
		snprintf(text, sizeof(text), "%s %s %.80s%s%.320s", sign, kind, name, keys[0] ? ": " : "", keys);
	json_array_append_new(sentences, json_string(text));
}

/* The objects of a list by what they are known by, as JSON writes it. */
static json_t *by_key(const json_t *list, const char *key)
{
	json_t *all = json_object(), *object;
	char name[96];
	size_t i;

	json_array_foreach(list, i, object) {
		const json_t *value = json_object_get(object, key);

		if (json_is_string(value))
			snprintf(name, sizeof(name), "\"%s\"", json_string_value(value));
		else
			snprintf(name, sizeof(name), "%lld", (long long)json_integer_value(value));
		json_object_set(all, name, object);
	}
	return all;
}

/* The keys in which two objects differ. */
static void name_keys(json_t *old, json_t *new, char *keys, size_t size)
{
	const char *key;
	json_t *value;
	size_t length = 0;

	keys[0] = 0;
	json_object_foreach(new, key, value)
		if (!json_equal(value, json_object_get(old, key)) && length < size)
			length += snprintf(keys + length, size - length, "%s%s", length ? ", " : "", key);
	json_object_foreach(old, key, value)
		if (!json_object_get(new, key) && length < size)
			length += snprintf(keys + length, size - length, "%s%s", length ? ", " : "", key);
}

static void compare(json_t *sentences, const char *kind, json_t *old, json_t *new)
{
	const char *name;
	json_t *object;
	char keys[320];

	json_object_foreach(old, name, object)
		if (!json_object_get(new, name))
			add(sentences, "-", kind, name, "");
	json_object_foreach(new, name, object) {
		json_t *before = json_object_get(old, name);

		if (before && json_equal(before, object))
			continue;
		keys[0] = 0;
		if (before)
			name_keys(before, object, keys, sizeof(keys));
		add(sentences, before ? "~" : "+", kind, name, keys);
	}
}

json_t *difference(const char *old_text, const char *new_text)
{
	json_t *old = json_loads(old_text, 0, NULL), *new = json_loads(new_text, 0, NULL);
	json_t *sentences = json_array(), *before, *after;
	size_t i;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		before = by_key(json_object_get(old, lists[i].list), lists[i].key);
		after = by_key(json_object_get(new, lists[i].list), lists[i].key);
		compare(sentences, lists[i].kind, before, after);
		json_decref(before);
		json_decref(after);
	}
	json_decref(old);
	json_decref(new);
	return sentences;
}

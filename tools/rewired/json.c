// SPDX-License-Identifier: GPL-2.0
/* Members of JSON objects, read strictly: what is refused is named. */

#include <stdio.h>
#include <string.h>

#include "address.h"
#include "json.h"

json_t *json_parse(const char *text, struct error *error)
{
	json_error_t where;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &where);

	if (!json)
		refuse(error, "line %d, column %d: %s", where.line, where.column, where.text);
	return json;
}

static int wrong_type(const struct place *place, const char *key, const char *type)
{
	return refuse(place->error, "%s: %s is not %s", place->text, key, type);
}

int json_get_string(const struct place *place, const char *key, const char **result)
{
	const json_t *value = json_object_get(place->object, key);

	if (!value)
		return 0;
	if (!json_is_string(value))
		return wrong_type(place, key, "a string");
	*result = json_string_value(value);
	return 1;
}

int json_get_number(const struct place *place, const char *key, uint32_t min, uint32_t max,
		    uint32_t *result)
{
	const json_t *value = json_object_get(place->object, key);
	json_int_t number;

	if (!value)
		return 0;
	number = json_integer_value(value);
	if (!json_is_integer(value) || number < min || number > max)
		return refuse(place->error, "%s: %s is not a whole number from %u to %u",
			      place->text, key, min, max);
	*result = number;
	return 1;
}

int json_get_bool(const struct place *place, const char *key, bool *result)
{
	const json_t *value = json_object_get(place->object, key);

	if (!value)
		return 0;
	if (!json_is_boolean(value))
		return wrong_type(place, key, "true or false");
	*result = json_is_true(value);
	return 1;
}

static int refuse_choice(const struct place *place, const char *key, const char *const *choices)
{
	char list[128] = "";
	size_t length = 0;

	for (; *choices && length < sizeof(list); choices++)
		length += snprintf(list + length, sizeof(list) - length, "%s\"%s\"",
				   !length ? "" : choices[1] ? ", " : " or ", *choices);
	return refuse(place->error, "%s: %s is not %s", place->text, key, list);
}

int json_get_choice(const struct place *place, const char *key, const char *const *choices,
		    uint32_t *result)
{
	const json_t *value = json_object_get(place->object, key);
	uint32_t i;

	if (!value)
		return 0;
	for (i = 0; json_is_string(value) && choices[i]; i++) {
		if (!strcmp(json_string_value(value), choices[i])) {
			*result = i;
			return 1;
		}
	}
	return refuse_choice(place, key, choices);
}

int json_get_ports(const struct place *place, const char *key, uint16_t *min, uint16_t *max)
{
	const json_t *value = json_object_get(place->object, key);
	const char *wrong;
	uint32_t port = 0;

	if (!json_is_string(value)) {
		int ret = json_get_number(place, key, 1, 65535, &port);

		if (ret == 1)
			*min = *max = port;
		return ret;
	}
	wrong = rw_ports_parse(json_string_value(value), min, max);
	if (wrong)
		return refuse(place->error, "%s: %s \"%s\" %s", place->text, key,
			      json_string_value(value), wrong);
	return 1;
}

int json_get_object(const struct place *place, const char *key, struct place *result)
{
	const json_t *value = json_object_get(place->object, key);

	if (!value)
		return 0;
	if (!json_is_object(value))
		return wrong_type(place, key, "an object");
	result->object = value;
	result->error = place->error;
	strcpy(result->path, place->path);
	snprintf(result->text, sizeof(result->text), "%.80s: %s", place->text, key);
	return 1;
}

int json_get_array(const struct place *place, const char *key, const json_t **result)
{
	const json_t *value = json_object_get(place->object, key);

	if (!value)
		return 0;
	if (!json_is_array(value))
		return wrong_type(place, key, "an array");
	*result = value;
	return 1;
}

static int needed(const struct place *place, const char *key, int ret)
{
	if (!ret)
		return refuse(place->error, "%s: %s is missing", place->text, key);
	return ret < 0 ? -1 : 0;
}

int json_need_string(const struct place *place, const char *key, const char **result)
{
	return needed(place, key, json_get_string(place, key, result));
}

int json_need_number(const struct place *place, const char *key, uint32_t min, uint32_t max,
		     uint32_t *result)
{
	return needed(place, key, json_get_number(place, key, min, max, result));
}

int json_need_array(const struct place *place, const char *key, const json_t **result)
{
	return needed(place, key, json_get_array(place, key, result));
}

int json_only_keys(const struct place *place, const char *const *keys)
{
	const char *key;
	json_t *value;
	int i;

	json_object_foreach((json_t *)place->object, key, value) {
		for (i = 0; keys[i] && strcmp(key, keys[i]); i++)
			;
		if (!keys[i])
			return refuse(place->error, "%s: unknown key \"%.60s\"", place->text, key);
	}
	return 0;
}

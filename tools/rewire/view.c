// SPDX-License-Identifier: GPL-2.0
/* What the daemon answers, as output. */

#include "print.h"
#include "view.h"

static void print_value(const char *key, const char *word, const json_t *value);

static bool has_lines(const json_t *value)
{
	return json_is_object(json_array_get(value, 0));
}

/* Arrays of objects come last: their text goes on in lines of its own. */
static void print_members(const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
		if (!has_lines(value))
			print_value(key, key, value);
	json_object_foreach((json_t *)object, key, value)
		if (has_lines(value))
			print_value(key, key, value);
}

static void print_items(const json_t *array)
{
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item) {
		if (json_is_object(item))
			print_line();
		print_value(NULL, "", item);
	}
}

static void print_value(const char *key, const char *word, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		print_object(key, word);
		print_members(value);
		print_object_end();
		break;
	case JSON_ARRAY:
		print_array(key, word);
		print_items(value);
		print_array_end();
		break;
	case JSON_STRING:
		print_string(key, word, json_string_value(value));
		break;
	case JSON_INTEGER:
		print_integer(key, word, json_integer_value(value));
		break;
	case JSON_REAL:
		print_real(key, word, json_real_value(value));
		break;
	case JSON_NULL:
		print_null(key, word);
		break;
	default:
		print_bool(key, word, json_is_true(value));
	}
}

static void print_one(const char *noun, const json_t *value)
{
	print_record();
	print_word(noun);
	if (json_is_object(value))
		print_members(value);
	else
		print_value("result", "", value);
	print_record_end();
}

void view_print(const char *noun, const json_t *result)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(result)) {
		print_one(noun, result);
		return;
	}
	print_list();
	json_array_foreach(result, i, item)
		print_one(noun, item);
	print_list_end();
}

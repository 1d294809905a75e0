/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_JSON_H
#define REWIRED_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "log.h"

/* An object that is read, and what to call it in a sentence: pool "out". */
struct place {
	const json_t *object;
	char text[96];
	char path[48];			/* see struct error */
	struct error *error;
};

/* Parse a text; NULL and a sentence with line and column when it is no JSON. */
json_t *json_parse(const char *text, struct error *error);

/*
 * Read a member of the object. Returns 1 when it was read, 0 when it is absent
 * (the result keeps its value), -1 with a sentence when it is wrong.
 */
int json_get_string(const struct place *place, const char *key, const char **result);
int json_get_number(const struct place *place, const char *key, uint32_t min, uint32_t max,
		    uint32_t *result);
int json_get_bool(const struct place *place, const char *key, bool *result);
/* The place of the string in a list that ends with NULL. */
int json_get_choice(const struct place *place, const char *key, const char *const *choices,
		    uint32_t *result);
/* P or "P-P" */
int json_get_ports(const struct place *place, const char *key, uint16_t *min, uint16_t *max);
int json_get_object(const struct place *place, const char *key, struct place *result);
int json_get_array(const struct place *place, const char *key, const json_t **result);

/* The same of members that must be there: 0 or -1. */
int json_need_string(const struct place *place, const char *key, const char **result);
int json_need_number(const struct place *place, const char *key, uint32_t min, uint32_t max,
		     uint32_t *result);
int json_need_array(const struct place *place, const char *key, const json_t **result);

/* Refuse keys that are not in a list that ends with NULL. */
int json_only_keys(const struct place *place, const char *const *keys);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Output. One call prints one value, as text or as JSON. Text is a word and
 * the value; a word of "" leaves just the value, NULL is for JSON alone.
 */
#ifndef PRINT_H
#define PRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "types.h"

enum print_colour {
	PRINT_PLAIN,
	PRINT_DEVICE,
	PRINT_ADDR,
	PRINT_GOOD,
	PRINT_BAD,
};

struct print_style {
	bool json, pretty, oneline, timestamp, colour;
};

extern struct print_style print_style;

/* The records of a command; in JSON an array. */
void print_list(void);
void print_list_end(void);
/* A record: an object of a list, or alone. */
void print_record(void);
void print_record_end(void);
/* Go on in an indented line of the same record. Nothing in JSON. */
void print_line(void);
/* A word of text; nothing in JSON. */
void print_word(const char *word);
/* Members that are objects or arrays; their text is what they contain, after the word. */
void print_object(const char *key, const char *word);
void print_object_end(void);
void print_array(const char *key, const char *word);
void print_array_end(void);

/* In an array, keys are NULL. */
void print_string(const char *key, const char *word, const char *value);
void print_coloured(enum print_colour colour, const char *key, const char *word, const char *value);
void print_number(const char *key, const char *word, uint64_t value);
void print_integer(const char *key, const char *word, int64_t value);
void print_real(const char *key, const char *word, double value);
/* Text has the word when it is true. */
void print_flag(const char *key, const char *word, bool value);
void print_bool(const char *key, const char *word, bool value);
void print_null(const char *key, const char *word);
/* Milliseconds in JSON, seconds with "s" in text. */
void print_duration(const char *key, const char *word, uint64_t milliseconds);
void print_forget_devices(void);
void print_device(const char *key, const char *word, uint32_t ifindex);
void print_prefix(const char *key, const char *word, const struct rw_addr *addr, uint8_t len);
/* A range of ports; JSON has an array of two. */
void print_ports(const char *key, const char *word, uint16_t min, uint16_t max);
/* Text A:P; JSON has them by two keys. */
void print_endpoint(const char *key, const char *port_key, const char *word,
		    const struct rw_addr *addr, uint16_t port);

#endif

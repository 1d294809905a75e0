// SPDX-License-Identifier: GPL-2.0
/* Output as text or JSON. */

#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "address.h"
#include "print.h"

struct print_style print_style;

static unsigned int depth;	/* of JSON objects and arrays that are open */
static bool empty = true;	/* nothing is in the innermost of them, or in the line of text */

/*
 * What stdout gets next. Lists of flows are long and made of short words, and this is one
 * thread: functions of stdio would take most of their time.
 */
static struct {
	char text[4096];
	size_t length;
} buffer;

/* Whoever else writes to stdout does so between records. */
static void flush(void)
{
	fwrite_unlocked(buffer.text, 1, buffer.length, stdout);
	buffer.length = 0;
}

static inline void put_char(char c)
{
	if (buffer.length == sizeof(buffer.text))
		flush();
	buffer.text[buffer.length++] = c;
}

static void put(const char *text)
{
	char *at = buffer.text + buffer.length;

	for (; *text; *at++ = *text++) {
		if (at < buffer.text + sizeof(buffer.text))
			continue;
		buffer.length = sizeof(buffer.text);
		flush();
		at = buffer.text;
	}
	buffer.length = at - buffer.text;
}

static void put_number(uint64_t number)
{
	char text[RW_NUMBER_TEXT];

	rw_number_print(text, number);
	put(text);
}

static const char *const colours[] = {
	[PRINT_DEVICE]	= "\033[36m",
	[PRINT_ADDR]	= "\033[35m",
	[PRINT_GOOD]	= "\033[32m",
	[PRINT_BAD]	= "\033[31m",
};

static void break_json(void)
{
	unsigned int i;

	if (!print_style.pretty)
		return;
	put_char('\n');
	for (i = 0; i < depth; i++)
		put("    ");
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

static void print_quoted(const char *text)
{
	char escape[8];

	put_char('"');
	for (; *text; text++) {
		if (is_plain(*text)) {
			put_char(*text);
			continue;
		}
		snprintf(escape, sizeof(escape), *text == '"' || *text == '\\' ? "\\%c" : "\\u%04x", *text);
		put(escape);
	}
	put_char('"');
}

/* Begin a value: all that comes before it. False when it is not to be printed. */
static bool begin(const char *key, const char *word)
{
	if (!print_style.json) {
		if (!word)
			return false;
		if (!empty)
			put_char(' ');
		put(word);
		if (word[0])
			put_char(' ');
		empty = false;
		return true;
	}
	if (!empty)
		put_char(',');
	if (depth)
		break_json();
	if (key) {
		print_quoted(key);
		put_char(':');
		if (print_style.pretty)
			put_char(' ');
	}
	empty = false;
	return true;
}

static void open_json(const char *key, char bracket)
{
	begin(key, NULL);
	put_char(bracket);
	depth++;
	empty = true;
}

static void close_json(char bracket)
{
	depth--;
	if (!empty)
		break_json();
	put_char(bracket);
	empty = false;
	if (depth)
		return;
	put_char('\n');
	flush();
	empty = true;
}

void print_word(const char *word)
{
	if (print_style.json || !word || !word[0])
		return;
	if (!empty)
		put_char(' ');
	put(word);
	empty = false;
}

void print_list(void)
{
	if (print_style.json)
		open_json(NULL, '[');
	flush();
}

void print_list_end(void)
{
	if (print_style.json)
		close_json(']');
	flush();
}

static void print_timestamp(void)
{
	struct timespec now;
	struct tm local;
	char text[64], day[32];

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &local);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &local);
	snprintf(text, sizeof(text), "%s.%06ld", day, now.tv_nsec / 1000);
	print_string("timestamp", "", text);
}

void print_record(void)
{
	if (print_style.json)
		open_json(NULL, '{');
	if (print_style.timestamp)
		print_timestamp();
}

void print_record_end(void)
{
	if (print_style.json) {
		close_json('}');
	} else {
		put_char('\n');
		empty = true;
	}
	flush();
}

void print_line(void)
{
	if (print_style.json)
		return;
	put(print_style.oneline ? "\\   " : "\n    ");
	empty = true;
}

void print_object(const char *key, const char *word)
{
	if (print_style.json)
		open_json(key, '{');
	else
		print_word(word);
}

void print_object_end(void)
{
	if (print_style.json)
		close_json('}');
}

void print_array(const char *key, const char *word)
{
	if (print_style.json)
		open_json(key, '[');
	else
		print_word(word);
}

void print_array_end(void)
{
	if (print_style.json)
		close_json(']');
}

void print_coloured(enum print_colour colour, const char *key, const char *word, const char *value)
{
	bool coloured = print_style.colour && colour != PRINT_PLAIN;

	if (!begin(key, word))
		return;
	if (print_style.json) {
		print_quoted(value);
		return;
	}
	if (coloured)
		put(colours[colour]);
	put(value);
	if (coloured)
		put("\033[0m");
}

void print_string(const char *key, const char *word, const char *value)
{
	print_coloured(PRINT_PLAIN, key, word, value);
}

void print_number(const char *key, const char *word, uint64_t value)
{
	if (begin(key, word))
		put_number(value);
}

void print_integer(const char *key, const char *word, int64_t value)
{
	if (!begin(key, word))
		return;
	if (value < 0)
		put_char('-');
	put_number(value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void print_real(const char *key, const char *word, double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.17g", value);
	if (begin(key, word))
		put(text);
}

void print_flag(const char *key, const char *word, bool value)
{
	if (print_style.json)
		print_bool(key, word, value);
	else if (value)
		print_word(word);
}

void print_bool(const char *key, const char *word, bool value)
{
	if (begin(key, word))
		put(value ? "true" : "false");
}

void print_null(const char *key, const char *word)
{
	if (begin(key, word))
		put(print_style.json ? "null" : "none");
}

void print_duration(const char *key, const char *word, uint64_t milliseconds)
{
	unsigned int rest = milliseconds % 1000, unit;

	if (!begin(key, word))
		return;
	if (print_style.json) {
		put_number(milliseconds);
		return;
	}
	put_number(milliseconds / 1000);
	if (rest)
		put_char('.');
	for (unit = 100; rest; rest %= unit, unit /= 10)
		put_char('0' + rest / unit);
	put_char('s');
}

/* A list of flows names the same devices again and again, and to ask takes three system calls. */
static struct {
	uint32_t ifindex;
	char name[IF_NAMESIZE];
} devices[16];

/* Devices may have been renamed. */
void print_forget_devices(void)
{
	memset(devices, 0, sizeof(devices));
}

void print_device(const char *key, const char *word, uint32_t ifindex)
{
	unsigned int slot = ifindex % (sizeof(devices) / sizeof(devices[0]));
	char *name = devices[slot].name;

	if (!name[0] || devices[slot].ifindex != ifindex) {
		if (!if_indextoname(ifindex, name))
			snprintf(name, IF_NAMESIZE, "if%u", ifindex);
		devices[slot].ifindex = ifindex;
	}
	print_coloured(PRINT_DEVICE, key, word, name);
}

void print_prefix(const char *key, const char *word, const struct rw_addr *addr, uint8_t len)
{
	char text[RW_PREFIX_TEXT];

	print_coloured(PRINT_ADDR, key, word, rw_prefix_print(text, addr, len));
}

void print_ports(const char *key, const char *word, uint16_t min, uint16_t max)
{
	if (!begin(key, word))
		return;
	if (print_style.json)
		put_char('[');
	put_number(min);
	if (print_style.json || min != max) {
		put_char(print_style.json ? ',' : '-');
		put_number(max);
	}
	if (print_style.json)
		put_char(']');
}

void print_endpoint(const char *key, const char *port_key, const char *word,
		    const struct rw_addr *addr, uint16_t port)
{
	char text[RW_ENDPOINT_TEXT];

	if (!print_style.json) {
		print_coloured(PRINT_ADDR, key, word, rw_endpoint_print(text, addr, port));
		return;
	}
	print_string(key, word, rw_addr_print(text, addr));
	print_number(port_key, word, port);
}

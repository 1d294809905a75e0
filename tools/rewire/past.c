// SPDX-License-Identifier: GPL-2.0
/* What a flow that is restored has behind it, as words. */

#include <stdio.h>
#include <string.h>

#include "past.h"

static const char *const counters_words[] = { "counters", "reply-counters" };
static const char *const tracking_words[] = { "tracking", "reply-tracking" };

/* The members of a tracking word: numbers, and flags without a value. */
static const struct {
	const char *name;
	uint32_t attr;
	size_t offset;
	bool byte;
} numbers[] = {
	{ "end", REWIRE_A_TRACKING_END, offsetof(struct rw_tracking, end), false },
	{ "ack", REWIRE_A_TRACKING_ACK, offsetof(struct rw_tracking, ack), false },
	{ "window", REWIRE_A_TRACKING_WINDOW, offsetof(struct rw_tracking, window), false },
	{ "scale", REWIRE_A_TRACKING_SCALE, offsetof(struct rw_tracking, scale), true },
};

static const struct {
	const char *name;
	size_t offset;
} flags[] = {
	{ "fin", offsetof(struct rw_tracking, fin) },
	{ "last-fin", offsetof(struct rw_tracking, last_fin) },
	{ "alive", offsetof(struct rw_tracking, alive) },
	{ "syn", offsetof(struct rw_tracking, syn) },
};

#define NUMBERS	(sizeof(numbers) / sizeof(numbers[0]))
#define FLAGS	(sizeof(flags) / sizeof(flags[0]))

bool past_given(const struct args *args, int first)
{
	int i;

	for (i = 0; i < PAST_ARGS; i++)
		if (args->value[first + i])
			return true;
	return false;
}

/* PACKETS:BYTES */
static int take_counters(const struct args *args, const char *word, const char *text,
			 struct rw_counters *counters)
{
	char buffer[64], *bytes;

	snprintf(buffer, sizeof(buffer), "%s", text);
	bytes = strchr(buffer, ':');
	if (bytes)
		*bytes++ = 0;
	if (!bytes || !rw_number_parse(buffer, 0, UINT64_MAX, &counters->packets) ||
	    !rw_number_parse(bytes, 0, UINT64_MAX, &counters->bytes))
		return args_error(args, "%s: \"%s\" is not PACKETS:BYTES", word, text);
	return 0;
}

static bool take_number(const char *name, const char *value, struct rw_tracking *tracking)
{
	uint64_t number;
	uint32_t word;
	size_t i;

	for (i = 0; i < NUMBERS; i++) {
		if (strcmp(numbers[i].name, name))
			continue;
		if (!rw_number_parse(value, 0, numbers[i].byte ? UINT8_MAX : UINT32_MAX, &number))
			return false;
		word = number;
		tracking->given |= 1U << numbers[i].attr;
		if (numbers[i].byte)
			tracking->scale = word;
		else
			memcpy((char *)tracking + numbers[i].offset, &word, sizeof(word));
		return true;
	}
	return false;
}

static bool take_flag(const char *name, struct rw_tracking *tracking)
{
	size_t i;

	for (i = 0; i < FLAGS; i++) {
		if (strcmp(flags[i].name, name))
			continue;
		*((bool *)((char *)tracking + flags[i].offset)) = true;
		return true;
	}
	return false;
}

static int take_tracking(const struct args *args, const char *word, const char *text,
			 struct rw_tracking *tracking)
{
	char buffer[PAST_TRACKING_TEXT], *part, *rest = buffer, *name;

	if (strlen(text) >= sizeof(buffer))
		return args_error(args, "%s: \"%s\" is too long", word, text);
	strcpy(buffer, text);
	while ((part = strsep(&rest, ","))) {
		name = strsep(&part, "=");
		if (part ? !take_number(name, part, tracking) : !take_flag(name, tracking))
			return args_error(args, "%s: \"%s\" is neither end=N, ack=N, window=N, scale=N, fin, last-fin, alive nor syn",
					  word, name);
	}
	return 0;
}

int past_parse(const struct args *args, const struct past_values *values, struct rw_past *past)
{
	int i;

	*past = (struct rw_past){ .state = values->state, .age = values->age, .idle = values->idle };
	for (i = 0; i < 2; i++) {
		if (values->counters[i] &&
		    take_counters(args, counters_words[i], values->counters[i], &past->counters[i]))
			return EXIT_USAGE;
		past->has_tracking[i] = values->tracking[i];
		if (values->tracking[i] &&
		    take_tracking(args, tracking_words[i], values->tracking[i], &past->tracking[i]))
			return EXIT_USAGE;
	}
	return 0;
}

char *past_tracking_print(char *text, const struct rw_tracking *tracking)
{
	size_t length = 0, i;
	uint32_t word;

	for (i = 0; i < NUMBERS; i++) {
		if (!(tracking->given & 1U << numbers[i].attr))
			continue;
		word = tracking->scale;
		if (!numbers[i].byte)
			memcpy(&word, (const char *)tracking + numbers[i].offset, sizeof(word));
		length += sprintf(text + length, "%s%s=%u", length ? "," : "", numbers[i].name, word);
	}
	for (i = 0; i < FLAGS; i++)
		if (*((const bool *)((const char *)tracking + flags[i].offset)))
			length += sprintf(text + length, "%s%s", length ? "," : "", flags[i].name);
	text[length] = 0;
	return text;
}

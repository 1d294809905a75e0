// SPDX-License-Identifier: GPL-2.0
/* rewire restore and rewire flow restore: what was saved is made anew. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "restore.h"
#include "save.h"
#include "statefile.h"

static const char usage[] =
	"Usage: rewire restore { FILE | - } [ dry-run | merge ]\n"
	"Brings the kernel's objects, and the configuration of the daemon, to what rewire save\n"
	"wrote: what is missing is made, what differs is changed, what is not in the file is\n"
	"deleted. All of it, or nothing changes. dry-run prints what would be done. merge adds what\n"
	"is missing in the kernel, and changes nothing else. A daemon's own rules and targets are\n"
	"left to it.\n";

/* Flows, or objects that are merged: what is there already stays. */
struct merge {
	unsigned long lines, failed;
};

static int merge_line(char *line, void *data)
{
	struct merge *merge = data;

	if (!strncmp(line, "config ", 7))
		return 0;
	merge->lines++;
	merge->failed += !!cli_run_line(line);
	return 0;
}

/* Each line takes effect by itself, so that one device that is gone does not stop the rest. */
static int merge(const struct args *args, struct statefile *state, const char *what)
{
	struct merge merge = { 0 };
	int status;

	cli.restoring = true;
	cli.existing = 0;
	status = statefile_each(state, merge_line, &merge);
	cli.restoring = false;
	if (status)
		return status;
	fprintf(stderr, "restored %lu %s, %lu were there or had expired\n",
		merge.lines - merge.failed - cli.existing, what, cli.existing);
	if (!merge.failed)
		return 0;
	args_error(args, "%lu of %lu could not be restored", merge.failed, merge.lines);
	return EXIT_REFUSED;
}

int restore_flows(const struct args *args, const char *path)
{
	struct statefile state;
	int status = statefile_open(&state, args, path, "flows");

	if (status)
		return status;
	cli.elapsed = statefile_elapsed(&state);
	if (cli.elapsed == UINT64_MAX)
		status = args_error(args, "%s: the flows are of before this machine was started", path);
	else
		status = merge(args, &state, "flows");
	cli.elapsed = 0;
	statefile_close(&state);
	return status;
}

/* What of a line says which object it is about. */
static size_t key_length(const char *line)
{
	static const struct {
		const char *begins;
		int words;
		const char *until;
	} keys[] = {
		{ "policy set id ", 4, NULL }, { "target set id ", 4, NULL },
		{ "limit set all", 3, NULL }, { "limit set vni ", 4, NULL },
		{ "attach add dev ", 4, NULL }, { "attach add local", 3, NULL },
		{ "rule add ", 0, " preference " },
		{ "suspicion set ", 2, NULL }, { "suspicion pin ", 6, NULL },
	};
	const char *end = line;
	size_t i;
	int words;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strncmp(line, keys[i].begins, strlen(keys[i].begins)))
			break;
	if (i == sizeof(keys) / sizeof(keys[0]))
		return strlen(line);
	if (keys[i].until) {
		end = strstr(line, keys[i].until);
		end = end ? end + strlen(keys[i].until) : line + strlen(line);
		return end - line + strcspn(end, " ");
	}
	for (words = 0; words < keys[i].words; words++)
		end += strspn(end, " ") + strcspn(end + strspn(end, " "), " ");
	return end - line;
}

static int by_key(const void *a, const void *b)
{
	const struct saved *x = *(const struct saved *const *)a, *y = *(const struct saved *const *)b;
	size_t x_length = key_length(x->line), y_length = key_length(y->line);
	int order = memcmp(x->line, y->line, x_length < y_length ? x_length : y_length);

	return order ? order : (x_length > y_length) - (x_length < y_length);
}

/* A list, to be looked up by key. */
struct index {
	const struct saved **list;
	unsigned int count;
};

static bool make_index(struct index *index, const struct saved_list *saved)
{
	unsigned int i;

	index->count = saved->count;
	index->list = calloc(saved->count + 1, sizeof(*index->list));
	for (i = 0; index->list && i < saved->count; i++)
		index->list[i] = &saved->list[i];
	if (index->list)
		qsort(index->list, index->count, sizeof(*index->list), by_key);
	return index->list;
}

static const struct saved *look_up(const struct index *index, const struct saved *saved)
{
	const struct saved **found = bsearch(&saved, index->list, index->count,
					     sizeof(*index->list), by_key);

	return found ? *found : NULL;
}

/* What is the daemon's: it sets these itself. */
struct owned {
	bool rules;
	json_t *backends;
	json_t *status;
};

static bool is_owned(const struct owned *owned, const char *line)
{
	unsigned int id;
	json_t *backend;
	const char *policy;
	size_t i;

	if (!owned->rules)
		return false;
	if (!strncmp(line, "rule ", 5)) {
		policy = strstr(line, " policy ");
		return strstr(line, " punt hold ") ||
		       (policy && strtoul(policy + 8, NULL, 10) > INT32_MAX);
	}
	if (sscanf(line, "target set id %u", &id) != 1)
		return false;
	json_array_foreach(owned->backends, i, backend)
		if (json_integer_value(json_object_get(backend, "id")) == id)
			return true;
	return false;
}

/* The daemon deletes it itself, when its last flow has ended. */
static bool is_retired(const struct owned *owned, const char *line)
{
	unsigned int id;
	json_t *retired;
	size_t i;

	if (sscanf(line, "target set id %u", &id) != 1)
		return false;
	json_array_foreach(json_object_get(owned->status, "retired"), i, retired)
		if (json_integer_value(retired) == id)
			return true;
	return false;
}

/* The way from what there is to what is wanted. */
struct change {
	const struct args *args;
	const struct owned *owned;
	bool dry_run;
	unsigned int done;
	struct index have, want;
};

static int run(struct change *change, const char *sign, const char *line)
{
	char copy[8192];

	change->done++;
	if (change->dry_run) {
		printf("%s %s\n", sign, line);
		return 0;
	}
	snprintf(copy, sizeof(copy), "%s", line);
	return cli_run_line(copy);
}

static int take_away(struct change *change, const struct saved *saved)
{
	return run(change, "-", change->dry_run ? saved->line : saved->undo);
}

static int make(struct change *change, const struct saved *saved)
{
	const struct saved *have = look_up(&change->have, saved);
	int status = 0;

	if (have && !strcmp(have->line, saved->line))
		return 0;
	/* What "set" and "pin" make, they also change */
	if (have && !strstr(saved->line, " set ") && !strstr(saved->line, " pin "))
		status = take_away(change, have);
	return status ? status : run(change, "+", saved->line);
}

static int bring(struct change *change, const struct saved_list *have, const struct saved_list *want)
{
	unsigned int i;
	int status = 0;

	for (i = 0; !status && i < want->count; i++)
		if (!is_owned(change->owned, want->list[i].line))
			status = make(change, &want->list[i]);
	for (i = have->count; !status && i-- > 0; )
		if (have->list[i].undo && !is_owned(change->owned, have->list[i].line) &&
		    !is_retired(change->owned, have->list[i].line) && !look_up(&change->want, &have->list[i]))
			status = take_away(change, &have->list[i]);
	return status;
}

static int bring_to(struct change *change, const struct saved_list *want)
{
	struct saved_list have;
	int status = saved_read(change->args, &have);

	if (status)
		return status;
	change->done = 0;
	if (make_index(&change->have, &have) && make_index(&change->want, want))
		status = bring(change, &have, want);
	else
		status = args_error(change->args, "no memory");
	free(change->have.list);
	free(change->want.list);
	change->have.list = change->want.list = NULL;
	saved_free(&have);
	return status;
}

/* What a file has. */
struct wanted {
	const struct args *args;
	struct saved_list objects;
	json_t *config;
};

static int take_line(char *line, void *data)
{
	struct wanted *wanted = data;
	json_error_t error;

	if (strncmp(line, "config ", 7))
		return saved_add(&wanted->objects, line, NULL) ? 0 :
		       args_error(wanted->args, "no memory");
	json_decref(wanted->config);
	wanted->config = json_loads(line + 7, JSON_REJECT_DUPLICATES, &error);
	return wanted->config ? 0 : args_error(wanted->args, "%s", error.text);
}

static int apply_config(const struct args *args, json_t *config, bool dry_run)
{
	json_t *result = control_call(args, "config.apply",
				      json_pack("{s:O, s:b}", "config", config, "dry_run", dry_run));

	json_decref(result);
	return result ? 0 : EXIT_REFUSED;
}

/* All of it, or what was before is back. */
static int change_all(struct change *change, const struct wanted *wanted)
{
	json_t *old_config = NULL;
	struct saved_list old;
	int status = saved_read(change->args, &old);

	if (!status && wanted->config) {
		old_config = control_call(change->args, "config.get", json_object());
		status = old_config ? apply_config(change->args, wanted->config, change->dry_run) :
				      EXIT_REFUSED;
	}
	if (status)
		goto out;
	status = bring_to(change, &wanted->objects);
	if (status && !change->dry_run) {
		args_error(change->args, "what was before is restored");
		status = EXIT_REFUSED;
		bring_to(change, &old);
		if (old_config)
			apply_config(change->args, old_config, false);
	}
out:
	json_decref(old_config);
	saved_free(&old);
	return status;
}

static int restore_objects(const struct args *args, struct statefile *state, bool dry_run)
{
	struct wanted wanted = { .args = args };
	struct owned owned = { .rules = control_there() };
	struct change change = { .args = args, .owned = &owned, .dry_run = dry_run };
	int status = statefile_each(state, take_line, &wanted);

	if (!status && owned.rules) {
		owned.backends = control_call(args, "backend.show", json_object());
		owned.status = owned.backends ? control_call(args, "status", json_object()) : NULL;
		status = owned.status ? 0 : EXIT_REFUSED;
	}
	if (!status)
		status = change_all(&change, &wanted);
	if (!status)
		fprintf(stderr, "%s %u objects\n", dry_run ? "would change" : "changed", change.done);
	json_decref(owned.backends);
	json_decref(owned.status);
	json_decref(wanted.config);
	saved_free(&wanted.objects);
	return status;
}

static int restore(struct args *args)
{
	bool dry_run = false, merging = false;
	const char *path = NULL;
	struct statefile state;
	int i, status;

	for (i = 0; i < args->count; i++) {
		const char *word = args->words[i];

		if (!strcmp(word, "dry-run") || !strcmp(word, "--dry-run"))
			dry_run = true;
		else if (!strcmp(word, "merge"))
			merging = true;
		else if (path)
			return args_error(args, "unknown argument \"%s\"", word);
		else
			path = word;
	}
	if (!path)
		return args_error(args, "FILE is missing");
	if (dry_run && merging)
		return args_error(args, "dry-run and merge exclude each other");
	status = statefile_open(&state, args, path, "objects");
	if (status)
		return status;
	status = merging ? merge(args, &state, "objects") : restore_objects(args, &state, dry_run);
	statefile_close(&state);
	return status;
}

const struct object restore_object = { "restore", usage, NULL, restore };

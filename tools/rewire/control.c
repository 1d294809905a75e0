// SPDX-License-Identifier: GPL-2.0
/* Questions to the daemon. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"
#include "json_line.h"
#include "print.h"
#include "view.h"

/* A connected socket, or -1. */
static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, ret;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || !connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	ret = errno;
	close(fd);
	errno = ret;
	return -1;
}

bool control_there(void)
{
	int fd = connect_to(cli.control);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int open_socket(const char *path)
{
	int fd = connect_to(path);

	if (fd < 0 && (errno == ENOENT || errno == ECONNREFUSED))
		cli_error("no daemon answers at %s", path);
	else if (fd < 0)
		cli_error("daemon: %s: %s", path, strerror(errno));
	return fd;
}

static int send_line(int fd, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	size_t sent = 0, length = text ? strlen(text) : 0;
	ssize_t ret = text ? 0 : -1;

	if (text)
		text[length++] = '\n';	/* in place of the end, which is not sent */
	while (ret >= 0 && sent < length) {
		ret = send(fd, text + sent, length - sent, MSG_NOSIGNAL);
		if (ret > 0)
			sent += ret;
		else if (ret < 0 && errno == EINTR)
			ret = 0;
	}
	free(text);
	return ret < 0 ? -1 : 0;
}

static json_t *receive_line(int fd)
{
	FILE *file = fdopen(dup(fd), "r");
	json_t *answer = NULL;
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	if (!file)
		return NULL;
	length = getline(&line, &size, file);
	if (length > 0)
		answer = json_loadb(line, length, 0, NULL);
	free(line);
	fclose(file);
	return answer;
}

/*
 * Only one question is asked: the daemon, told so, closes the connection when it has answered.
 * So one that has no answer, or dies, ends the wait. Time does not: to apply a large
 * configuration takes as long as it takes, and without a word until it is done.
 */
static json_t *ask(int fd, const json_t *request)
{
	if (send_line(fd, request) || shutdown(fd, SHUT_WR))
		return NULL;
	return receive_line(fd);
}

static json_t *exchange(const json_t *request)
{
	int fd = open_socket(cli.control);
	json_t *answer;

	if (fd < 0)
		return NULL;
	answer = ask(fd, request);
	if (!answer)
		cli_error("the daemon gives no answer that is JSON");
	close(fd);
	return answer;
}

static const char *blamed_path, *blamed_text;

void control_blame(const char *path, const char *text)
{
	blamed_path = path;
	blamed_text = text;
}

static void print_refusal(const struct args *args, const json_t *error)
{
	const char *message = json_string_value(json_object_get(error, "message")) ?: "the daemon refuses";
	const char *where = json_string_value(json_object_get(json_object_get(error, "data"), "where"));
	unsigned int line = where && blamed_text ? rw_json_line(blamed_text, where) : 0;

	if (line)
		args_error(args, "%s:%u: %s", blamed_path, line, message);
	else
		args_error(args, "%s", message);
}

json_t *control_call(const struct args *args, const char *method, json_t *params)
{
	json_t *request = json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", 1,
				    "method", method, "params", params);
	json_t *answer = request ? exchange(request) : NULL;
	json_t *result = json_incref(json_object_get(answer, "result"));
	json_t *error = json_object_get(answer, "error");

	if (answer && json_is_object(error))
		print_refusal(args, error);
	else if (answer && !result)
		args_error(args, "the daemon's answer has neither result nor error");
	json_decref(answer);
	json_decref(request);
	return result;
}

int control_show(const struct args *args, const char *method, json_t *params)
{
	json_t *result = control_call(args, method, params);

	if (!result)
		return EXIT_REFUSED;
	view_print(args->object, result);
	json_decref(result);
	return 0;
}

/* The first line is the answer, all others are events. */
static int follow_line(const struct args *args, const char *line, size_t length,
		       void (*tell)(const json_t *event))
{
	json_t *message = json_loadb(line, length, 0, NULL);
	const json_t *event = json_object_get(message, "params");
	const json_t *error = json_object_get(message, "error");

	if (error)
		print_refusal(args, error);
	else if (json_is_object(event))
		tell(event);
	json_decref(message);
	return error ? EXIT_REFUSED : 0;
}

static int follow(const struct args *args, FILE *file, void (*tell)(const json_t *event))
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	int status = 0;

	while (!status && (length = getline(&line, &size, file)) > 0) {
		status = follow_line(args, line, length, tell);
		if (!status && fflush(stdout)) {
			free(line);
			return 0;	/* main says why */
		}
	}
	free(line);
	if (!status)
		args_error(args, "the daemon has ended the connection");
	return EXIT_REFUSED;
}

int control_follow(const struct args *args, void (*tell)(const json_t *event))
{
	json_t *request = json_pack("{s:s, s:i, s:s}", "jsonrpc", "2.0", "id", 1, "method", "events");
	int status = EXIT_REFUSED, fd = request ? open_socket(cli.control) : -1;
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (file && send_line(fd, request))
		cli_error("daemon: %s", strerror(errno));
	else if (file)
		status = follow(args, file, tell);
	if (file)
		fclose(file);
	json_decref(request);
	return status;
}

int control_show_named(const struct args *args, const char *method, const char *name)
{
	json_t *result = control_call(args, method, json_object());
	json_t *found, *item;
	int status = 0;
	size_t i;

	if (!result)
		return EXIT_REFUSED;
	found = name ? json_array() : json_incref(result);
	for (i = 0; name && (item = json_array_get(result, i)); i++) {
		const char *text = json_string_value(json_object_get(item, "name"));

		if (text && !strcmp(text, name))
			json_array_append(found, item);
	}
	if (name && !json_array_size(found)) {
		args_error(args, "there is no %s \"%s\"", args->object, name);
		status = EXIT_REFUSED;
	} else {
		view_print(args->object, found);
	}
	json_decref(found);
	json_decref(result);
	return status;
}

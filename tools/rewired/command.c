// SPDX-License-Identifier: GPL-2.0
/*
 * Checks by a command: its standard input and output are a connection to the backend, so
 * what it says goes the way of clients. It runs without privilege, see runner.h.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <urcu/list.h>

#include "address.h"
#include "attempt.h"
#include "runner.h"

struct runner {
	uv_loop_t *loop;
	uv_poll_t poll;
	int fd;
	uint64_t number;		/* of the last command */
	struct cds_list_head running;
};

/* One attempt's: first it connects, then it waits for the command. */
struct command {
	struct attempt *attempt;
	struct cds_list_head running;
	uv_poll_t poll;
	int fd;				/* the connection; the command has another of it */
	uint64_t number;
};

static void on_freed(uv_handle_t *handle)
{
	struct runner *runner = handle->data;

	close(runner->fd);
	free(runner);
}

void runner_free(struct runner *runner)
{
	if (!runner)
		return;
	runner->poll.data = runner;
	uv_close((uv_handle_t *)&runner->poll, on_freed);
}

static struct command *find_command(struct runner *runner, uint64_t number)
{
	struct command *command;

	cds_list_for_each_entry(command, &runner->running, running)
		if (command->number == number)
			return command;
	return NULL;
}

static void on_answer(uv_poll_t *poll, int status, int events)
{
	struct runner *runner = poll->data;
	struct runner_answer answer;
	struct command *command;
	ssize_t length = recv(runner->fd, &answer, sizeof(answer), MSG_DONTWAIT);

	(void)status;
	(void)events;
	if (!length || (length < 0 && errno != EAGAIN && errno != EINTR)) {
		log_line("commands are not run any more: their process has ended");
		uv_poll_stop(poll);
		return;
	}
	if (length != sizeof(answer))
		return;
	answer.text[sizeof(answer.text) - 1] = 0;
	command = find_command(runner, answer.number);
	if (command)
		command->attempt->done(command->attempt, answer.status == RUNNER_UNDONE ? CHECK_UNDONE :
				       answer.status ? CHECK_BAD : CHECK_GOOD, answer.text);
}

struct runner *runner_new(uv_loop_t *loop, int fd)
{
	struct runner *runner;

	if (fd < 0)
		return NULL;
	runner = allocate(1, sizeof(*runner));
	runner->loop = loop;
	runner->fd = fd;
	CDS_INIT_LIST_HEAD(&runner->running);
	uv_poll_init(loop, &runner->poll, fd);
	runner->poll.data = runner;
	uv_poll_start(&runner->poll, UV_READABLE, on_answer);
	return runner;
}

static bool add_string(char *bytes, size_t *length, const char *string)
{
	size_t size = strlen(string) + 1;

	if (*length + size > RUNNER_REQUEST_MAX)
		return false;
	memcpy(bytes + *length, string, size);
	*length += size;
	return true;
}

/* The request's bytes; 0, they are too many. */
static size_t make_request(const struct command *command, char bytes[RUNNER_REQUEST_MAX])
{
	const struct attempt *attempt = command->attempt;
	const struct probe *probe = attempt->probe;
	struct runner_request request = {
		.number = command->number, .timeout = probe->timeout,
		.arguments = probe->command_count, .variables = 3,
	};
	char address[RW_ADDR_TEXT], variable[128];
	size_t length = sizeof(request);
	bool fits = true;
	uint32_t i;

	memcpy(bytes, &request, sizeof(request));
	for (i = 0; i < probe->command_count; i++)
		fits = fits && add_string(bytes, &length, probe->command[i]);
	fits = fits && add_string(bytes, &length, "PATH=/usr/local/bin:/usr/bin:/bin");
	snprintf(variable, sizeof(variable), "REWIRE_BACKEND=%s",
		 rw_addr_print(address, &attempt->way.backend));
	fits = fits && add_string(bytes, &length, variable);
	snprintf(variable, sizeof(variable), "REWIRE_PORT=%u", attempt->way.port);
	return fits && add_string(bytes, &length, variable) ? length : 0;
}

/* NULL, or why not. */
static const char *send_request(struct command *command)
{
	char bytes[RUNNER_REQUEST_MAX];
	struct iovec vector = { bytes, make_request(command, bytes) };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .header = {
		.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
	} };
	const struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};

	if (!vector.iov_len)
		return "the command is too long";
	/* A command expects what it reads from to wait */
	fcntl(command->fd, F_SETFL, fcntl(command->fd, F_GETFL) & ~O_NONBLOCK);
	memcpy(CMSG_DATA(&control.header), &command->fd, sizeof(command->fd));
	if (sendmsg(command->attempt->runner->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return "no process runs commands";
	return NULL;
}

static void on_connected(uv_poll_t *poll, int status, int events)
{
	struct command *command = poll->data;
	struct attempt *attempt = command->attempt;
	socklen_t length = sizeof(int);
	const char *why;
	int error = 0;

	(void)events;
	uv_poll_stop(poll);
	getsockopt(command->fd, SOL_SOCKET, SO_ERROR, &error, &length);
	if (error || status < 0) {
		attempt->done(attempt, CHECK_BAD, strerror(error ? error : -status));
		return;
	}
	why = send_request(command);
	if (why)
		attempt->done(attempt, CHECK_UNDONE, why);
}

static int start_command(struct attempt *attempt, struct error *error)
{
	const struct way *way = &attempt->way;
	struct command *command;

	if (!attempt->runner)
		return refuse(error, "no process runs commands");
	if (connect(way->fd, (const struct sockaddr *)&way->to, way->length) && errno != EINPROGRESS)
		return refuse_errno(error, "connect");
	command = allocate(1, sizeof(*command));
	command->attempt = attempt;
	command->fd = way->fd;
	command->number = ++attempt->runner->number;
	cds_list_add(&command->running, &attempt->runner->running);
	command->poll.data = command;
	uv_poll_init(attempt->loop, &command->poll, command->fd);
	uv_poll_start(&command->poll, UV_WRITABLE, on_connected);
	attempt->work = command;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct command *command = handle->data;

	close(command->fd);
	free(command);
}

/* One that runs is killed when its time is over: that is now, or it is done. */
static void stop_command(struct attempt *attempt)
{
	struct command *command = attempt->work;

	if (!command) {
		close(attempt->way.fd);
		return;
	}
	cds_list_del(&command->running);
	uv_close((uv_handle_t *)&command->poll, on_closed);
}

const struct attempt_kind attempt_command = { start_command, stop_command };

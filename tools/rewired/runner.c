// SPDX-License-Identifier: GPL-2.0
/* The runner: a process without privilege that runs commands. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/capability.h>

#include "log.h"
#include "runner.h"

#define NOBODY	65534

/* A command that runs. */
struct child {
	uint64_t number;
	int fd;				/* where answers go */
	uv_process_t process;
	uv_pipe_t errors;		/* its standard error */
	uv_timer_t deadline;
	int open;			/* handles that are not closed yet */
	bool killed;
	char text[124];
	size_t length;
};

static void answer(int fd, uint64_t number, int32_t status, const char *text)
{
	struct runner_answer answer = { .number = number, .status = status };

	snprintf(answer.text, sizeof(answer.text), "%s", text);
	send(fd, &answer, sizeof(answer), MSG_NOSIGNAL);
}

static void on_closed(uv_handle_t *handle)
{
	struct child *child = handle->data;

	if (!--child->open)
		free(child);
}

static void close_child(struct child *child)
{
	uv_handle_t *const handles[] = {
		(uv_handle_t *)&child->process, (uv_handle_t *)&child->errors,
		(uv_handle_t *)&child->deadline,
	};
	int i;

	child->open = 3;
	for (i = 0; i < 3; i++) {
		handles[i]->data = child;
		uv_close(handles[i], on_closed);
	}
}

static void keep_text(struct child *child, const char *text, size_t length)
{
	size_t room = sizeof(child->text) - 1 - child->length;

	memcpy(child->text + child->length, text, length < room ? length : room);
	child->length += length < room ? length : room;
}

static void on_exit_of(uv_process_t *process, int64_t status, int signal)
{
	struct child *child = process->data;
	char rest[sizeof(child->text)];
	ssize_t length = 0;
	int fd;

	/* Whoever else has its standard error is not waited for */
	if (!uv_fileno((uv_handle_t *)&child->errors, &fd))
		length = read(fd, rest, sizeof(rest));
	if (length > 0)
		keep_text(child, rest, length);
	child->text[strcspn(child->text, "\n")] = 0;
	if (signal && !child->text[0])
		snprintf(child->text, sizeof(child->text), child->killed ? "time is over" : "signal %d", signal);
	else if (!child->text[0])
		snprintf(child->text, sizeof(child->text), "exit status %d", (int)status);
	answer(child->fd, child->number, signal ? RUNNER_KILLED : (int32_t)status, child->text);
	/* What it has left behind */
	kill(-process->pid, SIGKILL);
	close_child(child);
}

static void on_deadline(uv_timer_t *timer)
{
	struct child *child = timer->data;

	child->killed = true;
	kill(-child->process.pid, SIGKILL);
}

static void give_room(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
	static char room[1024];

	(void)handle;
	(void)size;
	*buffer = uv_buf_init(room, sizeof(room));
}

static void on_text(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
	if (length > 0)
		keep_text(stream->data, buffer->base, length);
	else if (length < 0)
		uv_read_stop(stream);
}

static void start(uv_loop_t *loop, int fd, const struct runner_request *request, char **arguments,
		  char **variables, int connection)
{
	struct child *child = allocate(1, sizeof(*child));
	uv_stdio_container_t streams[] = {
		{ .flags = UV_INHERIT_FD, .data.fd = connection },
		{ .flags = UV_INHERIT_FD, .data.fd = connection },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&child->errors },
	};
	/* A session of its own, so that all of it can be killed */
	uv_process_options_t options = {
		.exit_cb = on_exit_of, .file = arguments[0], .args = arguments, .env = variables,
		.cwd = "/", .flags = UV_PROCESS_DETACHED, .stdio_count = 3, .stdio = streams,
	};
	char text[124];
	int ret;

	child->number = request->number;
	child->fd = fd;
	uv_pipe_init(loop, &child->errors, 0);
	uv_timer_init(loop, &child->deadline);
	child->process.data = child->errors.data = child->deadline.data = child;
	ret = uv_spawn(loop, &child->process, &options);
	if (ret) {
		snprintf(text, sizeof(text), "%s: %s", arguments[0], uv_strerror(ret));
		answer(fd, request->number, RUNNER_UNDONE, text);
		close_child(child);
		return;
	}
	uv_read_start((uv_stream_t *)&child->errors, give_room, on_text);
	uv_timer_start(&child->deadline, on_deadline, request->timeout, 0);
}

/* Strings that end with 0, one behind the other; NULL at the end. */
static char *take_strings(char *at, const char *end, uint32_t count, char **list)
{
	uint32_t i;

	for (i = 0; i < count && at < end; i++) {
		list[i] = at;
		at += strlen(at) + 1;
	}
	list[i] = NULL;
	return i == count ? at : NULL;
}

static void handle_request(uv_loop_t *loop, int fd, char *bytes, ssize_t length, int connection)
{
	char *arguments[RUNNER_ARGUMENTS_MAX + 1], *variables[RUNNER_VARIABLES_MAX + 1], *at;
	struct runner_request request;

	if (length <= (ssize_t)sizeof(request) || bytes[length - 1])
		return;
	memcpy(&request, bytes, sizeof(request));
	if (request.arguments < 1 || request.arguments > RUNNER_ARGUMENTS_MAX ||
	    request.variables > RUNNER_VARIABLES_MAX)
		return;
	at = take_strings(bytes + sizeof(request), bytes + length, request.arguments, arguments);
	if (at && take_strings(at, bytes + length, request.variables, variables))
		start(loop, fd, &request, arguments, variables, connection);
}

/* A command and what it has begun. */
static void end_command(uv_handle_t *handle, void *unused)
{
	(void)unused;
	if (handle->type == UV_PROCESS && uv_is_active(handle))
		kill(-((uv_process_t *)handle)->pid, SIGKILL);
}

/* With the daemon all ends that runs for it, for nobody else would end it when its time is over. */
static void end_with_daemon(uv_loop_t *loop)
{
	uv_walk(loop, end_command, NULL);
	_exit(0);
}

static void on_request(uv_poll_t *poll, int status, int events)
{
	static char bytes[RUNNER_REQUEST_MAX];
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec vector = { bytes, sizeof(bytes) };
	struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	int fd = *(int *)poll->data, connection = -1;
	struct cmsghdr *header;
	ssize_t length = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	(void)status;
	(void)events;
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length <= 0)
		end_with_daemon(poll->loop);
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&connection, CMSG_DATA(header), sizeof(connection));
	if (connection < 0)
		return;
	handle_request(poll->loop, fd, bytes, length, connection);
	close(connection);
}

/* Root becomes nobody; others have nothing but a capability to lose. */
static bool drop_everything(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
	const struct rlimit no_core = { 0, 0 };
	const struct passwd *nobody;

	if (!geteuid()) {
		nobody = getpwnam("nobody");
		if (setgroups(0, NULL) || setgid(nobody ? nobody->pw_gid : NOBODY) ||
		    setuid(nobody ? nobody->pw_uid : NOBODY))
			return false;
	}
	setrlimit(RLIMIT_CORE, &no_core);
	return !syscall(SYS_capset, &header, none) && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void run(int fd)
{
	uv_loop_t loop;
	uv_poll_t poll;

	/* They are for the daemon, whose end is this one's, too */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	prctl(PR_SET_NAME, "rewired-run");
	if (!drop_everything())
		_exit(1);
	uv_loop_init(&loop);
	uv_poll_init(&loop, &poll, fd);
	poll.data = &fd;
	uv_poll_start(&poll, UV_READABLE, on_request);
	uv_run(&loop, UV_RUN_DEFAULT);
	_exit(0);
}

int runner_fork(void)
{
	int fds[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return -1;
	pid = fork();
	if (!pid) {
		close(fds[0]);
		run(fds[1]);
	}
	close(fds[1]);
	if (pid > 0)
		return fds[0];
	close(fds[0]);
	return -1;
}

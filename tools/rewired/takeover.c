// SPDX-License-Identifier: GPL-2.0
/* From one daemon to the next. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "json.h"
#include "rpc.h"
#include "takeover.h"

#define LAST_PATIENCE	10000	/* milliseconds for takeover.end, for nobody decides meanwhile */
#define LINE_MAX_SIZE	1024

/* Room for the sockets beside a message, aligned as it has to be. */
union beside {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int) * TAKEOVER_SOCKETS_MAX)];
};

static void close_sockets(struct sockets *sockets)
{
	while (sockets->count)
		close(sockets->fds[--sockets->count]);
}

static void take_sockets(struct msghdr *message, struct sockets *sockets)
{
	struct cmsghdr *header;
	size_t i, count;
	int fd;

	for (header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
			if (sockets && sockets->count < TAKEOVER_SOCKETS_MAX)
				sockets->fds[sockets->count++] = fd;
			else
				close(fd);
		}
	}
}

static bool wait_for(int fd, int64_t until)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int64_t left;
	int ret;

	do {
		left = until - clock_now();
		ret = left > 0 ? poll(&poll_fd, 1, left) : 0;
	} while (ret < 0 && errno == EINTR);
	return ret > 0;
}

/* One line, and the sockets beside it. Its length, or -1. */
static ssize_t receive(int fd, char *line, int patience, struct sockets *sockets)
{
	int64_t until = clock_now() + patience;
	size_t length = 0;
	ssize_t got;

	while (!length || line[length - 1] != '\n') {
		union beside beside;
		struct iovec part = { line + length, LINE_MAX_SIZE - length };
		struct msghdr message = {
			.msg_iov = &part, .msg_iovlen = 1,
			.msg_control = &beside, .msg_controllen = sizeof(beside),
		};

		if (length == LINE_MAX_SIZE || !wait_for(fd, until))
			return -1;
		got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got <= 0)
			return -1;
		take_sockets(&message, sockets);
		length += got;
	}
	return length;
}

/* Sends all, or fails. */
static int send_line(int fd, const char *line)
{
	return send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line) ? 0 : -1;
}

/* The result of a request, or NULL. */
static json_t *ask(struct takeover *takeover, const char *method, struct error *error)
{
	char line[LINE_MAX_SIZE];
	json_t *answer = NULL, *result;
	const char *why;
	ssize_t length = -1;

	snprintf(line, sizeof(line), "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"%s\"}\n", method);
	if (!send_line(takeover->fd, line))
		length = receive(takeover->fd, line, TAKEOVER_PATIENCE, &takeover->sockets);
	if (length >= 0)
		answer = json_loadb(line, length, 0, NULL);
	result = json_incref(json_object_get(answer, "result"));
	why = json_string_value(json_object_get(json_object_get(answer, "error"), "message"));
	if (!answer)
		refuse(error, "the daemon at %s does not answer", takeover->path);
	else if (!result)
		refuse(error, "the daemon at %s gives nothing: %s", takeover->path, why ?: "no reason");
	json_decref(answer);
	return result;
}

static int ask_for_sockets(struct takeover *takeover, struct error *error)
{
	json_t *result = ask(takeover, "takeover.begin", error);
	json_int_t count = json_integer_value(json_object_get(result, "sockets"));
	int ret = 0;

	if (!result)
		ret = -1;
	else if (count != takeover->sockets.count || count < 2)
		ret = refuse(error, "the daemon at %s gave other sockets than it says", takeover->path);
	json_decref(result);
	return ret;
}

int takeover_begin(struct takeover *takeover, const char *path, struct error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int ret;

	*takeover = (struct takeover){ .path = path, .fd = -1 };
	if (strlen(path) >= sizeof(address.sun_path))
		return refuse(error, "%s: the path is too long for a socket", path);
	strcpy(address.sun_path, path);
	takeover->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (takeover->fd < 0)
		return refuse_errno(error, path);
	if (connect(takeover->fd, (struct sockaddr *)&address, sizeof(address))) {
		ret = errno == ENOENT || errno == ECONNREFUSED ? 0 : refuse_errno(error, path);
		takeover_close(takeover);
		return ret;
	}
	ret = ask_for_sockets(takeover, error);
	if (ret)
		takeover_close(takeover);
	return ret;
}

static int ask_for_step(struct takeover *takeover, const char *method, struct error *error)
{
	json_t *result = ask(takeover, method, error);

	json_decref(result);
	return result ? 0 : -1;
}

int takeover_stop(struct takeover *takeover, struct error *error)
{
	return ask_for_step(takeover, "takeover.stop", error);
}

int takeover_end(struct takeover *takeover, struct error *error)
{
	return ask_for_step(takeover, "takeover.end", error);
}

int takeover_check(const struct takeover *takeover, struct error *error)
{
	struct pollfd poll_fd = { .fd = takeover->fd, .events = POLLIN | POLLRDHUP };

	if (!poll(&poll_fd, 1, 0))
		return 0;
	return refuse(error, "the daemon at %s goes on", takeover->path);
}

void takeover_wait(const struct takeover *takeover)
{
	char line[LINE_MAX_SIZE];

	receive(takeover->fd, line, TAKEOVER_PATIENCE, NULL);
}

void takeover_close(struct takeover *takeover)
{
	close_sockets(&takeover->sockets);
	if (takeover->fd >= 0)
		close(takeover->fd);
	takeover->fd = -1;
}

int taker_give(int fd, const json_t *id, const struct sockets *sockets)
{
	char *line = rpc_result(id, json_pack("{s:i}", "sockets", sockets->count));
	union beside beside = { 0 };
	struct iovec part = { line, line ? strlen(line) : 0 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &beside,
		.msg_controllen = CMSG_SPACE(sizeof(int) * sockets->count),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	bool sent;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int) * sockets->count);
	memcpy(CMSG_DATA(header), sockets->fds, sizeof(int) * sockets->count);
	sent = line && sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)part.iov_len;
	free(line);
	return sent ? 0 : -1;
}

static int answer(int fd, const json_t *id)
{
	char *line = rpc_result(id, json_object());
	int ret = line ? send_line(fd, line) : -1;

	free(line);
	return ret;
}

int taker_wait(const struct taker *taker)
{
	struct rpc_request request;
	char line[LINE_MAX_SIZE], *refusal = NULL;
	ssize_t length = answer(taker->fd, taker->id);
	int ret = -1;

	if (!length)
		length = receive(taker->fd, line, LAST_PATIENCE, NULL);
	if (length < 0 || rpc_parse(line, length, &request, &refusal)) {
		free(refusal);
		return -1;
	}
	if (!strcmp(request.method, "takeover.end"))
		ret = answer(taker->fd, request.id);
	rpc_free(&request);
	return ret;
}

bool taker_is_gone(const struct taker *taker)
{
	char rest[LINE_MAX_SIZE];
	ssize_t got;

	do
		got = recv(taker->fd, rest, sizeof(rest), MSG_DONTWAIT);
	while (got > 0);
	return !got || (errno != EAGAIN && errno != EINTR);
}

pid_t taker_refuse(const struct taker *taker)
{
	struct ucred peer = { 0 };
	socklen_t length = sizeof(peer);

	shutdown(taker->fd, SHUT_WR);
	getsockopt(taker->fd, SOL_SOCKET, SO_PEERCRED, &peer, &length);
	return peer.pid;
}

void taker_close(struct taker *taker)
{
	json_decref(taker->id);
	taker->id = NULL;
	if (taker->fd >= 0)
		close(taker->fd);
	taker->fd = -1;
}

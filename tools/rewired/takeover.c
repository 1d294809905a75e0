// SPDX-License-Identifier: GPL-2.0
/* Sockets from one daemon to the next. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "json.h"
#include "takeover.h"

#define PATIENCE	30	/* seconds until the answer has to be there */

static const char request[] = "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"takeover\"}\n";

/* Room for the sockets beside a message, aligned as it has to be. */
union beside {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int) * TAKEOVER_SOCKETS_MAX)];
};

void takeover_close(struct sockets *sockets)
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
			if (sockets->count < TAKEOVER_SOCKETS_MAX)
				sockets->fds[sockets->count++] = fd;
			else
				close(fd);
		}
	}
}

/* One line, and the sockets beside it. Its length, or -1. */
static ssize_t receive(int fd, char *line, size_t size, struct sockets *sockets)
{
	size_t length = 0;
	ssize_t got;

	while (!length || line[length - 1] != '\n') {
		union beside beside;
		struct iovec part = { line + length, size - length };
		struct msghdr message = {
			.msg_iov = &part, .msg_iovlen = 1,
			.msg_control = &beside, .msg_controllen = sizeof(beside),
		};

		got = length < size ? recvmsg(fd, &message, MSG_CMSG_CLOEXEC) : -1;
		if (got <= 0)
			return -1;
		take_sockets(&message, sockets);
		length += got;
	}
	return length;
}

static int read_answer(int fd, const char *path, struct sockets *sockets, struct error *error)
{
	char line[1024];
	ssize_t length = receive(fd, line, sizeof(line), sockets);
	json_t *answer = length < 0 ? NULL : json_loadb(line, length, 0, NULL);
	const char *why = json_string_value(json_object_get(json_object_get(answer, "error"), "message"));
	json_t *result = json_object_get(answer, "result");
	int ret = 0;

	if (!answer)
		ret = refuse(error, "the daemon at %s does not answer", path);
	else if (!result)
		ret = refuse(error, "the daemon at %s gives nothing: %s", path, why ?: "no reason");
	else if (json_integer_value(json_object_get(result, "sockets")) != sockets->count)
		ret = refuse(error, "the daemon at %s gave other sockets than it says", path);
	json_decref(answer);
	if (ret)
		takeover_close(sockets);
	return ret;
}

int takeover_ask(const char *path, struct sockets *sockets, struct error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = PATIENCE };
	int fd, ret;

	sockets->count = 0;
	if (strlen(path) >= sizeof(address.sun_path))
		return refuse(error, "%s: the path is too long for a socket", path);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return refuse_errno(error, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		ret = errno == ENOENT || errno == ECONNREFUSED ? 0 : refuse_errno(error, path);
		close(fd);
		return ret;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request))
		ret = refuse_errno(error, path);
	else
		ret = read_answer(fd, path, sockets, error);
	close(fd);
	return ret;
}

int takeover_give(int fd, const struct sockets *sockets)
{
	char line[96];
	union beside beside;
	struct iovec part = { line, 0 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct cmsghdr *header;

	part.iov_len = snprintf(line, sizeof(line),
				"{\"jsonrpc\": \"2.0\", \"id\": 1, \"result\": {\"sockets\": %u}}\n",
				sockets->count);
	if (sockets->count) {
		message.msg_control = &beside;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * sockets->count);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * sockets->count);
		memcpy(CMSG_DATA(header), sockets->fds, sizeof(int) * sockets->count);
	}
	return sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)part.iov_len ? 0 : -1;
}

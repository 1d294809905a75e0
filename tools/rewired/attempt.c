// SPDX-License-Identifier: GPL-2.0
/* Checks of one address: those that a socket suffices for, and what all have in common. */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/icmp6.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <urcu/compiler.h>

#include "attempt.h"

static const struct attempt_kind *const kinds[] = {
	[PROBE_TCP] = &attempt_tcp,
	[PROBE_HTTP] = &attempt_http,
	[PROBE_HTTPS] = &attempt_http,
	[PROBE_PING] = &attempt_ping,
	[PROBE_COMMAND] = &attempt_command,
};

struct attempt *attempt_start(const struct attempt *like, struct error *error)
{
	struct attempt *attempt = allocate(1, sizeof(*attempt));

	*attempt = *like;
	if (!kinds[attempt->probe->type]->start(attempt, error))
		return attempt;
	attempt_stop(attempt);
	return NULL;
}

void attempt_stop(struct attempt *attempt)
{
	kinds[attempt->probe->type]->stop(attempt);
	free(attempt);
}

/* A socket that is watched. It is closed when the loop has let go of it, later than the attempt. */
struct watched {
	uv_poll_t poll;
	int fd;
};

static void watch(struct attempt *attempt, int events, uv_poll_cb ready)
{
	struct watched *watched = allocate(1, sizeof(*watched));

	watched->fd = attempt->way.fd;
	watched->poll.data = attempt;
	attempt->work = watched;
	uv_poll_init(attempt->loop, &watched->poll, watched->fd);
	uv_poll_start(&watched->poll, events, ready);
}

static void on_closed(uv_handle_t *handle)
{
	struct watched *watched = caa_container_of((uv_poll_t *)handle, struct watched, poll);

	close(watched->fd);
	free(watched);
}

static void stop_watching(struct attempt *attempt)
{
	struct watched *watched = attempt->work;

	if (watched)
		uv_close((uv_handle_t *)&watched->poll, on_closed);
	else
		close(attempt->way.fd);
}

static int connect_way(const struct way *way, struct error *error)
{
	if (!connect(way->fd, (const struct sockaddr *)&way->to, way->length) ||
	    errno == EINPROGRESS)
		return 0;
	return refuse_errno(error, "connect");
}

/* The loop tells of any error as one of the descriptor; the socket knows which. */
static int socket_error(int fd, int status)
{
	socklen_t length = sizeof(int);
	int error = 0;

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
	return error ? error : status < 0 ? -status : 0;
}

static void on_connected(uv_poll_t *poll, int status, int events)
{
	struct attempt *attempt = poll->data;
	int error = socket_error(attempt->way.fd, status);

	(void)events;
	uv_poll_stop(poll);
	attempt->done(attempt, error ? CHECK_BAD : CHECK_GOOD, error ? strerror(error) : "connected");
}

static int start_tcp(struct attempt *attempt, struct error *error)
{
	if (connect_way(&attempt->way, error))
		return -1;
	watch(attempt, UV_WRITABLE, on_connected);
	return 0;
}

const struct attempt_kind attempt_tcp = { start_tcp, stop_watching };

/* The kernel gives the socket answers to its own identifier alone. */
static void on_echo(uv_poll_t *poll, int status, int events)
{
	struct attempt *attempt = poll->data;
	bool four = attempt->way.to.ss_family == AF_INET;
	uint8_t packet[64];
	ssize_t length = recv(attempt->way.fd, packet, sizeof(packet), 0);
	int error = errno;

	(void)events;
	if (length < 0 && (error == EAGAIN || error == EINTR) && status >= 0)
		return;
	if (length > 0 && packet[0] != (four ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY))
		return;
	uv_poll_stop(poll);
	if (length > 0)
		attempt->done(attempt, CHECK_GOOD, "answered");
	else
		attempt->done(attempt, CHECK_BAD, strerror(error));
}

/*
 * An echo request by a datagram socket, which needs no capability (the daemon keeps none
 * that would do), but a group that net.ipv4.ping_group_range has.
 */
static int start_ping(struct attempt *attempt, struct error *error)
{
	/* Code, checksum and identifier are the kernel's */
	uint8_t packet[16] = {
		attempt->way.to.ss_family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST,
		0, 0, 0, 0, 0, 0, 1, 'r', 'e', 'w', 'i', 'r', 'e',
	};

	if (connect_way(&attempt->way, error))
		return -1;
	if (send(attempt->way.fd, packet, sizeof(packet), 0) < 0)
		return refuse_errno(error, "send");
	watch(attempt, UV_READABLE, on_echo);
	return 0;
}

const struct attempt_kind attempt_ping = { start_ping, stop_watching };

// SPDX-License-Identifier: GPL-2.0
/* One check of one address. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attempt.h"

/* A connection is taken, or refused. */
static void on_connected(uv_poll_t *poll, int status, int events)
{
	struct attempt *attempt = poll->data;
	socklen_t length = sizeof(int);
	int error = 0;

	(void)events;
	uv_poll_stop(poll);
	/* The loop tells of any error as one of the descriptor; the socket knows which */
	getsockopt(attempt->way.fd, SOL_SOCKET, SO_ERROR, &error, &length);
	if (!error && status < 0)
		error = -status;
	attempt->done(attempt, error ? CHECK_BAD : CHECK_GOOD, error ? strerror(error) : "connected");
}

static int start_tcp(struct attempt *attempt, struct error *error)
{
	const struct way *way = &attempt->way;

	if (connect(way->fd, (const struct sockaddr *)&way->to, way->length) &&
	    errno != EINPROGRESS)
		return refuse_errno(error, "connect");
	uv_poll_start(&attempt->poll, UV_WRITABLE, on_connected);
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct attempt *attempt = handle->data;

	close(attempt->way.fd);
	free(attempt);
}

void attempt_stop(struct attempt *attempt)
{
	uv_close((uv_handle_t *)&attempt->poll, on_closed);
}

struct attempt *attempt_start(const struct attempt *like, struct error *error)
{
	struct attempt *attempt = allocate(1, sizeof(*attempt));

	*attempt = *like;
	attempt->poll.data = attempt;
	uv_poll_init(attempt->loop, &attempt->poll, attempt->way.fd);
	if (!start_tcp(attempt, error))
		return attempt;
	attempt_stop(attempt);
	return NULL;
}

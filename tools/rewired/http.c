// SPDX-License-Identifier: GPL-2.0
/* Checks by HTTP and HTTPS. */

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <urcu/compiler.h>

#include "address.h"
#include "attempt.h"
#include "http.h"

#define BODY_MAX	65536	/* bytes that are read of an answer */

struct http {
	uv_loop_t *loop;
	uv_timer_t timer;
	CURLM *multi;
};

/* One attempt's transfer. */
struct transfer {
	struct attempt *attempt;
	CURL *easy;
	struct curl_slist *connect_to;
	bool took_socket;		/* libcurl closes it */
	size_t received;
	char problem[CURL_ERROR_SIZE];
};

/* A socket that libcurl wants to be watched. */
struct watched {
	uv_poll_t poll;
	struct http *http;
	curl_socket_t fd;
};

static void judge_answer(struct transfer *transfer, CURLcode code)
{
	const struct probe *probe = transfer->attempt->probe;
	char reason[CURL_ERROR_SIZE];
	long status = 0;
	bool cut = code == CURLE_WRITE_ERROR && transfer->received > BODY_MAX;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	if (code && !cut)
		snprintf(reason, sizeof(reason), "%s",
			 transfer->problem[0] ? transfer->problem : curl_easy_strerror(code));
	else
		snprintf(reason, sizeof(reason), "status %ld", status);
	transfer->attempt->done(transfer->attempt, (!code || cut) && status >= probe->status_min &&
				status <= probe->status_max ? CHECK_GOOD : CHECK_BAD, reason);
}

/* Who is done is stopped, and may start another: so one after the other is asked for. */
static void take_results(struct http *http)
{
	struct transfer *transfer;
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		judge_answer(transfer, message->data.result);
	}
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct watched *watched = caa_container_of(poll, struct watched, poll);
	struct http *http = watched->http;
	int running, flags = 0;

	if (status < 0)
		flags = CURL_CSELECT_ERR;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	curl_multi_socket_action(http->multi, watched->fd, flags, &running);
	take_results(http);
}

static void on_closed(uv_handle_t *handle)
{
	free(caa_container_of((uv_poll_t *)handle, struct watched, poll));
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *known)
{
	struct watched *watched = known;
	struct http *http = data;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		curl_multi_assign(http->multi, fd, NULL);
		if (watched)
			uv_close((uv_handle_t *)&watched->poll, on_closed);
		return 0;
	}
	if (!watched) {
		watched = allocate(1, sizeof(*watched));
		watched->http = http;
		watched->fd = fd;
		uv_poll_init(http->loop, &watched->poll, fd);
		curl_multi_assign(http->multi, fd, watched);
	}
	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	uv_poll_start(&watched->poll, events, on_ready);
	return 0;
}

static void on_timer(uv_timer_t *timer)
{
	struct http *http = timer->data;
	int running;

	curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	take_results(http);
}

static int set_timer(CURLM *multi, long milliseconds, void *data)
{
	struct http *http = data;

	(void)multi;
	if (milliseconds < 0)
		uv_timer_stop(&http->timer);
	else
		uv_timer_start(&http->timer, on_timer, milliseconds, 0);
	return 0;
}

struct http *http_new(uv_loop_t *loop)
{
	struct http *http = allocate(1, sizeof(*http));

	curl_global_init(CURL_GLOBAL_DEFAULT);
	http->loop = loop;
	http->timer.data = http;
	uv_timer_init(loop, &http->timer);
	http->multi = curl_multi_init();
	if (!http->multi) {
		log_line("out of memory");
		abort();
	}
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	return http;
}

static void on_freed(uv_handle_t *handle)
{
	free(handle->data);
}

void http_free(struct http *http)
{
	curl_multi_cleanup(http->multi);
	curl_global_cleanup();
	uv_close((uv_handle_t *)&http->timer, on_freed);
}

/* The way's socket, for the one connection that there is. */
static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *transfer = data;

	(void)purpose;
	(void)address;
	if (transfer->took_socket)
		return CURL_SOCKET_BAD;
	transfer->took_socket = true;
	return transfer->attempt->way.fd;
}

static size_t count_body(char *bytes, size_t size, size_t count, void *data)
{
	struct transfer *transfer = data;

	(void)bytes;
	transfer->received += size * count;
	return transfer->received > BODY_MAX ? 0 : size * count;
}

/* The name in the URL is what the server shall see; the connection goes to the way's address. */
static void set_address(struct transfer *transfer)
{
	const struct attempt *attempt = transfer->attempt;
	const struct probe *probe = attempt->probe;
	const struct rw_tuple *orig = &attempt->way.orig;
	char address[RW_ADDR_TEXT], host[RW_ADDR_TEXT + 2], url[1024], to[RW_ADDR_TEXT + 16];

	rw_addr_print(address, &orig->dst);
	snprintf(host, sizeof(host), orig->dst.family == AF_INET6 ? "[%s]" : "%s", address);
	snprintf(url, sizeof(url), "%s://%s:%u%s", probe->type == PROBE_HTTPS ? "https" : "http",
		 probe->host ? probe->host : host, orig->dport, probe->path);
	snprintf(to, sizeof(to), "::%s:%u", host, orig->dport);
	transfer->connect_to = curl_slist_append(NULL, to);
	curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_TO, transfer->connect_to);
	curl_easy_setopt(transfer->easy, CURLOPT_URL, url);
}

static void set_options(struct transfer *transfer)
{
	const struct probe *probe = transfer->attempt->probe;
	CURL *easy = transfer->easy;

	set_address(transfer);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->problem);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "rewired/" REWIRE_VERSION);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, probe->verify ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, probe->verify ? 2L : 0L);
}

static int start_http(struct attempt *attempt, struct error *error)
{
	struct transfer *transfer = allocate(1, sizeof(*transfer));

	attempt->work = transfer;
	transfer->attempt = attempt;
	transfer->easy = curl_easy_init();
	if (!transfer->easy)
		return refuse(error, "out of memory");
	set_options(transfer);
	if (curl_multi_add_handle(attempt->http->multi, transfer->easy))
		return refuse(error, "the check cannot be started");
	return 0;
}

static void stop_http(struct attempt *attempt)
{
	struct transfer *transfer = attempt->work;

	if (transfer->easy) {
		curl_multi_remove_handle(attempt->http->multi, transfer->easy);
		curl_easy_cleanup(transfer->easy);
	}
	curl_slist_free_all(transfer->connect_to);
	if (!transfer->took_socket)
		close(attempt->way.fd);
	free(transfer);
}

const struct attempt_kind attempt_http = { start_http, stop_http };

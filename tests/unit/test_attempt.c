// SPDX-License-Identifier: GPL-2.0
/* Checks of one address, against servers on the loopback device; the module is left out. */

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "attempt.h"
#include "http.h"
#include "runner.h"

/* Answers each connection with one text, until it is closed. */
struct server {
	pthread_t thread;
	int fd;
	uint16_t port;
	const char *answer;
	size_t filling;			/* bytes behind it */
};

static void *serve(void *data)
{
	const struct server *server = data;
	char request[4096];
	size_t sent;
	int fd;

	while ((fd = accept(server->fd, NULL, NULL)) >= 0) {
		if (server->answer && recv(fd, request, sizeof(request), 0) > 0) {
			send(fd, server->answer, strlen(server->answer), MSG_NOSIGNAL);
			memset(request, 'x', sizeof(request));
			for (sent = 0; sent < server->filling; sent += sizeof(request))
				if (send(fd, request, sizeof(request), MSG_NOSIGNAL) < 0)
					break;
		}
		close(fd);
	}
	return NULL;
}

static void start_server(struct server *server, const char *answer, size_t filling)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);

	server->answer = answer;
	server->filling = filling;
	server->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(server->fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(server->fd, 16), 0);
	assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &length), 0);
	server->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void stop_server(struct server *server)
{
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->fd);
}

struct bench {
	uv_loop_t loop;
	uv_timer_t timer;
	struct http *http;
	struct runner *runner;
	enum check_result result;
	char reason[256];
	bool over;
};

static int set_up(void **context)
{
	struct bench *bench = test_calloc(1, sizeof(*bench));
	int fd = runner_fork();

	assert_true(fd >= 0);
	uv_loop_init(&bench->loop);
	uv_timer_init(&bench->loop, &bench->timer);
	bench->http = http_new(&bench->loop);
	bench->runner = runner_new(&bench->loop, fd);
	*context = bench;
	return 0;
}

static int tear_down(void **context)
{
	struct bench *bench = *context;

	uv_close((uv_handle_t *)&bench->timer, NULL);
	http_free(bench->http);
	runner_free(bench->runner);
	uv_run(&bench->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&bench->loop), 0);
	test_free(bench);
	return 0;
}

static void on_done(struct attempt *attempt, enum check_result result, const char *reason)
{
	struct bench *bench = attempt->data;

	assert_false(bench->over);
	bench->over = true;
	bench->result = result;
	snprintf(bench->reason, sizeof(bench->reason), "%s", reason);
	uv_stop(&bench->loop);
}

static void on_late(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

static struct attempt *begin(struct bench *bench, const struct probe *probe, uint16_t port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct attempt like = {
		.loop = &bench->loop, .http = bench->http, .runner = bench->runner,
		.probe = probe, .done = on_done, .data = bench,
		.way = {
			.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), .length = sizeof(to),
			.orig = { .protocol = IPPROTO_TCP, .dport = port }, .port = port,
		},
	};
	struct error error;
	struct attempt *attempt;

	memcpy(&like.way.to, &to, sizeof(to));
	like.way.orig.dst = like.way.backend = (struct rw_addr){ AF_INET, { 127, 0, 0, 1 } };
	bench->over = false;
	attempt = attempt_start(&like, &error);
	if (!attempt)
		fail_msg("%s", error.text);
	return attempt;
}

static void check(struct bench *bench, const struct probe *probe, uint16_t port,
		  enum check_result wanted, const char *reason)
{
	struct attempt *attempt = begin(bench, probe, port);

	uv_timer_start(&bench->timer, on_late, 60000, 0);
	uv_run(&bench->loop, UV_RUN_DEFAULT);
	uv_timer_stop(&bench->timer);
	attempt_stop(attempt);
	uv_run(&bench->loop, UV_RUN_NOWAIT);	/* now its socket is closed */
	assert_true(bench->over);
	if (bench->result != wanted || !strstr(bench->reason, reason))
		fail_msg("result %d: %s", bench->result, bench->reason);
}

/* A port where nobody listens: it was somebody's just now. */
static uint16_t free_port(void)
{
	struct server server;

	start_server(&server, NULL, 0);
	stop_server(&server);
	return server.port;
}

static void tcp(void **context)
{
	const struct probe probe = { .type = PROBE_TCP };
	struct server server;

	start_server(&server, NULL, 0);
	check(*context, &probe, server.port, CHECK_GOOD, "connected");
	stop_server(&server);
	check(*context, &probe, free_port(), CHECK_BAD, "refused");
}

static void http(void **context)
{
	static const struct {
		const char *answer;
		size_t filling;
		uint16_t min, max;
		enum check_result result;
		const char *reason;
	} cases[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0, 200, 399, CHECK_GOOD, "status 200" },
		{ "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 0, 200, 399, CHECK_BAD, "status 404" },
		{ "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 0, 404, 404, CHECK_GOOD, "status 404" },
		{ "HTTP/1.1 302 There\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n", 0,
		  200, 399, CHECK_GOOD, "status 302" },
		/* What is too long is not read to its end */
		{ "HTTP/1.1 200 OK\r\n\r\n", 50 << 20, 200, 399, CHECK_GOOD, "status 200" },
		{ "HTTP/1.1 500 Oh\r\n\r\n", 50 << 20, 200, 399, CHECK_BAD, "status 500" },
		{ "220 mail.rewire.test\r\n", 0, 200, 399, CHECK_BAD, "" },
		{ NULL, 0, 200, 399, CHECK_BAD, "" },
	};
	struct probe probe = { .type = PROBE_HTTP, .path = "/" };
	struct server server;
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		probe.status_min = cases[i].min;
		probe.status_max = cases[i].max;
		start_server(&server, cases[i].answer, cases[i].filling);
		check(*context, &probe, server.port, cases[i].result, cases[i].reason);
		stop_server(&server);
	}
	check(*context, &probe, free_port(), CHECK_BAD, "connect");
}

static void https_of_a_server_without(void **context)
{
	const struct probe probe = { .type = PROBE_HTTPS, .path = "/", .status_min = 200, .status_max = 399 };
	struct server server;

	start_server(&server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0);
	check(*context, &probe, server.port, CHECK_BAD, "");
	stop_server(&server);
}

static struct probe command(char **words)
{
	struct probe probe = { .type = PROBE_COMMAND, .timeout = 30000, .command = words };

	while (words[probe.command_count])
		probe.command_count++;
	return probe;
}

#define SHELL(script)	((char *[]){ "/bin/sh", "-c", script, NULL })

static void commands(void **context)
{
	const struct {
		char **words;
		enum check_result result;
		const char *reason;
	} cases[] = {
		{ SHELL("echo hello; read -r line; [ \"$line\" = answer ]"), CHECK_GOOD, "exit status 0" },
		{ SHELL("echo hello; read -r line; [ \"$line\" = other ]"), CHECK_BAD, "exit status 1" },
		{ SHELL("printf 'two\\nlines' >&2; exit 7"), CHECK_BAD, "two" },
		{ SHELL("i=0; while [ $i -lt 20000 ]; do echo far too much; i=$((i + 1)); done >&2"),
		  CHECK_GOOD, "far too much" },
		{ SHELL("kill -TERM $$"), CHECK_BAD, "signal 15" },
		{ SHELL("[ \"$REWIRE_BACKEND\" = 127.0.0.1 ] && [ \"$REWIRE_PORT\" -gt 0 ]"), CHECK_GOOD, "" },
		/* What it leaves behind is not waited for */
		{ SHELL("sleep 600 & exit 0"), CHECK_GOOD, "" },
		{ (char *[]){ "/no/such/program", NULL }, CHECK_UNDONE, "no such file" },
	};
	struct server server;
	struct probe probe;
	unsigned int i;

	start_server(&server, "answer\n", 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		probe = command(cases[i].words);
		check(*context, &probe, server.port, cases[i].result, cases[i].reason);
	}
	probe = command(SHELL("sleep 600"));
	probe.timeout = 200;
	check(*context, &probe, server.port, CHECK_BAD, "time is over");
	stop_server(&server);
	probe = command(SHELL("exit 0"));
	check(*context, &probe, free_port(), CHECK_BAD, "refused");
}

/* Stopped at any moment, an attempt leaves nothing, and tells nothing any more. */
static void attempts_may_be_stopped(void **context)
{
	struct probe probes[] = {
		{ .type = PROBE_TCP }, { .type = PROBE_HTTP, .path = "/" },
		command(SHELL("sleep 1")), command(SHELL("exit 0")),
	};
	struct bench *bench = *context;
	struct attempt *attempt;
	struct server server;
	unsigned int i, turns, turn;

	start_server(&server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0);
	for (i = 0; i < 4; i++) {
		for (turns = 0; turns < 6; turns++) {
			attempt = begin(bench, &probes[i], server.port);
			for (turn = 0; turn < turns && !bench->over; turn++)
				uv_run(&bench->loop, UV_RUN_NOWAIT);
			attempt_stop(attempt);
			bench->over = true;
			for (turn = 0; turn < 3; turn++)
				uv_run(&bench->loop, UV_RUN_NOWAIT);
		}
	}
	stop_server(&server);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tcp),
		TEST(http),
		TEST(https_of_a_server_without),
		TEST(commands),
		TEST(attempts_may_be_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

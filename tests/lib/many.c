// SPDX-License-Identifier: GPL-2.0
/*
 * Many connections of TCP, one after the other and side by side.
 *
 *   many serve PORT		an echo server
 *   many connect ADDRESS PORT RATE STAY REPORT SOURCE...
 *				begin RATE connections a second from the sources in turn, until
 *				there is a file REPORT.stop
 *
 * Each connection says something within three seconds from when it is established, and ends with
 * the answer; the first STAY of them live until all is over, and talk every second. What became
 * of them goes to REPORT, as JSON.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX	200000		/* at a time */
#define PATIENCE	20000		/* milliseconds until an answer */
#define SOON		900		/* a SYN that nobody answers is sent once more after a second */
#define LOOK		50		/* milliseconds between looks at all connections */
#define BATCH		100		/* connections that begin at a time */
#define EVENTS		256

struct connection {
	uint32_t number;
	bool open, stays, established, last;
	int64_t began, next, asked;	/* asked: 0, no answer is awaited */
};

static struct connection connections[CONNECTIONS_MAX];	/* by the number of their socket */
static int highest = -1, live, poller;
static uint32_t begun, retried, lived, broken, failed;

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void watch(int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event))
		err(1, "epoll_ctl");
}

static void serve(uint16_t port)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int listener = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1, i, n, fd;
	struct epoll_event events[EVENTS];
	char data[4096];
	ssize_t length;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 4096))
		err(1, "port %u", port);
	watch(listener, EPOLLIN);
	for (;;) {
		n = epoll_wait(poller, events, EVENTS, -1);
		for (i = 0; i < n; i++) {
			fd = events[i].data.fd;
			if (fd == listener) {
				while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
					watch(fd, EPOLLIN);
				continue;
			}
			length = recv(fd, data, sizeof(data), 0);
			if (length > 0)
				length = send(fd, data, length, MSG_NOSIGNAL);
			if (length <= 0)
				close(fd);
		}
	}
}

static void over(int fd, uint32_t *outcome)
{
	(*outcome)++;
	connections[fd].open = false;
	live--;
	close(fd);
}

static int text_of(const struct connection *connection, char text[16])
{
	return snprintf(text, 16, "%u\n", connection->number);
}

static void ask(int fd, int64_t now)
{
	struct connection *connection = &connections[fd];
	char text[16];
	int length = text_of(connection, text);

	connection->asked = now;
	if (send(fd, text, length, MSG_NOSIGNAL) != length)
		over(fd, &broken);
}

static void begin(const struct sockaddr_in *to, const struct in_addr *source, bool stays)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = *source };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
	struct linger reset = { .l_onoff = 1 };

	if (fd < 0 || fd >= CONNECTIONS_MAX)
		err(1, "socket");
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) ||
	    (connect(fd, (const struct sockaddr *)to, sizeof(*to)) && errno != EINPROGRESS))
		err(1, "connect");
	connections[fd] = (struct connection){
		.number = begun++, .open = true, .stays = stays, .began = now_ms(),
	};
	highest = fd > highest ? fd : highest;
	live++;
	watch(fd, EPOLLIN | EPOLLOUT | EPOLLET);
}

static void connected(int fd, bool in_vain)
{
	struct connection *connection = &connections[fd];
	int64_t now = now_ms();

	if (in_vain) {
		over(fd, &failed);
		return;
	}
	connection->established = true;
	connection->next = now + (connection->stays ? 1000 : 100 + random() % 2900);
	retried += now - connection->began > SOON;
}

static void ready(int fd, uint32_t events)
{
	struct connection *connection = &connections[fd];
	char wanted[16], answer[64];
	int length = text_of(connection, wanted), got;

	if (!connection->established) {
		connected(fd, events & (EPOLLERR | EPOLLHUP));
		return;
	}
	got = recv(fd, answer, sizeof(answer), 0);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got != length || memcmp(answer, wanted, length)) {
		over(fd, &broken);
		return;
	}
	connection->asked = 0;
	if (connection->last)
		over(fd, &lived);
}

static void tick(int fd, int64_t now, bool stopped)
{
	struct connection *connection = &connections[fd];

	if (!connection->established) {
		if (now - connection->began > PATIENCE)
			over(fd, &failed);
	} else if (connection->asked) {
		if (now - connection->asked > PATIENCE)
			over(fd, &broken);
	} else if (now >= connection->next || stopped) {
		connection->last = stopped || !connection->stays;
		connection->next = now + 1000;
		ask(fd, now);
	}
}

static void tell(const char *name, int64_t spent)
{
	char new[4096];
	FILE *file;

	snprintf(new, sizeof(new), "%s.new", name);
	file = fopen(new, "w");
	if (!file)
		err(1, "%s", new);
	fprintf(file, "{\"begun\": %u, \"retried\": %u, \"lived\": %u, \"broken\": %u, \"failed\": %u, \"seconds\": %.1f}\n",
		begun, retried, lived, broken, failed, spent / 1000.0);
	if (fclose(file) || rename(new, name))
		err(1, "%s", name);
}

static void run(const struct sockaddr_in *to, double rate, uint32_t stay, const char *report,
		const struct in_addr *sources, unsigned int source_count)
{
	int64_t started = now_ms(), look = started, spent = 0, now;
	struct epoll_event events[EVENTS];
	char stop[4096];
	uint32_t due;
	int i, n;

	snprintf(stop, sizeof(stop), "%s.stop", report);
	while (live || !spent) {
		n = epoll_wait(poller, events, EVENTS, 5);
		for (i = 0; i < n; i++)
			ready(events[i].data.fd, events[i].events);
		now = now_ms();
		due = (now - started) * rate / 1000;
		due = due < stay ? stay : due;
		for (i = 0; !spent && i < BATCH && begun < due; i++)
			begin(to, &sources[begun % source_count], begun < stay);
		if (now - look < LOOK)
			continue;
		look = now;
		for (i = 0; i <= highest; i++)
			if (connections[i].open)
				tick(i, now, spent);
		if (!spent && !access(stop, F_OK))
			spent = now - started;
	}
	tell(report, spent);
}

static void parse(const char *text, struct in_addr *address)
{
	if (!inet_aton(text, address))
		errx(1, "\"%s\" is no IPv4 address", text);
}

int main(int argc, char **argv)
{
	struct rlimit files = { CONNECTIONS_MAX, CONNECTIONS_MAX };
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct in_addr sources[64];
	int i;

	poller = epoll_create1(0);
	setrlimit(RLIMIT_NOFILE, &files);
	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(atoi(argv[2]));
	if (argc < 8 || argc > 7 + 64 || strcmp(argv[1], "connect"))
		errx(1, "serve PORT, or connect ADDRESS PORT RATE STAY REPORT SOURCE...");
	parse(argv[2], &to.sin_addr);
	to.sin_port = htons(atoi(argv[3]));
	for (i = 7; i < argc; i++)
		parse(argv[i], &sources[i - 7]);
	run(&to, atof(argv[4]), atoi(argv[5]), argv[6], sources, argc - 7);
	return 0;
}

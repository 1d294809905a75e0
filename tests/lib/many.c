// SPDX-License-Identifier: GPL-2.0
/*
 * Many connections of TCP, one after the other and side by side, by few system calls: on a
 * machine where these are dear, both ends would otherwise be what is measured.
 *
 *   many serve PORT		an echo server, which adds a byte to each answer
 *   many connect PORT RATE STAY REPORT ADDRESS...
 *				begin RATE connections a second to the addresses in turn, until
 *				there is a file REPORT.stop
 *
 * Each connection says something within three seconds from when it is established, and ends with
 * the answer; the first STAY of them live until all is over, and talk every second. What became
 * of them goes to REPORT, as JSON. The byte that is added is not read, so that connections end
 * by a reset and leave nothing behind.
 */
#include <arpa/inet.h>
#include <err.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX	100000		/* at a time */
#define PATIENCE	20000		/* milliseconds until an answer */
#define SOON		900		/* a SYN that nobody answers is sent once more after a second */
#define LOOK		50		/* milliseconds between looks at all connections */
#define BATCH		100		/* connections that begin at a time */
#define REQUESTS	4096		/* of the ring */
#define NAP		5000000		/* nanoseconds until what is done is looked at, unless it is much */
#define MUCH		64

enum operation { ACCEPT, SOCKET, CONNECT, SEND, RECEIVE, CLOSE };

struct connection {
	uint32_t number;
	int fd;
	bool open, stays, established, last;
	int64_t began, next, asked;	/* asked: 0, no answer is awaited */
	unsigned int left;		/* bytes that come before the answer */
	char text[16], answer[32];
	int length;
};

struct peer {
	char data[64];
};

static struct io_uring ring;
static int64_t now;

static void look_at_clock(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	now = time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

static void set_up(void)
{
	struct rlimit files = { 2 * CONNECTIONS_MAX, 2 * CONNECTIONS_MAX };
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_CQSIZE,
		.cq_entries = 8 * REQUESTS,
	};
	int ret;

	setrlimit(RLIMIT_NOFILE, &files);
	ret = io_uring_queue_init_params(REQUESTS, &ring, &params);
	if (ret)
		errx(1, "io_uring: %s", strerror(-ret));
}

/* A request of which the end is told with these. */
static struct io_uring_sqe *request(enum operation operation, uint32_t index)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	while (!sqe) {
		io_uring_submit(&ring);
		sqe = io_uring_get_sqe(&ring);
	}
	io_uring_sqe_set_data64(sqe, (uint64_t)index << 8 | operation);
	return sqe;
}

/* prepare(): as io_uring_prep_*(), which sets the data to nothing in some versions */
#define ask_for(operation, index, prepare, ...)						\
	do {										\
		struct io_uring_sqe *sqe_ = request(operation, index);			\
		uint64_t data_ = sqe_->user_data;					\
		prepare(sqe_, __VA_ARGS__);						\
		io_uring_sqe_set_data64(sqe_, data_);					\
	} while (0)

/* Send what was asked for, and call done() for all that has ended. */
static void work(void (*done)(enum operation operation, uint32_t index, int result, bool more))
{
	struct __kernel_timespec nap = { .tv_nsec = NAP };
	struct io_uring_cqe *cqe;
	unsigned int head, count = 0;

	io_uring_submit_and_wait_timeout(&ring, &cqe, MUCH, &nap, NULL);
	look_at_clock();
	io_uring_for_each_cqe(&ring, head, cqe) {
		done(cqe->user_data & 0xff, cqe->user_data >> 8, cqe->res,
		     cqe->flags & IORING_CQE_F_MORE);
		count++;
	}
	io_uring_cq_advance(&ring, count);
}

/* The server: by the number of their socket. */
static struct peer *peers;
static int listener;

static void accept_all(void)
{
	ask_for(ACCEPT, 0, io_uring_prep_multishot_accept, listener, NULL, NULL, 0);
}

static void listen_to(int fd)
{
	ask_for(RECEIVE, fd, io_uring_prep_recv, fd, peers[fd].data, sizeof(peers[fd].data) - 1, 0);
}

static void served(enum operation operation, uint32_t fd, int result, bool more)
{
	switch (operation) {
	case ACCEPT:
		if (result >= 0 && result < 2 * CONNECTIONS_MAX)
			listen_to(result);
		if (!more)
			accept_all();
		break;
	case RECEIVE:
		if (result <= 0) {
			ask_for(CLOSE, fd, io_uring_prep_close, fd);
			break;
		}
		peers[fd].data[result] = '.';
		ask_for(SEND, fd, io_uring_prep_send, fd, peers[fd].data, result + 1, MSG_NOSIGNAL);
		break;
	case SEND:
		listen_to(fd);
		break;
	default:
		break;
	}
}

static void serve(uint16_t port)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int one = 1;

	peers = calloc(2 * CONNECTIONS_MAX, sizeof(*peers));
	listener = socket(AF_INET6, SOCK_STREAM, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!peers || bind(listener, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(listener, 4096))
		err(1, "port %u", port);
	accept_all();
	for (;;)
		work(served);
}

/* The client. What was given up has its place for good, for its requests have not ended. */
static struct connection connections[CONNECTIONS_MAX];
static uint32_t unused[CONNECTIONS_MAX], unused_count, highest;
static uint32_t begun, retried, lived, broken, failed, live;
static const char *why = "";		/* the last connection failed, if there is an error */
static struct sockaddr_in addresses[64];
static unsigned int address_count;

static void begin(bool stays)
{
	uint32_t index = unused_count ? unused[--unused_count] : highest++;

	if (index >= CONNECTIONS_MAX)
		errx(1, "%u connections are too many", index);
	connections[index] = (struct connection){
		.number = begun++, .open = true, .stays = stays, .began = now, .fd = -1,
	};
	connections[index].length = snprintf(connections[index].text, sizeof(connections[index].text),
					     "%u\n", connections[index].number);
	live++;
	ask_for(SOCKET, index, io_uring_prep_socket, AF_INET, SOCK_STREAM, 0, 0);
}

static void give_up(uint32_t index, uint32_t *outcome)
{
	(*outcome)++;
	connections[index].open = false;
	live--;
}

static void over(uint32_t index, uint32_t *outcome)
{
	give_up(index, outcome);
	if (connections[index].fd >= 0)
		ask_for(CLOSE, index, io_uring_prep_close, connections[index].fd);
	unused[unused_count++] = index;
}

static void ask(uint32_t index)
{
	struct connection *connection = &connections[index];

	connection->asked = now;
	ask_for(SEND, index, io_uring_prep_send, connection->fd, connection->text,
		connection->length, MSG_NOSIGNAL);
}

static void answered(uint32_t index, int got)
{
	struct connection *connection = &connections[index];

	if (got != (int)connection->left + connection->length ||
	    memcmp(connection->answer + connection->left, connection->text, connection->length)) {
		over(index, &broken);
		return;
	}
	connection->asked = 0;
	connection->left = 1;
	if (connection->last)
		over(index, &lived);
}

static void done(enum operation operation, uint32_t index, int result, bool more)
{
	struct connection *connection = &connections[index];

	(void)more;
	if (operation == CLOSE || !connection->open)
		return;
	switch (operation) {
	case SOCKET:
		if (result < 0)
			errx(1, "socket: %s", strerror(-result));
		connection->fd = result;
		ask_for(CONNECT, index, io_uring_prep_connect, result,
			(struct sockaddr *)&addresses[connection->number % address_count],
			sizeof(addresses[0]));
		break;
	case CONNECT:
		if (result < 0) {
			why = strerrordesc_np(-result);
			over(index, &failed);
			break;
		}
		connection->established = true;
		connection->next = now + (connection->stays ? 1000 : 100 + random() % 2900);
		retried += now - connection->began > SOON;
		break;
	case SEND:
		if (result != connection->length)
			over(index, &broken);
		else
			ask_for(RECEIVE, index, io_uring_prep_recv, connection->fd, connection->answer,
				connection->left + connection->length, MSG_WAITALL);
		break;
	default:
		answered(index, result);
	}
}

static void tick(uint32_t index, bool stopped)
{
	struct connection *connection = &connections[index];

	if (!connection->established) {
		if (now - connection->began > PATIENCE)
			give_up(index, &failed);
	} else if (connection->asked) {
		if (now - connection->asked > PATIENCE)
			give_up(index, &broken);
	} else if (now >= connection->next || stopped) {
		connection->last = stopped || !connection->stays;
		connection->next = now + 1000;
		ask(index);
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
	fprintf(file, "{\"begun\": %u, \"retried\": %u, \"lived\": %u, \"broken\": %u, \"failed\": %u, \"why\": \"%s\", \"seconds\": %.1f}\n",
		begun, retried, lived, broken, failed, why, spent / 1000.0);
	if (fclose(file) || rename(new, name))
		err(1, "%s", name);
}

static void run(double rate, uint32_t stay, const char *report)
{
	int64_t started, look, spent = 0;
	char stop[4096];
	uint32_t due, i;

	look_at_clock();
	started = look = now;
	snprintf(stop, sizeof(stop), "%s.stop", report);
	while (live || !spent) {
		work(done);
		due = (now - started) * rate / 1000;
		due = due < stay ? stay : due;
		for (i = 0; !spent && i < BATCH && begun < due; i++)
			begin(begun < stay);
		if (now - look < LOOK)
			continue;
		look = now;
		for (i = 0; i < highest; i++)
			if (connections[i].open)
				tick(i, spent);
		if (!spent && !access(stop, F_OK))
			spent = now - started;
	}
	tell(report, spent);
}

int main(int argc, char **argv)
{
	int i;

	set_up();
	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(atoi(argv[2]));
	if (argc < 7 || argc > 6 + 64 || strcmp(argv[1], "connect"))
		errx(1, "serve PORT, or connect PORT RATE STAY REPORT ADDRESS...");
	for (i = 6; i < argc; i++) {
		addresses[address_count].sin_family = AF_INET;
		addresses[address_count].sin_port = htons(atoi(argv[2]));
		if (!inet_aton(argv[i], &addresses[address_count++].sin_addr))
			errx(1, "\"%s\" is no IPv4 address", argv[i]);
	}
	run(atof(argv[3]), atoi(argv[4]), argv[5]);
	return 0;
}

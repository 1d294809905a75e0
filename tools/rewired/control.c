// SPDX-License-Identifier: GPL-2.0
/* The control socket: JSON-RPC, a line each way. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <urcu/list.h>

#include "control.h"
#include "news.h"

#define UNREAD_MAX	(64 << 20)	/* of answers, of a client that does not read them */
#define BUFFER_KEPT	(64 << 10)	/* of what a client sends, between lines */
#define LISTEN_AGAIN	1000		/* milliseconds */

static const char being_taken_over[] = "another daemon takes this one's place: nothing is changed";

struct control {
	uv_loop_t *loop;
	struct daemon *daemon;
	uv_pipe_t server;
	uv_async_t wake, news;
	unsigned int clients;
	unsigned int listeners;		/* clients that want news */
	struct cds_list_head silent;	/* clients, who was heard of last at the end */
	struct client *taker;		/* who takes this daemon's place, see takeover.h; or NULL */
	json_t *stop;			/* the taker's request to stop, or NULL */
	uv_timer_t patience;		/* with the taker */
	bool late;			/* a taker whose time is over is not gone yet */
	bool reload;			/* asked for while there was a taker */
	uv_timer_t again;		/* to listen, which has failed */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];

	pthread_mutex_t lock;		/* of edits that the state thread has done */
	struct call *finished;
};

struct client {
	uv_pipe_t pipe;
	struct control *control;
	struct cds_list_head place;	/* or empty: it is being closed */
	unsigned int calls;		/* that are not answered */
	unsigned int users;		/* its pipe, and its calls */
	bool ended;			/* it will ask nothing more */
	bool listens;			/* to news */
	uv_shutdown_t shutdown;
	char *buffer;
	size_t length, room;
	bool skipping;			/* the rest of a line that is too long */
};

/* An edit that the state thread carries out. */
struct call {
	struct edit *edit;
	struct control *control;
	struct client *client;		/* NULL when nobody waits */
	json_t *id;
	struct call *next;
};

struct line {
	uv_write_t request;
	char text[];
};

static void client_put(struct client *client)
{
	if (--client->users)
		return;
	client->control->clients--;
	free(client->buffer);
	free(client);
}

static void client_closed(uv_handle_t *handle)
{
	client_put(handle->data);
}

/* A taker that is gone has taken nothing. */
static void forget_taker(struct client *client)
{
	struct control *control = client->control;

	if (control->taker != client)
		return;
	control->taker = NULL;
	uv_timer_stop(&control->patience);
	log_line("another daemon has not taken over");
	control_resume(control);
}

static void news_told(void *data)
{
	uv_async_send(data);
}

static void set_listening(struct client *client, bool listens)
{
	struct control *control = client->control;

	if (client->listens == listens)
		return;
	client->listens = listens;
	control->listeners += listens ? 1 : -1;
	news_listen(control->listeners ? news_told : NULL, &control->news);
}

static void client_close(struct client *client)
{
	forget_taker(client);
	set_listening(client, false);
	cds_list_del_init(&client->place);
	if (!uv_is_closing((uv_handle_t *)&client->pipe))
		uv_close((uv_handle_t *)&client->pipe, client_closed);
}

static void answers_sent(uv_shutdown_t *shutdown, int status)
{
	(void)status;
	client_close(shutdown->data);
}

/* One that has ended and has all its answers is closed when they are sent. */
static void client_finish(struct client *client)
{
	if (!client->ended || client->calls || uv_is_closing((uv_handle_t *)&client->pipe))
		return;
	client->shutdown.data = client;
	if (uv_shutdown(&client->shutdown, (uv_stream_t *)&client->pipe, answers_sent))
		client_close(client);
}

static void line_written(uv_write_t *request, int status)
{
	(void)status;
	free(request->data);
}

/* Takes the text, which may be NULL. */
static void client_send(struct client *client, char *text)
{
	struct line *line;
	uv_buf_t part;

	if (!text || uv_is_closing((uv_handle_t *)&client->pipe)) {
		free(text);
		return;
	}
	line = allocate(1, sizeof(*line) + strlen(text));
	memcpy(line->text, text, strlen(text));
	line->request.data = line;
	part = uv_buf_init(line->text, strlen(text));
	free(text);
	if (uv_write(&line->request, (uv_stream_t *)&client->pipe, &part, 1, line_written)) {
		free(line);
		client_close(client);
	} else if (uv_stream_get_write_queue_size((uv_stream_t *)&client->pipe) > UNREAD_MAX) {
		client_close(client);
	}
}

/* On the state thread: hand the call back to the loop's. */
static void call_done(struct change *change)
{
	struct call *call = ((struct edit *)change)->owner;
	struct control *control = call->control;

	pthread_mutex_lock(&control->lock);
	call->next = control->finished;
	control->finished = call;
	pthread_mutex_unlock(&control->lock);
	uv_async_send(&control->wake);
}

static void post(struct control *control, struct client *client, struct edit *edit, json_t *id)
{
	struct call *call = allocate(1, sizeof(*call));

	*call = (struct call){
		.edit = edit, .control = control, .client = client, .id = json_incref(id),
	};
	if (client) {
		client->calls++;
		client->users++;
	}
	edit->owner = call;
	edit->change.done = call_done;
	state_post(control->daemon->state, &edit->change);
}

void control_resume(struct control *control)
{
	/* Nor when all ends, or another one has begun */
	if (!control->daemon || control->taker)
		return;
	state_resume(control->daemon->state);
	if (control->reload)
		post(control, NULL, methods_reload(control->daemon), NULL);
	control->reload = false;
}

static void out_of_patience(uv_timer_t *timer)
{
	struct control *control = timer->data;

	client_close(control->taker);
}

/* Copies of all sockets that the taker needs; it may be gone by now. */
static void give_sockets(struct client *client, const struct call *call)
{
	struct control *control = client->control;
	struct sockets sockets;
	unsigned int i;
	int fd, ret;

	if (control->taker != client || uv_fileno((uv_handle_t *)&client->pipe, &fd)) {
		control_resume(control);
		return;
	}
	sockets.count = handlers_sockets(control->daemon->handlers, sockets.fds);
	sockets.fds[sockets.count] = rw_socket_fd(call->edit->change.log);
	sockets.count++;
	ret = taker_give(fd, call->id, &sockets);
	for (i = 0; i + 1 < sockets.count; i++)
		close(sockets.fds[i]);
	if (ret) {
		client_close(client);
		return;
	}
	log_line("gave copies of %u sockets to another daemon", sockets.count);
	uv_timer_start(&control->patience, out_of_patience, TAKEOVER_PATIENCE, 0);
}

static void answer_call(struct call *call)
{
	const struct change *change = &call->edit->change;

	if (!call->client) {
		log_line("%s", change->result ? change->error.text : "configuration loaded");
		return;
	}
	if (change->result)
		client_send(call->client, rpc_error_at(call->id, RPC_REFUSED, change->error.text,
						       change->error.where));
	if (change->result && change->give_log)
		forget_taker(call->client);
	else if (change->give_log)
		give_sockets(call->client, call);
	else if (!change->result)
		client_send(call->client, rpc_result(call->id, methods_edit_result(call->edit)));
	call->client->calls--;
	client_finish(call->client);
	client_put(call->client);
}

static void take_finished(struct control *control)
{
	struct call *call, *next;

	pthread_mutex_lock(&control->lock);
	call = control->finished;
	control->finished = NULL;
	pthread_mutex_unlock(&control->lock);
	for (; call; call = next) {
		next = call->next;
		answer_call(call);
		json_decref(call->id);
		methods_edit_free(call->edit);
		free(call);
	}
}

static void woken(uv_async_t *wake)
{
	take_finished(wake->data);
}

/* The loop ends; who runs it sees to the rest. */
static void take_stop(struct client *client, const struct rpc_request *request)
{
	struct control *control = client->control;

	if (control->taker != client || control->stop || client->calls || !request->id) {
		client_send(client, rpc_error(request->id, RPC_REFUSED,
					      "takeover.begin has to be answered before"));
		return;
	}
	control->stop = json_incref(request->id);
	uv_read_stop((uv_stream_t *)&client->pipe);
	uv_stop(control->loop);
}

bool control_taker(struct control *control, struct taker *taker)
{
	struct client *client = control->taker;
	int fd;

	if (!control->stop)
		return false;
	*taker = (struct taker){ .fd = -1, .id = control->stop };
	control->stop = NULL;
	if (client && !uv_fileno((uv_handle_t *)&client->pipe, &fd))
		taker->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	control->taker = NULL;
	uv_timer_stop(&control->patience);
	if (client)
		client_close(client);
	return true;
}

/* What another daemon has read of the configuration has to stay as it is. */
static void take_edit(struct client *client, struct edit *edit, json_t *id)
{
	struct control *control = client->control;

	if (control->taker || (control->late && edit->change.give_log)) {
		client_send(client, rpc_error(id, RPC_REFUSED, being_taken_over));
		methods_edit_free(edit);
		return;
	}
	if (edit->change.give_log)
		control->taker = client;
	post(control, client, edit, id);
}

static void tell_listeners(struct control *control, json_t *event)
{
	struct client *client, *next;

	cds_list_for_each_entry_safe(client, next, &control->silent, place)
		if (client->listens)
			client_send(client, rpc_notification("event", event));
	json_decref(event);
}

static void take_news(uv_async_t *async)
{
	struct control *control = async->data;
	uint64_t lost;
	json_t *all = news_take(&lost), *event;
	size_t i;

	json_array_foreach(all, i, event)
		tell_listeners(control, json_incref(event));
	if (lost)
		tell_listeners(control, json_pack("{s:s, s:I}", "event", "lost", "count", (json_int_t)lost));
	json_decref(all);
}

static void take_listener(struct client *client, const struct rpc_request *request)
{
	if (!client->listens && client->control->listeners == CONTROL_LISTENERS_MAX) {
		client_send(client, rpc_error(request->id, RPC_REFUSED, "as many listen as may"));
		return;
	}
	set_listening(client, true);
	client_send(client, rpc_result(request->id, json_true()));
}

static void answer_line(struct client *client, const char *line, size_t length)
{
	struct outcome_of_call outcome;
	struct rpc_request request;
	char *answer;

	if (rpc_parse(line, length, &request, &answer)) {
		client_send(client, answer);
		return;
	}
	if (!strcmp(request.method, "takeover.stop")) {
		take_stop(client, &request);
		rpc_free(&request);
		return;
	}
	if (!strcmp(request.method, "events")) {
		take_listener(client, &request);
		rpc_free(&request);
		return;
	}
	methods_call(client->control->daemon, &request, &outcome);
	if (outcome.edit)
		take_edit(client, outcome.edit, request.id);
	else if (outcome.result)
		client_send(client, rpc_result(request.id, outcome.result));
	else
		client_send(client, rpc_error(request.id, outcome.code, outcome.error.text));
	rpc_free(&request);
}

static void take_line(struct client *client, const char *line, size_t length)
{
	if (!client->skipping && length)
		answer_line(client, line, length);
	client->skipping = false;
}

static void skip_line(struct client *client)
{
	char *answer = client->skipping ? NULL :
		       rpc_error(json_null(), RPC_INVALID_REQUEST, "the line is too long");

	client_send(client, answer);
	client->skipping = true;
	client->length = 0;
}

/* A long line is over. */
static void shrink(struct client *client)
{
	char *smaller = realloc(client->buffer, BUFFER_KEPT);

	if (!smaller)
		return;
	client->buffer = smaller;
	client->room = BUFFER_KEPT;
}

static void take_lines(struct client *client, size_t from)
{
	char *start = client->buffer, *end = client->buffer + client->length, *newline;

	newline = memchr(client->buffer + from, '\n', client->length - from);
	for (; newline && !uv_is_closing((uv_handle_t *)&client->pipe);
	     newline = memchr(start, '\n', end - start)) {
		take_line(client, start, newline - start);
		start = newline + 1;
	}
	client->length = end - start;
	memmove(client->buffer, start, client->length);
	if (client->length == CONTROL_LINE_MAX)
		skip_line(client);
	if (client->room > BUFFER_KEPT && client->length <= BUFFER_KEPT)
		shrink(client);
}

/* Room for what the client sends. */
static void make_room(uv_handle_t *handle, size_t suggested, uv_buf_t *part)
{
	struct client *client = handle->data;
	char *larger;

	(void)suggested;
	if (client->length == client->room && client->room < CONTROL_LINE_MAX) {
		larger = realloc(client->buffer, client->room ? 2 * client->room : 4096);
		if (larger) {
			client->buffer = larger;
			client->room = client->room ? 2 * client->room : 4096;
		}
	}
	*part = uv_buf_init(client->buffer + client->length, client->room - client->length);
}

/* What is left is a request, or half of one, and answered as such. */
static void client_end(struct client *client)
{
	size_t length = client->length;

	uv_read_stop((uv_stream_t *)&client->pipe);
	client->length = 0;
	if (client != client->control->taker)
		take_line(client, client->buffer, length);
	forget_taker(client);
	client->ended = true;
	client_finish(client);
}

static void received(uv_stream_t *stream, ssize_t length, const uv_buf_t *part)
{
	struct client *client = stream->data;
	size_t from = client->length;

	(void)part;
	if (length == UV_EOF) {
		client_end(client);
	} else if (length < 0) {
		client_close(client);
	} else {
		client->length += length;
		cds_list_del(&client->place);
		cds_list_add_tail(&client->place, &client->control->silent);
		take_lines(client, from);
	}
}

/* The socket's mode admits root and the daemon's own user; so does this, whatever became of the mode. */
static bool may_ask(const uv_pipe_t *pipe)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);
	int fd;

	if (uv_fileno((const uv_handle_t *)pipe, &fd) ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length))
		return false;
	return !peer.uid || peer.uid == geteuid();
}

/* Too many may hold on to a connection for nothing: the one that is silent for longest gives way. */
static void make_way(struct control *control)
{
	struct client *client;

	cds_list_for_each_entry(client, &control->silent, place) {
		if (client->calls || client->listens || client == control->taker)
			continue;
		client_close(client);
		return;
	}
}

static void connected(uv_stream_t *server, int status)
{
	struct control *control = server->data;
	struct client *client;

	if (status)
		return;
	client = allocate(1, sizeof(*client));
	client->control = control;
	client->users = 1;
	control->clients++;
	if (control->clients > CONTROL_CLIENTS_MAX)
		make_way(control);
	cds_list_add_tail(&client->place, &control->silent);
	uv_pipe_init(control->loop, &client->pipe, 0);
	client->pipe.data = client;
	if (uv_accept(server, (uv_stream_t *)&client->pipe) || !may_ask(&client->pipe) ||
	    control->clients > 2 * CONTROL_CLIENTS_MAX ||
	    uv_read_start((uv_stream_t *)&client->pipe, make_room, received))
		client_close(client);
}

/* A socket that a dead daemon left is removed. */
static int clear_path(const char *path, struct error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat status;
	int fd, ret;

	if (lstat(path, &status))
		return errno == ENOENT ? 0 : refuse_errno(error, path);
	if (!S_ISSOCK(status.st_mode))
		return refuse(error, "%s is there and is not a socket", path);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return refuse_errno(error, path);
	ret = connect(fd, (struct sockaddr *)&address, sizeof(address)) ? errno : 0;
	close(fd);
	if (ret != ECONNREFUSED)
		return refuse(error, "another rewired listens on %s", path);
	return unlink(path) && errno != ENOENT ? refuse_errno(error, path) : 0;
}

static void make_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash && slash != path ? strndup(path, slash - path) : NULL;

	if (folder)
		mkdir(folder, 0755);
	free(folder);
}

static int listen_on(struct control *control, struct error *error)
{
	mode_t mask;
	int ret;

	make_folder(control->path);
	if (clear_path(control->path, error))
		return -1;
	mask = umask(0177);
	ret = uv_pipe_bind(&control->server, control->path);
	umask(mask);
	if (!ret)
		ret = uv_listen((uv_stream_t *)&control->server, CONTROL_CLIENTS_MAX, connected);
	return ret ? refuse(error, "%s: %s", control->path, uv_strerror(ret)) : 0;
}

static void listen_again(uv_timer_t *timer)
{
	struct control *control = timer->data;
	struct error error;

	if (listen_on(control, &error))
		return;
	uv_timer_stop(timer);
	log_line("listening on %s", control->path);
}

void control_listen(struct control *control)
{
	struct error error;

	if (!listen_on(control, &error))
		return;
	log_line("%s", error.text);
	uv_timer_start(&control->again, listen_again, LISTEN_AGAIN, LISTEN_AGAIN);
}

struct control *control_new(uv_loop_t *loop, const char *path, struct error *error)
{
	struct control *control = allocate(1, sizeof(*control));

	if (strlen(path) >= sizeof(control->path)) {
		refuse(error, "%s: the path is too long for a socket", path);
		free(control);
		return NULL;
	}
	strcpy(control->path, path);
	control->loop = loop;
	CDS_INIT_LIST_HEAD(&control->silent);
	pthread_mutex_init(&control->lock, NULL);
	uv_async_init(loop, &control->wake, woken);
	control->wake.data = control;
	uv_async_init(loop, &control->news, take_news);
	control->news.data = control;
	uv_timer_init(loop, &control->patience);
	control->patience.data = control;
	uv_timer_init(loop, &control->again);
	control->again.data = control;
	uv_pipe_init(loop, &control->server, 0);
	control->server.data = control;
	return control;
}

struct control *control_open(uv_loop_t *loop, const char *path, struct error *error)
{
	struct control *control = control_new(loop, path, error);

	if (control && listen_on(control, error)) {
		control_close(control);
		return NULL;
	}
	return control;
}

void control_set_late(struct control *control, bool late)
{
	control->late = late;
}

void control_start(struct control *control, struct daemon *daemon)
{
	control->daemon = daemon;
}

unsigned int control_listeners(const struct control *control)
{
	return control->listeners;
}

void control_reload(struct control *control)
{
	if (control->taker) {
		log_line("%s", being_taken_over);
		control->reload = true;
		return;
	}
	post(control, NULL, methods_reload(control->daemon), NULL);
}

static void close_handle(uv_handle_t *handle, void *data)
{
	struct control *control = data;

	if (uv_is_closing(handle))
		return;
	if (handle->type == UV_NAMED_PIPE && handle != (uv_handle_t *)&control->server)
		client_close(handle->data);
	else
		uv_close(handle, NULL);
}

void control_close(struct control *control)
{
	/* The state thread is gone, and with it all that a taker could want */
	control->daemon = NULL;
	control->taker = NULL;
	json_decref(control->stop);
	take_finished(control);
	uv_walk(control->loop, close_handle, control);
	uv_run(control->loop, UV_RUN_DEFAULT);
	pthread_mutex_destroy(&control->lock);
	free(control);
}

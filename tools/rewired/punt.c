// SPDX-License-Identifier: GPL-2.0
/* Handler threads: receive punts, decide, answer. They take no lock for that. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <urcu.h>

#include "clock.h"
#include "librewire.h"
#include "binding.h"
#include "memory.h"
#include "punt.h"
#include "recall.h"
#include "scope.h"
#include "thread.h"

#define PUNTS_PER_MESSAGE	32
#define MESSAGES		(REWIRE_VERDICT_BATCH_MAX / PUNTS_PER_MESSAGE)
#define ROUNDS			16		/* until it is seen whether there is something else to do */
#define RECEIVE_BUFFER		(8 << 20)
#define MODULE_PERIOD		500	/* milliseconds until it is looked for again */

const char *const counter_names[COUNTERS] = {
	"punts", "flows", "unknown_policy", "mismatch", "unsupported", "no_backend", "exhausted",
	"stale", "limited", "unmapped", "filtered", "forgotten", "retries", "recalled", "gave_up", "existing", "failed", "receives", "batches", "lost", "overruns",
};

_Static_assert(HANDLERS_MAX <= METADATA_WRITERS, "not each handler is known to the metadata");
_Static_assert(COUNT_FLOWS + OUTCOMES == COUNT_RETRIES, "outcomes and their counters differ");

/* Of a punt, what the kernel has refused so far: the flow, or an entry that drops its packets, too. */
enum refusal { NOT_REFUSED, REFUSED_FLOW, REFUSED_ENTRY };

/* All that a handler needs; only the counters are read by others. */
struct handler {
	pthread_t thread;
	struct engine *engine;
	struct decider decider;
	int stop_fd;
	pthread_mutex_t *lock;			/* of the punt socket's place, which others look at */
	unsigned int number;			/* of the handler, for the metadata */
	unsigned int module;			/* of the engine, that the sockets are for */
	struct rw_socket *punt_socket;		/* where punts come */
	struct rw_socket *verdict_socket;	/* another, so that answers do not mix with punts */
	unsigned int count;			/* of punts in hand */
	struct rw_punt punts[REWIRE_VERDICT_BATCH_MAX];
	struct decision decisions[REWIRE_VERDICT_BATCH_MAX];
	uint32_t errors[REWIRE_VERDICT_BATCH_MAX];
	enum refusal refused[REWIRE_VERDICT_BATCH_MAX];	/* by the kernel: of the answers to punts */
	_Atomic uint64_t counters[COUNTERS];
	struct rw_received received[MESSAGES];
	char in[RW_MESSAGE_MAX];
	char out[16 * RW_MESSAGE_MAX];	/* of 256 verdicts with 16 copies each */
};

struct handlers {
	unsigned int count, started;
	int stop_fd;
	pthread_mutex_t lock;
	struct handler *list[HANDLERS_MAX];
};

static void count(struct handler *handler, enum counter counter, unsigned int number)
{
	/* One writer: no need for an atomic addition */
	uint64_t value = atomic_load_explicit(&handler->counters[counter], memory_order_relaxed);

	atomic_store_explicit(&handler->counters[counter], value + number, memory_order_relaxed);
}

static void decide_one(struct handler *handler, const struct snapshot *snapshot, unsigned int i,
		       unsigned int attempt)
{
	struct memory *memory = handler->engine->memory;
	struct decision *decision = &handler->decisions[i];
	const struct rw_punt *punt = &handler->punts[i];

	if (handler->refused[i]) {
		decide_drop(decision, OUTCOME_FORGOTTEN, punt);
		if (handler->refused[i] == REFUSED_ENTRY)
			decision->verdict.lifetime = 0;
		return;
	}
	if (!attempt && recall(&handler->decider, memory, snapshot, punt, decision))
		return;
	if (attempt < PUNT_ATTEMPTS_MAX) {
		decide(&handler->decider, snapshot, punt, attempt, decision);
		if (decision->outcome == OUTCOME_FLOW && record_takes(&decision->verdict.flow))
			decision->record = memory_note(memory, &decision->verdict.flow);
		decide_hand_over(&handler->decider, decision);
		return;
	}
	decide_drop(decision, OUTCOME_EXHAUSTED, punt);
	count(handler, COUNT_GAVE_UP, 1);
}

/* The kernel's answer to a batch: whose verdicts failed, and why. */
static int take_failures(struct handler *handler, const struct nlmsghdr *nlh)
{
	struct rw_failure failures[REWIRE_VERDICT_BATCH_MAX];
	uint32_t accepted;
	ssize_t i, number = rw_get_failures(nlh, &accepted, failures, REWIRE_VERDICT_BATCH_MAX);

	for (i = 0; i < number; i++) {
		if (failures[i].index < handler->count)
			handler->errors[failures[i].index] = failures[i].error;
		log_detail("verdict on punt %llu: %s", (unsigned long long)failures[i].punt_id,
			   failures[i].message ? failures[i].message : strerror(failures[i].error));
	}
	return number < 0 ? number : 0;
}

static int take_answer(struct handler *handler, uint32_t sequence)
{
	struct rw_socket *socket = handler->verdict_socket;
	const struct nlmsghdr *nlh;
	struct rw_error error = { 0 };
	ssize_t received;
	int left;

	for (;;) {
		received = rw_socket_receive(socket, handler->in, sizeof(handler->in), 0);
		if (received < 0)
			return received;
		nlh = (const struct nlmsghdr *)handler->in;
		for (left = received; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_seq != sequence)
				continue;
			if (nlh->nlmsg_type == NLMSG_ERROR)
				return rw_message_outcome(nlh, NULL, &error);
			if (rw_message_command(socket, nlh) == REWIRE_CMD_VERDICT_ADD)
				return take_failures(handler, nlh);
		}
	}
}

/* Tell the kernel all verdicts in one message. */
static int exchange(struct handler *handler)
{
	struct nlmsghdr *nlh = rw_message_start(handler->verdict_socket, handler->out,
						REWIRE_CMD_VERDICT_ADD, 0);
	unsigned int i;
	int ret;

	memset(handler->errors, 0, sizeof(handler->errors));
	for (i = 0; i < handler->count; i++)
		if (!rw_put_verdict(nlh, sizeof(handler->out), &handler->decisions[i].verdict))
			return -EMSGSIZE;
	count(handler, COUNT_BATCHES, 1);
	ret = rw_socket_send(handler->verdict_socket, nlh);
	return ret ? ret : take_answer(handler, nlh->nlmsg_seq);
}

/* One that made no flow weighs on no backend; of one that got lost the next look tells. */
static void finish_load(const struct decision *decision, uint32_t error)
{
	if (decision->load && error)
		load_remove(decision->load, decision->place);
}

/*
 * Whether to decide once more. What was decided before may just not be possible any more;
 * but what it needs and is not there (ENOENT) is on its way where a module comes back, device
 * by device, and its connection stands as long as nobody decides anew.
 */
static bool is_worth_another(const struct decision *decision, uint32_t error)
{
	return error == EADDRINUSE || (decision->recalled && error == EHOSTDOWN);
}

/*
 * What the kernel refused it still holds packets for, in others' way. A forbidden answer has
 * ended that. Where there is no room, there is none for an entry that drops, either; and an
 * entry would be in the way of a flow that may come back with the next packet of either end.
 */
static enum refusal refusal_of(const struct decision *decision, uint32_t error)
{
	const struct rw_verdict *verdict = &decision->verdict;
	bool drops = verdict->action == REWIRE_VERDICT_ACTION_DROP;

	if (!error || error == EEXIST || error == EPERM || is_worth_another(decision, error) ||
	    (drops && !verdict->lifetime))
		return NOT_REFUSED;
	return drops || decision->recalled || error == ENOSPC || error == ENOMEM ?
		REFUSED_ENTRY : REFUSED_FLOW;
}

/* What is remembered, before the port is let go. */
static void finish_record(struct memory *memory, const struct decision *decision, uint32_t error,
			  bool lost)
{
	if (!decision->record)
		return;
	if (lost)
		memory_doubt(memory, decision->record, clock_now());
	else if (decision->recalled && error && error != EEXIST && !is_worth_another(decision, error))
		memory_put_off(memory, decision->record, clock_now());
	else if (!error || (decision->recalled && error == EEXIST))
		memory_confirm(memory, decision->record);
	else
		memory_drop(memory, decision->record);
}

static void count_result(struct handler *handler, const struct decision *decision, uint32_t error)
{
	if (is_worth_another(decision, error))
		count(handler, COUNT_RETRIES, 1);
	else if (error == EEXIST)
		count(handler, COUNT_EXISTING, 1);
	else if (error)
		count(handler, COUNT_FAILED, 1);
	else
		count(handler, decision->recalled ? COUNT_RECALLED :
					COUNT_FLOWS + (int)decision->outcome, 1);
}

/* After an exchange: see to the ports, and keep in hand the punts to try again. */
static void finish(struct handler *handler, int ret)
{
	const struct decision *decision;
	unsigned int i, again = 0;
	enum refusal refusal;
	uint32_t error;

	if (ret) {
		count(handler, COUNT_LOST, 1);
		log_detail("%u verdicts: %s", handler->count, strerror(-ret));
	}
	for (i = 0; i < handler->count; i++) {
		decision = &handler->decisions[i];
		error = handler->errors[i];
		finish_record(handler->engine->memory, decision, error, ret);
		finish_load(decision, error);
		if (ret)
			continue;
		if (!handler->refused[i])
			count_result(handler, decision, error);
		refusal = refusal_of(decision, error);
		if (!refusal && !is_worth_another(decision, error))
			continue;
		handler->refused[again] = refusal;
		handler->punts[again++] = handler->punts[i];
	}
	handler->count = again;
}

static void answer(struct handler *handler)
{
	struct metadata *metadata = handler->engine->metadata;
	const struct snapshot *snapshot;
	unsigned int attempt, i;

	if (!handler->count)
		return;
	rcu_read_lock();
	snapshot = rcu_dereference(handler->engine->snapshot);
	metadata_begin(metadata, handler->number);
	memset(handler->refused, 0, sizeof(handler->refused));
	handler->decider.now = clock_now();
	handler->decider.stale = metadata_is_stale(metadata, handler->decider.now);
	for (attempt = 0; handler->count && attempt <= PUNT_ATTEMPTS_MAX + 1; attempt++) {
		handler->decider.replicas.used = 0;
		for (i = 0; i < handler->count; i++)
			decide_one(handler, snapshot, i, attempt);
		finish(handler, exchange(handler));
	}
	metadata_end(metadata, handler->number);
	rcu_read_unlock();
	handler->count = 0;
}

static void take_punts(struct handler *handler, const struct nlmsghdr *nlh)
{
	ssize_t number;

	if (rw_message_command(handler->punt_socket, nlh) != REWIRE_CMD_PUNT_NTF)
		return;
	number = rw_get_punts(nlh, handler->punts + handler->count,
			      REWIRE_VERDICT_BATCH_MAX - handler->count);
	if (number <= 0)
		return;
	handler->count += number;
	count(handler, COUNT_PUNTS, number);
}

/* Punts that come between the request to listen and its answer. */
static int take_early_punts(const struct nlmsghdr *nlh, void *data)
{
	take_punts(data, nlh);
	return 0;
}

static void take_messages(struct handler *handler, const struct rw_received *received)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)received->data;
	int left = received->length;

	for (; left > 0 && mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
		take_punts(handler, nlh);
}

/* As many punts as wait and fit, by one call. */
static void receive(struct handler *handler)
{
	int i, number = rw_socket_receive_many(handler->punt_socket, handler->received, MESSAGES,
						MSG_DONTWAIT);

	if (number == -EAGAIN)
		return;
	count(handler, COUNT_RECEIVES, 1);
	if (number == -ENOBUFS)
		count(handler, COUNT_OVERRUNS, 1);
	for (i = 0; i < number; i++)
		take_messages(handler, &handler->received[i]);
}

/* After a full message the next is likely to be there already, so it is not waited for. */
static void serve(struct handler *handler)
{
	unsigned int number, rounds = 0;

	do {
		receive(handler);
		number = handler->count;
		answer(handler);
	} while (number >= PUNTS_PER_MESSAGE && ++rounds < ROUNDS);
}

static void close_sockets(struct handler *handler)
{
	rw_socket_close(handler->punt_socket);
	rw_socket_close(handler->verdict_socket);
	handler->punt_socket = handler->verdict_socket = NULL;
}

/* Adopted, when not -1, is a socket that listens already. */
static int open_sockets(struct handler *handler, int adopted, struct rw_error *error)
{
	handler->verdict_socket = rw_socket_open(error);
	if (handler->verdict_socket && adopted < 0)
		handler->punt_socket = rw_socket_open(error);
	else if (handler->verdict_socket)
		handler->punt_socket = rw_socket_adopt(adopted, handler->verdict_socket, error);
	if (!handler->punt_socket)
		goto fail;
	rw_socket_set_buffers(handler->punt_socket, RECEIVE_BUFFER, 0);
	rw_socket_set_buffers(handler->verdict_socket, RECEIVE_BUFFER, sizeof(handler->out));
	rw_socket_set_notify(handler->punt_socket, take_early_punts, handler);
	if (adopted >= 0 || !scope_listen(handler->engine->scope, handler->punt_socket, error))
		return 0;
fail:
	close_sockets(handler);
	return error->code;
}

/* The kernel's module was unloaded and is there again, which knows nothing of its handlers. */
static void listen_again(struct handler *handler)
{
	unsigned int module = atomic_load(&handler->engine->module);
	struct rw_error error;

	if (module == handler->module)
		return;
	pthread_mutex_lock(handler->lock);
	close_sockets(handler);
	if (open_sockets(handler, -1, &error))
		log_line("%s", error.sentence);
	else
		handler->module = module;
	pthread_mutex_unlock(handler->lock);
	answer(handler);
}

static void *run(void *data)
{
	struct handler *handler = data;
	struct pollfd fds[] = {
		{ .events = POLLIN }, { .fd = handler->stop_fd, .events = POLLIN },
	};

	rcu_register_thread();
	answer(handler);	/* punts that came early */
	while (!fds[1].revents) {
		listen_again(handler);
		fds[0].fd = handler->punt_socket ? rw_socket_fd(handler->punt_socket) : -1;
		if (poll(fds, 2, MODULE_PERIOD) <= 0 || !handler->punt_socket)
			continue;
		serve(handler);
	}
	rcu_unregister_thread();
	return NULL;
}

static void handler_free(struct handler *handler)
{
	close_sockets(handler);
	replicas_free(&handler->decider.replicas);
	free(handler);
}

static struct handler *handler_open(struct handlers *handlers, struct engine *engine,
				    unsigned int number, int adopted, struct rw_error *error)
{
	struct handler *handler = allocate(1, sizeof(*handler));

	handler->engine = engine;
	handler->number = number;
	handler->stop_fd = handlers->stop_fd;
	handler->lock = &handlers->lock;
	handler->decider.metadata = engine->metadata;
	handler->decider.affinity = engine->affinity;
	handler->decider.bindings = engine->bindings;
	random_seed(&handler->decider.random);
	if (!open_sockets(handler, adopted, error))
		return handler;
	handler_free(handler);
	return NULL;
}

static struct handlers *open_all(struct engine *engine, unsigned int number,
				 struct sockets *sockets, struct error *error)
{
	struct handlers *handlers = allocate(1, sizeof(*handlers));
	struct rw_error why = { 0 };

	handlers->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (handlers->stop_fd < 0) {
		refuse_errno(error, "eventfd");
		free(handlers);
		return NULL;
	}
	pthread_mutex_init(&handlers->lock, NULL);
	for (; handlers->count < number; handlers->count++) {
		int adopted = sockets ? sockets->fds[handlers->count] : -1;

		handlers->list[handlers->count] = handler_open(handlers, engine, handlers->count,
								adopted, &why);
		if (handlers->list[handlers->count])
			continue;
		refuse(error, "%s", why.sentence);
		handlers_close(handlers);
		return NULL;
	}
	return handlers;
}

struct handlers *handlers_open(struct engine *engine, unsigned int number, struct error *error)
{
	return open_all(engine, number, NULL, error);
}

struct handlers *handlers_adopt(struct engine *engine, struct sockets *sockets, struct error *error)
{
	struct handlers *handlers = open_all(engine, sockets->count, sockets, error);

	sockets->count = 0;
	return handlers;
}

int handlers_own(struct handlers *handlers, struct error *error)
{
	struct handler *handler;
	struct rw_error why;
	unsigned int i;

	for (i = 0; i < handlers->count; i++) {
		handler = handlers->list[i];
		if (handler->punt_socket &&
		    scope_take_over(handler->engine->scope, handler->punt_socket,
				    handler->verdict_socket, &why))
			return refuse(error, "%s", why.sentence);
	}
	return 0;
}

void handlers_start(struct handlers *handlers)
{
	struct handler *handler;

	for (; handlers->started < handlers->count; handlers->started++) {
		handler = handlers->list[handlers->started];
		thread_start(&handler->thread, "handler", run, handler);
	}
}

void handlers_stop(struct handlers *handlers)
{
	eventfd_t stopped;
	unsigned int i;

	eventfd_write(handlers->stop_fd, 1);
	for (i = 0; i < handlers->started; i++)
		pthread_join(handlers->list[i]->thread, NULL);
	handlers->started = 0;
	eventfd_read(handlers->stop_fd, &stopped);
}

unsigned int handlers_sockets(struct handlers *handlers, int *fds)
{
	unsigned int i, number = 0;

	pthread_mutex_lock(&handlers->lock);
	for (i = 0; i < handlers->count; i++) {
		if (!handlers->list[i]->punt_socket)
			continue;
		fds[number] = fcntl(rw_socket_fd(handlers->list[i]->punt_socket),
				    F_DUPFD_CLOEXEC, 0);
		number += fds[number] >= 0;
	}
	pthread_mutex_unlock(&handlers->lock);
	return number;
}

void handlers_close(struct handlers *handlers)
{
	unsigned int i;

	handlers_stop(handlers);
	for (i = 0; i < handlers->count; i++)
		handler_free(handlers->list[i]);
	pthread_mutex_destroy(&handlers->lock);
	close(handlers->stop_fd);
	free(handlers);
}

unsigned int handlers_number(const struct handlers *handlers)
{
	return handlers->count;
}

void handlers_count(const struct handlers *handlers, uint64_t counts[COUNTERS])
{
	unsigned int i, j;

	memset(counts, 0, COUNTERS * sizeof(counts[0]));
	for (i = 0; i < handlers->count; i++)
		for (j = 0; j < COUNTERS; j++)
			counts[j] += atomic_load_explicit(&handlers->list[i]->counters[j],
							  memory_order_relaxed);
}

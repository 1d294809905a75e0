// SPDX-License-Identifier: GPL-2.0
/*
 * Public ports under churn: flows begin and end all the time, from a pool that is in use
 * at four fifths. Handlers are slow now and then, summaries and parts of the log get lost,
 * and the daemon is killed at any moment. What the daemon does is its own code; the kernel
 * and the handlers' time are a model, in steps of a millisecond. The linker puts what
 * begins with __wrap_ in the place of what asks the kernel.
 *
 * REWIRE_TEST_FLOWS is how many flows there are, REWIRE_TEST_SEED what chance follows.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include <urcu.h>

#include "binding.h"
#include "config.h"
#include "decide.h"
#include "iteration.h"
#include "librewire.h"
#include "memory.h"

#define POOL_MIN	1024
#define POOL_MAX	5023
#define LIVE		((POOL_MAX - POOL_MIN + 1) * 8 / 10)
#define LIFE		20000		/* milliseconds, in the mean; as what follows */
#define KILL_PERIOD	60000
#define PERIOD		2000
#define HANDLERS	4
#define BATCH		16
#define WINDOW		16384		/* decisions that the kernel knows above the watermark */
#define FLOWS_MAX	16384

static const char text[] = "{\"pools\":[{\"name\":\"out\",\"vni\":0,\"addresses\":[\"203.0.113.64\"],"
	"\"ports\":\"1024-5023\",\"mapping\":\"endpoint-independent\",\"quarantine\":0}],\"services\":[{\"name\":\"nat\",\"id\":1,\"vni\":10,"
	"\"src\":[\"10.0.0.0/8\"],\"source\":{\"pool\":\"out\"}}]}";

struct flow {
	struct rw_flow flow;
	int64_t end;
	bool there, changed;		/* in the log */
};

/* What the kernel has; it outlives the daemon. */
struct kernel {
	struct flow flows[FLOWS_MAX];
	unsigned int log[FLOWS_MAX], logged;
	bool listening, overflow;
	uint32_t owners[65536];		/* live flows of a public port */
	uint64_t ids, generation, watermark, newest;
	bool done[WINDOW];
	unsigned int live;
};

enum stage { IDLE, DECIDED, CARRIED_OUT };

struct handler {
	enum stage stage;
	int64_t until;
	unsigned int count;
	struct decider decider;
	struct decision decisions[BATCH];
	int errors[BATCH];
};

static struct world {
	int64_t now;
	struct random chance;
	struct kernel kernel;
	/* The daemon */
	struct engine engine;
	struct watch *watch;
	struct handler handlers[HANDLERS];
	int64_t look, kill;
	bool looking;
	/* Chance, of 1000 */
	unsigned int lost_summaries, lost_logs, slow;
	bool disregard;
	/* What came of it */
	uint64_t wanted, begun, ended, refused, shared, kills, rotations, failed_looks;
} world;

static bool by_chance(unsigned int of_1000)
{
	return random_below(&world.chance, 1000) < of_1000;
}

static void log_flow(unsigned int i)
{
	struct kernel *kernel = &world.kernel;

	if (!kernel->listening || kernel->flows[i].changed)
		return;
	kernel->flows[i].changed = true;
	kernel->log[kernel->logged++] = i;
}

/* As kmod/decision.c. */
static void decision_done(uint64_t number)
{
	struct kernel *kernel = &world.kernel;

	if (number > kernel->newest)
		kernel->newest = number;
	if (number <= kernel->watermark || number - kernel->watermark >= WINDOW)
		return;
	kernel->done[number % WINDOW] = true;
	while (kernel->done[(kernel->watermark + 1) % WINDOW])
		kernel->done[++kernel->watermark % WINDOW] = false;
}

static int carry_out(const struct rw_verdict *verdict)
{
	struct kernel *kernel = &world.kernel;
	unsigned int i = 0;
	struct flow *flow;

	while (kernel->flows[i].there || kernel->flows[i].changed)
		i++;
	flow = &kernel->flows[i];
	flow->flow = (struct rw_flow){
		.id = ++kernel->ids, .spec = verdict->flow, .action = REWIRE_FLOW_ACTION_TRANSLATE,
		.state = REWIRE_FLOW_STATE_UNREPLIED,
	};
	flow->there = true;
	flow->end = world.now + 1 + random_below(&world.chance, 2 * LIFE);
	world.shared += kernel->owners[verdict->flow.reply.dport]++ > 0;
	kernel->live++;
	world.begun++;
	log_flow(i);
	decision_done(verdict->flow.decision);
	return 0;
}

static void end_flow(unsigned int i)
{
	struct flow *flow = &world.kernel.flows[i];

	flow->there = false;
	world.kernel.owners[flow->flow.spec.reply.dport]--;
	world.kernel.live--;
	world.ended++;
	log_flow(i);
}

static void end_flows(void)
{
	unsigned int i;

	for (i = 0; i < FLOWS_MAX; i++)
		if (world.kernel.flows[i].there && world.kernel.flows[i].end <= world.now)
			end_flow(i);
}

/* Mostly soon, sometimes late, and now and then after whole periods. */
static int64_t delay(void)
{
	if (!by_chance(world.slow))
		return world.now + random_below(&world.chance, 3);
	return world.now + random_below(&world.chance, by_chance(900) ? 200 : 3 * PERIOD);
}

/* Of another endpoint each time. */
static struct rw_punt next_punt(void)
{
	struct rw_punt punt = { .id = 1, .policy = 1 };
	uint64_t number = ++world.wanted;

	punt.tuple = (struct rw_tuple){
		.vni = 10, .protocol = IPPROTO_UDP, .sport = 1 + (number >> 24), .dport = 53,
		.src = { .family = AF_INET, .bytes = { 10, number >> 16, number >> 8, number } },
		.dst = { .family = AF_INET, .bytes = { 192, 0, 2, number % 200 } },
	};
	return punt;
}

static void decide_batch(struct handler *handler, unsigned int number, unsigned int count)
{
	struct metadata *metadata = world.engine.metadata;
	struct rw_punt punt;
	unsigned int i;

	rcu_read_lock();
	metadata_begin(metadata, number);
	handler->decider.stale = metadata_is_stale(metadata, world.now);
	handler->count = count;
	for (i = 0; i < count; i++) {
		punt = next_punt();
		decide(&handler->decider, world.engine.snapshot, &punt, 0, &handler->decisions[i]);
		decide_hand_over(&handler->decider, &handler->decisions[i]);
		world.refused += handler->decisions[i].outcome != OUTCOME_FLOW;
	}
	rcu_read_unlock();
	handler->stage = DECIDED;
	handler->until = delay();
}

static void advance_handler(struct handler *handler, unsigned int number, unsigned int *wanted)
{
	unsigned int i, count = *wanted < BATCH ? *wanted : BATCH;

	if (handler->stage == IDLE && count) {
		decide_batch(handler, number, count);
		*wanted -= count;
	} else if (handler->stage == DECIDED && handler->until <= world.now) {
		for (i = 0; i < handler->count; i++)
			if (handler->decisions[i].outcome == OUTCOME_FLOW)
				carry_out(&handler->decisions[i].verdict);
		handler->stage = CARRIED_OUT;
		handler->until = delay();
	} else if (handler->stage == CARRIED_OUT && handler->until <= world.now) {
		metadata_end(world.engine.metadata, number);
		handler->stage = IDLE;
	}
}

/* A millisecond in which the state thread does nothing. */
static void pass_time(bool more)
{
	unsigned int i, wanted = 0, in_hand = 0;

	world.now++;
	if (!(world.now % 16))
		end_flows();
	for (i = 0; i < HANDLERS; i++)
		if (world.handlers[i].stage == DECIDED)
			in_hand += world.handlers[i].count;
	if (more && world.kernel.live + in_hand < LIVE)
		wanted = LIVE - world.kernel.live - in_hand;
	for (i = 0; i < HANDLERS; i++)
		advance_handler(&world.handlers[i], i, &wanted);
}

static bool more_wanted;

/* The state thread asks the kernel, and everybody else goes on. */
static void ask(void)
{
	unsigned int times = random_below(&world.chance, 3);

	while (times--)
		pass_time(more_wanted);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_rw_stats_get(struct rw_socket *socket, bool reasons, struct rw_stats *stats,
			struct rw_error *error);
int __wrap_rw_change_listen(struct rw_socket *socket, struct rw_error *error);
int __wrap_rw_change_each(struct rw_socket *socket, rw_change_fn *fn, void *data,
			  struct rw_error *error);
int __wrap_rw_flow_each(struct rw_socket *socket, const struct rw_flow_filter *filter,
			rw_flow_fn *fn, void *data, struct rw_error *error);
int __wrap_rw_summary_get(struct rw_socket *socket, struct rw_summary *summary,
			  struct rw_error *error);
int __wrap_rw_summary_each(struct rw_socket *socket, rw_summary_fn *fn, void *data,
			   struct rw_error *error);
int __wrap_rw_verdict_settle(struct rw_socket *socket, uint64_t settled, struct rw_error *error);

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	(void)clock;
	*time = (struct timespec){ world.now / 1000, world.now % 1000 * 1000000 };
	return 0;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)time;
	(void)left;
	pass_time(more_wanted);
	return 0;
}

int __wrap_rw_stats_get(struct rw_socket *socket, bool reasons, struct rw_stats *stats,
			struct rw_error *error)
{
	(void)socket;
	(void)reasons;
	(void)error;
	*stats = (struct rw_stats){ .handlers = HANDLERS, .flows = world.kernel.live };
	return 0;
}

int __wrap_rw_change_listen(struct rw_socket *socket, struct rw_error *error)
{
	(void)socket;
	(void)error;
	world.kernel.listening = true;
	return 0;
}

int __wrap_rw_change_each(struct rw_socket *socket, rw_change_fn *fn, void *data,
			  struct rw_error *error)
{
	struct kernel *kernel = &world.kernel;
	struct rw_change change;
	unsigned int i, n;
	bool lost = by_chance(world.lost_logs);

	(void)socket;
	ask();
	for (n = 0; n < kernel->logged; n++) {
		i = kernel->log[n];
		change = (struct rw_change){
			.flow = kernel->flows[i].flow, .ended = !kernel->flows[i].there,
			.reason = REWIRE_REASON_CLOSE_IDLE,
		};
		kernel->flows[i].changed = false;
		if (!lost)
			fn(&change, data);
	}
	kernel->logged = 0;
	if (lost && by_chance(500))
		return rw_error_set(error, -ENOBUFS, "the log got lost");
	change = (struct rw_change){ .overflow = true };
	return lost ? fn(&change, data) : 0;
}

int __wrap_rw_flow_each(struct rw_socket *socket, const struct rw_flow_filter *filter,
			rw_flow_fn *fn, void *data, struct rw_error *error)
{
	unsigned int i;

	(void)socket;
	(void)filter;
	for (i = 0; i < FLOWS_MAX; i++) {
		if (!(i % (FLOWS_MAX / 4)))
			ask();
		if (world.kernel.flows[i].there)
			fn(&world.kernel.flows[i].flow, data);
		if (i == FLOWS_MAX / 2 && by_chance(world.lost_logs))
			return rw_error_set(error, -EINTR, "half of a list");
	}
	return 0;
}

int __wrap_rw_summary_get(struct rw_socket *socket, struct rw_summary *summary,
			  struct rw_error *error)
{
	struct kernel *kernel = &world.kernel;

	(void)socket;
	(void)error;
	ask();
	*summary = (struct rw_summary){
		.epoch = 1, .generation = ++kernel->generation, .watermark = kernel->watermark,
		.newest = kernel->newest, .flows = kernel->live,
	};
	return 0;
}

int __wrap_rw_summary_each(struct rw_socket *socket, rw_summary_fn *fn, void *data,
			   struct rw_error *error)
{
	struct rw_summary whole;

	__wrap_rw_summary_get(socket, &whole, error);
	if (by_chance(world.lost_summaries))	/* as a whole, or but for its head */
		return by_chance(500) ? rw_error_set(error, -ENOBUFS, "it got lost") : 0;
	return fn(&whole, data);
}

int __wrap_rw_verdict_settle(struct rw_socket *socket, uint64_t settled, struct rw_error *error)
{
	struct kernel *kernel = &world.kernel;

	(void)socket;
	(void)error;
	if (settled > kernel->newest)
		kernel->newest = settled;
	while (kernel->watermark < settled)
		kernel->done[++kernel->watermark % WINDOW] = false;
	decision_done(kernel->watermark);
	while (kernel->done[(kernel->watermark + 1) % WINDOW])
		kernel->done[++kernel->watermark % WINDOW] = false;
	return 0;
}

static void look(bool all)
{
	struct rw_error error;
	int ret;

	ret = iteration_run(&world.engine, world.watch, NULL, world.engine.snapshot, all,
			    INT64_MAX, &error);
	world.failed_looks += ret < 0;
	world.look = world.now + PERIOD;
}

/* As main.c does: what flows there are is known before anything is decided. */
static void start_daemon(void)
{
	struct error error;
	unsigned int i;

	world.engine.memory = memory_new(1);	/* what else it remembers is not in question */
	world.engine.metadata = metadata_new();
	world.engine.bindings = bindings_new();
	world.engine.snapshot = config_parse(text, NULL, &error);
	if (!world.engine.snapshot)
		fail_msg("%s", error.text);
	if (world.disregard)
		metadata_disregard_watermark(world.engine.metadata);
	world.watch = watch_new(&world.engine);
	for (i = 0; i < HANDLERS; i++) {
		memset(&world.handlers[i], 0, sizeof(world.handlers[i]));
		world.handlers[i].decider.random = (struct random){ { { i, world.now } }, 0 };
		world.handlers[i].decider.metadata = world.engine.metadata;
		world.handlers[i].decider.bindings = world.engine.bindings;
	}
	more_wanted = false;
	do
		look(true);
	while (metadata_is_stale(world.engine.metadata, world.now));
	world.kill = world.now + random_below(&world.chance, 2 * KILL_PERIOD);
}

/* Whatever it has in hand is lost; the kernel stays as it is. */
static void kill_daemon(void)
{
	struct metadata_status status;

	metadata_status(world.engine.metadata, &status);
	world.rotations += status.rotations;
	watch_free(world.watch);
	bindings_free(world.engine.bindings);
	snapshot_free(world.engine.snapshot);
	memory_free(world.engine.memory);
	metadata_free(world.engine.metadata);
	world.kernel.listening = false;
	world.kernel.logged = 0;
	for (unsigned int i = 0; i < FLOWS_MAX; i++)
		world.kernel.flows[i].changed = false;
	world.kills++;
}

static unsigned int used(void)
{
	const struct range range = { POOL_MIN, POOL_MAX };

	return ports_used(world.engine.snapshot->ports[0], IPPROTO_UDP, range);
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *value = getenv(name);

	return value ? strtoull(value, NULL, 10) : otherwise;
}

/* So many flows begin; then all end. */
static void run(uint64_t flows)
{
	uint64_t utilisation = 0, looks = 0;
	unsigned int i;

	start_daemon();
	while (world.begun < flows) {
		more_wanted = true;
		pass_time(true);
		if (world.now >= world.look) {
			utilisation += world.kernel.live;
			looks++;
			look(false);
		}
		if (world.now >= world.kill) {
			kill_daemon();
			start_daemon();
		}
	}
	more_wanted = false;
	for (i = 0; i < 3 * LIFE + 10 * PERIOD; i++) {
		pass_time(false);
		if (world.now >= world.look)
			look(false);
	}
	print_message("# %llu flows began, %llu ended, %u live; %llu refused, %llu kills, %llu of %llu looks failed, "
		      "utilisation %llu of %u, %llu shared a port, %u ports lost\n",
		      (unsigned long long)world.begun, (unsigned long long)world.ended, world.kernel.live,
		      (unsigned long long)world.refused, (unsigned long long)world.kills,
		      (unsigned long long)world.failed_looks, (unsigned long long)looks,
		      (unsigned long long)(looks ? utilisation / looks : 0), POOL_MAX - POOL_MIN + 1,
		      (unsigned long long)world.shared, used());
}

static void begin_world(void)
{
	uint64_t seed = number_of("REWIRE_TEST_SEED", time(NULL));

	print_message("# REWIRE_TEST_SEED=%llu\n", (unsigned long long)seed);
	memset(&world, 0, sizeof(world));
	world.now = 1000000;
	world.chance.key.word[0] = seed;
	world.lost_summaries = 300;
	world.lost_logs = 50;
	world.slow = 30;
}

static void no_two_live_flows_share_a_port(void **context)
{
	uint64_t flows = number_of("REWIRE_TEST_FLOWS", 50000);

	(void)context;
	begin_world();
	run(flows);
	assert_int_equal(world.shared, 0);
	assert_int_equal(world.kernel.live, 0);
	assert_int_equal(world.ended, world.begun);
	assert_int_equal(used(), 0);
	assert_true(world.kills > 0);
	assert_true(world.failed_looks > 0);
	kill_daemon();
}

/* The negative control: the same, but local decisions are dropped before their time. */
static void without_the_watermark_they_do(void **context)
{
	(void)context;
	begin_world();
	world.disregard = true;
	run(number_of("REWIRE_TEST_FLOWS", 50000));
	assert_true(world.shared > 0);
	kill_daemon();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_two_live_flows_share_a_port),
		cmocka_unit_test(without_the_watermark_they_do),
	};
	int ret;

	rcu_register_thread();
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_unregister_thread();
	return ret;
}

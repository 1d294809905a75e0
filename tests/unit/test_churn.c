// SPDX-License-Identifier: GPL-2.0
/*
 * Public ports under churn: flows begin and end all the time, from a pool that is in use
 * at four fifths. Handlers are slow now and then, summaries come late or get lost, as do parts
 * of the log, others are quicker with a translation, and the daemon is killed at any moment. What the
 * daemon does is its own code; the kernel (churn_kernel.c) and the handlers' time are a
 * model, in steps of a millisecond. The linker puts what begins with __wrap_ in the place
 * of what asks the kernel.
 *
 * The model knows of each port when the last is over that it is used for. After so many
 * complete looks that the daemon has to know it, too, the port has to be free.
 *
 * REWIRE_TEST_FLOWS is how many flows there are, REWIRE_TEST_SEED what chance follows.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include <urcu.h>

#include "binding_table.h"
#include "churn.h"
#include "config.h"
#include "iteration.h"
#include "memory.h"

#define KILL_PERIOD	60000		/* in the mean, in milliseconds */
#define LEARNS		2		/* complete looks: of the end, then of the watermark before it */
#define WHEEL_SLOT	1000		/* rests are rounded up to it */

static const char text[] = "{\"pools\":[{\"name\":\"out\",\"vni\":0,\"addresses\":[\"203.0.113.64\"],"
	"\"ports\":\"%u-%u\",\"mapping\":\"%s\",\"quarantine\":%u}],\"services\":[{\"name\":\"nat\",\"id\":1,\"vni\":10,"
	"\"src\":[\"10.0.0.0/8\"],\"source\":{\"pool\":\"out\"}}]}";

static const struct pool_kind independent = { "endpoint-independent", 4000, 1, 0, 3400, 3000 };
static const struct pool_kind resting = { "endpoint-independent", 4000, 1, 2, 2800, 2400 };
static const struct pool_kind dependent = { "endpoint-dependent", 1000, 4, 0, 3200, 2400 };

struct world world;

/* Mostly soon, sometimes late, and now and then after whole periods. */
static int64_t delay(void)
{
	if (!by_chance(world.slow))
		return world.now + random_below(&world.chance, 3);
	return world.now + random_below(&world.chance, by_chance(900) ? 200 : 3 * PERIOD);
}

static unsigned int used_of(unsigned int min, unsigned int count)
{
	const struct range range = { min, min + count - 1 };

	return ports_used(world.engine.snapshot->ports[0], IPPROTO_UDP, range);
}

static unsigned int used(void)
{
	return used_of(POOL_MIN, world.pool->ports);
}

/* Nothing is left for what is refused: each port has another endpoint, or a lease of the far end. */
static bool is_exhausted(const struct rw_tuple *tuple)
{
	struct rw_tuple key = {
		.protocol = tuple->protocol, .src = tuple->dst, .sport = tuple->dport,
		.dst = *ports_address(world.engine.snapshot->ports[0]),
	};
	unsigned int i;

	if (used() < world.pool->ports)
		return false;
	if (world.pool != &dependent || world.refused % 16)	/* looking is dear */
		return true;
	for (i = 0; i < world.pool->ports; i++) {
		key.dport = POOL_MIN + i;
		if (!lease_find(world.engine.bindings, &key))
			return false;
	}
	return true;
}

/* Of another endpoint each time. */
static struct rw_punt next_punt(void)
{
	unsigned int far_ends = world.pool->far_ends > 1 ? world.pool->far_ends : 200;
	struct rw_punt punt = { .id = 1, .policy = 1 };
	uint64_t number = ++world.wanted;

	punt.tuple = (struct rw_tuple){
		.vni = 10, .protocol = IPPROTO_UDP, .sport = 1 + (number >> 24), .dport = 53,
		.src = { .family = AF_INET, .bytes = { 10, number >> 16, number >> 8, number } },
		.dst = { .family = AF_INET, .bytes = { 192, 0, 2, number % far_ends } },
	};
	return punt;
}

static void decide_one(struct handler *handler, unsigned int i)
{
	const struct rw_punt *punt = &handler->punts[i];
	struct decision *decision = &handler->decisions[i];

	decide(&handler->decider, world.engine.snapshot, punt, handler->attempt, decision);
	decide_hand_over(&handler->decider, decision);
	if (decision->outcome == OUTCOME_FLOW) {
		touch(&decision->verdict.flow)->decision = decision->verdict.flow.decision;
		return;
	}
	world.refused++;
	world.unexplained += decision->outcome != OUTCOME_EXHAUSTED || !is_exhausted(&punt->tuple);
}

/* What it has in hand. */
static void decide_batch(struct handler *handler)
{
	unsigned int i;

	rcu_read_lock();
	for (i = 0; i < handler->count; i++)
		decide_one(handler, i);
	rcu_read_unlock();
	handler->stage = DECIDED;
	handler->until = delay();
}

static void take_punts(struct handler *handler, unsigned int number, unsigned int count)
{
	struct metadata *metadata = world.engine.metadata;

	metadata_begin(metadata, number);
	handler->decider.stale = metadata_is_stale(metadata, world.now);
	handler->attempt = 0;
	for (handler->count = 0; handler->count < count; handler->count++)
		handler->punts[handler->count] = next_punt();
	decide_batch(handler);
}

/* As punt.c does: what met a translation in use is decided once more. */
static void exchange(struct handler *handler)
{
	unsigned int i, again = 0;

	for (i = 0; i < handler->count; i++)
		if (handler->decisions[i].outcome == OUTCOME_FLOW &&
		    carry_out(&handler->decisions[i].verdict))
			handler->punts[again++] = handler->punts[i];
	handler->count = again;
	handler->attempt++;
	if (again) {
		decide_batch(handler);
		return;
	}
	handler->stage = CARRIED_OUT;
	handler->until = delay();
}

static void advance_handler(struct handler *handler, unsigned int number, unsigned int *wanted)
{
	unsigned int count = *wanted < BATCH ? *wanted : BATCH;

	if (handler->stage == IDLE && count) {
		take_punts(handler, number, count);
		*wanted -= count;
	} else if (handler->stage == DECIDED && handler->until <= world.now) {
		exchange(handler);
	} else if (handler->stage == CARRIED_OUT && handler->until <= world.now) {
		metadata_end(world.engine.metadata, number);
		handler->stage = IDLE;
	}
}

void pass_time(void)
{
	unsigned int i, wanted = 0, in_hand = 0;

	world.now++;
	if (!(world.now % ENDS_SLOT))
		end_flows();
	for (i = 0; i < HANDLERS; i++)
		if (world.handlers[i].stage == DECIDED)
			in_hand += world.handlers[i].count;
	if (world.more && world.kernel.live + in_hand < world.pool->live)
		wanted = world.pool->live - world.kernel.live - in_hand;
	for (i = 0; i < HANDLERS; i++)
		advance_handler(&world.handlers[i], i, &wanted);
}

/* Has a flow, or a decision may make one yet. */
static bool is_in_use(const struct port *port)
{
	return port->live || port->decision > world.kernel.watermark;
}

/* A complete look, that began then, found this port like the ones before. */
static void check_port(struct port *port, int64_t began)
{
	unsigned int number = POOL_MIN + (port - world.kernel.ports);
	bool lost;

	if (++port->looks == LEARNS)
		port->until = world.pool->rest ? world.now + world.pool->rest * 1000 + WHEEL_SLOT : 0;
	lost = port->looks >= LEARNS && began >= port->until && used_of(number, 1);
	world.lost += lost && !port->lost;
	port->lost = lost;
}

static void look(bool all)
{
	struct port *port, *ports = world.kernel.ports, *end = ports + world.pool->ports;
	int64_t began = world.now;
	struct rw_error error;
	int ret;

	for (port = ports; port < end; port++)
		port->over = !is_in_use(port);
	ret = iteration_run(&world.engine, world.watch, NULL, world.engine.snapshot, all,
			    INT64_MAX, &error);
	for (port = ports; !ret && port < end; port++)
		if (port->over)
			check_port(port, began);
	world.looks++;
	world.failed_looks += ret < 0;
	world.look = world.now + PERIOD;
}

static struct snapshot *make_snapshot(void)
{
	const struct pool_kind *pool = world.pool;
	struct snapshot *snapshot;
	char made[1024];
	struct error error;

	snprintf(made, sizeof(made), text, POOL_MIN, POOL_MIN + pool->ports - 1, pool->mapping,
		 pool->rest);
	snapshot = config_parse(made, NULL, &error);
	if (!snapshot)
		fail_msg("%s", error.text);
	return snapshot;
}

/* As main.c does: what flows there are is known before anything is decided. */
static void start_daemon(void)
{
	unsigned int i;

	world.engine.memory = memory_new(1);	/* what else it remembers is not in question */
	world.engine.metadata = metadata_new();
	world.engine.bindings = bindings_new();
	world.engine.snapshot = make_snapshot();
	if (world.disregard)
		metadata_disregard_watermark(world.engine.metadata);
	world.watch = watch_new(&world.engine);
	for (i = 0; i < HANDLERS; i++) {
		memset(&world.handlers[i], 0, sizeof(world.handlers[i]));
		world.handlers[i].decider.random = (struct random){ { { i, world.now } }, 0 };
		world.handlers[i].decider.metadata = world.engine.metadata;
		world.handlers[i].decider.bindings = world.engine.bindings;
	}
	world.more = false;
	world.dying = by_chance(world.deaths) ? DIE_READING : NOT_DYING;
	do
		look(true);
	while (!world.dead && metadata_is_stale(world.engine.metadata, world.now));
	world.kill = world.now + random_below(&world.chance, 2 * KILL_PERIOD);
}

/* Whatever it has in hand is lost; the kernel stays as it is. */
static void kill_daemon(void)
{
	unsigned int i;

	watch_free(world.watch);
	bindings_free(world.engine.bindings);
	snapshot_free(world.engine.snapshot);
	memory_free(world.engine.memory);
	metadata_free(world.engine.metadata);
	drop_log();
	for (i = 0; i < world.pool->ports; i++) {
		world.kernel.ports[i].looks = 0;
		world.kernel.ports[i].decision = 0;
	}
	world.kills++;
	world.cut_off += world.dead;
	world.dying = NOT_DYING;
	world.dead = false;
}

/* It may be killed while it adopts what there is, too. */
static void restart_daemon(void)
{
	do {
		kill_daemon();
		start_daemon();
	} while (world.dead);
}

static void kill_when_due(uint64_t flows)
{
	if (world.now >= world.kill && world.begun < flows / 4 * 3) {
		world.kill = INT64_MAX;
		if (world.kills % 2)
			restart_daemon();
		else
			world.dying = by_chance(500) ? DIE_TOLD : DIE_READING;
	}
	if (world.dead)
		restart_daemon();
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *value = getenv(name);

	return value ? strtoull(value, NULL, 10) : otherwise;
}

static void look_when_due(void)
{
	if (world.now >= world.look)
		look(false);
}

static void print_outcome(void)
{
	print_message("# %s, %u s of rest: %llu flows began, %llu ended; %llu translations were in use, %llu flows "
		      "refused, %llu of these with room; %llu kills, %llu of them in a look, %llu of %llu looks failed, "
		      "utilisation %llu of %u, %llu shared a translation, %llu ports lost\n",
		      world.pool->mapping, world.pool->rest, (unsigned long long)world.begun,
		      (unsigned long long)world.ended, (unsigned long long)world.in_use,
		      (unsigned long long)world.refused, (unsigned long long)world.unexplained,
		      (unsigned long long)world.kills, (unsigned long long)world.cut_off,
		      (unsigned long long)world.failed_looks,
		      (unsigned long long)world.looks, (unsigned long long)world.utilisation,
		      TRANSLATIONS, (unsigned long long)world.shared, (unsigned long long)world.lost);
}

/* What has ended is learned, and nothing gets lost any more. */
static void end_all(void)
{
	int64_t until = world.now + 2 * LIFE + 10 * PERIOD + world.pool->rest * 1000;

	world.more = false;
	world.lost_summaries = world.late_summaries = world.lost_logs = 0;
	world.dying = NOT_DYING;
	while (world.now < until) {
		pass_time();
		look_when_due();
	}
}

/*
 * So many flows begin, or less if something goes wrong; then all end. Nobody kills the daemon
 * during the last quarter.
 */
static void run(uint64_t flows)
{
	uint64_t utilisation = 0, times = 0;

	start_daemon();
	if (world.dead)
		restart_daemon();
	while (world.begun < flows && !world.shared && !world.lost) {
		world.more = true;
		pass_time();
		utilisation += world.kernel.live;
		times++;
		look_when_due();
		kill_when_due(flows);
	}
	world.utilisation = utilisation / times;
	end_all();
	print_outcome();
}

static void begin_world(const struct pool_kind *pool)
{
	uint64_t seed = number_of("REWIRE_TEST_SEED", time(NULL));

	print_message("# REWIRE_TEST_SEED=%llu\n", (unsigned long long)seed);
	memset(&world, 0, sizeof(world));
	world.pool = pool;
	world.now = 1000000;
	world.chance.key.word[0] = seed;
	world.lost_summaries = 300;
	world.late_summaries = 50;
	world.lost_logs = 50;
	world.deaths = 200;
	world.slow = 30;
	world.others = 10;
}

static uint64_t flows_wanted(void)
{
	return number_of("REWIRE_TEST_FLOWS", 50000);
}

/* That the pool is filled several times, and a part of the many. */
static uint64_t some_flows(void)
{
	return 7500 + flows_wanted() / 20;
}

static void check_world(const struct pool_kind *pool, uint64_t flows)
{
	begin_world(pool);
	run(flows);
	assert_int_equal(world.shared, 0);
	assert_int_equal(world.lost, 0);
	assert_int_equal(world.unexplained, 0);
	assert_int_equal(world.kernel.live, 0);
	assert_int_equal(world.ended, world.begun);
	assert_int_equal(used(), 0);
	assert_true(world.utilisation >= pool->least);
	assert_true(world.in_use > 0);
	assert_true(world.failed_looks > 0);
	kill_daemon();
}

static void no_two_live_flows_share_a_port(void **context)
{
	(void)context;
	check_world(&independent, flows_wanted());
	assert_true(world.cut_off > 0);
	if (flows_wanted() >= 1000000)
		assert_true(world.utilisation >= TRANSLATIONS / 5 * 4);
}

static void nor_when_ports_rest(void **context)
{
	(void)context;
	check_world(&resting, some_flows());
}

static void nor_a_port_and_a_far_end_where_flows_share_ports(void **context)
{
	(void)context;
	check_world(&dependent, some_flows());
}

/* The negative control: the same, but local decisions are dropped before their time. */
static void without_the_watermark_they_do(void **context)
{
	(void)context;
	begin_world(&independent);
	world.disregard = true;
	run(flows_wanted());
	assert_true(world.shared > 0);
	kill_daemon();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_two_live_flows_share_a_port),
		cmocka_unit_test(nor_when_ports_rest),
		cmocka_unit_test(nor_a_port_and_a_far_end_where_flows_share_ports),
		cmocka_unit_test(without_the_watermark_they_do),
	};
	int ret;

	rcu_register_thread();
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_unregister_thread();
	return ret;
}

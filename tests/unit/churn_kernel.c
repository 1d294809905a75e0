// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel, as the daemon sees it while ports churn: its flows, the log of their changes,
 * the watermark of decisions, and the answers to requests, which get lost now and then.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <time.h>

#include "churn.h"
#include "librewire.h"

bool by_chance(unsigned int of_1000)
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

static struct port *port_of(const struct rw_flow_spec *flow)
{
	return &world.kernel.ports[flow->reply.dport - POOL_MIN];
}

struct port *touch(const struct rw_flow_spec *flow)
{
	struct port *port = port_of(flow);

	port->over = false;
	port->looks = 0;
	return port;
}

static uint32_t *owners_of(const struct rw_flow_spec *flow)
{
	unsigned int far_end = flow->reply.src.bytes[3] % world.pool->far_ends;

	return &world.kernel.owners[(flow->reply.dport - POOL_MIN) * world.pool->far_ends + far_end];
}

/* The first has to be another one than 0. */
static unsigned int find_room(void)
{
	struct kernel *kernel = &world.kernel;

	do
		kernel->hint = kernel->hint % (FLOWS_MAX - 1) + 1;
	while (kernel->flows[kernel->hint].there || kernel->flows[kernel->hint].changed);
	return kernel->hint;
}

static void begin_flow(const struct rw_flow_spec *spec)
{
	struct kernel *kernel = &world.kernel;
	int64_t end = world.now + 1 + random_below(&world.chance, 2 * LIFE);
	unsigned int *slot = &kernel->ends[(end / ENDS_SLOT + 1) % ENDS];
	unsigned int i = find_room();
	struct flow *flow = &kernel->flows[i];

	flow->flow = (struct rw_flow){
		.id = ++kernel->ids, .spec = *spec, .action = REWIRE_FLOW_ACTION_TRANSLATE,
		.state = REWIRE_FLOW_STATE_UNREPLIED,
	};
	flow->there = true;
	flow->next = *slot;
	*slot = i;
	world.shared += (*owners_of(spec))++ > 0;
	touch(spec)->live++;
	kernel->live++;
	world.begun++;
	log_flow(i);
}

int carry_out(const struct rw_verdict *verdict)
{
	struct rw_flow_spec other = verdict->flow;
	bool in_use = by_chance(world.others);

	other.orig.src.bytes[0] = 172;
	other.decision = other.policy = 0;
	begin_flow(in_use ? &other : &verdict->flow);
	decision_done(verdict->flow.decision);
	world.in_use += in_use;
	return in_use ? -EADDRINUSE : 0;
}

static void end_flow(unsigned int i)
{
	const struct rw_flow_spec *spec = &world.kernel.flows[i].flow.spec;

	world.kernel.flows[i].there = false;
	(*owners_of(spec))--;
	touch(spec)->live--;
	world.kernel.live--;
	world.ended++;
	log_flow(i);
}

void end_flows(void)
{
	unsigned int *slot = &world.kernel.ends[world.now / ENDS_SLOT % ENDS];
	unsigned int i = *slot;

	for (*slot = 0; i; i = world.kernel.flows[i].next)
		end_flow(i);
}

void drop_log(void)
{
	struct kernel *kernel = &world.kernel;
	unsigned int i;

	kernel->listening = false;
	for (i = 0; i < kernel->logged; i++)
		kernel->flows[kernel->log[i]].changed = false;
	kernel->logged = 0;
}

/* The state thread asks the kernel, and everybody else goes on. */
static void ask(void)
{
	unsigned int times = random_below(&world.chance, 3);

	while (times--)
		pass_time();
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
	pass_time();
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

/* Killed while it reads, the daemon gets no further. */
static int die(struct rw_error *error)
{
	world.dead = true;
	return rw_error_set(error, -EINTR, "killed");
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
		if (world.dying == DIE_READING && n >= kernel->logged / 2)
			return die(error);
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
		if (i == FLOWS_MAX / 2 && world.dying == DIE_READING)
			return die(error);
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
	unsigned int late;

	__wrap_rw_summary_get(socket, &whole, error);
	if (by_chance(world.late_summaries))	/* what was true periods ago */
		for (late = random_below(&world.chance, 3 * PERIOD); late; late--)
			pass_time();
	if (by_chance(world.lost_summaries))	/* as a whole, or but for its head */
		return by_chance(500) ? rw_error_set(error, -ENOBUFS, "it got lost") : 0;
	if (world.dying == DIE_TOLD)
		return die(error);
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
	return world.dying ? die(error) : 0;
}

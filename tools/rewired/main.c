// SPDX-License-Identifier: GPL-2.0
/* rewired: decides about the flows that the kernel does not know. */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <urcu.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "address.h"
#include "affinity.h"
#include "clock.h"
#include "config.h"
#include "control.h"
#include "binding.h"
#include "machine.h"
#include "memory.h"
#include "metadata.h"
#include "prober.h"
#include "runner.h"
#include "scope.h"
#include "takeover.h"

#define CONFIG_PATH	"/etc/rewire/rewired.json"
#define RELOAD_PERIOD	2000
#define SOCKET_PATH	"/run/rewire/rewired.sock"

enum { EXIT_USAGE = 1, EXIT_REFUSED = 2 };

struct options {
	const char *config, *socket;
	unsigned int threads, records, clients;
	struct state_options state;
	bool check, takeover;
};

static const char usage[] =
	"usage: rewired [OPTION]...\n"
	"  -c, --config FILE    configuration, " CONFIG_PATH "\n"
	"  -s, --socket PATH    control socket, " SOCKET_PATH "\n"
	"  -t, --threads N      threads that answer punts, 1 to 64; one more than CPUs\n"
	"  -p, --period MS      time between looks at the kernel's flows, 2000\n"
	"  -k, --check          check the configuration and end\n"
	"  -r, --remember N     flows to remember at most, 262144\n"
	"  -n, --clients N      clients with an affinity at most, 65536\n"
	"  -l, --limit MS       no ports are given when a look is late by more, 30000\n"
	"  -T, --takeover       take the place of the daemon at the control socket, if there is one\n"
	"  -L, --reload MS      time between loads of the configuration, 2000; 0, only when told to\n"
	"  -z, --freeze         for tests: do not look at them again after the start\n"
	"  -f, --foreground     do not become a background process (never done)\n"
	"  -v, --verbose        say more\n"
	"  -V, --version        print the version and end\n"
	"  -h, --help           print this and end\n";

static bool parse_number(const char *option, const char *text, unsigned int min, unsigned int max,
			 unsigned int *number)
{
	uint64_t value;

	if (!rw_number_parse(text, min, max, &value)) {
		log_line("%s \"%s\" is not a number from %u to %u", option, text, min, max);
		return false;
	}
	*number = value;
	return true;
}

/* -1 to go on, or an exit status. */
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "socket", required_argument, NULL, 's' },
		{ "threads", required_argument, NULL, 't' },
		{ "period", required_argument, NULL, 'p' },
		{ "check", no_argument, NULL, 'k' },
		{ "remember", required_argument, NULL, 'r' },
		{ "clients", required_argument, NULL, 'n' },
		{ "limit", required_argument, NULL, 'l' },
		{ "takeover", no_argument, NULL, 'T' },
		{ "reload", required_argument, NULL, 'L' },
		{ "freeze", no_argument, NULL, 'z' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:s:t:p:r:n:l:kzfvVhTL:", known, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->config = optarg;
			break;
		case 's':
			options->socket = optarg;
			break;
		case 't':
			if (!parse_number("--threads", optarg, 1, HANDLERS_MAX, &options->threads))
				return EXIT_USAGE;
			break;
		case 'p':
			if (!parse_number("--period", optarg, 10, 3600000, &options->state.period))
				return EXIT_USAGE;
			break;
		case 'r':
			if (!parse_number("--remember", optarg, 1, 1 << 24, &options->records))
				return EXIT_USAGE;
			break;
		case 'n':
			if (!parse_number("--clients", optarg, 1, 1 << 24, &options->clients))
				return EXIT_USAGE;
			break;
		case 'l':
			if (!parse_number("--limit", optarg, 10, 3600000, &options->state.stale))
				return EXIT_USAGE;
			break;
		case 'k':
			options->check = true;
			break;
		case 'L':
			if (!parse_number("--reload", optarg, 0, 3600000, &options->state.reload))
				return EXIT_USAGE;
			break;
		case 'T':
			options->takeover = true;
			break;
		case 'z':
			options->state.frozen = true;
			break;
		case 'f':
			break;
		case 'v':
			log_details = true;
			break;
		case 'V':
			puts("rewired " REWIRE_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		log_line("unexpected argument \"%s\"", argv[optind]);
		return EXIT_USAGE;
	}
	return -1;
}

static void set_defaults(struct options *options)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (!options->socket)
		options->socket = SOCKET_PATH;
	if (!options->state.period)
		options->state.period = 2000;
	if (!options->state.stale)
		options->state.stale = 30000;
	if (!options->records)
		options->records = 262144;
	if (!options->clients)
		options->clients = 65536;
	/* The kernel takes one for each CPU, and the last for those who need not wait */
	if (!options->threads)
		options->threads = cpus < 1 ? 2 : cpus < HANDLERS_MAX ? cpus + 1 : HANDLERS_MAX;
}

/* Keep the one capability that the kernel module asks for; less is there when less was given. */
static void drop_privileges(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
	unsigned int keep = 1U << CAP_NET_ADMIN, capability;

	for (capability = 0; capability <= CAP_LAST_CAP; capability++)
		if (capability != CAP_NET_ADMIN)
			prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_capget, &header, data))
		return;
	data[0] = (struct __user_cap_data_struct){
		.effective = data[0].permitted & keep, .permitted = data[0].permitted & keep,
	};
	data[1] = (struct __user_cap_data_struct){ 0 };
	syscall(SYS_capset, &header, data);
}

static void notify(const char *state)
{
#ifdef HAVE_SYSTEMD
	sd_notify(0, state);
#else
	(void)state;
#endif
}

/* What signals do. */
struct watcher {
	struct control *control;
	bool end;
	uv_signal_t signals[3];
};

static void on_signal(uv_signal_t *signal, int number)
{
	struct watcher *watcher = signal->data;

	if (number == SIGHUP) {
		control_reload(watcher->control);
		return;
	}
	watcher->end = true;
	uv_stop(signal->loop);
}

/* What wants the configuration taken anew while we start has to wait, and not to end us. */
static void hold_reload(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(how, &set, NULL);
}

static void watch_signals(struct watcher *watcher, uv_loop_t *loop)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		uv_signal_init(loop, &watcher->signals[i]);
		watcher->signals[i].data = watcher;
		uv_signal_start(&watcher->signals[i], on_signal, numbers[i]);
	}
	hold_reload(SIG_UNBLOCK);
}

static void start_threads(struct daemon *daemon)
{
	handlers_start(daemon->handlers);
	state_start(daemon->state);
	prober_start(daemon->engine->prober, daemon->state);
}

/* Handlers last, so that new flows do not wait for a list of all flows, or a large change. */
static void stop_threads(struct daemon *daemon)
{
	prober_stop(daemon->engine->prober);
	state_stop(daemon->state);
	handlers_stop(daemon->handlers);
}

/* Another daemon has taken nothing, but it may have tried. */
static void go_on(struct daemon *daemon)
{
	struct error error;

	if (handlers_own(daemon->handlers, &error))
		log_line("%s", error.text);
	state_restore(daemon->state);
	control_resume(daemon->control);
}

/* A taker that has let its time pass. Until it is gone, what it changes is changed back then. */
struct late {
	uv_poll_t poll;
	struct taker *taker;
	struct control *control;
	bool waiting;
};

static void late_end(struct late *late)
{
	if (!late->waiting)
		return;
	uv_close((uv_handle_t *)&late->poll, NULL);
	taker_close(late->taker);
	control_set_late(late->control, false);
	late->waiting = false;
}

static void on_late(uv_poll_t *poll, int status, int events)
{
	struct late *late = poll->data;

	(void)events;
	if (!status && !taker_is_gone(late->taker))
		return;
	late_end(late);
	uv_stop(poll->loop);
}

static void refuse_taker(struct late *late, uv_loop_t *loop)
{
	pid_t pid = taker_refuse(late->taker);

	log_line("another daemon has not taken over");
	if (taker_is_gone(late->taker)) {
		taker_close(late->taker);
		return;
	}
	log_line("process %d, which has copies of this daemon's sockets, has to end", (int)pid);
	uv_poll_init(loop, &late->poll, late->taker->fd);
	late->poll.data = late;
	uv_poll_start(&late->poll, UV_READABLE | UV_DISCONNECT, on_late);
	control_set_late(late->control, true);
	late->waiting = true;
}

/* Until the end. Taker is who has to know when the control socket is free, if anybody. */
static void serve(uv_loop_t *loop, struct daemon *daemon, struct taker *taker, bool taken_over)
{
	struct watcher watcher = { .control = daemon->control };
	struct late late = { .taker = taker, .control = daemon->control };
	unsigned int i;

	control_start(daemon->control, daemon);
	/* Who has asked the other daemon for this cannot ask it again */
	if (taken_over)
		control_reload(daemon->control);
	watch_signals(&watcher, loop);
	notify("READY=1");
	log_line("ready");
	machine_warm_up();
	for (;;) {
		start_threads(daemon);
		uv_run(loop, UV_RUN_DEFAULT);
		stop_threads(daemon);
		if (watcher.end)
			break;
		if (control_taker(daemon->control, taker)) {
			state_remember(daemon->state);
			if (!taker_wait(taker))
				break;
			refuse_taker(&late, loop);
		}
		go_on(daemon);
	}
	notify("STOPPING=1");
	machine_stop();
	late_end(&late);
	for (i = 0; i < 3; i++)
		uv_close((uv_handle_t *)&watcher.signals[i], NULL);
	uv_run(loop, UV_RUN_NOWAIT);
}

/*
 * Flows are listed before the gate is opened, so that nobody waits for that; what is left to
 * adopt then is little. If another daemon has the gate or the socket, nothing was changed.
 */
static int begin(struct daemon *daemon, const struct options *options, struct snapshot *snapshot,
		 uv_loop_t *loop, struct error *error)
{
	daemon->control = control_open(loop, options->socket, error);
	if (daemon->control)
		daemon->state = state_open(daemon->engine, daemon->store, &options->state, -1, error);
	if (!daemon->state || state_prepare(daemon->state, snapshot, error))
		return -1;
	daemon->handlers = handlers_open(daemon->engine, options->threads, error);
	return daemon->handlers ? state_adopt(daemon->state, snapshot, error) : -1;
}

/* All that takes long, and most of what may fail, comes before the other one stops. */
static int take_over(struct daemon *daemon, const struct options *options, struct snapshot *snapshot,
		     uv_loop_t *loop, struct takeover *takeover, struct error *error)
{
	struct sockets *sockets = &takeover->sockets;
	int log = sockets->fds[--sockets->count];

	daemon->state = state_open(daemon->engine, daemon->store, &options->state, log, error);
	if (daemon->state)
		daemon->handlers = handlers_adopt(daemon->engine, sockets, error);
	if (daemon->handlers)
		daemon->control = control_new(loop, options->socket, error);
	if (!daemon->control || state_prepare(daemon->state, snapshot, error) ||
	    takeover_stop(takeover, error) || state_prepare(daemon->state, snapshot, error) ||
	    takeover_check(takeover, error) || handlers_own(daemon->handlers, error) ||
	    state_adopt(daemon->state, snapshot, error) || takeover_end(takeover, error))
		return -1;
	handlers_start(daemon->handlers);
	log_line("took over %u sockets", handlers_number(daemon->handlers));
	takeover_wait(takeover);
	control_listen(daemon->control);
	return 0;
}

static void end(struct daemon *daemon, struct taker *taker)
{
	if (daemon->handlers)
		handlers_close(daemon->handlers);
	if (daemon->state)
		state_close(daemon->state);
	if (daemon->control)
		control_close(daemon->control);
	taker_close(taker);
}

static int run(const struct options *options, struct store *store, struct snapshot *snapshot,
	       int runner, struct takeover *takeover)
{
	struct engine engine = {
		.memory = memory_new(options->records),
		.bindings = bindings_new(),
		.affinity = affinity_new(options->clients),
		.metadata = metadata_new(),
		.scope = scope_new(snapshot),
	};
	struct daemon daemon = { .engine = &engine, .store = store, .started = clock_now() / 1000 };
	struct taker taker = { .fd = -1 };
	bool taken_over = takeover->fd >= 0;
	struct error error;
	uv_loop_t loop;
	int ret;

	uv_loop_init(&loop);
	rcu_register_thread();
	engine.prober = prober_new(&engine, runner);
	if (taken_over)
		ret = take_over(&daemon, options, snapshot, &loop, takeover, &error);
	else
		ret = begin(&daemon, options, snapshot, &loop, &error);
	takeover_close(takeover);
	if (ret)
		log_line("%s", error.text);
	else
		serve(&loop, &daemon, &taker, taken_over);
	if (!engine.snapshot)
		snapshot_free(snapshot);
	end(&daemon, &taker);
	prober_free(engine.prober);
	bindings_free(engine.bindings);
	memory_free(engine.memory);
	affinity_free(engine.affinity);
	metadata_free(engine.metadata);
	scope_free(engine.scope);
	rcu_unregister_thread();
	uv_loop_close(&loop);
	return ret ? EXIT_REFUSED : EXIT_SUCCESS;
}

static struct snapshot *load(struct store *store, const char *path)
{
	struct snapshot *snapshot;
	struct error error;
	char *text = store->load(store, &error);

	if (!text) {
		log_line("%s", error.text);
		return NULL;
	}
	snapshot = config_parse(text, NULL, &error);
	if (!snapshot)
		log_line("%s: %s", path, error.text);
	free(text);
	return snapshot;
}

/* From the beginning on the other daemon changes nothing: what it has changed has been stored. */
static int begin_takeover(struct takeover *takeover, const struct options *options,
			  struct store *store, const char *path, struct snapshot **snapshot)
{
	struct error error;

	if (takeover_begin(takeover, options->socket, &error)) {
		log_line("%s", error.text);
		snapshot_free(*snapshot);
		return EXIT_REFUSED;
	}
	if (takeover->fd < 0)
		return EXIT_SUCCESS;
	snapshot_free(*snapshot);
	*snapshot = load(store, path);
	return *snapshot ? EXIT_SUCCESS : EXIT_USAGE;
}

static int start(const struct options *options, struct store *store, const char *path,
		 struct snapshot *snapshot)
{
	struct takeover takeover = { .fd = -1 };
	int status = EXIT_SUCCESS, runner;

	signal(SIGPIPE, SIG_IGN);
	runner = runner_fork();
	drop_privileges();
	machine_set_up();
	if (options->takeover)
		status = begin_takeover(&takeover, options, store, path, &snapshot);
	return status ? status : run(options, store, snapshot, runner, &takeover);
}

int main(int argc, char **argv)
{
	struct options options = { .state.reload = RELOAD_PERIOD };
	int status = parse_options(argc, argv, &options);
	struct snapshot *snapshot;
	struct store *store;
	const char *path;

	if (status >= 0)
		return status;
	set_defaults(&options);
	path = options.config ? options.config : CONFIG_PATH;
	hold_reload(SIG_BLOCK);
	store = store_open_file(path, options.config || options.check);
	snapshot = load(store, path);
	if (!snapshot) {
		status = EXIT_USAGE;
	} else if (options.check) {
		printf("%s: %u pools, %u services, %u backends\n", path, snapshot->pool_count,
		       snapshot->service_count, snapshot->backend_count);
		snapshot_free(snapshot);
		status = EXIT_SUCCESS;
	} else {
		status = start(&options, store, path, snapshot);
	}
	store->close(store);
	return status;
}

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
#include "config.h"
#include "control.h"
#include "binding.h"
#include "machine.h"
#include "memory.h"
#include "metadata.h"
#include "prober.h"
#include "runner.h"
#include "scope.h"

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

static void on_signal(uv_signal_t *signal, int number)
{
	if (number == SIGHUP)
		control_reload(signal->data);
	else
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

static void serve(uv_loop_t *loop, struct control *control)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
	uv_signal_t signals[3];
	unsigned int i;

	for (i = 0; i < 3; i++) {
		uv_signal_init(loop, &signals[i]);
		signals[i].data = control;
		uv_signal_start(&signals[i], on_signal, numbers[i]);
	}
	hold_reload(SIG_UNBLOCK);
	notify("READY=1");
	log_line("ready");
	uv_run(loop, UV_RUN_DEFAULT);
	notify("STOPPING=1");
	for (i = 0; i < 3; i++)
		uv_close((uv_handle_t *)&signals[i], NULL);
	uv_run(loop, UV_RUN_NOWAIT);
}

static struct handlers *open_gate(const struct options *options, struct engine *engine,
				  struct error *error)
{
	struct sockets sockets = { .count = 0 };

	if (options->takeover && takeover_ask(options->socket, &sockets, error))
		return NULL;
	if (!sockets.count)
		return handlers_open(engine, options->threads, error);
	log_line("took over %u sockets", sockets.count);
	return handlers_adopt(engine, &sockets, error);
}

/* Of what this daemon had, the sockets are all that the next one gets: the rest is in the kernel. */
static void hand_over(int taker, struct sockets *sockets)
{
	if (taker < 0)
		return;
	if (takeover_give(taker, sockets))
		log_line("takeover: %s", strerror(errno));
	else
		log_line("handed over %u sockets", sockets->count);
	takeover_close(sockets);
	close(taker);
}

/* The gate is opened first: when another daemon has it, nothing was changed. */
static int run(const struct options *options, struct store *store, struct snapshot *snapshot,
	       int runner)
{
	struct engine engine = {
		.memory = memory_new(options->records),
		.bindings = bindings_new(),
		.affinity = affinity_new(options->clients),
		.metadata = metadata_new(),
		.scope = scope_new(snapshot),
	};
	struct daemon daemon = { .engine = &engine, .store = store };
	struct sockets sockets = { .count = 0 };
	struct control *control = NULL;
	struct timespec now;
	int status = EXIT_REFUSED, taker = -1;
	struct error error;
	uv_loop_t loop;

	uv_loop_init(&loop);
	clock_gettime(CLOCK_MONOTONIC, &now);
	daemon.started = now.tv_sec;
	rcu_register_thread();
	daemon.handlers = open_gate(options, &engine, &error);
	engine.prober = prober_new(&engine, runner);
	if (daemon.handlers)
		control = control_open(&loop, options->socket, &error);
	if (!control)
		snapshot_free(snapshot);
	else
		daemon.state = state_open(&engine, store, snapshot, &options->state, &error);
	if (daemon.state) {
		control_start(control, &daemon);
		handlers_start(daemon.handlers);
		state_start(daemon.state);
		prober_start(engine.prober, daemon.state);
		serve(&loop, control);
		taker = control_taker(control);
		if (taker >= 0)
			handlers_give(daemon.handlers, &sockets);
		status = EXIT_SUCCESS;
	} else {
		log_line("%s", error.text);
	}
	if (daemon.handlers)
		handlers_close(daemon.handlers);
	prober_stop(engine.prober);
	if (daemon.state)
		state_close(daemon.state);
	if (control)
		control_close(control);
	hand_over(taker, &sockets);
	prober_free(engine.prober);
	bindings_free(engine.bindings);
	memory_free(engine.memory);
	affinity_free(engine.affinity);
	metadata_free(engine.metadata);
	scope_free(engine.scope);
	rcu_unregister_thread();
	uv_loop_close(&loop);
	return status;
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

int main(int argc, char **argv)
{
	struct options options = { .state.reload = RELOAD_PERIOD };
	int status = parse_options(argc, argv, &options);
	struct snapshot *snapshot;
	struct store *store;
	const char *path;
	int runner;

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
		signal(SIGPIPE, SIG_IGN);
		runner = runner_fork();
		drop_privileges();
		machine_set_up();
		status = run(&options, store, snapshot, runner);
	}
	store->close(store);
	return status;
}

// SPDX-License-Identifier: GPL-2.0
/* rewire stats: figures of the namespace. */

#include "args.h"
#include "print.h"

static const char usage[] =
	"Usage: rewire stats [ show ]\n"
	"Counters by reason are printed when they are not 0; with -stats or -json, all of them.\n"
	"With -details, their meanings are printed, too.\n";

static void show_objects(const struct rw_stats *stats)
{
	print_number("flows", "flows", stats->flows);
	print_number("flows-max", "flows-max", stats->flows_max);
	print_number("created", "created", stats->created);
	print_number("expiry-ns", "expiry-ns", stats->expiry_ns);
	print_line();
	print_number("attaches", "attaches", stats->attaches);
	print_number("rules", "rules", stats->rules);
	print_number("targets", "targets", stats->targets);
	print_number("limits", "limits", stats->limits);
	print_number("handlers", "handlers", stats->handlers);
	print_number("objects", "objects", stats->objects);
}

static void show_packets(const struct rw_stats *stats)
{
	print_line();
	print_number("received", "received", stats->received);
	print_number("translated", "translated", stats->translated);
	print_number("passed", "passed", stats->passed);
	print_number("forwarded", "forwarded", stats->forwarded);
	print_number("copied", "copied", stats->copied);
	print_number("batched", "batched", stats->batched);
	print_line();
	print_number("icmp-translated", "icmp-translated", stats->icmp_translated);
	print_number("icmp-sent", "icmp-sent", stats->icmp_sent);
	print_number("icmp-limited", "icmp-limited", stats->icmp_limited);
	print_number("icmp-unsent", "icmp-unsent", stats->icmp_unsent);
	print_line();
	print_number("holds", "holds", stats->holds);
	print_number("holds-max", "holds-max", stats->holds_max);
	print_number("held-packets", "held-packets", stats->held_packets);
	print_number("held-bytes", "held-bytes", stats->held_bytes);
	print_line();
	print_number("punts", "punts", stats->punts);
	print_number("punt-batches", "punt-batches", stats->punt_batches);
	print_number("punt-retries", "punt-retries", stats->punt_retries);
	print_number("verdicts", "verdicts", stats->verdicts);
	print_number("verdict-failures", "verdict-failures", stats->verdict_failures);
	print_number("verdicts-forbidden", "verdicts-forbidden", stats->verdicts_forbidden);
	print_line();
	print_number("punts-asked", "punts-asked", stats->punts_asked);
	print_number("punts-queued", "punts-queued", stats->punts_queued);
}

static void show_counters(const struct rw_stats *stats)
{
	uint32_t reason;

	print_object("counters", NULL);
	for (reason = 0; reason < RW_REASONS; reason++) {
		const char *name = rw_name(rw_reason_names, reason);

		if (!stats->counters[reason] && !cli.stats && !print_style.json)
			continue;
		print_line();
		print_number(name, name, stats->counters[reason]);
		if (cli.details && !print_style.json)
			print_string(NULL, "-", rw_reason_names[reason].text);
	}
	print_object_end();
	if (!cli.details || !print_style.json)
		return;
	print_object("meanings", NULL);
	for (reason = 0; reason < RW_REASONS; reason++)
		print_string(rw_reason_names[reason].name, NULL, rw_reason_names[reason].text);
	print_object_end();
}

static int stats_show(struct args *args)
{
	struct rw_stats stats;
	struct rw_error error;
	int ret = args_none(args);

	if (ret)
		return ret;
	if (!cli_socket())
		return EXIT_REFUSED;
	if (rw_stats_get(cli.socket, true, &stats, &error))
		return args_refused(args, NULL, &error);
	print_record();
	show_objects(&stats);
	show_packets(&stats);
	show_counters(&stats);
	print_record_end();
	return 0;
}

static const struct command commands[] = {
	{ "show", stats_show }, { NULL, NULL }
};

const struct object stats_object = { "stats", usage, commands, NULL };

// SPDX-License-Identifier: GPL-2.0
/* rewire summary: flows by virtual network, target and state. */

#include "args.h"
#include "print.h"

static const char usage[] =
	"Usage: rewire summary [ show ]\n"
	"Flows by virtual network, target and state. Its cost does not depend on how many there are.\n"
	"The watermark is the number up to which all of the daemon's decisions are included.\n";

static void show_live(const struct rw_live *live)
{
	print_number("half-open", "half-open", live->half_open);
	print_number("established", "established", live->established);
	print_number("closing", "closing", live->closing);
	print_number("one-way", "one-way", live->one_way);
	print_number("two-way", "two-way", live->two_way);
}

static int show(const struct rw_summary *summary, void *data)
{
	(void)data;
	print_record();
	if (summary->has_vni) {
		print_number("vni", "vni", summary->vni);
		print_number("flows", "flows", summary->flows);
		show_live(&summary->live);
	} else if (summary->target) {
		print_number("target", "target", summary->target);
		print_number("flows", "flows", summary->flows);
		show_live(&summary->live);
		print_number("generation", cli.details ? "generation" : NULL,
			     summary->target_generation);
		print_number("retired-flows", summary->retired_flows ? "retired-flows" : NULL,
			     summary->retired_flows);
	} else {
		print_number("generation", "summary", summary->generation);
		print_number("epoch", cli.details ? "epoch" : NULL, summary->epoch);
		print_number("flows", "flows", summary->flows);
		print_number("watermark", "watermark", summary->watermark);
		print_number("newest", "newest", summary->newest);
	}
	print_record_end();
	return 0;
}

static int summary_show(struct args *args)
{
	struct rw_error error;
	int ret = args_none(args);

	if (ret)
		return ret;
	if (!cli_socket())
		return EXIT_REFUSED;
	print_list();
	ret = rw_summary_each(cli.socket, show, NULL, &error);
	print_list_end();
	return ret ? args_refused(args, NULL, &error) : 0;
}

static const struct command commands[] = {
	{ "show", summary_show }, { NULL, NULL }
};

const struct object summary_object = { "summary", usage, commands, NULL };

// SPDX-License-Identifier: GPL-2.0
/* rewire punt: flows that wait for a verdict. */

#include <stdio.h>

#include "args.h"
#include "control.h"
#include "key.h"
#include "objects.h"
#include "print.h"
#include "view.h"

static const char usage[] =
	"Usage: rewire punt [ show ]\n"
	"       rewire punt networks\n"
	"       rewire punt metadata\n"
	"With -details, the first packet's header is printed. Networks are those that the daemon\n"
	"decides for; none, it may decide for all. Metadata are what the daemon's decisions go\n"
	"by: its own since the last summary of flows, and the last two of these.\n";

static void show_header(const struct rw_punt *punt)
{
	char text[2 * REWIRE_PUNT_HEADER_MAX + 1] = "";
	uint32_t i;

	for (i = 0; i < punt->header_len && i < REWIRE_PUNT_HEADER_MAX; i++)
		snprintf(text + 2 * i, 3, "%02x", punt->header[i]);
	print_string("header", "header", text);
}

void punt_print_members(const struct rw_punt *punt)
{
	print_number("id", "punt", punt->id);
	key_print("tuple", &punt->tuple);
	print_number("policy", "policy", punt->policy);
	print_number("rule", "rule", punt->rule);
	print_string("reason", "reason", rw_name(rw_punt_reason_names, punt->reason));
	if (punt->ifindex)
		print_device("dev", "dev", punt->ifindex);
	key_print_tunnel("tunnel", "from", &punt->tunnel);
	print_number("length", "length", punt->length);
	print_number("packets", "packets", punt->packets);
	print_duration("age", "age", punt->age);
	if (punt->score || print_style.json)
		print_number("score", "score", punt->score);
	if (cli.details) {
		print_line();
		show_header(punt);
	}
}

static int show(const struct rw_punt *punt, void *data)
{
	(void)data;
	print_record();
	punt_print_members(punt);
	print_record_end();
	return 0;
}

static int punt_show(struct args *args)
{
	struct rw_error error;
	int ret = args_none(args);

	if (ret)
		return ret;
	if (!cli_socket())
		return EXIT_REFUSED;
	print_list();
	ret = rw_punt_each(cli.socket, show, NULL, &error);
	print_list_end();
	return ret ? args_refused(args, NULL, &error) : 0;
}

static int show_network(uint32_t vni, void *data)
{
	(void)data;
	print_record();
	print_number("vni", "vni", vni);
	print_record_end();
	return 0;
}

static int punt_networks(struct args *args)
{
	struct rw_error error;
	int ret = args_none(args);

	if (ret)
		return ret;
	if (!cli_socket())
		return EXIT_REFUSED;
	print_list();
	ret = rw_network_each(cli.socket, show_network, NULL, &error);
	print_list_end();
	return ret ? args_refused(args, NULL, &error) : 0;
}

static int punt_metadata(struct args *args)
{
	int ret = args_none(args);
	json_t *pieces;

	if (ret)
		return ret;
	pieces = control_call(args, "metadata.show", json_object());
	if (!pieces)
		return EXIT_REFUSED;
	view_print("metadata", pieces);
	json_decref(pieces);
	return 0;
}

static const struct command commands[] = {
	{ "show", punt_show }, { "networks", punt_networks }, { "metadata", punt_metadata },
	{ NULL, NULL }
};

const struct object punt_object = { "punt", usage, commands, NULL };

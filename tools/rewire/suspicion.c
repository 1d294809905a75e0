// SPDX-License-Identifier: GPL-2.0
/* rewire suspicion: how unusual packets look that have no flow. */

#include "args.h"
#include "print.h"

static const char usage[] =
	"Usage: rewire suspicion [ show ]\n"
	"       rewire suspicion set { on | off } [ interval MS ]\n"
	"       rewire suspicion { pin | learn } attribute NAME value N [ weight N ]\n"
	"pin fixes the weight of a value, learn lets it be learned again. With -details, show\n"
	"prints values that were not seen, too.\n";

struct words {
	struct rw_suspicion_value value;
	uint32_t on, off, interval;
};

enum { ATTRIBUTE, VALUE, WEIGHT };

static const struct arg value_table[] = {
	[ATTRIBUTE] = { .name = "attribute", .kind = ARG_NAME,
			.names = rw_suspicion_attribute_names,
			.offset = offsetof(struct words, value.attribute),
			.path = { { REWIRE_A_SUSPICION_VALUE, REWIRE_A_ODDITY_ATTRIBUTE } } },
	[VALUE] = { .name = "value", .kind = ARG_U32, .min = 1, .max = 15,
		    .offset = offsetof(struct words, value.number),
		    .path = { { REWIRE_A_SUSPICION_VALUE, REWIRE_A_ODDITY_NUMBER } } },
	[WEIGHT] = { .name = "weight", .kind = ARG_U32,
		     .offset = offsetof(struct words, value.weight),
		     .path = { { REWIRE_A_SUSPICION_VALUE, REWIRE_A_ODDITY_WEIGHT } } },
	{ .name = NULL }
};

enum { ON, OFF, INTERVAL };

static const struct arg set_table[] = {
	[ON] = { .name = "on", .kind = ARG_WORD, .min = 1, .offset = offsetof(struct words, on),
		 .path = { { REWIRE_A_SUSPICION_ENABLED } } },
	[OFF] = { .name = "off", .kind = ARG_WORD, .min = 1, .offset = offsetof(struct words, off),
		  .path = { { REWIRE_A_SUSPICION_ENABLED } } },
	[INTERVAL] = { .name = "interval", .kind = ARG_U32, .min = 100,
		       .offset = offsetof(struct words, interval),
		       .path = { { REWIRE_A_SUSPICION_INTERVAL } } },
	{ .name = NULL }
};

static int suspicion_set(struct args *args)
{
	struct words words = { 0 };
	struct rw_error error;
	int ret = args_parse(args, set_table, &words);

	if (ret)
		return ret;
	if (words.on && words.off)
		return args_error(args, "on and off exclude each other");
	if (!words.on && !words.off && !args->value[INTERVAL])
		return args_error(args, "on, off or interval is missing");
	if (!cli_socket())
		return EXIT_REFUSED;
	return rw_suspicion_set(cli.socket, words.on || words.off ? &words.on : NULL,
				args->value[INTERVAL] ? &words.interval : NULL, &error) ?
	       args_refused(args, set_table, &error) : 0;
}

static int change(struct args *args, bool pinned)
{
	struct words words = { .value.pinned = pinned };
	struct rw_error error;
	int ret = args_parse(args, value_table, &words);

	if (ret)
		return ret;
	if (!args->value[ATTRIBUTE] || !args->value[VALUE])
		return args_error(args, "attribute or value is missing");
	if (pinned != !!args->value[WEIGHT])
		return args_error(args, pinned ? "weight is missing" : "a weight cannot be given");
	if (!cli_socket())
		return EXIT_REFUSED;
	return rw_suspicion_pin(cli.socket, &words.value, &error) ?
	       args_refused(args, value_table, &error) : 0;
}

static int suspicion_pin(struct args *args)
{
	return change(args, true);
}

static int suspicion_learn(struct args *args)
{
	return change(args, false);
}

static void show_value(const struct rw_suspicion_value *value)
{
	print_record();
	print_string("attribute", "attribute",
		     rw_name(rw_suspicion_attribute_names, value->attribute));
	print_number("value", "value", value->number);
	print_number("seen", "seen", value->seen);
	print_number("weight", "weight", value->weight);
	print_flag("pinned", "pinned", value->pinned);
	print_record_end();
}

static int suspicion_show(struct args *args)
{
	struct rw_suspicion suspicion;
	struct rw_error error;
	int ret = args_none(args);
	uint32_t i;

	if (ret)
		return ret;
	if (!cli_socket())
		return EXIT_REFUSED;
	if (rw_suspicion_get(cli.socket, cli.details, &suspicion, &error))
		return args_refused(args, NULL, &error);
	print_list();
	print_record();
	print_string("state", "state", suspicion.enabled ? "on" : "off");
	print_duration("interval", "interval", suspicion.interval);
	print_record_end();
	for (i = 0; i < suspicion.count; i++)
		show_value(&suspicion.values[i]);
	print_list_end();
	return 0;
}

static const struct command commands[] = {
	{ "show", suspicion_show }, { "set", suspicion_set }, { "pin", suspicion_pin },
	{ "learn", suspicion_learn }, { NULL, NULL }
};

const struct object suspicion_object = { "suspicion", usage, commands, NULL };

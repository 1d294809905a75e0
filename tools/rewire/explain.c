// SPDX-License-Identifier: GPL-2.0
/* rewire explain: what would become of a packet, and why. */

#include <netinet/in.h>
#include <string.h>

#include "address.h"
#include "args.h"
#include "key.h"
#include "objects.h"
#include "print.h"

static const char usage[] =
	"Usage: rewire explain { dev DEV | local | vni N } [ protocol PROTO ] src ADDR[:PORT]\n"
	"                      dst ADDR[:PORT] [ flags FLAG[,FLAG]... ] [ length BYTES ] [ ttl N ] [ df ]\n"
	"where  FLAG := { fin | syn | rst | psh | ack | urg }\n"
	"Says what the kernel would do with such a packet now. Nothing is sent, held or counted.\n"
	"Without a protocol, it is TCP; without flags, a SYN.\n";

enum { DEV, LOCAL, VNI, PROTOCOL, SRC, DST, FLAGS, LENGTH, TTL, DF };

struct values {
	uint32_t ifindex, local, vni, length, ttl, df;
	uint8_t protocol;
	struct arg_endpoint src, dst;
	const char *flags;
};

#define AT(member)	.offset = offsetof(struct values, member)
#define TO(attribute)	.path = { { REWIRE_A_EXPLANATION_##attribute } }

static const struct arg table[] = {
	[DEV]      = { .name = "dev", .kind = ARG_DEVICE, AT(ifindex), TO(IFINDEX) },
	[LOCAL]    = { .name = "local", .kind = ARG_WORD, .min = 1, AT(local), TO(LOCAL) },
	[VNI]      = { .name = "vni", .kind = ARG_U32, .max = REWIRE_VNI_MAX, AT(vni), TO(VNI) },
	[PROTOCOL] = { .name = "protocol", .kind = ARG_PROTOCOL, AT(protocol), TO(PROTOCOL) },
	[SRC]      = { .name = "src", .kind = ARG_ENDPOINT, AT(src),
		       .path = { { REWIRE_A_EXPLANATION_SRC }, { REWIRE_A_EXPLANATION_SPORT } } },
	[DST]      = { .name = "dst", .kind = ARG_ENDPOINT, AT(dst),
		       .path = { { REWIRE_A_EXPLANATION_DST }, { REWIRE_A_EXPLANATION_DPORT } } },
	[FLAGS]    = { .name = "flags", .kind = ARG_TEXT, AT(flags), TO(TCP_FLAGS) },
	[LENGTH]   = { .name = "length", .kind = ARG_U32, .min = 1, .max = 65535, AT(length),
		       TO(LENGTH) },
	[TTL]      = { .name = "ttl", .kind = ARG_U32, .max = 255, AT(ttl), TO(HOP_LIMIT) },
	[DF]       = { .name = "df", .kind = ARG_WORD, .min = 1, AT(df), TO(DF) },
	{ .name = NULL }
};

/* By bit of byte 13 of the header. */
static const char *const flags[] = { "fin", "syn", "rst", "psh", "ack", "urg" };

static int parse_flags(const struct args *args, const char *text, uint8_t *value)
{
	size_t length;
	unsigned int i;

	for (;; text += length + 1) {
		length = strcspn(text, ",");
		for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			if (strlen(flags[i]) == length && !strncmp(flags[i], text, length))
				break;
		if (i == sizeof(flags) / sizeof(flags[0]))
			return args_error(args, "flags: \"%.*s\" is not one of fin, syn, rst, psh, ack, urg",
					  (int)length, text);
		*value |= 1 << i;
		if (!text[length])
			return 0;
	}
}

static int check(const struct args *args)
{
	if (!!args->value[DEV] + !!args->value[LOCAL] > 1)
		return args_error(args, "dev and local exclude each other");
	if (!args->value[DEV] && !args->value[LOCAL] && !args->value[VNI])
		return args_error(args, "dev, local or vni is missing");
	if (!args->value[SRC] || !args->value[DST])
		return args_error(args, "%s is missing", args->value[SRC] ? "dst" : "src");
	return 0;
}

static uint16_t port_of(const struct arg_endpoint *endpoint)
{
	return endpoint->port < 0 ? 0 : endpoint->port;
}

/* Given: of what counts even when it is 0. */
static int parse(struct args *args, struct rw_question *question, uint32_t *given)
{
	struct values values = { .protocol = IPPROTO_TCP };
	int ret = args_parse(args, table, &values);

	if (!ret)
		ret = check(args);
	if (ret)
		return ret;
	*question = (struct rw_question){
		.ifindex = values.ifindex, .vni = values.vni, .local = values.local,
		.packet = {
			.protocol = values.protocol,
			.src = values.src.addr, .sport = port_of(&values.src),
			.dst = values.dst.addr, .dport = port_of(&values.dst),
		},
		.hop_limit = values.ttl, .length = values.length, .dont_fragment = values.df,
	};
	*given = (args->value[VNI] ? 1 << REWIRE_A_EXPLANATION_VNI : 0) |
		 (args->value[TTL] ? 1 << REWIRE_A_EXPLANATION_HOP_LIMIT : 0);
	if (!args->value[FLAGS])
		return 0;
	if (values.protocol != IPPROTO_TCP)
		return args_error(args, "flags are of TCP alone");
	return parse_flags(args, values.flags, &question->tcp_flags);
}

static void print_place(const struct rw_explanation *explanation)
{
	bool good = explanation->fate == REWIRE_FATE_TRANSLATE ||
		    explanation->fate == REWIRE_FATE_FORWARD;

	print_coloured(explanation->fate == REWIRE_FATE_DROP ? PRINT_BAD :
		       good ? PRINT_GOOD : PRINT_PLAIN,
		       "fate", "", rw_name(rw_fate_names, explanation->fate));
	if (explanation->fate == REWIRE_FATE_DROP) {
		const char *reason = rw_name(rw_reason_names, explanation->reason);

		print_string("reason", "", reason);
		if (cli.details && explanation->reason < RW_REASONS)
			print_string("meaning", "-", rw_reason_names[explanation->reason].text);
	}
	print_flag("unattached", "unattached", explanation->unattached);
	print_flag("foreign", "foreign", explanation->foreign);
	if (explanation->unattached)
		return;
	if (explanation->local)
		print_flag("local", "local", true);
	else
		print_device("dev", "dev", explanation->ifindex);
	print_number("vni", "vni", explanation->vni);
}

static void print_flow(const struct rw_explanation *explanation)
{
	print_line();
	print_object("flow", NULL);
	flow_print_members(&explanation->flow);
	print_object_end();
	print_line();
	print_string("direction", "direction",
		     rw_name(rw_flow_direction_names, explanation->direction));
	if (explanation->has_target)
		print_string("target-state", "target-state",
			     rw_name(rw_target_state_names, explanation->target_state));
	if (explanation->is_over)
		print_string("ends", "ends", rw_name(rw_reason_names, explanation->ends));
}

static void print_rule(const struct rw_explanation *explanation)
{
	print_line();
	print_number("rule", "rule", explanation->rule);
	print_string("rule-action", "", rw_name(rw_rule_action_names, explanation->rule_action));
	print_number("policy", explanation->policy ? "policy" : NULL, explanation->policy);
}

static void print_way(const struct rw_explanation *explanation)
{
	char text[RW_ADDR_TEXT];

	print_line();
	if (explanation->becomes.protocol) {
		print_word("as");
		key_print("becomes", &explanation->becomes);
	}
	print_flag("to-host", "to-host", explanation->to_host);
	if (!explanation->out_ifindex)
		return;
	print_device("outdev", "outdev", explanation->out_ifindex);
	if (explanation->gateway.family)
		print_coloured(PRINT_ADDR, "via", "via", rw_addr_print(text, &explanation->gateway));
	key_print_tunnel("tunnel", "to", &explanation->tunnel);
	print_number("mtu", "mtu", explanation->mtu);
	print_flag("fragmented", "fragmented", explanation->fragmented);
}

static int run(struct args *args)
{
	struct rw_explanation explanation;
	struct rw_question question;
	struct rw_error error;
	uint32_t given;
	int ret = parse(args, &question, &given);

	if (ret)
		return ret;
	if (!cli_socket())
		return EXIT_REFUSED;
	if (rw_packet_explain(cli.socket, &question, given, &explanation, &error))
		return args_refused(args, table, &error);
	print_record();
	print_place(&explanation);
	if (explanation.flow.id)
		print_flow(&explanation);
	if (explanation.rule)
		print_rule(&explanation);
	if (explanation.punt_id)
		print_number("punt", "punt", explanation.punt_id);
	if (explanation.becomes.protocol || explanation.out_ifindex)
		print_way(&explanation);
	print_record_end();
	return 0;
}

const struct object explain_object = { "explain", usage, NULL, run };

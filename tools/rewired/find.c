// SPDX-License-Identifier: GPL-2.0
/* From a public port to the client that has it. */

#include <netinet/in.h>

#include "address.h"
#include "client.h"
#include "find.h"
#include "fixed.h"

struct question {
	struct rw_addr address;
	uint32_t vni, port;
	uint8_t protocol;		/* 0, any */
};

static int read_question(const struct place *params, struct question *question)
{
	static const char *const keys[] = { "address", "port", "vni", "protocol", NULL };
	const char *text = NULL, *wrong;

	if (json_only_keys(params, keys) || json_need_string(params, "address", &text))
		return -1;
	wrong = rw_addr_parse(text, &question->address);
	if (wrong)
		return refuse(params->error, "%s: address \"%.60s\" %s", params->text, text, wrong);
	text = NULL;
	if (json_need_number(params, "port", 1, 65535, &question->port) ||
	    json_get_number(params, "vni", 0, REWIRE_VNI_MAX, &question->vni) < 0 ||
	    json_get_string(params, "protocol", &text) < 0)
		return -1;
	wrong = text ? rw_protocol_parse(text, &question->protocol) : NULL;
	if (wrong)
		return refuse(params->error, "%s: protocol \"%.60s\" %s", params->text, text, wrong);
	return 0;
}

static json_t *answer(const struct pool *pool, uint32_t vni, const struct rw_addr *client)
{
	char text[RW_ADDR_TEXT];

	return json_pack("{s:s, s:i, s:s}", "pool", pool->name, "vni", vni, "client",
			 rw_addr_print(text, client));
}

static json_t *find_fixed(const struct span *span, uint16_t port)
{
	const struct pool *pool = span->pool;
	int family = family_index(ports_address(span->ports));
	struct rw_addr client;
	unsigned int i;

	/* Who divides a pool does so in one family */
	if (family != family_index(&pool->fixed.clients.address))
		return NULL;
	for (i = 0; pool->addresses[family][i] != span->ports; i++)
		;
	return fixed_client(pool, i, port, &client) ? answer(pool, pool->fixed.vni, &client) : NULL;
}

static json_t *find_binding(struct bindings *bindings, const struct span *span,
			    const struct question *question)
{
	static const uint8_t protocols[] = {
		IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP, IPPROTO_DCCP,
		IPPROTO_ICMP, IPPROTO_ICMPV6,
	};
	const struct binding *binding = NULL;
	json_t *found;
	size_t i;

	for (i = 0; !binding && i < sizeof(protocols); i++)
		if (!question->protocol || question->protocol == protocols[i])
			binding = bindings_find(bindings, span->ports, protocols[i], question->port);
	if (!binding)
		return NULL;
	found = answer(span->pool, binding->inside.vni, &binding->inside.address);
	json_object_set_new(found, "port", json_integer(binding->inside.port));
	return found;
}

static json_t *find_block(struct bindings *bindings, const struct span *span, uint16_t port)
{
	const struct client_key *key = client_of_block(bindings, span->ports, port);

	return key ? answer(span->pool, key->vni, &key->address) : NULL;
}

json_t *find_client(struct bindings *bindings, const struct snapshot *snapshot,
		    const struct place *params)
{
	struct question question = { 0 };
	const struct span *span;
	char text[RW_ADDR_TEXT];
	json_t *found;

	if (read_question(params, &question))
		return NULL;
	span = snapshot_span(snapshot, question.vni, &question.address, question.port);
	rw_addr_print(text, &question.address);
	if (!span) {
		refuse(params->error, "no pool has port %u of %s in VNI %u", question.port, text,
		       question.vni);
		return NULL;
	}
	if (span->pool->fixed.given)
		found = find_fixed(span, question.port);
	else if (span->pool->block)
		found = find_block(bindings, span, question.port);
	else
		found = find_binding(bindings, span, &question);
	if (!found)
		refuse(params->error, "nobody has port %u of %s in VNI %u", question.port, text,
		       question.vni);
	return found;
}

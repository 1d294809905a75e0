// SPDX-License-Identifier: GPL-2.0
/* From the configuration's JSON to the objects of a snapshot. */

#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "blame.h"
#include "check.h"
#include "config.h"
#include "destination.h"
#include "json.h"
#include "json_line.h"
#include "pool.h"
#include "priority.h"
#include "replicate.h"

const char *const config_rejects[] = { "drop", "prohibited", "reset", NULL };
static const char *const hold_modes[] = { "hold", "drop", NULL };
static const char *const orphan_modes[] = { "drop", "pass", "hold", NULL };

int config_enter(struct place *place, const char *kind, const json_t *object,
		 const struct place *list, const char *key, size_t index, char **name)
{
	const char *text = NULL, *c;

	place->object = object;
	place->error = list->error;
	snprintf(place->path, sizeof(place->path), "%.24s%s%.8s[%zu]", list->path,
		 list->path[0] ? "." : "", key, index);
	strcpy(place->error->where, place->path);
	snprintf(place->text, sizeof(place->text), "%.60s: %s[%zu]", list->text, key, index);
	if (!json_is_object(object))
		return refuse(place->error, "%s is not an object", place->text);
	if (json_need_string(place, "name", &text))
		return -1;
	for (c = text; isalnum((unsigned char)*c) || (*c && strchr("._-", *c)); c++)
		;
	if (c == text || *c || c - text > 63)
		return refuse(place->error, "%s: name is not 1 to 63 letters, digits, '.', '_' and '-'",
			      place->text);
	snprintf(place->text, sizeof(place->text), "%s \"%s\"", kind, text);
	*name = strdup(text);
	return *name ? 0 : refuse_errno(place->error, place->text);
}

/* What the kernel makes no flow of: AH, and headers on the way to a protocol. */
static bool is_header(uint32_t protocol)
{
	return protocol == IPPROTO_AH || protocol == IPPROTO_ROUTING ||
	       protocol == IPPROTO_FRAGMENT || protocol == IPPROTO_NONE ||
	       protocol == IPPROTO_DSTOPTS;
}

static int read_protocol(const struct place *place, struct service *service)
{
	static const char *const names[] = {
		"tcp", "udp", "icmp", "udplite", "sctp", "dccp", "gre", "esp", "ipip", "ipv6", NULL
	};
	static const uint8_t numbers[][FAMILIES] = {
		{ IPPROTO_TCP, IPPROTO_TCP }, { IPPROTO_UDP, IPPROTO_UDP },
		{ IPPROTO_ICMP, IPPROTO_ICMPV6 }, { IPPROTO_UDPLITE, IPPROTO_UDPLITE },
		{ IPPROTO_SCTP, IPPROTO_SCTP }, { IPPROTO_DCCP, IPPROTO_DCCP },
		{ IPPROTO_GRE, IPPROTO_GRE }, { IPPROTO_ESP, IPPROTO_ESP },
		{ IPPROTO_IPIP, IPPROTO_IPIP }, { IPPROTO_IPV6, IPPROTO_IPV6 },
	};
	const json_t *value = json_object_get(place->object, "protocol");
	uint32_t number;

	service->families[IPV4] = service->families[IPV6] = true;
	if (!value)
		return 0;
	if (json_is_string(value)) {
		if (json_get_choice(place, "protocol", names, &number) < 0)
			return -1;
		memcpy(service->protocols, numbers[number], sizeof(service->protocols));
		return 0;
	}
	if (json_get_number(place, "protocol", 1, 255, &number) < 0)
		return -1;
	if (is_header(number))
		return refuse(place->error, "%s: protocol %u cannot be translated", place->text,
			      number);
	service->families[IPV4] = number != IPPROTO_ICMPV6;
	service->families[IPV6] = number != IPPROTO_ICMP;
	service->protocols[IPV4] = service->protocols[IPV6] = number;
	return 0;
}

static int read_match(const struct place *place, struct service *service)
{
	int ret, family;

	if (json_need_number(place, "vni", 0, REWIRE_VNI_MAX, &service->vni) ||
	    read_protocol(place, service) ||
	    prefixes_get(place, "src", &service->src) < 0 ||
	    prefixes_get(place, "dst", &service->dst) < 0)
		return -1;
	ret = json_get_ports(place, "dport", &service->dport_min, &service->dport_max);
	if (ret < 0)
		return -1;
	if (ret && !rw_protocol_has_ports(service->protocols[IPV4]))
		return refuse(place->error, "%s: dport needs a protocol that has ports", place->text);
	for (family = 0; family < FAMILIES; family++)
		if (!prefixes_have_family(&service->src, family) || !prefixes_have_family(&service->dst, family))
			service->families[family] = false;
	if (!service->families[IPV4] && !service->families[IPV6])
		return refuse(place->error, "%s: no packet matches, its protocol, src and dst are of different address families",
			      place->text);
	return 0;
}

int config_get_end(const struct place *place, const char *key, struct place *end)
{
	const json_t *value = json_object_get(place->object, key);

	if (json_is_string(value) && !strcmp(json_string_value(value), "keep"))
		return 0;
	return json_get_object(place, key, end);
}

static int by_pool_name(const void *a, const void *b)
{
	return strcmp((*(struct pool *const *)a)->name, (*(struct pool *const *)b)->name);
}

static struct pool *find_pool(const struct snapshot *snapshot, const char *name)
{
	const struct pool key = { .name = (char *)name }, *wanted = &key;
	struct pool **found = bsearch(&wanted, snapshot->pool_names, snapshot->pool_count,
				      sizeof(struct pool *), by_pool_name);

	return found ? *found : NULL;
}

static int read_source(const struct place *place, const struct snapshot *snapshot,
		       struct service *service)
{
	static const char *const keys[] = { "pool", NULL };
	const char *name = NULL;
	struct place source;
	int ret = config_get_end(place, "source", &source);

	if (ret <= 0)
		return ret;
	if (json_object_get(source.object, "vni"))
		return mapping_read(&source, false, &service->source);
	if (json_only_keys(&source, keys) || json_need_string(&source, "pool", &name))
		return -1;
	service->pool = find_pool(snapshot, name);
	if (!service->pool)
		return refuse(place->error, "%s: there is no pool \"%.60s\"", source.text, name);
	return 0;
}

static int read_service(const struct place *list, const json_t *object, size_t index,
			const struct snapshot *snapshot, struct service *service)
{
	static const char *const keys[] = {
		"name", "id", "vni", "protocol", "src", "dst", "dport", "orphan", "hold",
		"source", "destination", "backends", "copies", "one_way", "priority", "delegate", NULL
	};
	struct place place;

	service->orphan = REWIRE_ORPHAN_MODE_DROP;
	service->hold = REWIRE_HOLD_MODE_HOLD;
	if (config_enter(&place, "service", object, list, "services", index, &service->name) ||
	    json_only_keys(&place, keys) ||
	    json_need_number(&place, "id", 1, CONFIG_SERVICE_ID_MAX, &service->id) ||
	    read_match(&place, service) ||
	    json_get_choice(&place, "orphan", orphan_modes, &service->orphan) < 0 ||
	    json_get_choice(&place, "hold", hold_modes, &service->hold) < 0 ||
	    json_get_number(&place, "priority", 0, 255, &service->priority) < 0 ||
	    json_get_bool(&place, "one_way", &service->one_way) < 0 ||
	    json_get_bool(&place, "delegate", &service->delegate) < 0 ||
	    read_source(&place, snapshot, service) ||
	    replicate_read(&place, service))
		return -1;
	return destination_read(&place, service);
}

static int read_pools(const struct place *root, struct snapshot *snapshot)
{
	unsigned int addresses = 0;
	const json_t *list = NULL;
	struct pool *pool;
	size_t i;

	if (json_get_array(root, "pools", &list) < 0)
		return -1;
	snapshot->pools = allocate(json_array_size(list), sizeof(*snapshot->pools));
	for (i = 0; i < json_array_size(list); i++) {
		snapshot->pool_count = i + 1;
		pool = &snapshot->pools[i];
		if (pool_read(root, json_array_get(list, i), i, pool))
			return -1;
		addresses += pool->address_count[IPV4] + pool->address_count[IPV6];
		if (addresses > CONFIG_ADDRESSES_MAX) {
			blame_pool(snapshot, pool, root->error);
			return refuse(root->error, "pool \"%s\": with it all pools have more than %u addresses",
				      pool->name, CONFIG_ADDRESSES_MAX);
		}
	}
	snapshot->pool_names = allocate(snapshot->pool_count, sizeof(struct pool *));
	for (i = 0; i < snapshot->pool_count; i++)
		snapshot->pool_names[i] = &snapshot->pools[i];
	qsort(snapshot->pool_names, snapshot->pool_count, sizeof(struct pool *), by_pool_name);
	return 0;
}

static int read_services(const struct place *root, struct snapshot *snapshot)
{
	const json_t *list = NULL;
	size_t i;

	if (json_get_array(root, "services", &list) < 0)
		return -1;
	snapshot->services = allocate(json_array_size(list), sizeof(*snapshot->services));
	for (i = 0; i < json_array_size(list); i++) {
		snapshot->service_count = i + 1;
		snapshot->services[i].place = i;
		if (read_service(root, json_array_get(list, i), i, snapshot,
				 &snapshot->services[i]))
			return -1;
	}
	return 0;
}

static int read_root(const json_t *json, struct snapshot *snapshot, struct error *error)
{
	static const char *const keys[] = { "networks", "pools", "services", NULL };
	struct place root = { .object = json, .text = "configuration", .error = error };

	if (!json_is_object(json))
		return refuse(error, "configuration is not an object");
	if (json_only_keys(&root, keys) || networks_read(&root, snapshot) ||
	    read_pools(&root, snapshot) || read_services(&root, snapshot))
		return -1;
	priority_order(snapshot);
	return 0;
}

/* A text of several lines was written by somebody, who wants to know which one is wrong. */
static void name_line(const char *text, struct error *error)
{
	unsigned int line = error->where[0] && strchr(text, '\n') ?
			    rw_json_line(text, error->where) : 0;
	char sentence[sizeof(error->text)];

	if (!line)
		return;
	strcpy(sentence, error->text);
	snprintf(error->text, sizeof(error->text), "line %u: %.480s", line, sentence);
}

struct snapshot *config_parse(const char *text, const struct snapshot *old, struct error *error)
{
	struct snapshot *snapshot;
	json_t *json = json_parse(text, error);

	error->where[0] = 0;
	if (!json)
		return NULL;
	snapshot = allocate(1, sizeof(*snapshot));
	snapshot->text = json_dumps(json, JSON_INDENT(2));
	if (!snapshot->text)
		refuse_errno(error, "configuration");
	if (!snapshot->text || read_root(json, snapshot, error) ||
	    check_snapshot(snapshot, error) || networks_list(snapshot, error)) {
		name_line(text, error);
		snapshot_free(snapshot);
		json_decref(json);
		return NULL;
	}
	json_decref(json);
	error->where[0] = 0;		/* of what was looked at last, and found right */
	snapshot_finish(snapshot, old);
	return snapshot;
}

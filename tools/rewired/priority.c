// SPDX-License-Identifier: GPL-2.0
/* Services that have the same match. */

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "priority.h"
#include "snapshot.h"

static int compare(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

/* As they are written: lists in another order are refused as overlapping. */
static int compare_prefixes(const struct prefixes *a, const struct prefixes *b)
{
	unsigned int i;
	int order = compare(a->count, b->count);

	for (i = 0; !order && i < a->count; i++) {
		order = memcmp(&a->list[i].address, &b->list[i].address, sizeof(struct rw_addr));
		if (!order)
			order = compare(a->list[i].length, b->list[i].length);
	}
	return order;
}

static int compare_match(const struct service *a, const struct service *b)
{
	int order = compare(a->vni, b->vni);

	if (!order)
		order = memcmp(a->protocols, b->protocols, sizeof(a->protocols));
	if (!order)
		order = memcmp(a->families, b->families, sizeof(a->families));
	if (!order)
		order = compare(a->dport_min, b->dport_min);
	if (!order)
		order = compare(a->dport_max, b->dport_max);
	if (!order)
		order = compare_prefixes(&a->dst, &b->dst);
	return order ? order : compare_prefixes(&a->src, &b->src);
}

static int by_priority(const void *a, const void *b)
{
	const struct service *x = *(struct service *const *)a, *y = *(struct service *const *)b;
	int order = compare_match(x, y);

	if (!order)
		order = compare(y->priority, x->priority);
	return order ? order : compare(x->id, y->id);
}

void priority_order(struct snapshot *snapshot)
{
	struct service **list = allocate(snapshot->service_count, sizeof(*list));
	unsigned int i;

	for (i = 0; i < snapshot->service_count; i++)
		list[i] = &snapshot->services[i];
	qsort(list, snapshot->service_count, sizeof(*list), by_priority);
	for (i = 1; i < snapshot->service_count; i++) {
		if (compare_match(list[i - 1], list[i]) || list[i - 1]->priority == list[i]->priority)
			continue;
		list[i - 1]->next = list[i]->id;
		list[i]->reserve = true;
	}
	free(list);
}

// SPDX-License-Identifier: GPL-2.0
/* What bindings, leases, blocks and clients have in common: see binding.h. */

#include "binding_table.h"

void item_init(struct item *item, int kind, struct item *parent)
{
	item->kind = kind;
	item->parent = parent;
	CDS_INIT_LIST_HEAD(&item->place);
	if (parent)
		atomic_fetch_add(&parent->references, 1);
}

bool item_join(struct item *item)
{
	uint32_t users = atomic_load(&item->users);

	while (users != ITEM_DEAD)
		if (atomic_compare_exchange_weak(&item->users, &users, users + 1))
			return true;
	return false;
}

void item_leave(struct bindings *bindings, struct item *item)
{
	if (atomic_fetch_sub(&item->users, 1) == 1)
		item_hand_over(bindings, item);
}

bool item_end(struct item *item)
{
	uint32_t users = 0;

	return atomic_compare_exchange_strong(&item->users, &users, ITEM_DEAD);
}

void item_hand_over(struct bindings *bindings, struct item *item)
{
	struct item *first;

	/* Who takes it off the queue looks at its state after that */
	if (atomic_exchange(&item->queued, true))
		return;
	first = atomic_load(&bindings->queue);
	do
		item->next = first;
	while (!atomic_compare_exchange_weak(&bindings->queue, &first, item));
}

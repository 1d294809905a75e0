// SPDX-License-Identifier: GPL-2.0
/* How many flows backends have. */

#include <stdlib.h>

#include "load.h"
#include "log.h"

struct load *load_new(void)
{
	struct load *load = allocate(1, sizeof(*load));

	load->references = 1;
	return load;
}

struct load *load_get(struct load *load)
{
	atomic_fetch_add(&load->references, 1);
	return load;
}

void load_put(struct load *load)
{
	if (load && atomic_fetch_sub(&load->references, 1) == 1)
		free(load);
}

void load_rotate(struct load *load, const struct rotation *rotation)
{
	unsigned int place;

	/* In this order: what is decided may count twice, but never not at all */
	atomic_store(&load->flows, load->told);
	for (place = 0; place < GENERATIONS; place++)
		if (is_dropped(rotation, place))
			atomic_fetch_sub(&load->decided, atomic_exchange(&load->recent[place], 0));
	if (rotation->from != rotation->to)
		atomic_fetch_add(&load->recent[rotation->to],
				 atomic_exchange(&load->recent[rotation->from], 0));
}

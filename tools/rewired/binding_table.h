/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_BINDING_TABLE_H
#define REWIRED_BINDING_TABLE_H

#include "binding.h"

/* What binding.c and binding_look.c share. */

#define WHEEL_SLOTS	1024		/* of a second: longer rests go around */

#define LACKS		1024

struct use;

struct bindings {
	struct cds_lfht *leases, *public, *inside, *clients;
	struct siphash_key key;
	struct item *_Atomic queue;	/* from handlers to the state thread */
	_Atomic unsigned int freed;	/* ports, since the last look */
	_Atomic uint64_t ended;		/* leases */
	_Atomic uint64_t lacks[LACKS];	/* see binding.c */

	/* The state thread's */
	struct item *dead;
	struct cds_list_head doubt;	/* leases that may have no flow */
	uint64_t watermark;
	struct cds_list_head wheel[WHEEL_SLOTS];
	int64_t second;			/* the wheel was turned up to here */
	bool closing;			/* what ends now lives on in the kernel */
	uint32_t round;
};

uint64_t tuple_hash(const struct bindings *bindings, const struct rw_tuple *tuple);
/* Hash is the key's; flow is that of the flow's original key. */
struct lease *lease_find_by(const struct bindings *bindings, const struct rw_tuple *key,
			    uint64_t hash);
struct lease *lease_find(const struct bindings *bindings, const struct rw_tuple *key);
struct lease *lease_adopt(struct bindings *bindings, const struct use *use, uint64_t hash,
			  uint64_t flow);
void lease_open(struct bindings *bindings, const struct pool *pool, struct lease *lease);
void lease_unhold(struct bindings *bindings, struct lease *lease);
bool lease_kill(struct bindings *bindings, struct lease *lease, uint64_t word);
bool binding_kill(struct bindings *bindings, struct binding *binding);
void binding_leave(struct bindings *bindings, struct binding *binding);

/* item.c */
void item_init(struct item *item, int kind, struct item *parent);
/* One more user. False, it is dead. */
bool item_join(struct item *item);
/* One that nobody uses any more is the state thread's to end. */
void item_leave(struct bindings *bindings, struct item *item);
/* Make dead what nobody uses. False, somebody does. */
bool item_end(struct item *item);
void item_hand_over(struct bindings *bindings, struct item *item);

#endif

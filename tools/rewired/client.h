/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_CLIENT_H
#define REWIRED_CLIENT_H

#include <jansson.h>

#include "binding.h"
#include "use.h"

/*
 * A client of a pool: an address of a virtual network, with what it has of the pool. It
 * keeps to one public address, and may have blocks of that's ports, and limits. Bindings
 * are its children or those of its blocks, which are its children; a block that has no
 * child any more ends, and so does a client that has no flow besides. Each block's
 * beginning and end is logged, and nothing else need be to know who had a port.
 */
struct client_key {
	uint64_t pool;			/* its key */
	uint32_t vni;
	struct rw_addr address;
	uint8_t zero[3];
};

_Static_assert(sizeof(struct client_key) == 32, "a client's key has padding");

struct block {
	struct item item;
	struct client *client;		/* its parent */
	struct ports *ports;
	struct range range;
	unsigned int slot;		/* of the client */
};

struct client {
	struct item item;
	struct cds_lfht_node node;
	struct client_key key;
	char *pool;			/* its name */
	struct ports *_Atomic home;	/* the address that it keeps to; NULL before its first port */
	_Atomic uint32_t ports, flows;	/* that it has */
	struct block *_Atomic blocks[CLIENT_BLOCKS_MAX];
};

/* Count one more, of max at most (0, of any number). False, there may be no more. */
bool client_charge(_Atomic uint32_t *count, uint32_t max);
void client_uncharge(_Atomic uint32_t *count);

/*
 * A lease is to be a flow of it, and a user of it, as the caller is. False, there may be
 * no more than max.
 */
bool client_begin_flow(struct client *client, uint32_t max);
/* The lease is dead, or was not to be. */
void client_end_flow(struct bindings *bindings, struct client *client);

/* Within a section of RCU. The client of a flow from inside; the caller is a user of it then. */
struct client *client_get(struct bindings *bindings, const struct pool *pool,
			  const struct rw_tuple *flow);
/* It keeps to an address from now on, if it does not keep to another: to which it does. */
struct ports *client_settle(struct client *client, struct ports *ports);
/* A port of one of its blocks, or of one more; of an address. */
struct lease *client_take(struct bindings *bindings, const struct wish *wish,
			  struct ports *ports);
/* For a flow that is there: its client, whose user the caller is then; or NULL. */
struct client *client_adopt(struct bindings *bindings, const struct use *use);
/* The flow's port is the client's. Its block, whose user the caller is then; or NULL. */
struct block *client_adopt_port(struct client *client, const struct use *use);
/* The caller is no user of it any more. */
void client_left(struct bindings *bindings, struct client *client);

bool client_kill(struct bindings *bindings, struct client *client);
bool block_kill(struct bindings *bindings, struct block *block);
void client_free(struct client *client);
void block_free(struct block *block);

/* Within a section of RCU. All clients; and whose block a port is in, or NULL. */
json_t *clients_show(struct bindings *bindings);
const struct client_key *client_of_block(struct bindings *bindings, const struct ports *ports,
					 uint16_t port);

#endif

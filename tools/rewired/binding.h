/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_BINDING_H
#define REWIRED_BINDING_H

#include <stdatomic.h>
#include <urcu.h>
#include <urcu/list.h>
#include <urcu/rculfhash.h>

#include "ports.h"
#include "snapshot.h"

/*
 * Who uses public ports, and for what. There are two kinds of objects, besides those of
 * client.h:
 *
 * - a binding is the use of a public port, of one address and protocol. With endpoint-
 *   independent mapping it belongs to one endpoint inside, and is found by that, too;
 * - a lease is the use of a binding with one far end. Its key is that of the far end's
 *   packets. So no two flows share a public port and a far end, whatever the kind of
 *   binding; with endpoint-dependent mapping that is all that is asked for.
 *
 * Handlers take leases while they decide. Before they ask the kernel for the flow they note
 * the decision's number, and let go: as long as the watermark (metadata.h) is below it, the
 * kernel may be about to make the flow, and the lease stays.
 * The state thread learns from the kernel which of them have a flow, and ends those that
 * have none. What has ended may rest for a while before it serves somebody else, so that
 * late packets meet no stranger.
 *
 * Everything is found without a lock. The word of a lease and the users of the others
 * tell whether it lives; each changes by compare-and-exchange. Who makes one dead takes it
 * out of the tables, and gives the port of a binding back after that. The state thread
 * alone frees memory, after a grace period; others hand over to it what has changed.
 */
#define ITEM_DEAD	UINT32_MAX

enum item_kind { LEASE, BINDING, BLOCK, CLIENT };

struct item {
	uint8_t kind;			/* enum item_kind */
	_Atomic bool queued;		/* on the way to the state thread */
	/* The state thread's */
	bool buried;			/* dead, and out of all lists but that of the dead */
	bool listed;			/* in that */
	bool orphaned;			/* its reference to its parent is gone */

	_Atomic uint32_t users;		/* its children, a client's leases, and handlers; or ITEM_DEAD */
	_Atomic uint32_t references;	/* its children that are not freed yet */
	struct item *next;
	struct item *parent;		/* or NULL */

	/* The state thread's */
	struct item *next_dead;
	struct cds_list_head place;	/* in doubt, or in the wheel; or empty */
	int64_t until;			/* of the wheel, in milliseconds */
};

/* Inside, where flows begin. It has no padding, so that it hashes and compares as memory. */
struct endpoint {
	uint64_t pool;			/* its key, for services may have different pools */
	uint32_t vni;
	uint16_t port;
	uint8_t protocol;
	struct rw_addr address;
};

_Static_assert(sizeof(struct endpoint) == 32, "an endpoint has padding");

struct binding {
	struct item item;
	struct cds_lfht_node by_public, by_inside;
	struct ports *ports;
	struct client *client;		/* whose port it is: an ancestor of it, or NULL */
	struct endpoint inside;		/* that it began with */
	_Atomic uint32_t policy;	/* of the service that it serves */
	_Atomic uint32_t rest;		/* milliseconds */
	uint16_t port;
	bool independent;		/* of remote ends: it serves one endpoint, and rests itself */
	bool indexed;			/* was found by its endpoint */
	_Atomic bool served;		/* flows have had it */
};

/*
 * A lease counts as a flow of the client whose flow it is, be the port another one's. It is
 * a user of that client until it is dead. Who makes it dead takes both back, and nobody
 * looks at its client after that; so it needs no reference.
 */
#define LEASE_DEAD	UINT64_MAX
#define LEASE_HOLDERS	UINT32_MAX	/* the bits of a word that count who holds it now; */
#define LEASE_TAKEN	(1ULL << 32)	/* the others, how often it was taken */

struct lease {
	struct item item;
	struct cds_lfht_node node;
	struct rw_tuple key;
	uint32_t round;			/* the state thread's: of lists, when it was seen with a flow */
	struct binding *binding;	/* its parent */
	struct client *client;		/* or NULL */
	struct lease *_Atomic any_port;	/* that of the far end's address; or NULL */
	_Atomic uint64_t flow;		/* hash of the flow's original key */
	_Atomic uint64_t word;		/* or LEASE_DEAD */
	_Atomic uint64_t decision;	/* number of the last that took it; 0, none yet */

	/* The state thread's */
	uint64_t id;			/* of the newest flow that it knows */
	bool has_flow;
	bool remembered;		/* the flow may come back */
	bool served;			/* a flow has had it since it rested */
};

struct block;
struct bindings;

struct bindings *bindings_new(void);
void bindings_free(struct bindings *bindings);

/*
 * By handlers, within a section of RCU that spans the kernel's answer. What is asked for
 * is a lease for a flow, whose far end's packets are like far but for the public address
 * and port.
 */
struct wish {
	const struct snapshot *snapshot;
	const struct pool *pool;
	const struct rw_tuple *flow;	/* as it begins inside */
	const struct rw_tuple *far;
	uint32_t policy;
	struct client *client;		/* the caller is a user of it; or NULL */
	struct random *random;
	bool fresh;			/* the kernel has refused what was found before */
	bool *limited;			/* out: the client may have no more */
};

/* The endpoint's binding. NULL, it has none, or another flow with this far end has it. */
struct lease *bindings_reuse(struct bindings *bindings, const struct wish *wish);
/* A port of the range of one address, of the client's block or of none. NULL, there is none. */
struct lease *bindings_take(struct bindings *bindings, const struct wish *wish,
			    struct ports *ports, struct range range, struct block *block);

enum entrance {
	ENTRANCE_NONE,			/* nothing is mapped there */
	ENTRANCE_CLOSED,		/* it is, and the pool lets this packet not in */
	ENTRANCE_OPEN,
};

/* What a packet that is let in becomes. */
struct arrival {
	struct lease *lease;
	struct rw_tuple flow;		/* as it would have begun inside */
	uint32_t policy;		/* of the service that the binding is for */
};

/* A packet from outside to a public port. */
enum entrance bindings_enter(struct bindings *bindings, const struct span *span,
			     const struct rw_tuple *packet, struct arrival *arrival);

/* Any thread, within a section of RCU: who has a public port. */
const struct binding *bindings_find(const struct bindings *bindings, const struct ports *ports,
				    uint8_t protocol, uint16_t port);

/* The kernel is about to be asked for a flow with it, by this decision. */
void bindings_note(struct bindings *bindings, struct lease *lease, uint64_t decision);
/* The kernel has a flow with it, or may have. */
void bindings_settle(struct bindings *bindings, struct lease *lease);
/* It surely has none of this decision's. */
void bindings_give_back(struct bindings *bindings, struct lease *lease);

/* What follows is the state thread's; times are in milliseconds. */
void bindings_look_begin(struct bindings *bindings, int64_t now);
/* Before the first list, about how many flows it will have. */
void bindings_expect(struct bindings *bindings, uint64_t flows);
/* A flow is there; one has ended, and may come back; the memory holds or lets go of one. */
void bindings_seen(struct bindings *bindings, const struct snapshot *snapshot,
		   const struct rw_flow_spec *flow, uint64_t id);
void bindings_ended(struct bindings *bindings, const struct snapshot *snapshot,
		    const struct rw_flow_spec *flow, uint64_t id, bool kept);
void bindings_remember(struct bindings *bindings, const struct snapshot *snapshot,
		       const struct rw_flow_spec *flow, bool held);
/* Around a list of all flows. */
void bindings_list_begin(struct bindings *bindings);
void bindings_list_end(struct bindings *bindings);
/* The kernel has lost all flows, and their numbers begin anew. */
void bindings_lost(struct bindings *bindings);
/* What a look tells has all that decisions up to this one have made. */
void bindings_set_watermark(struct bindings *bindings, uint64_t watermark);
/* The end of a complete look. Returns how many ports have become free since the last one. */
unsigned int bindings_look_end(struct bindings *bindings, int64_t now);

#endif

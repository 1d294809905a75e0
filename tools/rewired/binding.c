// SPDX-License-Identifier: GPL-2.0
/* Bindings and leases, as handlers take them and let them go. */

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "binding_table.h"
#include "client.h"
#include "use.h"

#define TABLE_MIN	65536		/* tables grow behind those who fill them */

struct bindings *bindings_new(void)
{
	struct bindings *bindings = allocate(1, sizeof(*bindings));
	const int flags = CDS_LFHT_AUTO_RESIZE | CDS_LFHT_ACCOUNTING;
	struct random random;
	unsigned int i;

	bindings->leases = cds_lfht_new(TABLE_MIN, TABLE_MIN, 0, flags, NULL);
	bindings->public = cds_lfht_new(TABLE_MIN, TABLE_MIN, 0, flags, NULL);
	bindings->inside = cds_lfht_new(TABLE_MIN, TABLE_MIN, 0, flags, NULL);
	bindings->clients = cds_lfht_new(1024, 1024, 0, flags, NULL);
	if (!bindings->leases || !bindings->public || !bindings->inside || !bindings->clients) {
		log_line("out of memory");
		abort();
	}
	random_seed(&random);
	bindings->key = random.key;
	CDS_INIT_LIST_HEAD(&bindings->doubt);
	for (i = 0; i < WHEEL_SLOTS; i++)
		CDS_INIT_LIST_HEAD(&bindings->wheel[i]);
	return bindings;
}

/* Most flows have one of each. */
void bindings_expect(struct bindings *bindings, uint64_t flows)
{
	unsigned long size = TABLE_MIN;

	while (size < flows)
		size *= 2;
	cds_lfht_resize(bindings->leases, size);
	cds_lfht_resize(bindings->public, size);
	cds_lfht_resize(bindings->inside, size);
}

/* What a binding is found by from outside. */
struct public {
	const struct ports *ports;
	uint32_t port, protocol;
};

static unsigned long hash_public(const struct bindings *bindings, const struct public *public)
{
	return siphash(&bindings->key, public, sizeof(*public));
}

static int public_matches(struct cds_lfht_node *node, const void *key)
{
	const struct binding *binding = caa_container_of(node, struct binding, by_public);
	const struct public *public = key;

	return binding->ports == public->ports && binding->port == public->port &&
	       binding->inside.protocol == public->protocol;
}

static int inside_matches(struct cds_lfht_node *node, const void *key)
{
	const struct binding *binding = caa_container_of(node, struct binding, by_inside);

	return !memcmp(&binding->inside, key, sizeof(binding->inside));
}

static int lease_matches(struct cds_lfht_node *node, const void *key)
{
	const struct lease *lease = caa_container_of(node, struct lease, node);

	return !memcmp(&lease->key, key, sizeof(lease->key));
}

static struct binding *find_public(const struct bindings *bindings, const struct ports *ports,
				   uint8_t protocol, uint16_t port)
{
	const struct public public = { ports, port, protocol };
	struct cds_lfht_iter iter;
	struct cds_lfht_node *node;

	cds_lfht_lookup(bindings->public, hash_public(bindings, &public), public_matches, &public,
			&iter);
	node = cds_lfht_iter_get_node(&iter);
	return node ? caa_container_of(node, struct binding, by_public) : NULL;
}

const struct binding *bindings_find(const struct bindings *bindings, const struct ports *ports,
				    uint8_t protocol, uint16_t port)
{
	return find_public(bindings, ports, protocol, port);
}

static struct binding *find_inside(const struct bindings *bindings, const struct endpoint *inside)
{
	struct cds_lfht_iter iter;
	struct cds_lfht_node *node;

	cds_lfht_lookup(bindings->inside, siphash(&bindings->key, inside, sizeof(*inside)),
			inside_matches, inside, &iter);
	node = cds_lfht_iter_get_node(&iter);
	return node ? caa_container_of(node, struct binding, by_inside) : NULL;
}

uint64_t tuple_hash(const struct bindings *bindings, const struct rw_tuple *tuple)
{
	return siphash(&bindings->key, tuple, sizeof(*tuple));
}

struct lease *lease_find_by(const struct bindings *bindings, const struct rw_tuple *key,
			    uint64_t hash)
{
	struct cds_lfht_iter iter;
	struct cds_lfht_node *node;
	struct lease *lease;

	cds_lfht_lookup(bindings->leases, hash, lease_matches, key, &iter);
	node = cds_lfht_iter_get_node(&iter);
	lease = node ? caa_container_of(node, struct lease, node) : NULL;
	return lease && atomic_load(&lease->word) != LEASE_DEAD ? lease : NULL;
}

struct lease *lease_find(const struct bindings *bindings, const struct rw_tuple *key)
{
	return lease_find_by(bindings, key, tuple_hash(bindings, key));
}

/* When nobody uses it: out of the tables first, then the port is anybody's. */
bool binding_kill(struct bindings *bindings, struct binding *binding)
{
	if (!item_end(&binding->item))
		return false;
	cds_lfht_del(bindings->public, &binding->by_public);
	if (binding->indexed)
		cds_lfht_del(bindings->inside, &binding->by_inside);
	ports_release(binding->ports, binding->inside.protocol, binding->port);
	atomic_fetch_add(&bindings->freed, 1);
	if (binding->client)
		client_uncharge(&binding->client->ports);
	if (binding->item.parent)
		item_leave(bindings, binding->item.parent);
	return true;
}

/* What no flow has had need not rest. */
void binding_leave(struct bindings *bindings, struct binding *binding)
{
	if (atomic_fetch_sub(&binding->item.users, 1) > 1)
		return;
	if (!atomic_load(&binding->served))
		binding_kill(bindings, binding);
	item_hand_over(bindings, &binding->item);
}

/*
 * Of a port that is the caller's, with one user to be. The client is charged for it, and
 * the caller is a user of the block or client that it is made a child of.
 */
static struct binding *binding_make(struct bindings *bindings, const struct pool *pool,
				    const struct endpoint *inside, struct ports *ports,
				    uint16_t port, struct client *client, struct block *block)
{
	struct item *parent = block ? &block->item : client ? &client->item : NULL;
	const struct public public = { ports, port, inside->protocol };
	struct binding *binding = allocate(1, sizeof(*binding));

	item_init(&binding->item, BINDING, parent);
	if (parent)
		atomic_fetch_add(&parent->users, 1);
	binding->client = client;
	binding->ports = ports_get(ports);
	binding->port = port;
	binding->independent = pool->mapping == MAPPING_INDEPENDENT;
	binding->inside = *inside;
	binding->item.users = 1;
	binding->rest = pool->rest[inside->protocol == IPPROTO_TCP ? REST_TCP : REST_OTHER];
	cds_lfht_node_init(&binding->by_public);
	cds_lfht_node_init(&binding->by_inside);
	cds_lfht_add(bindings->public, hash_public(bindings, &public), &binding->by_public);
	return binding;
}

/* Let the endpoint find it. False, the endpoint has another one. */
static bool binding_index(struct bindings *bindings, struct binding *binding)
{
	unsigned long hash = siphash(&bindings->key, &binding->inside, sizeof(binding->inside));
	struct cds_lfht_node *node;
	struct binding *other;

	binding->indexed = true;
	for (;;) {
		node = cds_lfht_add_unique(bindings->inside, hash, inside_matches,
					   &binding->inside, &binding->by_inside);
		if (node == &binding->by_inside)
			return true;
		other = caa_container_of(node, struct binding, by_inside);
		if (atomic_load(&other->item.users) != ITEM_DEAD)
			break;
		cds_lfht_del(bindings->inside, node);
	}
	binding->indexed = false;
	return false;
}

static bool lease_join(struct lease *lease)
{
	uint64_t word = atomic_load(&lease->word);

	while (word != LEASE_DEAD)
		if (atomic_compare_exchange_weak(&lease->word, &word, word + LEASE_TAKEN + 1))
			return true;
	return false;
}

/*
 * A lease of a binding that the caller has joined for it. The flow may have one already:
 * then that is taken once more. NULL, another flow has it, and the caller is left. The
 * client has begun a flow with it, or is NULL; that is taken back if no lease is made.
 */
static struct lease *lease_get(struct bindings *bindings, struct binding *binding,
			       const struct rw_tuple *key, uint64_t hash, uint64_t flow,
			       struct client *client)
{
	struct lease *lease = allocate(1, sizeof(*lease)), *other;
	struct cds_lfht_node *node;

	item_init(&lease->item, LEASE, &binding->item);
	lease->key = *key;
	lease->binding = binding;
	lease->flow = flow;
	lease->word = LEASE_TAKEN + 1;
	lease->client = client;
	cds_lfht_node_init(&lease->node);
	for (;;) {
		node = cds_lfht_add_unique(bindings->leases, hash, lease_matches, key, &lease->node);
		if (node == &lease->node)
			return lease;
		other = caa_container_of(node, struct lease, node);
		if (atomic_load(&other->word) == LEASE_DEAD) {
			cds_lfht_del(bindings->leases, node);
		} else if (atomic_load(&other->flow) != flow) {
			other = NULL;
			break;
		} else if (lease_join(other)) {
			binding_leave(bindings, binding);	/* which it counts for already */
			break;
		}
	}
	atomic_fetch_sub(&binding->item.references, 1);
	free(lease);
	if (client)
		client_end_flow(bindings, client);
	return other;
}

/* With address-dependent filtering, a lease of the far end's address is what opens the door. */
void lease_open(struct bindings *bindings, const struct pool *pool, struct lease *lease)
{
	struct lease *door, *none = NULL;
	struct rw_tuple key = lease->key;

	if (pool->filtering != FILTERING_ADDRESS || !key.sport || atomic_load(&lease->any_port))
		return;
	key.sport = 0;
	if (!item_join(&lease->binding->item))
		return;
	door = lease_get(bindings, lease->binding, &key, tuple_hash(bindings, &key), 0, NULL);
	if (!door)
		binding_leave(bindings, lease->binding);
	else if (!atomic_compare_exchange_strong(&lease->any_port, &none, door))
		lease_unhold(bindings, door);
}

void lease_unhold(struct bindings *bindings, struct lease *lease)
{
	/* In this order, or who takes it off the queue may still see the holder, and it is forgotten */
	atomic_fetch_sub(&lease->word, 1);
	item_hand_over(bindings, &lease->item);
}

/* One that was in this state. False, it is not any more. */
bool lease_kill(struct bindings *bindings, struct lease *lease, uint64_t word)
{
	if (!atomic_compare_exchange_strong(&lease->word, &word, LEASE_DEAD))
		return false;
	cds_lfht_del(bindings->leases, &lease->node);
	atomic_fetch_add(&bindings->ended, 1);
	if (lease->any_port)
		lease_unhold(bindings, lease->any_port);
	if (lease->client)
		client_end_flow(bindings, lease->client);
	binding_leave(bindings, lease->binding);
	item_hand_over(bindings, &lease->item);
	return true;
}

void bindings_note(struct bindings *bindings, struct lease *lease, uint64_t decision)
{
	uint64_t last = atomic_load(&lease->decision);

	while (decision > last &&
	       !atomic_compare_exchange_weak(&lease->decision, &last, decision))
		;
	lease_unhold(bindings, lease);
}

void bindings_settle(struct bindings *bindings, struct lease *lease)
{
	lease_unhold(bindings, lease);
}

/* When others have taken it as well, it is for the state thread to find out what it is for. */
void bindings_give_back(struct bindings *bindings, struct lease *lease)
{
	if (!lease_kill(bindings, lease, LEASE_TAKEN + 1))
		lease_unhold(bindings, lease);
}

static void set_key(struct rw_tuple *key, const struct rw_tuple *far, const struct ports *ports,
		    uint16_t port)
{
	*key = *far;
	key->vni = ports_vni(ports);
	key->dst = *ports_address(ports);
	key->dport = port;
}

/* A lease of a binding for what is wished; it is left when there is none. */
static struct lease *lease_for(struct bindings *bindings, const struct wish *wish,
			       struct binding *binding)
{
	/* Who reuses its own port has not been looked up */
	struct client *client = binding->independent ? binding->client : wish->client;
	uint64_t hash, flow = tuple_hash(bindings, wish->flow);
	struct lease *lease;
	struct rw_tuple key;

	set_key(&key, wish->far, binding->ports, binding->port);
	hash = tuple_hash(bindings, &key);
	lease = lease_find_by(bindings, &key, hash);
	if (lease && atomic_load(&lease->flow) == flow && lease_join(lease)) {
		binding_leave(bindings, binding);	/* which it counts for already */
	} else if (client && !client_begin_flow(client, wish->pool->max_flows)) {
		*wish->limited = true;
		lease = NULL;
	} else {
		lease = lease_get(bindings, binding, &key, hash, flow, client);
	}
	if (!lease) {
		binding_leave(bindings, binding);
		return NULL;
	}
	atomic_store(&binding->policy, wish->policy);
	lease_open(bindings, wish->pool, lease);
	return lease;
}

static void set_inside(struct endpoint *inside, const struct pool *pool, const struct rw_tuple *flow)
{
	*inside = (struct endpoint){
		.pool = pool->key, .vni = flow->vni, .port = flow->sport,
		.protocol = flow->protocol, .address = flow->src,
	};
}

struct lease *bindings_reuse(struct bindings *bindings, const struct wish *wish)
{
	struct binding *binding;
	struct endpoint inside;
	const struct span *span;

	if (wish->pool->mapping != MAPPING_INDEPENDENT || wish->fresh)
		return NULL;
	set_inside(&inside, wish->pool, wish->flow);
	binding = find_inside(bindings, &inside);
	if (!binding)
		return NULL;
	span = snapshot_span(wish->snapshot, ports_vni(binding->ports),
			     ports_address(binding->ports), binding->port);
	if (!span || span->pool != wish->pool || span->ports != binding->ports) {
		/* The pool has changed: its flows go on, and there will be no more */
		cds_lfht_del(bindings->inside, &binding->by_inside);
		return NULL;
	}
	return item_join(&binding->item) ? lease_for(bindings, wish, binding) : NULL;
}

/* A port that nobody uses. */
static int take_port(const struct wish *wish, struct ports *ports, struct range range)
{
	const struct rw_tuple *flow = wish->flow;
	enum parity parity = !wish->pool->parity ? PARITY_ANY :
			     flow->sport % 2 ? PARITY_ODD : PARITY_EVEN;
	int port;

	if (wish->pool->preserve && flow->sport >= range.min && flow->sport <= range.max &&
	    ports_claim(ports, flow->protocol, flow->sport))
		return flow->sport;
	port = ports_take(ports, flow->protocol, range, parity, wish->random);
	if (port < 0 && parity != PARITY_ANY)
		port = ports_take(ports, flow->protocol, range, PARITY_ANY, wish->random);
	return port;
}

/*
 * Of which far end it is known that it has a lease of each port, as long as none has
 * ended since: the place to remember it, and what is remembered.
 */
static _Atomic uint64_t *lack(struct bindings *bindings, const struct rw_tuple *far,
			      const struct ports *ports, struct range range, uint64_t *known)
{
	struct {
		struct rw_tuple far;
		struct range range;
		uint64_t ports, ended;
	} key = { *far, range, (uintptr_t)ports, 0 };
	uint64_t place = siphash(&bindings->key, &key, sizeof(key));

	key.ended = atomic_load(&bindings->ended);
	*known = siphash(&bindings->key, &key, sizeof(key));
	return &bindings->lacks[place % LACKS];
}

/* A port that others use, with other far ends. */
static struct lease *share(struct bindings *bindings, const struct wish *wish, struct ports *ports,
			   struct range range)
{
	unsigned int count = range.max - range.min + 1U, i;
	unsigned int start = random_below(wish->random, count);
	_Atomic uint64_t *remembered;
	struct binding *binding;
	struct lease *lease;
	struct rw_tuple key;
	uint64_t known;

	set_key(&key, wish->far, ports, 0);
	remembered = lack(bindings, &key, ports, range, &known);
	if (atomic_load(remembered) == known)
		return NULL;
	for (i = 0; i < count; i++) {
		set_key(&key, wish->far, ports, range.min + (start + i) % count);
		if (lease_find(bindings, &key))
			continue;
		binding = find_public(bindings, ports, key.protocol, key.dport);
		if (binding && binding->independent)
			continue;
		if (!binding || !item_join(&binding->item)) {
			known = 0;	/* it comes or goes in this moment */
			continue;
		}
		lease = lease_for(bindings, wish, binding);
		if (lease || *wish->limited)
			return lease;
	}
	atomic_store(remembered, known);
	return NULL;
}

/* A binding of a port that nobody uses. */
static struct lease *take_new(struct bindings *bindings, const struct wish *wish,
			      struct ports *ports, uint16_t port, struct block *block)
{
	struct binding *binding;
	struct endpoint inside;
	struct lease *lease;

	set_inside(&inside, wish->pool, wish->flow);
	binding = binding_make(bindings, wish->pool, &inside, ports, port, wish->client, block);
	/* Another handler may have made one for the endpoint just now: that counts */
	if (binding->independent && !binding_index(bindings, binding)) {
		lease = bindings_reuse(bindings, wish);
		if (lease) {
			binding_leave(bindings, binding);
			return lease;
		}
	}
	return lease_for(bindings, wish, binding);
}

struct lease *bindings_take(struct bindings *bindings, const struct wish *wish,
			    struct ports *ports, struct range range, struct block *block)
{
	int port;

	if (wish->client && !client_charge(&wish->client->ports, wish->pool->max_ports)) {
		*wish->limited = true;
		return NULL;
	}
	port = take_port(wish, ports, range);
	if (port >= 0)
		return take_new(bindings, wish, ports, port, block);
	if (wish->client)
		client_uncharge(&wish->client->ports);
	return wish->pool->mapping == MAPPING_INDEPENDENT ? NULL :
	       share(bindings, wish, ports, range);
}

/* Whether the endpoint has spoken to whom the pool's filtering wants it to have. */
static bool lets_in(const struct bindings *bindings, const struct pool *pool,
		    const struct rw_tuple *packet)
{
	struct rw_tuple key = *packet;

	if (pool->filtering == FILTERING_INDEPENDENT)
		return true;
	if (pool->filtering == FILTERING_ADDRESS)
		key.sport = 0;
	return lease_find(bindings, &key);
}

enum entrance bindings_enter(struct bindings *bindings, const struct span *span,
			     const struct rw_tuple *packet, struct arrival *arrival)
{
	struct binding *binding = find_public(bindings, span->ports, packet->protocol, packet->dport);
	struct client *client;

	if (!binding || !binding->independent)
		return ENTRANCE_NONE;
	if (!lets_in(bindings, span->pool, packet) || !item_join(&binding->item))
		return ENTRANCE_CLOSED;
	arrival->policy = atomic_load(&binding->policy);
	arrival->flow = (struct rw_tuple){
		.vni = binding->inside.vni, .protocol = packet->protocol,
		.src = binding->inside.address, .sport = binding->inside.port,
		.dst = packet->src, .dport = packet->sport,
	};
	client = binding->client;
	arrival->lease = client && !client_begin_flow(client, span->pool->max_flows) ? NULL :
			 lease_get(bindings, binding, packet, tuple_hash(bindings, packet),
				   tuple_hash(bindings, &arrival->flow), client);
	if (arrival->lease)
		return ENTRANCE_OPEN;
	binding_leave(bindings, binding);
	return ENTRANCE_CLOSED;
}

/* Of a port that has just been claimed, for a flow that is there. */
static struct binding *binding_adopt(struct bindings *bindings, const struct use *use,
				     struct client *client)
{
	struct block *block = client ? client_adopt_port(client, use) : NULL;
	struct binding *binding;
	struct endpoint inside;

	set_inside(&inside, use->pool, &use->flow);
	binding = binding_make(bindings, use->pool, &inside, use->ports, use->key.dport, client,
			       block);
	if (block)
		item_leave(bindings, &block->item);
	if (binding->independent)
		binding_index(bindings, binding);
	return binding;
}

/*
 * A flow that is there, whoever made it: its lease, with a holder. NULL, a handler is
 * just about to use the port, or another endpoint has it for itself.
 */
struct lease *lease_adopt(struct bindings *bindings, const struct use *use, uint64_t hash,
			  uint64_t flow)
{
	struct binding *binding = find_public(bindings, use->ports, use->key.protocol, use->key.dport);
	struct client *client;
	struct lease *lease;

	if (binding ? !item_join(&binding->item) :
		      !ports_claim(use->ports, use->key.protocol, use->key.dport))
		return NULL;
	client = client_adopt(bindings, use);
	if (!binding)
		binding = binding_adopt(bindings, use, client);
	if (client)
		client_begin_flow(client, 0);
	lease = lease_get(bindings, binding, &use->key, hash, flow, client);
	if (client)
		client_left(bindings, client);
	if (!lease) {
		binding_leave(bindings, binding);
		return NULL;
	}
	atomic_store(&binding->policy, use->policy);
	lease_open(bindings, use->pool, lease);
	return lease;
}

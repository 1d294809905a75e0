// SPDX-License-Identifier: GPL-2.0
/* The virtual networks that this process decides for. */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "networks.h"
#include "scope.h"
#include "snapshot.h"

struct scope {
	pthread_mutex_t lock;		/* of the rest, and of the order in which the kernel is told */
	struct rw_networks networks;	/* that the kernel has, or gets when one listens */
	struct rw_networks configured;	/* of them */
	bool has_local;
	uint32_t local;
};

static void add(struct rw_networks *to, const uint32_t *vnis, unsigned int count)
{
	if (count)
		memcpy(to->vnis + to->count, vnis, count * sizeof(*vnis));
	to->count += count;
}

static struct rw_networks join(const struct rw_networks *one, const struct rw_networks *two)
{
	struct rw_networks both = { .count = 0 };

	both.vnis = allocate(one->count + two->count, sizeof(*both.vnis));
	add(&both, one->vnis, one->count);
	add(&both, two->vnis, two->count);
	networks_settle(&both);
	return both;
}

static bool same(const struct rw_networks *one, const struct rw_networks *two)
{
	return one->count == two->count &&
	       (!one->count || !memcmp(one->vnis, two->vnis, one->count * sizeof(*one->vnis)));
}

/*
 * A configuration without networks has no service, so it makes no flow, and what limits
 * nothing does no harm: to the kernel no network means all.
 */
static struct rw_networks complete(const struct rw_networks *configured, bool has_local,
				   uint32_t local)
{
	struct rw_networks own = { .vnis = &local, .count = has_local && configured->count };

	return join(configured, &own);
}

static struct rw_networks none(void)
{
	return (struct rw_networks){ .count = 0 };
}

struct scope *scope_new(const struct snapshot *snapshot)
{
	struct scope *scope = allocate(1, sizeof(*scope));
	struct rw_networks nothing = none();

	pthread_mutex_init(&scope->lock, NULL);
	scope->configured = join(&snapshot->vnis, &nothing);
	scope->networks = join(&scope->configured, &nothing);
	return scope;
}

void scope_free(struct scope *scope)
{
	pthread_mutex_destroy(&scope->lock);
	free(scope->networks.vnis);
	free(scope->configured.vnis);
	free(scope);
}

int scope_listen(struct scope *scope, struct rw_socket *socket, struct rw_error *error)
{
	uint32_t handlers;
	int ret;

	pthread_mutex_lock(&scope->lock);
	ret = rw_punt_listen(socket, &scope->networks, &handlers, error);
	pthread_mutex_unlock(&scope->lock);
	return ret;
}

/* Punts wait in the socket that its handler has to read, so the other one asks how it went. */
int scope_take_over(struct scope *scope, struct rw_socket *socket, struct rw_socket *other,
		    struct rw_error *error)
{
	int ret;

	pthread_mutex_lock(&scope->lock);
	ret = rw_punt_own(socket, &scope->networks);
	if (ret)
		rw_error_set(error, ret, "a socket that was taken over: %s", strerror(-ret));
	else
		ret = rw_network_set(other, &scope->networks, error);
	pthread_mutex_unlock(&scope->lock);
	return ret;
}

/* Locked. Configured is the scope's then, or freed. */
static int tell(struct scope *scope, struct rw_socket *socket, struct rw_networks configured,
		bool has_local, uint32_t local, struct error *error)
{
	struct rw_networks networks = complete(&configured, has_local, local);
	struct rw_error why;
	int ret = 0;

	if (!same(&networks, &scope->networks))
		ret = rw_network_set(socket, &networks, &why);
	/* A module that was loaded anew knows of no handler: they tell it when they listen again */
	if (ret && ret != -ESRCH) {
		free(networks.vnis);
		free(configured.vnis);
		return refuse(error, "networks: %s", why.sentence);
	}
	free(scope->networks.vnis);
	free(scope->configured.vnis);
	scope->networks = networks;
	scope->configured = configured;
	scope->has_local = has_local;
	scope->local = local;
	return 0;
}

int scope_set(struct scope *scope, struct rw_socket *socket, const struct snapshot *one,
	      const struct snapshot *two, struct error *error)
{
	struct rw_networks nothing = none();
	int ret;

	pthread_mutex_lock(&scope->lock);
	ret = tell(scope, socket, join(one ? &one->vnis : &nothing, two ? &two->vnis : &nothing),
		   scope->has_local, scope->local, error);
	pthread_mutex_unlock(&scope->lock);
	return ret;
}

int scope_set_local(struct scope *scope, struct rw_socket *socket, uint32_t vni,
		    struct error *error)
{
	struct rw_networks nothing = none();
	int ret = 0;

	pthread_mutex_lock(&scope->lock);
	if (!scope->has_local || scope->local != vni)
		ret = tell(scope, socket, join(&scope->configured, &nothing), true, vni, error);
	pthread_mutex_unlock(&scope->lock);
	return ret;
}

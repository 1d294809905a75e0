// SPDX-License-Identifier: GPL-2.0

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "address.h"
#include "binding_bench.h"

/* Addresses: a port each of 203.0.113.64 to .67, so that a test has a pool by its address. */
static const char text[] = "{\"pools\":["
	"{\"name\":\"eim\",\"vni\":0,\"addresses\":\"203.0.113.64\",\"ports\":\"1000-1015\",\"quarantine\":0},"
	"{\"name\":\"edm\",\"vni\":0,\"addresses\":\"203.0.113.65\",\"ports\":\"1000-1015\",\"quarantine\":0,"
	"\"mapping\":\"endpoint-dependent\"},"
	"{\"name\":\"adf\",\"vni\":0,\"addresses\":\"203.0.113.66\",\"quarantine\":0,\"filtering\":\"address-dependent\"},"
	"{\"name\":\"eif\",\"vni\":0,\"addresses\":\"203.0.113.67\",\"quarantine\":0,\"filtering\":\"endpoint-independent\"},"
	"{\"name\":\"rest\",\"vni\":0,\"addresses\":\"203.0.113.68\",\"ports\":\"1000-1001\",\"quarantine\":{\"tcp\":120,\"other\":30}},"
	"{\"name\":\"rest-edm\",\"vni\":0,\"addresses\":\"203.0.113.69\",\"ports\":\"1000-1001\","
	"\"mapping\":\"endpoint-dependent\"},"
	"{\"name\":\"even\",\"vni\":0,\"addresses\":\"203.0.113.70\",\"ports\":\"1000-1003\",\"parity\":true,\"quarantine\":0},"
	"{\"name\":\"same\",\"vni\":0,\"addresses\":\"203.0.113.71\",\"preserve\":true,\"quarantine\":0}],"
	"\"services\":["
	"{\"name\":\"s0\",\"id\":1,\"vni\":10,\"source\":{\"pool\":\"eim\"}},"
	"{\"name\":\"s1\",\"id\":2,\"vni\":11,\"source\":{\"pool\":\"edm\"}},"
	"{\"name\":\"s2\",\"id\":3,\"vni\":12,\"source\":{\"pool\":\"adf\"}},"
	"{\"name\":\"s3\",\"id\":4,\"vni\":13,\"source\":{\"pool\":\"eif\"}},"
	"{\"name\":\"s4\",\"id\":5,\"vni\":14,\"source\":{\"pool\":\"rest\"}},"
	"{\"name\":\"s5\",\"id\":6,\"vni\":15,\"source\":{\"pool\":\"rest-edm\"}},"
	"{\"name\":\"s6\",\"id\":7,\"vni\":16,\"source\":{\"pool\":\"even\"}},"
	"{\"name\":\"s7\",\"id\":8,\"vni\":17,\"source\":{\"pool\":\"same\"}}]}";

int bench_set_up(void **context)
{
	struct bench *bench = test_calloc(1, sizeof(*bench));
	struct error error;

	bench->snapshot = config_parse(text, NULL, &error);
	if (!bench->snapshot)
		fail_msg("%s", error.text);
	bench->bindings = bindings_new();
	random_seed(&bench->random);
	bench->now = 5000000;
	*context = bench;
	return 0;
}

int bench_tear_down(void **context)
{
	struct bench *bench = *context;

	bindings_free(bench->bindings);
	snapshot_free(bench->snapshot);
	test_free(bench);
	return 0;
}

struct rw_tuple bench_orig(struct ends ends)
{
	struct rw_tuple tuple = { .vni = 10 + ends.pool, .protocol = IPPROTO_UDP, .sport = ends.sport,
				  .dport = ends.dport };

	rw_addr_parse("10.0.0.0", &tuple.src);
	rw_addr_parse("192.0.2.0", &tuple.dst);
	tuple.src.bytes[3] = ends.client;
	tuple.dst.bytes[3] = ends.remote;
	return tuple;
}

struct lease *bench_take(struct bench *bench, struct ends ends, struct random *random, bool fresh)
{
	const struct pool *pool = &bench->snapshot->pools[ends.pool];
	bool limited = false;
	const struct rw_tuple orig = bench_orig(ends);
	const struct rw_tuple far = { .vni = pool->vni, .protocol = IPPROTO_UDP, .src = orig.dst,
				      .sport = orig.dport };
	const struct wish wish = { .snapshot = bench->snapshot, .pool = pool, .flow = &orig,
				   .far = &far, .policy = 1 + ends.pool, .random = random,
				   .fresh = fresh, .limited = &limited };
	struct lease *lease = bindings_reuse(bench->bindings, &wish);

	return lease ? lease : bindings_take(bench->bindings, &wish, pool->addresses[IPV4][0],
					     pool->ports, NULL);
}

void bench_look_begin(struct bench *bench)
{
	bindings_look_begin(bench->bindings, bench->now);
}

unsigned int bench_look_end(struct bench *bench)
{
	bench->now += 2000;
	return bindings_look_end(bench->bindings, bench->now);
}

unsigned int bench_look(struct bench *bench)
{
	bench_look_begin(bench);
	return bench_look_end(bench);
}

unsigned int bench_used(struct bench *bench, int pool)
{
	return ports_used(bench->snapshot->pools[pool].addresses[IPV4][0], IPPROTO_UDP,
			  (struct range){ 1, 65535 });
}

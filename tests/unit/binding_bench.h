/* SPDX-License-Identifier: GPL-2.0 */
/* Pools, a service for each, and their bindings, for the tests of those. */
#ifndef BINDING_BENCH_H
#define BINDING_BENCH_H

#include "binding.h"
#include "config.h"

enum { EIM, EDM, ADF, EIF, REST, REST_EDM, EVEN, SAME };

struct bench {
	struct snapshot *snapshot;
	struct bindings *bindings;
	struct random random;
	int64_t now;
	uint64_t id;
};

/* A flow from a client's port to one of a far end; both addresses by their last bytes. */
struct ends {
	int pool, client, sport, remote, dport;
};

int bench_set_up(void **context);
int bench_tear_down(void **context);
struct rw_tuple bench_orig(struct ends ends);
struct lease *bench_take(struct bench *bench, struct ends ends, struct random *random, bool fresh);
void bench_look_begin(struct bench *bench);
unsigned int bench_look_end(struct bench *bench);
unsigned int bench_look(struct bench *bench);
unsigned int bench_used(struct bench *bench, int pool);

#define TEST(name)	cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)

#endif

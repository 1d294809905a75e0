/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_ENGINE_H
#define REWIRED_ENGINE_H

#include <stdint.h>

struct affinity;
struct bindings;
struct memory;
struct metadata;
struct prober;
struct scope;
struct snapshot;

/* What threads share. */
struct engine {
	struct snapshot *snapshot;	/* under RCU; the state thread alone replaces it */
	struct memory *memory;
	struct metadata *metadata;
	struct affinity *affinity;
	struct prober *prober;		/* told of each new snapshot */
	struct bindings *bindings;
	struct scope *scope;
	_Atomic unsigned int module;	/* times that the module was there anew: handlers listen again */
};

#endif

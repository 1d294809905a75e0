/* SPDX-License-Identifier: GPL-2.0 */
/* A set of numbers, small where many are neighbours. */
#ifndef RW_IDS_H
#define RW_IDS_H

#include <stdint.h>

struct rw_ids;

/* NULL when there is no memory. */
struct rw_ids *rw_ids_new(void);
void rw_ids_free(struct rw_ids *ids);
/* 0, -EEXIST when it is there, or -ENOMEM. */
int rw_ids_add(struct rw_ids *ids, uint64_t id);

#endif

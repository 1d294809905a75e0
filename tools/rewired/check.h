/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_CHECK_H
#define REWIRED_CHECK_H

#include "log.h"
#include "snapshot.h"

/* Refuse what only shows when a snapshot's objects are seen together. */
int check_snapshot(const struct snapshot *snapshot, struct error *error);

#endif

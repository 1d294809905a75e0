/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_MACHINE_H
#define REWIRED_MACHINE_H

/* Before any thread begins, and when the process has no child any more to share pages with anew. */
void machine_set_up(void);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_MACHINE_H
#define REWIRED_MACHINE_H

/* Before any thread begins, and when the process has no child any more to share pages with anew. */
void machine_set_up(void);
/*
 * Have the heap's pages made, beside other work: first packets should not wait for them, but
 * neither should who has no daemon at all. The stop comes after it, if it comes.
 */
void machine_warm_up(void);
void machine_stop(void);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_MACHINE_H
#define REWIRED_MACHINE_H

/*
 * Flows that there is memory and room in tables for from the beginning. Who decides on more
 * waits for pages, and looks into longer chains until tables have grown.
 */
#define MACHINE_FLOWS	(1 << 18)
/* Of a record, a binding and a lease, as the heap has them. */
#define MACHINE_FLOW_BYTES	640

/* Before any thread begins, and when the process has no child any more to share pages with anew. */
void machine_set_up(void);
/*
 * Have the heap's pages made, beside other work: first packets should not wait for them, but
 * neither should who has no daemon at all. The stop comes after it, if it comes.
 */
void machine_warm_up(void);
void machine_stop(void);

#endif

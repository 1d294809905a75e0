/* SPDX-License-Identifier: GPL-2.0 */
/* Names of enumerations, as the specification has them. */
#ifndef REWIRE_NAMES_H
#define REWIRE_NAMES_H

#include <linux/types.h>

#define REWIRE_NAME_SIZE	32	/* of the longest, and more */

/* "none" for a value that has no name */
const char *rewire_reason_name(u32 value);
const char *rewire_punt_reason_name(u32 value);
const char *rewire_verdict_action_name(u32 value);

#endif /* REWIRE_NAMES_H */

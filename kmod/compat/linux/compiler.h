/* SPDX-License-Identifier: GPL-2.0 */
/* Early releases of kernel 6.1 do not have the attribute. */
#include_next <linux/compiler.h>

#ifndef __uninitialized
#define __uninitialized
#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_THREAD_H
#define REWIRED_THREAD_H

#include <pthread.h>

/* A thread by this name, of up to 15 characters, in ps -L and top -H. Without it the daemon ends. */
void thread_start(pthread_t *thread, const char *name, void *(*run)(void *data), void *data);

#endif

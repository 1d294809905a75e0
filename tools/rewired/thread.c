// SPDX-License-Identifier: GPL-2.0
/* The daemon's threads. */

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "thread.h"

void thread_start(pthread_t *thread, const char *name, void *(*run)(void *data), void *data)
{
	int error = pthread_create(thread, NULL, run, data);

	if (error) {
		log_line("no %s thread: %s", name, strerror(error));
		abort();
	}
	pthread_setname_np(*thread, name);
}

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_NEWS_H
#define REWIRED_NEWS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * What happens, from all threads to the clients of the control socket that have asked for it. It
 * is for what is rare: whoever tells takes a lock while somebody listens.
 */

#define NEWS_MAX	256		/* that wait; more are lost, and counted */

/* Takes the event, an object with strings and whole numbers. */
void news_tell(json_t *event);
/* From now on wake is called, by whoever tells; NULL, nobody listens. */
void news_listen(void (*wake)(void *data), void *data);
/* What has been told since, an array, and how many were lost. */
json_t *news_take(uint64_t *lost);

#endif

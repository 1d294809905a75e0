// SPDX-License-Identifier: GPL-2.0
/* News for the clients of the control socket. */

#include <pthread.h>
#include <stdatomic.h>

#include "news.h"

static struct {
	pthread_mutex_t lock;		/* of all but wanted */
	atomic_bool wanted;
	void (*wake)(void *data);
	void *data;
	json_t *waiting;
	uint64_t lost;
} news = { .lock = PTHREAD_MUTEX_INITIALIZER };

void news_tell(json_t *event)
{
	if (!event || !atomic_load(&news.wanted)) {
		json_decref(event);
		return;
	}
	pthread_mutex_lock(&news.lock);
	if (!news.waiting)
		news.waiting = json_array();
	if (json_array_size(news.waiting) < NEWS_MAX) {
		json_array_append_new(news.waiting, event);
	} else {
		json_decref(event);
		news.lost++;
	}
	if (news.wake)
		news.wake(news.data);
	pthread_mutex_unlock(&news.lock);
}

void news_listen(void (*wake)(void *data), void *data)
{
	pthread_mutex_lock(&news.lock);
	news.wake = wake;
	news.data = data;
	if (!wake) {
		json_decref(news.waiting);
		news.waiting = NULL;
		news.lost = 0;
	}
	atomic_store(&news.wanted, wake);
	pthread_mutex_unlock(&news.lock);
}

json_t *news_take(uint64_t *lost)
{
	json_t *taken;

	pthread_mutex_lock(&news.lock);
	taken = news.waiting;
	*lost = news.lost;
	news.waiting = NULL;
	news.lost = 0;
	pthread_mutex_unlock(&news.lock);
	return taken;
}

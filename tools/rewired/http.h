/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_HTTP_H
#define REWIRED_HTTP_H

#include <uv.h>

/* Checks by HTTP and HTTPS: libcurl, driven by the prober's loop. */
struct http;

/* By main, while there is one thread. */
struct http *http_new(uv_loop_t *loop);
/* No attempt is under way. The loop has to run once more. */
void http_free(struct http *http);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_CONTROL_H
#define REWIRED_CONTROL_H

#include <stdbool.h>
#include <uv.h>

#include "methods.h"
#include "takeover.h"

#define CONTROL_LINE_MAX	(64 << 20)
#define CONTROL_CLIENTS_MAX	64
#define CONTROL_LISTENERS_MAX	16

/* The server on the control socket. It runs in the loop's thread. */
struct control;

/* Bind and listen; nobody is answered before control_start. */
struct control *control_open(uv_loop_t *loop, const char *path, struct error *error);
/* The same in two steps, the first of which changes nothing; the second is tried until it succeeds. */
struct control *control_new(uv_loop_t *loop, const char *path, struct error *error);
void control_listen(struct control *control);
void control_start(struct control *control, struct daemon *daemon);
/* Clients that are told what happens. */
unsigned int control_listeners(const struct control *control);
/* Load the configuration anew and log what came of it. */
void control_reload(struct control *control);
/* When the loop was stopped: whether a taker asked for it, whose connection is the caller's then. */
bool control_taker(struct control *control, struct taker *taker);
/* It has taken nothing: the configuration is this daemon's again. */
void control_resume(struct control *control);
/* While one that has come too late is not gone, no other may take over. */
void control_set_late(struct control *control, bool late);
/* After the state thread has ended. Removes the socket. */
void control_close(struct control *control);

#endif

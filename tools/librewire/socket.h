/* SPDX-License-Identifier: GPL-2.0 */
/* A connection to the kernel's family. Threads may each have one; one is not for several threads. */
#ifndef RW_SOCKET_H
#define RW_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <libmnl/libmnl.h>

/* Room for any message of the kernel, and for any that this library sends. */
#define RW_MESSAGE_MAX	65536
#define RW_PATH_MAX	4
#define RW_RECEIVE_MAX	8		/* messages by one call */

/* Why a call failed. */
struct rw_error {
	int code;			/* -errno */
	char sentence[256];		/* the kernel's own when it gave one */
	uint16_t path[RW_PATH_MAX];	/* attributes from the outermost to the one at fault */
	unsigned int depth;		/* of path; 0, none was named */
	uint16_t missing;		/* the attribute that path lacks; 0, none was named */
};

struct rw_socket;

/* Called for each answer; not 0 ends the request with this value. */
typedef int rw_message_fn(const struct nlmsghdr *nlh, void *data);

/* NULL and an error of -ENOENT when the module is not loaded. */
struct rw_socket *rw_socket_open(struct rw_error *error);
/* One that another process has opened for the family as it is now, which like tells. NULL, as above. */
struct rw_socket *rw_socket_adopt(int fd, const struct rw_socket *like, struct rw_error *error);
void rw_socket_close(struct rw_socket *socket);
int rw_socket_fd(const struct rw_socket *socket);
/* The nlmsg_type of this family's messages. */
uint16_t rw_socket_family(const struct rw_socket *socket);
/* Sizes of the kernel's buffers in bytes; 0 leaves one as it is. Privileged, beyond the system's limit. */
int rw_socket_set_buffers(struct rw_socket *socket, int receive, int send);
/* Where messages go that are no answer (punts) while a request waits; without it they are lost. */
void rw_socket_set_notify(struct rw_socket *socket, rw_message_fn *notify, void *data);

/* Be sent the notifications of a group, REWIRE_MCGRP_... */
int rw_socket_join(struct rw_socket *socket, const char *group, struct rw_error *error);

/* Begin a message with the next sequence number in a buffer of at least MNL_NLMSG_HDRLEN + 4 bytes. */
struct nlmsghdr *rw_message_start(struct rw_socket *socket, void *buffer, uint8_t command,
				  uint16_t flags);
/* The command of a message of this family, or 0 for other messages. */
uint8_t rw_message_command(const struct rw_socket *socket, const struct nlmsghdr *nlh);
/*
 * The outcome that an NLMSG_ERROR or NLMSG_DONE message tells: 0 or -errno.
 * Request, when not NULL, is the message that it answers, to find the attribute at fault.
 */
int rw_message_outcome(const struct nlmsghdr *nlh, const struct nlmsghdr *request,
		       struct rw_error *error);

/* Send and wait for the outcome; 0 or -errno with error filled. */
int rw_socket_request(struct rw_socket *socket, struct nlmsghdr *nlh,
		      rw_message_fn *answer, void *data, struct rw_error *error);
/* As above, of many answers; -EINTR when objects changed meanwhile so that some may be missing. */
int rw_socket_dump(struct rw_socket *socket, struct nlmsghdr *nlh,
		   rw_message_fn *answer, void *data, struct rw_error *error);

/* For loops of one's own. 0 or -errno. */
int rw_socket_send(struct rw_socket *socket, const struct nlmsghdr *nlh);
/*
 * Bytes received, to be walked by mnl_nlmsg_ok and mnl_nlmsg_next, or -errno: -EAGAIN with
 * MSG_DONTWAIT in flags, -ENOBUFS when the kernel lost messages, -EMSGSIZE when the buffer is small.
 */
ssize_t rw_socket_receive(struct rw_socket *socket, void *buffer, size_t size, int flags);

/* The messages that wait, as many as there is room for, by one call to the kernel. */
struct rw_received {
	char data[RW_MESSAGE_MAX];
	ssize_t length;			/* or -EMSGSIZE; 0, it is not the kernel's */
};

/* How many were received, or -errno as above. Flags: also MSG_WAITFORONE. */
int rw_socket_receive_many(struct rw_socket *socket, struct rw_received *received,
			   unsigned int count, int flags);

/* Fill an error: a code and a sentence. Returns the code. */
int rw_error_set(struct rw_error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif

// SPDX-License-Identifier: GPL-2.0
/* A connection to the kernel's family. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/rewire.h>

#include "shape.h"
#include "socket.h"

struct rw_socket {
	struct mnl_socket *mnl;
	uint16_t family;
	uint32_t sequence;
	rw_message_fn *notify;
	void *notify_data;
	struct rw_received received[RW_RECEIVE_MAX];
};

static int get_family_id(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr = NULL;
	size_t length;
	const void *payload = rw_message_payload(nlh, &length);
	uint16_t *family = data;
	int ret;

	while ((attr = rw_attr_next(payload, length, attr, &ret)))
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    mnl_attr_get_payload_len(attr) == sizeof(*family))
			*family = mnl_attr_get_u16(attr);
	return ret;
}

static int resolve_family(struct rw_socket *socket, struct rw_error *error)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, CTRL_CMD_GETFAMILY, 0);
	uint16_t family = 0;
	int ret;

	nlh->nlmsg_type = GENL_ID_CTRL;
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, REWIRE_FAMILY_NAME);
	socket->family = GENL_ID_CTRL;
	ret = rw_socket_request(socket, nlh, get_family_id, &family, error);
	if (ret == -ENOENT || (!ret && !family))
		return rw_error_set(error, -ENOENT, "the rewire kernel module is not loaded");
	socket->family = family;
	return ret;
}

struct group {
	const char *name;
	uint32_t id;
};

static void look_at_group(const struct nlattr *nest, struct group *group)
{
	const struct nlattr *attr;
	const char *name = "";
	uint32_t id = 0;

	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			name = mnl_attr_get_str(attr);
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID &&
		    mnl_attr_get_payload_len(attr) == sizeof(id))
			id = mnl_attr_get_u32(attr);
	}
	if (!strcmp(name, group->name))
		group->id = id;
}

static int find_group(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr = NULL, *nest;
	size_t length;
	const void *payload = rw_message_payload(nlh, &length);
	int ret;

	while ((attr = rw_attr_next(payload, length, attr, &ret)))
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS)
			mnl_attr_for_each_nested(nest, attr)
				look_at_group(nest, data);
	return ret;
}

int rw_socket_join(struct rw_socket *socket, const char *name, struct rw_error *error)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *nlh = rw_message_start(socket, buffer, CTRL_CMD_GETFAMILY, 0);
	struct group group = { .name = name };
	int ret;

	nlh->nlmsg_type = GENL_ID_CTRL;
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, REWIRE_FAMILY_NAME);
	ret = rw_socket_request(socket, nlh, find_group, &group, error);
	if (ret)
		return ret;
	if (!group.id)
		return rw_error_set(error, -ENOENT, "the module has no notifications of this kind");
	if (mnl_socket_setsockopt(socket->mnl, NETLINK_ADD_MEMBERSHIP, &group.id,
				  sizeof(group.id)) < 0)
		return rw_error_set(error, -errno, "%s", strerror(errno));
	return 0;
}

struct rw_socket *rw_socket_open(struct rw_error *error)
{
	struct rw_socket *socket = calloc(1, sizeof(*socket));
	int one = 1;

	if (!socket) {
		rw_error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
		return NULL;
	}
	socket->mnl = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!socket->mnl || mnl_socket_bind(socket->mnl, 0, MNL_SOCKET_AUTOPID) < 0) {
		rw_error_set(error, -errno, "netlink: %s", strerror(errno));
		goto fail;
	}
	/* An old kernel without these gives errors without a sentence. */
	mnl_socket_setsockopt(socket->mnl, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(socket->mnl, NETLINK_CAP_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(socket->mnl, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	if (resolve_family(socket, error))
		goto fail;
	return socket;
fail:
	rw_socket_close(socket);
	return NULL;
}

struct rw_socket *rw_socket_adopt(int fd, const struct rw_socket *like, struct rw_error *error)
{
	struct rw_socket *socket = calloc(1, sizeof(*socket));

	if (socket)
		socket->mnl = mnl_socket_fdopen(fd);
	if (socket && socket->mnl) {
		socket->family = like->family;
		return socket;
	}
	rw_error_set(error, -errno, "netlink: %s", strerror(errno));
	free(socket);
	return NULL;
}

void rw_socket_close(struct rw_socket *socket)
{
	if (socket && socket->mnl)
		mnl_socket_close(socket->mnl);
	free(socket);
}

int rw_socket_fd(const struct rw_socket *socket)
{
	return mnl_socket_get_fd(socket->mnl);
}

uint16_t rw_socket_family(const struct rw_socket *socket)
{
	return socket->family;
}

static int set_buffer(int fd, int force, int plain, int size)
{
	if (size <= 0)
		return 0;
	if (!setsockopt(fd, SOL_SOCKET, force, &size, sizeof(size)))
		return 0;
	return setsockopt(fd, SOL_SOCKET, plain, &size, sizeof(size)) ? -errno : 0;
}

int rw_socket_set_buffers(struct rw_socket *socket, int receive, int send)
{
	int fd = rw_socket_fd(socket);
	int ret = set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, receive);

	return ret ? ret : set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, send);
}

void rw_socket_set_notify(struct rw_socket *socket, rw_message_fn *notify, void *data)
{
	socket->notify = notify;
	socket->notify_data = data;
}

struct nlmsghdr *rw_message_start(struct rw_socket *socket, void *buffer, uint8_t command,
				  uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

	if (!++socket->sequence)	/* 0 is what notifications have */
		socket->sequence = 1;
	nlh->nlmsg_type = socket->family;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = socket->sequence;
	genl->cmd = command;
	genl->version = REWIRE_FAMILY_VERSION;
	return nlh;
}

uint8_t rw_message_command(const struct rw_socket *socket, const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type != socket->family || mnl_nlmsg_get_payload_len(nlh) < sizeof(*genl))
		return 0;
	return genl->cmd;
}

int rw_socket_send(struct rw_socket *socket, const struct nlmsghdr *nlh)
{
	while (mnl_socket_sendto(socket->mnl, nlh, nlh->nlmsg_len) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

ssize_t rw_socket_receive(struct rw_socket *socket, void *buffer, size_t size, int flags)
{
	struct sockaddr_nl from = { 0 };
	struct iovec part = { .iov_base = buffer, .iov_len = size };
	struct msghdr message = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &part, .msg_iovlen = 1,
	};
	ssize_t length;

	do {
		length = recvmsg(rw_socket_fd(socket), &message, flags);
		if (length < 0 && errno != EINTR)
			return -errno;
	} while (length < 0 || from.nl_pid);	/* other processes may send here, too */
	return message.msg_flags & MSG_TRUNC ? -EMSGSIZE : length;
}

int rw_socket_receive_many(struct rw_socket *socket, struct rw_received *received,
			   unsigned int count, int flags)
{
	struct mmsghdr messages[RW_RECEIVE_MAX];
	struct sockaddr_nl from[RW_RECEIVE_MAX] = { 0 };
	struct iovec parts[RW_RECEIVE_MAX];
	int i, number;

	if (count > RW_RECEIVE_MAX)
		count = RW_RECEIVE_MAX;
	for (i = 0; i < (int)count; i++) {
		parts[i] = (struct iovec){ received[i].data, sizeof(received[i].data) };
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &from[i], .msg_namelen = sizeof(from[i]),
			.msg_iov = &parts[i], .msg_iovlen = 1,
		};
	}
	do
		number = recvmmsg(rw_socket_fd(socket), messages, count, flags, NULL);
	while (number < 0 && errno == EINTR);
	if (number < 0)
		return -errno;
	for (i = 0; i < number; i++) {
		received[i].length = messages[i].msg_len;
		if (messages[i].msg_hdr.msg_flags & MSG_TRUNC)
			received[i].length = -EMSGSIZE;
		if (from[i].nl_pid)
			received[i].length = 0;	/* other processes may send here, too */
	}
	return number;
}

struct exchange {
	const struct nlmsghdr *request;
	rw_message_fn *answer;
	void *data;
	struct rw_error *error;
	int first;		/* failure */
	bool done, interrupted;
};

static int take_message(struct rw_socket *socket, const struct nlmsghdr *nlh, struct exchange *exchange)
{
	if (nlh->nlmsg_seq != exchange->request->nlmsg_seq) {
		if (!nlh->nlmsg_seq && socket->notify)
			socket->notify(nlh, socket->notify_data);
		return 0;
	}
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		exchange->interrupted = true;
	if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
		exchange->done = true;
		return rw_message_outcome(nlh, exchange->request, exchange->error);
	}
	if (nlh->nlmsg_type != exchange->request->nlmsg_type || !exchange->answer)
		return 0;
	return exchange->answer(nlh, exchange->data);
}

/* The first failure counts, but what else the kernel answers must not wait for the next request. */
static void take_messages(struct rw_socket *socket, const struct rw_received *received,
			  struct exchange *exchange)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)received->data;
	int length = received->length;

	for (; mnl_nlmsg_ok(nlh, length); nlh = mnl_nlmsg_next(nlh, &length)) {
		int ret = take_message(socket, nlh, exchange);

		if (!ret || exchange->first)
			continue;
		exchange->first = ret;
		exchange->answer = NULL;
	}
}

/* While messages are received the kernel goes on with a list, so one call gets many of them. */
static int run_exchange(struct rw_socket *socket, struct exchange *exchange)
{
	int i, number, ret = rw_socket_send(socket, exchange->request);

	while (!ret && !exchange->done) {
		number = rw_socket_receive_many(socket, socket->received, RW_RECEIVE_MAX,
						MSG_WAITFORONE);
		ret = number < 0 ? number : 0;
		for (i = 0; i < number && !ret; i++) {
			if (socket->received[i].length < 0)
				ret = socket->received[i].length;
			else
				take_messages(socket, &socket->received[i], exchange);
		}
	}
	if (ret)
		return rw_error_set(exchange->error, ret, "netlink: %s", strerror(-ret));
	if (exchange->first == -EBADMSG && !exchange->error->code)
		rw_error_set(exchange->error, exchange->first, "The kernel's answer is malformed");
	return exchange->first;
}

int rw_socket_request(struct rw_socket *socket, struct nlmsghdr *nlh,
		      rw_message_fn *answer, void *data, struct rw_error *error)
{
	struct exchange exchange = {
		.request = nlh, .answer = answer, .data = data, .error = error,
	};

	memset(error, 0, sizeof(*error));
	nlh->nlmsg_flags |= NLM_F_ACK;
	return run_exchange(socket, &exchange);
}

int rw_socket_dump(struct rw_socket *socket, struct nlmsghdr *nlh,
		   rw_message_fn *answer, void *data, struct rw_error *error)
{
	struct exchange exchange = {
		.request = nlh, .answer = answer, .data = data, .error = error,
	};
	int ret;

	memset(error, 0, sizeof(*error));
	nlh->nlmsg_flags |= NLM_F_DUMP;
	ret = run_exchange(socket, &exchange);
	if (!ret && exchange.interrupted)
		return rw_error_set(error, -EINTR, "Objects changed while they were listed");
	return ret;
}

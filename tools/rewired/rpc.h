/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REWIRED_RPC_H
#define REWIRED_RPC_H

#include <jansson.h>

/* JSON-RPC 2.0, one message a line. */

enum rpc_code {
	RPC_PARSE_ERROR		= -32700,
	RPC_INVALID_REQUEST	= -32600,
	RPC_METHOD_NOT_FOUND	= -32601,
	RPC_INVALID_PARAMS	= -32602,
	RPC_INTERNAL_ERROR	= -32603,
	RPC_REFUSED		= -32000,	/* well asked, but it cannot be done */
};

struct rpc_request {
	json_t *message;		/* what the others are parts of */
	const char *method;
	const json_t *params;		/* an object, or NULL */
	json_t *id;			/* NULL, no answer is wanted */
};

/* 0 and a request to be freed, or -1 and the line to answer with. */
int rpc_parse(const char *line, size_t length, struct rpc_request *request, char **answer);
void rpc_free(struct rpc_request *request);

/*
 * A sentence as JSON. Sentences hold what others wrote, and are cut in bytes: each byte that
 * belongs to no whole character of UTF-8 becomes a question mark.
 */
json_t *rpc_text(const char *text);

/* A line to answer with, its newline included; NULL when id is, never else. Takes result. */
char *rpc_result(const json_t *id, json_t *result);
char *rpc_error(const json_t *id, enum rpc_code code, const char *message);
/* A line that nobody has asked for; does not take params. */
char *rpc_notification(const char *method, json_t *params);
/* An error about a part of a configuration, which is the error's data; "", none. */
char *rpc_error_at(const json_t *id, enum rpc_code code, const char *message, const char *where);

#endif

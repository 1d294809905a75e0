// SPDX-License-Identifier: GPL-2.0
/* Lines of JSON-RPC 2.0. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc.h"

/* Takes the message. */
static char *print_line(json_t *message)
{
	char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
	size_t length = text ? strlen(text) : 0;
	char *line = text ? realloc(text, length + 2) : NULL;

	json_decref(message);
	if (!line) {
		free(text);
		return NULL;
	}
	line[length] = '\n';
	line[length + 1] = 0;
	return line;
}

char *rpc_result(const json_t *id, json_t *result)
{
	if (!id) {
		json_decref(result);
		return NULL;
	}
	return print_line(json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", id,
				    "result", result));
}

/* How many bytes a character has; 0, it is no UTF-8. */
static size_t character(const char *text)
{
	json_t *string = NULL;
	size_t n;

	for (n = 1; !string && n <= strnlen(text, 4); n++)
		string = json_stringn(text, n);
	json_decref(string);
	return string ? n - 1 : 0;
}

/* Words of others are quoted, and cut, maybe within a character: JSON has no half ones. */
static json_t *print_sentence(const char *text)
{
	json_t *string = json_string(text);
	char *copy, *at;
	size_t n;

	if (string)
		return string;
	copy = strdup(text);
	for (at = copy; *at; at += n) {
		n = character(at);
		if (!n) {
			*at = '?';
			n = 1;
		}
	}
	string = json_string(copy);
	free(copy);
	return string;
}

char *rpc_error_at(const json_t *id, enum rpc_code code, const char *message, const char *where)
{
	json_t *error;

	if (!id)
		return NULL;
	error = json_pack("{s:i, s:o}", "code", code, "message", print_sentence(message));
	if (error && where[0])
		json_object_set_new(error, "data", json_pack("{s:o}", "where", print_sentence(where)));
	return print_line(json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", id, "error", error));
}

char *rpc_error(const json_t *id, enum rpc_code code, const char *message)
{
	return rpc_error_at(id, code, message, "");
}

static const char *read_request(struct rpc_request *request)
{
	const json_t *version = json_object_get(request->message, "jsonrpc");
	const json_t *method = json_object_get(request->message, "method");
	json_t *params = json_object_get(request->message, "params");
	json_t *id = json_object_get(request->message, "id");

	if (!json_is_object(request->message))
		return "a request is one object";
	if (!json_is_string(version) || strcmp(json_string_value(version), "2.0"))
		return "jsonrpc is not \"2.0\"";
	if (id && !json_is_string(id) && !json_is_number(id) && !json_is_null(id))
		return "id is neither a string nor a number";
	if (!json_is_string(method))
		return "method is not a string";
	if (params && !json_is_object(params))
		return "params is not an object";
	request->method = json_string_value(method);
	request->params = params;
	request->id = id;
	return NULL;
}

int rpc_parse(const char *line, size_t length, struct rpc_request *request, char **answer)
{
	char sentence[256];
	json_error_t where;
	const char *wrong;

	memset(request, 0, sizeof(*request));
	request->message = json_loadb(line, length, JSON_REJECT_DUPLICATES, &where);
	if (!request->message) {
		snprintf(sentence, sizeof(sentence), "column %d: %s", where.column, where.text);
		*answer = rpc_error(json_null(), RPC_PARSE_ERROR, sentence);
		return -1;
	}
	wrong = read_request(request);
	if (!wrong)
		return 0;
	*answer = rpc_error(json_null(), RPC_INVALID_REQUEST, wrong);
	rpc_free(request);
	return -1;
}

void rpc_free(struct rpc_request *request)
{
	json_decref(request->message);
	memset(request, 0, sizeof(*request));
}

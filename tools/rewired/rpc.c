// SPDX-License-Identifier: GPL-2.0
/* Lines of JSON-RPC 2.0. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "rpc.h"

/* Bytes of the character that a text begins with; 0, of none. */
static size_t character_length(const char *text)
{
	size_t length, max = strnlen(text, 4);
	json_t *character;

	for (length = 1; length <= max; length++) {
		character = json_stringn(text, length);
		json_decref(character);
		if (character)
			return length;
	}
	return 0;
}

json_t *rpc_text(const char *text)
{
	json_t *valid = json_string(text);
	char *copy, *c;
	size_t length;

	if (valid)
		return valid;
	copy = allocate(1, strlen(text) + 1);
	strcpy(copy, text);
	for (c = copy; *c; c += length) {
		length = character_length(c);
		if (!length) {
			*c = '?';
			length = 1;
		}
	}
	valid = json_string(copy);
	free(copy);
	return valid;
}

/* Takes the message. Who waits for an answer gets one, even if it cannot be written. */
static char *print_line(json_t *message)
{
	static const char failed[] = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":"
		"{\"code\":-32603,\"message\":\"the answer cannot be written\"}}";
	char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
	const char *answer = text ? text : failed;
	size_t length = strlen(answer);
	char *line = allocate(1, length + 2);

	memcpy(line, answer, length);
	line[length] = '\n';
	json_decref(message);
	free(text);
	return line;
}

char *rpc_result(const json_t *id, json_t *result)
{
	if (!id) {
		json_decref(result);
		return NULL;
	}
	if (!result)
		return rpc_error(id, RPC_INTERNAL_ERROR, "the answer cannot be written");
	return print_line(json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", id,
				    "result", result));
}

char *rpc_notification(const char *method, json_t *params)
{
	return print_line(json_pack("{s:s, s:s, s:O}", "jsonrpc", "2.0", "method", method,
				    "params", params));
}

char *rpc_error_at(const json_t *id, enum rpc_code code, const char *message, const char *where)
{
	json_t *error;

	if (!id)
		return NULL;
	error = json_pack("{s:i, s:o}", "code", code, "message", rpc_text(message));
	if (error && where[0])
		json_object_set_new(error, "data", json_pack("{s:o}", "where", rpc_text(where)));
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

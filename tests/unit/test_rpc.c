// SPDX-License-Identifier: GPL-2.0
/* The control socket's parser: whatever comes gets one line of valid JSON. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "config.h"
#include "json_line.h"
#include "rpc.h"
#include "siphash.h"

static int code_of(char *line)
{
	json_t *answer = json_loads(line, 0, NULL);
	int code;

	assert_non_null(answer);
	assert_string_equal(json_string_value(json_object_get(answer, "jsonrpc")), "2.0");
	assert_true(json_is_null(json_object_get(answer, "id")));
	assert_int_equal(strchr(line, '\n') - line, strlen(line) - 1);
	code = json_integer_value(json_object_get(json_object_get(answer, "error"), "code"));
	json_decref(answer);
	free(line);
	return code;
}

/* The code of the error, or 0 for a request that is taken. */
static int parse(const char *line, size_t length)
{
	struct rpc_request request;
	char *answer = NULL;
	int code;

	if (rpc_parse(line, length, &request, &answer)) {
		code = code_of(answer);
		assert_int_not_equal(code, RPC_INTERNAL_ERROR);
		return code;
	}
	assert_non_null(request.method);
	rpc_free(&request);
	return 0;
}

static void requests_are_taken(void **context)
{
	static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"m\",\"params\":{\"a\":1}}";
	struct rpc_request request;
	char *answer;

	(void)context;
	assert_int_equal(rpc_parse(line, strlen(line), &request, &answer), 0);
	assert_string_equal(request.method, "m");
	assert_int_equal(json_integer_value(json_object_get(request.params, "a")), 1);
	answer = rpc_result(request.id, json_string("x\ny"));
	assert_string_equal(answer, "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":\"x\\ny\"}\n");
	free(answer);
	rpc_free(&request);
}

static void a_notification_gets_no_answer(void **context)
{
	(void)context;
	assert_null(rpc_result(NULL, json_true()));
	assert_null(rpc_error(NULL, RPC_REFUSED, "no"));
}

static void garbage_is_answered(void **context)
{
	static const struct {
		const char *line;
		int code;
	} lines[] = {
		{ "", RPC_PARSE_ERROR }, { "{", RPC_PARSE_ERROR }, { "nonsense", RPC_PARSE_ERROR },
		{ "{\"a\":1,\"a\":2}", RPC_PARSE_ERROR }, { "\xff\xfe", RPC_PARSE_ERROR },
		{ "{} {}", RPC_PARSE_ERROR },
		{ "[]", RPC_INVALID_REQUEST }, { "{}", RPC_INVALID_REQUEST },
		{ "{\"jsonrpc\":2.0,\"method\":\"m\"}", RPC_INVALID_REQUEST },
		{ "{\"jsonrpc\":\"2.0\"}", RPC_INVALID_REQUEST },
		{ "{\"jsonrpc\":\"2.0\",\"method\":7}", RPC_INVALID_REQUEST },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":{}}", RPC_INVALID_REQUEST },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":[1]}", RPC_INVALID_REQUEST },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"m\"}", 0 },
	};
	size_t i;

	(void)context;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(parse(lines[i].line, strlen(lines[i].line)), lines[i].code);
	assert_int_equal(parse("{}\0{}", 5), RPC_PARSE_ERROR);
}

/* A good line with bytes changed, cut off or put in. */
static void broken_lines_never_crash(void **context)
{
	static const char good[] = "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"config.apply\","
				   "\"params\":{\"config\":{\"pools\":[]},\"dry_run\":true}}";
	struct random random;
	char line[sizeof(good)];
	int i, changes, taken = 0;

	(void)context;
	random_seed(&random);
	for (i = 0; i < 50000; i++) {
		memcpy(line, good, sizeof(good));
		for (changes = random_below(&random, 4); changes > 0; changes--)
			line[random_below(&random, sizeof(good) - 1)] = random_below(&random, 256);
		taken += !parse(line, random_below(&random, 2) ? sizeof(good) - 1 :
				      random_below(&random, sizeof(good)));
	}
	assert_in_range(taken, 1, 49999);
}

/* What is said of a text is a sentence that can be sent. */
static void assert_answered(const char *sentence)
{
	json_t *id = json_null();

	assert_int_equal(code_of(rpc_error_at(id, RPC_REFUSED, sentence, sentence)), RPC_REFUSED);
}

static void assert_sentence(const char *said, const char *sent)
{
	json_t *text = rpc_text(said);

	assert_non_null(text);
	assert_string_equal(json_string_value(text), sent);
	json_decref(text);
}

static void sentences_are_valid(void **context)
{
	(void)context;
	assert_sentence("", "");
	assert_sentence("key \"caf\xc3\xa9\"", "key \"caf\xc3\xa9\"");
	assert_sentence("key \"caf\xc3\"", "key \"caf?\"");
	assert_sentence("\xe2\x82\xac \xe2\x82", "\xe2\x82\xac ??");
	assert_sentence("\xf0\x9f\x98\x80\xf0\x9f\x98x", "\xf0\x9f\x98\x80???x");
	assert_sentence("\xa9\xff\xc0\x80\xed\xa0\x80", "???????");
}

static void what_cannot_be_written_is_answered(void **context)
{
	(void)context;
	assert_int_equal(code_of(rpc_result(json_null(), NULL)), RPC_INTERNAL_ERROR);
	assert_int_equal(code_of(rpc_result(json_null(), json_string_nocheck("\xff"))),
			 RPC_INTERNAL_ERROR);
}

static const char *const characters[] = { "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };

/* Wherever a sentence that quotes a name cuts it, in the middle of a character, too. */
static void long_names_are_answered(void **context)
{
	static const char *const formats[] = {
		"{\"%s\":1}",
		"{\"pools\":[{\"name\":\"p\",\"%s\":1}]}",
		"{\"services\":[{\"name\":\"s\",\"id\":1,\"vni\":0,\"dst\":\"%s\"}]}",
		"{\"services\":[{\"name\":\"s\",\"id\":1,\"vni\":0,\"protocol\":\"tcp\",\"dport\":\"%s\"}]}",
		"{\"services\":[{\"name\":\"s\",\n\"id\":1,\"vni\":0,\"source\":{\"pool\":\"%s\"}}]}",
		"{\n\"pools\":[{\"name\":\"p\",\"vni\":0,\"ports\":\"%s\",\"addresses\":\"10.0.0.1\"}]}",
	};
	char name[700], text[1024];
	struct error error;
	size_t i, c, before, length;

	(void)context;
	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		for (c = 0; c < sizeof(characters) / sizeof(characters[0]); c++) {
			for (before = 0; before < 4; before++) {
				memset(name, 'a', before);
				for (length = before; length < 600; length += strlen(characters[c]))
					strcpy(name + length, characters[c]);
				snprintf(text, sizeof(text), formats[i], name);
				memset(&error, 0, sizeof(error));
				assert_null(config_parse(text, NULL, &error));
				assert_true(error.text[0]);
				assert_answered(error.text);
			}
		}
	}
}

/* A parser's sentences quote what it stumbled over, which may end anywhere. */
static void broken_characters_are_answered(void **context)
{
	static const char good[] = "{\"jsonrpc\":\"2.0\",\"\xc3\xa9\xe2\x82\xac\":\"\xf0\x9f\x98\x80\"}";
	char line[128];
	size_t at, c, cut;

	(void)context;
	for (at = 0; at < sizeof(good); at++) {
		for (c = 0; c < sizeof(characters) / sizeof(characters[0]); c++) {
			for (cut = 1; cut <= strlen(characters[c]); cut++) {
				snprintf(line, sizeof(line), "%.*s\\%.*s%s", (int)at, good, (int)cut,
					 characters[c], good + at);
				assert_int_equal(parse(line, strlen(line)), RPC_PARSE_ERROR);
				assert_int_equal(parse(line, at + 1 + cut), RPC_PARSE_ERROR);
			}
		}
	}
}

static void deep_nesting_is_refused(void **context)
{
	char *line = malloc(100000);

	(void)context;
	memset(line, '[', 100000);
	assert_int_equal(parse(line, 100000), RPC_PARSE_ERROR);
	free(line);
}

static void lines_are_found(void **context)
{
	static const char text[] =
		"\n{ \"a\\\"{\": [1,\n 2, \"]\",\n\"\\\\\"],\n \"list\": [ { \"b\": {} }\n, [ ],\n"
		" { \"c\": [ -1.5e3, true\n, null ] } ],\n \"d\" :\n 7 }";

	(void)context;
	assert_int_equal(rw_json_line(text, ""), 2);
	assert_int_equal(rw_json_line(text, "list"), 5);
	assert_int_equal(rw_json_line(text, "list[0].b"), 5);
	assert_int_equal(rw_json_line(text, "list[1]"), 6);
	assert_int_equal(rw_json_line(text, "list[2].c[1]"), 7);
	assert_int_equal(rw_json_line(text, "list[2].c[2]"), 8);
	assert_int_equal(rw_json_line(text, "d"), 10);
	assert_int_equal(rw_json_line(text, "list[3]"), 0);
	assert_int_equal(rw_json_line(text, "list[1][0]"), 0);
	assert_int_equal(rw_json_line(text, "b"), 0);
	assert_int_equal(rw_json_line(text, "d.e"), 0);
	assert_int_equal(rw_json_line("", "a"), 0);
	assert_int_equal(rw_json_line("{\"a\":", "a"), 0);
	assert_int_equal(rw_json_line("{\"a", "a"), 0);
	assert_int_equal(rw_json_line("[1,\"", "[1]"), 1);
	assert_int_equal(rw_json_line("[[[", "[0]"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_found),
		cmocka_unit_test(requests_are_taken),
		cmocka_unit_test(a_notification_gets_no_answer),
		cmocka_unit_test(garbage_is_answered),
		cmocka_unit_test(broken_lines_never_crash),
		cmocka_unit_test(sentences_are_valid),
		cmocka_unit_test(what_cannot_be_written_is_answered),
		cmocka_unit_test(long_names_are_answered),
		cmocka_unit_test(broken_characters_are_answered),
		cmocka_unit_test(deep_nesting_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

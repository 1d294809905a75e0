// SPDX-License-Identifier: GPL-2.0
/* Addresses, ports, numbers and protocols as text. */

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "librewire.h"

static struct rw_addr addr(const char *text)
{
	struct rw_addr addr;

	assert_null(rw_addr_parse(text, &addr));
	return addr;
}

static void test_addresses(void **state)
{
	static const char *const bad[] = {
		"", "300.1.1.1", "1.2.3", "1.2.3.4.5", "::g", "[::1]", "1.2.3.4 ", "10.0.0.1/8",
	};
	struct rw_addr got;
	char text[RW_ADDR_TEXT];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_string_equal(rw_addr_parse(bad[i], &got), "is not an address");
	got = addr("10.0.255.100");
	assert_string_equal(rw_addr_print(text, &got), "10.0.255.100");
	got.family = 0;
	assert_string_equal(rw_addr_print(text, &got), "none");
	got = addr("2001:DB8:0::1");
	assert_string_equal(rw_addr_print(text, &got), "2001:db8::1");
	got = addr("::ffff:255.255.255.255");
	assert_string_equal(rw_addr_print(text, &got), "::ffff:255.255.255.255");
}

static void test_prefixes(void **state)
{
	static const char *const good[] = {
		"0.0.0.0/0", "10.0.0.0/9", "10.128.0.0/9", "1.2.3.4", "::/0", "fc00::/7", "fd00::1",
	};
	static const char *const bad[] = {
		"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "10.128.0.0/8",
		"fd00::1/127", "fd00::/7", "::/129", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/64",
	};
	struct rw_addr prefix, inside = addr("10.127.0.1"), outside = addr("10.128.0.0");
	char text[RW_PREFIX_TEXT];
	uint8_t len;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_null(rw_prefix_parse(good[i], &prefix, &len));
		assert_string_equal(rw_prefix_print(text, &prefix, len), good[i]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(rw_prefix_parse(bad[i], &prefix, &len));
	assert_null(rw_prefix_parse("10.0.0.0/9", &prefix, &len));
	assert_true(rw_prefix_contains(&prefix, len, &inside));
	assert_false(rw_prefix_contains(&prefix, len, &outside));
	outside = addr("a00::");
	assert_false(rw_prefix_contains(&prefix, len, &outside));
}

static void test_endpoints(void **state)
{
	static const char *const bad[] = {
		"", ":80", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:0x", "[::1", "[::1]80",
		"[::1]:", "[1.2.3.4]:80", "1.2.3.4:80:80", "[]:80",
	};
	struct rw_addr got;
	char text[RW_ENDPOINT_TEXT];
	int port;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(rw_endpoint_parse(bad[i], &got, &port));
	assert_null(rw_endpoint_parse("[fd00::1]:65535", &got, &port));
	assert_int_equal(port, 65535);
	assert_string_equal(rw_endpoint_print(text, &got, port), "[fd00::1]:65535");
	assert_null(rw_endpoint_parse("fd00::1", &got, &port));
	assert_int_equal(port, -1);
	assert_null(rw_endpoint_parse("[fd00::1]", &got, &port));
	assert_int_equal(port, -1);
	assert_null(rw_endpoint_parse("1.2.3.4:0", &got, &port));
	assert_string_equal(rw_endpoint_print(text, &got, port), "1.2.3.4:0");
}

static void test_numbers(void **state)
{
	char text[RW_NUMBER_TEXT];
	uint64_t number;
	uint16_t min, max;
	uint8_t protocol;

	(void)state;
	assert_true(rw_number_parse("18446744073709551615", 0, UINT64_MAX, &number));
	assert_true(number == UINT64_MAX);
	assert_true(rw_number_parse("0x1F", 0, 31, &number));
	assert_int_equal(number, 31);
	assert_ptr_equal(rw_number_print(text, UINT64_MAX), text + 20);
	assert_string_equal(text, "18446744073709551615");
	assert_ptr_equal(rw_number_print(text, 0), text + 1);
	assert_string_equal(text, "0");
	assert_false(rw_number_parse("18446744073709551616", 0, UINT64_MAX, &number));
	assert_false(rw_number_parse("32", 0, 31, &number));
	assert_false(rw_number_parse("0", 1, 31, &number));
	assert_false(rw_number_parse("", 0, 31, &number));
	assert_false(rw_number_parse("0x", 0, 31, &number));
	assert_false(rw_number_parse(" 1", 0, 31, &number));
	assert_false(rw_number_parse("1a", 0, 31, &number));
	assert_null(rw_ports_parse("80", &min, &max));
	assert_int_equal(min, 80);
	assert_int_equal(max, 80);
	assert_null(rw_ports_parse("1-65535", &min, &max));
	assert_non_null(rw_ports_parse("80-79", &min, &max));
	assert_non_null(rw_ports_parse("0-79", &min, &max));
	assert_non_null(rw_ports_parse("1-", &min, &max));
	assert_null(rw_protocol_parse("icmpv6", &protocol));
	assert_int_equal(protocol, IPPROTO_ICMPV6);
	assert_null(rw_protocol_parse("47", &protocol));
	assert_int_equal(protocol, 47);
	assert_non_null(rw_protocol_parse("0", &protocol));
	assert_non_null(rw_protocol_parse("tcp6", &protocol));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
